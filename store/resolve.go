package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Resolution is how the operator ends a doubt.
type Resolution string

const (
	ResolveSent   Resolution = "sent"   // it is taken as received
	ResolveResend Resolution = "resend" // the same bytes are sent once more
)

// Resolve ends the doubt about deliveries of an issue: of those to the keys of addresses, or of all that are in doubt without
// any. What is to be sent again is due at once, and an issue that was done is being sent again. A message whose bytes were
// pruned cannot be, and is not counted; nothing of a cancelled issue can, which is a *WrongStateError.
func (s *Store) Resolve(ctx context.Context, ref int64, as Resolution, keys []string) (resolved int, err error) {
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		state, err := issueState(ctx, tx, ref)
		if err != nil {
			return err
		}
		set := `state = 'sent', message = NULL, next = 0, reply = 'taken as sent by the operator; before that: ' || reply`
		if as == ResolveResend {
			if state == IssueCancelled {
				return &WrongStateError{state}
			}
			// It keeps its bytes, and so is in doubt again when it cannot be sent. One more doubt, and it stays so.
			set = `state = 'deferred', next = ?1, doubts = min(doubts, ` + fmt.Sprint(maxDoubts-1) + `)`
		}
		where := `issue = ?2 AND state = 'in_doubt' AND (json_array_length(?3) = 0 OR subscriber IN (
			SELECT id FROM subscriber WHERE key IN (SELECT value FROM json_each(?3))))`
		if as == ResolveResend {
			where += ` AND message IS NOT NULL`
		}
		res, err := tx.ExecContext(ctx, `UPDATE delivery SET `+set+`, updated = ?1 WHERE `+where, now.Unix(), ref, asJSON(keys))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		resolved = int(n)
		if err != nil || n == 0 || as == ResolveSent {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE issue SET state = 'sending', finished = NULL WHERE id = ? AND state = 'done'`, ref)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("resolving what is in doubt of the issue in row %d: %w", ref, err)
	}
	return resolved, nil
}
