package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A file is written under such a name first.
const newPrefix = ".linkletter-new-"

// tree is the published folder. os.Root keeps every path inside it, symbolic links included.
type tree struct {
	root   *os.Root
	lock   *os.File
	dir    string // as configured, for messages
	now    func() time.Time
	report Report
	dirty  map[string]bool // folders in which a name changed since they were synced
	top    manifest        // the tree's own manifest as it is on the disk; nil: not read yet
	alone  bool            // the lock holds: nobody else writes there
	bare   bool            // files have no sidecars
}

// part is what is published together in one folder: the root's own files, a list's, a digest's.
type part struct {
	folder string            // with its trailing slash; empty: the root
	files  map[string][]byte // by path relative to folder
	stay   []string          // further files, which are as they should be
}

// openTree opens the folder for one publication, and waits for others that go on there.
func openTree(ctx context.Context, dir string, now func() time.Time) (*tree, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the public folder: %w", explain(err, dir))
	}
	held, alone, err := lock(ctx, dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		held.Close()
		return nil, fmt.Errorf("opening the public folder: %w", explain(err, dir))
	}
	return &tree{root: root, lock: held, dir: dir, now: now, dirty: map[string]bool{}, alone: alone}, nil
}

// close lets others publish. What was written is synced already.
func (t *tree) close() {
	t.root.Close()
	t.lock.Close()
}

// explain adds what to do about a folder that cannot be written.
func explain(err error, dir string) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%w; Linkletter's user must be able to write to %s, or name another folder", err, dir)
	}
	return err
}

func (t *tree) name(path string) string { return filepath.Join(t.dir, filepath.FromSlash(path)) }

// publish makes a part's folder hold its files, and no others that were published there before.
func (t *tree) publish(ctx context.Context, p part) error {
	old, err := t.readManifest(p.folder)
	if err != nil {
		return err
	}
	wanted := manifest{}
	for path, content := range p.files {
		wanted[path] = true
		for _, c := range t.codingsOf(path, content) {
			wanted[path+c.Ext] = true
		}
	}
	for _, path := range p.stay {
		for name := range old {
			if name == path || strings.HasPrefix(name, path+".") {
				wanted[name] = true
			}
		}
	}
	if p.folder == "" { // folders of other parts stay noted down
		for path := range old {
			if strings.HasSuffix(path, "/") {
				wanted[path] = true
			}
		}
	}
	if err := t.refuseForeign(p, old); err != nil {
		return err
	}
	if err := t.claim(p.folder); err != nil {
		return err
	}
	union := maps.Clone(old)
	maps.Copy(union, wanted)
	if len(union) > len(old) {
		if err := t.writeManifest(p.folder, union); err != nil {
			return err
		}
	}
	if err := t.put(ctx, p); err != nil {
		return err
	}
	for _, path := range union.sorted() {
		if !wanted[path] {
			if err := t.remove(p.folder + path); err != nil {
				return err
			}
		}
	}
	if len(union) > len(wanted) {
		if err := t.writeManifest(p.folder, wanted); err != nil {
			return err
		}
	}
	return t.sync()
}

// claim notes folders of parts down in the root's manifest.
func (t *tree) claim(folders ...string) error {
	if t.top == nil {
		var err error
		if t.top, err = t.readManifest(""); err != nil {
			return err
		}
	}
	var m manifest // with those that are missing
	for _, folder := range folders {
		if folder == "" || t.top[folder] {
			continue
		}
		if m == nil {
			m = maps.Clone(t.top)
		}
		m[folder] = true
	}
	if m == nil {
		return nil
	}
	return t.writeManifest("", m)
}

// refuseForeign looks for files of others in the places that a part needs.
func (t *tree) refuseForeign(p part, old manifest) error {
	var foreign []string
	look := func(path string, same func(there []byte) bool) {
		if old[path] {
			return
		}
		there, err := t.root.ReadFile(p.folder + path)
		if err == nil && same(there) {
			return
		}
		if _, err := t.root.Lstat(p.folder + path); err == nil {
			foreign = append(foreign, path)
		}
	}
	for path, content := range p.files {
		look(path, func(there []byte) bool { return bytes.Equal(there, content) })
		for _, c := range t.codingsOf(path, content) {
			look(path+c.Ext, func(there []byte) bool { return c.Holds(bytes.NewReader(there), content) })
		}
	}
	if len(foreign) == 0 {
		return nil
	}
	return fmt.Errorf("%s was not written by Linkletter (%d such files in the places it needs), so nothing is published there; move them away, or name another folder in the configuration (public)",
		t.name(p.folder+slices.Min(foreign)), len(foreign))
}

// keepOnly removes the parts whose folders are not among keep, and forgets folders in which nothing could be published.
func (t *tree) keepOnly(keep map[string]bool) error {
	m, err := t.readManifest("")
	if err != nil {
		return err
	}
	changed := false
	for _, folder := range m.sorted() {
		if !strings.HasSuffix(folder, "/") || keep[folder] && t.exists(folder+manifestFile) {
			continue
		}
		gone, err := t.readManifest(folder)
		if err != nil {
			return err
		}
		for _, path := range gone.sorted() {
			if err := t.remove(folder + path); err != nil {
				return err
			}
		}
		if err := t.discard(folder + manifestFile); err != nil {
			return err
		}
		t.removeFolder(path.Clean(folder)) // stays when it holds another's files
		t.dirty["."] = true
		delete(m, folder)
		changed = true
	}
	if changed {
		if err := t.writeManifest("", m); err != nil {
			return err
		}
	}
	return t.sync()
}

// sweep removes what a crash left half written in the folders of what is published.
func (t *tree) sweep() error {
	root, err := t.readManifest("")
	if err != nil {
		return err
	}
	folders := map[string]bool{".": true}
	for _, line := range root.sorted() {
		if !strings.HasSuffix(line, "/") {
			folders[path.Dir(line)] = true
			continue
		}
		m, err := t.readManifest(line)
		if err != nil {
			return err
		}
		folders[path.Clean(line)] = true
		for file := range m {
			folders[path.Dir(line+file)] = true
		}
	}
	for folder := range folders {
		entries, err := fs.ReadDir(t.root.FS(), folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("looking into %s: %w", t.name(folder), explain(err, t.dir))
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || !strings.HasPrefix(e.Name(), newPrefix) || !t.alone && t.now().Sub(info.ModTime()) < time.Hour {
				continue // another process may be writing it
			}
			if err := t.discard(path.Join(folder, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// sync makes the names in changed folders survive a power failure.
func (t *tree) sync() error {
	for folder := range t.dirty {
		delete(t.dirty, folder)
		f, err := t.root.Open(folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since
		}
		if err != nil {
			return fmt.Errorf("syncing %s: %w", t.name(folder), err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("syncing %s: %w", t.name(folder), err)
		}
	}
	return nil
}
