package main

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What deploy/ has for nginx, Caddy and Apache does what it says, on a host of its own and under a path.
func TestWebServersInFront(t *testing.T) {
	for _, kind := range fronts {
		for _, under := range []bool{false, true} {
			t.Run(kind.name+map[bool]string{true: " under a path"}[under], func(t *testing.T) {
				t.Parallel()
				f := newFronted(t, kind, under, false)
				if f.name == "nginx" && under {
					f.codings = []string{"gzip"} // as the snippet is without a further module
				}
				f.sendsTheFiles()
				f.refuses()
				f.passesOn()
				f.tellsClientsApart()
				f.newsboat("/tools/atom.xml")
				f.newsboat("/tools/rss.xml")
				f.conforms()
				if under {
					if got := f.ask(http.MethodGet, strings.TrimSuffix(f.base, "/links"), ""); got.body != "another" {
						t.Errorf("the site around it answers %q", got.body)
					}
				}
			})
		}
	}
}

// suffix is that of the sidecar in a content coding.
var suffix = map[string]string{"gzip": ".gz", "br": ".br", "zstd": ".zst"}

// sendsTheFiles looks at every file of the tree in every coding.
func (f *fronted) sendsTheFiles() {
	f.Helper()
	public := f.path("data/public")
	seen := map[string]int{}
	f.must(filepath.WalkDir(public, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{".gz", ".br", ".zst"}, filepath.Ext(path)) {
			return err
		}
		name := "/" + filepath.ToSlash(strings.TrimPrefix(path, public+"/"))
		for _, accepted := range []string{"identity", "gzip", "br", "zstd", "gzip, deflate, br, zstd", "br;q=0, zstd;q=0, gzip;q=0"} {
			want := "" // the coding
			for _, c := range f.codings {
				_, err := os.Stat(path + suffix[c])
				if want == "" && err == nil && strings.Contains(accepted+",", c+",") && !strings.Contains(accepted, "q=0") {
					want = c
				}
			}
			f.sendsAFile(name, accepted, want)
			seen[want]++
		}
		return nil
	}))
	for _, file := range []string{"tools/changes.xml", "tools/archive/1.xml", "tools/archive/1.json", "tools/sections/iron/rss.xml"} {
		if _, err := os.Stat(filepath.Join(public, file)); err != nil {
			f.Errorf("nothing was seen of %v", err)
		}
	}
	for _, coding := range append(f.codings, "") {
		if seen[coding] < 5 {
			f.Errorf("only %d answers in the coding %q were looked at", seen[coding], coding)
		}
	}
}

func (f *fronted) sendsAFile(name, accepted, coding string) {
	f.Helper()
	file := f.path("data/public" + name)
	content, err := os.ReadFile(file + suffix[coding])
	f.must(err)
	got := f.get(name, "Accept-Encoding: "+accepted)
	if got.StatusCode != http.StatusOK || got.Header.Get("Content-Encoding") != coding || got.body != string(content) {
		f.Errorf("%s for %q: %s, Content-Encoding %q, %d bytes; want 200, %q and the %d of the file", name, accepted, got.Status,
			got.Header.Get("Content-Encoding"), len(got.body), coding, len(content))
		return
	}
	f.has(name, got, f.own(name))
	f.unchanged(name, accepted, got)
	if filepath.Ext(name) == ".xml" {
		const browser = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
		got := f.get(name, "Accept-Encoding: "+accepted, browser)
		f.has(name+" in a browser", got, f.own(name, browser))
		if got.body != string(content) {
			f.Errorf("%s in a browser is not the file's %d bytes but %d", name, len(content), len(got.body))
		}
	}
}

// own is the header with which the program itself answers for a file, but for what has to differ.
func (f *fronted) own(name string, header ...string) http.Header {
	f.Helper()
	site, err := url.Parse(f.base)
	f.must(err)
	own := f.ask(http.MethodGet, "http://"+f.program+site.Path+name, "", header...)
	if own.StatusCode != http.StatusOK {
		f.Fatalf("the program itself answers for %s with %s", name, own.Status)
	}
	h := own.Header
	// The program sees that a file is too small to be compressed.
	if !strings.Contains(h.Get("Vary"), "Accept-Encoding") {
		h.Set("Vary", strings.TrimSuffix("Accept-Encoding, "+h.Get("Vary"), ", "))
	}
	// It answers under several names, and a web server under one.
	h.Set("Content-Security-Policy", strings.ReplaceAll(h.Get("Content-Security-Policy"), "'self' "+site.Scheme+"://"+site.Host, "'self'"))
	// An icon is ASCII, and servers' own tables say nothing of that.
	if filepath.Ext(name) == ".svg" {
		h.Set("Content-Type", strings.TrimSuffix(h.Get("Content-Type"), "; charset=utf-8"))
	}
	return h
}

// has compares the headers that are ours to set.
func (f *fronted) has(what string, got reply, want http.Header) {
	f.Helper()
	for _, name := range []string{"Content-Type", "Vary", "Cache-Control", "Access-Control-Allow-Origin", "Content-Security-Policy", "X-Content-Type-Options"} {
		values := strings.ReplaceAll(strings.Join(got.Header[name], " | "), "Encoding,Accept", "Encoding, Accept")
		if values != want.Get(name) {
			f.Errorf("%s: %s is %q, want %q", what, name, values, want.Get(name))
		}
	}
}

// unchanged asks again for what was got.
func (f *fronted) unchanged(name, accepted string, got reply) {
	f.Helper()
	tag, modified := got.Header.Get("ETag"), got.Header.Get("Last-Modified")
	if tag == "" || modified == "" {
		f.Errorf("%s has ETag %q and Last-Modified %q", name, tag, modified)
		return
	}
	for _, condition := range [][]string{{"If-None-Match: " + tag}, {"If-Modified-Since: " + modified}, {"If-None-Match: " + tag, "If-Modified-Since: " + modified}} {
		again := f.get(name, append(condition, "Accept-Encoding: "+accepted)...)
		if again.StatusCode != http.StatusNotModified || again.body != "" {
			f.Errorf("%s, %q with %q: %s and %d bytes, want 304", name, accepted, condition, again.Status, len(again.body))
		}
		for _, h := range []string{"ETag", "Vary", "Cache-Control"} {
			// A tag is weak within the second in which the file was written, and strong from then on.
			if strings.TrimPrefix(again.Header.Get(h), "W/") != strings.TrimPrefix(got.Header.Get(h), "W/") {
				f.Errorf("%s with %q: %s is %q, and was %q", name, condition, h, again.Header.Get(h), got.Header.Get(h))
			}
		}
	}
}

// refuses looks for what is no visitor's business.
func (f *fronted) refuses() {
	f.Helper()
	for _, path := range []string{"/.linkletter", "/tools/.linkletter", "/.linkletter.lock", "/atom.xml.gz", "/atom.xml.br", "/tools/feed.json.zst",
		"/assets/style.css.gz", "/healthz", "/readyz", "/metrics"} {
		if got := f.get(path); got.StatusCode != http.StatusNotFound {
			f.Errorf("%s: %s, want 404", path, got.Status)
		}
	}
}

// passesOn compares the answers for what is no file with those of the program itself.
func (f *fronted) passesOn() {
	f.Helper()
	where, err := url.Parse(f.base)
	f.must(err)
	statuses := map[int]bool{}
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/nothing", ""}, {"GET", "/nothing/", ""}, {"GET", "/nothing/atom.xml", ""}, {"GET", "/tools", ""}, {"GET", "/tools?a=1&b=2", ""},
		{"GET", "/tools/sections/", ""}, {"GET", "/implements/", ""}, {"GET", "/implements/atom.xml", ""}, {"GET", "/-/subscribe", ""},
		{"GET", "/-/confirm/AAAA", ""}, {"GET", "/-/confirm/A%20B%C3%A9", ""}, {"GET", "/-/nothing", ""}, {"POST", "/-/subscribe", "address=nobody"},
		{"POST", "/atom.xml", ""}, {"DELETE", "/", ""}, {"HEAD", "/nothing", ""},
	} {
		const form = "Content-Type: application/x-www-form-urlencoded"
		got := f.ask(c.method, f.base+c.path, c.body, form)
		want := f.ask(c.method, "http://"+f.program+where.Path+c.path, c.body, form)
		statuses[got.StatusCode] = true
		diff := cmp.Diff(want.body, got.body)
		if want.StatusCode != got.StatusCode || want.Header.Get("Location") != got.Header.Get("Location") || want.Header.Get("Allow") != got.Header.Get("Allow") || diff != "" {
			f.Errorf("%s %s: %s to %q, allowing %q; the program itself: %s to %q, allowing %q (-program +web server):\n%s", c.method, c.path, got.Status, got.Header.Get("Location"),
				got.Header.Get("Allow"), want.Status, want.Header.Get("Location"), want.Header.Get("Allow"), diff)
		}
		f.has(c.method+" "+c.path, got, headerOnly(want.Header, "Content-Type", got))
	}
	for _, status := range []int{200, 301, 404, 405} {
		if !statuses[status] {
			f.Errorf("no answer was %d; there were %v", status, statuses)
		}
	}
	if got := f.ask(http.MethodGet, strings.TrimSuffix(f.base, "/"), ""); where.Path != "" && (got.StatusCode != 301 || !strings.HasSuffix(got.Header.Get("Location"), "/links/")) {
		f.Errorf("%s: %s to %q, want 301 to /links/", f.base, got.Status, got.Header.Get("Location"))
	}
}

// headerOnly is a header in which one field that the web server may add is as it was got.
func headerOnly(h http.Header, name string, got reply) http.Header {
	h = h.Clone()
	if h.Get(name) == "" {
		h[name] = got.Header[name]
	}
	return h
}

// tellsClientsApart signs up from two addresses, of which each may sign one up, whatever they say of themselves.
func (f *fronted) tellsClientsApart() {
	f.Helper()
	for _, c := range []struct{ who, from string }{{"a", "127.0.0.2"}, {"b", "127.0.0.2"}, {"c", "127.0.0.3"}, {"d", "127.0.0.3"}} {
		got := f.ask(http.MethodPost, f.base+"/-/subscribe", "digest=weekly&address="+c.who+"%40example.org", "From: "+c.from,
			"Content-Type: application/x-www-form-urlencoded", "X-Forwarded-For: 192.0.2."+strconv.Itoa(int(c.who[0])))
		if got.StatusCode >= 400 {
			f.Errorf("signing %s up: %s", c.who, got.Status)
		}
	}
	if diff := cmp.Diff([]string{"a@example.org", "c@example.org"}, f.column("SELECT address FROM subscriber ORDER BY address")); diff != "" {
		f.Errorf("of two sign-ups by each of two clients, one each is let through (-want +got):\n%s", diff)
	}
}

// newsboat subscribes to a feed and shows what is in it.
func (f *fronted) newsboat(path string) {
	f.Helper()
	program := f.tool("newsboat")
	home := f.path("newsboat-" + filepath.Base(path))
	f.must(os.MkdirAll(home, 0o755))
	f.must(os.WriteFile(home+"/urls", []byte(f.base+path+"\n"), 0o644))
	f.must(os.WriteFile(home+"/config", []byte("reload-threads 1\nerror-log "+home+"/errors\n"), 0o644))
	var out []byte
	for _, command := range []string{"reload", "print-unread"} {
		ctx, cancel := context.WithTimeout(f.Context(), 30*time.Second)
		cmd := exec.CommandContext(ctx, program, "-u", home+"/urls", "-C", home+"/config", "-c", home+"/cache.db", "-x", command)
		cmd.Env = append(os.Environ(), "HOME="+home)
		var err error
		out, err = cmd.CombinedOutput()
		cancel()
		if err != nil {
			f.Fatalf("newsboat %s: %v\n%s", command, err, out)
		}
	}
	if errors, _ := os.ReadFile(home + "/errors"); string(out) != fmt.Sprintf("%d unread articles\n", frontWindow) || len(errors) > 0 {
		f.Errorf("newsboat says %q of the %d entries in %s\n%s", out, frontWindow, path, errors)
	}
}

// conforms runs the check of how feeds are served, where it stands beside the clone.
func (f *fronted) conforms() {
	f.Helper()
	check, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "tools", "httpcheck.py"))
	f.must(err)
	if _, err := os.Stat(check); err != nil {
		f.Logf("not run: %v", err)
		return
	}
	for _, file := range []string{"/atom.xml", "/tools/rss.xml", "/tools/feed.json"} {
		out, _ := exec.Command(f.tool("python3"), check, f.base+file).CombinedOutput() // its status says no more than its last line
		counts := regexp.MustCompile(`: (\d+) failed, (\d+) wanted\n$`).FindSubmatch(out)
		if counts == nil {
			f.Errorf("the check of %s ended with\n%s", file, out)
			continue
		}
		if failed, _ := strconv.Atoi(string(counts[1])); failed > f.fails || string(counts[2]) != "0" {
			f.Errorf("%s: %s points failed and %s wanted, of which %d may:\n%s", file, counts[1], counts[2], f.fails, out)
		}
	}
}

// With no program behind, the files are there and nothing else.
func TestWebServersAlone(t *testing.T) {
	for _, kind := range fronts {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			f := newFronted(t, kind, false, true)
			for path, want := range map[string]int{"/": 200, "/tools/": 200, "/tools/atom.xml": 200, "/nothing": 404, "/-/subscribe": 404, "/tools/.linkletter": 404} {
				if got := f.get(path); got.StatusCode != want {
					t.Errorf("%s: %s, want %d", path, got.Status, want)
				}
			}
		})
	}
}
