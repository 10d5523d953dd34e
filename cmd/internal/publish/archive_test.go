package publish

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// archived is what a test reads of an Atom document.
type archived struct {
	ID    string `xml:"id"`
	Links []struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	} `xml:"link"`
	Archive *struct{} `xml:"http://purl.org/syndication/history/1.0 archive"`
	Titles  []string  `xml:"entry>title"`
}

func (w *world) archived(name string) archived {
	w.t.Helper()
	var a archived
	if err := xml.Unmarshal([]byte(w.read(name)), &a); err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	return a
}

func (a archived) link(rel string) string {
	for _, l := range a.Links {
		if l.Rel == rel {
			return strings.TrimPrefix(l.Href, "https://example.org/news/tools/")
		}
	}
	return ""
}

// numbered is a list of n tools, the newest first.
func numbered(n int) string {
	var b strings.Builder
	b.WriteString("# Tools\n\n## Saws\n\n")
	for i := n; i > 0; i-- {
		fmt.Fprintf(&b, "- [Saw %d](https://saw.example/%d) - Number %d.\n", i, i, i)
	}
	return b.String()
}

// However news comes, all of it can be read by going from the feed to its archive documents; those are linked both ways, and
// a full one never changes again.
func TestArchives(t *testing.T) {
	w := newWorld(t, "tools")
	w.Window = 10
	w.Now = func() time.Time { return time.Now().Add(w.ahead) } // nobody waits for a second to pass
	w.check("tools", numbered(1))
	full := map[string]string{}
	for _, n := range []int{5, 11, 12, 59, 60, 61, 62, 110, 111, 113, 210} {
		w.ahead += time.Hour
		w.check("tools", numbered(n+1)) // n are news
		w.publish("tools")
		for name, was := range full {
			if w.read(name) != was {
				t.Errorf("%d: %s changed", n, name)
			}
		}
		seen := map[string]bool{}
		feed := w.archived("tools/atom.xml")
		if feed.Archive != nil || feed.link("current") != "" {
			t.Errorf("%d: the feed calls itself an archive", n)
		}
		at, from := feed, ""
		for {
			for _, title := range at.Titles {
				seen[title] = true
			}
			prev := at.link("prev-archive")
			if prev == "" {
				break
			}
			next := w.archived("tools/" + prev)
			for what, got := range map[string][2]string{
				"id": {next.ID, feed.ID}, "self": {next.link("self"), prev}, "current": {next.link("current"), "atom.xml"}, "next-archive": {next.link("next-archive"), from},
			} {
				if got[0] != got[1] {
					t.Errorf("%d: %s has the %s %q, want %q", n, prev, what, got[0], got[1])
				}
			}
			if next.Archive == nil {
				t.Errorf("%d: %s does not call itself an archive", n, prev)
			}
			if len(next.Titles) == 0 || len(next.Titles) > archiveSize || (len(next.Titles) == archiveSize) != (from != "") {
				t.Errorf("%d: %s has %d entries, and the next is %q", n, prev, len(next.Titles), from)
			}
			if len(next.Titles) == archiveSize {
				full["tools/"+prev] = w.read("tools/" + prev)
				json := strings.Replace("tools/"+prev, ".xml", ".json", 1)
				full[json] = w.read(json)
			}
			at, from = next, prev
		}
		for i := 2; i <= n+1; i++ {
			if !seen[fmt.Sprintf("Saw %d", i)] {
				t.Errorf("%d: Saw %d is in no document", n, i)
			}
		}
	}
	if len(full) != 8 {
		t.Errorf("%d full documents were seen, want four archives in two formats", len(full))
	}
	// Entries are reworded and leave, the list is called something else: what is full stays.
	w.ahead += time.Hour
	w.Lists[0].Title = "Other tools"
	w.check("tools", strings.ReplaceAll(numbered(205), "[Saw 2", "[The saw 2"))
	w.publish("tools")
	w.ahead += time.Hour
	w.publish()
	for name, was := range full {
		if diff := cmp.Diff(was, w.read(name)); diff != "" {
			t.Errorf("%s changed:\n%s", name, diff)
		}
	}
	// Under another address they say so.
	w.Site.Base = "https://example.net"
	w.publish()
	if got := w.archived("tools/archive/1.xml").link("self"); got != "https://example.net/tools/archive/1.xml" {
		t.Errorf("under another address, self is %s", got)
	}
}

func TestChangesFeed(t *testing.T) {
	w := newWorld(t, "tools")
	w.Now = func() time.Time { return time.Now().Add(w.ahead) }
	w.check("tools", tools+more)
	w.publish()
	if _, ok := w.files()["tools/changes.xml"]; ok {
		t.Error("a feed of changes that nobody asked for")
	}
	w.Lists[0].Changes = true
	w.ahead = time.Hour
	w.check("tools", strings.Replace(tools, "Bow saw", "Bow saw, the good one", 1))
	w.publish("tools")
	a := w.archived("tools/changes.xml")
	if diff := cmp.Diff([]string{"Changed: Bow saw", "Removed: Fret saw"}, a.Titles); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, w.read("tools/changes.xml"))
	}
	before := w.read("tools/changes.xml")
	w.ahead += time.Hour
	w.publish()
	if diff := cmp.Diff(before, w.read("tools/changes.xml")); diff != "" {
		t.Errorf("published again:\n%s", diff)
	}
}

// Lists that are checked in one second share dates; in the feed of all of them no two entries do.
func TestNoTwoEntriesOfTheRootFeedShareADate(t *testing.T) {
	w := newWorld(t, "tools", "books")
	w.check("tools", numbered(3))
	w.check("books", strings.ReplaceAll(numbered(3), "saw.example", "book.example"))
	w.publish()
	dates := func() map[string]string {
		var d struct {
			Entries []struct {
				ID      string `xml:"id"`
				Updated string `xml:"updated"`
			} `xml:"entry"`
		}
		if err := xml.Unmarshal([]byte(w.read("atom.xml")), &d); err != nil {
			t.Fatal(err)
		}
		all, seen := map[string]string{}, map[string]bool{}
		for _, e := range d.Entries {
			if seen[e.Updated] {
				t.Errorf("%s is the date of two entries", e.Updated)
			}
			seen[e.Updated], all[e.ID] = true, e.Updated
		}
		return all
	}
	before := dates()
	if len(before) != 3 {
		t.Fatalf("%d entries, want 3", len(before))
	}
	w.check("books", strings.ReplaceAll(numbered(5), "saw.example", "book.example"))
	w.publish()
	for id, date := range dates() {
		if was, ok := before[id]; ok && was != date {
			t.Errorf("%s was of %s, and is of %s when others come", id, was, date)
		}
	}
}
