package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/store"
)

const aHub = "https://hub.example.org/"

// dueTopics are the feeds that the hub is to be told of now.
func dueTopics(t *testing.T, s *store.Store, hub string) []string {
	t.Helper()
	var topics []string
	for _, p := range duePings(t, s, hub) {
		topics = append(topics, p.Topic)
	}
	return topics
}

func duePings(t *testing.T, s *store.Store, hub string) []store.Ping {
	t.Helper()
	due, err := s.DuePings(t.Context(), hub, 10)
	if err != nil {
		t.Fatal(err)
	}
	return due
}

func note(t *testing.T, s *store.Store, topics ...string) {
	t.Helper()
	if err := s.NotePings(t.Context(), topics); err != nil {
		t.Fatal(err)
	}
}

func TestPingsAreEndedPutOffAndNotedAnew(t *testing.T) {
	ctx := t.Context()
	s, clock := newStore(t)
	note(t, s, "a", "b")
	due := duePings(t, s, aHub)
	if diff := cmp.Diff([]store.Ping{{Topic: "a", Since: clock.t}, {Topic: "b", Since: clock.t}}, due); diff != "" {
		t.Fatalf("due (-want +got):\n%s", diff)
	}
	// Both were published again, within the same second, while the hub was told of the first publication.
	note(t, s, "a", "b")
	if err := s.EndPing(ctx, due[0]); err != nil {
		t.Fatal(err)
	}
	if err := s.PutOffPing(ctx, due[1], clock.t.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	again := duePings(t, s, aHub)
	if diff := cmp.Diff([]store.Ping{{Topic: "a", Since: clock.t.Add(time.Second)}, {Topic: "b", Since: clock.t.Add(time.Second)}}, again); diff != "" {
		t.Fatalf("due after they were published again (-want +got):\n%s", diff)
	}
	if err := s.EndPing(ctx, again[0]); err != nil {
		t.Fatal(err)
	}
	if err := s.PutOffPing(ctx, again[1], clock.t.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := dueTopics(t, s, aHub); got != nil {
		t.Errorf("due after one was ended and one put off: %q", got)
	}
	clock.t = clock.t.Add(time.Minute)
	if got := duePings(t, s, aHub); len(got) != 1 || got[0].Topic != "b" || got[0].Attempts != 1 {
		t.Errorf("due a minute later: %+v, want b after one attempt", got)
	}
	note(t, s, "b")
	if got := duePings(t, s, aHub); len(got) != 1 || got[0].Attempts != 0 {
		t.Errorf("published again: %+v, want no attempts", got)
	}
}

// A hub that is left alone stays so for another process, and for what is published meanwhile; another hub does not.
func TestAHubIsLeftAlone(t *testing.T) {
	ctx, clock := t.Context(), newClock()
	path := filepath.Join(t.TempDir(), "l.db")
	s := open(t, path, clock)
	began := clock.t
	for range 2 {
		note(t, s, "a")
		since, err := s.HubFailed(ctx, aHub, clock.t.Add(time.Hour))
		if err != nil || !since.Equal(began) {
			t.Fatalf("it failed since %v, %v; want %v", since, err, began)
		}
		s = open(t, path, clock)
		note(t, s, "b")
		if got := dueTopics(t, s, aHub); got != nil {
			t.Errorf("due while the hub is left alone: %q", got)
		}
		if diff := cmp.Diff([]string{"a", "b"}, dueTopics(t, s, "https://other.example.org/")); diff != "" {
			t.Errorf("due for another hub (-want +got):\n%s", diff)
		}
		clock.t = clock.t.Add(time.Hour)
		if diff := cmp.Diff([]string{"a", "b"}, dueTopics(t, s, aHub)); diff != "" {
			t.Errorf("due an hour later (-want +got):\n%s", diff)
		}
	}
	if n, err := s.DropPings(ctx, began.Add(time.Minute)); n != 0 || err != nil {
		t.Errorf("dropped %d of what was published since, %v", n, err)
	}
	if n, err := s.DropPings(ctx, clock.t); n != 2 || err != nil {
		t.Errorf("dropped %d, %v; want both", n, err)
	}
	if err := s.HubWorks(ctx); err != nil {
		t.Fatal(err)
	}
	if since, err := s.HubFailed(ctx, aHub, clock.t); err != nil || !since.Equal(clock.t) {
		t.Errorf("after it worked it fails since %v, %v; want %v", since, err, clock.t)
	}
}

func TestAnInterruptedPublicationIsKnown(t *testing.T) {
	ctx := t.Context()
	s, clock := newStore(t)
	begin := func(want time.Time) {
		t.Helper()
		if got, err := s.BeginPublication(ctx, clock.t); err != nil || !got.Equal(want) {
			t.Errorf("the interrupted publication began %v, %v; want %v", got, err, want)
		}
	}
	first := clock.t
	begin(time.Time{})
	clock.t = clock.t.Add(time.Minute)
	begin(first)
	begin(first)
	note(t, s)
	begin(time.Time{})
	note(t, s, "a")
	begin(time.Time{})
	if err := s.ForgetHub(ctx); err != nil {
		t.Fatal(err)
	}
	begin(time.Time{})
	if got := dueTopics(t, s, aHub); got != nil {
		t.Errorf("due after the hub was forgotten: %q", got)
	}
}
