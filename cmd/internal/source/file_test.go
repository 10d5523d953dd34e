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
