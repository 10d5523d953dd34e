package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/check"
	"linkletter/store"
)

const anvil = "- [Anvil](https://example.org/anvil) - Heavy.\n"

// station is an app with its configuration in a folder of its own, whose clock can be put forward.
type station struct {
	*app
	t     *testing.T
	dir   string
	ahead *atomic.Int64
	log   *journal
}

// journal keeps what is logged.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(b)
}

// take gives the lines at a level since the last call.
func (j *journal) take(level string) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var lines []string
	for line := range strings.Lines(j.b.String()) {
		if strings.Contains(line, "level="+level) {
			lines = append(lines, line)
		}
	}
	j.b.Reset()
	return lines
}

func newStation(t *testing.T, config string) *station {
	t.Helper()
	s := &station{t: t, dir: t.TempDir(), ahead: &atomic.Int64{}}
	s.write("config.yaml", "serve: false\ntag: example.org\n"+config)
	s.restart()
	return s
}

// restart opens the app anew, as after a stop of the program.
func (s *station) restart() {
	s.t.Helper()
	s.log = &journal{}
	p := &program{out: s.log, err: s.log, configFile: filepath.Join(s.dir, "config.yaml"), logLevel: "debug",
		now: func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }}
	var err error
	if s.app, err = p.open(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.app.close() })
}

func (s *station) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// wait puts the clock forward.
func (s *station) wait(d time.Duration) { s.ahead.Add(int64(d)) }

// serving runs serve until the function it gives is called.
func (s *station) serving() (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- s.serve(ctx) }()
	return func() {
		s.t.Helper()
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("serve ended with %v", err)
		}
	}
}

// until waits until a list is as it should be.
func (s *station) until(id, what string, is func(l *store.List) bool) *store.List {
	s.t.Helper()
	var l *store.List
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var err error
		if l, err = s.store.List(s.t.Context(), id); err == nil && is(l) {
			return l
		}
	}
	s.t.Fatalf("list %s never became %s; it is %+v", id, what, l)
	return nil
}

// ask hands a check over, as another command does, and gives the answer's error.
func (s *station) ask(id string) string {
	s.t.Helper()
	n, err := s.store.Ask(s.t.Context(), store.RequestCheck, id)
	if err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if r, err := s.store.Request(s.t.Context(), n); err == nil && r.Finished {
			return r.Error
		}
	}
	s.t.Fatalf("the check of %s that was asked for was never answered", id)
	return ""
}

func good(l *store.List) bool { return l.Error == "" && !l.Checked.IsZero() }

// A panic is the failure of its list, wherever the check came from: what was missed, the schedule, another command.
func TestAPanicIsItsListsFailure(t *testing.T) {
	t.Parallel()
	s := newStation(t, `lists: [{id: bad, source: bad.md, check: "@every 1s"}, {id: good, source: good.md, check: "@every 1s"}]`)
	s.write("good.md", anvil)
	s.check = func(ctx context.Context, l check.List) (*check.Result, error) {
		if l.ID == "bad" {
			panic("at the list " + l.ID)
		}
		return s.checker.Check(ctx, l)
	}
	stop := s.serving()
	l := s.until("bad", "failing by the schedule too", func(l *store.List) bool { return l.Failures >= 3 })
	if !strings.Contains(l.Error, "a mistake in linkletter: at the list bad") {
		t.Errorf("the panic is recorded as %q", l.Error)
	}
	s.until("good", "checked", good)
	if got := s.ask("bad"); !strings.Contains(got, "a mistake in linkletter: at the list bad") {
		t.Errorf("who asked for the check is told %q", got)
	}
	if got := s.ask("good"); got != "" {
		t.Errorf("the good list after that: %s", got)
	}
	stop()
	if _, err := s.checkList(t.Context(), "bad"); err == nil || !strings.Contains(err.Error(), "a mistake in linkletter") {
		t.Errorf("a check by hand: %v", err)
	}
}

// A check that does not even answer to its context is given up: others have its place, nobody waits for it, and it is made
// again when it has come back.
func TestAHangingCheckIsGivenUp(t *testing.T) {
	t.Parallel()
	s := newStation(t, `
lists: [{id: bad, source: bad.md, check: "@every 1s"}, {id: good, source: good.md, check: "@every 1s"}]
checks: {at_once: 1, timeout: 1s}
`)
	s.write("good.md", anvil)
	s.write("bad.md", anvil)
	hang, runs := make(chan struct{}), atomic.Int32{}
	s.check = func(ctx context.Context, l check.List) (*check.Result, error) {
		if l.ID == "bad" {
			runs.Add(1)
			<-hang
		}
		return s.checker.Check(ctx, l)
	}
	stop := s.serving()
	l := s.until("bad", "given up", func(l *store.List) bool { return l.Error != "" })
	if !strings.Contains(l.Error, "has been running since") {
		t.Errorf("it is recorded as %q", l.Error)
	}
	first := s.until("good", "checked", good)
	if got := s.ask("bad"); !strings.Contains(got, "does not come back") {
		t.Errorf("who asks for the check is told %q", got)
	}
	s.until("good", "checked again", func(l *store.List) bool { return l.Checked.After(first.Checked) })
	if n := runs.Load(); n != 1 {
		t.Errorf("%d checks of the list that hangs were begun", n)
	}
	close(hang)
	s.until("bad", "well again", good)
	stop()
}

// A program that is told to stop does not wait for what hangs.
func TestStopWaitsForNoHangingCheck(t *testing.T) {
	t.Parallel()
	s := newStation(t, `lists: [{id: bad, source: bad.md}]`)
	begun := make(chan struct{})
	s.check = func(context.Context, check.List) (*check.Result, error) {
		close(begun)
		select {} // for ever
	}
	stop := s.serving()
	<-begun
	stop()
	if l, err := s.store.List(t.Context(), "bad"); err == nil && l.Error != "" {
		t.Errorf("a check that was interrupted is recorded as failed: %s", l.Error)
	}
}

func TestSoManyChecksAtOnce(t *testing.T) {
	t.Parallel()
	var config strings.Builder
	for i := range 12 {
		fmt.Fprintf(&config, "  - {id: l%d, source: l.md, check: '@every 1s'}\n", i)
	}
	s := newStation(t, "checks: {at_once: 3}\nlists:\n"+config.String())
	s.write("l.md", anvil)
	var now, most atomic.Int32
	s.check = func(ctx context.Context, l check.List) (*check.Result, error) {
		defer now.Add(-1)
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(20 * time.Millisecond)
		return s.checker.Check(ctx, l)
	}
	stop := s.serving()
	asked := make(chan string)
	go func() { asked <- s.ask("l0") }()
	for i := range 12 {
		s.until(fmt.Sprintf("l%d", i), "checked", good)
	}
	if got := <-asked; got != "" {
		t.Errorf("the check that was asked for: %s", got)
	}
	stop()
	if n := most.Load(); n != 3 {
		t.Errorf("%d checks at once, want 3", n)
	}
}

func TestFailingListsTakeHalfOfThePlaces(t *testing.T) {
	p := newPlaces(4)
	ended, end := context.WithCancel(t.Context())
	end()
	for range 2 {
		if err := p.take(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.take(ended, true); err == nil {
		t.Error("a third list that fails was let in")
	}
	for range 2 {
		if err := p.take(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.take(ended, false); err == nil {
		t.Error("a fifth list was let in")
	}
	p.free(true)
	if err := p.take(t.Context(), true); err != nil {
		t.Errorf("a place that became free: %v", err)
	}
}

// A failing list is named at its first failure, then no more until it has failed for long, then once, over restarts too.
func TestALastingFailureIsReportedOnce(t *testing.T) {
	t.Parallel()
	s := newStation(t, `lists: [{id: a, source: a.md}]`)
	try := func(level, want string) {
		t.Helper()
		s.wait(7 * time.Hour) // no backoff is longer
		s.checkScheduled(t.Context(), "a")
		said := s.log.take(level)
		if want == "" && len(said) > 0 || want != "" && (len(said) != 1 || !strings.Contains(said[0], want)) {
			t.Errorf("%s lines: %q, want one with %q", level, said, want)
		}
	}
	s.write("a.md", anvil)
	try("ERROR", "")
	if err := os.Remove(filepath.Join(s.dir, "a.md")); err != nil {
		t.Fatal(err)
	}
	try("WARN", "check failed")
	try("WARN", "")
	try("ERROR", "")
	try("ERROR", "")
	try("ERROR", "the list has failed since")
	try("ERROR", "")
	s.restart()
	try("ERROR", "")
	s.write("a.md", anvil)
	try("INFO msg=\"the list", "the list works again")
	try("ERROR", "")
}

// While a list backs off, the schedule leaves it alone, status does not call it overdue, and a person's check is made.
func TestBackingOff(t *testing.T) {
	t.Parallel()
	s := newStation(t, `lists: [{id: a, source: a.md, check: "@every 1m"}]`)
	for range 8 {
		if _, err := s.checkList(t.Context(), "a"); err == nil {
			t.Fatal("a list without a file was checked")
		}
	}
	l := s.until("a", "backing off", func(l *store.List) bool { return l.Failures == 8 })
	s.wait(30 * time.Minute)
	if s.checkScheduled(t.Context(), "a"); s.until("a", "left alone", func(l *store.List) bool { return l.Failures == 8 }).Checked != l.Checked {
		t.Error("the schedule tried a list that backs off")
	}
	row := s.listStatus(s.cfg.Lists[0], l)
	if row.Stale || row.Next.Before(l.Retry) || row.Failures != 8 {
		t.Errorf("status: stale %v, next %v, failures %d; it backs off until %v", row.Stale, row.Next, row.Failures, l.Retry)
	}
	s.write("a.md", anvil)
	if _, err := s.checkList(t.Context(), "a"); err != nil {
		t.Errorf("a check by hand: %v", err)
	}
	s.wait(4 * time.Minute)
	l = s.until("a", "well", good)
	if row = s.listStatus(s.cfg.Lists[0], l); !row.Stale || row.Failures != 0 {
		t.Errorf("status: stale %v, failures %d; a list that is checked each minute was not for four", row.Stale, row.Failures)
	}
}

func TestMissedChecksAreMadeInTheirOrder(t *testing.T) {
	t.Parallel()
	s := newStation(t, `lists: [{id: never, source: l.md}, {id: daily, source: l.md, check: "@daily"}, {id: second, source: l.md}, {id: first, source: l.md}, {id: fails, source: no.md}]`)
	s.write("l.md", anvil)
	for _, id := range []string{"first", "fails", "second", "daily"} {
		if _, err := s.checkList(t.Context(), id); (err != nil) != (id == "fails") {
			t.Fatal(err)
		}
		s.wait(time.Hour)
	}
	s.wait(-time.Hour)
	s.wait(30 * time.Minute) // the daily one may be due at midnight
	sound, failing := s.missedChecks(t.Context())
	want := []string{"first", "second", "never"}
	if len(sound) == 4 {
		want = []string{"first", "second", "daily", "never"}
	}
	if diff := cmp.Diff([][]string{want, {"fails"}}, [][]string{sound, failing}); diff != "" {
		t.Errorf("missed (-want +got):\n%s", diff)
	}
}

// What changes while others are published is published together. What goes wrong with one is its own trouble.
func TestListsArePublishedTogether(t *testing.T) {
	t.Parallel()
	s := newStation(t, `lists: [{id: a, source: l.md}, {id: b, source: l.md}, {id: c, source: l.md}]`)
	if _, err := s.publishAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.write("l.md", anvil)
	for _, id := range []string{"a", "b", "c"} {
		list, err := s.list(id)
		if err == nil {
			_, err = s.checker.Check(t.Context(), list)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.write("data/public/b/atom.xml", "another's file")
	s.log.take("INFO")
	s.batches.turn.Lock() // as if others were being published
	results := map[string]chan error{}
	for _, id := range []string{"a", "b", "c"} {
		result := make(chan error, 1)
		results[id] = result
		go func() { result <- s.publish(t.Context(), id, "state") }()
	}
	waiting := func() int {
		s.batches.mu.Lock()
		defer s.batches.mu.Unlock()
		if s.batches.next == nil {
			return 0
		}
		return len(s.batches.next.states)
	}
	for waiting() < 3 {
		time.Sleep(time.Millisecond)
	}
	s.batches.turn.Unlock()
	for id, result := range results {
		if err := <-result; (err != nil) != (id == "b") {
			t.Errorf("publishing %s: %v", id, err)
		}
	}
	if n := len(s.log.take("DEBUG msg=\"published the static tree")); n != 1 {
		t.Errorf("%d publications, want 1", n)
	}
	troubles, err := s.store.Troubles(t.Context())
	if err != nil || len(troubles) != 1 || troubles[0].What != "publish b" {
		t.Errorf("troubles: %+v, %v; want that of b", troubles, err)
	}
}

// What is published is known over restarts: a list that is unchanged costs no publication, until what its files are made
// from is another.
func TestAnUnchangedListIsNotPublishedAgain(t *testing.T) {
	t.Parallel()
	s := newStation(t, "lists: [{id: a, source: a.md}]")
	s.write("a.md", anvil)
	for _, step := range []struct {
		what, config string
		wait         time.Duration
		gone         string // a file that somebody removed
		want         int
	}{
		{what: "the first check", config: "lists: [{id: a, source: a.md}]", want: 1},
		{what: "the same again", config: "lists: [{id: a, source: a.md}]"},
		{what: "a title", config: "lists: [{id: a, source: a.md, title: Tools}]", want: 1},
		{what: "the site's title", config: "title: All\nlists: [{id: a, source: a.md, title: Tools}]", want: 1},
		{what: "another schedule", config: "title: All\nlists: [{id: a, source: a.md, title: Tools, check: '@daily'}]"},
		{what: "the next day", config: "title: All\nlists: [{id: a, source: a.md, title: Tools, check: '@daily'}]", wait: 24 * time.Hour, want: 1},
		{what: "no page", config: "title: All\nlists: [{id: a, source: a.md, title: Tools, check: '@daily'}]", gone: "data/public/a/index.html", want: 1},
	} {
		s.write("config.yaml", "serve: false\ntag: example.org\n"+step.config)
		s.wait(step.wait)
		if step.gone != "" {
			if err := os.Remove(filepath.Join(s.dir, step.gone)); err != nil {
				t.Fatal(err)
			}
		}
		s.restart()
		if _, err := s.checkList(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if got := len(s.log.take("DEBUG msg=\"published the static tree")); got != step.want {
			t.Errorf("%s: %d publications, want %d", step.what, got, step.want)
		}
	}
}
