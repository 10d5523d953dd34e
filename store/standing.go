package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Standing counts the subscriptions of a digest by what they mean for its next issue; each is counted once.
type Standing struct {
	Confirmed  int // get it
	Pending    int // asked for, and not confirmed
	Paused     int // confirmed, and wait until a date
	Suppressed int // confirmed, and are never written to
	Left       int
}

// Standings gives how many stand where with each digest that anybody ever subscribed to. Of the confirmed ones only those are looked
// at who are paused, and all where anybody is suppressed: a million take about a second.
func (s *Store) Standings(ctx context.Context) (map[string]Standing, error) {
	counts, err := s.SubscriptionCounts(ctx)
	if err != nil {
		return nil, err
	}
	suppressed, paused := map[string]int{}, map[string]int{}
	some, err := anySuppressed(ctx, s.db)
	if err == nil && some {
		suppressed, err = s.countByDigest(ctx, `SELECT digest, count(*) FROM subscription n JOIN subscriber s ON s.id = n.subscriber
			WHERE n.state = 'confirmed' AND s.hash IN (SELECT hash FROM suppression) GROUP BY digest`)
	}
	if err == nil {
		paused, err = s.countByDigest(ctx, `SELECT digest, count(*) FROM subscriber s CROSS JOIN subscription n ON n.subscriber = s.id AND n.state = 'confirmed'
			WHERE s.paused > ? AND s.hash NOT IN (SELECT hash FROM suppression) GROUP BY digest`, s.now().Unix())
	}
	if err != nil {
		return nil, fmt.Errorf("counting subscriptions: %w", err)
	}
	all := map[string]Standing{}
	for d, c := range counts {
		all[d] = Standing{Confirmed: c.Confirmed - paused[d] - suppressed[d], Pending: c.Pending, Paused: paused[d], Suppressed: suppressed[d], Left: c.Unsubscribed}
	}
	return all, nil
}

func (s *Store) countByDigest(ctx context.Context, query string, args ...any) (map[string]int, error) {
	counts := map[string]int{}
	_, err := collect(ctx, s.db, func(rows *sql.Rows) (struct{}, error) {
		var digest string
		var n int
		err := rows.Scan(&digest, &n)
		counts[digest] = n
		return struct{}{}, err
	}, query, args...)
	return counts, err
}
