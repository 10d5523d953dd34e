package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// PrunePeople removes what is stored about people and serves nothing any more, up to n rows of each kind: the hashes of
// clients' addresses after a day; mails that asked something, once their links have expired; subscriptions that nobody
// confirmed in time, where who left before has left again; and subscribers of whom nothing else is left. It gives how many
// people it removed something of; 0: there are no more.
func (s *Store) PrunePeople(ctx context.Context, n int) (pruned int, err error) {
	expired := s.now().UTC().Truncate(time.Second).Add(-ConfirmationTime).Unix()
	// They are looked for before the transaction, for as long as that takes; it looks again at each.
	unconfirmed, err := collect(ctx, s.db, scanInt, `SELECT DISTINCT subscriber FROM subscription WHERE state = 'pending' AND created < ? LIMIT ?`,
		expired, n)
	if err != nil {
		return 0, fmt.Errorf("looking for subscriptions that nobody confirmed: %w", err)
	}
	err = s.erasing(ctx, func(tx *sql.Tx, now time.Time) error {
		pruned = 0
		if err := pruneConfirmations(ctx, tx, now); err != nil {
			return err
		}
		for _, subscriber := range unconfirmed {
			if err := endUnconfirmed(ctx, tx, subscriber, expired); err != nil {
				return err
			}
		}
		pruned = len(unconfirmed)
		return nil
	})
	subscribers := 0
	if err == nil {
		subscribers, err = s.pruneSubscribers(ctx, n)
	}
	if err != nil {
		return 0, fmt.Errorf("removing what is stored about people for nothing: %w", err)
	}
	return pruned + subscribers, nil
}

// pruneConfirmations removes what only served the limits: a day is the longest they look back. What the link in a mail needs
// stays as long as the link is good.
func pruneConfirmations(ctx context.Context, tx *sql.Tx, now time.Time) error {
	day, expired := now.Add(-signUpMemory).Unix(), now.Add(-ConfirmationTime).Unix()
	_, err := tx.ExecContext(ctx, `DELETE FROM confirmation WHERE created < ?2 OR created <= ?1 AND next IS NULL AND nonce = ''`, day, expired)
	if err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE confirmation SET origin = '' WHERE created <= ? AND origin <> ''`, day)
	}
	return err
}

// endUnconfirmed ends a subscriber's subscriptions that wait since before a time for somebody to confirm them: of one that they
// left before, they have left again; of the others nothing stays. Who comes back gets everything, unless they choose again.
func endUnconfirmed(ctx context.Context, tx *sql.Tx, subscriber, before int64) error {
	const waiting = `subscriber = ?1 AND state = 'pending' AND created < ?2`
	for _, statement := range []string{
		`DELETE FROM choice WHERE subscriber = ?1 AND digest IN (SELECT digest FROM subscription WHERE ` + waiting + `)`,
		`UPDATE subscription SET state = 'unsubscribed', nonce = '' WHERE ` + waiting + ` AND ended IS NOT NULL`,
		`DELETE FROM subscription WHERE ` + waiting,
	} {
		if _, err := tx.ExecContext(ctx, statement, subscriber, before); err != nil {
			return err
		}
	}
	return nil
}

// nothingLeft is the condition for a subscriber s who has, and had, no subscription and whom no mail asks anything.
const nothingLeft = `NOT EXISTS (SELECT 1 FROM subscription n WHERE n.subscriber = s.id)
	AND NOT EXISTS (SELECT 1 FROM confirmation c WHERE c.subscriber = s.id)`

func (s *Store) pruneSubscribers(ctx context.Context, n int) (pruned int, err error) {
	idle, err := collect(ctx, s.db, scanInt, `SELECT s.id FROM subscriber s WHERE `+nothingLeft+` LIMIT ?`, n)
	if err != nil || len(idle) == 0 {
		return 0, err
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return 0, err
	}
	err = s.erasing(ctx, func(tx *sql.Tx, now time.Time) error {
		pruned = 0
		for _, id := range idle {
			var still bool
			err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM subscriber s WHERE s.id = ? AND `+nothingLeft+`)`, id).Scan(&still)
			if err == nil && still {
				err = erase(ctx, tx, keys, id, now)
				pruned++
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return pruned, err
}

// PruneBounces removes reports that came before a time, up to n of them, and gives how many.
func (s *Store) PruneBounces(ctx context.Context, before time.Time, n int) (pruned int, err error) {
	err = s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM bounce WHERE id IN (SELECT id FROM bounce WHERE received < ? LIMIT ?)`, before.Unix(), n)
		if err != nil {
			return err
		}
		rows, err := res.RowsAffected()
		pruned = int(rows)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("pruning bounces: %w", err)
	}
	return pruned, nil
}
