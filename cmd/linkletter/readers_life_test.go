package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// life is what readers live through: a list that the real program watches and serves, and programs that people read with.
type life struct {
	*installation
	listen   string // the program's address, host:port
	base     string // the public address, with a slash at its end
	list     *library
	stop     func()
	readers  []reader
	opml     *newsboat         // one that took all feeds from the OPML file
	sections map[string]*shelf // by their feeds
	days     int               // of commits

	mu      sync.Mutex
	answers map[string]map[int]int // how often each reader was answered with what, by reader and status
}

const readersConfig = `
base_url: %s
listen: %s
tag: links.example.org
lists: [{id: tools, title: Tools, source: %s, page: "` + toolsPage + `", check: "@yearly"}]
digests: []
`

// newLife begins with a list of so many entries, in a file or, where source says so, elsewhere.
func newLife(t *testing.T, entries int, source string) *life {
	n := cmp.Or(*seed, 1)
	t.Logf("seed %d (-seed N for another life)", n)
	l := &life{
		installation: &installation{T: t, dir: t.TempDir(), rand: rand.New(rand.NewPCG(n, 0))},
		listen:       freeAddress(t),
		sections:     map[string]*shelf{},
		answers:      map[string]map[int]int{},
	}
	l.base = "http://" + l.listen + "/"
	l.list = newLibrary(l.rand, entries)
	l.write("config.yaml", fmt.Sprintf(readersConfig, "http://"+l.listen, l.listen, source))
	return l
}

// start runs the program until stop.
func (l *life) start() {
	l.Helper()
	l.stop = l.serves()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if answer, err := http.Get("http://" + l.listen + "/healthz"); err == nil {
			answer.Body.Close()
			return
		} else if time.Now().After(end) {
			l.Fatalf("the program does not answer: %v", err)
		}
	}
}

// save puts the list, as it is now, into its file in one step: it may be read meanwhile.
func (l *life) save() {
	l.Helper()
	l.write("list.md.new", l.list.String())
	l.must(os.Rename(l.path("list.md.new"), l.path("list.md")))
}

// publish saves the list and has it checked.
func (l *life) publish() {
	l.Helper()
	l.save()
	l.run("check")
}

// subscribe gives each reader that is installed the feeds that it can read. Where one is missing, its part is skipped.
func (l *life) subscribe() {
	l.Helper()
	feeds := l.outlines()
	l.readers = append(l.readers, &goReader{feeds: append(slices.Clone(feeds), "rss.xml", "feed.json", "tools/rss.xml", "tools/feed.json"), kept: map[string]*keptFeed{}})
	if program := l.has("newsboat"); program != "" {
		for _, feed := range []string{"tools/atom.xml", "tools/rss.xml"} {
			n, err := newNewsboat(program, l.path("newsboat-"+filepath.Base(feed)), l.base+feed, feed)
			l.must(err)
			l.readers = append(l.readers, n)
		}
		n, err := newNewsboat(program, l.path("newsboat-opml"), "", "feeds.opml")
		l.must(err)
		l.opml = n
		l.importOPML(len(feeds))
		l.readers = append(l.readers, n)
	}
	if program := l.has("sfeed_update", "sfeed", "curl"); program != "" {
		l.readers = append(l.readers, &sfeed{program: program, home: l.path("sfeed"), feeds: []string{"tools/atom.xml", "tools/rss.xml", "atom.xml"}, seen: map[string]bool{}})
		l.must(os.MkdirAll(l.path("sfeed"), 0o755))
	}
	if python := l.has("/usr/bin/python3"); python != "" {
		if out, err := exec.Command(python, "-c", "import feedparser").CombinedOutput(); err != nil {
			l.missing(fmt.Errorf("feedparser: %v\n%s", err, out))
			return
		}
		l.readers = append(l.readers, l.startFeedparser(python))
	}
}

func (l *life) startFeedparser(python string) *feedparser {
	l.Helper()
	cmd := exec.Command(python, "testdata/readers/subscribe.py", l.path("feedparser.json"))
	f := &feedparser{feeds: []string{"tools/atom.xml", "tools/rss.xml", "rss.xml"}, said: &bytes.Buffer{}}
	cmd.Stderr = f.said
	in, err := cmd.StdinPipe()
	l.must(err)
	out, err := cmd.StdoutPipe()
	l.must(err)
	l.must(cmd.Start())
	l.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			l.Errorf("subscribe.py: %v\n%s", err, f.said)
		}
	})
	f.in, f.out = in, bufio.NewScanner(out)
	f.out.Buffer(nil, 16<<20)
	return f
}

// has finds programs, and gives the path of the first.
func (l *life) has(names ...string) string {
	l.Helper()
	first := ""
	for _, name := range names {
		found, err := exec.LookPath(name)
		if err != nil {
			l.missing(err)
			return ""
		}
		first = cmp.Or(first, found)
	}
	return first
}

// missing says that there is no such reader here.
func (l *life) missing(err error) {
	l.Helper()
	l.Run("reader", func(t *testing.T) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("it is needed in CI: %v", err)
		}
		t.Skipf("skipped: %v", err)
	})
}

// outlines gives the feeds of the OPML file, which are Atom.
func (l *life) outlines() []string {
	l.Helper()
	b, err := os.ReadFile(l.path("data/public/feeds.opml"))
	l.must(err)
	var feeds []string
	for _, m := range regexp.MustCompile(`text="([^"]*)"[^>]* xmlUrl="([^"]*)"`).FindAllStringSubmatch(string(b), -1) {
		feed, below := strings.CutPrefix(m[2], l.base)
		if !below {
			l.Errorf("the OPML file names a feed at %s, which is not below %s", m[2], l.base)
		}
		for _, s := range l.list.shelves {
			if strings.HasSuffix(m[1], ": "+s.name) {
				l.sections[feed] = s
			}
		}
		feeds = append(feeds, feed)
	}
	if want := len(l.list.shelves) + 2; len(feeds) != want {
		l.Fatalf("the OPML file names %d feeds, want %d: %q", len(feeds), want, feeds)
	}
	return feeds
}

// importOPML has newsboat take the OPML file, after which it is subscribed to so many feeds.
func (l *life) importOPML(want int) {
	l.Helper()
	if l.opml == nil {
		return
	}
	_, err := l.opml.run(l.Context(), "-i", l.path("data/public/feeds.opml"))
	l.must(err)
	urls, err := os.ReadFile(l.opml.path("urls"))
	l.must(err)
	if got := strings.Count(string(urls), "http"); got != want {
		l.Errorf("after the import newsboat is subscribed to %d feeds, want %d:\n%s", got, want, urls)
	}
}

// reload has readers ask for their feeds, all at once, and gives the visits by reader and feed.
func (l *life) reload(step string, base string, readers []reader) map[string]visit {
	l.Helper()
	results := make([][]visit, len(readers))
	var all sync.WaitGroup
	for i, r := range readers {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(l.Context(), readerTime)
			defer cancel()
			var err error
			if results[i], err = r.reload(ctx, base); err != nil {
				l.Errorf("%s: %s: %v", step, r.name(), err)
			}
		})
	}
	all.Wait()
	visits := map[string]visit{}
	for i, r := range readers {
		for _, v := range results[i] {
			who := r.name() + " of " + v.Feed
			visits[who] = v
			l.note(who, v.Status)
			if v.Complaint != "" {
				l.Errorf("%s: %s complains: %s", step, who, v.Complaint)
			}
			l.absolute(step+": "+who, v.Shown)
		}
	}
	return visits
}

// note counts an answer.
func (l *life) note(who string, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answers[who] == nil {
		l.answers[who] = map[int]int{}
	}
	l.answers[who][status]++
}

// absolute sees that no link is relative: readers resolve those against something else each.
func (l *life) absolute(where string, articles []article) {
	l.Helper()
	for _, a := range articles {
		for _, to := range append(append(hrefs(a.Content), a.Link), a.Links...) {
			if u, err := url.Parse(to); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				l.Errorf("%s: %s leads to %q (%v), want an absolute address", where, a.ID, to, err)
			}
		}
	}
}

// hrefs are the addresses that HTML leads to or loads.
func hrefs(content string) []string {
	var all []string
	for z := html.NewTokenizer(strings.NewReader(content)); z.Next() != html.ErrorToken; {
		for _, a := range z.Token().Attr {
			if a.Key == "href" || a.Key == "src" || a.Key == "cite" {
				all = append(all, a.Val)
			}
		}
	}
	return all
}

// unread has all readers ask at their old address, and sees that what is unread are these entries, no more and no less.
func (l *life) unread(step string, added ...*resource) {
	l.Helper()
	l.compare(step, l.reload(step, l.base, l.readers), added)
}

// unchanged sees that nothing is unread after an edit.
func (l *life) unchanged(step string, e edit) {
	l.Helper()
	visits := l.reload(step, l.base, l.readers)
	maps.DeleteFunc(visits, func(_ string, v visit) bool { return e.moves && (l.sections[v.Feed] != nil || v.Feed == "feeds.opml") })
	l.compare(step, visits, nil)
}

func (l *life) compare(step string, visits map[string]visit, added []*resource) {
	l.Helper()
	for _, who := range slices.Sorted(maps.Keys(visits)) {
		v := visits[who]
		if diff := gocmp.Diff(l.expected(v.Feed, added), shownAs(v)); diff != "" {
			l.Errorf("%s: unread in %s (-want +got):\n%s", step, who, diff)
		}
	}
}

// expected is where those of the entries lead that a feed is about, with their manuals.
func (l *life) expected(feed string, added []*resource) []string {
	all := []string{}
	for _, r := range added {
		if s := l.sections[feed]; s == nil || s == r.shelf {
			all = append(all, r.address()+" "+absolute(r.manual))
		}
	}
	slices.Sort(all)
	return all
}

// shownAs is where the unread entries lead, with the first link in what is said of them.
func shownAs(v visit) []string {
	all := []string{}
	for _, id := range v.Unread {
		i := slices.IndexFunc(v.Shown, func(a article) bool { return a.ID == id })
		first := append(hrefs(v.Shown[i].Content), "nowhere")[0]
		all = append(all, v.Shown[i].Link+" "+first)
	}
	slices.Sort(all)
	return all
}

// dayOne has the readers ask for the first time, and once more: they find what a feed starts with, not the whole list, and
// then know that nothing changed.
func (l *life) dayOne() {
	l.Helper()
	for who, v := range l.reload("day one", l.base, l.readers) {
		want := 20
		if v.Feed == "feeds.opml" { // in the sections and on the whole
			want *= len(l.sections)
		}
		if len(v.Unread) != want || len(v.Shown) != want {
			l.Errorf("day one: %s has %d unread of %d, want %d", who, len(v.Unread), len(v.Shown), want)
		}
	}
	again := l.reload("the same again", l.base, l.readers)
	l.compare("the same again", again, nil)
	for who, v := range again {
		if v.Status != 0 && v.Status != http.StatusNotModified {
			l.Errorf("the same again: %s was answered with %d, want 304", who, v.Status)
		}
	}
}

func (l *life) git(args ...string) {
	l.Helper()
	l.days++
	date := time.Date(2025, 6, l.days, 12, 0, 0, 0, time.UTC).Format(time.RFC3339)
	cmd := exec.Command("git", append([]string{"-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "core.autocrlf=false"}, args...)...)
	cmd.Dir = l.path("repo")
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date)
	if out, err := cmd.CombinedOutput(); err != nil {
		l.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

// commit puts the list, as it is now, into the repository.
func (l *life) commit(message string) {
	l.Helper()
	l.write("repo/README.md", l.list.String())
	l.git("add", "README.md")
	l.git("commit", "-q", "--allow-empty", "-m", message)
}
