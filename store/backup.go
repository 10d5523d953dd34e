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

// Backup writes a copy of the database as it is at one moment, and gives its size in bytes. Writers go on meanwhile. Issues
// that are being sent are paused in the copy: restored, it waits for somebody to decide. The
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
	if err := s.pauseCopy(ctx, f.Name()); err != nil {
		return 0, fmt.Errorf("writing a backup to %s: %w", path, err)
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

// pauseCopy pauses the issues that are being sent in a copy: who gets them after this moment is not known there, and a
// restored database must not send them again by itself.
func (s *Store) pauseCopy(ctx context.Context, path string) error {
	db, err := openFile(path, nil)
	if err != nil {
		return err
	}
	reason := fmt.Sprintf("restored from the backup of %s, made while it was being sent; those who got it after that would get it again",
		s.now().UTC().Format("2006-01-02 15:04 MST"))
	_, err = db.ExecContext(ctx, `UPDATE issue SET state = 'paused', reason = ? WHERE state = 'sending'`, reason)
	return errors.Join(err, db.Close())
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
