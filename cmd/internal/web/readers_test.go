package web

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed"
)

// need finds a program, or skips the test; where everything has to be there, in CI, that is a failure.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		missingTool(t, err)
	}
	return path
}

func missingTool(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("it is needed in CI: %v", err)
	}
	t.Skipf("skipped: %v", err)
}

// watched is a running server that notes how it answers.
type watched struct {
	url      string
	mu       sync.Mutex
	statuses []int
}

func watch(t *testing.T, s *site) *watched {
	w, handler := &watched{}, s.Handler()
	running := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		noted := &response{ResponseWriter: rw}
		handler.ServeHTTP(noted, r)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.statuses = append(w.statuses, noted.status)
	}))
	t.Cleanup(running.Close)
	w.url = running.URL
	return w
}

// answered are the statuses since it was asked last.
func (w *watched) answered() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.statuses = nil }()
	return w.statuses
}

// newsboat is one that reads a single feed.
type newsboat struct {
	*testing.T
	file, program, dir string
	server             *watched
}

// reload looks for news, wants the server to answer once with a status, and gives how many entries are unread.
func (n *newsboat) reload(status int) (unread string) {
	n.Helper()
	in := func(name string) string { return filepath.Join(n.dir, name) }
	cmd := exec.CommandContext(n.Context(), n.program, "-u", in("urls"), "-c", in("cache.db"), "-C", in("config"), "-x", "reload", "print-unread")
	cmd.Env = append(os.Environ(), "HOME="+n.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		n.Fatalf("newsboat: %v\n%s", err, out)
	}
	if got := n.server.answered(); !slices.Equal(got, []int{status}) {
		n.Errorf("%s: newsboat was answered %d, want %d", n.file, got, status)
	}
	unread, _, _ = strings.Cut(string(out), " ")
	return unread
}

// query gives the one number that a query of its cache does.
func (n *newsboat) query(q string) (number int) {
	n.Helper()
	db, err := sql.Open("sqlite", filepath.Join(n.dir, "cache.db"))
	if err != nil {
		n.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(n.Context(), q).Scan(&number); err != nil {
		n.Fatal(err)
	}
	return number
}

// newsboat asks for A-IM: feed by itself as soon as it has a version. Whoever read everything and comes back after three
// additions finds these three unread, and everything else still there; entries that change or leave make nothing unread.
func TestNewsboatTakesDeltas(t *testing.T) {
	program := need(t, "newsboat")
	for _, file := range []string{feed.AtomFile, feed.RSSFile} {
		n := newNews(t, nil)
		r := &newsboat{T: t, file: file, program: program, dir: t.TempDir(), server: watch(t, n.site)}
		write(t, filepath.Join(r.dir, "urls"), r.server.url+"/"+file+"\n", n.published)
		write(t, filepath.Join(r.dir, "config"), "", n.published)
		const readAll = `UPDATE rss_item SET unread = 0 RETURNING 0`
		const count = `SELECT count(*) FROM rss_item`

		n.publish(t, newsFeed(nil, numbers(1, 50)...))
		if got := r.reload(200); got != "50" {
			t.Errorf("%s: %s unread after subscribing, want 50", file, got)
		}
		r.query(readAll)
		for _, status := range []int{200, 304} { // it keeps a feed's ETag from the second time on
			if got := r.reload(status); got != "0" {
				t.Errorf("%s: %s unread when nothing happened, want 0", file, got)
			}
		}
		n.publish(t, newsFeed([]int{30, 31}, numbers(4, 53)...))
		if got := r.reload(226); got != "3" || r.query(count) != 53 {
			t.Errorf("%s: %s unread of %d after three additions, want 3 of 53", file, got, r.query(count))
		}
		if got := r.query(`SELECT count(*) FROM rss_item WHERE title LIKE 'Renamed%'`); got != 2 {
			t.Errorf("%s: %d entries have their new title, want 2", file, got)
		}
		r.query(readAll)
		n.publish(t, newsFeed([]int{30, 31}, numbers(9, 53)...)) // some left, and that is all
		if got := r.reload(226); got != "0" || r.query(count) != 53 {
			t.Errorf("%s: %s unread of %d after entries left, want 0 of 53", file, got, r.query(count))
		}
		if got := r.reload(304); got != "0" {
			t.Errorf("%s: %s unread at last, want 0", file, got)
		}
		n.publish(t, newsFeed([]int{30, 31}, numbers(9, 54)...))
		if got := r.reload(226); got != "1" || r.query(count) != 54 {
			t.Errorf("%s: %s unread of %d after another addition, want 1 of 54", file, got, r.query(count))
		}
	}
}

// pollScript polls with Python's feedparser, as programs do that are built on it, whenever it is told an address and an
// ETag.
const pollScript = `
import feedparser, json, sys
for line in iter(sys.stdin.readline, ""):
    url, etag = line.rstrip("\n").split("\t")
    d = feedparser.parse(url, etag=etag or None)
    print(json.dumps({"Status": d.status, "Tag": d.headers.get("etag"), "Complaint": str(d.get("bozo_exception", "")), "Titles": [e.title for e in d.entries]}), flush=True)
`

type polled struct {
	Status         int
	Tag, Complaint string
	Titles         []string
}

func TestFeedparserTakesDeltas(t *testing.T) {
	python := need(t, "/usr/bin/python3")
	if err := exec.CommandContext(t.Context(), python, "-c", "import feedparser").Run(); err != nil {
		missingTool(t, fmt.Errorf("python3-feedparser: %w", err))
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", pollScript)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	answers := json.NewDecoder(out)
	for _, file := range []string{feed.AtomFile, feed.RSSFile} {
		n := newNews(t, nil)
		tag := ""
		poll := func(status int, want ...string) {
			t.Helper()
			if _, err := fmt.Fprintf(in, "%s/%s\t%s\n", n.url, file, tag); err != nil {
				t.Fatal(err)
			}
			var got polled
			if err := answers.Decode(&got); err != nil {
				t.Fatal(err)
			}
			tag = got.Tag
			if want := (polled{status, tag, "", append([]string{}, want...)}); !cmp.Equal(got, want) {
				t.Errorf("%s: feedparser says (-want +got)\n%s", file, cmp.Diff(want, got))
			}
		}
		whole := newsFeed(nil, numbers(1, 20)...)
		n.publish(t, whole)
		poll(200, titlesOf(whole)...)
		poll(304)
		n.publish(t, newsFeed([]int{10}, numbers(1, 23)...))
		poll(226, titlesOf(newsFeed([]int{10}, 10, 21, 22, 23))...)
		poll(304)
		n.publish(t, newsFeed([]int{10}, numbers(3, 23)...))
		poll(226)
	}
}
