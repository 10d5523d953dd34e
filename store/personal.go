package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Personal is all that is stored about a subscriber, in a form that people and programs can read.
type Personal struct {
	Made          time.Time              `json:"made"`
	Address       string                 `json:"address"`
	Known         time.Time              `json:"known_since"`
	Paused        *time.Time             `json:"paused_until"`
	Moved         *time.Time             `json:"address_changed"`
	Suppressed    *PersonalSuppression   `json:"suppressed"` // null: mail may be sent
	Subscriptions []PersonalSubscription `json:"subscriptions"`
	Issues        []PersonalIssue        `json:"issues"`
	Bounces       []PersonalBounce       `json:"bounces"`
	Confirmations []PersonalConfirmation `json:"confirmations"`
}

// PersonalSuppression says since when and why nothing is sent.
type PersonalSuppression struct {
	Reason Reason    `json:"reason"`
	Since  time.Time `json:"since"`
}

// PersonalSubscription is one to a digest.
type PersonalSubscription struct {
	Digest    string            `json:"digest"`
	State     SubscriptionState `json:"state"`
	Origin    string            `json:"origin"` // form, import or operator
	Asked     time.Time         `json:"asked"`
	Confirmed *time.Time        `json:"confirmed"`
	Ended     *time.Time        `json:"ended"`
	Choices   []PersonalChoice  `json:"choices"` // empty: everything
}

// PersonalChoice is a section, or a whole list, that was chosen.
type PersonalChoice struct {
	List    string `json:"list"`
	Section string `json:"section,omitempty"` // its slug; empty: the whole list
}

// PersonalIssue is what came of one issue.
type PersonalIssue struct {
	Digest string    `json:"digest"`
	Number int       `json:"number"`
	State  string    `json:"state"`
	Tries  int       `json:"tries"`
	Date   time.Time `json:"date"`
	Answer string    `json:"answer"` // the mail server's, or what went wrong
}

// PersonalBounce is what came back.
type PersonalBounce struct {
	Digest   string    `json:"digest,omitempty"`
	Number   int       `json:"number,omitempty"`
	Kind     string    `json:"kind"`
	Status   string    `json:"status,omitempty"`
	Answer   string    `json:"answer,omitempty"`
	Received time.Time `json:"received"`
}

// PersonalConfirmation is a mail that asked something.
type PersonalConfirmation struct {
	Kind   string     `json:"kind"`
	Digest string     `json:"digest,omitempty"`
	Other  string     `json:"new_address,omitempty"`
	Asked  time.Time  `json:"asked"`
	Sent   *time.Time `json:"sent"`
	Client string     `json:"client,omitempty"` // keyed hash of the network address that it was asked from; empty after a day
	Error  string     `json:"error,omitempty"`
}

// TakeData does ActData: it gives all that is stored about the subscriber. The error is ErrStale or the database's.
func (s *Store) TakeData(ctx context.Context, confirmation int64, nonce string) (*Personal, error) {
	var p *Personal
	err := s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		a, err := use(ctx, tx, ActData, confirmation, nonce, now)
		if err == nil {
			p, err = readPersonal(ctx, tx, a.Subscriber, now)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("collecting what is stored about a subscriber: %w", err)
	}
	return p, nil
}

func readPersonal(ctx context.Context, tx *sql.Tx, subscriber int64, now time.Time) (*Personal, error) {
	p := &Personal{Made: now}
	var known, paused, moved, since sql.NullInt64
	var reason sql.NullString
	err := tx.QueryRowContext(ctx, `SELECT s.address, s.created, s.paused, s.moved, p.reason, p.created
		FROM subscriber s LEFT JOIN suppression p ON p.hash = s.hash WHERE s.id = ?`, subscriber).
		Scan(&p.Address, &known, &paused, &moved, &reason, &since)
	if err != nil {
		return nil, err
	}
	p.Known, p.Paused, p.Moved = fromUnix(known), when(paused), when(moved)
	if reason.Valid {
		p.Suppressed = &PersonalSuppression{Reason(reason.String), fromUnix(since)}
	}
	for _, read := range []func(context.Context, *sql.Tx, int64) error{p.readSubscriptions, p.readIssues, p.readBounces, p.readConfirmations} {
		if err := read(ctx, tx, subscriber); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// when is a column's time; NULL is none.
func when(v sql.NullInt64) *time.Time {
	if !v.Valid {
		return nil
	}
	t := fromUnix(v)
	return &t
}

func (p *Personal) readSubscriptions(ctx context.Context, tx *sql.Tx, subscriber int64) (err error) {
	p.Subscriptions, err = collect(ctx, tx, func(rows *sql.Rows) (n PersonalSubscription, err error) {
		var asked, confirmed, ended sql.NullInt64
		err = rows.Scan(&n.Digest, &n.State, &n.Origin, &asked, &confirmed, &ended)
		n.Asked, n.Confirmed, n.Ended, n.Choices = fromUnix(asked), when(confirmed), when(ended), []PersonalChoice{}
		return n, err
	}, `SELECT digest, state, origin, created, confirmed, ended FROM subscription WHERE subscriber = ? ORDER BY digest`, subscriber)
	if err != nil {
		return err
	}
	for i := range p.Subscriptions {
		n := &p.Subscriptions[i]
		choices, err := collect(ctx, tx, func(rows *sql.Rows) (c PersonalChoice, err error) {
			err = rows.Scan(&c.List, &c.Section)
			return c, err
		}, `SELECT c.list, coalesce(s.slug, CASE c.section WHEN 0 THEN '' ELSE '(' || c.section || ')' END) FROM choice c
			LEFT JOIN section s ON s.id = c.section WHERE c.subscriber = ? AND c.digest = ? ORDER BY 1, 2`, subscriber, n.Digest)
		if err != nil {
			return err
		}
		n.Choices = append(n.Choices, choices...)
	}
	return nil
}

func (p *Personal) readIssues(ctx context.Context, tx *sql.Tx, subscriber int64) (err error) {
	p.Issues, err = collect(ctx, tx, func(rows *sql.Rows) (i PersonalIssue, err error) {
		var date sql.NullInt64
		err = rows.Scan(&i.Digest, &i.Number, &i.State, &i.Tries, &date, &i.Answer)
		i.Date = fromUnix(date)
		return i, err
	}, `SELECT i.digest, i.number, d.state, d.attempts, d.updated, d.reply FROM issue i CROSS JOIN delivery d ON d.issue = i.id
		WHERE d.subscriber = ? ORDER BY i.id`, subscriber)
	return err
}

func (p *Personal) readBounces(ctx context.Context, tx *sql.Tx, subscriber int64) (err error) {
	p.Bounces, err = collect(ctx, tx, func(rows *sql.Rows) (b PersonalBounce, err error) {
		var received sql.NullInt64
		err = rows.Scan(&b.Digest, &b.Number, &b.Kind, &b.Status, &b.Answer, &received)
		b.Received = fromUnix(received)
		return b, err
	}, `SELECT coalesce(i.digest, ''), coalesce(i.number, 0), b.kind, b.status, b.reply, b.received
		FROM bounce b LEFT JOIN issue i ON i.id = b.issue WHERE b.subscriber = ? ORDER BY b.received, b.id`, subscriber)
	return err
}

func (p *Personal) readConfirmations(ctx context.Context, tx *sql.Tx, subscriber int64) (err error) {
	p.Confirmations, err = collect(ctx, tx, func(rows *sql.Rows) (c PersonalConfirmation, err error) {
		var asked, sent sql.NullInt64
		err = rows.Scan(&c.Kind, &c.Digest, &c.Other, &asked, &sent, &c.Client, &c.Error)
		c.Asked, c.Sent = fromUnix(asked), when(sent)
		return c, err
	}, `SELECT kind, digest, address, created, sent, origin, error FROM confirmation WHERE subscriber = ? ORDER BY id`, subscriber)
	return err
}
