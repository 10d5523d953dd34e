package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"linkletter/feed/curated"
)

// Hide takes the entries that stand, or ever stood, under an address out of feeds, pages and coming issues, or, with hidden
// false, brings them back: of one list, or of all with an empty one. What was published of the lists is to be written anew.
// It gives the entries, also those that were so before, and ErrNotFound when there are none.
func (s *Store) Hide(ctx context.Context, list, address string, hidden bool) (entries []Entry, err error) {
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		entries, err = collect(ctx, tx, scanEntry, `SELECT `+entryColumns+` FROM entry_key k JOIN entry e ON e.id = k.entry
			WHERE k.key = ?1 AND (?2 = '' OR k.list = ?2) ORDER BY e.list, e.id`, curated.CanonicalURL(address), list)
		if err == nil && len(entries) == 0 {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		for i := range entries {
			e := &entries[i]
			if e.Hidden == hidden {
				continue
			}
			e.Hidden = hidden
			_, err := tx.ExecContext(ctx, `UPDATE entry SET hidden = CASE WHEN ? THEN ? END WHERE id = ?`, hidden, now.Unix(), e.Ref)
			if err != nil {
				return err
			}
			// Should the program end before they are, the next check finds that its files are not as they should be.
			if _, err := tx.ExecContext(ctx, `UPDATE list SET published = '' WHERE id = ?`, e.List); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s what stands under %s: %w", map[bool]string{true: "hiding", false: "showing"}[hidden], address, err)
	}
	return entries, nil
}
