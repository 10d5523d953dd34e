package store

import (
	"cmp"
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
	Failing           // since when, and what follows from it; zero when the newest check did not fail
	Published  string // as SetPublished noted it
	Named      string // the id that its feeds' permanent ids are made of: its own, or the one it had first
	Holds      []Hold // open ones
}

// Failing is a run of failed checks that goes on.
type Failing struct {
	ErrorSince time.Time // the first one
	Failures   int       // how many
	Good       time.Time // the newest check before them; zero: none ever succeeded
	Retry      time.Time // the schedule does not try again before; zero: at its next time
	Reported   bool      // the operator was told that it lasts
}

// LastGood is the newest check that did not fail; zero before the first.
func (l *List) LastGood() time.Time {
	if l.Error != "" {
		return l.Good
	}
	return l.Checked
}

// Hold is a decision of the guard that stands.
type Hold struct {
	Kind   curated.HoldKind
	Reason string
	Count  int // entries it is about
	Checks int // checks in a row that said so
	Since  time.Time
}

const listColumns = `id, title, tag, began, checked, changed, validators, hash, reader, entries, links, moved,
	error, error_since, failures, good, retry, reported, published, named`

func scanList(rows *sql.Rows) (*List, error) {
	var l List
	var began, checked, changed, since, good, retry sql.NullInt64
	var f Failing
	err := rows.Scan(&l.ID, &l.Title, &l.Tag, &began, &checked, &changed, &l.Validators, &l.Hash, &l.Reader,
		&l.Counts.Entries, &l.Counts.Links, &l.Moved, &l.Error, &since, &f.Failures, &good, &retry, &f.Reported, &l.Published, &l.Named)
	l.Named = cmp.Or(l.Named, l.ID)
	l.Began, l.Checked, l.Changed = fromUnix(began), fromUnix(checked), fromUnix(changed)
	if l.Error != "" {
		f.ErrorSince, f.Good, f.Retry = fromUnix(since), fromUnix(good), fromUnix(retry)
		l.Failing = f
	}
	return &l, err
}

// List gives one list, or ErrNotFound before its first check.
func (s *Store) List(ctx context.Context, id string) (*List, error) {
	return readList(ctx, s.db, id)
}

// Lists gives all lists that were ever checked, by their ids.
func (s *Store) Lists(ctx context.Context) (map[string]*List, error) {
	// One read transaction, so that lists and holds are of one moment.
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("reading the lists: %w", err)
	}
	defer tx.Rollback()
	found, err := collect(ctx, tx, scanList, `SELECT `+listColumns+` FROM list`)
	if err != nil {
		return nil, fmt.Errorf("reading the lists: %w", err)
	}
	all := make(map[string]*List, len(found))
	for _, l := range found {
		all[l.ID] = l
	}
	type held struct {
		list string
		Hold
	}
	holds, err := collect(ctx, tx, func(rows *sql.Rows) (h held, err error) {
		var since sql.NullInt64
		err = rows.Scan(&h.list, &h.Kind, &h.Reason, &h.Count, &h.Checks, &since)
		h.Since = fromUnix(since)
		return h, err
	}, `SELECT list, kind, reason, count, checks, since FROM hold WHERE ended IS NULL ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("reading what is held of lists: %w", err)
	}
	for _, h := range holds {
		all[h.list].Holds = append(all[h.list].Holds, h.Hold)
	}
	return all, nil
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

// Failed records that a check of a list could not be made. retry says when the schedule may try again, given the number
// of failures in a row with this one. The answer is the list as it stands then; a check that succeeds ends the run.
func (s *Store) Failed(ctx context.Context, list, reason string, retry func(failures int) time.Time) (*List, error) {
	var l *List
	err := s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		before, err := lookup(ctx, tx, list)
		if err != nil {
			return err
		}
		f := before.Failing
		if before.Error == "" {
			f = Failing{ErrorSince: now, Good: before.Checked}
		}
		f.Failures++
		f.Retry = retry(f.Failures)
		l = before
		l.Checked, l.Error, l.Failing = now, cmp.Or(reason, "unknown"), f
		_, err = tx.ExecContext(ctx, `UPDATE list SET checked = ?, error = ?, error_since = ?, failures = ?, good = ?, retry = ?, reported = ? WHERE id = ?`,
			now.Unix(), l.Error, toUnix(f.ErrorSince), f.Failures, toUnix(f.Good), toUnix(f.Retry), f.Reported, list)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("recording the failed check of list %s: %w", list, err)
	}
	return l, nil
}

// Reported records that the operator was told how long a list has failed; that holds until it succeeds.
func (s *Store) Reported(ctx context.Context, list string) error {
	err := s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		_, err := tx.ExecContext(ctx, `UPDATE list SET reported = 1 WHERE id = ? AND error <> ''`, list)
		return err
	})
	if err != nil {
		return fmt.Errorf("recording that list %s was reported: %w", list, err)
	}
	return nil
}

// SetPublished notes what the files of lists were made from, by list.
func (s *Store) SetPublished(ctx context.Context, states map[string]string) error {
	err := s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		for id, state := range states {
			if _, err := tx.ExecContext(ctx, `UPDATE list SET published = ?1 WHERE id = ?2 AND published <> ?1`, state, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("noting what is published: %w", err)
	}
	return nil
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
