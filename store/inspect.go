package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
)

// Inspection is how the database file is.
type Inspection struct {
	Version  int      // of the schema
	Journal  string   // how a crash is survived: "wal"
	Damage   []string // what SQLite found broken; empty: nothing
	Size     int64    // bytes, of the file alone
	Readable bool     // by other users of this machine
}

// maxDamage bounds how much damage is told.
const maxDamage = 5

// Inspect looks the database over. It reads all of it, beside whoever writes.
func (s *Store) Inspect(ctx context.Context) (*Inspection, error) {
	i := &Inspection{}
	err := s.db.QueryRowContext(ctx, `SELECT v.user_version, j.journal_mode FROM pragma_user_version v, pragma_journal_mode j`).Scan(&i.Version, &i.Journal)
	if err != nil {
		return nil, fmt.Errorf("inspecting the database: %w", s.explain(err))
	}
	found, err := collect(ctx, s.db, func(r *sql.Rows) (line string, err error) { return line, r.Scan(&line) },
		fmt.Sprintf(`PRAGMA quick_check(%d)`, maxDamage))
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
	i.Size, i.Readable = info.Size(), info.Mode().Perm()&0o077 != 0
	return i, nil
}
