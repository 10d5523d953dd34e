package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"linkletter/feed/digest"
)

// ended is the condition for an issue i that ended before a time.
const ended = `i.state IN ('done', 'cancelled') AND i.finished < ?1`

// Prune removes up to n rows of deliveries that came to their end, of one issue that ended before a time; the counts
// go on with them. After them go the selections of such issues that no delivery is of any more. It gives how many rows it
// removed; 0: there are no more. Rows in doubt stay, by name, and lose their bytes once they will not be sent again by themselves.
func (s *Store) Prune(ctx context.Context, before time.Time, n int) (pruned int, err error) {
	err = s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		pruned = 0
		var ref int64
		// The rows of an issue are looked for one state at a time, for the index.
		err := tx.QueryRowContext(ctx, `SELECT i.id FROM issue i WHERE `+ended+` AND EXISTS (SELECT 1 FROM delivery d
			WHERE d.issue = i.id AND d.state IN ('sent', 'failed', 'suppressed', 'cancelled')) ORDER BY i.id LIMIT 1`, before.Unix()).Scan(&ref)
		if errors.Is(err, sql.ErrNoRows) {
			if pruned, err = pruneSelections(ctx, tx, before, n); err != nil || pruned > 0 {
				return err
			}
			_, err := tx.ExecContext(ctx, `UPDATE delivery SET message = NULL WHERE state = 'in_doubt' AND message IS NOT NULL
				AND issue IN (SELECT i.id FROM issue i WHERE `+ended+`)`, before.Unix())
			return err
		}
		if err != nil {
			return err
		}
		states, err := collect(ctx, tx, scanString, `DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE issue = ?
			AND state IN ('sent', 'failed', 'suppressed', 'cancelled') LIMIT ?) RETURNING state`, ref, n)
		if err != nil {
			return err
		}
		pruned = len(states)
		counts := map[digest.State]int{}
		for _, state := range states {
			counts[digest.State(state)]++
		}
		return addPruned(ctx, tx, ref, counts)
	})
	if err != nil {
		return 0, fmt.Errorf("pruning deliveries: %w", err)
	}
	return pruned, nil
}

func pruneSelections(ctx context.Context, tx *sql.Tx, before time.Time, n int) (pruned int, err error) {
	res, err := tx.ExecContext(ctx, `DELETE FROM selection WHERE id IN (SELECT id FROM selection
		WHERE issue IN (SELECT i.id FROM issue i WHERE `+ended+`) AND `+unused+` LIMIT ?2)`, before.Unix(), n)
	if err != nil {
		return 0, err
	}
	removed, err := res.RowsAffected()
	return int(removed), err
}
