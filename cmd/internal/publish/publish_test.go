package publish

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mmcdole/gofeed"

	"linkletter/feed"
	"linkletter/feed/curated"
	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// world is a store on a clock that starts at noon, so that no test runs into the next day, and a publisher on the wall's.
type world struct {
	*Publisher
	t     testing.TB
	ahead time.Duration
}

func newWorld(t testing.TB, lists ...string) *world {
	w := &world{t: t}
	noon, start := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC), time.Now()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), func() time.Time { return noon.Add(time.Since(start) + w.ahead) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	set, err := templates.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Publisher = &Publisher{
		Dir:       filepath.Join(t.TempDir(), "public"),
		Site:      templates.Site{Site: feed.Site{Base: "https://example.org/news"}, Title: "Example"},
		Tag:       "example.org",
		Store:     s,
		Templates: set,
		Now:       time.Now,
		Log:       slog.New(slog.DiscardHandler),
	}
	for _, id := range lists {
		w.Lists = append(w.Lists, List{ID: id, Title: strings.ToUpper(id), Page: "https://example.com/" + id, Baseline: 3})
	}
	return w
}

// check records a reading of a list, as a check does.
func (w *world) check(list, markdown string) {
	w.t.Helper()
	before, known, err := w.Store.Known(w.t.Context(), list)
	if err != nil {
		w.t.Fatal(err)
	}
	after := curated.Parse([]byte(markdown), curated.Options{})
	sum := sha256.Sum256([]byte(markdown))
	_, err = w.Store.Record(w.t.Context(), store.Reading{
		Before: before, Tag: "example.org", Hash: hex.EncodeToString(sum[:]), Validators: "{}",
		List: after, Changes: curated.Diff(known, after),
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) publish(lists ...string) Report {
	w.t.Helper()
	report, err := w.Publish(w.t.Context(), lists...)
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

// dates gives the published files and when they were modified, without sidecars.
func (w *world) dates() map[string]time.Time {
	w.t.Helper()
	all := w.walk()
	maps.DeleteFunc(all, func(name string, _ time.Time) bool { return isSidecar(name) })
	return all
}

// files gives what dates does, and makes sure that each sidecar is that of its file.
func (w *world) files() map[string]time.Time {
	w.t.Helper()
	all := w.walk()
	for name, date := range all {
		for _, c := range codings {
			bare, ok := strings.CutSuffix(name, c.Ext)
			if !ok {
				continue
			}
			if there, ok := all[bare]; !ok || !there.Equal(date) || !c.Holds(strings.NewReader(w.read(name)), []byte(w.read(bare))) {
				w.t.Errorf("%s of %v is not what %s of %v (there: %t) is compressed", name, date, bare, there, ok)
			}
			delete(all, name)
		}
	}
	return all
}

func (w *world) walk() map[string]time.Time {
	w.t.Helper()
	all := map[string]time.Time{}
	err := filepath.WalkDir(w.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == manifestFile || d.Name() == lockFile {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(w.Dir, path)
		all[filepath.ToSlash(name)] = info.ModTime()
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func (w *world) read(name string) string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.Dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// changed names the files that were written or removed between two calls of files.
func changed(before, after map[string]time.Time) []string {
	var names []string
	for name, date := range after {
		if old, ok := before[name]; !ok || !old.Equal(date) {
			names = append(names, name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

const (
	tools = "# Tools\n\n## Saws\n\n- [Bow saw](https://saw.example/bow) - Cuts curves.\n\n## Planes\n\n- [Jack plane](https://plane.example/jack) - Takes much.\n"
	more  = "- [Fret saw](https://saw.example/fret) - Cuts finer curves.\n"
	books = "# Books\n\n- [Joints](https://books.example/joints) - All of them.\n"
)

// added is tools with one saw more.
var added = strings.Replace(tools, "\n\n## Planes", "\n"+more+"\n## Planes", 1)

func TestPublishesTheWholeTree(t *testing.T) {
	w := newWorld(t, "tools", "later")
	w.check("tools", tools)
	w.check("tools", added)
	w.publish()
	want := []string{"assets/feed.css", "assets/icon.png", "assets/icon.svg", "assets/style.css", "atom.xml", "feed.json", "feeds.opml", "index.html", "later/index.html", "robots.txt", "rss.xml"}
	for _, folder := range []string{"tools/", "tools/sections/planes/", "tools/sections/saws/"} {
		want = append(want, folder+"atom.xml", folder+"feed.json", folder+"index.html", folder+"rss.xml")
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, changed(nil, w.files())); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for folder, titles := range map[string][]string{
		"":                       {"Fret saw", "Bow saw", "Jack plane"},
		"tools/":                 {"Fret saw", "Bow saw", "Jack plane"},
		"tools/sections/saws/":   {"Fret saw", "Bow saw"},
		"tools/sections/planes/": {"Jack plane"},
	} {
		for _, file := range []string{feed.AtomFile, feed.RSSFile, feed.JSONFile} {
			f, err := gofeed.NewParser().ParseString(w.read(folder + file))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, item := range f.Items {
				got = append(got, item.Title)
			}
			if diff := cmp.Diff(titles, got); diff != "" {
				t.Errorf("%s%s (-want +got):\n%s", folder, file, diff)
			}
			if self := "https://example.org/news/" + folder + file; f.FeedLink != self {
				t.Errorf("%s%s: self is %s, want %s", folder, file, f.FeedLink, self)
			}
		}
	}
	if got, want := w.read("robots.txt"), "User-agent: *\nDisallow: /news/-/\n"; got != want {
		t.Errorf("robots.txt is %q, want %q", got, want)
	}
	for _, url := range []string{"/news/atom.xml", "/news/tools/atom.xml", "/news/tools/sections/saws/atom.xml"} {
		if !strings.Contains(w.read("feeds.opml"), `xmlUrl="https://example.org`+url+`"`) {
			t.Errorf("feeds.opml lacks %s", url)
		}
	}
	if page := w.read("tools/index.html"); !strings.Contains(page, "Fret saw") || strings.Contains(page, "Bow saw") {
		t.Error("the page of a list with news shows anything else than its news")
	}
}

func TestBaselineIsShownWhileThereIsNoNews(t *testing.T) {
	w := newWorld(t, "tools")
	w.check("tools", tools)
	w.publish()
	if page := w.read("tools/index.html"); !strings.Contains(page, "Bow saw") {
		t.Error("the page of a list without news is empty")
	}
}

// A front page of very many lists names them all, and shows entries of those that changed last.
func TestFrontPageOfVeryManyLists(t *testing.T) {
	var ids []string
	for i := range mostInFull + 2 {
		ids = append(ids, fmt.Sprintf("l%03d", i))
	}
	w := newWorld(t, ids...)
	for i, id := range ids[1:] {
		w.check(id, strings.ReplaceAll(tools, "Bow saw", "Saw "+id))
		if i == 0 {
			w.ahead += time.Hour // all others changed later
		}
	}
	w.publish()
	page := w.read("index.html")
	for i, id := range ids {
		if !strings.Contains(page, `href="https://example.org/news/`+id+`/"`) {
			t.Errorf("the front page does not name %s", id)
		}
		if got := strings.Contains(page, "Saw "+id+"<"); got != (i > 1) {
			t.Errorf("the front page shows an entry of %s: %v", id, got)
		}
	}
}

func TestFrontPageCallsNothingOldNew(t *testing.T) {
	w := newWorld(t, "tools", "books")
	w.check("tools", tools)
	w.check("books", books)
	w.check("tools", added)
	w.publish()
	page := w.read("index.html")
	news, old, _ := strings.Cut(page, `id="list-books"`)
	const line = "The list held these when watching began"
	if !strings.Contains(news, "Fret saw") || strings.Contains(news, "Bow saw") || strings.Contains(news, line) {
		t.Error("of a list with news the front page shows anything else than its news")
	}
	if !strings.Contains(old, "Joints") || !strings.Contains(old, line) {
		t.Error("of a list without news the front page does not say that it shows what was there before")
	}
}

// Days are those of the operator's time zone; feeds speak of moments and do not change with it.
func TestDaysAreThoseOfTheTimeZone(t *testing.T) {
	w := newWorld(t, "tools")
	w.check("tools", tools) // at noon on the fifth in UTC
	w.publish()
	atom := w.read("tools/atom.xml")
	w.Location = time.FixedZone("", 13*60*60)
	w.publish()
	for _, page := range []string{"index.html", "tools/index.html"} {
		if text := w.read(page); !strings.Contains(text, "6 January 2026") || strings.Contains(text, "5 January 2026") {
			t.Errorf("%s does not say the sixth, or says the fifth", page)
		}
	}
	if w.read("tools/atom.xml") != atom {
		t.Error("a feed depends on the time zone")
	}
}

func TestIDsDoNotDependOnTheAddress(t *testing.T) {
	w := newWorld(t, "tools")
	w.Site.Digests = []templates.DigestLink{{ID: "weekly", Title: "Weekly tools"}}
	w.check("tools", added)
	ids := func() (all []string) {
		for _, file := range []string{"atom.xml", "tools/atom.xml", "tools/sections/saws/atom.xml", "digests/weekly/atom.xml"} {
			for _, id := range regexp.MustCompile(`<id>.*</id>`).FindAllString(w.read(file), -1) {
				all = append(all, file+" "+id)
			}
		}
		return all
	}
	w.publish()
	before := ids()
	w.Site.Base = "https://elsewhere.example"
	w.publish()
	if diff := cmp.Diff(before, ids()); diff != "" {
		t.Errorf("ids (-before +after a move):\n%s", diff)
	}
}

func TestUnchangedFilesAreNotTouched(t *testing.T) {
	w := newWorld(t, "tools", "books")
	w.check("tools", tools)
	w.check("books", books)
	first := w.publish()
	before := w.files()
	w.ahead = time.Minute // a check that finds nothing moves the time of the last check only
	w.check("tools", tools)
	for _, lists := range [][]string{nil, {"tools"}} {
		if report := w.publish(lists...); report.Written != 0 || report.Removed != 0 {
			t.Errorf("publishing %v again: %+v", lists, report)
		}
	}
	if names := changed(before, w.files()); len(names) > 0 {
		t.Errorf("touched without a change: %s", names)
	}
	if first.Written != len(before) {
		t.Errorf("the first publication wrote %d files, there are %d", first.Written, len(before))
	}
}

func TestOneEntryRewritesOnlyItsFiles(t *testing.T) {
	w := newWorld(t, "tools", "books")
	w.check("tools", tools)
	w.check("books", books)
	w.publish()
	before := w.files()
	w.check("tools", added)
	w.publish("tools")
	want := []string{"atom.xml", "feed.json", "index.html", "rss.xml", "tools/atom.xml", "tools/feed.json", "tools/index.html", "tools/rss.xml",
		"tools/sections/saws/atom.xml", "tools/sections/saws/feed.json", "tools/sections/saws/index.html", "tools/sections/saws/rss.xml"}
	if diff := cmp.Diff(want, changed(before, w.files())); diff != "" {
		t.Errorf("written for one entry (-want +got):\n%s", diff)
	}
}

func TestWhatIsGoneIsRemoved(t *testing.T) {
	w := newWorld(t, "tools", "books")
	w.check("tools", tools)
	w.check("books", books)
	w.write("books/notes.txt", "somebody's own")
	w.write("CNAME", "example.org")
	w.publish()
	w.check("tools", strings.Split(tools, "## Planes")[0]) // a section goes
	w.Lists = w.Lists[:1]                                  // a list goes
	report := w.publish()
	var got []string
	for name := range w.files() {
		if strings.HasPrefix(name, "books") || strings.Contains(name, "planes") || name == "CNAME" {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"CNAME", "books/notes.txt"}, got); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if report.Removed != 8 { // four files each
		t.Errorf("%d files removed, want 8", report.Removed)
	}
	if _, err := os.Stat(filepath.Join(w.Dir, "tools", "sections", "planes")); err == nil {
		t.Error("the empty folder of a section is left")
	}
}

func TestUnknownList(t *testing.T) {
	w := newWorld(t, "tools")
	if _, err := w.Publish(t.Context(), "nails"); err == nil || !strings.Contains(err.Error(), "no list nails") {
		t.Errorf("the error is %v", err)
	}
}

func TestDigestPages(t *testing.T) {
	w := newWorld(t, "tools")
	w.Site.Digests = []templates.DigestLink{{ID: "weekly", Title: "Weekly tools", When: "every Monday"}}
	w.check("tools", tools)
	if err := w.Store.BeginDigest(t.Context(), "weekly", []string{"tools"}); err != nil {
		t.Fatal(err)
	}
	w.ahead = time.Hour
	w.check("tools", added)
	d := digest.Digest{ID: "weekly", Title: "Weekly tools", Lists: []string{"tools"}}
	issue, err := w.Store.Freeze(t.Context(), d, "2026-01-05T09:00:00Z", func(*digest.Issue) (store.Parts, error) { return store.Parts{}, nil })
	if err != nil || issue == nil {
		t.Fatalf("no issue: %v", err)
	}
	w.publish()
	for _, name := range []string{"digests/weekly/index.html", "digests/weekly/atom.xml", "digests/weekly/1/index.html"} {
		if !strings.Contains(w.read(name), "Fret saw") {
			t.Errorf("%s does not name the issue's entry", name)
		}
	}
	f, err := gofeed.NewParser().ParseString(w.read("digests/weekly/atom.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.Items[0].Link, "https://example.org/news/digests/weekly/1/"; got != want {
		t.Errorf("the issue's entry leads to %s, want %s", got, want)
	}
	before := w.files()
	w.publish()
	if names := changed(before, w.files()); len(names) > 0 {
		t.Errorf("touched without a change: %s", names)
	}
}

func BenchmarkPublish1000(b *testing.B) {
	w := newWorld(b, "tools")
	var list bytes.Buffer
	list.WriteString("# Tools\n")
	for i := range 1000 {
		if i%25 == 0 {
			fmt.Fprintf(&list, "\n## Section %d\n\n", i/25)
		}
		fmt.Fprintf(&list, "- [Tool %d](https://tools.example/%d) - Does thing %d.\n", i, i, i)
	}
	w.check("tools", list.String())
	w.publish()
	for b.Loop() {
		w.publish("tools")
	}
}

// A page tells readers what waits, and nothing of where the list is read from.
func TestWhyAListIsHeldIsNotPublished(t *testing.T) {
	w := newWorld(t, "a")
	const anvil = "- [Anvil](https://example.org/anvil)\n"
	w.check("a", anvil)
	for _, c := range []struct {
		hold  curated.Hold
		after string
		want  string
	}{
		{curated.Hold{Kind: curated.HoldRemoved, Count: 1}, "", "1 removed entry waits for the maintainer"},
		{curated.Hold{Kind: curated.HoldAdded, Count: 2}, anvil + "- [Bellows](https://example.org/bellows)\n- [Chisel](https://example.org/chisel)\n",
			"2 new entries wait for the maintainer"},
		{curated.Hold{Kind: curated.HoldUnreadable}, "", "could not be read as the list; what it held before is shown."},
	} {
		before, known, err := w.Store.Known(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		c.hold.Reason = "http://10.0.0.7/s3cret sent a login page"
		after := curated.Parse([]byte(c.after), curated.Options{})
		_, err = w.Store.Record(t.Context(), store.Reading{Before: before, Tag: "example.org", Hash: c.want, Validators: "{}",
			List: after, Changes: curated.Diff(known, after), Holds: []curated.Hold{c.hold}})
		if err != nil {
			t.Fatal(err)
		}
		w.publish("a")
		if page := w.read("a/index.html"); !strings.Contains(page, c.want) || strings.Contains(page, "s3cret") {
			t.Errorf("held %s: the page does not say %q, or says why:\n%s", c.hold.Kind, c.want, page)
		}
	}
}
