package publish

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// writers is how many files are written and synced at a time: file systems sync several together in little more time
// than one.
const writers = 8

// longestWait is how long a publication waits for a second to pass, also by a clock that was set back a little.
const longestWait = 5 * time.Second

// change is a file that is to be replaced, or of which only sidecars are missing.
type change struct {
	path    string
	content []byte
	last    time.Time // of the file there now; zero: none
	whole   bool      // the file itself is replaced, and not only sidecars
	codings []*Coding // of the sidecars that are written
}

// put brings the files of a part up to date: all that change are written beside their places first, and then moved there
// together.
func (t *tree) put(ctx context.Context, p part) error {
	var changes []change
	for name, content := range p.files {
		if c, ok := t.compare(p.folder+name, content); ok {
			changes = append(changes, c)
		}
	}
	if len(changes) == 0 {
		return ctx.Err()
	}
	slices.SortFunc(changes, func(a, b change) int { return strings.Compare(a.path, b.path) })
	date, err := t.date(ctx, changes)
	if err != nil {
		return err
	}
	done, err := t.replaceAll(changes, date)
	for _, c := range changes[:done] {
		if c.whole {
			t.report.Written++
			t.report.Changed = append(t.report.Changed, c.path)
		}
	}
	return err
}

// compare tells what has to be written of a file; false: nothing.
func (t *tree) compare(name string, content []byte) (change, bool) {
	c := change{path: name, content: content, codings: t.codingsOf(name, content)}
	info, err := t.root.Lstat(name)
	if err == nil {
		c.last = info.ModTime()
	}
	if err == nil && info.Mode().IsRegular() && info.Size() == int64(len(content)) {
		if there, err := t.root.ReadFile(name); err == nil && bytes.Equal(there, content) {
			t.report.Unchanged++
			c.codings = slices.DeleteFunc(c.codings, func(k *Coding) bool {
				beside, err := t.root.Lstat(name + k.Ext)
				return err == nil && beside.Mode().IsRegular() && beside.ModTime().Equal(c.last)
			})
			return c, len(c.codings) > 0
		}
	}
	c.whole = true
	for _, k := range c.codings { // after a crash, one may be newer than its file, and web servers have sent it
		if beside, err := t.root.Lstat(name + k.Ext); err == nil && beside.ModTime().After(c.last) {
			c.last = beside.ModTime()
		}
	}
	return c, true
}

// date is the modification time of the files that are replaced: a second later than what is there or more, and never in the
// future, for which it waits. When a file's own time lies far in the future no wait helps, and it is now.
func (t *tree) date(ctx context.Context, changes []change) (time.Time, error) {
	now := t.now()
	var wait time.Duration
	waitsFor := ""
	for _, c := range changes {
		if w := c.last.Add(time.Second).Sub(now); c.whole && w > wait && w <= longestWait {
			wait, waitsFor = w, c.path
		}
	}
	if wait == 0 {
		return now, ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return now, fmt.Errorf("waiting to replace %s: %w", t.name(waitsFor), ctx.Err())
	case <-timer.C:
		return now.Add(wait), nil
	}
}

// fresh is a file that is written and not yet in its place.
type fresh struct{ name, place string }

// replaceAll puts files in their places, each in one step. A sidecar comes before its file: whoever takes one for the other
// gets what is about to be there. It answers how many of the changes are done.
func (t *tree) replaceAll(changes []change, date time.Time) (done int, err error) {
	written, err := t.writeAll(changes, date)
	for _, files := range written {
		for _, f := range files {
			if err == nil {
				err = t.move(f)
			}
			if err != nil {
				err = errors.Join(err, t.discard(f.name))
			}
		}
		if err == nil {
			done++
		}
	}
	return done, err
}

// writeAll writes all that changes beside its place, several at a time, and gives what is to be moved for each change: its
// sidecars, and then the file.
func (t *tree) writeAll(changes []change, date time.Time) ([][]fresh, error) {
	for _, c := range changes {
		if err := t.makeFolder(path.Dir(c.path)); err != nil {
			return nil, fmt.Errorf("making the folder of %s: %w", t.name(c.path), explain(err, t.dir))
		}
	}
	written := make([][]fresh, len(changes))
	var all errgroup.Group
	all.SetLimit(writers)
	for i, c := range changes {
		of := date
		if !c.whole {
			of = c.last
		}
		write := func(place string, content func() []byte) {
			f := fresh{path.Join(path.Dir(place), newPrefix+rand.Text()), place}
			written[i] = append(written[i], f)
			all.Go(func() error {
				if err := t.write(f.name, content(), of); err != nil {
					return fmt.Errorf("writing %s: %w", t.name(place), explain(err, t.dir))
				}
				return nil
			})
		}
		for _, k := range c.codings {
			write(c.path+k.Ext, func() []byte { return k.Encode(c.content) })
		}
		if c.whole {
			write(c.path, func() []byte { return c.content })
		}
	}
	return written, all.Wait()
}

// move puts a file that was written in its place.
func (t *tree) move(f fresh) error {
	if err := t.root.Rename(f.name, f.place); err != nil {
		return fmt.Errorf("putting %s in its place: %w", t.name(f.place), explain(err, t.dir))
	}
	t.dirty[path.Dir(f.place)] = true
	return nil
}

// replace puts a file that is none of those that are published in its place.
func (t *tree) replace(name string, content []byte, date time.Time) error {
	_, err := t.replaceAll([]change{{path: name, content: content, whole: true}}, date)
	return err
}

func (t *tree) write(name string, content []byte, date time.Time) error {
	f, err := t.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, t.root.Chtimes(name, date, date), f.Sync())
	return errors.Join(err, f.Close())
}

// discard removes what was left half done; that it was never made is no error.
func (t *tree) discard(name string) error {
	if err := t.root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// makeFolder makes a folder and those above it; each new name has to be synced where it stands.
func (t *tree) makeFolder(folder string) error {
	if _, err := t.root.Stat(folder); err == nil {
		return nil
	}
	for f := folder; f != "."; f = path.Dir(f) {
		t.dirty[path.Dir(f)] = true
	}
	return t.root.MkdirAll(folder, 0o755)
}

// remove removes a file that was published, and the folders that are empty then.
func (t *tree) remove(name string) error {
	err := t.root.Remove(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing %s: %w", t.name(name), explain(err, t.dir))
	}
	if err == nil && !isSidecar(name) {
		t.report.Removed++
	}
	folder := path.Dir(name)
	t.dirty[folder] = true
	for ; folder != "." && t.removeFolder(folder); folder = path.Dir(folder) {
		delete(t.dirty, folder)
		t.dirty[path.Dir(folder)] = true
	}
	return nil
}

// removeFolder removes a folder that is empty, and no link to one, which somebody else set.
func (t *tree) removeFolder(folder string) bool {
	info, err := t.root.Lstat(folder)
	return err == nil && info.IsDir() && t.root.Remove(folder) == nil
}
