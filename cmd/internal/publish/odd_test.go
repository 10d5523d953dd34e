package publish

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/store"
)

// clocked is a world whose store has a clock that tests set, and whose files never wait.
func clocked(t *testing.T, lists ...string) (*world, *time.Time) {
	w := newWorld(t, lists...)
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "clocked.db"), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w.Store, w.Window = s, 10
	w.Now = func() time.Time {
		w.ahead += time.Hour
		return time.Now().Add(w.ahead)
	}
	return w, &now
}

// dated gives id and date of the entries of an Atom document by their titles.
func (w *world) dated(name string) map[string]string {
	w.t.Helper()
	var d struct {
		Entries []struct {
			ID      string `xml:"id"`
			Title   string `xml:"title"`
			Updated string `xml:"updated"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal([]byte(w.read(name)), &d); err != nil {
		w.t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range d.Entries {
		all[e.Title] = e.ID + " of " + e.Updated
	}
	return all
}

// stays compares what is in both.
func stays(t *testing.T, before, after map[string]string) {
	t.Helper()
	both := 0
	for title, was := range before {
		if is, ok := after[title]; ok {
			both++
			if is != was {
				t.Errorf("%s was %s, and is %s", title, was, is)
			}
		}
	}
	if both == 0 {
		t.Errorf("nothing of what was there is left: %v, then %v", before, after)
	}
}

func bookList(n int) string { return strings.ReplaceAll(numbered(n), "saw.example", "book.example") }

func TestWhatReturnsAfterItsArchiveWasFullIsInIt(t *testing.T) {
	w, now := clocked(t, "tools")
	w.check("tools", numbered(1))
	*now = now.Add(time.Hour)
	w.check("tools", numbered(50))
	w.publish()
	for _, list := range []string{strings.Replace(numbered(80), "- [Saw 5](https://saw.example/5) - Number 5.\n", "", 1), numbered(80)} {
		*now = now.Add(time.Hour)
		w.check("tools", list)
		w.publish()
	}
	if titles, _ := w.walkArchives(); !titles["Saw 5"] {
		t.Error("Saw 5 stands in the list, was announced, and is in no document")
	}
}

func TestAHubChangesNoFullArchive(t *testing.T) {
	w, now := clocked(t, "tools")
	w.check("tools", numbered(1))
	*now = now.Add(time.Hour)
	w.check("tools", numbered(80))
	w.publish()
	before := w.read("tools/archive/1.xml")
	w.Hub = "https://hub.example/"
	w.publish()
	if diff := cmp.Diff(before, w.read("tools/archive/1.xml")); diff != "" {
		t.Errorf("a full archive changed:\n%s", diff)
	}
	if !strings.Contains(w.read("tools/atom.xml"), w.Hub) {
		t.Error("the feed does not name its hub")
	}
}

// Several revisions of one check share its second; whatever comes later, ids and dates of changes stay.
func TestChangesKeepTheirIDsAndDates(t *testing.T) {
	w, now := clocked(t, "tools")
	w.Lists[0].Changes = true
	list := numbered(30)
	change := func(numbers ...int) {
		for _, n := range numbers {
			list = strings.Replace(list, fmt.Sprintf("[Saw %d]", n), fmt.Sprintf("[The saw %d]", n), 1)
		}
		w.check("tools", list)
	}
	change()
	*now = time.Date(2026, 5, 8, 0, 0, 2, 0, time.UTC) // the changes are of two days
	change(1, 2, 3, 4, 5)
	change(6, 7, 8, 9)
	w.publish()
	before := w.dated("tools/changes.xml")
	*now = now.Add(24 * time.Hour)
	change(20, 21, 22, 23, 24)
	w.publish()
	stays(t, before, w.dated("tools/changes.xml"))
}

func TestDatesInTheRootFeedStay(t *testing.T) {
	w, now := clocked(t, "tools", "books")
	hour := func() { *now = now.Add(time.Hour) }
	w.check("tools", numbered(1))
	w.check("books", bookList(1))
	hour()
	w.check("tools", numbered(3))
	hour()
	w.check("books", bookList(3))
	hour()
	w.check("tools", strings.Replace(numbered(3), "[Saw 3]", "[The saw 3]", 1)) // reworded in one second
	w.check("books", strings.Replace(bookList(3), "[Saw 3]", "[The book 3]", 1))
	w.publish()
	before := w.dated("atom.xml")
	hour()
	w.check("books", bookList(2)) // one of the two leaves
	w.publish()
	stays(t, before, w.dated("atom.xml"))
}

// A clock that is set back hides no news, whatever the window is then.
func TestAClockThatWasSetBack(t *testing.T) {
	for _, window := range []int{10, 50} {
		w, now := clocked(t, "tools")
		w.check("tools", numbered(1))
		*now = now.Add(time.Hour)
		w.check("tools", numbered(62))
		w.publish()
		*now, w.Window = now.Add(-30*time.Minute), window
		w.check("tools", numbered(63))
		w.publish()
		for _, name := range []string{"tools/atom.xml", "atom.xml"} {
			if !slices.Contains(w.archived(name).Titles, "Saw 63") {
				t.Errorf("window %d: what is new is not in %s", window, name)
			}
		}
		w.check("tools", numbered(102))
		w.publish()
		titles, _ := w.walkArchives()
		for i := 2; i <= 102; i++ {
			if !titles[fmt.Sprintf("Saw %d", i)] {
				t.Errorf("window %d: Saw %d is in no document", window, i)
			}
		}
	}
}

// What one publisher keeps in mind of all lists does not take back what another wrote.
func TestTwoPublishersOfOneSite(t *testing.T) {
	w, now := clocked(t, "tools", "books")
	w.check("tools", tools)
	w.check("books", bookList(3))
	w.publish()
	other := &Publisher{Dir: w.Dir, Site: w.Site, Tag: w.Tag, Store: w.Store, Templates: w.Templates, Now: w.Now, Log: w.Log, Lists: w.Lists}
	*now = now.Add(time.Hour)
	w.check("books", bookList(5))
	if _, err := other.Publish(t.Context(), "books"); err != nil {
		t.Fatal(err)
	}
	w.check("tools", added)
	w.publish("tools")
	if page := w.read("index.html"); !strings.Contains(page, "Saw 5") || !strings.Contains(page, "Fret saw") {
		t.Error("the front page lost what the other published")
	}
}

func TestADamagedFrontIsMended(t *testing.T) {
	w, _ := clocked(t, "tools")
	w.check("tools", tools)
	w.publish()
	before := w.read("feeds.opml")
	if err := os.Remove(filepath.Join(w.Dir, "index.html.gz")); err != nil {
		t.Fatal(err)
	}
	w.write("feeds.opml", "damaged")
	w.publish("tools")
	if w.read("feeds.opml") != before {
		t.Error("the OPML file is still damaged")
	}
	if _, err := os.Stat(filepath.Join(w.Dir, "index.html.gz")); err != nil {
		t.Errorf("the lost sidecar did not come back: %v", err)
	}
}

// Which of the lists that changed in one second are shown in full does not depend on the order in which they were published.
func TestAStartChangesNoFrontPage(t *testing.T) {
	var ids []string
	for i := range mostInFull + 5 {
		ids = append(ids, fmt.Sprintf("list-%d", i))
	}
	w, _ := clocked(t, ids...)
	w.bare = true
	w.publish()
	slices.Reverse(ids)
	for _, id := range ids {
		w.check(id, tools)
	}
	w.publish(ids[:mostInFull]...)
	for _, id := range ids[mostInFull:] {
		w.publish(id)
	}
	w.front = nil
	if report := w.publish(); report.Written > 0 {
		t.Errorf("a new start writes %v", report.Changed)
	}
}

// A second passes also where the clock was set back a little, and where a crash left a sidecar that is newer than its file.
func TestASecondPassesInAnyCase(t *testing.T) {
	for _, set := range []string{"atom.xml", "atom.xml.gz"} {
		w := newWorld(t, "tools")
		w.check("tools", tools)
		w.publish()
		path := filepath.Join(w.Dir, "tools")
		last := time.Now().Add(400 * time.Millisecond) // by a clock that was ahead
		for _, name := range []string{set} {
			if err := os.Chtimes(filepath.Join(path, name), last, last); err != nil {
				t.Fatal(err)
			}
		}
		w.check("tools", added)
		w.publish()
		info, err := os.Stat(filepath.Join(path, set))
		if err != nil {
			t.Fatal(err)
		}
		if apart := info.ModTime().Sub(last); apart < time.Second {
			t.Errorf("two publications of %s lie %v apart", set, apart)
		}
	}
}

func TestALinkThatTheOperatorSetStays(t *testing.T) {
	w, _ := clocked(t, "tools")
	if err := os.MkdirAll(filepath.Join(w.Dir, "elsewhere"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("elsewhere", filepath.Join(w.Dir, "tools")); err != nil {
		t.Fatal(err)
	}
	w.check("tools", tools)
	w.publish()
	w.write("elsewhere/mine.txt", "mine")
	w.Lists = nil
	w.publish()
	if _, err := os.Lstat(filepath.Join(w.Dir, "tools")); err != nil {
		t.Errorf("the link was removed: %v", err)
	}
	if w.read("elsewhere/mine.txt") != "mine" {
		t.Error("somebody's own file changed")
	}
}
