package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/store"
)

const hubSite = "https://links.example.org/reading"

// webSubHub is a hub that keeps what it is told and answers as it is set.
type webSubHub struct {
	*httptest.Server
	t      *testing.T
	mu     sync.Mutex
	told   []string
	answer http.HandlerFunc
}

func newWebSubHub(t *testing.T) *webSubHub {
	h := &webSubHub{t: t}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("hub.mode") != "publish" || !strings.HasPrefix(r.UserAgent(), "linkletter/") {
			t.Errorf("the hub was asked by %q for %q", r.UserAgent(), r.PostForm)
		}
		h.mu.Lock()
		h.told = append(h.told, r.PostFormValue("hub.url"))
		answer := h.answer
		h.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(h.Close)
	h.answers(accepting)
	return h
}

func accepting(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }
func failing(w http.ResponseWriter, _ *http.Request)   { w.WriteHeader(http.StatusInternalServerError) }
func hanging(_ http.ResponseWriter, r *http.Request)   { <-r.Context().Done() }

func (h *webSubHub) answers(f http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = f
}

// hear waits until something is as it should be, and gives then what the hub was told since the last call, in order.
func (h *webSubHub) hear(what string, enough func(told []string) bool) []string {
	h.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		h.mu.Lock()
		told := slices.Sorted(slices.Values(h.told))
		done := enough(told)
		if done {
			h.told = nil
		}
		h.mu.Unlock()
		if done {
			return told
		}
		if time.Now().After(end) {
			h.t.Fatalf("the hub was told of %q, and never %s", told, what)
		}
	}
}

func (h *webSubHub) anything() {
	h.t.Helper()
	h.hear("anything", func(told []string) bool { return len(told) > 0 })
}

// feeds are the addresses of the feeds in folders of the site, in order.
func feeds(folders ...string) []string {
	var all []string
	for _, folder := range folders {
		for _, file := range []string{"atom.xml", "feed.json", "rss.xml"} {
			all = append(all, hubSite+"/"+folder+file)
		}
	}
	return slices.Sorted(slices.Values(all))
}

// config is of a site with lists and a hub.
func (h *webSubHub) config(lists string) string {
	return fmt.Sprintf("base_url: %s\nhub: %s/\nlists: [%s]\n", hubSite, h.URL, lists)
}

// serves runs the scheduler until the test ends, or kills it.
func (i *installation) serves() (kill func()) {
	i.Helper()
	cmd := i.linkletter("serve")
	i.must(cmd.Start())
	kill = sync.OnceFunc(func() {
		i.must(ignoreFinished(cmd.Process.Kill()))
		if err := cmd.Wait(); err == nil {
			i.Errorf("serve ended by itself")
		}
	})
	i.Cleanup(kill)
	return kill
}

// The hub of a running program hears once of exactly what changed, also when the program dies while it tells it.
func TestTheHubHearsOfWhatChanged(t *testing.T) {
	t.Parallel()
	hub := newWebSubHub(t)
	i := &installation{T: t, dir: t.TempDir()}
	i.write("config.yaml", "serve: false\n"+hub.config(`{id: a, source: a.md, check: "@every 1s"}, {id: b, source: b.md, check: "@every 1s"}`))
	const iron, wood = "## Iron\n\n" + anvil, "\n## Wood\n\n- [Bow](https://example.org/bow)\n"
	i.write("a.md", iron+wood)
	i.write("b.md", anvil)
	kill := i.serves()
	told := func(want []string) func([]string) bool {
		return func(got []string) bool {
			return slices.Equal(want, slices.Compact(slices.Clone(got))) && len(i.column("SELECT topic FROM ping")) == 0
		}
	}
	// The feed of all lists is written when there is none yet, and then for one list, or two.
	hub.hear("of all", told(feeds("", "a/", "a/sections/iron/", "a/sections/wood/", "b/")))

	i.write("a.md", iron+wood+"- [Crossbow](https://example.org/crossbow)\n")
	changed := feeds("", "a/", "a/sections/wood/")
	if diff := cmp.Diff(changed, hub.hear("of an entry in one section", told(changed))); diff != "" {
		t.Errorf("after an entry in one section the hub heard (-want +got):\n%s", diff)
	}

	hub.answers(hanging)
	i.write("a.md", iron+"- [Tongs](https://example.org/tongs)\n"+wood+"- [Crossbow](https://example.org/crossbow)\n")
	hub.anything()
	kill()
	hub.answers(accepting)
	i.serves()
	changed = feeds("", "a/", "a/sections/iron/")
	if diff := cmp.Diff(changed, hub.hear("after a kill", told(changed))); diff != "" {
		t.Errorf("after a kill the hub heard (-want +got):\n%s", diff)
	}
}

// A hub that hangs holds up no publication.
func TestAHubThatHangsHoldsUpNothing(t *testing.T) {
	t.Parallel()
	hub := newWebSubHub(t)
	hub.answers(hanging)
	s := newStation(t, hub.config(`{id: a, source: a.md, check: "@every 1s"}`))
	s.write("a.md", anvil)
	stop := s.serving()
	hub.anything()
	// From here on the hub has a request that it does not answer.
	s.write("a.md", anvil+"- [Bow](https://example.org/bow)\n")
	atom := filepath.Join(s.dir, "data", "public", "a", "atom.xml")
	s.until("a", "published with the bow", func(*store.List) bool {
		b, err := os.ReadFile(atom)
		return err == nil && strings.Contains(string(b), "https://example.org/bow")
	})
	if got := hub.hear("", func([]string) bool { return true }); got != nil {
		t.Errorf("the hub was asked for %q while it did not answer", got)
	}
	stop()
	if diff := cmp.Diff(feeds("", "a/"), s.waiting()); diff != "" {
		t.Errorf("still to be told (-want +got):\n%s", diff)
	}
}

// waiting are the feeds that the hub is still to be told of.
func (s *station) waiting() []string {
	s.t.Helper()
	due, err := s.store.DuePings(s.t.Context(), s.cfg.Hub, 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	var topics []string
	for _, p := range due {
		topics = append(topics, p.Topic)
	}
	return slices.Sorted(slices.Values(topics))
}

// command does what a command without a scheduler does: a check with everything around it.
func (s *station) command() {
	s.t.Helper()
	err := s.hereOrThere(s.t.Context(), "check", func(ctx context.Context) error {
		_, err := s.checkList(ctx, "a")
		return err
	}, func(held *store.HeldError) error { return held })
	if err != nil {
		s.t.Fatal(err)
	}
}

// A command without a scheduler beside it tells the hub for a while, and leaves the rest to the next.
func TestACommandTellsTheHub(t *testing.T) {
	t.Parallel()
	hub := newWebSubHub(t)
	s := newStation(t, hub.config(`{id: a, source: a.md}`))
	all := feeds("", "a/")
	heard := func(when string, want []string) {
		t.Helper()
		if diff := cmp.Diff(want, hub.hear(when, func([]string) bool { return true })); diff != "" {
			t.Errorf("%s the hub heard (-want +got):\n%s", when, diff)
		}
	}
	s.write("a.md", anvil)
	hub.answers(hanging)
	s.hubWait = 200 * time.Millisecond
	s.command()
	heard("while it hung", all[:1])
	hub.answers(failing)
	s.restart()
	s.command()
	heard("while it failed", all[:5])
	hub.answers(accepting)
	s.restart()
	s.command()
	heard("too early", nil)
	s.wait(30 * time.Second)
	s.command()
	heard("at last", all)
	s.command()
	heard("when nothing changed", nil)
	// What the hub is told is what the feeds tell their readers to subscribe to, there.
	for _, topic := range all {
		b, err := os.ReadFile(filepath.Join(s.publisher.Dir, strings.TrimPrefix(topic, hubSite)))
		if err != nil {
			t.Fatal(err)
		}
		self, there := regexp.MustCompile(`rel="self"[^>]* href="([^"]*)"|"feed_url": ?"([^"]*)"`).FindSubmatch(b), strings.Contains(string(b), hub.URL)
		if self == nil || string(self[1])+string(self[2]) != topic || !there {
			t.Errorf("%s names %q as itself, and the hub %v:\n%s", topic, self, there, b)
		}
	}
}

// A crash between writing the files and noting what the hub is to be told of them forgets nothing.
func TestAnInterruptedPublicationIsTold(t *testing.T) {
	t.Parallel()
	hub := newWebSubHub(t)
	s := newStation(t, hub.config(`{id: a, source: a.md}, {id: b, source: b.md}`))
	s.write("a.md", anvil)
	s.write("b.md", anvil)
	for _, id := range []string{"a", "b"} {
		if _, err := s.checkList(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	s.tellHub(t.Context())
	if got := s.waiting(); got != nil {
		t.Fatalf("still to be told: %q", got)
	}
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{"atom.xml", "rss.xml", "feed.json", "b/atom.xml", "b/rss.xml", "b/feed.json"} {
		if err := os.Chtimes(filepath.Join(s.publisher.Dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	// What the next lines do is all that is left of a process that was killed then.
	if _, err := s.store.BeginPublication(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	s.write("a.md", anvil+"- [Bow](https://example.org/bow)\n")
	list, err := s.list("a")
	if err == nil {
		_, err = s.checker.Check(t.Context(), list)
	}
	if err == nil {
		_, err = s.publisher.Publish(t.Context(), "a")
	}
	if err != nil {
		t.Fatal(err)
	}
	s.restart()
	report, err := s.publishAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if feeds := s.topics(report.Changed); feeds != nil {
		t.Errorf("the next publication found feeds to write: %q", feeds)
	}
	if diff := cmp.Diff(feeds("", "a/"), s.waiting()); diff != "" {
		t.Errorf("to be told after that (-want +got):\n%s", diff)
	}
}

// Without a hub in the configuration nothing is kept for one, and nothing of it is seen in status.
func TestAHubThatIsNoMore(t *testing.T) {
	t.Parallel()
	hub := newWebSubHub(t)
	s := newStation(t, hub.config(`{id: a, source: a.md}`))
	s.write("a.md", anvil)
	hub.answers(http.NotFound)
	for range 4 {
		s.command()
		s.wait(time.Hour)
	}
	if troubles, err := s.store.Troubles(t.Context()); err != nil || len(troubles) != 1 || !strings.Contains(troubles[0].Text, "404 Not Found") {
		t.Errorf("status speaks of %+v, %v; want the hub's 404", troubles, err)
	}
	if err := s.store.NotePings(t.Context(), feeds("a/")); err != nil {
		t.Fatal(err)
	}
	s.write("config.yaml", "serve: false\ntag: example.org\nlists: [{id: a, source: a.md}]\n")
	s.restart()
	s.command()
	if troubles, err := s.store.Troubles(t.Context()); err != nil || len(troubles) > 0 {
		t.Errorf("status speaks of %+v, %v", troubles, err)
	}
	if got := s.waiting(); got != nil {
		t.Errorf("still to be told: %q", got)
	}
}
