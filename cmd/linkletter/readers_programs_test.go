package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
)

// reader follows feeds with what it remembers of them. What it has shown is read.
type reader interface {
	name() string
	// reload asks for the feeds, which stand below base, as the reader does after what it was answered before. It answers
	// with a visit to each of them.
	reload(ctx context.Context, base string) ([]visit, error)
}

// article is an entry as a reader has it.
type article struct {
	ID, Link string
	Links    []string // further ones that the reader knows of
	Content  string   // HTML
}

// visit is what became of a feed in one reload.
type visit struct {
	Feed      string
	Status    int    // of the answer; zero: the reader does not tell
	Complaint string // what the reader has to say against the feed
	Shown     []article
	Unread    []string // the ids of those that it had not shown before
}

// newsboat has a home for each feed or OPML file that it follows: it knows an id once, whatever feeds it is in.
type newsboat struct {
	program, home, feed string
	reloads             int
}

func newNewsboat(program, home, address, feed string) (*newsboat, error) {
	n := &newsboat{program: program, home: home, feed: feed}
	urls := ""
	if address != "" {
		urls = address + "\n"
	}
	err := os.MkdirAll(home, 0o755)
	for name, text := range map[string]string{"urls": urls, "config": "reload-threads 1\nerror-log " + n.path("errors") + "\n"} {
		if err == nil {
			err = os.WriteFile(n.path(name), []byte(text), 0o644)
		}
	}
	return n, err
}

func (n *newsboat) name() string { return "newsboat" }

func (n *newsboat) path(name string) string { return filepath.Join(n.home, name) }

// run runs newsboat, which has nothing to complain of.
func (n *newsboat) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, n.program, append([]string{"-u", n.path("urls"), "-C", n.path("config"), "-c", n.path("cache.db")}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+n.home)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("newsboat %q: %w\n%s", args, err, out)
	}
	if complaints, _ := os.ReadFile(n.path("errors")); len(complaints) > 0 {
		return "", fmt.Errorf("newsboat %q: %s", args, complaints)
	}
	return string(out), nil
}

// reload asks for what newsboat is subscribed to, which has its address from the beginning.
func (n *newsboat) reload(ctx context.Context, _ string) ([]visit, error) {
	said, err := n.run(ctx, "-x", "reload", "print-unread")
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", n.path("cache.db"))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT guid, url, content, unread FROM rss_item WHERE deleted = 0`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	v := visit{Feed: n.feed}
	for rows.Next() {
		var a article
		var unread bool
		if err := rows.Scan(&a.ID, &a.Link, &a.Content, &unread); err != nil {
			return nil, err
		}
		v.Shown = append(v.Shown, a)
		if unread {
			v.Unread = append(v.Unread, a.ID)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if number, _, _ := strings.Cut(said, " "); number != strconv.Itoa(len(v.Unread)) {
		v.Complaint = fmt.Sprintf("it says %q, and %d are unread in its cache", said, len(v.Unread))
	}
	var unconditional int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM rss_feed WHERE etag = '' OR lastmodified = 0`).Scan(&unconditional); err != nil {
		return nil, err
	}
	if n.reloads++; n.reloads > 1 && unconditional > 0 { // it keeps them from the second answer on
		v.Complaint = fmt.Sprintf("of %d feeds it has no ETag or no date to ask with", unconditional)
	}
	_, err = db.ExecContext(ctx, `UPDATE rss_item SET unread = 0`)
	return []visit{v}, err
}

// feedparser is a program made with that library, testdata/readers/subscribe.py.
type feedparser struct {
	feeds []string
	in    io.Writer
	out   *bufio.Scanner
	said  *bytes.Buffer
}

func (f *feedparser) name() string { return "feedparser" }

func (f *feedparser) reload(_ context.Context, base string) ([]visit, error) {
	if err := json.NewEncoder(f.in).Encode(map[string]any{"base": base, "feeds": f.feeds}); err != nil {
		return nil, err
	}
	if !f.out.Scan() {
		return nil, fmt.Errorf("subscribe.py: it ended (%v): %s", f.out.Err(), f.said)
	}
	var all []visit
	return all, json.Unmarshal(f.out.Bytes(), &all)
}

// sfeed is sfeed_update, which takes what fetches from its configuration: curl, which asks for one feed with its ETag and for
// the others with nothing but the date that the last answer named.
type sfeed struct {
	program, home string
	feeds         []string
	seen          map[string]bool
}

const sfeedrc = `
sfeedpath="$HOME/feeds"
fetch() {
	kept="$HOME/kept/$1"
	how=-R
	if [ "$1" = tools_atom.xml ]; then
		touch "$kept.etag"
		how="--etag-compare $kept.etag --etag-save $kept.etag"
	elif [ -e "$kept" ]; then
		how="-R -z $kept"
	fi
	curl -sS -f -m 30 --compressed -w '%%{http_code}' -o "$kept" $how "$2" >"$kept.status" || return 1
	grep -q 304 "$kept.status" || cat "$kept"
}
feeds() {
%s}
`

func (s *sfeed) name() string { return "sfeed" }

func (s *sfeed) reload(ctx context.Context, base string) ([]visit, error) {
	var feeds strings.Builder
	for _, f := range s.feeds {
		fmt.Fprintf(&feeds, "\tfeed %s %s%s\n", s.file(f), base, f)
	}
	err := os.MkdirAll(filepath.Join(s.home, "kept"), 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(s.home, "sfeedrc"), fmt.Appendf(nil, sfeedrc, &feeds), 0o644)
	}
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, s.program, "sfeedrc")
	cmd.Dir = s.home
	cmd.Env = append(os.Environ(), "HOME="+s.home, "LC_ALL=C.UTF-8")
	var said bytes.Buffer
	cmd.Stderr = &said
	if out, err := cmd.Output(); err != nil || said.Len() > 0 {
		return nil, fmt.Errorf("sfeed_update: %v\n%s%s", err, out, &said)
	}
	var all []visit
	for _, f := range s.feeds {
		v, err := s.visit(f)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func (s *sfeed) file(feed string) string { return strings.ReplaceAll(feed, "/", "_") }

// visit reads sfeed(5): a line an entry, of fields between tabs. Of one that was retitled, sfeed keeps the older line too.
func (s *sfeed) visit(feed string) (visit, error) {
	v := visit{Feed: feed}
	status, err := os.ReadFile(filepath.Join(s.home, "kept", s.file(feed)+".status"))
	if err != nil {
		return v, err
	}
	if v.Status, err = strconv.Atoi(strings.TrimSpace(string(status))); err != nil {
		return v, err
	}
	lines, err := os.ReadFile(filepath.Join(s.home, "feeds", s.file(feed)))
	if err != nil {
		return v, err
	}
	for line := range strings.Lines(string(lines)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) < 9 {
			return v, fmt.Errorf("sfeed wrote of %s a line of %d fields: %q", feed, len(fields), line)
		}
		a := article{ID: fields[5], Link: fields[2], Content: strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\\`, `\`).Replace(fields[3])}
		v.Shown = append(v.Shown, a)
		if key := feed + " " + a.ID; !s.seen[key] {
			s.seen[key] = true
			v.Unread = append(v.Unread, a.ID)
		}
	}
	return v, nil
}

// goReader is a program made with gofeed. It reads every format, and sees that one date is of one document.
type goReader struct {
	feeds []string
	kept  map[string]*keptFeed // by feed
}

type keptFeed struct {
	asked          string // where the validators are from
	etag, modified string
	seen, shown    []string                     // ids: ever, and in the last document
	dated          map[string][sha256.Size]byte // the documents by their dates
}

func (g *goReader) name() string { return "gofeed" }

func (g *goReader) reload(ctx context.Context, base string) ([]visit, error) {
	var all []visit
	for _, f := range g.feeds {
		v, err := g.visit(ctx, base, f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		all = append(all, v)
	}
	return all, nil
}

func (g *goReader) visit(ctx context.Context, base, feed string) (visit, error) {
	v := visit{Feed: feed}
	kept := g.kept[feed]
	if kept == nil {
		kept = &keptFeed{dated: map[string][sha256.Size]byte{}}
		g.kept[feed] = kept
	}
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, base+feed, nil)
	if err != nil {
		return v, err
	}
	if kept.asked == base {
		ask.Header.Set("If-None-Match", kept.etag)
		ask.Header.Set("If-Modified-Since", kept.modified)
	}
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		return v, err
	}
	defer answer.Body.Close()
	if v.Status = answer.StatusCode; v.Status == http.StatusNotModified {
		return v, nil
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil || v.Status != http.StatusOK {
		return v, fmt.Errorf("%s, %v", answer.Status, err)
	}
	kept.asked, kept.etag, kept.modified = base, answer.Header.Get("Etag"), answer.Header.Get("Last-Modified")
	sum := sha256.Sum256(body)
	if other, ok := kept.dated[kept.modified]; ok && other != sum {
		v.Complaint = "two documents were last modified at " + kept.modified
	}
	kept.dated[kept.modified] = sum
	read, err := gofeed.NewParser().Parse(bytes.NewReader(body))
	if err != nil {
		return v, err
	}
	kept.shown = nil
	for _, item := range read.Items {
		kept.shown = append(kept.shown, item.GUID)
		v.Shown = append(v.Shown, article{item.GUID, item.Link, item.Links, item.Content + item.Description})
		if !slices.Contains(kept.seen, item.GUID) {
			kept.seen = append(kept.seen, item.GUID)
			v.Unread = append(v.Unread, item.GUID)
		}
	}
	return v, nil
}

// readerTime is how long a reload may take.
const readerTime = time.Minute
