package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"linkletter/store"
)

// refusalColumns stand before those of the file that was imported. What could not be taken apart is in "original", and the
// columns that follow are empty.
var refusalColumns = []string{"line", "reason", "original"}

// refusalFile is the report of the rows that an import refused: CSV with the columns that they had, which can be mended and
// be imported in turn.
type refusalFile struct {
	file   *os.File
	buf    *bufio.Writer
	csv    *csv.Writer
	rows   *subscriberReader
	copied []int  // places of the columns that it takes over
	digest string // for a column of its own; empty: the rows have one
	dirty  bool
	err    error // the first
}

// newRefusalFile makes the file, which must not be there already, or be empty: what somebody mended in it would be lost.
func newRefusalFile(path string, rows *subscriberReader, digest string) (*refusalFile, error) {
	info, err := os.Stat(path)
	if err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		return nil, usageError{hintError{fmt.Errorf("--refused: there is a file %s already, which may hold rows that you mended; nothing was imported", path), "name another file, or remove it"}}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--refused: %w", err)
	}
	// People's addresses are nobody else's business on this machine.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--refused: %w", err)
	}
	r := &refusalFile{file: f, buf: bufio.NewWriter(f), rows: rows, dirty: true}
	r.csv = csv.NewWriter(r.buf)
	header := slices.Clone(refusalColumns)
	for i, name := range rows.header {
		if name = strings.TrimSpace(name); !slices.Contains(refusalColumns, strings.ToLower(name)) {
			r.copied, header = append(r.copied, i), append(header, name)
		}
	}
	if rows.column[colDigest] < 0 && digest != "" {
		r.digest, header = digest, append(header, csvColumns[colDigest])
	}
	r.err = r.csv.Write(header)
	syncFolder(filepath.Dir(path))
	return r, r.Sync()
}

// add writes a row; it may stay buffered until Sync.
func (r *refusalFile) add(refusal store.Refusal) {
	fields := r.rows.Fields(refusal.Row)
	line := []string{fmt.Sprint(refusal.Row.Line), oneLine(refusal.Why.Error()), ""}
	if fields == nil || len(fields) > len(r.rows.header) {
		line[2], fields = refusal.Row.Text, nil
	}
	for _, i := range r.copied {
		value := ""
		if i < len(fields) {
			value = fields[i]
		}
		line = append(line, value)
	}
	if r.digest != "" {
		line = append(line, r.digest)
	}
	r.dirty = true
	if err := r.csv.Write(line); r.err == nil {
		r.err = err
	}
}

// Sync puts what was written on the disk.
func (r *refusalFile) Sync() error {
	if !r.dirty || r.err != nil {
		return r.err
	}
	r.dirty = false
	r.csv.Flush()
	r.err = errors.Join(r.csv.Error(), r.buf.Flush())
	if info, err := r.file.Stat(); r.err == nil && err == nil && info.Mode().IsRegular() {
		r.err = r.file.Sync()
	}
	if r.err != nil {
		r.err = fmt.Errorf("writing the refused rows: %w", r.err)
	}
	return r.err
}

// Close ends the file.
func (r *refusalFile) Close() error { return errors.Join(r.Sync(), r.file.Close()) }

// syncFolder makes a new name in a folder survive a power failure, where the system has a way to.
func syncFolder(dir string) {
	f, err := os.Open(dir)
	if err != nil {
		return
	}
	defer f.Close()
	f.Sync() // not every file system can
}
