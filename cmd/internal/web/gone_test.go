package web

import (
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// exec changes the database behind the store's back.
func (s *site) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(filepath.Dir(s.Public), "linkletter.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// withEndedLists is a site that knows more lists than are in its configuration.
func withEndedLists(t *testing.T) *site {
	s := newSite(t, func(s *site) {
		s.Lists = []string{"resources", "new"}
		s.Formerly = map[string]string{"old": "new", "older": "new"}
		for _, file := range []string{"own/notes.txt", "left/index.html", "left/atom.xml", "emptied/notes.txt"} {
			write(t, filepath.Join(s.Public, filepath.FromSlash(file)), "a file", time.Now())
		}
	})
	for _, id := range []string{"resources", "new", "old", "left", "emptied", "ended", "un.usual-1"} {
		s.exec(t, `INSERT INTO list (id, began) VALUES (?, 1)`, id)
	}
	s.exec(t, `INSERT INTO list (id) VALUES ('never')`)
	return s
}

func TestListsThatAreGone(t *testing.T) {
	s := withEndedLists(t)
	for path, want := range map[string]int{
		"/ended":                     410,
		"/ended/":                    410,
		"/ended/atom.xml":            410,
		"/ended/sections/x/rss.xml":  410,
		"/ended/archive/1.xml?a=b":   410,
		"/un.usual-1/feed.json":      410,
		"/emptied/atom.xml":          410,
		"/emptied/notes.txt":         200, // not ours, and there
		"/left/atom.xml":             200, // not in the configuration, but still published
		"/left/rss.xml":              404,
		"/never/atom.xml":            404, // never checked
		"/unknown/atom.xml":          404,
		"/own/atom.xml":              404,
		"/own/notes.txt":             200,
		"/resources/nothing.xml":     404,
		"/new/atom.xml":              404, // about to be published
		"/.hidden/atom.xml":          404,
		"/assets/atom.xml":           404,
		"//ended/atom.xml":           404,
		"/ended/../atom.xml":         410, // below a list that has ended, whatever it means
		"/End%65d/atom.xml":          404,
		"/%65nded/atom.xml":          410,
		"/old/atom.xml":              301,
		"/' OR 1=1 --/atom.xml":      404,
		"/digests/weekly/1/atom.xml": 404,
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := s.ask(t, method, strings.ReplaceAll(path, " ", "%20"), nil)
			if a.status != want {
				t.Errorf("%s %s: %v, want %d", method, path, a, want)
			}
			if page := method == http.MethodGet && want == 410; page != strings.Contains(a.body, "This list is no longer followed") {
				t.Errorf("%s %s says %s", method, path, a.body)
			}
			if want == 410 && a.header.Get("Cache-Control") != "no-cache" {
				t.Errorf("%s: %v: a mistake could not be mended", path, a)
			}
		}
	}
	if a := s.ask(t, http.MethodPost, "/ended/atom.xml", nil); a.status != 405 {
		t.Errorf("POST: %v", a)
	}
}

// Nobody is sent away for good from a list that comes back into the tree, nor when the store cannot say.
func TestListsThatMayNotBeGone(t *testing.T) {
	s := withEndedLists(t)
	if a := s.get(t, "/ended/atom.xml"); a.status != 410 {
		t.Errorf("at first: %v", a)
	}
	write(t, filepath.Join(s.Public, "ended", "index.html"), "a page", time.Now())
	if a := s.get(t, "/ended/atom.xml"); a.status != 404 {
		t.Errorf("while it is being published: %v", a)
	}
	if err := os.RemoveAll(filepath.Join(s.Public, "ended")); err != nil {
		t.Fatal(err)
	}
	s.Store.Close()
	if a := s.get(t, "/ended/atom.xml"); a.status != 404 {
		t.Errorf("without a store: %v", a)
	}
}

// Who does not know which lists there are takes none for gone.
func TestNothingIsGoneWithoutAConfiguration(t *testing.T) {
	s := newSite(t, nil)
	s.exec(t, `INSERT INTO list (id, began) VALUES ('ended', 1)`)
	if a := s.get(t, "/ended/atom.xml"); a.status != 404 {
		t.Errorf("%v, want 404", a)
	}
}

func TestListsThatWereRenamed(t *testing.T) {
	for base, prefix := range map[string]string{"http://localhost:8080": "", "https://lists.example/news": "/news"} {
		s := newSite(t, func(s *site) {
			s.Site.Base = base
			s.Lists = []string{"resources"}
			s.Formerly = map[string]string{"old": "resources", "older": "resources"}
			write(t, filepath.Join(s.Public, "old", "atom.xml"), "left over", time.Now())
		})
		for path, want := range map[string]string{
			"/old":                            "/resources/",
			"/old/":                           "/resources/",
			"/older/":                         "/resources/",
			"/old?a=b&c":                      "/resources/?a=b&c",
			"/old/atom.xml":                   "/resources/atom.xml",
			"/old/feed.json?a=%2F":            "/resources/feed.json?a=%2F",
			"/old/sections/s%C3%A4gen/":       "/resources/sections/s%C3%A4gen/",
			"/old/archive/1.xml":              "/resources/archive/1.xml",
			"/old//evil.example/":             "/resources//evil.example/",
			"/old/%0d%0aSet-Cookie:%20a=b":    "/resources/%0D%0ASet-Cookie:%20a=b",
			"/old/https://evil.example/?x=//": "/resources/https://evil.example/?x=//",
		} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				a := s.ask(t, method, prefix+path, nil)
				if got := a.header.Get("Location"); a.status != 301 || got != prefix+want {
					t.Errorf("%s %s%s: %d to %q, want 301 to %q", method, prefix, path, a.status, got, prefix+want)
				}
				if a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Cache-Control") == "" {
					t.Errorf("%s %s%s: %v", method, prefix, path, a)
				}
			}
		}
		for _, path := range []string{"/older.xml", "/oldest/", "/x/old/", "/-/old"} {
			if a := s.get(t, prefix+path); a.status != 404 {
				t.Errorf("%s%s: %v, want 404", prefix, path, a)
			}
		}
		if a := s.ask(t, http.MethodPost, prefix+"/old/atom.xml", nil); a.status != 405 || a.header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("POST: %v", a)
		}
		// A feed reader gets there.
		if a := s.get(t, strings.TrimPrefix(s.get(t, prefix+"/old/archive/1.xml").header.Get("Location"), s.url)); a.status != 200 || a.body != publishedFiles["resources/archive/1.xml"] {
			t.Errorf("the archive under the new address: %v", a)
		}
	}
}
