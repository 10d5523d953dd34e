package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrOwnFile says that a backup would replace the database itself.
var ErrOwnFile = errors.New("that is the database itself")

// Backup writes a copy of the database as it is at one moment, and gives its size in bytes. Writers go on meanwhile. The
// file, which only its owner may read, appears whole or not at all; one that is there is replaced when force says so, and is
// fs.ErrExist otherwise. A folder that is missing is fs.ErrNotExist.
//
// VACUUM INTO reads in one transaction, in which other connections write as they like, and takes no more memory than any
// statement. The driver's online backup would begin anew whenever another process writes.
func (s *Store) Backup(ctx context.Context, path string, force bool) (size int64, err error) {
	if err := s.backupTo(path, force); err != nil {
		return 0, fmt.Errorf("writing a backup to %s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600, and SQLite takes an empty file
	if err != nil {
		return 0, fmt.Errorf("writing a backup: %w", err)
	}
	defer f.Close()
	defer os.Remove(f.Name())
	if _, err := s.db.ExecContext(ctx, `VACUUM INTO ?`, f.Name()); err != nil {
		return 0, fmt.Errorf("copying the database to %s: %w", path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("writing a backup: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close(), os.Rename(f.Name(), path), syncFolder(filepath.Dir(path))); err != nil {
		return 0, fmt.Errorf("writing a backup to %s: %w", path, err)
	}
	return info.Size(), nil
}

// backupTo says why a backup cannot go to a path.
func (s *Store) backupTo(path string, force bool) error {
	there, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if own, err := os.Stat(s.path + suffix); err == nil && os.SameFile(own, there) {
			return ErrOwnFile
		}
	}
	if there.IsDir() {
		return errors.New("it is a folder")
	}
	if !force {
		return fs.ErrExist
	}
	return nil
}

// syncFolder makes what was renamed in a folder durable. Not every system can open one.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, os.ErrInvalid) {
		return err
	}
	return nil
}
