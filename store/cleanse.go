package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// erasingPragmas are those of a connection that deletes what must be gone: what is deleted is overwritten. Whoever deletes a
// subscriber deletes all about them; to let SQLite check that would have it read every delivery that there is.
var erasingPragmas = slices.Concat(pragmas, []string{"secure_delete(ON)", "foreign_keys(OFF)"})

// erasing is tx on a connection that overwrites what it deletes.
func (s *Store) erasing(ctx context.Context, f func(tx *sql.Tx, now time.Time) error) error {
	db, err := openFile(s.path, url.Values{"_pragma": erasingPragmas, "_txlock": {"immediate"}})
	if err != nil {
		return s.explain(err)
	}
	return errors.Join(s.txOn(ctx, db, f), db.Close())
}

// unclean is the setting that says that the file may hold copies of what was deleted; its value is another each time.
const unclean = "unclean"

func markUnclean(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`,
		unclean, []byte(rand.Text()))
	return err
}

// ErrInUse says that the database was in use just then, so that it could not be rewritten.
var ErrInUse = errors.New("the database is in use")

// Cleanse rewrites the database file and empties its log, so that nothing of what was deleted before can be read from them any
// more: SQLite leaves copies behind, in pages that are free or were divided, and in the write-ahead log. Writers wait
// meanwhile, as long as it takes to copy what is stored. It does nothing when nobody was forgotten since the last time, which
// done tells. ErrInUse: it is to be tried again later.
func (s *Store) Cleanse(ctx context.Context) (done bool, err error) {
	var mark []byte
	err = s.db.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = ?`, unclean).Scan(&mark)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		var db *sql.DB
		if db, err = openFile(s.path, url.Values{"_pragma": slices.Concat(erasingPragmas, []string{cleansingPatience})}); err == nil {
			err = errors.Join(s.cleanse(ctx, db, mark), db.Close())
		}
	}
	if err != nil {
		return false, fmt.Errorf("removing old copies of what was deleted: %w", s.explain(err))
	}
	return true, nil
}

// cleansingPatience is how long Cleanse waits for others, in milliseconds: writers wait for it.
const cleansingPatience = "busy_timeout(3000)"

func (s *Store) cleanse(ctx context.Context, db *sql.DB, mark []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `VACUUM`); err != nil {
		if isBusy(err) {
			err = ErrInUse
		}
		return err
	}
	var busy, frames, done int
	if err := conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &done); err != nil {
		return err
	}
	if busy != 0 {
		return ErrInUse
	}
	// Who was forgotten since has set another mark.
	_, err = conn.ExecContext(ctx, `DELETE FROM setting WHERE name = ? AND value = ?`, unclean, mark)
	return err
}
