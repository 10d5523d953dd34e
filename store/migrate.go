package store

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"time"
)

// schema is the whole schema of a new database.
//
//go:embed schema.sql
var schema string

// applicationID marks the file as ours (PRAGMA application_id): "LKLT".
const applicationID = 0x4c4b4c54

// migrations bring an older database up to schema.sql, in order: migrations[i] takes version i+1 to i+2. The list is only
// ever appended to. Version 0 is an empty file and gets schema.sql itself.
var migrations = []string{
	// 2: lists in git, lists that fail.
	`ALTER TABLE list ADD COLUMN moved TEXT NOT NULL DEFAULT '';
	ALTER TABLE list ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE list ADD COLUMN good INTEGER;
	ALTER TABLE list ADD COLUMN retry INTEGER;
	ALTER TABLE list ADD COLUMN reported INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE list ADD COLUMN published TEXT NOT NULL DEFAULT '';
	ALTER TABLE snapshot ADD COLUMN revision TEXT NOT NULL DEFAULT '';
	ALTER TABLE snapshot ADD COLUMN silent INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE entry ADD COLUMN revision TEXT NOT NULL DEFAULT '';
	ALTER TABLE entry ADD COLUMN added_by TEXT NOT NULL DEFAULT '';
	ALTER TABLE entry ADD COLUMN revision_url TEXT NOT NULL DEFAULT '';
	ALTER TABLE entry_key ADD COLUMN before INTEGER REFERENCES entry (id);
	CREATE INDEX entry_key_before ON entry_key (before) WHERE before IS NOT NULL;`,
	// 3: archives of feeds, lists that take another id, hubs.
	`ALTER TABLE list ADD COLUMN named TEXT NOT NULL DEFAULT '';
	ALTER TABLE entry ADD COLUMN archive INTEGER;
	ALTER TABLE entry ADD COLUMN apart INTEGER;
	CREATE INDEX entry_news ON entry (announced) WHERE state = 'announced';
	CREATE INDEX entry_first ON entry (published) WHERE state = 'baseline';
	CREATE UNIQUE INDEX entry_apart ON entry (apart) WHERE apart IS NOT NULL;
	CREATE INDEX change_entry ON change (entry);
	CREATE TABLE archive (
		list    TEXT NOT NULL REFERENCES list (id),
		number  INTEGER NOT NULL,
		content TEXT NOT NULL,
		PRIMARY KEY (list, number)
	) STRICT, WITHOUT ROWID;
	CREATE TABLE ping (
		topic    TEXT PRIMARY KEY,
		since    INTEGER NOT NULL,
		attempts INTEGER NOT NULL DEFAULT 0,
		next     INTEGER NOT NULL
	) STRICT;`,
}

// migrate brings the database to the newest version in one transaction, and refuses what it does not know.
func (s *Store) migrate(ctx context.Context) error {
	newest := 1 + len(migrations)
	var application, version, tables int
	err := s.db.QueryRowContext(ctx, `
		SELECT a.application_id, v.user_version, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id a, pragma_user_version v`).Scan(&application, &version, &tables)
	if err != nil {
		return err
	}
	switch {
	case version == newest && application == applicationID:
		return nil
	case application != applicationID && tables > 0:
		return fmt.Errorf("%s is another program's SQLite database; name a file of its own in the configuration (database)", s.path)
	case version > newest:
		return fmt.Errorf("%s was written by a newer Linkletter (schema %d, this one knows %d); install that one, or restore a backup", s.path, version, newest)
	}
	return s.tx(ctx, func(tx *sql.Tx, _ time.Time) error {
		// Another process may have been first: look again under the lock.
		if err := tx.QueryRowContext(ctx, `SELECT user_version FROM pragma_user_version`).Scan(&version); err != nil {
			return err
		}
		steps := []string{schema}
		if version > 0 {
			steps = migrations[version-1:]
		}
		for _, step := range steps {
			if _, err := tx.ExecContext(ctx, step); err != nil {
				return fmt.Errorf("migrating from schema %d: %w", version, err)
			}
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, newest))
		return err
	})
}
