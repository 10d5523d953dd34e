package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// ErrBothKnown says that a list cannot take an id under which another was read already.
var ErrBothKnown = errors.New("both ids are lists that were read")

// Rename gives a list another id, and all that is known of it with it: permanent ids, sections' addresses and what digests
// sent stay as they are. It answers whether there was something to rename. ErrBothKnown: there are two lists, for the new id
// was read before; both stay as they are.
func (s *Store) Rename(ctx context.Context, from, to string) (renamed bool, err error) {
	err = s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		var there, taken bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM list WHERE id = ?), EXISTS (SELECT 1 FROM list WHERE id = ? AND began IS NOT NULL)`, from, to).
			Scan(&there, &taken)
		switch {
		case err != nil:
			return err
		case !there:
			return nil
		case taken:
			return ErrBothKnown
		}
		for _, statement := range []string{`DELETE FROM hold WHERE list = ?`, `DELETE FROM list WHERE id = ?`} { // of checks that failed
			if _, err := tx.ExecContext(ctx, statement, to); err != nil {
				return err
			}
		}
		// The rows that name the list are changed one table after the other.
		if _, err := tx.ExecContext(ctx, `PRAGMA defer_foreign_keys = ON`); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE list SET id = ?1, named = CASE named WHEN '' THEN ?2 ELSE named END, published = '' WHERE id = ?2`, to, from)
		if err != nil {
			return err
		}
		for _, table := range []string{"snapshot", "hold", "entry", "entry_key", "section", "archive", "digest_list", "choice"} {
			// A digest that names both has had the old one for longer.
			if _, err := tx.ExecContext(ctx, `UPDATE OR REPLACE `+table+` SET list = ? WHERE list = ?`, to, from); err != nil {
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
