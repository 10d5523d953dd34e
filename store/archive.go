package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Archives gives what the full archive documents of a list's feed hold, the oldest first, as Archive kept it.
func (s *Store) Archives(ctx context.Context, list string) ([]string, error) {
	all, err := collect(ctx, s.db, scanString,
		`SELECT content FROM archive WHERE list = ? ORDER BY number`, list)
	if err != nil {
		return nil, fmt.Errorf("reading the archives of list %s: %w", list, err)
	}
	return all, nil
}

// Archive keeps what the next full archive document of a list's feed holds: its number, which is one more than the last
// one's, its content, which never changes, and the entries (Entry.Ref) that it is about.
func (s *Store) Archive(ctx context.Context, list string, number int, content string, refs []int64) error {
	err := s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO archive (list, number, content) VALUES (?, ?, ?)`, list, number, content); err != nil {
			return err
		}
		for _, ref := range refs {
			err := own(tx.ExecContext(ctx, `UPDATE entry SET archive = ? WHERE id = ? AND list = ? AND archive IS NULL`, number, ref, list))
			if err != nil {
				return fmt.Errorf("entry %d: %w", ref, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keeping archive %d of list %s: %w", number, list, err)
	}
	return nil
}
