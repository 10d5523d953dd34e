package store

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// impersonal are the tables that say nothing of a subscriber. Whoever adds a table says in docs/privacy.md what it stores of
// people, or names it here.
var impersonal = []string{
	"setting", "lease", "trouble", "request", "list", "snapshot", "hold", "entry", "apart", "archive", "ping", "entry_key", "section",
	"entry_section", "change", "digest", "digest_list", "issue", "issue_entry", "selection",
}

// docs/privacy.md names every table and every column about people, and none that is not there.
func TestPrivacyPageIsTrue(t *testing.T) {
	b, err := os.ReadFile("../docs/privacy.md")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string][]string{}
	for _, part := range regexp.MustCompile("(?m)^### `").Split(string(b), -1)[1:] {
		table, text, _ := strings.Cut(part, "`")
		text, _, _ = strings.Cut(text, "\n#")
		for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\|").FindAllStringSubmatch(text, -1) {
			for _, column := range strings.Split(row[1], ", ") {
				said[table] = append(said[table], strings.Trim(column, "`"))
			}
		}
	}
	s, _ := subscriberStore(t)
	tables, err := collect(t.Context(), s.db, scanString, `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%'`)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		columns, err := collect(t.Context(), s.db, scanString, `SELECT name FROM pragma_table_info(?)`, table)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(impersonal, table) {
			if slices.Contains(columns, "subscriber") {
				t.Errorf("table %s is about people", table)
			}
			continue
		}
		if said[table] == nil {
			t.Errorf("docs/privacy.md does not say what the table %s stores of people, why, and how long", table)
			continue
		}
		slices.Sort(columns)
		slices.Sort(said[table])
		if !slices.Equal(columns, said[table]) {
			t.Errorf("docs/privacy.md, table %s: it names the columns %q, and there are %q", table, said[table], columns)
		}
		if table != "subscriber" && table != "suppression" && !slices.Contains(aboutPeople, table) {
			t.Errorf("Forget does not delete from the table %s", table)
		}
	}
	for table := range said {
		if !slices.Contains(tables, table) {
			t.Errorf("docs/privacy.md speaks of a table %s, which there is not", table)
		}
	}
}
