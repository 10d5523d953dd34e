package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// Apart gives entries of several lists the dates that they have in a feed of all lists, where no two are the same. Within a
// list no two entries share one, but lists are checked in one second: whoever comes later gets the free second before, once
// and for all.
func (s *Store) Apart(ctx context.Context, entries []Entry) error {
	known, err := s.apart(ctx, entries)
	if err == nil && !complete(entries, known) {
		if err = s.setApart(ctx, entries); err == nil {
			known, err = s.apart(ctx, entries)
		}
	}
	if err != nil {
		return fmt.Errorf("giving the entries of all lists dates of their own: %w", err)
	}
	for i := range entries {
		e := &entries[i]
		e.Published, e.Updated = known[dated{e.Ref, e.Published.Unix()}], known[dated{e.Ref, e.Updated.Unix()}]
	}
	return nil
}

// dated is one of the dates of an entry.
type dated struct{ ref, date int64 }

func complete(entries []Entry, known map[dated]time.Time) bool {
	return !slices.ContainsFunc(entries, func(e Entry) bool {
		return known[dated{e.Ref, e.Published.Unix()}].IsZero() || known[dated{e.Ref, e.Updated.Unix()}].IsZero()
	})
}

func (s *Store) apart(ctx context.Context, entries []Entry) (map[dated]time.Time, error) {
	known := make(map[dated]time.Time, len(entries))
	for part := range slices.Chunk(entries, batch) {
		refs := make([]any, len(part))
		for i, e := range part {
			refs[i] = e.Ref
		}
		_, err := collect(ctx, s.db, func(rows *sql.Rows) (struct{}, error) {
			var d dated
			var at sql.NullInt64
			err := rows.Scan(&d.ref, &d.date, &at)
			known[d] = fromUnix(at)
			return struct{}{}, err
		}, `SELECT entry, date, at FROM apart WHERE entry IN (`+marks(len(refs))+`)`, refs...)
		if err != nil {
			return nil, err
		}
	}
	return known, nil
}

// setApart gives dates to those that have none, in the order in which they came.
func (s *Store) setApart(ctx context.Context, entries []Entry) error {
	order := slices.Clone(entries)
	slices.SortFunc(order, func(a, b Entry) int { return cmp.Compare(a.Ref, b.Ref) })
	return s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		for _, e := range order {
			for _, date := range []time.Time{e.Published, e.Updated} {
				// The free second is right before a run of taken ones.
				_, err := tx.ExecContext(ctx, `WITH RECURSIVE run (at) AS (
						SELECT ?2 UNION ALL SELECT at - 1 FROM run WHERE EXISTS (SELECT 1 FROM apart WHERE apart.at = run.at))
					INSERT INTO apart (entry, date, at) SELECT ?1, ?2, min(at) FROM run WHERE true ON CONFLICT (entry, date) DO NOTHING`,
					e.Ref, date.Unix())
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}
