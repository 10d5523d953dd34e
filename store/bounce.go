package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// BounceKind is what came back about a message.
type BounceKind string

const (
	BounceHard      BounceKind = "hard"      // there is nobody at the address, for good
	BounceSoft      BounceKind = "soft"      // it was not delivered, for another reason
	BounceComplaint BounceKind = "complaint" // it was called spam
)

// Bounce is a report about a message to a subscriber.
type Bounce struct {
	Report     string // what names it: one that is recorded already counts no more
	Subscriber int64
	Issue      int64 // the issue's row; 0: a mail that asked for something, or not known
	Kind       BounceKind
	Proven     bool     // it bears something that only our message had
	Status     string   // RFC 3463; may be empty
	Reply      string   // what the server said
	Keys       []string // of the addresses that the report names, as NormalizeAddress gives them
}

// SoftLimit is when an address is given up that messages come back from for reasons that may pass.
type SoftLimit struct {
	Score    float64
	HalfLife time.Duration // a bounce counts for 1, and for half of it after each
}

// Bouncing is what became of a report.
type Bouncing string

const (
	BounceCounted    Bouncing = "counted"
	BounceSuppressed Bouncing = "suppressed" // counted, and the address is suppressed for it
	BounceUnproven   Bouncing = "unproven"   // written down, and that is all
	BounceKnown      Bouncing = "known"      // it was read before
	BounceLate       Bouncing = "late"       // it is about the address that the subscriber had before
	BounceGone       Bouncing = "gone"       // the subscriber was forgotten
)

// maxUnproven is how many unproven reports about one subscriber are kept: anybody can write any number of them.
const maxUnproven = 10

// RecordBounce accounts for a report, in one transaction: whoever reads it again, or at the same time, finds it known. A proven
// report that there is nobody, or that the message is spam, suppresses the address; others do once they are as many as the
// limit says, and so does one that names other addresses alone. An unproven one does nothing.
func (s *Store) RecordBounce(ctx context.Context, b Bounce, limit SoftLimit) (became Bouncing, err error) {
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		var key, hash string
		var moved sql.NullInt64
		err := tx.QueryRowContext(ctx, `SELECT key, hash, moved FROM subscriber WHERE id = ?`, b.Subscriber).Scan(&key, &hash, &moved)
		if errors.Is(err, sql.ErrNoRows) {
			became = BounceGone
			return nil
		}
		if err != nil {
			return err
		}
		late, err := b.late(ctx, tx, key, moved)
		if err != nil || late {
			became = BounceLate
			return err
		}
		if b.Kind == BounceHard && len(b.Keys) > 0 && !slices.Contains(b.Keys, key) {
			b.Kind = BounceSoft // it was passed on, perhaps beside a copy that arrived, and there is nobody where it went
		}
		if fresh, err := b.insert(ctx, tx, now); err != nil || !fresh {
			became = BounceKnown
			return err
		}
		became = BounceCounted
		switch {
		case !b.Proven:
			became = BounceUnproven
			return nil
		case b.Kind == BounceComplaint:
			became = BounceSuppressed
			return suppress(ctx, tx, hash, Complained, now)
		case b.Kind == BounceSoft:
			score, err := bounceScore(ctx, tx, b.Subscriber, now, limit.HalfLife)
			if err != nil || score < limit.Score {
				return err
			}
		}
		became = BounceSuppressed
		return suppress(ctx, tx, hash, Bounced, now)
	})
	if err != nil {
		return "", fmt.Errorf("recording a report about subscriber %d: %w", b.Subscriber, err)
	}
	return became, nil
}

// late says that a report is about the address that a subscriber had before: about an issue of that time, or, of a mail of
// which nobody knows when it was sent, that it does not name the address they have now.
func (b Bounce) late(ctx context.Context, tx *sql.Tx, key string, moved sql.NullInt64) (bool, error) {
	if !moved.Valid {
		return false, nil
	}
	var frozen int64
	err := tx.QueryRowContext(ctx, `SELECT frozen FROM issue WHERE id = ?`, b.Issue).Scan(&frozen)
	if errors.Is(err, sql.ErrNoRows) {
		return !slices.Contains(b.Keys, key), nil
	}
	return frozen < moved.Int64, err
}

// insert writes a report down, and says whether it was not known before.
func (b Bounce) insert(ctx context.Context, tx *sql.Tx, now time.Time) (fresh bool, err error) {
	if !b.Proven {
		var n int
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM bounce WHERE subscriber = ? AND proven = 0`, b.Subscriber).Scan(&n)
		if err != nil || n >= maxUnproven {
			return false, err
		}
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO bounce (report, subscriber, issue, kind, proven, status, reply, received)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (report) DO NOTHING`,
		b.Report, b.Subscriber, b.Issue, b.Kind, b.Proven, b.Status, b.Reply, now.Unix())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// bounceScore adds up a subscriber's proven soft bounces at their present address: of each issue the newest, which counts for
// 2^(−age/half-life). Those of which the issue is not known are taken for one.
func bounceScore(ctx context.Context, q querier, subscriber int64, now time.Time, halfLife time.Duration) (float64, error) {
	newest, err := collect(ctx, q, func(rows *sql.Rows) (at int64, err error) {
		return at, rows.Scan(&at)
	}, `SELECT max(b.received) FROM bounce b JOIN subscriber s ON s.id = b.subscriber
		WHERE b.subscriber = ? AND b.proven = 1 AND b.kind = 'soft' AND b.received >= coalesce(s.moved, 0) GROUP BY b.issue`, subscriber)
	if err != nil {
		return 0, fmt.Errorf("reading the bounces of subscriber %d: %w", subscriber, err)
	}
	score := 0.0
	for _, at := range newest {
		age := max(0, now.Sub(time.Unix(at, 0))) // a clock may have been turned back
		score += math.Exp2(-age.Seconds() / halfLife.Seconds())
	}
	return score, nil
}

// BounceRow is a report that was written down, and how its subscriber stands now.
type BounceRow struct {
	Bounce
	Received   time.Time
	Address    string // the subscriber's
	Digest     string // of the issue; empty: not known
	Number     int
	Score      float64 // the sum of their soft bounces
	Suppressed Reason  // empty: they may be written to
}

// Bounces gives the newest reports first, n at most.
func (s *Store) Bounces(ctx context.Context, n int, halfLife time.Duration) ([]BounceRow, error) {
	rows, err := collect(ctx, s.db, func(rows *sql.Rows) (b BounceRow, err error) {
		var received sql.NullInt64
		err = rows.Scan(&b.Report, &b.Subscriber, &b.Issue, &b.Kind, &b.Proven, &b.Status, &b.Reply, &received, &b.Address,
			&b.Digest, &b.Number, &b.Suppressed)
		b.Received = fromUnix(received)
		return b, err
	}, `SELECT b.report, b.subscriber, b.issue, b.kind, b.proven, b.status, b.reply, b.received, s.address,
		coalesce(i.digest, ''), coalesce(i.number, 0), coalesce((SELECT reason FROM suppression p WHERE p.hash = s.hash), '')
		FROM bounce b JOIN subscriber s ON s.id = b.subscriber LEFT JOIN issue i ON i.id = b.issue
		ORDER BY b.received DESC, b.id DESC LIMIT ?`, n)
	if err != nil {
		return nil, fmt.Errorf("reading bounces: %w", err)
	}
	for i := range rows {
		if rows[i].Score, err = bounceScore(ctx, s.db, rows[i].Subscriber, s.now(), halfLife); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// BounceCounts is how many reports came since a time, unproven ones aside, and how many addresses are suppressed.
type BounceCounts struct {
	Hard, Soft, Complaints int
	Suppressed             int
}

// BounceCounts counts reports since a time.
func (s *Store) BounceCounts(ctx context.Context, since time.Time) (c BounceCounts, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(CASE kind WHEN 'hard' THEN 1 END), count(CASE kind WHEN 'soft' THEN 1 END),
		count(CASE kind WHEN 'complaint' THEN 1 END), (SELECT count(*) FROM suppression) FROM bounce WHERE received >= ? AND proven = 1`,
		since.Unix()).Scan(&c.Hard, &c.Soft, &c.Complaints, &c.Suppressed)
	if err != nil {
		return c, fmt.Errorf("counting bounces: %w", err)
	}
	return c, nil
}
