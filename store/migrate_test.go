package store_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

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
