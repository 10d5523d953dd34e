package source_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"linkletter/cmd/internal/source"
)

func write(t *testing.T, path, text string, mtime time.Time) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, mtime, mtime); err != nil {
		t.Fatal(err)
	}
}

func TestFileIsUnchangedBySizeAndTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.md")
	hourAgo := time.Now().Add(-time.Hour).Truncate(time.Second)
	write(t, path, "one", hourAgo)
	s := &source.Source{}
	first := fetch(t, s, path, "")
	if string(first.Bytes) != "one" || first.Unchanged {
		t.Fatalf("first: %+v", first)
	}
	if again := fetch(t, s, path, first.Validators); !again.Unchanged || again.Validators != first.Validators {
		t.Errorf("nothing changed, got %+v", again)
	}
	for name, change := range map[string]func(){
		"other time": func() { write(t, path, "two", hourAgo.Add(time.Minute)) },
		"other size": func() { write(t, path, "three", hourAgo) },
	} {
		change()
		if got := fetch(t, s, path, first.Validators); got.Unchanged {
			t.Errorf("%s: said unchanged", name)
		}
		write(t, path, "one", hourAgo)
	}
}

// An editor may write twice within the grain of the clock: what was written a moment ago is read again.
func TestFileWrittenAMomentAgoIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.md")
	now := time.Now().Truncate(time.Second)
	s := &source.Source{Now: func() time.Time { return now.Add(time.Second) }}
	write(t, path, "one", now)
	first := fetch(t, s, path, "")
	write(t, path, "two", now) // the same size, the same time
	if got := fetch(t, s, path, first.Validators); got.Unchanged || string(got.Bytes) != "two" {
		t.Errorf("the second version was missed: %+v", got)
	}
}

func TestFileErrors(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "large.md"), strings.Repeat("x", 101), time.Now())
	s := &source.Source{MaxBytes: 100}
	ctx := context.Background()
	if _, err := s.Fetch(ctx, source.Locate(filepath.Join(dir, "none.md")), ""); err == nil || !strings.Contains(err.Error(), "there is no file") {
		t.Errorf("missing: %v", err)
	}
	if _, err := s.Fetch(ctx, source.Locate(dir), ""); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a folder: %v", err)
	}
	var large *source.TooLargeError
	if _, err := s.Fetch(ctx, source.Locate(filepath.Join(dir, "large.md")), ""); !errors.As(err, &large) {
		t.Errorf("over the limit: %v", err)
	}
}

// TestFileByItsBytes: other times mean nothing where the bytes are the same, and the new time is remembered.
func TestFileByItsBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.md")
	hourAgo := time.Now().Add(-time.Hour).Truncate(time.Second)
	s := &source.Source{}
	write(t, path, "one", time.Now())
	first := fetch(t, s, path, "")
	if again := fetch(t, s, path, first.Validators); !again.Unchanged {
		t.Errorf("written a moment ago, and not since: %+v", again)
	}
	write(t, path, "one", hourAgo)
	touched := fetch(t, s, path, first.Validators)
	if !touched.Unchanged || touched.Validators == first.Validators {
		t.Errorf("touched: %+v", touched)
	}
	if again := fetch(t, s, path, touched.Validators); !again.Unchanged || again.Validators != touched.Validators {
		t.Errorf("after it: %+v", again)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Fetch(context.Background(), source.Locate(path), touched.Validators); err == nil || !strings.Contains(err.Error(), "is gone") {
		t.Errorf("a file that vanished: %v", err)
	}
	write(t, path, "one", time.Now())
	if back := fetch(t, s, path, touched.Validators); !back.Unchanged {
		t.Errorf("it is back, and the same: %+v", back)
	}
}

// TestFileLinks: the target is what counts, whether it changes or the link leads elsewhere.
func TestFileLinks(t *testing.T) {
	dir := t.TempDir()
	hourAgo := time.Now().Add(-time.Hour).Truncate(time.Second)
	one, two, link := filepath.Join(dir, "one.md"), filepath.Join(dir, "two.md"), filepath.Join(dir, "link.md")
	point := func(to string) {
		t.Helper()
		if err := errors.Join(os.RemoveAll(link), os.Symlink(to, link)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, one, "one", hourAgo)
	write(t, two, "two", hourAgo) // the same size and time
	s := &source.Source{}
	point(one)
	first := fetch(t, s, link, "")
	if again := fetch(t, s, link, first.Validators); !again.Unchanged {
		t.Errorf("nothing changed: %+v", again)
	}
	point(two)
	second := fetch(t, s, link, first.Validators)
	if string(second.Bytes) != "two" {
		t.Errorf("the link leads elsewhere: %+v", second)
	}
	write(t, two, "three", hourAgo)
	if got := fetch(t, s, link, second.Validators); string(got.Bytes) != "three" {
		t.Errorf("the target changed: %+v", got)
	}
	point("none.md")
	if _, err := s.Fetch(context.Background(), source.Locate(link), first.Validators); err == nil || !strings.Contains(err.Error(), "symbolic link to none.md, which is not there") {
		t.Errorf("a link to nothing: %v", err)
	}
	point(dir)
	if _, err := s.Fetch(context.Background(), source.Locate(link), ""); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a link to a folder: %v", err)
	}
}

// TestFileThatIsBeingWritten: the clock is asked before and after a file is read, which is when this writer writes.
func TestFileThatIsBeingWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.md")
	write(t, path, "one", time.Now())
	writing := true
	s := &source.Source{
		Now: func() time.Time {
			if writing {
				f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				_, err = f.WriteString("+")
				if err = errors.Join(err, f.Close()); err != nil {
					t.Fatal(err)
				}
			}
			return time.Now()
		},
		Sleep: func(context.Context, time.Duration) error { return nil },
	}
	if _, err := s.Fetch(context.Background(), source.Locate(path), ""); err == nil || !strings.Contains(err.Error(), "is being written") {
		t.Errorf("it never ends: %v", err)
	}
	s.Sleep = func(context.Context, time.Duration) error {
		writing = false
		return nil
	}
	got := fetch(t, s, path, "")
	if b, err := os.ReadFile(path); err != nil || string(got.Bytes) != string(b) {
		t.Errorf("it ends: %q, want %q", got.Bytes, b)
	}
}
