package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// What can be in trouble beside a list.
const (
	TroubleMail          = "mail"          // no issue can be sent
	TroubleDrafts        = "drafts"        // no draft can be mailed to the operator
	TroubleConfirmations = "confirmations" // no confirmation can be sent
	TroubleMailbox       = "mailbox"       // what comes back cannot be read
	TroublePublish       = "publish"       // the files cannot be written; of one list, with a space and its id
	TroubleHub           = "hub"           // what is published cannot be told the hub
)

// Trouble is something that is wrong now.
type Trouble struct {
	What  string
	Text  string
	Since time.Time
}

// SetTrouble says what is wrong with a part, or, with a nil error, that it is well again.
func (s *Store) SetTrouble(ctx context.Context, what string, trouble error) error {
	var known string
	err := s.db.QueryRowContext(ctx, `SELECT coalesce(max(text), '') FROM trouble WHERE what = ?`, what).Scan(&known)
	if err != nil {
		return fmt.Errorf("reading what is wrong: %w", err)
	}
	text := ""
	if trouble != nil {
		text = trouble.Error()
	}
	if text == known {
		return nil
	}
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		if text == "" {
			_, err := tx.ExecContext(ctx, `DELETE FROM trouble WHERE what = ?`, what)
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO trouble (what, text, since) VALUES (?, ?, ?)
			ON CONFLICT (what) DO UPDATE SET text = excluded.text`, what, text, now.Unix())
		return err
	})
	if err != nil {
		return fmt.Errorf("noting what is wrong: %w", err)
	}
	return nil
}

// Troubles gives everything that is wrong now, beside the lists' own errors.
func (s *Store) Troubles(ctx context.Context) ([]Trouble, error) {
	all, err := collect(ctx, s.db, func(rows *sql.Rows) (t Trouble, err error) {
		var since sql.NullInt64
		err = rows.Scan(&t.What, &t.Text, &since)
		t.Since = fromUnix(since)
		return t, err
	}, `SELECT what, text, since FROM trouble ORDER BY what`)
	if err != nil {
		return nil, fmt.Errorf("reading what is wrong: %w", err)
	}
	return all, nil
}
