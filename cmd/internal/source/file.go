package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// settled is how old a file's modification time must be before size and time alone say "unchanged": an editor may write
// twice within the clock's grain, and the second version must not be missed.
const settled = 2 * time.Second

// fileValidators identify a version of a file.
type fileValidators struct {
	Size  int64     `json:"size"`
	MTime time.Time `json:"mtime"`
}

func (s *Source) fetchFile(path, validators string) (*Fetched, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s: name the Markdown file itself, or an http(s) address", path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the list: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("looking at the list: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file: name the Markdown file itself, or an http(s) address", path)
	}
	now := fileValidators{Size: info.Size(), MTime: info.ModTime().UTC()}
	var before fileValidators
	if json.Unmarshal([]byte(validators), &before) == nil && before == now && !now.MTime.IsZero() {
		return &Fetched{Unchanged: true, Validators: validators}, nil
	}
	b, err := s.read(f, path)
	if err != nil {
		return nil, err
	}
	if s.now().Sub(now.MTime) < settled {
		return &Fetched{Bytes: b, Validators: "{}"}, nil
	}
	v, err := json.Marshal(now)
	if err != nil {
		return nil, fmt.Errorf("remembering the version of %s: %w", path, err)
	}
	return &Fetched{Bytes: b, Validators: string(v)}, nil
}
