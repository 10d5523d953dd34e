package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"time"
)

// Secret is the key of every HMAC the program makes: 32 random bytes, made at the first call and kept for ever, because
// links in old mail must go on working.
func (s *Store) Secret(ctx context.Context) ([]byte, error) {
	var secret []byte
	err := s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		fresh := make([]byte, 32)
		rand.Read(fresh)
		_, err := tx.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES ('secret', ?) ON CONFLICT DO NOTHING`, fresh)
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = 'secret'`).Scan(&secret)
	})
	return secret, err
}
