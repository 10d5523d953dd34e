package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed"
	"fmt"
	"time"

	"linkletter/feed/digest"
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
	ALTER TABLE change ADD COLUMN at INTEGER;
	CREATE TABLE apart (
		entry INTEGER NOT NULL REFERENCES entry (id),
		date  INTEGER NOT NULL,
		at    INTEGER NOT NULL UNIQUE,
		PRIMARY KEY (entry, date)
	) STRICT, WITHOUT ROWID;
	CREATE INDEX entry_news ON entry (announced) WHERE state = 'announced';
	CREATE INDEX entry_first ON entry (published) WHERE state = 'baseline';
	CREATE INDEX change_entry ON change (entry);
	CREATE INDEX change_at ON change (at) WHERE at IS NOT NULL;
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
	// 4: drafts, entries that are hidden, deliveries that are cancelled or pruned. A changed CHECK needs a new table, and a
	// table that others refer to goes after them.
	`ALTER TABLE entry ADD COLUMN hidden INTEGER;
	ALTER TABLE subscriber ADD COLUMN hash TEXT NOT NULL DEFAULT '';
	CREATE TABLE old_issue AS SELECT * FROM issue;
	CREATE TABLE old_issue_entry AS SELECT * FROM issue_entry;
	CREATE TABLE old_delivery AS SELECT * FROM delivery;
	DROP TABLE delivery;
	DROP TABLE issue_entry;
	DROP TABLE issue;
	CREATE TABLE issue (
		id       INTEGER PRIMARY KEY AUTOINCREMENT,
		digest   TEXT NOT NULL REFERENCES digest (id),
		number   INTEGER NOT NULL,
		period   TEXT NOT NULL,
		state    TEXT NOT NULL CHECK (state IN ('draft', 'sending', 'paused', 'done', 'cancelled')),
		reason   TEXT NOT NULL DEFAULT '',
		frozen   INTEGER NOT NULL,
		finished INTEGER,
		subject  TEXT NOT NULL,
		content  TEXT NOT NULL,
		text     TEXT NOT NULL,
		html     TEXT NOT NULL,
		note     TEXT NOT NULL DEFAULT '',
		told     INTEGER,
		pruned   TEXT NOT NULL DEFAULT '{}',
		UNIQUE (digest, number),
		UNIQUE (digest, period)
	) STRICT;
	CREATE TABLE issue_entry (
		digest   TEXT NOT NULL REFERENCES digest (id),
		entry    INTEGER NOT NULL REFERENCES entry (id),
		issue    INTEGER NOT NULL REFERENCES issue (id),
		position INTEGER NOT NULL,
		PRIMARY KEY (digest, entry)
	) STRICT, WITHOUT ROWID;
	CREATE INDEX issue_entry_issue ON issue_entry (issue);
	CREATE TABLE delivery (
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		issue      INTEGER NOT NULL REFERENCES issue (id),
		subscriber INTEGER NOT NULL REFERENCES subscriber (id),
		state      TEXT NOT NULL DEFAULT 'pending'
		           CHECK (state IN ('pending', 'claimed', 'committing', 'sent', 'deferred', 'failed', 'suppressed', 'in_doubt', 'cancelled')),
		attempts   INTEGER NOT NULL DEFAULT 0,
		next       INTEGER NOT NULL DEFAULT 0,
		lease      INTEGER,
		owner      TEXT NOT NULL DEFAULT '',
		updated    INTEGER NOT NULL,
		message    BLOB,
		doubts     INTEGER NOT NULL DEFAULT 0,
		policy     INTEGER NOT NULL DEFAULT 0,
		reply      TEXT NOT NULL DEFAULT '',
		UNIQUE (issue, subscriber)
	) STRICT;
	CREATE INDEX delivery_due ON delivery (issue, state, next);
	INSERT INTO issue (id, digest, number, period, state, reason, frozen, finished, subject, content, text, html) SELECT id, digest, number, period, state, reason, frozen, finished, subject, content, text, html FROM old_issue;
	DROP TABLE old_issue;
	INSERT INTO issue_entry (digest, entry, issue, position) SELECT digest, entry, issue, position FROM old_issue_entry;
	DROP TABLE old_issue_entry;
	INSERT INTO delivery (id, issue, subscriber, state, attempts, next, lease, owner, updated, message, doubts, policy, reply) SELECT id, issue, subscriber, state, attempts, next, lease, owner, updated, message, doubts, policy, reply FROM old_delivery;
	DROP TABLE old_delivery;`,
	// 5: preferences, mails that ask before a dangerous act, bounces.
	`ALTER TABLE subscriber ADD COLUMN paused INTEGER;
	ALTER TABLE subscriber ADD COLUMN moved INTEGER;
	CREATE INDEX subscriber_paused ON subscriber (paused) WHERE paused IS NOT NULL;
	CREATE TABLE choice (
		subscriber INTEGER NOT NULL REFERENCES subscriber (id),
		digest     TEXT NOT NULL,
		list       TEXT NOT NULL,
		section    INTEGER NOT NULL DEFAULT 0,
		PRIMARY KEY (subscriber, digest, list, section)
	) STRICT, WITHOUT ROWID;
	CREATE INDEX choice_digest ON choice (digest, subscriber);
	CREATE TABLE old_suppression AS SELECT * FROM suppression;
	DROP TABLE suppression;
	CREATE TABLE suppression (
		hash    TEXT PRIMARY KEY,
		reason  TEXT NOT NULL CHECK (reason IN ('bounce', 'complaint', 'operator', 'unsubscribe')),
		created INTEGER NOT NULL
	) STRICT;
	INSERT INTO suppression (hash, reason, created) SELECT hash, reason, created FROM old_suppression;
	DROP TABLE old_suppression;
	CREATE TABLE old_confirmation AS SELECT c.*, s.key FROM confirmation c JOIN subscriber s ON s.id = c.subscriber;
	DROP TABLE confirmation;
	CREATE TABLE confirmation (
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		subscriber INTEGER REFERENCES subscriber (id),
		kind       TEXT NOT NULL DEFAULT 'subscribe' CHECK (kind IN ('subscribe', 'leave_address', 'take_address', 'data', 'forget')),
		digest     TEXT NOT NULL,
		address    TEXT NOT NULL DEFAULT '',
		key        TEXT NOT NULL,
		nonce      TEXT NOT NULL DEFAULT '',
		origin     TEXT NOT NULL,
		created    INTEGER NOT NULL,
		attempts   INTEGER NOT NULL DEFAULT 0,
		next       INTEGER,
		sent       INTEGER,
		error      TEXT NOT NULL DEFAULT ''
	) STRICT;
	CREATE INDEX confirmation_next ON confirmation (next) WHERE next IS NOT NULL;
	CREATE INDEX confirmation_created ON confirmation (created);
	CREATE INDEX confirmation_key ON confirmation (key, created);
	CREATE INDEX confirmation_subscriber ON confirmation (subscriber);
	INSERT INTO confirmation (id, subscriber, digest, key, origin, created, attempts, next, sent, error) SELECT id, subscriber, digest, key, origin, created, attempts, next, sent, error FROM old_confirmation;
	DROP TABLE old_confirmation;
	CREATE TABLE bounce (
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		report     TEXT NOT NULL UNIQUE,
		subscriber INTEGER NOT NULL REFERENCES subscriber (id),
		issue      INTEGER NOT NULL,
		kind       TEXT NOT NULL CHECK (kind IN ('hard', 'soft', 'complaint')),
		proven     INTEGER NOT NULL,
		status     TEXT NOT NULL DEFAULT '',
		reply      TEXT NOT NULL DEFAULT '',
		received   INTEGER NOT NULL
	) STRICT;
	CREATE INDEX bounce_subscriber ON bounce (subscriber, received);
	CREATE INDEX bounce_received ON bounce (received);
	CREATE TABLE selection (
		id      INTEGER PRIMARY KEY AUTOINCREMENT,
		issue   INTEGER NOT NULL REFERENCES issue (id),
		entries TEXT NOT NULL,
		UNIQUE (issue, entries)
	) STRICT;
	ALTER TABLE delivery ADD COLUMN selection INTEGER REFERENCES selection (id);
	CREATE INDEX delivery_selection ON delivery (selection) WHERE selection IS NOT NULL;`,
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
		if 0 < version && version < 4 {
			if err := hashSubscribers(ctx, tx); err != nil {
				return fmt.Errorf("hashing the subscribers of schema %d: %w", version, err)
			}
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, newest))
		return err
	})
}

// hashSubscribers gives each subscriber the hash by which suppressions know them, some at a time, because there may be a million.
func hashSubscribers(ctx context.Context, tx *sql.Tx) error {
	fresh := make([]byte, 32)
	rand.Read(fresh)
	secret, err := settingIn(ctx, tx, "secret", fresh)
	if err != nil {
		return err
	}
	update, err := tx.PrepareContext(ctx, `UPDATE subscriber SET hash = ? WHERE id = ?`)
	if err != nil {
		return err
	}
	defer update.Close()
	type subscriber struct {
		id  int64
		key string
	}
	keys := digest.NewKeys(secret)
	for last, more := int64(0), true; more; {
		some, err := collect(ctx, tx, func(rows *sql.Rows) (s subscriber, err error) {
			err = rows.Scan(&s.id, &s.key)
			return s, err
		}, `SELECT id, key FROM subscriber WHERE id > ? ORDER BY id LIMIT 1000`, last)
		if err != nil {
			return err
		}
		for _, s := range some {
			if _, err := update.ExecContext(ctx, keys.Hash(digest.HashSuppression, s.key), s.id); err != nil {
				return err
			}
			last = s.id
		}
		more = len(some) > 0
	}
	return nil
}
