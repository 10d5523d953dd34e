package web

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"linkletter/feed"
)

// tree is the static tree, and nothing outside of it: an os.Root keeps paths and symbolic links from leading out.
type tree struct {
	public string

	mu   sync.Mutex
	root *os.Root // nil: not opened yet
}

// file answers for one path of the tree, which begins with a slash.
func (h *handler) file(w *response, r *http.Request, name string, now time.Time) {
	if h.movedList(w, r, name) {
		return
	}
	file, ok := fileOf(name)
	if !ok {
		h.missing(w, r, name)
		return
	}
	d, err := h.document(file, now)
	if err == nil {
		w.kind = d.kind
		err = h.answer(w, r, d, now)
	}
	switch {
	case errors.Is(err, errFolder):
		if allow(w, r, http.MethodGet) {
			redirect(w, r, h.prefix+name+"/")
		}
	case missing(err):
		h.missing(w, r, name)
	case err != nil:
		h.trouble(w, r, err)
	}
}

// errFolder says that a path names a folder, whose address has a slash at its end.
var errFolder = errors.New("it is a folder")

// document gives a file of the tree as it is now.
func (h *handler) document(file string, now time.Time) (*document, error) {
	if d := h.cache.recent(file, now); d != nil {
		return d, nil
	}
	root, info, err := h.tree.stat(file)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errFolder
	case !info.Mode().IsRegular(), besideAnother(root, file):
		return nil, fs.ErrNotExist
	}
	return h.cache.get(file, info, now, func(d *document) error { return h.load(d, root, file, now) })
}

// besideAnother says whether a file is a sidecar of the one that it stands beside. That one has an address, and the
// sidecar is had there: an address has one spelling.
func besideAnother(root *os.Root, file string) bool {
	ext := path.Ext(file)
	if ext == "" || !slices.ContainsFunc(codings[:], func(c codingInfo) bool { return c.Ext == ext }) {
		return false
	}
	info, err := root.Stat(strings.TrimSuffix(file, ext))
	return err == nil && info.Mode().IsRegular()
}

// fileOf is the file of the tree that a path names. Hidden files are none, nor are paths that can be written shorter: an
// address has one spelling.
func fileOf(name string) (file string, ok bool) {
	if strings.HasSuffix(name, "/") {
		name += feed.PageFile
	}
	file = name[1:]
	if !fs.ValidPath(file) || strings.ContainsAny(file, "\x00\\") {
		return "", false
	}
	return file, !strings.HasPrefix(file, ".") && !strings.Contains(file, "/.")
}

// stat looks a file up. When there is none, the tree itself may have been removed and written anew, and is opened again.
func (t *tree) stat(file string) (*os.Root, fs.FileInfo, error) {
	root, err := t.open(nil)
	if err != nil {
		return nil, nil, err
	}
	info, err := root.Stat(file)
	if err == nil || !missing(err) {
		return root, info, err
	}
	now, statErr := os.Stat(t.public)
	was, rootErr := root.Stat(".")
	if statErr != nil || rootErr == nil && os.SameFile(now, was) {
		return nil, nil, err
	}
	if root, err = t.open(root); err != nil {
		return nil, nil, err
	}
	info, err = root.Stat(file)
	return root, info, err
}

// open gives the opened tree, another one than stale. A stale one is left to the garbage collector, because requests may
// still read from it.
func (t *tree) open(stale *os.Root) (*os.Root, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.root == nil || t.root == stale {
		root, err := os.OpenRoot(t.public)
		if err != nil {
			return nil, err
		}
		t.root = root
	}
	return t.root, nil
}

// missing says whether an error means that there is no such file, or none that may be seen. Everything else (no file
// handles left, a disk that fails, permissions) is the server's trouble: a feed reader that is told 404 may give up for good.
func missing(err error) bool {
	if err == nil {
		return false
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno == syscall.ENOENT || errno == syscall.ENOTDIR || errno == syscall.ELOOP || errno == syscall.ENAMETOOLONG
	}
	return true // a path or a link that leads out of the tree
}
