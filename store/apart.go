package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// Apart gives, by Entry.Ref, the dates of publication that entries of several lists have in a feed of all lists. Within a list
// no two entries share one, but lists are checked in one second: whoever comes later gets the free second before, once and
// for all.
func (s *Store) Apart(ctx context.Context, entries []Entry) (map[int64]time.Time, error) {
	dates, err := s.apart(ctx, entries)
	if err == nil && len(dates) < len(entries) {
		if err = s.setApart(ctx, entries, dates); err == nil {
			dates, err = s.apart(ctx, entries)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("giving the entries of all lists dates of their own: %w", err)
	}
	return dates, nil
}

func (s *Store) apart(ctx context.Context, entries []Entry) (map[int64]time.Time, error) {
	refs := make([]any, len(entries))
	for i, e := range entries {
		refs[i] = e.Ref
	}
	dates := make(map[int64]time.Time, len(entries))
	_, err := collect(ctx, s.db, func(rows *sql.Rows) (struct{}, error) {
		var ref int64
		var date sql.NullInt64
		err := rows.Scan(&ref, &date)
		dates[ref] = fromUnix(date)
		return struct{}{}, err
	}, `SELECT id, apart FROM entry WHERE apart IS NOT NULL AND id IN (`+marks(len(refs))+`)`, refs...)
	return dates, err
}

// setApart gives dates to those that have none, in the order in which they came.
func (s *Store) setApart(ctx context.Context, entries []Entry, have map[int64]time.Time) error {
	fresh := slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool { _, ok := have[e.Ref]; return ok })
	slices.SortFunc(fresh, func(a, b Entry) int { return cmp.Compare(a.Ref, b.Ref) })
	return s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		for _, e := range fresh {
			// The free second is right before a run of taken ones.
			_, err := tx.ExecContext(ctx, `WITH RECURSIVE run (at) AS (
					SELECT published FROM entry WHERE id = ?1
					UNION ALL SELECT at - 1 FROM run WHERE EXISTS (SELECT 1 FROM entry WHERE apart = at))
				UPDATE entry SET apart = (SELECT min(at) FROM run) WHERE id = ?1 AND apart IS NULL`, e.Ref)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
