package store

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Impatient has stores that the test opens wait for other writers only for a moment.
func Impatient(t *testing.T) {
	patient := pragmas[0]
	pragmas[0] = "busy_timeout(50)"
	t.Cleanup(func() { pragmas[0] = patient })
}

// Careless has stores that the test opens not wait for the disk: for tests that write much and lose no power.
func Careless(t *testing.T) {
	careful := pragmas[2]
	pragmas[2] = "synchronous(OFF)"
	t.Cleanup(func() { pragmas[2] = careful })
}

// Pragmas reads what is set on a connection.
func (s *Store) Pragmas(ctx context.Context) (map[string]string, error) {
	got := map[string]string{}
	var failed error
	for _, name := range []string{"journal_mode", "synchronous", "foreign_keys", "busy_timeout"} {
		var v string
		failed = errors.Join(failed, s.db.QueryRowContext(ctx, "PRAGMA "+name).Scan(&v))
		got[name] = v
	}
	return got, failed
}

// Path is the database's file.
func (s *Store) Path() string { return s.path }

// MoveForTest gives a subscriber another address.
func (s *Store) MoveForTest(id int64, address string, at time.Time) error {
	_, err := s.db.Exec(`UPDATE subscriber SET address = ?, key = ?, moved = ? WHERE id = ?`, address, address, at.Unix(), id)
	return err
}
