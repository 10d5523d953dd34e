package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

const (
	// settled is how old a file's modification time must be before size and time alone say "unchanged": an editor may
	// write twice within the clock's grain, and the second version must not be missed.
	settled = 2 * time.Second
	// fileReads is how often a file is read that changes while it is read, and filePause how long to wait in between.
	fileReads = 4
	filePause = 150 * time.Millisecond
)

// fileValidators identify a version of a file.
type fileValidators struct {
	Size  int64     `json:"size"`
	MTime time.Time `json:"mtime"`
	// Identity tells apart two files that stood at one path, where the system says: a file renamed over another one may
	// have its size and time.
	Identity string `json:"identity,omitempty"`
	SHA256   string `json:"sha256"`
	// Fresh says that size and time are no proof: the file was written a moment before it was read, or has no size at all,
	// as what is under /proc.
	Fresh bool `json:"fresh,omitempty"`
}

// fetchFile reads a file. Symbolic links are followed: it is the target's change that counts.
func (s *Source) fetchFile(ctx context.Context, path, validators string) (*Fetched, error) {
	var before fileValidators
	if json.Unmarshal([]byte(validators), &before) != nil {
		before = fileValidators{}
	}
	for try := 1; ; try++ {
		now, b, err := s.readFile(path, before)
		switch {
		case err != nil:
			return nil, err
		case now == before:
			return &Fetched{Unchanged: true, Validators: validators}, nil
		case now.SHA256 != "":
			v, err := json.Marshal(now)
			if err != nil {
				return nil, fmt.Errorf("remembering the version of %s: %w", path, err)
			}
			if now.SHA256 == before.SHA256 {
				return &Fetched{Unchanged: true, Validators: string(v)}, nil
			}
			return &Fetched{Bytes: b, Validators: string(v)}, nil
		case try == fileReads:
			return nil, fmt.Errorf("%s is being written: it changed each of the %d times it was read; the next check reads it again", path, fileReads)
		}
		if err := s.sleep(ctx, filePause); err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
	}
}

// readFile reads a file once. It gives before back where size, time and identity say that nothing changed, and a version
// without a hash where the file changed while it was read.
func (s *Source) readFile(path string, before fileValidators) (fileValidators, []byte, error) {
	f, err := openFile(path, before.SHA256 != "")
	if err != nil {
		return fileValidators{}, nil, err
	}
	defer f.Close()
	began, err := s.version(f, path)
	if err != nil {
		return began, nil, err
	}
	if known := before; before.SHA256 != "" && !before.Fresh {
		if known.SHA256 = ""; began == known {
			return before, nil, nil
		}
	}
	b, err := s.read(f, path)
	if err != nil {
		return began, nil, err
	}
	now, err := s.version(f, path)
	if err != nil {
		return now, nil, err
	}
	began.Fresh = now.Fresh // time has passed
	if now != began || now.Size != 0 && now.Size != int64(len(b)) {
		return now, nil, nil
	}
	now.Fresh = now.Fresh || now.Size != int64(len(b))
	hash := sha256.Sum256(b)
	now.SHA256 = hex.EncodeToString(hash[:])
	return now, b, nil
}

// version is what the system says of an open file, without the hash.
func (s *Source) version(f *os.File, path string) (fileValidators, error) {
	info, err := f.Stat()
	if err != nil {
		return fileValidators{}, fmt.Errorf("looking at the list: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fileValidators{}, notAFile(path)
	}
	return fileValidators{Size: info.Size(), MTime: info.ModTime().UTC(), Identity: identity(info, path),
		Fresh: s.now().Sub(info.ModTime()) < settled}, nil
}

// openFile opens a file without waiting, as a pipe would make it, and says what is wrong in words. seen says that it was
// there at an earlier check.
func openFile(path string, seen bool) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, notAFile(path) // a device or a pipe may do something when it is opened
	}
	var f *os.File
	if err == nil {
		f, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s may not be read: give the user that runs linkletter the right to read it and to enter its folders", path)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("opening the list: %w", err)
	}
	if to, err := os.Readlink(path); err == nil {
		return nil, fmt.Errorf("%s is a symbolic link to %s, which is not there: mend the link, or name the Markdown file itself", path, to)
	}
	if seen {
		return nil, fmt.Errorf("%s is gone, which was there at an earlier check: put it back, or name the list's new place; until then the list stays as it was", path)
	}
	return nil, fmt.Errorf("there is no file %s: name the Markdown file itself, or an http(s) address", path)
}

func notAFile(path string) error {
	return fmt.Errorf("%s is not a file: name the Markdown file itself, or an http(s) address", path)
}
