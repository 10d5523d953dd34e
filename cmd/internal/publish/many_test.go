package publish

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/store"
)

// However many lists there are, one entry of one of them rewrites the files that it is in, and a check that brings nothing
// rewrites none.
func TestOneEntryAmongManyLists(t *testing.T) {
	n := mostInFull + 10
	if thorough() {
		n = 300
	}
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("list-%d", i))
	}
	w := newWorld(t, ids...)
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) // all lists change in one second, however long that takes
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "many.db"), func() time.Time { return now.Add(w.ahead) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w.Store = s
	w.Now = func() time.Time { return time.Now().Add(w.ahead) }
	for _, id := range ids {
		w.check(id, strings.ReplaceAll(tools, "saw.example", id+".example"))
	}
	w.publish()
	before := w.dates()
	expect := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, changed(before, w.dates())); diff != "" {
			t.Errorf("%s: written (-want +got):\n%s", what, diff)
		}
		before = w.dates()
	}
	id := ids[n-1]
	w.ahead += time.Hour
	w.check(id, added)
	w.publish(id)
	expect("an entry of a list that becomes one of those in full", "atom.xml", "feed.json", "index.html",
		id+"/atom.xml", id+"/feed.json", id+"/index.html", id+"/rss.xml",
		id+"/sections/saws/atom.xml", id+"/sections/saws/feed.json", id+"/sections/saws/index.html", id+"/sections/saws/rss.xml", "rss.xml")
	w.ahead += time.Hour
	brief := ids[n-2] // the lists that changed last are in full, and of those that did together the first
	for _, same := range []string{id, brief} {
		if _, err := w.Store.Unchanged(t.Context(), same, "{}", ""); err != nil {
			t.Fatal(err)
		}
		w.publish(same)
	}
	expect("checks that brought nothing")
	w.ahead += 24 * time.Hour
	if _, err := w.Store.Unchanged(t.Context(), brief, "{}", ""); err != nil {
		t.Fatal(err)
	}
	w.publish(brief)
	expect("a check on the next day of a list that the front page shows in brief", brief+"/index.html")

	// What was kept in mind from one publication to the next is what a new start finds.
	w.front = nil
	if report := w.publish(); report.Written != 0 || report.Removed != 0 {
		t.Errorf("a new start writes %v and removes %d files, want none", report.Changed, report.Removed)
	}
	expect("a new start")
	if err := os.Remove(w.Dir + "/index.html"); err != nil {
		t.Fatal(err)
	}
	w.publish(id)
	if !strings.Contains(w.read("index.html"), "Fret saw") {
		t.Error("the front page did not come back")
	}
}
