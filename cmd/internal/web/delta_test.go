package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mmcdole/gofeed"

	"linkletter/feed"
)

// newsFeed has entries with the given numbers, the highest first. Those in changed read differently.
func newsFeed(changed []int, numbers ...int) *feed.Feed {
	day := time.Date(2026, 5, 4, 9, 30, 0, 0, time.UTC)
	f := &feed.Feed{
		ID: "tag:localhost,2026-05-04:tools", Title: "Tools & Workshops", Author: "Example", Language: "en",
		Home: "http://localhost:8080/tools/", Dir: "http://localhost:8080/", Stylesheet: "http://localhost:8080/assets/feed.css", Began: day,
	}
	slices.Sort(numbers)
	for _, n := range slices.Backward(numbers) {
		e := feed.Entry{
			ID: fmt.Sprintf("tag:localhost,2026-05-04:tools/%d", n), Title: fmt.Sprintf("Lathe <%d> & ]]> saw", n),
			URL: fmt.Sprintf("https://lathe.example.com/%d?a=1&b=2", n), Published: day.Add(time.Duration(n) * time.Hour), Updated: day.Add(time.Duration(n) * time.Hour),
			Summary: strings.Repeat("Turns wood. ", 10), Content: fmt.Sprintf("<p>Number %d turns &lt;entry&gt; and <![CDATA[ wood ]]&gt;</p>", n),
		}
		if slices.Contains(changed, n) {
			e.Title, e.Updated = "Renamed "+e.Title, e.Updated.Add(time.Minute)
		}
		f.Entries = append(f.Entries, e)
	}
	return f
}

func numbers(from, to int) (all []int) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

// news is a site whose feeds are published again and again.
type news struct {
	*site
	published time.Time
}

func newNews(t testing.TB, change func(*site)) *news {
	return &news{newSite(t, change), time.Now().Add(-time.Hour).Truncate(time.Second)}
}

// publish writes the feed in all formats, a second after the last time, with sidecars.
func (n *news) publish(t testing.TB, f *feed.Feed) {
	t.Helper()
	n.published = n.published.Add(time.Second)
	for name, write := range map[string]func() ([]byte, error){feed.AtomFile: f.Atom, feed.RSSFile: f.RSS, feed.JSONFile: f.JSON} {
		b, err := write()
		if err != nil {
			t.Fatal(err)
		}
		publishFile(t, filepath.Join(n.Public, name), string(b), n.published)
	}
	n.clock.Add(int64(lookAgain)) // the files are looked at again
}

// entriesOf are the titles of a feed's entries, as gofeed reads them.
func entriesOf(t testing.TB, body string) (titles []string) {
	t.Helper()
	f, err := gofeed.NewParser().ParseString(body)
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if f.Title != "Tools & Workshops" {
		t.Errorf("the feed is called %q", f.Title)
	}
	for _, i := range f.Items {
		titles = append(titles, i.Title)
	}
	return titles
}

func titlesOf(f *feed.Feed) (titles []string) {
	for _, e := range f.Entries {
		titles = append(titles, e.Title)
	}
	return titles
}

var feedFiles = []string{feed.AtomFile, feed.RSSFile, feed.JSONFile}

func TestDelta(t *testing.T) {
	n := newNews(t, nil)
	type asked struct{ file, coding string }
	var all []asked
	for _, coding := range []string{"identity", "gzip", "br", "zstd"} {
		for _, file := range feedFiles {
			all = append(all, asked{file, coding})
		}
	}
	ask := func(a asked, header ...string) answer {
		return n.get(t, "/"+a.file, append(header, "Accept-Encoding: "+a.coding)...)
	}
	first, second, third := map[asked]answer{}, map[asked]answer{}, map[asked]answer{}
	since := func(a answer) []string { return []string{"A-IM: feed", "If-None-Match: " + a.header.Get("Etag")} }
	holds := func(a asked, got answer, want ...int) {
		t.Helper()
		if titles, want := entriesOf(t, decoded(t, got)), titlesOf(newsFeed([]int{20}, want...)); got.status != 226 || !cmp.Equal(titles, want) {
			t.Errorf("%v: %d with %q, want 226 with %q", a, got.status, titles, want)
		}
	}
	n.publish(t, newsFeed(nil, numbers(1, 50)...))
	for _, a := range all {
		if first[a] = ask(a, "A-IM: feed"); first[a].status != 200 || first[a].header.Get("Im") != "" {
			t.Errorf("%v: without a version: %v", a, first[a])
		}
	}
	n.publish(t, newsFeed([]int{20}, numbers(3, 52)...)) // two come, one changes, two leave
	for _, a := range all {
		second[a] = ask(a)
		delta := ask(a, since(first[a])...)
		holds(a, delta, 20, 51, 52)
		want := second[a].header.Clone()
		want.Set("Im", "feed")
		want.Set("Delta-Base", first[a].header.Get("Etag"))
		want.Set("Cache-Control", "no-store")
		want.Del("Accept-Ranges")
		for _, h := range []http.Header{want, delta.header} {
			h.Del("Content-Length")
			h.Del("Date")
		}
		if diff := cmp.Diff(want, delta.header); diff != "" {
			t.Errorf("%v: the header (-want +got)\n%s", a, diff)
		}
		if same := ask(a, since(second[a])...); same.status != 304 || same.header.Get("Im") != "" || same.header.Get("Cache-Control") != caching {
			t.Errorf("%v: with the newest version: %v, want 304", a, same)
		}
	}
	n.publish(t, newsFeed([]int{20}, numbers(3, 55)...)) // the first version is still known, and nothing since is skipped
	for _, a := range all {
		third[a] = ask(a, since(first[a])...)
		holds(a, third[a], 20, 51, 52, 53, 54, 55)
	}
	n.publish(t, newsFeed([]int{20}, numbers(9, 55)...)) // entries only left: there is nothing to send but that
	for _, a := range all {
		holds(a, ask(a, since(third[a])...))
	}
}

// The whole feed is the answer, or 304, whenever that is asked for or safer.
func TestNoDelta(t *testing.T) {
	n := newNews(t, func(s *site) { s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	n.publish(t, newsFeed(nil, numbers(1, 30)...))
	first := n.get(t, "/atom.xml").header.Get("Etag")
	page := n.get(t, "/atom.xml", "Accept: text/html").header.Get("Etag")
	n.publish(t, newsFeed(nil, numbers(1, 31)...))
	second := n.get(t, "/atom.xml").header
	n.publish(t, newsFeed(nil, numbers(1, 32)...))
	newest := n.get(t, "/atom.xml")
	base := "If-None-Match: " + first
	for name, c := range map[string]struct {
		status int
		header []string
	}{
		"a delta":                         {226, []string{base, "A-IM: feed"}},
		"in other letters":                {226, []string{base, "A-IM: FEED;q=0.5"}},
		"among others":                    {226, []string{base, "A-IM: vcdiff, feed, gzip"}},
		"on two lines":                    {226, []string{base, "A-IM: gzip", "A-IM: feed"}},
		"a weak tag":                      {226, []string{"If-None-Match: W/" + first, "A-IM: feed"}},
		"Apache's tag":                    {226, []string{"If-None-Match: " + strings.TrimSuffix(first, `"`) + `-gzip"`, "A-IM: feed"}},
		"two known tags":                  {226, []string{base + ", " + second.Get("Etag"), "A-IM: feed"}},
		"with a time":                     {226, []string{base, "If-Modified-Since: " + second.Get("Last-Modified"), "A-IM: feed"}},
		"a page's tag, by a reader":       {226, []string{"If-None-Match: " + page, "A-IM: feed"}},
		"not asked for":                   {200, []string{base}},
		"refused":                         {200, []string{base, "A-IM: feed;q=0"}},
		"something else asked for":        {200, []string{base, "A-IM: vcdiff, feeds"}},
		"nothing asked for":               {200, []string{base, "A-IM: "}},
		"an unknown tag":                  {200, []string{`If-None-Match: "abc"`, "A-IM: feed"}},
		"an unknown one too":              {200, []string{base + `, "abc"`, "A-IM: feed"}},
		"the newest one too":              {304, []string{base + ", " + newest.header.Get("Etag"), "A-IM: feed"}},
		"any":                             {304, []string{"If-None-Match: *", "A-IM: feed"}},
		"a time only":                     {200, []string{"If-Modified-Since: " + second.Get("Last-Modified"), "A-IM: feed"}},
		"no tag at all":                   {200, []string{"If-None-Match: abc", "A-IM: feed"}},
		"half a tag":                      {200, []string{"If-None-Match: " + first[:10], "A-IM: feed"}},
		"a part":                          {206, []string{base, "A-IM: feed", "Range: bytes=0-9"}},
		"a precondition":                  {412, []string{base, "A-IM: feed", `If-Match: "abc"`}},
		"a browser":                       {200, []string{base, "A-IM: feed", "Accept: text/html"}},
		"through a cache":                 {200, []string{base, "A-IM: feed", "Via: 1.1 cache.example"}},
		"through a content network":       {200, []string{base, "A-IM: feed", "CDN-Loop: example"}},
		"the newest one, another coding":  {226, []string{"If-None-Match: " + newest.header.Get("Etag"), "A-IM: feed", "Accept-Encoding: gzip"}},
		"a coding smaller than the delta": {226, []string{base, "A-IM: feed", "Accept-Encoding: gzip"}},
	} {
		a := n.get(t, "/atom.xml", c.header...)
		if a.status != c.status || (a.header.Get("Im") != "") != (c.status == 226) {
			t.Errorf("%s: %d, want %d", name, a.status, c.status)
		}
		if c.status == 200 && a.body != newest.body {
			t.Errorf("%s: not the whole feed: %v", name, a)
		}
	}
	if a := n.ask(t, http.MethodHead, "/atom.xml", nil, base, "A-IM: feed"); a.status != 200 {
		t.Errorf("HEAD: %v", a)
	}
	if a := n.get(t, "/atom.xml", base+", "+second.Get("Etag"), "A-IM: feed"); !cmp.Equal(entriesOf(t, a.body), titlesOf(newsFeed(nil, 31, 32))) {
		t.Errorf("for who has one of two versions, what neither has: %q", entriesOf(t, a.body))
	}
}

// Of an older version nothing can be left out when it has no entry as it is now.
func TestNoDeltaOfWhatHasNothingInCommon(t *testing.T) {
	n := newNews(t, nil)
	n.publish(t, newsFeed(nil, numbers(1, 30)...))
	base := "If-None-Match: " + n.get(t, "/atom.xml").header.Get("Etag")
	n.publish(t, newsFeed(nil, numbers(101, 120)...))
	if a := n.get(t, "/atom.xml", base, "A-IM: feed"); a.status != 200 {
		t.Errorf("all entries are others: %v", a)
	}
	// All entries inherit another language.
	f := newsFeed(nil, numbers(1, 33)...)
	f.Language = "de"
	n.publish(t, f)
	if a := n.get(t, "/atom.xml", base, "A-IM: feed"); a.status != 200 {
		t.Errorf("all entries are in another language: %v", a)
	}
}

// The operator's own proxy says that it is there, too.
func TestDeltaThroughAProxy(t *testing.T) {
	n := newNews(t, func(s *site) { s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	n.publish(t, newsFeed(nil, numbers(1, 30)...))
	base := "If-None-Match: " + n.get(t, "/atom.xml").header.Get("Etag")
	n.publish(t, newsFeed(nil, numbers(1, 31)...))
	for via, want := range map[string]int{"1.1 Caddy": 226, "1.1 cache.example, 1.1 Caddy": 200} {
		if a := n.get(t, "/atom.xml", base, "A-IM: feed", "Via: "+via); a.status != want {
			t.Errorf("via %s: %d, want %d", via, a.status, want)
		}
	}
}

// A restart forgets all versions, and nobody is the worse for it.
func TestDeltaAfterARestart(t *testing.T) {
	n := newNews(t, nil)
	n.publish(t, newsFeed(nil, numbers(1, 30)...))
	base := "If-None-Match: " + n.get(t, "/atom.xml").header.Get("Etag")
	n.publish(t, newsFeed(nil, numbers(1, 31)...))
	again := newSite(t, func(s *site) { s.Public = n.Public })
	if a := again.get(t, "/atom.xml", base, "A-IM: feed"); a.status != 200 || len(entriesOf(t, a.body)) != 31 {
		t.Errorf("%v, want the whole feed", a)
	}
	n.publish(t, newsFeed(nil, numbers(1, 32)...))
	again.clock.Add(int64(lookAgain))
	if a := again.get(t, "/atom.xml", base, "A-IM: feed"); a.status != 200 {
		t.Errorf("a version from before: %v, want the whole feed", a)
	}
}

func TestVersionsAreBounded(t *testing.T) {
	v := newVersions()
	o := &outline{entries: make([]entrySpan, 1000)}
	for i := range o.entries {
		o.entries[i].fingerprint = uint64(i)
	}
	known := func(file, tag string) bool { _, ok := v.all(file, []string{tag}); return ok }
	for i := range 3 * keptVersions {
		v.remember("a", fmt.Sprint(i), o)
	}
	if known("a", fmt.Sprint(2*keptVersions-1)) || !known("a", fmt.Sprint(2*keptVersions)) || !known("a", fmt.Sprint(3*keptVersions-1)) {
		t.Errorf("not the last %d versions are known", keptVersions)
	}
	v.remember("a", fmt.Sprint(2*keptVersions), o) // it comes back, and is the newest now
	v.remember("a", "new", o)
	if !known("a", fmt.Sprint(2*keptVersions)) || known("a", fmt.Sprint(2*keptVersions+1)) {
		t.Error("a version that came back is not kept like a new one")
	}
	for i := range 2000 {
		known("a", "new") // used, so that it stays
		v.remember(fmt.Sprintf("list %d", i), "only", o)
	}
	total := 0
	for _, at := range v.feeds {
		for _, version := range at.Value.(*history).versions {
			total += version.size()
		}
	}
	if total != v.size || total > keptFingerprints || total < keptFingerprints/2 || v.order.Len() != len(v.feeds) {
		t.Errorf("%d fingerprints are kept, counted %d, of at most %d; %d feeds, %d in order", total, v.size, keptFingerprints, len(v.feeds), v.order.Len())
	}
	if !known("a", "new") || !known("list 1999", "only") || known("list 0", "only") {
		t.Error("not those that were used last are kept")
	}
	huge := &outline{entries: make([]entrySpan, keptFingerprints+1)}
	v.remember("huge", "1", huge)
	v.remember("huge", "2", huge)
	if !known("huge", "2") || len(v.feeds) != 1 {
		t.Errorf("the newest version of what is too large by itself: %d feeds", len(v.feeds))
	}
	v.remember("a", "new", o)
	if v.size > keptFingerprints {
		t.Errorf("%d fingerprints are kept", v.size)
	}
}

// Feeds are published and asked for at the same time; every answer is one whole version or what is new since one.
func TestDeltaWhilePublishing(t *testing.T) {
	n := newNews(t, nil)
	n.publish(t, newsFeed(nil, numbers(1, 20)...))
	base := "If-None-Match: " + n.get(t, "/atom.xml").header.Get("Etag")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 20 {
			n.publish(t, newsFeed(nil, numbers(1, 21+i)...))
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		a := n.get(t, "/atom.xml", base, "A-IM: feed", "Accept-Encoding: br, gzip")
		body := decoded(t, a)
		got := len(entriesOf(t, body))
		switch {
		case a.status == 226 && strings.Contains(body, "tools/20<"):
			t.Fatalf("%v with %d entries", a, got)
		case a.status == 200 && got < 20:
			t.Fatalf("%v with %d entries", a, got)
		case a.status != 226 && a.status != 200 && a.status != 304:
			t.Fatalf("%v", a)
		}
	}
}
