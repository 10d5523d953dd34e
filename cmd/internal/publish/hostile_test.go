package publish

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"linkletter/feed"
	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// hostileLists are lists that somebody wrote to have something run, or to break a reader.
func hostileLists() []versions {
	one := func(id string, text string) versions {
		return versions{id, [][]byte{[]byte("# Before\n\n- [Peace](https://peace.example/" + id + ") - Nothing yet.\n"), []byte(text)}}
	}
	lists := []versions{one("markup", markup()), one("characters", characters()), one("bytes", brokenBytes()), one("wide", wide())}
	if !thorough() {
		return lists
	}
	lists = append(lists, one("headed", headed()), one("addresses", addresses()), one("sizes", sizes()))
	// What was hostile from the first, and then in another way.
	return append(lists, versions{"turned", [][]byte{[]byte(addresses()), []byte(brokenBytes()), []byte(strings.ReplaceAll(brokenBytes(), "What it is", payloads[0]))}})
}

// hostileSite is a site of hostile lists below an address, each with its news published, with an issue of a digest, archives and
// feeds of changes.
func hostileSite(t *testing.T, base string, lists []versions) *world {
	t.Helper()
	w := newWorld(t)
	w.bare = true
	w.Site.Base = base
	w.Now = func() time.Time { return time.Now().Add(w.ahead) } // nobody waits for a second to pass
	w.Site.Digests = []templates.DigestLink{{ID: "weekly", Title: "Weekly"}}
	d := digest.Digest{ID: "weekly", Title: "Weekly"}
	for i, l := range lists {
		list := List{ID: l.id, Page: "https://example.com/" + l.id + "/README.md", Baseline: 20, Changes: true}
		if i%2 == 1 {
			list.Page = "" // nobody knows what its relative links are relative to
		}
		w.Lists = append(w.Lists, list)
		d.Lists = append(d.Lists, l.id)
	}
	for round := range 3 {
		for i, l := range lists {
			if round >= len(l.texts) {
				continue
			}
			p := payloads[(i+round)%len(payloads)]
			from := feed.Origin{Commit: strings.Repeat("a", 40), By: p + " \u202e<ada@h.example>", Link: p, Date: time.Date(2026, 1, 5, 12, i, round, 0, time.UTC)}
			w.take(l.id, l.texts[round], from)
		}
		w.ahead += time.Hour
		if round == 0 {
			if err := w.Store.BeginDigest(t.Context(), d.ID, d.Lists); err != nil {
				t.Fatal(err)
			}
		}
	}
	issue, err := w.Store.Freeze(t.Context(), d, "2026-01-05T09:00:00Z", func(*digest.Issue) (store.Parts, error) { return store.Parts{}, nil })
	if err != nil || issue == nil {
		t.Fatalf("no issue: %v", err)
	}
	w.publish()
	return w
}

// Whatever a list says, its feeds are valid and its pages are harmless.
func TestHostileListsAreHarmless(t *testing.T) {
	unhurried(t)
	w := hostileSite(t, "https://example.org/news", hostileLists())
	docs := w.documents(func(string) bool { return true })
	tell(t, "hostile lists", w.problems(docs, nil))
	var feeds []string
	entries := map[string]int{}
	for name, doc := range docs {
		if path.Ext(name) == ".xml" && path.Base(name) != feed.RSSFile {
			feeds = append(feeds, name)
		}
		if dir, file := path.Split(name); file == feed.AtomFile {
			entries[dir] = strings.Count(string(doc), "<entry>")
		}
	}
	slices.Sort(feeds)
	t.Logf("%d files, %d of them Atom", len(docs), len(feeds))
	for _, l := range w.Lists {
		want := defaultWindow
		if l.ID == "wide" { // which is no list to a program
			want = 0
		}
		if got := entries[l.ID+"/"]; got != want {
			t.Errorf("the feed of %s has %d entries, want %d: the list was not read as it should be", l.ID, got, want)
		}
	}
	jing(t, w.Dir, feeds)
}

// A list of a hundred thousand entries is one like others.
func TestHundredThousandEntries(t *testing.T) {
	unhurried(t)
	n := 100_000
	if !thorough() {
		n /= 20
	}
	var b strings.Builder
	b.WriteString("# Many\n\n")
	for i := range n {
		if i%500 == 0 {
			fmt.Fprintf(&b, "\n## Part %d\n\n", i/500)
		}
		fmt.Fprintf(&b, "- [Entry %d](https://h.example/%d) - %s\n", i, i, payloads[i%len(payloads)])
	}
	w := newWorld(t, "many")
	w.bare = true
	w.take("many", []byte(b.String()), feed.Origin{})
	w.publish()
	docs := w.documents(func(name string) bool {
		return !strings.Contains(name, "/sections/part-1") // which are more than half of them
	})
	tell(t, "very many entries", w.problems(docs, nil))
	if got, want := len(docs), 4*(n/500); got < want/3 {
		t.Errorf("%d files are published, want at least %d", got, want/3)
	}
}
