package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"linkletter/feed/digest"
)

// SubscriptionState is where a subscriber stands with one digest.
type SubscriptionState string

const (
	SubscriptionPending      SubscriptionState = "pending"      // asked for with the form, not confirmed yet
	SubscriptionConfirmed    SubscriptionState = "confirmed"    // gets every issue
	SubscriptionUnsubscribed SubscriptionState = "unsubscribed" // only they can come back, with the form
	SubscriptionSuppressed   SubscriptionState = "suppressed"   // in lists and exports only: the address must not be written to
)

// Where a subscription came from.
const (
	originForm     = "form"
	originImport   = "import"
	originOperator = "operator"
)

// Subscriber is a person: one address, however it was written.
type Subscriber struct {
	ID            int64
	Address       string // what to write to, its domain in A-labels
	Created       time.Time
	Suppressed    Reason         // empty: may be written to
	Subscriptions []Subscription // by digest
}

// Subscription is one subscriber's to one digest.
type Subscription struct {
	Digest    string
	State     SubscriptionState
	Origin    string    // form, import or operator
	Created   time.Time // asked for
	Confirmed time.Time // zero: never
	Ended     time.Time // when they left; stays until they confirm again
}

// Waits says whether a subscription only lacks the button behind the link that was mailed, which is still good.
func (n Subscription) Waits(now time.Time) bool {
	return n.State == SubscriptionPending && now.Before(n.Created.Add(ConfirmationTime))
}

// SubscriberFilter chooses subscribers; empty fields choose all.
type SubscriberFilter struct {
	ID     int64
	Key    string // as NormalizeAddress gives it
	Digest string // those who have, or had, a subscription to it; other digests are left out
}

// UnsubscribedError says that somebody left a digest, so that nobody but them may subscribe them again.
type UnsubscribedError struct {
	Address, Digest string
	Ended           time.Time
}

func (e *UnsubscribedError) Error() string {
	return fmt.Sprintf("%s left %s on %s; only they can subscribe again, with the form", e.Address, e.Digest, e.Ended.Format(time.DateOnly))
}

// Subscriber gives one subscriber, or ErrNotFound.
func (s *Store) Subscriber(ctx context.Context, id int64) (*Subscriber, error) {
	name := fmt.Sprintf("subscriber %d", id)
	if id == 0 { // which would choose all
		return nil, fmt.Errorf("%s: %w", name, ErrNotFound)
	}
	return s.oneSubscriber(ctx, SubscriberFilter{ID: id}, name)
}

// SubscriberByAddress gives the subscriber with an address, however it is written, or ErrNotFound.
func (s *Store) SubscriberByAddress(ctx context.Context, address string) (*Subscriber, error) {
	_, key, err := NormalizeAddress(address)
	if err != nil {
		return nil, err
	}
	return s.oneSubscriber(ctx, SubscriberFilter{Key: key}, address)
}

func (s *Store) oneSubscriber(ctx context.Context, filter SubscriberFilter, name string) (*Subscriber, error) {
	var found *Subscriber
	err := s.Subscribers(ctx, filter, func(sub Subscriber) error { found = &sub; return nil })
	if err == nil && found == nil {
		err = fmt.Errorf("%s: %w", name, ErrNotFound)
	}
	return found, err
}

// Subscribers calls f with each subscriber chosen, oldest first, and ends with the first error of f. It holds one
// subscriber at a time.
func (s *Store) Subscribers(ctx context.Context, filter SubscriberFilter, f func(Subscriber) error) error {
	query, args := filter.query()
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("reading subscribers: %w", err)
	}
	defer rows.Close()
	var current Subscriber
	for rows.Next() {
		row, subscription, err := scanSubscriber(rows)
		if err != nil {
			return fmt.Errorf("reading subscribers: %w", err)
		}
		if row.ID != current.ID {
			if current.ID != 0 {
				if err := f(current); err != nil {
					return err
				}
			}
			current = row
		}
		if subscription.Digest != "" {
			current.Subscriptions = append(current.Subscriptions, subscription)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading subscribers: %w", err)
	}
	if current.ID == 0 {
		return nil
	}
	return f(current)
}

// query reads the subscribers chosen, a row for each of their subscriptions. Only what is asked for is in its conditions,
// so that an index serves it.
func (f SubscriberFilter) query() (query string, args []any) {
	query = `SELECT s.id, s.address, s.created, (SELECT reason FROM suppression p WHERE p.hash = s.hash),
		n.digest, n.state, n.origin, n.created, n.confirmed, n.ended
		FROM subscriber s LEFT JOIN subscription n ON n.subscriber = s.id WHERE true`
	if f.ID != 0 {
		query, args = query+` AND s.id = ?`, append(args, f.ID)
	}
	if f.Key != "" {
		query, args = query+` AND s.key = ?`, append(args, f.Key)
	}
	if f.Digest != "" {
		query, args = query+` AND n.digest = ?`, append(args, f.Digest)
	}
	return query + ` ORDER BY s.id, n.digest`, args
}

// scanSubscriber reads a subscriber with one of their subscriptions; it has no digest when there is none.
func scanSubscriber(rows *sql.Rows) (s Subscriber, n Subscription, err error) {
	var created, asked, confirmed, ended sql.NullInt64
	var suppressed, digest, state, origin sql.NullString
	err = rows.Scan(&s.ID, &s.Address, &created, &suppressed, &digest, &state, &origin, &asked, &confirmed, &ended)
	s.Created, s.Suppressed = fromUnix(created), Reason(suppressed.String)
	n = Subscription{Digest: digest.String, State: SubscriptionState(state.String), Origin: origin.String,
		Created: fromUnix(asked), Confirmed: fromUnix(confirmed), Ended: fromUnix(ended)}
	return s, n, err
}

// AddSubscriber subscribes an address to digests, confirmed at once: the operator answers for it. Whoever left one of them
// (UnsubscribedError) or is suppressed (SuppressedError) is not added to any.
func (s *Store) AddSubscriber(ctx context.Context, address string, digests []string) error {
	address, key, err := NormalizeAddress(address)
	if err != nil {
		return err
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return err
	}
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		reason, err := suppression(ctx, tx, keys, key)
		if err != nil {
			return err
		}
		if reason != "" {
			return &SuppressedError{Address: address, Reason: reason}
		}
		id, err := ensureSubscriber(ctx, tx, keys, address, key, now)
		if err != nil {
			return err
		}
		for _, d := range digests {
			if err := addSubscription(ctx, tx, id, address, d, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("adding a subscriber: %w", err)
	}
	return nil
}

func addSubscription(ctx context.Context, tx *sql.Tx, id int64, address, digest string, now time.Time) error {
	n, err := readSubscription(ctx, tx, id, digest)
	if err != nil {
		return err
	}
	if !n.Ended.IsZero() {
		return &UnsubscribedError{Address: address, Digest: digest, Ended: n.Ended}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO subscription (subscriber, digest, state, origin, created, confirmed)
		VALUES (?1, ?2, 'confirmed', ?3, ?4, ?4)
		ON CONFLICT (subscriber, digest) DO UPDATE SET state = 'confirmed', confirmed = excluded.confirmed, nonce = ''
		WHERE state = 'pending'`, id, digest, originOperator, now.Unix())
	if err != nil {
		return err
	}
	return dropConfirmations(ctx, tx, id, digest)
}

// RemoveSubscriber unsubscribes an address from every digest, or fails with ErrNotFound.
func (s *Store) RemoveSubscriber(ctx context.Context, address string) error {
	sub, err := s.SubscriberByAddress(ctx, address)
	if err != nil {
		return fmt.Errorf("removing a subscriber: %w", err)
	}
	return s.UnsubscribeAll(ctx, sub.ID)
}

// Unsubscribe ends a subscription. Once it returned, no message of it is ended any more. Ending it again, or one that
// never was, is no error: whoever says so has what they want.
func (s *Store) Unsubscribe(ctx context.Context, subscriber int64, digest string) error {
	err := s.shared(ctx, func(ctx context.Context, tx *sql.Tx, now time.Time) error {
		return unsubscribe(ctx, tx, subscriber, digest, now)
	})
	if err != nil {
		return fmt.Errorf("unsubscribing: %w", err)
	}
	return nil
}

// unsubscribe ends a subscription, with what was chosen of its digest: who comes back gets everything, unless they choose again.
func unsubscribe(ctx context.Context, tx *sql.Tx, subscriber int64, digest string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE subscription SET state = 'unsubscribed', ended = ?, nonce = ''
		WHERE subscriber = ? AND digest = ? AND state <> 'unsubscribed'`, now.Unix(), subscriber, digest)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM choice WHERE subscriber = ? AND digest = ?`, subscriber, digest); err != nil {
		return err
	}
	return dropConfirmations(ctx, tx, subscriber, digest)
}

// SubscriptionCounts are the subscriptions of one digest by state. Suppressed addresses are counted where their
// subscriptions stand.
type SubscriptionCounts struct {
	Pending, Confirmed, Unsubscribed int
}

// SubscriptionCounts counts the subscriptions of each digest that has any.
func (s *Store) SubscriptionCounts(ctx context.Context) (map[string]SubscriptionCounts, error) {
	type row struct {
		digest string
		state  SubscriptionState
		n      int
	}
	rows, err := collect(ctx, s.db, func(rows *sql.Rows) (r row, err error) {
		err = rows.Scan(&r.digest, &r.state, &r.n)
		return r, err
	}, `SELECT digest, state, count(*) FROM subscription GROUP BY digest, state`)
	if err != nil {
		return nil, fmt.Errorf("counting subscriptions: %w", err)
	}
	all := map[string]SubscriptionCounts{}
	for _, r := range rows {
		c := all[r.digest]
		switch r.state {
		case SubscriptionPending:
			c.Pending = r.n
		case SubscriptionConfirmed:
			c.Confirmed = r.n
		case SubscriptionUnsubscribed:
			c.Unsubscribed = r.n
		}
		all[r.digest] = c
	}
	return all, nil
}

// Ping reads from the database, to say whether it can be reached.
func (s *Store) Ping(ctx context.Context) error {
	var n int
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM lease`).Scan(&n); err != nil {
		return fmt.Errorf("reading the database: %w", err)
	}
	return nil
}

// keys are what signs and hashes. They are read before a transaction begins, because making the secret is one of its own.
func (s *Store) keys(ctx context.Context) (digest.Keys, error) {
	secret, err := s.Secret(ctx)
	if err != nil {
		return digest.Keys{}, fmt.Errorf("reading the secret: %w", err)
	}
	return digest.NewKeys(secret), nil
}

func ensureSubscriber(ctx context.Context, tx *sql.Tx, keys digest.Keys, address, key string, now time.Time) (id int64, err error) {
	_, err = tx.ExecContext(ctx, `INSERT INTO subscriber (address, key, hash, created) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING`,
		address, key, keys.Hash(digest.HashSuppression, key), now.Unix())
	if err != nil {
		return 0, err
	}
	return id, tx.QueryRowContext(ctx, `SELECT id FROM subscriber WHERE key = ?`, key).Scan(&id)
}

// readSubscription gives a subscription; one that does not exist has no state.
func readSubscription(ctx context.Context, q querier, subscriber int64, digest string) (Subscription, error) {
	n := Subscription{Digest: digest}
	var created, confirmed, ended sql.NullInt64
	err := q.QueryRowContext(ctx, `SELECT state, origin, created, confirmed, ended FROM subscription WHERE subscriber = ? AND digest = ?`,
		subscriber, digest).Scan(&n.State, &n.Origin, &created, &confirmed, &ended)
	if errors.Is(err, sql.ErrNoRows) {
		return n, nil
	}
	n.Created, n.Confirmed, n.Ended = fromUnix(created), fromUnix(confirmed), fromUnix(ended)
	return n, err
}

// dropConfirmations takes back confirmation mails that wait for a subscription that is decided.
func dropConfirmations(ctx context.Context, tx *sql.Tx, subscriber int64, digest string) error {
	_, err := tx.ExecContext(ctx, `UPDATE confirmation SET next = NULL WHERE next IS NOT NULL AND subscriber = ? AND digest = ?`,
		subscriber, digest)
	return err
}
