package source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/source"
)

// impatient is a Source that waits for nothing; it writes down how long it would have, and its clock goes on by that.
type impatient struct {
	*source.Source
	mu     sync.Mutex
	time   time.Time
	pauses []time.Duration
}

func newImpatient() *impatient {
	s := &impatient{time: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	s.Source = &source.Source{
		UserAgent: "linkletter/test",
		HostRate:  1000,
		Now: func() time.Time {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.time
		},
		Sleep: func(ctx context.Context, d time.Duration) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.time = s.time.Add(d)
			s.pauses = append(s.pauses, d)
			return ctx.Err()
		},
		Rand: func() float64 { return 0.5 },
	}
	return s
}

// serve starts a server that counts what it is asked.
func serve(t testing.TB, h http.HandlerFunc) (address string, asked *atomic.Int32) {
	t.Helper()
	asked = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		h(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

const markdown = "# A list\n\n- [One](https://example.org/1) - the first\n"

// quiet is the log of servers that are meant to complain.
var quiet = log.New(io.Discard, "", 0)

func TestHTTPAsksOnlyForWhatChanged(t *testing.T) {
	text := "one"
	type request struct{ match, since, agent, accept, encoding string }
	var got []request
	address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		h := r.Header
		got = append(got, request{h.Get("If-None-Match"), h.Get("If-Modified-Since"), h.Get("User-Agent"), h.Get("Accept"), h.Get("Accept-Encoding")})
		tag := `W/"` + text + `"`
		w.Header().Set("ETag", tag)
		w.Header().Set("Last-Modified", "Mon, 02 Mar 2026 09:00:00 GMT")
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, text)
	})
	s := newImpatient()
	first := fetch(t, s.Source, address+"/list.md?token=secret", "")
	if string(first.Bytes) != "one" || first.Page.String() != address+"/list.md" || first.Doubt != "" || first.MovedTo != "" {
		t.Fatalf("first: %+v", first)
	}
	if strings.Contains(first.Validators, "secret") {
		t.Errorf("the validators tell the secret: %s", first.Validators)
	}
	again := fetch(t, s.Source, address+"/list.md?token=secret", first.Validators)
	if !again.Unchanged || again.Validators != first.Validators {
		t.Errorf("nothing changed, got %+v", again)
	}
	fetch(t, s.Source, address+"/other.md", first.Validators)
	fetch(t, s.Source, address+"/list.md?token=other", first.Validators)
	text = "two"
	if got := fetch(t, s.Source, address+"/list.md?token=secret", again.Validators); got.Unchanged || string(got.Bytes) != "two" {
		t.Errorf("the change was missed: %+v", got)
	}
	plain := request{agent: "linkletter/test", accept: "text/markdown, text/plain;q=0.9, */*;q=0.5", encoding: "gzip, br, zstd"}
	asking := plain
	asking.match, asking.since = `W/"one"`, "Mon, 02 Mar 2026 09:00:00 GMT"
	want := []request{plain, asking, plain, plain, asking} // another address has other versions
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(request{})); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// TestHTTPStatuses: a status that is not the list is an error in words, and what cannot pass is asked for once.
func TestHTTPStatuses(t *testing.T) {
	for _, c := range []struct {
		status int
		header string // name: value
		words  string
		asked  int32
	}{
		{201, "", "201 Created, which is not the list", 1},
		{204, "", "204 No Content, which is not the list", 1},
		{205, "", "205 Reset Content, which is not the list", 1},
		{206, "", "206 Partial Content, which is not the list", 1},
		{300, "", "300 Multiple Choices, which leads nowhere", 1},
		{304, "", "it was not asked that", 1},
		{400, "", "400 Bad Request", 1},
		{401, "", "access token", 1},
		{403, "", "access token", 1},
		{403, "Cf-Mitigated: challenge", "a check against robots", 1},
		{404, "", "there is nothing there (404): check how it is written", 1},
		{410, "", "taken away for good", 1},
		{429, "", "429 Too Many Requests", 1},
		{500, "", "500 Internal Server Error", 3},
		{501, "", "501 Not Implemented", 1},
		{503, "", "503 Service Unavailable", 3},
		{302, "", "does not say whereto", 1},
	} {
		t.Run(fmt.Sprint(c.status, c.header), func(t *testing.T) {
			address, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if name, value, is := strings.Cut(c.header, ": "); is {
					w.Header().Set(name, value)
				}
				w.WriteHeader(c.status)
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

func TestHTTPTriesAgain(t *testing.T) {
	fail := func(w http.ResponseWriter) { http.Error(w, "", http.StatusBadGateway) }
	hangUp := func(w http.ResponseWriter) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			c.Close()
		}
	}
	for name, broken := range map[string]func(http.ResponseWriter){"502": fail, "hung up": hangUp} {
		var n atomic.Int32
		address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) < 3 {
				broken(w)
				return
			}
			fmt.Fprint(w, markdown)
		})
		s := newImpatient()
		if got := fetch(t, s.Source, address, ""); string(got.Bytes) != markdown {
			t.Errorf("%s: %+v", name, got)
		}
		if want := []time.Duration{250 * time.Millisecond, 500 * time.Millisecond}; !slices.Equal(s.pauses, want) {
			t.Errorf("%s: waited %v, want %v: half of what is at most, as the chance said", name, s.pauses, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	address, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		fail(w)
	})
	if _, err := newImpatient().Fetch(ctx, source.Locate(address), ""); err == nil || asked.Load() != 1 {
		t.Errorf("a fetch that was given up: %v, asked %d times", err, asked.Load())
	}
}

// TestRetryAfter: seconds and dates, near and far, and what makes no sense. asked counts the requests of one fetch.
func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		status int
		value  string
		wait   time.Duration // from the first answer; 0: the error carries no time
		asked  int32
	}{
		{429, "3", 9 * time.Second, 3},
		{503, "2", 6 * time.Second, 3},
		{429, "120", 120 * time.Second, 1},
		{503, "Mon, 02 Mar 2026 09:10:00 GMT", 10 * time.Minute, 1},
		{503, "Monday, 02-Mar-26 09:10:00 GMT", 10 * time.Minute, 1},
		{403, "60", time.Minute, 1},
		{429, "604800", 24 * time.Hour, 1},
		{429, "99999999999999999999999", 24 * time.Hour, 1},
		{429, "Fri, 31 Dec 9999 23:59:59 GMT", 24 * time.Hour, 1},
		{429, "0", 0, 1},
		{429, "-5", 0, 1},
		{429, "-99999999999999999999999", 0, 1},
		{429, "Mon, 02 Mar 2020 09:00:00 GMT", 0, 1},
		{429, "soon", 0, 1},
		{429, "1e9", 0, 1},
		{503, "soon", 0, 3},
		{302, "3600", time.Hour, 1},
	} {
		t.Run(fmt.Sprint(c.status, " ", c.value), func(t *testing.T) {
			address, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", c.value)
				w.Header().Set("Location", "/there")
				w.WriteHeader(c.status)
			})
			s := newImpatient()
			began := s.time
			_, err := s.Fetch(context.Background(), source.Locate(address), "")
			var retry *source.RetryError
			switch {
			case err == nil:
				t.Fatal("no error")
			case errors.As(err, &retry) != (c.wait > 0):
				t.Errorf("does it carry a time? %v", err)
			case retry != nil && !retry.After.Equal(began.Add(c.wait)):
				t.Errorf("until %s, want %s", retry.After, began.Add(c.wait))
			}
			if asked.Load() != c.asked {
				t.Errorf("asked %d times, want %d", asked.Load(), c.asked)
			}
		})
	}
}

// A server that asks to be left alone is, by every list of its host, until the time that it named.
func TestASparedHostIsNotAsked(t *testing.T) {
	busy := true
	address, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if busy {
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		fmt.Fprint(w, markdown)
	})
	other, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, markdown) })
	s := newImpatient()
	for i := range 50 {
		_, err := s.Fetch(context.Background(), source.Locate(fmt.Sprintf("%s/%d.md", address, i)), "")
		var retry *source.RetryError
		if !errors.As(err, &retry) || !retry.After.Equal(s.time.Add(10*time.Minute)) {
			t.Fatalf("list %d: %v", i, err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
	fetch(t, s.Source, other, "")
	busy = false
	s.time = s.time.Add(10 * time.Minute)
	fetch(t, s.Source, address+"/0.md", "")
}

// The rate of a host holds for all its lists together; another host does not wait.
func TestHostRate(t *testing.T) {
	address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, markdown) })
	other, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, markdown) })
	s := newImpatient()
	s.HostRate = 0 // the default: 2 a second
	for i := range 10 {
		fetch(t, s.Source, fmt.Sprintf("%s/%d.md", address, i), "")
	}
	half := 500 * time.Millisecond
	if want := []time.Duration{half, half, half, half, half, half}; !slices.Equal(s.pauses, want) {
		t.Errorf("waited %v, want %v after a burst of 4", s.pauses, want)
	}
	s.pauses = nil
	fetch(t, s.Source, other, "")
	if len(s.pauses) > 0 {
		t.Errorf("another host waited %v", s.pauses)
	}
}

// A host answers four requests at once, however many lists it has.
func TestHostAnswersFewAtOnce(t *testing.T) {
	var now, most atomic.Int32
	address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(5 * time.Millisecond)
		now.Add(-1)
		fmt.Fprint(w, markdown)
	})
	s := &source.Source{HostRate: 1e6}
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if _, err := s.Fetch(context.Background(), source.Locate(fmt.Sprintf("%s/%d.md", address, i)), ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() > 4 {
		t.Errorf("%d requests at once, want at most 4", most.Load())
	}
}
