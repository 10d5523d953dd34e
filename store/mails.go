package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"linkletter/feed/digest"
)

// LastMail is what became of an issue for one subscriber.
type LastMail struct {
	Digest  string
	Number  int
	State   digest.State
	Updated time.Time
	Reply   string
}

// LastBounce is what came back from one subscriber.
type LastBounce struct {
	Kind          BounceKind
	Proven        bool
	Status, Reply string
	Received      time.Time
}

// LastMails are the newest deliveries and bounces of a subscriber, n of each at most.
type LastMails struct {
	Deliveries []LastMail
	Bounces    []LastBounce
}

// LastMails gives what became of the last mails to a subscriber, the newest first. Deliveries of pruned issues are gone.
func (s *Store) LastMails(ctx context.Context, subscriber int64, n int) (m LastMails, err error) {
	// Issue by issue, for the index.
	m.Deliveries, err = collect(ctx, s.db, func(rows *sql.Rows) (d LastMail, err error) {
		var updated sql.NullInt64
		err = rows.Scan(&d.Digest, &d.Number, &d.State, &updated, &d.Reply)
		d.Updated = fromUnix(updated)
		return d, err
	}, `SELECT i.digest, i.number, d.state, d.updated, d.reply FROM issue i CROSS JOIN delivery d ON d.issue = i.id AND d.subscriber = ?
		ORDER BY i.id DESC LIMIT ?`, subscriber, n)
	if err != nil {
		return m, fmt.Errorf("reading the deliveries of subscriber %d: %w", subscriber, err)
	}
	m.Bounces, err = collect(ctx, s.db, func(rows *sql.Rows) (b LastBounce, err error) {
		var received sql.NullInt64
		err = rows.Scan(&b.Kind, &b.Proven, &b.Status, &b.Reply, &received)
		b.Received = fromUnix(received)
		return b, err
	}, `SELECT kind, proven, status, reply, received FROM bounce WHERE subscriber = ? ORDER BY received DESC, id DESC LIMIT ?`, subscriber, n)
	if err != nil {
		return m, fmt.Errorf("reading the bounces of subscriber %d: %w", subscriber, err)
	}
	return m, nil
}
