package templates

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed"
	"linkletter/templates/browsertest"
)

// reading is what a person sees of a feed opened in a browser.
type reading struct {
	Ground  string
	Notice  string   // what the page says of itself
	Shown   []string // in the order in which they stand on the page, from its top
	Hidden  []string // elements with text that are not shown
	TooWide int
}

// report collects a reading. Text that a style sheet brings forth stands in pseudo-elements only.
const report = `(() => {
	const pseudo = (e, which) => { const c = getComputedStyle(e, which).content; return c == "none" || c == "normal" ? "" : c.replace(/^"|"$/g, "").replace(/^attr\((.*)\)$/, (_, name) => e.getAttribute(name)) }
	const root = document.documentElement, ground = getComputedStyle(root).backgroundColor
	const all = [...root.querySelectorAll("*")].filter(e => e.children.length == 0)
	const seen = all.filter(e => e.getClientRects().length > 0 && getComputedStyle(e).color != ground)
	const said = e => pseudo(e, "::before") + (e.textContent.trim() || pseudo(e, "::after"))
	const at = e => e.getBoundingClientRect()
	return {
		ground,
		notice: pseudo(root.localName == "rss" ? root.querySelector("channel") : root, "::before"),
		shown: seen.sort((a, b) => Math.round((at(a).top - at(b).top) / 4) || at(a).left - at(b).left).map(said),
		hidden: [...new Set(all.filter(e => !seen.includes(e) && e.textContent.trim()).map(e => e.nodeName))].sort(),
		tooWide: root.scrollWidth - root.clientWidth,
	}
})()`

func sampleFeed(base string) *feed.Feed {
	f := &feed.Feed{
		ID: "tag:lists.example.org,2026-11-22:feeds/", Title: "Feeds and newsletters", Subtitle: "For people who read at their own pace.",
		Author: "The Reading Room", Language: "en", Rights: "CC BY-SA 4.0", Home: base + "list", Dir: base + "feeds/", Icon: base + "assets/icon.svg",
		Stylesheet: base + "assets/feed.css", Hub: "https://hub.example.org/", Began: checked,
	}
	for i, title := range []string{"Paperboy & Co", "كيف تعمل الخلاصات", longWord} {
		e := feed.Entry{
			ID: fmt.Sprintf("tag:lists.example.org,2026-11-22:feeds/%016x", i), Title: title, URL: fmt.Sprintf("https://paperboy.example/%d?a=1&b=2", i),
			Via: "https://code.example/lists", Published: checked.Add(time.Duration(-i) * 24 * time.Hour), Updated: checked,
			Author: "Rosalind Okafor", Contributor: "森田 葵", Summary: "Summary of " + title,
			Content: "<p>Content &amp; markup</p>", Categories: []feed.Category{{Term: "readers", Label: "Readers › In the terminal"}},
		}
		f.Entries = append(f.Entries, e)
	}
	return f
}

// TestFeedsInBrowsers opens feeds as a person may who follows a link to one: Chromium and Firefox show a page that says what
// it is and what is new.
func TestFeedsInBrowsers(t *testing.T) {
	documents := map[string]http.HandlerFunc{}
	base := serve(t, nil, map[string]http.HandlerFunc{"feeds/": func(w http.ResponseWriter, r *http.Request) {
		documents[r.URL.Path](w, r)
	}})
	f := sampleFeed(base)
	formats := map[string]func() ([]byte, error){"atom.xml": f.Atom, "rss.xml": f.RSS}
	for name, write := range formats {
		b, err := write()
		if err != nil {
			t.Fatal(err)
		}
		for folder, mediaType := range map[string]string{"": "application/xml", "text/": "text/xml"} {
			documents["/new/feeds/"+folder+name] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", mediaType+"; charset=utf-8")
				w.Header().Set("Content-Security-Policy", policy)
				w.Write(b)
			}
		}
	}
	chrome := newTab(t, browsertest.Chromium(t), base)
	fox := startFirefox(t)
	for name := range formats {
		for _, folder := range []string{"", "text/"} {
			path := "feeds/" + folder + name
			chrome.open(path)
			for _, width := range []int64{320, 1280} {
				for scheme, ground := range map[string]string{"light": "rgb(255, 253, 249)", "dark": "rgb(26, 24, 22)"} {
					chrome.width(width)
					chrome.media("", prefers(scheme))
					got := ask[reading](chrome, report)
					checkReading(t, fmt.Sprintf("%s in Chromium, %d px, %s", path, width, scheme), got, wantReading(f, name, ground))
				}
			}
			var got reading
			if err := json.Unmarshal(fox.evaluate(base+path, report), &got); err != nil {
				t.Fatal(err)
			}
			checkReading(t, path+" in Firefox", got, wantReading(f, name, "rgb(255, 253, 249)"))
		}
	}
	chrome.quiet()
}

// TestArchiveInABrowser: nobody subscribes to an archive (RFC 5005, 4), so that it says where its feed is.
func TestArchiveInABrowser(t *testing.T) {
	var document []byte
	base := serve(t, nil, map[string]http.HandlerFunc{"feeds/archive/1.xml": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml; charset=utf-8")
		w.Write(document)
	}})
	f := sampleFeed(base)
	f.Archive, f.Archives, f.Entries = 1, 2, nil
	var err error
	document, err = f.Atom()
	if err != nil {
		t.Fatal(err)
	}
	b := newTab(t, browsertest.Chromium(t), base)
	b.open("feeds/archive/1.xml")
	got := ask[reading](b, report)
	if !strings.HasPrefix(got.Notice, "This is a part of the archive of a feed") {
		t.Errorf("the page says of itself %q", got.Notice)
	}
	want := []string{f.Title, f.Subtitle, "As a page: " + f.Home, "Address of the feed itself: " + base + "feeds/atom.xml", f.Rights}
	if diff := cmp.Diff(want, got.Shown); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	b.quiet()
}

func wantReading(f *feed.Feed, name, ground string) reading {
	want := reading{Ground: ground, Hidden: []string{"content", "generator", "icon", "id", "name", "updated"}}
	want.Shown = []string{f.Title, f.Subtitle, "Address of the feed: " + f.Dir + name, "As a page: " + f.Home, f.Rights}
	if name == "rss.xml" {
		want.Hidden = []string{"content:encoded", "docs", "generator", "guid", "language", "lastBuildDate", "ttl"}
		want.Shown[2], want.Shown[3] = want.Shown[3], want.Shown[2]
	}
	for _, e := range f.Entries {
		date, by, summary := e.Published.Format(time.RFC3339), []string{e.Author, "added by " + e.Contributor}, e.Summary
		if name == "rss.xml" {
			date, by = e.Published.Format(time.RFC1123Z), by[:1]
			summary = html.EscapeString(summary) // a description is markup, of which a style sheet makes nothing
		}
		want.Shown = append(want.Shown, e.Title, date)
		want.Shown = append(want.Shown, by...)
		want.Shown = append(want.Shown, e.Categories[0].Label, summary, e.URL)
	}
	return want
}

func checkReading(t *testing.T, where string, got, want reading) {
	t.Helper()
	if !strings.HasPrefix(got.Notice, "This is a feed.") {
		t.Errorf("%s: the page says of itself %q", where, got.Notice)
	}
	got.Notice = ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", where, diff)
	}
}
