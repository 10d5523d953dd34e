package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"linkletter/feed/digest"
)

// ErrStale says that a confirmation link was used up, or belongs to a subscription that is gone: it must be asked for again.
var ErrStale = errors.New("the confirmation link is no longer good")

// SignUpLimits bound how many confirmation mails strangers can make the program send.
type SignUpLimits struct {
	Address int // to one address in 24 hours; a first sign-up may be for more digests
	Client  int // for one client in an hour
	Total   int // in an hour
}

// signUpMemory is how long a sign-up is remembered, and with it the hash of its client's address: the longest window of
// the limits.
const signUpMemory = 24 * time.Hour

// SignedUp is what came of a sign-up.
type SignedUp struct {
	Queued  int  // confirmation mails to send
	Limited bool // the limits kept it from being sent
}

// SignUp notes that somebody wants an address subscribed to digests, and queues a confirmation mail for each that needs
// one. client stands for the client's network address (digest.Keys.Hash). Nothing is queued for what is confirmed already,
// has a mail waiting, is suppressed for another reason than Left, or is beyond a limit. Whoever signed up must not learn what came
// of it, because it tells who is subscribed. The error is that of NormalizeAddress or the database's.
func (s *Store) SignUp(ctx context.Context, address string, digests []string, client string, limits SignUpLimits) (done SignedUp, err error) {
	address, key, err := NormalizeAddress(address)
	if err != nil {
		return done, err
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return done, err
	}
	err = s.shared(ctx, func(ctx context.Context, tx *sql.Tx, now time.Time) (err error) {
		done, err = askConfirmations(ctx, tx, keys, address, key, digests, client, limits, now)
		return err
	})
	if err != nil {
		return SignedUp{}, fmt.Errorf("signing up: %w", err)
	}
	return done, nil
}

// askConfirmations is SignUp within a transaction, for an address as NormalizeAddress gives it.
func askConfirmations(ctx context.Context, tx *sql.Tx, keys digest.Keys, address, key string, digests []string, client string, limits SignUpLimits, now time.Time) (done SignedUp, err error) {
	digests = slices.Compact(slices.Sorted(slices.Values(digests)))
	if len(digests) == 0 {
		return done, nil
	}
	allowed, err := limits.allowClient(ctx, tx, client, len(digests), now)
	if err != nil || !allowed {
		return SignedUp{Limited: !allowed}, err
	}
	wanted, limited, err := askable(ctx, tx, keys, key, digests, limits, now)
	if err != nil {
		return done, err
	}
	// Whoever sees when their own sign-ups meet a limit must not see who is subscribed: all addresses count alike.
	if err := countAlone(ctx, tx, client, len(digests)-len(wanted), now); err != nil || len(wanted) == 0 {
		return SignedUp{Limited: limited}, err
	}
	id, err := ensureSubscriber(ctx, tx, keys, address, key, now)
	if err != nil {
		return done, err
	}
	for _, d := range wanted {
		if err := requestConfirmation(ctx, tx, id, key, d, client, now); err != nil {
			return done, err
		}
	}
	done.Queued = len(wanted)
	return done, nil
}

// askable are those of digests that somebody is to be asked about; limited: none, because enough was asked there.
func askable(ctx context.Context, tx *sql.Tx, keys digest.Keys, key string, digests []string, limits SignUpLimits, now time.Time) (wanted []string, limited bool, err error) {
	reason, err := suppression(ctx, tx, keys, key)
	if err != nil || !mayAsk(reason) {
		return nil, false, err
	}
	if wanted, err = unconfirmed(ctx, tx, key, digests); err != nil || len(wanted) == 0 {
		return nil, false, err
	}
	allowed, err := limits.allowAddress(ctx, tx, keys, key, len(wanted), now)
	if err != nil || !allowed {
		return nil, err == nil, err
	}
	return wanted, false, nil
}

// countAlone counts for the limits what was asked for n times, and no mail was queued for.
func countAlone(ctx context.Context, tx *sql.Tx, client string, n int, now time.Time) error {
	for range n {
		_, err := tx.ExecContext(ctx, `INSERT INTO confirmation (digest, key, origin, created) VALUES ('', '', ?, ?)`, client, now.Unix())
		if err != nil {
			return err
		}
	}
	return nil
}

// mayAsk says whether somebody who is suppressed for a reason, or is not, may be asked whether they want to subscribe, because it is
// they themselves who went.
func mayAsk(reason Reason) bool { return reason == "" || reason == Left }

// unconfirmed are those of digests that a subscriber has not confirmed and no mail waits for.
func unconfirmed(ctx context.Context, tx *sql.Tx, key string, digests []string) ([]string, error) {
	decided, err := collect(ctx, tx, scanString,
		`SELECT n.digest FROM subscriber s JOIN subscription n ON n.subscriber = s.id AND n.state = 'confirmed' WHERE s.key = ?1
		UNION SELECT c.digest FROM subscriber s JOIN confirmation c ON c.subscriber = s.id AND c.next IS NOT NULL WHERE s.key = ?1`, key)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(digests, func(d string) bool { return slices.Contains(decided, d) }), nil
}

// within says whether a limit lets n more through. Of a first sign-up to several digests it lets all, or nobody could sign up to
// many.
func within(before, n, limit int) bool { return before+n <= limit || before == 0 && limit > 0 }

// allowClient says whether a client may ask n times more, and all of them together. What no mail was queued for counts for the
// client alone: a flood of sign-ups for one victim shall not use up what is there for everybody.
func (l SignUpLimits) allowClient(ctx context.Context, tx *sql.Tx, client string, n int, now time.Time) (bool, error) {
	var before, total int
	err := tx.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM confirmation WHERE origin = ?1 AND created > ?2),
		(SELECT count(*) FROM confirmation WHERE created > ?2 AND key <> '')`, client, now.Add(-time.Hour).Unix()).Scan(&before, &total)
	return err == nil && within(before, n, l.Client) && total+n <= l.Total, err
}

// allowAddress says whether n more mails may go to an address, by its key. Those before it was forgotten count by its hash.
func (l SignUpLimits) allowAddress(ctx context.Context, tx *sql.Tx, keys digest.Keys, key string, n int, now time.Time) (bool, error) {
	var before int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM confirmation WHERE key IN (?, ?) AND created > ?`,
		key, keys.Hash(digest.HashSuppression, key), now.Add(-signUpMemory).Unix()).Scan(&before)
	return err == nil && within(before, n, l.Address), err
}

// requestConfirmation makes a subscription pending and queues its mail. Who left stays marked as having left (ended) until
// they confirm. A link that was mailed before stays good: the first that is used counts.
func requestConfirmation(ctx context.Context, tx *sql.Tx, subscriber int64, key, digest, client string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO subscription (subscriber, digest, state, origin, created, nonce)
		VALUES (?, ?, 'pending', ?, ?, ?)
		ON CONFLICT (subscriber, digest) DO UPDATE SET state = 'pending', origin = excluded.origin, created = excluded.created,
			nonce = CASE nonce WHEN '' THEN excluded.nonce ELSE nonce END`,
		subscriber, digest, originForm, now.Unix(), rand.Text())
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO confirmation (subscriber, digest, key, origin, created, next) VALUES (?1, ?2, ?3, ?4, ?5, ?5)`,
		subscriber, digest, key, client, now.Unix())
	return err
}

// Confirm makes a pending subscription confirmed, with the nonce of its link. Whoever was forgotten (Left) may be written to
// again. Confirming what is confirmed is no error, so that a second click shows the same; a link that was used before somebody
// left again is ErrStale, and so is one of a subscription that does not exist.
func (s *Store) Confirm(ctx context.Context, subscriber int64, digest, nonce string) error {
	err := s.shared(ctx, func(ctx context.Context, tx *sql.Tx, now time.Time) error {
		res, err := tx.ExecContext(ctx, `UPDATE subscription SET state = 'confirmed', confirmed = ?, ended = NULL, nonce = ''
			WHERE subscriber = ? AND digest = ? AND state = 'pending' AND nonce = ? AND nonce <> ''`,
			now.Unix(), subscriber, digest, nonce)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			sub, err := readSubscription(ctx, tx, subscriber, digest)
			if err == nil && sub.State != SubscriptionConfirmed {
				err = ErrStale
			}
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM suppression WHERE reason = ? AND hash = (SELECT hash FROM subscriber WHERE id = ?)`,
			Left, subscriber)
		if err != nil {
			return err
		}
		return dropConfirmations(ctx, tx, subscriber, digest)
	})
	if err != nil {
		return fmt.Errorf("confirming a subscription: %w", err)
	}
	return nil
}
