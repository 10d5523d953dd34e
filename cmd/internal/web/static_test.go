package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMediaTypes(t *testing.T) {
	s := newSite(t, nil)
	const browser = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, c := range []struct{ path, accept, want, vary string }{
		{"/", "", "text/html; charset=utf-8", "Accept-Encoding"},
		{"/atom.xml", "", "application/atom+xml; charset=utf-8", "Accept-Encoding, Accept"},
		{"/atom.xml", "Accept: */*", "application/atom+xml; charset=utf-8", "Accept-Encoding, Accept"},
		{"/atom.xml", "Accept: application/atom+xml, text/html;q=0.5", "application/atom+xml; charset=utf-8", "Accept-Encoding, Accept"},
		{"/atom.xml", "Accept: application/atom+xml, application/rss+xml, text/html", "application/atom+xml; charset=utf-8", "Accept-Encoding, Accept"},
		{"/atom.xml", browser, "application/xml; charset=utf-8", "Accept-Encoding, Accept"},
		{"/rss.xml", "", "application/rss+xml; charset=utf-8", "Accept-Encoding, Accept"},
		{"/rss.xml", browser, "application/xml; charset=utf-8", "Accept-Encoding, Accept"},
		{"/feed.json", browser, "application/feed+json", "Accept-Encoding"},
		{"/feeds.opml", "", "text/x-opml; charset=utf-8", ""},
		{"/robots.txt", "", "text/plain; charset=utf-8", ""},
		{"/assets/style.css", "", "text/css; charset=utf-8", "Accept-Encoding"},
		{"/assets/icon.svg", "", "image/svg+xml; charset=utf-8", ""},
		{"/resources/archive/1.xml", "", "application/atom+xml; charset=utf-8", "Accept"},
		{"/resources/archive/1.json", "", "application/feed+json", ""},
		{"/resources/other.xml", "", "application/xml; charset=utf-8", ""},
		{"/resources/numbers.json", "", "application/json", ""},
		{"/resources/empty.txt", "", "text/plain; charset=utf-8", ""},
	} {
		header := []string{}
		if c.accept != "" {
			header = append(header, c.accept)
		}
		a := s.get(t, c.path, header...)
		if got := a.header.Get("Content-Type"); a.status != 200 || got != c.want || a.header.Get("Vary") != c.vary {
			t.Errorf("%s with %q: %d %s, Vary %q; want 200 %s, Vary %q", c.path, c.accept, a.status, got, a.header.Get("Vary"), c.want, c.vary)
		}
		file := strings.TrimPrefix(c.path, "/")
		if file == "" {
			file = "index.html"
		}
		if a.body != publishedFiles[file] {
			t.Errorf("%s: the body is not the file's", c.path)
		}
		if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Etag") == "" || !strings.Contains(a.header.Get("Cache-Control"), "max-age") {
			t.Errorf("%s lacks a header: %v", c.path, a.header)
		}
		isFeed := strings.Contains(c.want, "opml") || strings.Contains(c.path, "feed.json") || strings.Contains(c.path, "/1.") ||
			strings.Contains(c.path, "atom") || strings.Contains(c.path, "rss")
		if got := a.header.Get("Access-Control-Allow-Origin"); (got == "*") != isFeed {
			t.Errorf("%s: Access-Control-Allow-Origin %q", c.path, got)
		}
		if shown := strings.Contains(c.want, "html") || strings.Contains(c.want, "xml"); shown != strings.HasPrefix(a.header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: Content-Security-Policy %q", c.path, a.header.Get("Content-Security-Policy"))
		}
	}
}

func TestEncodings(t *testing.T) {
	s := newSite(t, nil)
	for accept, zipped := range map[string]bool{
		"": false, "gzip": true, "GZip, deflate, br": true, "x-gzip": true, "*": true, "br;q=1, gzip ; Q=0.5": true,
		"gzip;q=0": false, "gzip;q=0, *": false, "*;q=0": false, "identity": false, "br": false, "gzip;q=0.5, identity": false,
		"gzip;q=x": false, "gzip;q=2": false, "identity;q=0.2, gzip;q=0.3": true, ",;,;q=,=": false,
	} {
		a := s.get(t, "/atom.xml", "Accept-Encoding: "+accept)
		if got := a.header.Get("Content-Encoding") == "gzip"; got != zipped {
			t.Errorf("Accept-Encoding %q: gzip %v, want %v", accept, got, zipped)
			continue
		}
		body := a.body
		if zipped {
			if n, _ := strconv.Atoi(a.header.Get("Content-Length")); n != len(body) {
				t.Errorf("Content-Length %d of %d bytes", n, len(body))
			}
			body = unzip(t, body)
		}
		if body != publishedFiles["atom.xml"] {
			t.Errorf("Accept-Encoding %q: the body is not the file's", accept)
		}
	}
	tags := map[string]string{}
	for _, header := range [][]string{{}, {"Accept-Encoding: gzip"}, {"Accept: text/html"}, {"Accept: text/html", "Accept-Encoding: gzip"}} {
		tag := s.get(t, "/atom.xml", header...).header.Get("Etag")
		if other, ok := tags[tag]; ok || !strings.HasPrefix(tag, `"`) {
			t.Errorf("%v has the ETag %s of %s", header, tag, other)
		}
		tags[tag] = strings.Join(header, ", ")
	}
}

func unzip(t *testing.T, body string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestConditionalRequests(t *testing.T) {
	s := newSite(t, nil)
	plain := s.get(t, "/atom.xml")
	tag, modified := plain.header.Get("Etag"), plain.header.Get("Last-Modified")
	zipped := s.get(t, "/atom.xml", "Accept-Encoding: gzip").header.Get("Etag")
	at, err := http.ParseTime(modified)
	if err != nil {
		t.Fatal(err)
	}
	day := func(d time.Duration) string { return at.Add(d).Format(http.TimeFormat) }
	for _, c := range []struct {
		name   string
		header []string
		want   int
	}{
		{"exact", []string{"If-None-Match: " + tag}, 304},
		{"weak", []string{"If-None-Match: W/" + tag}, 304},
		{"in a list", []string{`If-None-Match: "a", "b,c" ,` + tag}, 304},
		{"anything", []string{"If-None-Match: *"}, 304},
		{"on a second line", []string{`If-None-Match: "a"`, "If-None-Match: " + tag}, 304},
		{"another", []string{`If-None-Match: "a"`}, 200},
		{"unquoted", []string{"If-None-Match: " + strings.Trim(tag, `"`)}, 200},
		{"the gzip variant's for the plain one", []string{"If-None-Match: " + zipped}, 200},
		{"the gzip variant's", []string{"If-None-Match: " + zipped, "Accept-Encoding: gzip"}, 304},
		{"the plain one's for gzip", []string{"If-None-Match: " + tag, "Accept-Encoding: gzip"}, 200},
		{"same time", []string{"If-Modified-Since: " + modified}, 304},
		{"a second later", []string{"If-Modified-Since: " + day(time.Second)}, 304},
		{"a second earlier", []string{"If-Modified-Since: " + day(-time.Second)}, 200},
		{"no time", []string{"If-Modified-Since: yesterday"}, 200},
		{"another tag beats the same time", []string{`If-None-Match: "a"`, "If-Modified-Since: " + modified}, 200},
		{"the tag beats an earlier time", []string{"If-None-Match: " + tag, "If-Modified-Since: " + day(-time.Hour)}, 304},
		{"a range", []string{"Range: bytes=0-9"}, 206},
		{"a range of what is meant", []string{"Range: bytes=0-9", "If-Range: " + tag}, 206},
		{"a range of what was", []string{"Range: bytes=0-9", `If-Range: "a"`}, 200},
		{"a range past the end", []string{"Range: bytes=1000000-"}, 416},
		{"a precondition", []string{"If-Match: " + tag}, 200},
		{"a wrong precondition for gzip", []string{`If-Match: "a"`, "Accept-Encoding: gzip"}, 412},
		{"a wrong precondition", []string{`If-Match: "a"`}, 412},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := s.ask(t, method, "/atom.xml", nil, c.header...)
			want := c.want
			if method == http.MethodHead && (want == 206 || want == 416) {
				want = 200 // ranges are for GET
			}
			if a.status != want {
				t.Errorf("%s %s: %d, want %d", method, c.name, a.status, want)
			}
			if (method == http.MethodHead || c.want == 304) && a.body != "" {
				t.Errorf("%s %s has a body", method, c.name)
			}
			if c.want == 206 && method == http.MethodGet && a.body != publishedFiles["atom.xml"][:10] {
				t.Errorf("%s: %q", c.name, a.body)
			}
			if c.want != 304 {
				continue
			}
			full := s.get(t, "/atom.xml", c.header[1:]...) // what the client would have got without its condition
			for _, name := range []string{"Etag", "Vary", "Cache-Control", "Access-Control-Allow-Origin"} {
				if got, want := a.header.Get(name), full.header.Get(name); got != want && len(c.header) < 3 {
					t.Errorf("%s %s: %s is %q, with 200 it is %q", method, c.name, name, got, want)
				}
			}
			if a.header.Get("Date") == "" || a.header.Get("Content-Encoding") != "" {
				t.Errorf("%s %s: %v", method, c.name, a.header)
			}
		}
	}
	head := s.ask(t, http.MethodHead, "/atom.xml", nil)
	plain.header.Del("Date")
	head.header.Del("Date")
	if diff := cmp.Diff(plain.header, head.header); diff != "" {
		t.Errorf("HEAD differs from GET (-get +head)\n%s", diff)
	}
}

func TestPaths(t *testing.T) {
	s := newSite(t, func(s *site) {
		outside := filepath.Join(filepath.Dir(s.Public), "outside.txt")
		write(t, outside, "secret", time.Now())
		for link, to := range map[string]string{
			"escape.txt": outside, "up.txt": "../outside.txt", "dir": filepath.Dir(s.Public), "loop": "loop", "inside.txt": "robots.txt",
		} {
			if err := os.Symlink(to, filepath.Join(s.Public, link)); err != nil {
				t.Fatal(err)
			}
		}
	})
	for path, want := range map[string]int{
		"/":              200,
		"/index.html":    200,
		"/inside.txt":    200,
		"/resources/":    200,
		"/resources":     301,
		"/resources?x=y": 301,
		"/resources/a%20name%20&%20a%20%C3%9Cn%C3%AFcode/": 200,
		"/nothing":                             404,
		"/assets/":                             404,
		"/atom.xml/":                           404,
		"/atom.xml/x":                          404,
		"/.hidden":                             404,
		"/resources/.git/config":               404,
		"/resources/.git/":                     404,
		"/escape.txt":                          404,
		"/up.txt":                              404,
		"/dir/outside.txt":                     404,
		"/loop":                                404,
		"/../outside.txt":                      404,
		"/%2e%2e/outside.txt":                  404,
		"/resources/..%2f..%2foutside.txt":     404,
		"/resources/../atom.xml":               404,
		"/..%5coutside.txt":                    404,
		"//evil.example/..":                    404,
		"//resources":                          404,
		"/resources//index.html":               404,
		"/atom.xml%00":                         404,
		"/" + strings.Repeat("a", 300):         404,
		"/" + strings.Repeat("a/", 3000) + "b": 404,
		"/{{.}}'\"><script>":                   404,
	} {
		a := raw(t, s, path)
		if a.status != want || strings.Contains(a.body, "secret") {
			t.Errorf("%.60s: %v, want %d", path, a, want)
		}
		if want == 404 && (!strings.Contains(a.body, "<h1>Not found</h1>") || strings.Contains(a.body, "<script>")) {
			t.Errorf("%.60s: %s is not the page for what is not there", path, a.body)
		}
		if want == 301 && !strings.HasPrefix(a.header.Get("Location"), "/resources/") {
			t.Errorf("%.60s leads to %s", path, a.header.Get("Location"))
		}
	}
	for _, path := range []string{"/atom.xml", "/", "/resources", "/nothing"} {
		for method, want := range map[string]int{"POST": 405, "PUT": 405, "DELETE": 405, "PATCH": 405, "OPTIONS": 204} {
			if a := s.ask(t, method, path, nil); a.status != want || a.header.Get("Allow") != "GET, HEAD, OPTIONS" {
				t.Errorf("%s %s: %v, want %d with Allow", method, path, a, want)
			}
		}
	}
}

// raw asks for a path that a tidy client would not send.
func raw(t *testing.T, s *site, path string) answer {
	t.Helper()
	host := strings.TrimPrefix(s.url, "http://")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Opaque = "http://" + host + strings.NewReplacer(`"`, "%22", "<", "%3C", ">", "%3E").Replace(path)
	return do(t, r)
}

func TestPublishedAnew(t *testing.T) {
	s := newSite(t, nil)
	before := s.get(t, "/atom.xml")
	file := filepath.Join(s.Public, "atom.xml")
	write(t, file, atomHead+"</feed>", time.Now())
	time.Sleep(lookAgain)
	after := s.get(t, "/atom.xml", "If-None-Match: "+before.header.Get("Etag"))
	if after.status != 200 || after.body != atomHead+"</feed>" || after.header.Get("Etag") == before.header.Get("Etag") {
		t.Errorf("after it was published anew: %v", after)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	time.Sleep(lookAgain)
	if a := s.get(t, "/atom.xml"); a.status != 404 {
		t.Errorf("after it was removed: %v", a)
	}
	// The whole tree goes away, and comes back under the same name.
	if err := os.RemoveAll(s.Public); err != nil {
		t.Fatal(err)
	}
	if a := s.get(t, "/rss.xml"); a.status != 404 {
		t.Errorf("without a tree: %v", a)
	}
	write(t, file, "<feed/>", time.Now())
	if a := s.get(t, "/atom.xml"); a.status != 200 || a.body != "<feed/>" {
		t.Errorf("after the tree was written anew: %v", a)
	}
	// A file from the future has no time yet.
	write(t, file, atomHead+"</feed>", time.Now().Add(time.Hour))
	time.Sleep(lookAgain)
	if a := s.get(t, "/atom.xml"); a.status != 200 || a.header.Get("Last-Modified") != "" {
		t.Errorf("with a time in the future: %v", a)
	}
}

func TestTreeThatComesLater(t *testing.T) {
	s := newSite(t, func(s *site) { s.Public = filepath.Join(s.Public, "later") })
	if a := s.get(t, "/atom.xml"); a.status != 404 {
		t.Errorf("before the tree is there: %v", a)
	}
	write(t, filepath.Join(s.Public, "atom.xml"), atomHead+"</feed>", time.Now())
	if a := s.get(t, "/atom.xml"); a.status != 200 {
		t.Errorf("when the tree is there: %v", a)
	}
}

func TestLargeFile(t *testing.T) {
	s := newSite(t, nil)
	text := strings.Repeat("0123456789abcdef", maxKept/16) + "end"
	write(t, filepath.Join(s.Public, "large.txt"), text, time.Now().Add(-time.Hour))
	a := s.get(t, "/large.txt", "Accept-Encoding: gzip")
	if a.status != 200 || a.body != text || a.header.Get("Etag") == "" {
		t.Errorf("%d, %d bytes, %v", a.status, len(a.body), a.header)
	}
	if again := s.get(t, "/large.txt", "If-None-Match: "+a.header.Get("Etag")); again.status != 304 {
		t.Errorf("asked again: %d", again.status)
	}
	if part := s.get(t, "/large.txt", "Range: bytes=-3"); part.body != "end" {
		t.Errorf("its end is %q", part.body)
	}
}

func TestCacheIsBounded(t *testing.T) {
	s := newSite(t, nil)
	dir := filepath.Join(s.Public, "many")
	text := strings.Repeat("x", maxKept-16)
	for i := range maxCached/maxKept + 3 {
		write(t, filepath.Join(dir, strconv.Itoa(i)+".bin"), text, time.Now())
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	c, h := newCache(), s.Handler().(*handler)
	for range 2 {
		for i := range maxCached/maxKept + 3 {
			file := strconv.Itoa(i) + ".bin"
			info, err := root.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.get(file, info, time.Now(), func(d *document) error { return h.load(d, root, file, time.Now()) }); err != nil {
				t.Fatal(err)
			}
			if c.size > maxCached || c.order.Len() != len(c.files) {
				t.Fatalf("%d bytes of %d, %d files, %d in order", c.size, maxCached, len(c.files), c.order.Len())
			}
		}
	}
	if n := len(c.files); n < maxCached/maxKept-1 {
		t.Errorf("only %d documents are held", n)
	}
}

func TestPathOfTheBaseAddress(t *testing.T) {
	s := newSite(t, func(s *site) { s.Site.Base = "https://lists.example/news" })
	for path, want := range map[string]int{
		"/news/": 200, "/news/atom.xml": 200, "/news": 301, "/news/resources": 301, "/news/-/subscribe": 200,
		"/": 404, "/atom.xml": 404, "/newsletter": 404, "/newsatom.xml": 404, "/-/subscribe": 404, "/healthz": 200, "/news/healthz": 200,
	} {
		a := s.get(t, path)
		if a.status != want {
			t.Errorf("%s: %v, want %d", path, a, want)
		}
		if to := a.header.Get("Location"); want == 301 && to != path+"/" {
			t.Errorf("%s leads to %s", path, to)
		}
	}
	if a := s.get(t, "/news/-/subscribe"); !strings.Contains(a.body, `action="/news/-/subscribe"`) {
		t.Errorf("the form goes elsewhere: %s", a.body)
	}
	if got := s.get(t, "/news/").header.Get("Content-Security-Policy"); !strings.Contains(got, "style-src 'self' https://lists.example;") {
		t.Errorf("the policy %q does not let the site's own style sheet through", got)
	}
}
