package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"linkletter/feed/digest"
)

// Reason is why an address is suppressed.
type Reason string

const (
	Bounced    Reason = "bounce"      // its server said that there is nobody
	Complained Reason = "complaint"   // they called it spam
	Dismissed  Reason = "operator"    // the operator decided
	Left       Reason = "unsubscribe" // they went and were forgotten; only they can come back, with the form
)

// SuppressedError says that an address must not be written to.
type SuppressedError struct {
	Address string
	Reason  Reason
}

func (e *SuppressedError) Error() string {
	return fmt.Sprintf("%s is suppressed (%s): it is never written to", e.Address, e.Reason)
}

// Suppress makes sure that an address is never written to again, whether it is known or not. What is kept is a keyed hash,
// so it outlives the subscriber; the first reason stays. Deliveries that wait are suppressed when they are claimed.
func (s *Store) Suppress(ctx context.Context, address string, reason Reason) error {
	_, key, err := NormalizeAddress(address)
	if err != nil {
		return fmt.Errorf("suppressing an address: %w", err)
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return err
	}
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		return suppress(ctx, tx, keys.Hash(digest.HashSuppression, key), reason, now)
	})
	if err != nil {
		return fmt.Errorf("suppressing an address: %w", err)
	}
	return nil
}

// suppress keeps the hash of an address; a reason that is there already stays.
func suppress(ctx context.Context, tx *sql.Tx, hash string, reason Reason, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO suppression (hash, reason, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
		hash, reason, now.Unix())
	return err
}

// Suppressed says why an address must not be written to; an empty reason: it may be.
func (s *Store) Suppressed(ctx context.Context, address string) (Reason, error) {
	_, key, err := NormalizeAddress(address)
	if err != nil {
		return "", err
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return "", err
	}
	return suppression(ctx, s.db, keys, key)
}

// suppression looks up a subscriber's key.
func suppression(ctx context.Context, q querier, keys digest.Keys, key string) (Reason, error) {
	var reason Reason
	err := q.QueryRowContext(ctx, `SELECT reason FROM suppression WHERE hash = ?`, keys.Hash(digest.HashSuppression, key)).Scan(&reason)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("looking up a suppression: %w", err)
	}
	return reason, nil
}

// anySuppressed spares long lists the look-ups when nobody is suppressed, as in most stores.
func anySuppressed(ctx context.Context, q querier) (bool, error) {
	var some bool
	if err := q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM suppression)`).Scan(&some); err != nil {
		return false, fmt.Errorf("reading suppressions: %w", err)
	}
	return some, nil
}

// Unsuppress lets an address be written to again that bounced or that the operator suppressed, and gives the reason there was.
// Bounces that were counted are forgotten, so that the next one is the first. Of others it is a SuppressedError, for they are not the
// operator's to bring back; ErrNotFound: it is not suppressed.
func (s *Store) Unsuppress(ctx context.Context, address string) (reason Reason, err error) {
	address, key, err := NormalizeAddress(address)
	if err != nil {
		return "", err
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return "", err
	}
	err = s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		if reason, err = suppression(ctx, tx, keys, key); err != nil {
			return err
		}
		switch reason {
		case "":
			return ErrNotFound
		case Bounced, Dismissed:
		default:
			return &SuppressedError{Address: address, Reason: reason}
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM suppression WHERE hash = ?`, keys.Hash(digest.HashSuppression, key))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM bounce WHERE kind = 'soft' AND subscriber = (SELECT id FROM subscriber WHERE key = ?)`, key)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("lifting a suppression: %w", err)
	}
	return reason, nil
}
