package source_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"linkletter/cmd/internal/source"
)

// TestFileOfTheSameSizeAndTime: the system knows better, when a file is renamed over another one or its time is set back.
func TestFileOfTheSameSizeAndTime(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "list.md")
	hourAgo := time.Now().Add(-time.Hour).Truncate(time.Second)
	s := &source.Source{}
	write(t, path, "one", hourAgo)
	first := fetch(t, s, path, "")
	write(t, filepath.Join(dir, "new"), "two", hourAgo)
	if err := os.Rename(filepath.Join(dir, "new"), path); err != nil {
		t.Fatal(err)
	}
	second := fetch(t, s, path, first.Validators)
	if string(second.Bytes) != "two" {
		t.Errorf("another file stands there: %+v", second)
	}
	write(t, path, "six", hourAgo)
	if third := fetch(t, s, path, second.Validators); string(third.Bytes) != "six" {
		t.Errorf("its time was set back: %+v", third)
	}
}

// TestWhatIsNoFile is refused at once: opening a pipe would wait for somebody who writes.
func TestWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.Symlink(pipe, link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, link, "/dev/zero", "/dev/null", dir} {
		if _, err := (&source.Source{}).Fetch(context.Background(), source.Locate(path), ""); err == nil || !strings.Contains(err.Error(), "is not a file") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestFileWithoutASize: what the kernel makes up when it is read.
func TestFileWithoutASize(t *testing.T) {
	s := &source.Source{}
	first := fetch(t, s, "/proc/version", "")
	if len(first.Bytes) == 0 {
		t.Error("nothing was read")
	}
	if again := fetch(t, s, "/proc/version", first.Validators); !again.Unchanged {
		t.Errorf("nothing changed: %+v", again)
	}
}

func TestFileThatMayNotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.md")
	write(t, path, "one", time.Now())
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // who may read everything: this thread becomes nobody, to the file system
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := syscall.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = syscall.Setfsuid(0) }()
	}
	if _, err := (&source.Source{}).Fetch(context.Background(), source.Locate(path), ""); err == nil || !strings.Contains(err.Error(), "may not be read") {
		t.Errorf("got %v", err)
	}
}
