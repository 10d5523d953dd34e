package web

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"linkletter/feed"
	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// site is a server on real HTTP over a real store and tree.
type site struct {
	*Server
	url   string // of the running server, without a trailing slash
	log   bytes.Buffer
	clock atomic.Int64 // added to the time of day
	woken atomic.Int32
}

// entries make documents large enough to be worth compressing.
var entries = strings.Repeat("<entry><title>A resource that somebody found</title></entry>\n", 40)

const atomHead = `<?xml version="1.0" encoding="utf-8"?><?xml-stylesheet type="text/css" href="assets/feed.css"?><feed xmlns="http://www.w3.org/2005/Atom">`

// publishedFiles is a small static tree.
var publishedFiles = map[string]string{
	"index.html":               "<!doctype html><title>Front page</title>" + strings.Repeat("<p>News</p>\n", 50),
	"atom.xml":                 atomHead + entries + "</feed>",
	"rss.xml":                  `<?xml version="1.0"?><rss version="2.0"><channel>` + entries + "</channel></rss>",
	"feed.json":                `{"version":"https://jsonfeed.org/version/1.1","items":[` + strings.Repeat(`{"id":"x"},`, 40) + `{}]}`,
	"feeds.opml":               `<?xml version="1.0"?><opml version="2.0"></opml>`,
	"robots.txt":               "User-agent: *\n",
	"assets/style.css":         strings.Repeat("body { margin: 0 }\n", 30),
	"assets/icon.svg":          `<svg xmlns="http://www.w3.org/2000/svg"></svg>`,
	"resources/index.html":     "<!doctype html><title>A list</title>",
	"resources/archive/1.xml":  atomHead + "</feed>",
	"resources/archive/1.json": `{"version":"https://jsonfeed.org/version/1.1","items":[]}`,
	"resources/other.xml":      "<sitemap/>",
	"resources/numbers.json":   "[1,2,3]",
	".hidden":                  "secret",
	"resources/.git/config":    "secret",
	"resources/empty.txt":      "",
	"resources/a name & a Ünïcode/index.html": "<!doctype html><title>Odd</title>",
}

func newSite(t testing.TB, change func(*site)) *site {
	t.Helper()
	dir := t.TempDir()
	public := filepath.Join(dir, "public")
	old := time.Now().Add(-time.Hour)
	for name, text := range publishedFiles {
		write(t, filepath.Join(public, name), text, old)
	}
	set, err := templates.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{Server: &Server{
		Public:    public,
		Templates: set,
		Forms:     true,
		Limits:    store.SignUpLimits{Address: 3, Client: 100, Total: 1000},
		Site: templates.Site{
			Site:    feed.Site{Base: "http://localhost:8080"},
			Title:   "Our lists",
			Forms:   true,
			Digests: []templates.DigestLink{{ID: "weekly", Title: "The Weekly", When: "every Monday"}},
		},
	}}
	s.Log = slog.New(slog.NewTextHandler(&s.log, nil))
	s.Now = func() time.Time { return time.Now().Add(time.Duration(s.clock.Load())) }
	s.Wake = func() { s.woken.Add(1) }
	s.Store, err = store.Open(t.Context(), filepath.Join(dir, "linkletter.db"), s.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Store.Close() })
	secret, err := s.Store.Secret(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Keys = digest.NewKeys(secret)
	if change != nil {
		change(s)
	}
	running := httptest.NewServer(s.Handler())
	t.Cleanup(running.Close)
	s.url = running.URL
	return s
}

func write(t testing.TB, file, text string, modified time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	// As the publisher does it: a new file takes the old one's name.
	if err := os.WriteFile(file+"~", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file+"~", modified, modified); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+"~", file); err != nil {
		t.Fatal(err)
	}
}

// answer is a response, read.
type answer struct {
	status int
	header http.Header
	body   string
}

// client does as it is told: it follows no redirect and asks for no compression by itself.
var client = &http.Client{
	Transport:     &http.Transport{DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// ask sends a request; header is "Name: value" lines.
func (s *site) ask(t testing.TB, method, path string, body io.Reader, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return do(t, r)
}

func do(t testing.TB, r *http.Request) answer {
	t.Helper()
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

func (s *site) get(t testing.TB, path string, header ...string) answer {
	t.Helper()
	return s.ask(t, http.MethodGet, path, nil, header...)
}

// post sends a form.
func (s *site) post(t testing.TB, path string, form url.Values, header ...string) answer {
	t.Helper()
	return s.ask(t, http.MethodPost, path, strings.NewReader(form.Encode()),
		append([]string{"Content-Type: application/x-www-form-urlencoded"}, header...)...)
}

// counts are the subscriptions to weekly.
func (s *site) counts(t testing.TB) store.SubscriptionCounts {
	t.Helper()
	all, err := s.Store.SubscriptionCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all["weekly"]
}

func (a answer) String() string {
	return fmt.Sprintf("%d %v %.300q", a.status, a.header, a.body)
}
