package publish

import (
	"encoding/xml"
	"fmt"
	"os"
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

// archives is a world with a window of ten, in which nobody waits for a second to pass.
func archives(t *testing.T) *world {
	w := newWorld(t, "tools")
	w.Window = 10
	w.Now = func() time.Time { return time.Now().Add(w.ahead) }
	w.check("tools", numbered(1))
	return w
}

// grow publishes a list of so many news.
func (w *world) grow(news int) {
	w.t.Helper()
	w.ahead += time.Hour
	w.check("tools", numbered(news+1))
	w.publish("tools")
}

// walkArchives goes from the feed to its archive documents, and gives the titles of all entries on the way and the full
// documents. Each must be linked with those beside it.
func (w *world) walkArchives() (titles map[string]bool, full []string) {
	w.t.Helper()
	titles = map[string]bool{}
	feed := w.archived("tools/atom.xml")
	if feed.Archive != nil || feed.link("current") != "" {
		w.t.Error("the feed calls itself an archive")
	}
	for at, from := feed, ""; ; {
		for _, title := range at.Titles {
			titles[title] = true
		}
		name := at.link("prev-archive")
		if name == "" {
			return titles, full
		}
		next := w.archived("tools/" + name)
		for what, got := range map[string][2]string{
			"id": {next.ID, feed.ID}, "self": {next.link("self"), name}, "current": {next.link("current"), "atom.xml"}, "next-archive": {next.link("next-archive"), from},
		} {
			if got[0] != got[1] {
				w.t.Errorf("%s has the %s %q, want %q", name, what, got[0], got[1])
			}
		}
		if next.Archive == nil {
			w.t.Errorf("%s does not call itself an archive", name)
		}
		if n := len(next.Titles); n == 0 || n > archiveSize || (n == archiveSize) != (from != "") {
			w.t.Errorf("%s has %d entries, and the next is %q", name, n, from)
		}
		if from != "" {
			full = append(full, "tools/"+name, "tools/"+strings.TrimSuffix(name, ".xml")+".json")
		}
		at, from = next, name
	}
}

// However news comes, all of it can be read by going from the feed to its archive documents, and a full one never changes.
func TestArchivesHoldAllNews(t *testing.T) {
	w := archives(t)
	was := map[string]string{}
	for _, n := range []int{5, 11, 12, 59, 60, 61, 62, 110, 111, 113, 210} {
		w.grow(n)
		for name, content := range was {
			if w.read(name) != content {
				t.Errorf("%d news: %s changed", n, name)
			}
		}
		titles, full := w.walkArchives()
		for i := 2; i <= n+1; i++ {
			if !titles[fmt.Sprintf("Saw %d", i)] {
				t.Errorf("%d news: Saw %d is in no document", n, i)
			}
		}
		for _, name := range full {
			was[name] = w.read(name)
		}
	}
	if len(was) != 8 {
		t.Errorf("%d full documents were seen, want four archives in two formats", len(was))
	}
}

// Entries are reworded and leave, the list is called something else, the window grows: what is full stays. Under another
// address it says so.
func TestFullArchivesNeverChange(t *testing.T) {
	w := archives(t)
	w.grow(130)
	_, full := w.walkArchives()
	if len(full) != 4 {
		t.Fatalf("full are %v, want two archives in two formats", full)
	}
	was := map[string]string{}
	for _, name := range full {
		was[name] = w.read(name)
	}
	w.ahead += time.Hour
	w.Lists[0].Title, w.Window = "Other tools", 200
	w.check("tools", strings.ReplaceAll(numbered(125), "[Saw 2", "[The saw 2"))
	w.publish("tools")
	w.ahead += time.Hour
	w.publish()
	for name, content := range was {
		if diff := cmp.Diff(content, w.read(name)); diff != "" {
			t.Errorf("%s changed:\n%s", name, diff)
		}
	}
	w.Site.Base = "https://example.net"
	w.publish()
	if got := w.archived("tools/archive/1.xml").link("self"); got != "https://example.net/tools/archive/1.xml" {
		t.Errorf("under another address, self is %s", got)
	}
}

// What the store holds of a full archive is read for ever: this is how it was written first.
func TestKeptArchivesAreRead(t *testing.T) {
	w := archives(t)
	w.grow(1)
	kept, err := os.ReadFile("testdata/archive.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Store.Archive(t.Context(), "tools", 1, string(kept), nil); err != nil {
		t.Fatal(err)
	}
	w.publish()
	got := w.read("tools/archive/1.xml")
	for _, want := range []string{"<title>Old tools</title>", "<subtitle>What was new</subtitle>", "<name>Ada</name>", `xml:lang="en"`, "<rights>CC0</rights>",
		"<title>Saw 2</title>", `href="https://saw.example/2"`, "<summary>Number 2.</summary>", "<id>tag:example.org,2026-01-05:tools/0123456789abcdef</id>",
		"<published>2026-01-05T13:00:00Z</published>", "<updated>2026-01-06T13:00:00Z</updated>", `<category term="saws" label="Saws">`,
		`rel="via" href="https://example.org/commit"`, "<name>Bob</name>", "https://example.com/old"} {
		if !strings.Contains(got, want) {
			t.Errorf("the archive lacks %s:\n%s", want, got)
		}
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
