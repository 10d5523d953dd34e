package store

import (
	"context"
	"fmt"
	"os"
)

// Inspection is how the database file is.
type Inspection struct {
	Version  int      // of the schema
	Journal  string   // how a crash is survived: "wal"
	Damage   []string // what SQLite found broken; empty: nothing
	Size     int64    // bytes, with what is written and not in its place in the file yet
	Readable bool     // by other users of this machine
}

// maxDamage bounds how much damage is told.
const maxDamage = 5

// Inspect looks the database over. It reads all of it, beside whoever writes.
func (s *Store) Inspect(ctx context.Context) (*Inspection, error) {
	i := &Inspection{}
	err := s.db.QueryRowContext(ctx, `SELECT v.user_version, j.journal_mode, c.page_count * s.page_size
		FROM pragma_user_version v, pragma_journal_mode j, pragma_page_count c, pragma_page_size s`).Scan(&i.Version, &i.Journal, &i.Size)
	if err != nil {
		return nil, fmt.Errorf("inspecting the database: %w", s.explain(err))
	}
	found, err := collect(ctx, s.db, scanString, fmt.Sprintf(`PRAGMA quick_check(%d)`, maxDamage))
	if err != nil {
		return nil, fmt.Errorf("inspecting the database: %w", s.explain(err))
	}
	if len(found) != 1 || found[0] != "ok" {
		i.Damage = found
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return nil, fmt.Errorf("inspecting the database: %w", err)
	}
	i.Readable = info.Mode().Perm()&0o077 != 0
	return i, nil
}
