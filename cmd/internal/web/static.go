package web

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"

	"linkletter/feed"
)

// tree is the static tree, and nothing outside of it: an os.Root keeps paths and symbolic links from leading out.
type tree struct {
	public string

	mu   sync.Mutex
	root *os.Root // nil: not opened yet
}

// file answers for one path of the tree, which begins with a slash.
func (h *handler) file(w http.ResponseWriter, r *http.Request, name string) {
	if !allow(w, r, http.MethodGet) {
		return
	}
	file, ok := fileOf(name)
	if !ok {
		h.notFound(w)
		return
	}
	d, err := h.document(file)
	if err == nil {
		err = d.answer(w, r)
	}
	switch {
	case errors.Is(err, errFolder):
		redirect(w, r, h.prefix+name+"/")
	case missing(err):
		h.notFound(w)
	case err != nil:
		h.trouble(w, r, err)
	}
}

// errFolder says that a path names a folder, whose address has a slash at its end.
var errFolder = errors.New("it is a folder")

// document gives a file of the tree as it is now.
func (h *handler) document(file string) (*document, error) {
	now := h.Now()
	if d := h.cache.recent(file, now); d != nil {
		return d, nil
	}
	root, info, err := h.tree.stat(file)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errFolder
	case !info.Mode().IsRegular():
		return nil, fs.ErrNotExist
	}
	return h.cache.get(file, info, now, func(d *document) error { return d.load(root, file, h.policy, now) })
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

// answer writes the document as the request wants it. An error comes before anything is written. Nearly all requests ask
// for the whole of it, or name the very variant they have; those two are short cuts past what ServeContent would do.
func (d *document) answer(w http.ResponseWriter, r *http.Request) error {
	v := &d.variants[d.choose(r)]
	has := func(name string) bool { return r.Header[name] != nil }
	have := r.Header["If-None-Match"]
	switch {
	case d.open != nil, has("Range"), has("If-Match"), has("If-Unmodified-Since"):
		return d.serveContent(w, r, v)
	case len(have) == 1 && have[0] == v.tag:
		maps.Copy(w.Header(), v.unchanged)
		w.WriteHeader(http.StatusNotModified)
		return nil
	case len(have) > 0, has("If-Modified-Since"):
		return d.serveContent(w, r, v)
	}
	maps.Copy(w.Header(), v.header)
	w.Write(v.body) // it fails when nobody is there any more
	return nil
}

// serveContent answers requests with any conditions and ranges.
func (d *document) serveContent(w http.ResponseWriter, r *http.Request, v *variant) error {
	var content io.ReadSeeker = bytes.NewReader(v.body)
	if d.open != nil {
		f, err := d.open()
		if err != nil {
			return err
		}
		defer f.Close()
		content = f
	}
	maps.Copy(w.Header(), v.header)
	if r.Header["If-Match"] != nil || r.Header["If-Unmodified-Since"] != nil {
		w.Header().Del("Content-Length") // ServeContent would leave it on a 412, which has no body
	}
	http.ServeContent(w, r, "", d.modified, content)
	return nil
}

// choose picks the variant for a request.
func (d *document) choose(r *http.Request) int {
	i := 0
	if d.zipped && wantsGzip(strings.Join(r.Header["Accept-Encoding"], ",")) {
		i |= variantGzip
	}
	if d.negotiated && prefersPage(strings.Join(r.Header["Accept"], ","), d.mediaType) {
		i |= variantPage
	}
	return i
}
