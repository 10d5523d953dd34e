package web

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"linkletter/feed"
)

// The conformance checker is not part of this repository. It finds nothing wrong with any feed, and misses nothing.
func TestHTTPCheck(t *testing.T) {
	checker := filepath.Join("..", "..", "..", "..", "shared", "tools", "httpcheck.py")
	if _, err := os.Stat(checker); err != nil {
		t.Skip("the conformance checker is not on this machine")
	}
	python := need(t, "python3")
	n := newNews(t, func(s *site) { s.Hub = "https://hub.example.org/" })
	n.publish(t, newsFeed(nil, numbers(1, 20)...))
	files := append([]string{"resources/archive/1.xml", "resources/sections/saws/rss.xml", "resources/changes.xml"}, feedFiles...)
	for _, file := range files {
		from := map[string]string{".json": feed.JSONFile, ".xml": feed.AtomFile}[filepath.Ext(file)]
		if filepath.Base(file) == feed.RSSFile {
			from = feed.RSSFile
		}
		text, err := os.ReadFile(filepath.Join(n.Public, from))
		if err != nil {
			t.Fatal(err)
		}
		if file == "resources/changes.xml" {
			write(t, filepath.Join(n.Public, file), string(text), n.published) // without sidecars
		} else {
			publishFile(t, filepath.Join(n.Public, file), string(text), n.published)
		}
	}
	n.clock.Add(int64(lookAgain))
	for _, file := range files {
		out, err := exec.CommandContext(t.Context(), python, checker, n.url+"/"+file).CombinedOutput()
		if err != nil || !strings.Contains(string(out), ": 0 failed, 0 wanted") {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}

func TestLinks(t *testing.T) {
	for hub, want := range map[string]string{"": "", "https://hub.example.org/?a=b": `<https://hub.example.org/?a=b>; rel="hub"|`} {
		s := newSite(t, func(s *site) {
			s.Hub = hub
			s.Site.Base = "https://lists.example/news"
		})
		write(t, filepath.Join(s.Public, "a list", "säge.xml"), publishedFiles["atom.xml"], s.Now())
		for path, self := range map[string]string{
			"/atom.xml": "/atom.xml", "/rss.xml": "/rss.xml", "/feed.json": "/feed.json", "/resources/archive/1.xml": "/resources/archive/1.xml",
			"/a%20list/s%C3%A4ge.xml?x=y": "/a%20list/s%C3%A4ge.xml",
		} {
			want := want + `<https://lists.example/news` + self + `>; rel="self"`
			tag := s.get(t, "/news"+path).header.Get("Etag")
			for _, a := range []answer{
				s.get(t, "/news"+path), s.get(t, "/news"+path, "Accept: text/html"), s.get(t, "/news"+path, "If-None-Match: "+tag),
				s.get(t, "/news"+path, "If-None-Match: *"), s.ask(t, http.MethodHead, "/news"+path, nil),
			} {
				if got := strings.Join(a.header.Values("Link"), "|"); got != want {
					t.Errorf("%s, hub %q: %d with Link %s, want %s", path, hub, a.status, got, want)
				}
			}
		}
		for _, path := range []string{"/", "/feeds.opml", "/resources/other.xml", "/nothing.xml"} {
			if a := s.get(t, "/news"+path); a.header.Get("Link") != "" {
				t.Errorf("%s: Link %s", path, a.header.Get("Link"))
			}
		}
	}
}

// A feed reader that is a web page may ask for a feed conditionally, from any site.
func TestPreflight(t *testing.T) {
	s := newSite(t, nil)
	for path, wanted := range map[string]bool{
		"/atom.xml": true, "/rss.xml": true, "/feed.json": true, "/feeds.opml": true, "/": false, "/assets/style.css": false, "/nothing": false,
		"/-/subscribe": false,
	} {
		a := s.ask(t, http.MethodOptions, path, nil, "Origin: https://reader.example", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: if-none-match,a-im")
		if a.status != 204 || a.body != "" || !strings.Contains(a.header.Get("Allow"), "OPTIONS") {
			t.Errorf("%s: %v", path, a)
		}
		if got := a.header.Get("Access-Control-Allow-Origin") == "*"; got != wanted {
			t.Errorf("%s: allowed %v, want %v", path, got, wanted)
		}
		if !wanted {
			continue
		}
		allowed := strings.Split(strings.ToLower(a.header.Get("Access-Control-Allow-Headers")), ", ")
		for _, name := range []string{"a-im", "if-none-match", "if-modified-since"} {
			if !slices.Contains(allowed, name) {
				t.Errorf("%s: %s is not among %q", path, name, allowed)
			}
		}
		if got := a.header.Get("Access-Control-Allow-Methods"); got != "GET, HEAD" {
			t.Errorf("%s: methods %q", path, got)
		}
		exposed := strings.Split(s.get(t, path).header.Get("Access-Control-Expose-Headers"), ", ")
		for _, name := range []string{"ETag", "Link", "IM"} {
			if !slices.Contains(exposed, name) {
				t.Errorf("%s: %s is not exposed by %q", path, name, exposed)
			}
		}
	}
}
