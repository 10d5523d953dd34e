package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"linkletter/feed/curated"
)

// List is a list as of its newest check.
type List struct {
	ID         string
	Title      string    // the document's own; empty when it has none
	Tag        string    // host in the permanent ids of its feed and entries
	Began      time.Time // the baseline check; zero before it
	Checked    time.Time // the newest check, whatever it found; zero before the first
	Changed    time.Time // the newest check that took other bytes in
	Validators string    // what the source wants back to say "unchanged"
	Hash       string    // of the newest bytes taken in
	Reader     int       // the curated.Version that read them
	Counts     curated.Counts
	Moved      string // where the source says that it is for good; empty: it is where it is configured
	Error      string // why the newest check failed; empty when it did not
	ErrorSince time.Time
	Holds      []Hold // open ones
}

// Hold is a decision of the guard that stands.
type Hold struct {
	Kind   curated.HoldKind
	Reason string
	Count  int // entries it is about
	Checks int // checks in a row that said so
	Since  time.Time
}

const listColumns = `id, title, tag, began, checked, changed, validators, hash, reader, entries, links, moved, error, error_since`

func scanList(rows *sql.Rows) (*List, error) {
	var l List
	var began, checked, changed, since sql.NullInt64
	err := rows.Scan(&l.ID, &l.Title, &l.Tag, &began, &checked, &changed, &l.Validators, &l.Hash, &l.Reader,
		&l.Counts.Entries, &l.Counts.Links, &l.Moved, &l.Error, &since)
	l.Began, l.Checked, l.Changed, l.ErrorSince = fromUnix(began), fromUnix(checked), fromUnix(changed), fromUnix(since)
	return &l, err
}

// List gives one list, or ErrNotFound before its first check.
func (s *Store) List(ctx context.Context, id string) (*List, error) {
	return readList(ctx, s.db, id)
}

func readList(ctx context.Context, q querier, id string) (*List, error) {
	found, err := collect(ctx, q, scanList, `SELECT `+listColumns+` FROM list WHERE id = ?`, id)
	if err != nil {
		return nil, fmt.Errorf("reading list %s: %w", id, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("list %s: %w", id, ErrNotFound)
	}
	l := found[0]
	l.Holds, err = collect(ctx, q, scanHold,
		`SELECT kind, reason, count, checks, since FROM hold WHERE list = ? AND ended IS NULL ORDER BY id`, id)
	if err != nil {
		return nil, fmt.Errorf("reading what is held of list %s: %w", id, err)
	}
	return l, nil
}

func scanHold(rows *sql.Rows) (Hold, error) {
	var h Hold
	var since sql.NullInt64
	err := rows.Scan(&h.Kind, &h.Reason, &h.Count, &h.Checks, &since)
	h.Since = fromUnix(since)
	return h, err
}

// Failed records that a check of a list could not be made, and answers whether it was all right before: the first
// failure in a row is the one to tell people about.
func (s *Store) Failed(ctx context.Context, list, reason string) (first bool, err error) {
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		if err := ensureList(ctx, tx, list); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT error = '' FROM list WHERE id = ?`, list).Scan(&first); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE list SET checked = ?, error = ?, error_since = coalesce(error_since, ?) WHERE id = ?`,
			now.Unix(), reason, now.Unix(), list)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("recording the failed check of list %s: %w", list, err)
	}
	return first, nil
}

func ensureList(ctx context.Context, tx *sql.Tx, list string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO list (id) VALUES (?) ON CONFLICT DO NOTHING`, list)
	return err
}

// lookup reads a list's row in a transaction, with an empty one where there is none yet.
func lookup(ctx context.Context, tx *sql.Tx, list string) (*List, error) {
	l, err := readList(ctx, tx, list)
	if errors.Is(err, ErrNotFound) {
		return &List{ID: list, Validators: "{}"}, ensureList(ctx, tx, list)
	}
	return l, err
}
