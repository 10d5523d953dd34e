package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"linkletter/feed/digest"
)

// Delivery is one issue to one subscriber.
type Delivery struct {
	ID         int64
	Issue      int64 // the issue's row
	Subscriber int64
	Address    string // the subscriber's, as given
	State      digest.State
	Attempts   int       // tries that ended, well or not, and the one whose intent is on disk
	Next       time.Time // not to be tried before; zero: at once, or, in doubt, never
	Updated    time.Time
	Reply      string // the server's, or what went wrong
	// Selection is what the subscriber gets of the issue (see Store.Selection); 0: all of it. Selected counts its entries; only
	// Store.Deliveries fills it in.
	Selection int64
	Selected  int
	// Message is the bytes of a message in doubt, which a repetition must send unchanged. Only Sender.Claim fills it in.
	Message []byte
	hash    string // of the subscriber's key, as suppressions have it; only Sender.Claim fills it in
}

const deliveryColumns = `d.id, d.issue, d.subscriber, s.address, d.state, d.attempts, d.next, d.updated, d.reply, coalesce(d.selection, 0)`

func (d *Delivery) scan(rows *sql.Rows, more ...any) error {
	var next, updated int64
	into := append([]any{&d.ID, &d.Issue, &d.Subscriber, &d.Address, &d.State, &d.Attempts, &next, &updated, &d.Reply, &d.Selection}, more...)
	if err := rows.Scan(into...); err != nil {
		return err
	}
	if next > 0 {
		d.Next = time.Unix(next, 0).UTC()
	}
	d.Updated = time.Unix(updated, 0).UTC()
	return nil
}

// ending is why a claimed delivery ends without the server's yes, and whether somebody may have the message nevertheless.
func (d Delivery) ending(reason string) string {
	if d.Message == nil {
		return reason
	}
	return reason + "; it was in doubt before, and may have arrived then"
}

// DeliveryQuery asks for deliveries of one issue, a page at a time.
type DeliveryQuery struct {
	Issue  int64          // the issue's row
	States []digest.State // none: all
	After  int64          // the ID of the last delivery of the page before; 0: the first page
	Limit  int            // most deliveries
}

// Deliveries gives an issue's deliveries in the order of their ids.
func (s *Store) Deliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error) {
	where, args := `d.issue = ? AND d.id > ?`, []any{q.Issue, q.After}
	if len(q.States) > 0 {
		where += ` AND d.state IN (` + marks(len(q.States)) + `)`
		for _, state := range q.States {
			args = append(args, state)
		}
	}
	found, err := collect(ctx, s.db, func(rows *sql.Rows) (d Delivery, err error) {
		err = d.scan(rows, &d.Selected)
		return d, err
	}, `SELECT `+deliveryColumns+`, coalesce((SELECT json_array_length(entries) FROM selection WHERE id = d.selection), 0)
		FROM delivery d JOIN subscriber s ON s.id = d.subscriber
		WHERE `+where+` ORDER BY d.id LIMIT ?`, append(args, q.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("reading deliveries: %w", err)
	}
	return found, nil
}

// Backlog is the deliveries that are still to be tried.
type Backlog struct {
	Due  int       // now
	Next time.Time // when the next of the others is due; zero: there are no others
}

// openDelivery is the condition for a delivery that is to be tried, now or later. One in doubt with no time set stays as it
// is. It names the states first, for the index.
const openDelivery = `d.state IN ('pending', 'deferred', 'in_doubt') AND (d.state <> 'in_doubt' OR d.next > 0)`

// Backlog counts what is to be delivered, of all issues that are being sent.
func (s *Store) Backlog(ctx context.Context) (Backlog, error) {
	var b Backlog
	var next sql.NullInt64
	now := s.now().Unix()
	err := s.db.QueryRowContext(ctx, `SELECT count(CASE WHEN d.next <= ? THEN 1 END), min(CASE WHEN d.next > ? THEN d.next END)
		FROM issue i CROSS JOIN delivery d ON d.issue = i.id WHERE i.state = 'sending' AND `+openDelivery, now, now).Scan(&b.Due, &next)
	if err != nil {
		return b, fmt.Errorf("counting what is to be delivered: %w", err)
	}
	b.Next = fromUnix(next)
	return b, nil
}
