package store

import (
	"context"
	"errors"
)

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
