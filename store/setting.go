package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Secret is the key of every HMAC the program makes: 32 random bytes, made at the first call and kept for ever, because
// links in old mail must go on working.
func (s *Store) Secret(ctx context.Context) ([]byte, error) {
	fresh := make([]byte, 32)
	rand.Read(fresh)
	secret, err := s.setting(ctx, "secret", fresh)
	if err != nil {
		return nil, fmt.Errorf("reading the secret: %w", err)
	}
	return secret, nil
}

// setting gives a value that is kept for ever, and keeps fresh where there is none yet.
func (s *Store) setting(ctx context.Context, name string, fresh []byte) (value []byte, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = ?`, name).Scan(&value)
	if !errors.Is(err, sql.ErrNoRows) {
		return value, err
	}
	err = s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		value, err = settingIn(ctx, tx, name, fresh)
		return err
	})
	return value, err
}

func settingIn(ctx context.Context, tx *sql.Tx, name string, fresh []byte) (value []byte, err error) {
	_, err = tx.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING`, name, fresh)
	if err != nil {
		return nil, err
	}
	err = tx.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = ?`, name).Scan(&value)
	return value, err
}

// KeptTag gives the host that Tag settled; empty: none yet.
func (s *Store) KeptTag(ctx context.Context) (string, error) {
	var kept []byte
	err := s.db.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = 'tag'`).Scan(&kept)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("reading whose ids there are: %w", err)
	}
	return string(kept), nil
}

// Tag settles the host in the permanent ids of feeds and entries (RFC 4151): the one wanted at first, and that one for
// ever. As long as it is provisional, a name such as localhost that nobody can subscribe to, another takes its place, in
// every id made so far.
func (s *Store) Tag(ctx context.Context, wanted string, provisional func(string) bool) (string, error) {
	kept, err := s.setting(ctx, "tag", []byte(wanted))
	if err != nil {
		return "", fmt.Errorf("reading whose ids there are: %w", err)
	}
	old := string(kept)
	if old == wanted || !provisional(old) || provisional(wanted) {
		return old, nil
	}
	err = s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		for _, statement := range []string{
			`UPDATE setting SET value = CAST(?1 AS BLOB) WHERE name = 'tag' AND value = CAST(?2 AS BLOB)`,
			`UPDATE list SET tag = ?1 WHERE tag = ?2`,
			`UPDATE entry SET atom_id = 'tag:' || ?1 || substr(atom_id, length('tag:' || ?2) + 1)
				WHERE substr(atom_id, 1, length('tag:' || ?2 || ',')) = 'tag:' || ?2 || ','`,
			`UPDATE archive SET content = replace(content, '"tag:' || ?2 || ',', '"tag:' || ?1 || ',')`, // a quote in a text is escaped
		} {
			if _, err := tx.ExecContext(ctx, statement, wanted, old); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("putting %s in the place of %s in all ids: %w", wanted, old, err)
	}
	return wanted, nil
}
