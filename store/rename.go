package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Rename gives a list another id, and all that is known of it with it: permanent ids, sections' addresses and what digests
// sent stay as they are. It answers whether there was something to rename; a list that is known under its new id already is
// left alone.
func (s *Store) Rename(ctx context.Context, from, to string) (renamed bool, err error) {
	err = s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		var there, taken bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM list WHERE id = ?), EXISTS (SELECT 1 FROM list WHERE id = ?)`, from, to).
			Scan(&there, &taken)
		if err != nil || !there || taken {
			return err
		}
		// The rows that name the list are changed one table after the other.
		if _, err := tx.ExecContext(ctx, `PRAGMA defer_foreign_keys = ON`); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE list SET id = ?1, named = CASE named WHEN '' THEN ?2 ELSE named END, published = '' WHERE id = ?2`, to, from)
		if err != nil {
			return err
		}
		for _, table := range []string{"snapshot", "hold", "entry", "entry_key", "section", "archive", "digest_list"} {
			if _, err := tx.ExecContext(ctx, `UPDATE `+table+` SET list = ? WHERE list = ?`, to, from); err != nil {
				return fmt.Errorf("table %s: %w", table, err)
			}
		}
		renamed = true
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("renaming list %s to %s: %w", from, to, err)
	}
	return renamed, nil
}
