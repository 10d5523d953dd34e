package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// ConfirmationTime is how long the link in a confirmation mail is good for, and how long sending it is tried.
const ConfirmationTime = 48 * time.Hour

// Confirmation is a mail that asks whether a subscription, or an act, was meant.
type Confirmation struct {
	ID         int64
	Subscriber int64
	Kind       ActKind // empty: a subscription
	Address    string  // where it goes, as given: the subscriber's, or of ActTakeAddress the new one
	From       string  // the subscriber's address
	Other      string  // the new one, of the acts that change it
	Digest     string  // of a subscription; of an act, one that is sent to the subscriber, or empty
	Nonce      string  // what the link must carry to be good
	Expires    time.Time
	Attempts   int // tries before this one
}

// DueConfirmations takes up to n confirmation mails that are due, and puts each off to retry(attempts so far) before it
// gives them out: a crash while one is sent repeats it later, and not at once and for ever. What is not tried after all is
// given back with ReleaseConfirmations. What became pointless in the meantime, because the subscription is not waiting any
// more, the address is suppressed or the link has expired, ends here.
func (s *Store) DueConfirmations(ctx context.Context, n int, retry func(attempts int) time.Duration) ([]Confirmation, error) {
	keys, err := s.keys(ctx)
	if err != nil {
		return nil, err
	}
	var due []Confirmation
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		due = nil
		found, err := collect(ctx, tx, scanConfirmation, `SELECT c.id, c.subscriber, nullif(c.kind, 'subscribe'), s.address, c.address, c.key,
			CASE c.kind WHEN 'subscribe' THEN c.digest ELSE coalesce((SELECT min(a.digest) FROM subscription a
				WHERE a.subscriber = c.subscriber AND a.state = 'confirmed'), '') END, c.created, c.attempts,
			CASE c.kind WHEN 'subscribe' THEN coalesce(CASE u.state WHEN 'pending' THEN u.nonce END, '') ELSE c.nonce END
			FROM confirmation c JOIN subscriber s ON s.id = c.subscriber
			LEFT JOIN subscription u ON u.subscriber = c.subscriber AND u.digest = c.digest
			WHERE c.next <= ? ORDER BY c.next, c.id LIMIT ?`, now.Unix(), n)
		if err != nil {
			return err
		}
		for _, c := range found {
			reason, err := suppression(ctx, tx, keys, c.key)
			if err != nil {
				return err
			}
			var next sql.NullInt64
			switch {
			case !c.Kind.mayReach(reason), c.Nonce == "":
			case !now.Before(c.Expires):
				c.refusal = "not sent in time"
			default:
				next = toUnix(now.Add(retry(c.Attempts)))
				due = append(due, c.Confirmation)
			}
			_, err = tx.ExecContext(ctx, `UPDATE confirmation SET next = ?, error = CASE ? WHEN '' THEN error ELSE ? END WHERE id = ?`,
				next, c.refusal, c.refusal, c.ID)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading due confirmation mails: %w", err)
	}
	return due, nil
}

// dueConfirmation is a confirmation mail that is due, the key of where it goes, and why it is given up, if so.
type dueConfirmation struct {
	Confirmation
	key     string
	refusal string
}

func scanConfirmation(rows *sql.Rows) (dueConfirmation, error) {
	var c dueConfirmation
	var created int64
	var kind sql.NullString
	err := rows.Scan(&c.ID, &c.Subscriber, &kind, &c.From, &c.Other, &c.key, &c.Digest, &created, &c.Attempts, &c.Nonce)
	c.Kind, c.Address = ActKind(kind.String), c.From
	if c.Kind == ActTakeAddress {
		c.Address = c.Other
	}
	c.Expires = time.Unix(created, 0).UTC().Add(ConfirmationTime)
	return c, err
}

// ReleaseConfirmations gives back confirmation mails that were not tried: they are due at once.
func (s *Store) ReleaseConfirmations(ctx context.Context, untried []Confirmation) error {
	err := s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		for _, c := range untried {
			// One that was taken back in the meantime stays so.
			_, err := tx.ExecContext(ctx, `UPDATE confirmation SET next = ? WHERE id = ? AND next IS NOT NULL`, now.Unix(), c.ID)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("giving back %d confirmation mails: %w", len(untried), err)
	}
	return nil
}

// ConfirmationSent records that a confirmation mail was accepted.
func (s *Store) ConfirmationSent(ctx context.Context, id int64) error {
	err := s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		_, err := tx.ExecContext(ctx, `UPDATE confirmation SET sent = ?, next = NULL, attempts = attempts + 1, error = '' WHERE id = ?`,
			now.Unix(), id)
		return err
	})
	if err != nil {
		return fmt.Errorf("recording confirmation mail %d: %w", id, err)
	}
	return nil
}

// ConfirmationFailed records why a confirmation mail was not accepted. One that is given up is not tried again.
func (s *Store) ConfirmationFailed(ctx context.Context, id int64, reason string, giveUp bool) error {
	_, err := s.db.ExecContext(ctx, `UPDATE confirmation SET attempts = attempts + 1, error = ?,
		next = CASE WHEN ? THEN NULL ELSE next END WHERE id = ?`, reason, giveUp, id)
	if err != nil {
		return fmt.Errorf("recording the failure of confirmation mail %d: %w", id, err)
	}
	return nil
}
