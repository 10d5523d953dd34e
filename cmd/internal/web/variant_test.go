package web

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// coded compresses as the publisher does, but so that it can be told from what the server makes itself.
func coded(t testing.TB, c coding, text string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch c {
	case codingBrotli:
		w = brotli.NewWriterLevel(&b, 5)
	case codingZstd:
		w, err = zstd.NewWriter(&b)
	case codingGzip:
		z := gzip.NewWriter(&b)
		z.Comment = "from the tree"
		w = z
	}
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// decoded undoes what the header says was done to a body.
func decoded(t testing.TB, a answer) string {
	t.Helper()
	var r io.Reader = strings.NewReader(a.body)
	var err error
	switch a.header.Get("Content-Encoding") {
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	case "gzip":
		r, err = gzip.NewReader(r)
	}
	if err != nil {
		t.Fatalf("%v: %v", a, err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%v: %v", a, err)
	}
	return string(b)
}

// publishFile writes a file with all its sidecars.
func publishFile(t testing.TB, file, text string, modified time.Time) {
	t.Helper()
	for c := identity + 1; c < codingCount; c++ {
		write(t, file+codings[c].Ext, coded(t, c, text), modified)
	}
	write(t, file, text, modified)
}

func TestSidecars(t *testing.T) {
	s := newSite(t, nil)
	text := publishedFiles["atom.xml"]
	publishFile(t, filepath.Join(s.Public, "atom.xml"), text, time.Now().Add(-time.Hour))
	for accept, want := range map[string]string{
		"":                                 "",
		"br":                               "br",
		"zstd":                             "zstd",
		"gzip":                             "gzip",
		"gzip, deflate, br":                "br",
		"zstd, gzip":                       "zstd",
		"gzip, zstd, br":                   "br",
		"X-GZIP":                           "gzip",
		"*":                                "br",
		"br;q=0, *":                        "zstd",
		"br;q=0, zstd;q=0, *":              "gzip",
		"*;q=0.5, gzip":                    "gzip",
		"*;q=0":                            "",
		"*;q=0, zstd;q=0.1":                "zstd",
		"gzip;q=1.0, br;q=0.9":             "gzip",
		"gzip;q=0.8, zstd;q=0.9, br;q=0.7": "zstd",
		"br;q=0.5, identity":               "",
		"br;q=0.5, identity;q=0.5":         "br",
		"identity;q=0":                     "",
		"identity;q=0, deflate":            "",
		"*;q=0, identity;q=0":              "",
		"br;q=0.001":                       "br",
		"br;q=0.0":                         "",
		"compress, deflate":                "",
		"br;level=3;q=0, gzip;foo=bar":     "gzip",
	} {
		a := s.get(t, "/atom.xml", "Accept-Encoding: "+accept)
		if got := a.header.Get("Content-Encoding"); a.status != 200 || got != want {
			t.Errorf("Accept-Encoding %q: %d, %q, want %q", accept, a.status, got, want)
		}
		if decoded(t, a) != text {
			t.Errorf("Accept-Encoding %q: the body is not the file's", accept)
		}
		for c := range codings {
			if want == codings[c].Name && a.body != coded(t, coding(c), text) {
				t.Errorf("Accept-Encoding %q: these are not the sidecar's bytes", accept)
			}
		}
	}
	if a := s.ask(t, http.MethodGet, "/atom.xml", nil, "Accept-Encoding: gzip;q=0.5", "Accept-Encoding: br"); a.header.Get("Content-Encoding") != "br" {
		t.Errorf("on two lines: %v", a)
	}
}

// Every coding has an ETag of its own, and all answers about it tell caches the same.
func TestVariantsTellTheSame(t *testing.T) {
	s := newSite(t, nil)
	publishFile(t, filepath.Join(s.Public, "atom.xml"), publishedFiles["atom.xml"], time.Now().Add(-time.Hour))
	plain := s.get(t, "/atom.xml")
	content := strings.Trim(plain.header.Get("Etag"), `"`)
	for coding, suffix := range map[string]string{"identity": "", "br": "-br", "zstd": "-zst", "gzip": "-gz"} {
		for accept, page := range map[string]string{"*/*": "", "text/html": "-page"} {
			header := []string{"Accept-Encoding: " + coding, "Accept: " + accept}
			a := s.get(t, "/atom.xml", header...)
			tag := `"` + content + page + suffix + `"`
			if a.header.Get("Etag") != tag {
				t.Errorf("%v: the ETag is %s, want %s", header, a.header.Get("Etag"), tag)
			}
			head := s.ask(t, http.MethodHead, "/atom.xml", nil, header...)
			same := s.get(t, "/atom.xml", append(header, "If-None-Match: "+tag)...)
			part := s.get(t, "/atom.xml", append(header, "Range: bytes=5-9", "If-Range: "+tag)...)
			other := s.get(t, "/atom.xml", append(header, "Range: bytes=5-9", `If-Range: "`+content+`-other"`)...)
			if head.status != 200 || same.status != 304 || part.status != 206 || other.status != 200 {
				t.Errorf("%v: HEAD %d, same %d, part %d, part of another %d; want 200, 304, 206, 200", header, head.status, same.status, part.status, other.status)
			}
			if part.body != a.body[5:10] || other.body != a.body {
				t.Errorf("%v: the part is %q, the whole after another tag is right: %v", header, part.body, other.body == a.body)
			}
			for _, name := range []string{"Vary", "Cache-Control", "Etag", "Link", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers"} {
				for what, other := range map[string]answer{"HEAD": head, "304": same, "206": part} {
					if got, want := other.header.Values(name), a.header.Values(name); strings.Join(got, "|") != strings.Join(want, "|") || len(want) == 0 {
						t.Errorf("%v: %s has %s %q, 200 has %q", header, what, name, got, want)
					}
				}
			}
			if got, want := a.header.Get("Vary"), plain.header.Get("Vary"); got != want || want != "Accept-Encoding, Accept" {
				t.Errorf("%v: Vary %q, the plain one has %q", header, got, want)
			}
		}
	}
}

func TestSeveralRanges(t *testing.T) {
	s := newSite(t, nil)
	text := publishedFiles["atom.xml"]
	for _, accept := range []string{"identity", "gzip"} {
		whole := s.get(t, "/atom.xml", "Accept-Encoding: "+accept)
		a := s.get(t, "/atom.xml", "Accept-Encoding: "+accept, "Range: bytes=0-4,10-14,-5")
		if n, _ := strconv.Atoi(a.header.Get("Content-Length")); a.status != 206 || n != len(a.body) {
			t.Fatalf("%s: %v", accept, a)
		}
		_, params, err := mime.ParseMediaType(a.header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		for r := multipart.NewReader(strings.NewReader(a.body), params["boundary"]); ; {
			p, err := r.NextRawPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", accept, err)
			}
			b, err := io.ReadAll(p)
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, string(b))
		}
		b := whole.body
		if want := b[:5] + "|" + b[10:15] + "|" + b[len(b)-5:]; strings.Join(parts, "|") != want {
			t.Errorf("%s: the parts are %q, want %q", accept, parts, want)
		}
	}
	if a := s.get(t, "/atom.xml", "Range: lines=1-2"); a.status != 200 || a.body != text {
		t.Errorf("another unit: %v", a)
	}
}

func TestSidecarsThatAreNoGood(t *testing.T) {
	s := newSite(t, nil)
	text, old := publishedFiles["atom.xml"], time.Now().Add(-time.Hour)
	write(t, filepath.Join(filepath.Dir(s.Public), "outside.br"), coded(t, codingBrotli, text), old)
	for name, spoil := range map[string]func(file string){
		"older":   func(file string) { write(t, file+".br", coded(t, codingBrotli, text), old.Add(-time.Second)) },
		"newer":   func(file string) { write(t, file+".br", coded(t, codingBrotli, text), old.Add(time.Second)) },
		"another": func(file string) { write(t, file+".br", coded(t, codingBrotli, text+"!"), old) },
		"shorter": func(file string) { write(t, file+".br", coded(t, codingBrotli, text[:len(text)-1]), old) },
		"cut":     func(file string) { b := coded(t, codingBrotli, text); write(t, file+".br", b[:len(b)-1], old) },
		"nonsense": func(file string) {
			for _, c := range []coding{codingBrotli, codingZstd} {
				write(t, file+codings[c].Ext, "nonsense", old)
			}
		},
		"empty": func(file string) { write(t, file+".br", "", old) },
		"larger": func(file string) {
			write(t, file+".br", coded(t, codingBrotli, text)+strings.Repeat(" ", len(text)), old)
		},
		"a folder":       func(file string) { write(t, file+".br/x", "", old) },
		"outside":        func(file string) { symlink(t, "../../outside.br", file+".br") },
		"a link to gzip": func(file string) { symlink(t, "atom.xml.gz", file+".br") },
	} {
		file := filepath.Join(s.Public, name, "atom.xml")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, file+".gz", coded(t, codingGzip, text), old)
		write(t, file, text, old)
		spoil(file)
		a := s.get(t, "/"+strings.ReplaceAll(name, " ", "%20")+"/atom.xml", "Accept-Encoding: br, gzip, zstd")
		if got := a.header.Get("Content-Encoding"); a.status != 200 || got != "gzip" || a.body != coded(t, codingGzip, text) {
			t.Errorf("%s: %d with %q, want gzip from the tree", name, a.status, got)
		}
	}
	// With no good gzip either it is made.
	file := filepath.Join(s.Public, "atom.xml")
	write(t, file+".gz", "nonsense", old)
	write(t, file, text, old)
	if a := s.get(t, "/atom.xml", "Accept-Encoding: gzip"); a.header.Get("Content-Encoding") != "gzip" || decoded(t, a) != text {
		t.Errorf("with nonsense for gzip: %v", a)
	}
}

func symlink(t *testing.T, to, link string) {
	t.Helper()
	if err := os.Symlink(to, link); err != nil {
		t.Fatal(err)
	}
}

// A file and what stands beside it do not come in one moment.
func TestSidecarThatComesLater(t *testing.T) {
	s := newSite(t, nil)
	file, text, now := filepath.Join(s.Public, "atom.xml"), publishedFiles["atom.xml"], time.Now()
	ask := func(want string) {
		t.Helper()
		if a := s.get(t, "/atom.xml", "Accept-Encoding: br, gzip"); a.header.Get("Content-Encoding") != want || decoded(t, a) != text {
			t.Errorf("it comes as %q, want %q", a.header.Get("Content-Encoding"), want)
		}
	}
	write(t, file, text, now)
	ask("gzip")
	write(t, file+".br", coded(t, codingBrotli, text), now)
	time.Sleep(lookWhileSettling)
	ask("br")
	// What was compressed later on, as after an update of the program, is found too, if not at once.
	now = now.Add(-time.Hour)
	write(t, file, text, now)
	time.Sleep(lookAgain)
	ask("gzip")
	write(t, file+".br", coded(t, codingBrotli, text), now)
	time.Sleep(lookWhileSettling)
	ask("gzip")
	s.clock.Store(int64(lookLater))
	ask("br")
}

// A sidecar has no address of its own. Other compressed files have.
func TestSidecarsByName(t *testing.T) {
	s := newSite(t, nil)
	publishFile(t, filepath.Join(s.Public, "atom.xml"), publishedFiles["atom.xml"], time.Now())
	write(t, filepath.Join(s.Public, "backup.tar.gz"), "compressed", time.Now())
	for path, want := range map[string]int{"/atom.xml.gz": 404, "/atom.xml.br": 404, "/atom.xml.zst": 404, "/atom.xml.lz": 404, "/backup.tar.gz": 200} {
		a := s.get(t, path, "Accept-Encoding: gzip")
		if a.status != want || want == 200 && (a.header.Get("Content-Type") != "application/gzip" || a.header.Get("Content-Encoding") != "" || a.body != "compressed") {
			t.Errorf("%s: %v, want %d", path, a, want)
		}
	}
}

// What is made of a document later counts for the cache.
func TestCacheCountsForms(t *testing.T) {
	s := newSite(t, nil)
	publishFile(t, filepath.Join(s.Public, "atom.xml"), publishedFiles["atom.xml"], time.Now())
	h := s.Handler().(*handler)
	now := time.Now()
	d, err := h.document("atom.xml", now)
	if err != nil {
		t.Fatal(err)
	}
	before := h.cache.size
	added := int64(0)
	for c := identity; c < codingCount; c++ {
		for range 2 {
			if v := d.variant(c, forReaders, now); v == nil || v.coding != c {
				t.Fatalf("%s: %v", codings[c].Name, v)
			}
		}
		if c != identity {
			added += int64(len(d.variant(c, forReaders, now).body))
		}
	}
	if grown := h.cache.size - before; grown < added || grown > added+4*4096 {
		t.Errorf("the cache grew by %d bytes, of forms with %d", grown, added)
	}
	write(t, filepath.Join(s.Public, "atom.xml"), "<feed/>", time.Now())
	if _, err := h.document("atom.xml", now.Add(lookAgain)); err != nil {
		t.Fatal(err)
	}
	if h.cache.size > 4096 {
		t.Errorf("%d bytes are still counted", h.cache.size)
	}
}
