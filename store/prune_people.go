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
// subscriptions and subscribers it removed; 0: there are no more.
func (s *Store) PrunePeople(ctx context.Context, n int) (pruned int, err error) {
	type subscription struct {
		subscriber int64
		digest     string
	}
	expired := s.now().UTC().Truncate(time.Second).Add(-ConfirmationTime).Unix()
	// Both are looked for before the transaction, for as long as that takes; it looks again at each.
	unconfirmed, err := collect(ctx, s.db, func(rows *sql.Rows) (u subscription, err error) {
		err = rows.Scan(&u.subscriber, &u.digest)
		return u, err
	}, `SELECT subscriber, digest FROM subscription WHERE state = 'pending' AND created < ? LIMIT ?`, expired, n)
	if err != nil {
		return 0, fmt.Errorf("looking for subscriptions that nobody confirmed: %w", err)
	}
	err = s.erasing(ctx, func(tx *sql.Tx, now time.Time) error {
		pruned = 0
		if err := forgetSignUps(ctx, tx, now); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM confirmation WHERE created < ?`, expired); err != nil {
			return err
		}
		for _, u := range unconfirmed {
			for _, statement := range []string{
				`UPDATE subscription SET state = 'unsubscribed', nonce = '' WHERE subscriber = ? AND digest = ? AND state = 'pending' AND created < ? AND ended IS NOT NULL`,
				`DELETE FROM subscription WHERE subscriber = ? AND digest = ? AND state = 'pending' AND created < ? AND ended IS NULL`,
			} {
				if _, err := tx.ExecContext(ctx, statement, u.subscriber, u.digest, expired); err != nil {
					return err
				}
			}
			// Who comes back gets everything, unless they choose again.
			_, err := tx.ExecContext(ctx, `DELETE FROM choice WHERE subscriber = ?1 AND digest = ?2 AND NOT EXISTS (SELECT 1 FROM subscription
				WHERE subscriber = ?1 AND digest = ?2 AND state <> 'unsubscribed')`, u.subscriber, u.digest)
			if err != nil {
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

// nothingLeft is the condition for a subscriber s who has, and had, no subscription and whom no mail asks anything.
const nothingLeft = `NOT EXISTS (SELECT 1 FROM subscription n WHERE n.subscriber = s.id)
	AND NOT EXISTS (SELECT 1 FROM confirmation c WHERE c.subscriber = s.id)`

func (s *Store) pruneSubscribers(ctx context.Context, n int) (pruned int, err error) {
	idle, err := collect(ctx, s.db, func(rows *sql.Rows) (id int64, err error) {
		err = rows.Scan(&id)
		return id, err
	}, `SELECT s.id FROM subscriber s WHERE `+nothingLeft+` LIMIT ?`, n)
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
