package store

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"linkletter/feed/digest"
)

// ActKind is what nobody shall do who only has somebody's mail, a forwarded issue say. It is asked for on the preferences
// page, and done with the link of a mail, which is good for once.
type ActKind string

const (
	ActLeaveAddress ActKind = "leave_address" // another address shall take the place of the subscriber's, which is asked
	ActTakeAddress  ActKind = "take_address"  // the same; that other address is asked
	ActData         ActKind = "data"          // all that is stored about the subscriber is handed out
	ActForget       ActKind = "forget"        // and deleted
)

// Act is one that was asked for and can be done.
type Act struct {
	Kind       ActKind
	Subscriber int64
	Address    string // the subscriber's, as given
	Other      string // the address that shall take its place; empty but for the first two kinds
	Expires    time.Time
}

// RequestAct queues the mail that asks a subscriber whether an act was meant. other is the new address of ActLeaveAddress,
// and empty for ActData and ActForget; ActTakeAddress is asked for by LeaveAddress alone. client and limits are those of
// SignUp. Nothing is queued beyond the limits, for an address that must not be written to, or while the same mail waits;
// whoever asked must not learn which. The error is that of NormalizeAddress for other, ErrNotFound, or the database's.
func (s *Store) RequestAct(ctx context.Context, subscriber int64, kind ActKind, other, client string, limits SignUpLimits) (done SignedUp, err error) {
	switch kind {
	case ActLeaveAddress:
		if other, _, err = NormalizeAddress(other); err != nil {
			return done, err
		}
	case ActData, ActForget:
		other = ""
	default:
		return done, fmt.Errorf("asking for an act: there is no act %q to ask for", kind)
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return done, err
	}
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		mail := actMail{subscriber: subscriber, kind: kind, other: other}
		err := tx.QueryRowContext(ctx, `SELECT key FROM subscriber WHERE id = ?`, subscriber).Scan(&mail.key)
		if errors.Is(err, sql.ErrNoRows) {
			err = fmt.Errorf("subscriber %d: %w", subscriber, ErrNotFound)
		}
		if err == nil {
			done, err = mail.queue(ctx, tx, keys, client, limits, now)
		}
		return err
	})
	if err != nil {
		return SignedUp{}, fmt.Errorf("asking for an act: %w", err)
	}
	return done, nil
}

// actMail is a mail that asks whether an act was meant.
type actMail struct {
	subscriber int64
	kind       ActKind
	other      string
	key        string // of the address that the mail goes to
}

// queue queues the mail with a fresh nonce, unless something keeps it from being sent.
func (m actMail) queue(ctx context.Context, tx *sql.Tx, keys digest.Keys, client string, limits SignUpLimits, now time.Time) (done SignedUp, err error) {
	// What others' addresses do to the limits for a client tells nothing about them (see askConfirmations).
	allowed, err := limits.allowClient(ctx, tx, client, 1, now)
	if err != nil || !allowed {
		return SignedUp{Limited: !allowed}, err
	}
	reason, err := suppression(ctx, tx, keys, m.key)
	if err != nil {
		return done, err
	}
	if !m.kind.mayReach(reason) {
		return done, countAlone(ctx, tx, client, 1, now)
	}
	var waits bool
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM confirmation WHERE subscriber = ? AND kind = ? AND address = ? AND next IS NOT NULL)`,
		m.subscriber, m.kind, m.other).Scan(&waits)
	if err == nil && !waits {
		allowed, err = limits.allowAddress(ctx, tx, keys, m.key, 1, now)
	}
	if err != nil {
		return done, err
	}
	if waits || !allowed {
		return SignedUp{Limited: !allowed}, countAlone(ctx, tx, client, 1, now)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO confirmation (subscriber, kind, digest, address, key, nonce, origin, created, next)
		VALUES (?1, ?2, '', ?3, ?4, ?5, ?6, ?7, ?7)`, m.subscriber, m.kind, m.other, m.key, rand.Text(), client, now.Unix())
	return SignedUp{Queued: 1}, err
}

// mayReach says whether the mail that asks for an act, or a subscription, may go to an address that is suppressed for a reason.
// Who left and was forgotten may come back, also as somebody's new address: they are asked there.
func (k ActKind) mayReach(reason Reason) bool {
	return reason == "" || (k == "" || k == ActTakeAddress) && mayAsk(reason)
}

// Act reads an act by what its link says. One that was done, that expired, whose subscriber is gone, or that was asked for
// before the address changed is ErrStale.
func (s *Store) Act(ctx context.Context, confirmation int64, nonce string) (*Act, error) {
	a, err := readAct(ctx, s.db, confirmation, nonce, s.now().UTC())
	if err != nil {
		return nil, fmt.Errorf("reading an act: %w", err)
	}
	return a, nil
}

func readAct(ctx context.Context, q querier, confirmation int64, nonce string, now time.Time) (*Act, error) {
	var a Act
	var good string
	var created int64
	err := q.QueryRowContext(ctx, `SELECT c.kind, c.subscriber, s.address, c.address, c.nonce, c.created
		FROM confirmation c JOIN subscriber s ON s.id = c.subscriber WHERE c.id = ? AND c.kind <> 'subscribe'`, confirmation).
		Scan(&a.Kind, &a.Subscriber, &a.Address, &a.Other, &good, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrStale
	}
	if err != nil {
		return nil, err
	}
	a.Expires = time.Unix(created, 0).UTC().Add(ConfirmationTime)
	if good == "" || subtle.ConstantTimeCompare([]byte(good), []byte(nonce)) == 0 || now.Unix() > a.Expires.Unix() {
		return nil, ErrStale
	}
	return &a, nil
}

// use is readAct for an act of a kind that is done now: its link is good for nothing any more.
func use(ctx context.Context, tx *sql.Tx, kind ActKind, confirmation int64, nonce string, now time.Time) (*Act, error) {
	a, err := readAct(ctx, tx, confirmation, nonce, now)
	if err == nil && a.Kind != kind {
		err = ErrStale
	}
	if err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE confirmation SET nonce = '', next = NULL WHERE id = ?`, confirmation)
	return a, err
}
