package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"linkletter/feed/digest"
)

// ErrTaken says that an address gets digests already, so that it cannot become somebody else's.
var ErrTaken = errors.New("the address is subscribed already")

// LeaveAddress does ActLeaveAddress: the new address is asked whether it shall take the old one's place. What came of it, whoever
// did it must not learn, as with SignUp; beyond the limits the link stays good. The error is ErrStale or the database's.
func (s *Store) LeaveAddress(ctx context.Context, confirmation int64, nonce, client string, limits SignUpLimits) (a *Act, done SignedUp, err error) {
	keys, err := s.keys(ctx)
	if err != nil {
		return nil, done, err
	}
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		if a, err = use(ctx, tx, ActLeaveAddress, confirmation, nonce, now); err != nil {
			return err
		}
		mail := actMail{subscriber: a.Subscriber, kind: ActTakeAddress, other: a.Other}
		if _, mail.key, err = NormalizeAddress(a.Other); err != nil {
			return err
		}
		done, err = mail.queue(ctx, tx, keys, client, limits, now)
		if err == nil && done.Limited { // the link stays good for another try
			_, err = tx.ExecContext(ctx, `UPDATE confirmation SET nonce = ? WHERE id = ?`, nonce, confirmation)
		}
		return err
	})
	if err != nil {
		return nil, SignedUp{}, fmt.Errorf("leaving an address: %w", err)
	}
	return a, done, nil
}

// TakeAddress does ActTakeAddress: the subscriber, with subscriptions and choices, has the new address from now on, and every
// link that was mailed to the old one for an act or a subscription is stale; of the old address a hash stays, so that no import
// brings it back. An address that gets digests already is ErrTaken,
// and nothing is changed. One that is known, but gets none, makes way: what is stored about it is deleted as by Forget, and
// what it left stays left. The other errors are ErrStale and the database's.
func (s *Store) TakeAddress(ctx context.Context, confirmation int64, nonce string) (a *Act, err error) {
	keys, err := s.keys(ctx)
	if err != nil {
		return nil, err
	}
	err = s.erasing(ctx, func(tx *sql.Tx, now time.Time) error {
		if a, err = use(ctx, tx, ActTakeAddress, confirmation, nonce, now); err != nil {
			return err
		}
		_, key, err := NormalizeAddress(a.Other)
		if err != nil {
			return err
		}
		reason, err := suppression(ctx, tx, keys, key)
		if err == nil && !ActTakeAddress.mayReach(reason) {
			err = ErrStale
		}
		if err != nil {
			return err
		}
		if err := makeWay(ctx, tx, keys, a.Subscriber, key, now); err != nil {
			return err
		}
		return moveSubscriber(ctx, tx, keys, a.Subscriber, a.Other, key, now)
	})
	if err != nil {
		return nil, fmt.Errorf("taking an address: %w", err)
	}
	return a, nil
}

// makeWay removes another subscriber who has the key, unless digests are sent to them.
func makeWay(ctx context.Context, tx *sql.Tx, keys digest.Keys, subscriber int64, key string, now time.Time) error {
	var other int64
	err := tx.QueryRowContext(ctx, `SELECT id FROM subscriber WHERE key = ? AND id <> ?`, key, subscriber).Scan(&other)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	var subscribed bool
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM subscription WHERE subscriber = ? AND state = 'confirmed')`, other).Scan(&subscribed)
	if err == nil && subscribed {
		err = ErrTaken
	}
	if err != nil {
		return err
	}
	// What they left nobody else may subscribe them to, under whatever number.
	for _, statement := range []string{
		// Also where they only wait to be asked: without an answer they have left again.
		`UPDATE subscription SET ended = (SELECT ended FROM subscription o WHERE o.subscriber = ?2 AND o.digest = subscription.digest)
			WHERE subscriber = ?1 AND state = 'pending' AND ended IS NULL`,
		`UPDATE OR IGNORE subscription SET subscriber = ?1, state = 'unsubscribed', nonce = '' WHERE subscriber = ?2 AND ended IS NOT NULL`,
	} {
		if _, err := tx.ExecContext(ctx, statement, subscriber, other); err != nil {
			return err
		}
	}
	return erase(ctx, tx, keys, other, now)
}

// moveSubscriber gives a subscriber an address that nobody else has.
func moveSubscriber(ctx context.Context, tx *sql.Tx, keys digest.Keys, subscriber int64, address, key string, now time.Time) error {
	hash := keys.Hash(digest.HashSuppression, key)
	var before string
	if err := tx.QueryRowContext(ctx, `SELECT hash FROM subscriber WHERE id = ?`, subscriber).Scan(&before); err != nil {
		return err
	}
	if before != hash { // no import brings the old address back, beside the new one
		if err := suppress(ctx, tx, before, Left, now); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		// A report about a message of before says nothing about the new address.
		`UPDATE subscriber SET moved = CASE hash WHEN ?2 THEN moved ELSE ?3 END, address = ?4, key = ?5, hash = ?2 WHERE id = ?1`,
		`DELETE FROM suppression WHERE hash = ?2 AND reason = 'unsubscribe'`,
		`UPDATE confirmation SET nonce = '', next = NULL WHERE subscriber = ?1`,
	} {
		if _, err := tx.ExecContext(ctx, statement, subscriber, hash, now.Unix(), address, key); err != nil {
			return err
		}
	}
	// Their links went to the old address.
	if err := endUnconfirmed(ctx, tx, subscriber, now.Unix()+1); err != nil {
		return err
	}
	return markUnclean(ctx, tx)
}
