package mailbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Maildir is a folder with a file for each message (D. J. Bernstein's format): in new what nobody has looked at, in cur the
// rest, in tmp what is being written.
type Maildir struct {
	Dir    string
	Delete bool // what was understood is deleted, and not only marked as read
}

// Read looks at every message in new. Those that were understood go to cur, marked as read, or are deleted; the others go to
// cur without a mark. Files that somebody else takes meanwhile are passed over. So are those that cannot be read or moved, which
// are named in the error when all the others were looked at: only what goes wrong in handle ends the reading.
func (m Maildir) Read(ctx context.Context, handle Handler) (t Tally, err error) {
	names, err := os.ReadDir(filepath.Join(m.Dir, "new"))
	if err != nil {
		return t, fmt.Errorf("reading the maildir %s: %w", m.Dir, err)
	}
	if err := os.MkdirAll(filepath.Join(m.Dir, "cur"), 0o700); err != nil {
		return t, fmt.Errorf("reading the maildir %s: %w", m.Dir, err)
	}
	slices.SortFunc(names, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) }) // they begin with the time
	var damaged, stopped error
	noted := func(ctx context.Context, msg *Message) (understood bool, err error) {
		understood, stopped = handle(ctx, msg)
		return understood, stopped
	}
	for _, entry := range names {
		if ctx.Err() != nil {
			return t, context.Cause(ctx)
		}
		if !entry.Type().IsRegular() || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		understood, err := m.one(ctx, entry.Name(), noted)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			damaged = errors.Join(damaged, fmt.Errorf("the message %s in the maildir %s: %w", entry.Name(), m.Dir, err))
		}
		if stopped != nil {
			return t, damaged
		}
		if err != nil {
			continue
		}
		t.Read++
		if understood {
			t.Understood++
		}
	}
	return t, damaged
}

func (m Maildir) one(ctx context.Context, name string, handle Handler) (understood bool, err error) {
	file := filepath.Join(m.Dir, "new", name)
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	msg, err := Read(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return false, err
	}
	if understood, err = handle(ctx, msg); err != nil {
		return false, err
	}
	if understood && m.Delete {
		return true, os.Remove(file)
	}
	flags := ":2,"
	if understood {
		flags += "S"
	}
	base, _, _ := strings.Cut(name, ":2,")
	return understood, move(file, filepath.Join(m.Dir, "cur", base+flags))
}

// move gives a file another name and overwrites none: what stands there may be somebody's mail.
func move(from, to string) error {
	err := os.Link(from, to)
	if errors.Is(err, fs.ErrExist) {
		if same(from, to) { // it was interrupted here before
			return os.Remove(from)
		}
		return fmt.Errorf("there is another message in its place: %w", err)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a file system without links
		if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is another message in its place: %w", fs.ErrExist)
		}
		return os.Rename(from, to)
	}
	if err != nil {
		return err
	}
	return os.Remove(from)
}

func same(a, b string) bool {
	first, err := os.Lstat(a)
	if err != nil {
		return false
	}
	second, err := os.Lstat(b)
	return err == nil && os.SameFile(first, second)
}

// Keep writes a message into new, and makes the folder where there is none. When it returns, the message is on disk.
func (m Maildir) Keep(msg io.Reader, now time.Time) (err error) {
	for _, d := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(filepath.Join(m.Dir, d), 0o700); err != nil {
			return fmt.Errorf("keeping a message: %w", err)
		}
	}
	name := fmt.Sprintf("%d.%s.linkletter", now.Unix(), rand.Text())
	tmp := filepath.Join(m.Dir, "tmp", name)
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keeping a message: %w", err)
	}
	_, err = io.Copy(f, msg)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, filepath.Join(m.Dir, "new", name))
	}
	if err != nil {
		return fmt.Errorf("keeping a message in %s: %w", m.Dir, errors.Join(err, os.Remove(tmp)))
	}
	d, err := os.Open(filepath.Join(m.Dir, "new"))
	if err != nil {
		return fmt.Errorf("keeping a message: %w", err)
	}
	_ = d.Sync() // folders cannot be synced everywhere
	return d.Close()
}
