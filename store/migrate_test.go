package store_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed/digest"
	"linkletter/store"
)

// A database of each older schema becomes what a new one is, but for the order of columns.
func TestMigrations(t *testing.T) {
	fresh := filepath.Join(t.TempDir(), "new.db")
	open(t, fresh, newClock()).Close()
	first, err := os.ReadFile("testdata/schema-1.sql")
	if err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(t.TempDir(), "old.db")
	execSQL(t, old, string(first)+`;
		INSERT INTO list (id, error) VALUES ('a', 'no such file');
		INSERT INTO subscriber (address, key, created) VALUES ('Ada@example.org', 'ada@example.org', 1), ('bob@example.org', 'bob@example.org', 1);
		PRAGMA application_id = 1280003156; PRAGMA user_version = 1`)
	s := open(t, old, newClock())
	if l, err := s.List(context.Background(), "a"); err != nil || l.Error != "no such file" {
		t.Errorf("the list after migrating: %+v, %v", l, err)
	}
	checkList(t, s, list("Tools", "Anvil", "Bellows"), lenient)
	do(t, s.Suppress(context.Background(), "ada@example.org", store.Complained))
	for address, want := range map[string]store.Reason{"ada@example.org": store.Complained, "bob@example.org": ""} {
		if got, err := s.SubscriberByAddress(context.Background(), address); err != nil || got.Suppressed != want {
			t.Errorf("%s after migrating: %+v, %v; want them suppressed for %q", address, got, err, want)
		}
	}
	s.Close()
	if diff := cmp.Diff(columns(t, fresh), columns(t, old)); diff != "" {
		t.Errorf("the migrated schema (-new +migrated):\n%s", diff)
	}
}

// Issues, the entries in them and deliveries outlive every migration as they were.
func TestMigrationKeepsIssues(t *testing.T) {
	first, err := os.ReadFile("testdata/schema-1.sql")
	do(t, err)
	path := filepath.Join(t.TempDir(), "old.db")
	execSQL(t, path, string(first)+`;
		INSERT INTO list (id) VALUES ('a');
		INSERT INTO entry (id, list, atom_id, state, url, title, detail, position, published, updated, announced)
			VALUES (7, 'a', 'tag:7', 'announced', 'https://example.org/a', 'A', '{}', 0, 5, 5, 5), (8, 'a', 'tag:8', 'announced', 'https://example.org/b', 'B', '{}', 1, 6, 6, 6);
		INSERT INTO subscriber (id, address, key, created) VALUES (3, 'ada@example.org', 'ada@example.org', 1), (4, 'bob@example.org', 'bob@example.org', 1);
		INSERT INTO digest (id, ran) VALUES ('weekly', 1);
		INSERT INTO digest_list (digest, list, began) VALUES ('weekly', 'a', 1);
		INSERT INTO issue (id, digest, number, period, state, reason, frozen, finished, subject, content, text, html)
			VALUES (20, 'weekly', 1, 'p1', 'done', '', 10, 11, 'One', '{"Digest":"weekly","Number":1}', 'text', '<p>'),
			(21, 'weekly', 2, 'p2', 'paused', 'refused', 12, NULL, 'Two', '{"Digest":"weekly","Number":2}', 'text', '<p>');
		INSERT INTO issue_entry (digest, entry, issue, position) VALUES ('weekly', 7, 20, 0);
		INSERT INTO delivery (id, issue, subscriber, state, attempts, updated, reply, message) VALUES (30, 20, 3, 'sent', 1, 11, '250 OK', NULL),
			(31, 21, 3, 'pending', 0, 12, '', NULL), (32, 21, 4, 'in_doubt', 1, 12, 'lost', x'6279746573');
		PRAGMA application_id = 1280003156; PRAGMA user_version = 1`)
	s := open(t, path, newClock())
	one, two := issueOf(t, s, 1), issueOf(t, s, 2)
	if one.Ref != 20 || one.State != store.IssueDone || one.Parts != (store.Parts{Subject: "One", Text: "text", HTML: "<p>"}) || one.Total() != 1 {
		t.Errorf("issue 1 after migrating: %+v", one)
	}
	if two.Ref != 21 || two.State != store.IssuePaused || two.Reason != "refused" || two.Total() != 2 {
		t.Errorf("issue 2 after migrating: %+v", two)
	}
	wantStates(t, s, one, digest.Sent)
	wantStates(t, s, two, digest.Pending, digest.InDoubt)
	if diff := cmp.Diff(1, len(candidateTitles(t, s))); diff != "" {
		t.Errorf("entries for the next issue (-want +got):\n%s", diff)
	}
	if n, err := s.Resolve(context.Background(), two.Ref, store.ResolveResend, nil); err != nil || n != 1 {
		t.Errorf("%d in doubt with their bytes (%v), want 1", n, err)
	}
}

// columns are a database's columns, as SQLite understood them, and its indexes.
func columns(t *testing.T, path string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || coalesce(c.dflt_value, '-') || ' ' || c.pk
		FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'
		UNION SELECT 'index ' || name || ' of ' || tbl_name FROM sqlite_schema WHERE type = 'index' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
