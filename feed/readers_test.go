package feed_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mmcdole/gofeed"

	"linkletter/feed"
)

// seen is what a reader made of an entry.
type seen struct {
	ID, Link, Title string
	Published       time.Time
}

// expected is what every reader has to make of a feed's entries.
func expected(f *feed.Feed) []seen {
	var all []seen
	for _, e := range f.Entries {
		all = append(all, seen{e.ID, e.URL, e.Title, e.Published})
	}
	return all
}

func TestGofeedReadsEveryFormat(t *testing.T) {
	want := sample(3)
	want.Entries[0].Title = "Saws & lathes, if x < y"
	for _, f := range formats {
		b, err := f.write(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := gofeed.NewParser().Parse(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		var entries []seen
		for _, item := range got.Items {
			entries = append(entries, seen{item.GUID, item.Link, item.Title, *item.PublishedParsed})
		}
		if diff := cmp.Diff(expected(want), entries); diff != "" {
			t.Errorf("%s: entries (-want +got):\n%s", f.name, diff)
		}
		if got.Title != want.Title || got.FeedLink != want.Dir+f.file || got.Link != want.Home {
			t.Errorf("%s: the feed is %q at %s of %s", f.name, got.Title, got.FeedLink, got.Link)
		}
		if got.Items[0].Content != want.Entries[0].Content {
			t.Errorf("%s: content is %s, want %s", f.name, got.Items[0].Content, want.Entries[0].Content)
		}
	}
}

// script has Python's feedparser print what it read.
const script = `
import calendar, feedparser, json, sys
d = feedparser.parse(sys.argv[1])
print(json.dumps({"bozo": str(d.get("bozo_exception", "")), "title": d.feed.title, "entries": [
	{"ID": e.id, "Link": e.get("link", ""), "Title": e.title, "Published": calendar.timegm(e.published_parsed)} for e in d.entries]}))
`

func TestFeedparserReadsXML(t *testing.T) {
	python := need(t, "/usr/bin/python3")
	if err := exec.Command(python, "-c", "import feedparser").Run(); err != nil {
		need(t, "python3-feedparser")
	}
	for _, f := range formats[:2] {
		for name, make := range kinds {
			b, err := f.write(make())
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(python, "-c", script, save(t, f.file, b)).Output()
			if err != nil {
				t.Fatalf("%s of the %s feed: %v", f.name, name, err)
			}
			var got struct {
				Bozo    string
				Title   string
				Entries []struct {
					ID, Link, Title string
					Published       int64
				}
			}
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			if got.Bozo != "" {
				t.Errorf("%s of the %s feed: feedparser complains: %s", f.name, name, got.Bozo)
			}
			if name != "sample" {
				continue
			}
			var entries []seen
			for _, e := range got.Entries {
				entries = append(entries, seen{e.ID, e.Link, e.Title, time.Unix(e.Published, 0).UTC()})
			}
			if diff := cmp.Diff(expected(make()), entries); diff != "" {
				t.Errorf("%s: entries (-want +got):\n%s", f.name, diff)
			}
		}
	}
}

// Atom against the schema of RFC 4287, appendix B, which is not part of this repository.
func TestAtomSchema(t *testing.T) {
	jing := need(t, "jing")
	schema := need(t, filepath.Join("..", "..", "shared", "data", "atom.rnc"))
	for name, make := range kinds {
		b, err := make().Atom()
		if err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(jing, "-c", schema, save(t, feed.AtomFile, b)).CombinedOutput(); err != nil {
			t.Errorf("the %s feed: %v\n%s", name, err, out)
		}
	}
}

func TestNewsboatReadsXML(t *testing.T) {
	newsboat := need(t, "newsboat")
	for _, f := range formats[:2] {
		b, err := f.write(sample(3))
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(b) }))
		defer server.Close()
		dir := t.TempDir()
		file := func(name, text string) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			return path
		}
		args := []string{"-u", file("urls", server.URL+"/"+f.file), "-c", filepath.Join(dir, "cache.db"), "-C", file("config", "")}
		cmd := exec.Command(newsboat, append(args, "-x", "reload", "print-unread")...)
		cmd.Env = append(os.Environ(), "HOME="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), "3 unread") {
			t.Errorf("%s: newsboat says %q (%v), want 3 unread articles", f.name, out, err)
		}
	}
}
