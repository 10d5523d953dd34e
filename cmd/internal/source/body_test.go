package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"linkletter/cmd/internal/source"
)

// encode applies codings, as a server does.
func encode(t testing.TB, text []byte, codings ...string) []byte {
	t.Helper()
	for _, c := range codings {
		var b bytes.Buffer
		var w io.WriteCloser
		switch c {
		case "gzip", "x-gzip":
			w = gzip.NewWriter(&b)
		case "br":
			w = brotli.NewWriter(&b)
		case "zstd":
			z, err := zstd.NewWriter(&b)
			if err != nil {
				t.Fatal(err)
			}
			w = z
		default:
			continue
		}
		_, err := w.Write(text)
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		text = b.Bytes()
	}
	return text
}

var manyEntries = strings.Repeat("- [One](https://example.org/1) - the first\n", 2000)

func TestContentEncodings(t *testing.T) {
	for _, c := range [][]string{{}, {"identity"}, {"gzip"}, {"x-gzip"}, {"GZIP"}, {"br"}, {"zstd"}, {"gzip", "br"}, {"zstd", "identity", "gzip"}, {"br", "zstd", "gzip"}} {
		for _, text := range []string{manyEntries, ""} {
			address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Encoding", strings.Join(c, ", "))
				if text == "" { // some say how nothing at all is coded
					return
				}
				lower := strings.Split(strings.ToLower(strings.Join(c, ",")), ",")
				_, _ = w.Write(encode(t, []byte(text), lower...))
			})
			if got := fetch(t, newImpatient().Source, address, ""); string(got.Bytes) != text {
				t.Errorf("%v: %d bytes came, want %d", c, len(got.Bytes), len(text))
			}
		}
	}
}

// TestBrokenBodies: what is cut is asked for again and then said to be cut; what cannot be decoded is said so at once.
func TestBrokenBodies(t *testing.T) {
	text := []byte(manyEntries)
	cut := func(b []byte) []byte { return b[:len(b)-len(b)/3] }
	for _, c := range []struct {
		name, coding string
		length       int // Content-Length; 0: chunked
		body         []byte
		hangUp       bool
		words        string
		asked        int32
	}{
		{"a short body", "", len(text), text[:1000], true, "broke off after 1000 bytes", 3},
		{"a chunked body that ends early", "", 0, text[:1000], true, "broke off after", 3},
		{"cut gzip", "gzip", 0, cut(encode(t, text, "gzip")), false, "broke off after", 3},
		{"cut brotli", "br", 0, cut(encode(t, text, "br")), false, "broke off after", 3},
		{"cut zstd", "zstd", 0, cut(encode(t, text, "zstd")), false, "broke off after", 3},
		{"cut in the head of gzip", "gzip", 0, encode(t, text, "gzip")[:5], false, "broke off after 5 bytes", 3},
		{"gzip, and then the connection breaks", "gzip", 1 << 20, encode(t, text, "gzip"), true, "broke off after", 3},
		{"brotli, and then the connection breaks", "br", 1 << 20, encode(t, text, "br"), true, "broke off after", 3},
		{"zstd, and then the connection breaks", "zstd", 1 << 20, encode(t, text, "zstd"), true, "broke off after", 3},
		{"text that is said to be gzip", "gzip", 0, text, false, `cannot be decoded (Content-Encoding "gzip")`, 1},
		{"text that is said to be zstd", "zstd", 0, text, false, `cannot be decoded (Content-Encoding "zstd")`, 1},
		{"an unknown coding", "snappy", 0, text, false, `"snappy" was not asked for`, 1},
		{"too many codings", "gzip, gzip, gzip, gzip", 0, text, false, "more than 3 codings", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if c.coding != "" {
					w.Header().Set("Content-Encoding", c.coding)
				}
				if c.length > 0 {
					w.Header().Set("Content-Length", fmt.Sprint(c.length))
				}
				_, _ = w.Write(c.body)
				_ = http.NewResponseController(w).Flush()
				if c.hangUp {
					panic(http.ErrAbortHandler)
				}
			})
			_, err := newImpatient().Fetch(context.Background(), source.Locate(address), "")
			if err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("want an error with %q, got %v", c.words, err)
			}
			if asked.Load() != c.asked {
				t.Errorf("asked %d times, want %d", asked.Load(), c.asked)
			}
		})
	}
}

// TestTooLarge: the limit is that of the decoded list, and it is never far overstepped, however small the answer is.
func TestTooLarge(t *testing.T) {
	const limit = 64 << 10
	zeros := make([]byte, 200*limit)
	member := encode(t, nil, "gzip")
	for _, c := range []struct {
		name    string
		codings []string
		body    []byte
		empty   bool // the body is gzip already, of nothing
	}{
		{"plain", nil, zeros[:limit+1], false},
		{"a gzip bomb", []string{"gzip"}, zeros, false},
		{"a brotli bomb", []string{"br"}, zeros, false},
		{"a zstd bomb", []string{"zstd"}, zeros, false},
		{"a bomb in a bomb", []string{"gzip", "gzip"}, zeros, false},
		{"no more than empty members", nil, bytes.Repeat(member, 3*limit/len(member)), true},
		{"the same, small on the wire", []string{"gzip"}, bytes.Repeat(member, 3*limit/len(member)), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			body, codings := encode(t, c.body, c.codings...), strings.Join(c.codings, ",")
			if c.empty {
				codings = "gzip," + codings
			}
			address, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Encoding", codings)
				_, _ = w.Write(body)
			})
			s := newImpatient()
			s.MaxBytes = limit
			_, err := s.Fetch(context.Background(), source.Locate(address), "")
			var large *source.TooLargeError
			if !errors.As(err, &large) || asked.Load() != 1 {
				t.Errorf("asked %d times: %v", asked.Load(), err)
			}
		})
	}
	s := newImpatient()
	s.MaxBytes = 64
	address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, strings.Repeat("x", 64)) })
	if got := fetch(t, s.Source, address, ""); len(got.Bytes) != 64 {
		t.Errorf("a list of just the size that is allowed: %d bytes", len(got.Bytes))
	}
}

// A zstd answer may ask for no more memory than the standard grants it.
func TestZstdWindowIsBounded(t *testing.T) {
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x70, 0x01, 0x00, 0x00} // a window of 16 MiB, and an empty last block
	address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "zstd")
		_, _ = w.Write(frame)
	})
	if _, err := newImpatient().Fetch(context.Background(), source.Locate(address), ""); err == nil || !strings.Contains(err.Error(), "cannot be decoded") {
		t.Errorf("got %v", err)
	}
}

// FuzzDecode: whatever comes, under whatever coding, ends, and gives no more than is allowed.
func FuzzDecode(f *testing.F) {
	for _, c := range []string{"gzip", "br", "zstd"} {
		f.Add(c, encode(f, []byte(markdown), c))
		f.Add(c+","+c, encode(f, []byte(markdown), c, c))
	}
	f.Fuzz(func(t *testing.T, codings string, body []byte) {
		const limit = 1 << 20
		errLarge := errors.New("too large")
		r, done, err := source.Decode(bytes.NewReader(body), strings.Split(codings, ","), limit, errLarge)
		if err != nil {
			return
		}
		defer done()
		if n, err := io.Copy(io.Discard, r); n > limit+64<<10+1 && !errors.Is(err, errLarge) {
			t.Fatalf("%d bytes came out: %v", n, err)
		}
	})
}
