package publish

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/store"
)

// fakeHub is a hub that answers as it is told.
type fakeHub struct {
	*httptest.Server
	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request)
	told   []string // the topics, in the order in which they came
}

func newFakeHub(t *testing.T) *fakeHub {
	h := &fakeHub{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.UserAgent() != "linkletter/test" {
			t.Errorf("the hub was asked with %s, %q, by %q", r.Method, r.Header.Get("Content-Type"), r.UserAgent())
		}
		if err := r.ParseForm(); err != nil {
			t.Errorf("the form: %v", err)
		}
		topic := r.PostForm.Get("hub.url")
		if want := map[string][]string{"hub.mode": {"publish"}, "hub.url": {topic}, "hub.topic": {topic}}; topic == "" || !cmp.Equal(want, map[string][]string(r.PostForm)) {
			t.Errorf("the form holds %q, want %q", r.PostForm, want)
		}
		h.mu.Lock()
		h.told = append(h.told, topic)
		answer := h.answer
		h.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(h.Close)
	h.answers(http.StatusAccepted)
	return h
}

// answers makes it give each request the next of these statuses, and the last of them from then on.
func (h *fakeHub) answers(statuses ...int) {
	n := 0
	h.does(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(statuses[min(n, len(statuses)-1)])
		n++
	})
}

// does makes it answer so; one request comes at a time.
func (h *fakeHub) does(answer func(w http.ResponseWriter, r *http.Request)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = answer
}

// heard gives what it was told since the last call.
func (h *fakeHub) heard() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	told := h.told
	h.told = nil
	return told
}

// telling is a Hub that tells a fakeHub, on a clock that the test moves.
type telling struct {
	*Hub
	t    *testing.T
	hub  *fakeHub
	path string
	now  time.Time
	log  bytes.Buffer
}

func newTelling(t *testing.T) *telling {
	x := &telling{t: t, hub: newFakeHub(t), path: filepath.Join(t.TempDir(), "l.db"), now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	x.restart()
	return x
}

// restart begins anew with what is on the disk, as another process does.
func (x *telling) restart() {
	x.t.Helper()
	now := func() time.Time { return x.now }
	s, err := store.Open(x.t.Context(), x.path, now)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { s.Close() })
	x.Hub = &Hub{URL: x.hub.URL + "/", Store: s, UserAgent: "linkletter/test", Random: func() float64 { return 1 }, Now: now,
		Log: slog.New(slog.NewTextHandler(&x.log, nil))}
}

func (x *telling) note(topics ...string) {
	x.t.Helper()
	if err := x.Store.NotePings(x.t.Context(), topics); err != nil {
		x.t.Fatal(err)
	}
}

// run lets some time pass and runs; the hub is to hear just this.
func (x *telling) run(after time.Duration, want ...string) {
	x.t.Helper()
	x.now = x.now.Add(after)
	if err := x.Run(x.t.Context()); err != nil {
		x.t.Fatal(err)
	}
	if diff := cmp.Diff(want, x.hub.heard()); diff != "" {
		x.t.Errorf("%s later the hub heard (-want +got):\n%s", after, diff)
	}
}

// trouble is what status says of the hub.
func (x *telling) trouble() string {
	x.t.Helper()
	all, err := x.Store.Troubles(x.t.Context())
	if err != nil {
		x.t.Fatal(err)
	}
	for _, t := range all {
		if t.What == store.TroubleHub {
			return t.Text
		}
	}
	return ""
}

func TestAHubIsToldOnce(t *testing.T) {
	x := newTelling(t)
	for _, status := range []int{200, 202, 204} {
		x.hub.answers(status)
		x.note("https://example.org/a/atom.xml?x=1&y=2", "https://example.org/b/atom.xml")
		x.run(0, "https://example.org/a/atom.xml?x=1&y=2", "https://example.org/b/atom.xml")
		x.run(24 * time.Hour)
	}
	var many []string
	for i := range 3 * hubBatch {
		many = append(many, fmt.Sprintf("https://example.org/%04d/atom.xml", i))
	}
	x.note(many...)
	x.run(0, many...)
}

// A hub that fails twice is told at the third try, by another process too.
func TestAHubIsToldAgain(t *testing.T) {
	x := newTelling(t)
	x.hub.answers(500, 500, 202)
	x.note("a")
	x.run(0, "a")
	x.restart()
	x.run(29 * time.Second)
	x.run(time.Second, "a")
	x.run(59 * time.Second)
	x.restart()
	x.run(time.Second, "a")
	x.run(24 * time.Hour)
	if got := x.trouble(); got != "" {
		t.Errorf("status speaks of %q", got)
	}
}

// What one feed is refused for is nothing against the others.
func TestAFailingFeedDoesNotHoldUpOthers(t *testing.T) {
	x := newTelling(t)
	x.hub.does(func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("hub.url") == "a" {
			http.Error(w, "Topic not found\nfor topic URL.", http.StatusInternalServerError)
		}
	})
	x.note("a", "b")
	x.run(0, "a", "b")
	x.run(time.Hour, "a")
	for range 23 {
		x.run(time.Hour, "a")
	}
	x.run(time.Hour)
	want := `could not be told of a: it answers 500 Internal Server Error "Topic not found"; readers learn of news when they look for themselves; check the address in the configuration (hub)`
	if got := x.trouble(); !strings.HasSuffix(got, want) {
		t.Errorf("status speaks of %q, want %q", got, want)
	}
	if log := x.log.String(); strings.Count(log, "level=ERROR") != 1 || strings.Count(log, "level=WARN") != 1 {
		t.Errorf("the log should warn at the first failure, and give up once:\n%s", log)
	}
	x.note("b")
	x.run(0, "b")
	if got := x.trouble(); got != "" {
		t.Errorf("after a success status speaks of %q", got)
	}
}

func TestARefusedPingIsGivenUpAfterAFewTries(t *testing.T) {
	for _, status := range []int{400, 404, 410, 303, 304} {
		x := newTelling(t)
		x.hub.answers(status)
		x.note("a")
		for range hubTries {
			if got := x.trouble(); got != "" {
				t.Errorf("%d: status speaks too early of %q", status, got)
			}
			x.run(time.Hour, "a")
		}
		x.run(time.Hour)
		if got := x.trouble(); !strings.Contains(got, fmt.Sprintf("it answers %d ", status)) {
			t.Errorf("%d: status speaks of %q", status, got)
		}
	}
}

// A hub that does not answer, or asks to be left alone, is asked once and not for every feed, until its time has come.
func TestAHubThatIsAwayIsLeftAlone(t *testing.T) {
	later := func(value string) func(w http.ResponseWriter, r *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		away   time.Duration
	}{
		"hangs":        {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 30 * time.Second},
		"breaks off":   {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 30 * time.Second},
		"unavailable":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, 30 * time.Second},
		"asks in s":    {later("7200"), 2 * time.Hour},
		"asks by date": {later("Mon, 02 Mar 2026 12:00:00 GMT"), 3 * time.Hour},
		"asks much":    {later("999999999"), 24 * time.Hour},
		"asks nothing": {later("soon"), 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTelling(t)
			x.hub.does(c.answer)
			x.Timeout = 200 * time.Millisecond
			x.note("a", "b", "c")
			x.run(0, "a")
			x.hub.answers(202)
			x.restart()
			x.note("d")
			x.run(c.away - time.Second)
			x.run(time.Second, "b", "c", "d", "a")
		})
	}
}

// When every feed fails, it is the hub that does.
func TestAHubThatFailsForEveryFeedIsAway(t *testing.T) {
	x := newTelling(t)
	x.hub.answers(500)
	x.note("a", "b", "c", "d", "e", "f", "g")
	x.run(0, "a", "b", "c", "d", "e")
	x.run(29 * time.Second)
}

// A hub that takes nothing for a day is given up with what is as old, is seen in status even when feeds are published
// anew all the time, and is told what is newer.
func TestAHubIsGivenUpAfterADay(t *testing.T) {
	x := newTelling(t)
	x.hub.answers(503)
	for i := range 30 {
		x.note(fmt.Sprintf("old%02d", i))
	}
	for range 24 {
		x.note("new")
		x.now = x.now.Add(time.Hour)
		if got := x.trouble(); got != "" {
			t.Fatalf("status speaks too early of %q", got)
		}
		if err := x.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	x.note("new")
	x.now = x.now.Add(time.Hour)
	if err := x.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := x.trouble(); !strings.Contains(got, "has taken nothing since 2026-03-02 10:00 UTC: it answers 503 ") {
		t.Errorf("status speaks of %q", got)
	}
	if log := x.log.String(); !strings.Contains(log, `msg="feeds that changed a day ago or more are not told to the hub any more" feeds=`) {
		t.Errorf("the log does not say that something was given up:\n%s", log)
	}
	x.hub.heard()
	x.hub.answers(202)
	x.run(time.Hour, "new")
	if got := x.trouble(); got != "" {
		t.Errorf("after a success status speaks of %q", got)
	}
}

// A redirect on the hub's own host is followed with the same question, and none that leads to another host.
func TestRedirects(t *testing.T) {
	elsewhere := newFakeHub(t)
	for _, status := range []int{301, 302, 307, 308} {
		x := newTelling(t)
		x.hub.does(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				http.Redirect(w, r, "/hub", status)
			}
		})
		x.note("a")
		x.run(0, "a", "a")
		x.run(24 * time.Hour)

		x.hub.does(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1), status)
		})
		x.note("b")
		for range hubTries {
			x.run(time.Hour, "b")
		}
		if got := x.trouble(); !strings.Contains(got, "another host: name the right address in the configuration (hub)") {
			t.Errorf("status speaks of %q", got)
		}

		x.hub.does(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"x", status) })
		x.note("c")
		x.run(0, slices.Repeat([]string{"c"}, 1+hubHops)...)
	}
	if got := elsewhere.heard(); got != nil {
		t.Errorf("the other host was told %q", got)
	}
}

// What is published while the hub is told is told again; what an ended context cut short is no failure.
func TestWhatComesInBetween(t *testing.T) {
	x := newTelling(t)
	first := true
	x.hub.does(func(http.ResponseWriter, *http.Request) {
		if first {
			first = false
			x.note("a")
		}
	})
	x.note("a")
	x.run(0, "a", "a")
	x.run(0)

	ctx, cancel := context.WithCancel(t.Context())
	x.hub.does(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	x.note("a")
	if err := x.Run(ctx); err != nil {
		t.Fatal(err)
	}
	x.hub.heard()
	x.hub.answers(202)
	x.run(0, "a")
	if x.log.Len() > 0 {
		t.Errorf("the log should be empty:\n%s", x.log.String())
	}
}

// An answer without end does not hold the program up: its status has said all.
func TestAnEndlessAnswer(t *testing.T) {
	x := newTelling(t)
	x.hub.does(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})
	x.note("a")
	x.run(0, "a")
	x.run(24 * time.Hour)
}
