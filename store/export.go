package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// SubscriptionNone is the state of a row of somebody who has no subscription.
const SubscriptionNone SubscriptionState = "none"

// Export calls f with every subscription, by subscriber and digest, and with a row for each who has none: the inverse of
// Import. It holds one at a time. Hashes of those who are no subscribers cannot be exported: OrphanSuppressions counts them.
func (s *Store) Export(ctx context.Context, f func(Row) error) error { return s.export(ctx, 0, f) }

// SubscriberRows are the rows of one subscriber as Export gives them; none: there is no such subscriber.
func (s *Store) SubscriberRows(ctx context.Context, subscriber int64) (all []Row, err error) {
	err = s.export(ctx, subscriber, func(r Row) error { all = append(all, r); return nil })
	return all, err
}

// export is Export of one subscriber, or of all.
func (s *Store) export(ctx context.Context, subscriber int64, f func(Row) error) error {
	where, args := "", []any(nil)
	if subscriber != 0 {
		where, args = "WHERE s.id = ?", append(args, subscriber)
	}
	rows, err := s.db.QueryContext(ctx, `SELECT s.address, coalesce(n.digest, ''), coalesce(n.state, 'none'), coalesce(n.origin, ''),
		n.created, n.confirmed, n.ended,
		(SELECT json_group_array(c.list || CASE WHEN t.slug IS NULL THEN '' ELSE '/' || t.slug END ORDER BY c.list, t.slug)
			FROM choice c LEFT JOIN section t ON t.id = c.section WHERE c.subscriber = s.id AND c.digest = n.digest),
		s.paused, coalesce(p.reason, ''), p.created, s.created, s.moved
		FROM subscriber s LEFT JOIN subscription n ON n.subscriber = s.id LEFT JOIN suppression p ON p.hash = s.hash
		`+where+` ORDER BY s.id, n.digest`, args...)
	if err != nil {
		return fmt.Errorf("exporting subscribers: %w", err)
	}
	defer rows.Close()
	for line := 2; rows.Next(); line++ {
		row, err := scanExported(rows)
		if err != nil {
			return fmt.Errorf("exporting subscribers: %w", err)
		}
		row.Line = line
		if err := f(row); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("exporting subscribers: %w", err)
	}
	return nil
}

func scanExported(rows *sql.Rows) (r Row, err error) {
	var sections []byte
	var created, confirmed, ended, paused, suppressed, joined, moved sql.NullInt64
	err = rows.Scan(&r.Address, &r.Digest, &r.State, &r.Origin, &created, &confirmed, &ended, &sections,
		&paused, &r.Suppressed, &suppressed, &joined, &moved)
	if err != nil {
		return r, err
	}
	if string(sections) != "[]" {
		if err := json.Unmarshal(sections, &r.Sections); err != nil {
			return r, err
		}
	}
	for to, v := range map[*time.Time]sql.NullInt64{&r.Created: created, &r.Confirmed: confirmed, &r.Ended: ended, &r.Paused: paused,
		&r.SuppressedAt: suppressed, &r.Joined: joined, &r.Moved: moved} {
		*to = fromUnix(v)
	}
	return r, nil
}

// OrphanSuppressions counts the addresses that must not be written to and that nobody knows any more but by their hash.
func (s *Store) OrphanSuppressions(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM suppression WHERE hash NOT IN (SELECT hash FROM subscriber)`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting suppressions: %w", err)
	}
	return n, nil
}
