package source_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"linkletter/cmd/internal/source"
)

// world is a server that stands for all hosts there are.
type world struct {
	files map[string]string // by host and path
	asked []string          // method and address, and whether it was conditional
	token string            // where set, what the header X-Token must hold
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	at := r.Host + r.URL.Path
	if r.Header.Get("If-None-Match") != "" {
		at += " conditionally"
	}
	w.asked = append(w.asked, at)
	text, ok := w.files[r.Host+r.URL.Path]
	if !ok || w.token != r.Header.Get("X-Token") {
		http.NotFound(rw, r)
		return
	}
	tag := fmt.Sprintf("%q", strings.Fields(text)[0])
	rw.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		rw.WriteHeader(http.StatusNotModified)
		return
	}
	fmt.Fprint(rw, text)
}

// newWorld gives a Source that reaches nothing else.
func newWorld(t testing.TB, files map[string]string) (*world, *impatient) {
	t.Helper()
	w := &world{files: files}
	server := httptest.NewTLSServer(w)
	t.Cleanup(server.Close)
	s := newImpatient()
	s.Transport = source.NewTransport()
	s.Transport.DialContext = dialAll(server.Listener.Addr().String())
	trust := server.Client().Transport.(*http.Transport).TLSClientConfig
	s.Transport.TLSClientConfig = &tls.Config{RootCAs: trust.RootCAs, ServerName: "example.com"} // the name in its certificate
	return w, s
}

// TestForgesAreAskedForTheRawFile fetches what people paste, and learns the name of a README once.
func TestForgesAreAskedForTheRawFile(t *testing.T) {
	w, s := newWorld(t, map[string]string{
		"raw.githubusercontent.com/o/r/HEAD/readme.md":     "github",
		"gitlab.com/g/sub/p/-/raw/HEAD/README.md":          "gitlab",
		"codeberg.org/o/r/raw/branch/main/docs":            "a file without an ending",
		"bitbucket.org/w/r/raw/main/list.md":               "bitbucket",
		"gist.githubusercontent.com/u/0123456789/raw":      "gist",
		"git.example.org/o/r/raw/branch/main/lists/all.md": "gitea",
	})
	for _, c := range []struct{ pasted, text, page string }{
		{"https://github.com/o/r#readme", "github", "https://github.com/o/r/blob/HEAD/readme.md"},
		{"https://gitlab.com/g/sub/p", "gitlab", "https://gitlab.com/g/sub/p/-/blob/HEAD/README.md"},
		{"https://codeberg.org/o/r/src/branch/main/docs", "a file without an ending", "https://codeberg.org/o/r/src/branch/main/docs"},
		{"https://bitbucket.org/w/r/src/main/list.md", "bitbucket", "https://bitbucket.org/w/r/src/main/list.md"},
		{"https://gist.github.com/u/0123456789", "gist", "https://gist.github.com/u/0123456789"},
		{"https://git.example.org/o/r/src/branch/main/lists/all.md", "gitea", "https://git.example.org/o/r/src/branch/main/lists/all.md"},
	} {
		got := fetch(t, s.Source, c.pasted, "")
		if string(got.Bytes) != c.text || got.Page.String() != c.page || got.MovedTo != "" {
			t.Errorf("%s: %q, page %s, moved to %q", c.pasted, got.Bytes, got.Page, got.MovedTo)
		}
		w.asked = nil
		if again := fetch(t, s.Source, c.pasted, got.Validators); !again.Unchanged || again.Page.String() != c.page || len(w.asked) != 1 || !strings.HasSuffix(w.asked[0], " conditionally") {
			t.Errorf("%s, later: %+v, asked %q", c.pasted, again, w.asked)
		}
	}
}

// TestReadmeThatIsRenamed: where the README of the last time is gone, the other names are tried again.
func TestReadmeThatIsRenamed(t *testing.T) {
	const base = "raw.githubusercontent.com/o/r/HEAD/"
	w, s := newWorld(t, map[string]string{base + "README.markdown": "one"})
	first := fetch(t, s.Source, "https://github.com/o/r", "")
	w.files, w.asked = map[string]string{base + "readme.md": "one"}, nil
	second := fetch(t, s.Source, "https://github.com/o/r", first.Validators)
	if string(second.Bytes) != "one" || w.asked[0] != base+"README.markdown conditionally" || slices.Contains(w.asked, base+"readme.md conditionally") {
		t.Errorf("%q, asked %q", second.Bytes, w.asked)
	}
	if third := fetch(t, s.Source, "https://github.com/o/r", second.Validators); !third.Unchanged {
		t.Errorf("the new name was not remembered: %+v", third)
	}
	w.files = nil
	_, err := s.Fetch(context.Background(), source.Locate("https://github.com/o/r"), second.Validators)
	if err == nil || !strings.Contains(err.Error(), "fetching https://raw.githubusercontent.com/o/r/HEAD/readme.md: there is nothing there (404)") || !strings.Contains(err.Error(), "usual names of a README") {
		t.Errorf("no README at all: %v", err)
	}
}

// A header for a forge goes to its host for raw files, as the address names the repository and not the host.
func TestForgeGetsTheHeader(t *testing.T) {
	w, s := newWorld(t, map[string]string{"raw.githubusercontent.com/o/private/HEAD/README.md": "one"})
	w.token = "secret"
	at := source.Location{URL: "https://github.com/o/private", Header: http.Header{"X-Token": {"secret"}}}
	if got, err := s.Fetch(context.Background(), at, ""); err != nil || string(got.Bytes) != "one" {
		t.Errorf("%+v, %v", got, err)
	}
	at.Header = nil
	if _, err := s.Fetch(context.Background(), at, ""); err == nil || !strings.Contains(err.Error(), "access token") {
		t.Errorf("without: %v", err)
	}
}

// TestManyHosts: what is remembered of hosts has an end.
func TestManyHosts(t *testing.T) {
	s := newImpatient()
	s.Transport = source.NewTransport()
	s.Transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no network", IsNotFound: true}
	}
	for i := range 5000 {
		if _, err := s.Fetch(context.Background(), source.Locate(fmt.Sprintf("http://h%d.example.org/", i)), ""); err == nil || !strings.Contains(err.Error(), "there is no host") {
			t.Fatal(err)
		}
	}
	if n := s.Hosts(); n > 4096 || n < 100 {
		t.Errorf("%d hosts are remembered", n)
	}
}

// BenchmarkUnchanged is one conditional fetch of a list that did not change, from a server on this machine; "bare" is the
// same request without all that Source does.
func BenchmarkUnchanged(b *testing.B) {
	address, _ := serve(b, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, markdown)
	})
	s := &source.Source{HostRate: 1e9}
	first := fetch(b, s, address, "")
	b.Run("fetch", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !fetch(b, s, address, first.Validators).Unchanged {
				b.Fatal("it changed")
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		tr := source.NewTransport()
		for b.Loop() {
			req, err := http.NewRequest(http.MethodGet, address, nil)
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("If-None-Match", `"1"`)
			res, err := tr.RoundTrip(req)
			if err != nil {
				b.Fatal(err)
			}
			res.Body.Close()
		}
	})
}
