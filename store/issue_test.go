package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed/digest"
	"linkletter/store"
)

var weekly = digest.Digest{ID: "weekly", Title: "Weekly", Lists: []string{"a"}, From: "Weekly <weekly@example.org>"}

// plain renders an issue as its number of items.
func plain(i *digest.Issue) (store.Parts, error) {
	return store.Parts{Subject: fmt.Sprintf("%s #%d", i.Title, i.Number), Text: fmt.Sprintf("%d items", i.Len()), HTML: "<p>"}, nil
}

// newDigest is a store with a list whose baseline is X, and a digest that has begun.
func newDigest(t *testing.T) (*store.Store, *clock) {
	t.Helper()
	s, c := newStore(t)
	checkList(t, s, list("H", "X"), lenient)
	if err := s.BeginDigest(context.Background(), weekly.ID, weekly.Lists); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(time.Hour)
	return s, c
}

func freeze(t *testing.T, s *store.Store, d digest.Digest, period string) *store.Issue {
	t.Helper()
	i, err := s.Freeze(context.Background(), d, period, plain)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func subscribe(t *testing.T, s *store.Store, addresses ...string) {
	t.Helper()
	for _, a := range addresses {
		if err := s.AddSubscriber(context.Background(), a, []string{weekly.ID}); err != nil {
			t.Fatal(err)
		}
	}
}

func itemTitles(i *digest.Issue) []string {
	var all []string
	for _, g := range i.Groups {
		for _, item := range g.Items {
			all = append(all, g.Heading+"/"+item.Title)
		}
	}
	return all
}

// I6: per digest, entries partition into issues; the baseline is never in one.
func TestFreezeTakesEachEntryOnce(t *testing.T) {
	s, c := newDigest(t)
	if i := freeze(t, s, weekly, "p0"); i != nil {
		t.Fatalf("nothing is new, but there is an issue of %v", itemTitles(i.Issue))
	}
	checkList(t, s, list("H", "X", "A", "B"), lenient)
	first := freeze(t, s, weekly, "p1")
	c.t = c.t.Add(time.Hour)
	checkList(t, s, list("H", "X", "A", "B", "C"), lenient)
	second := freeze(t, s, weekly, "p2")
	if diff := cmp.Diff([]string{"H/A", "H/B"}, itemTitles(first.Issue)); diff != "" {
		t.Errorf("first issue (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"H/C"}, itemTitles(second.Issue)); diff != "" {
		t.Errorf("second issue (-want +got):\n%s", diff)
	}
	if first.Number != 1 || second.Number != 2 {
		t.Errorf("numbers %d and %d, want 1 and 2", first.Number, second.Number)
	}
	if i := freeze(t, s, weekly, "p3"); i != nil {
		t.Errorf("a third issue of %v", itemTitles(i.Issue))
	}
}

// What left the list before the issue, or was announced before the digest began, is not in it.
func TestFreezeLeavesOut(t *testing.T) {
	s, c := newStore(t)
	ctx := context.Background()
	checkList(t, s, list("H", "X"), lenient)
	c.t = c.t.Add(time.Hour)
	checkList(t, s, list("H", "X", "Early"), lenient)
	c.t = c.t.Add(time.Hour)
	if err := s.BeginDigest(ctx, weekly.ID, weekly.Lists); err != nil {
		t.Fatal(err)
	}
	checkList(t, s, list("H", "X", "Early", "Left", "Stays"), lenient)
	c.t = c.t.Add(time.Hour)
	checkList(t, s, list("H", "X", "Early", "Stays"), lenient)
	got := itemTitles(freeze(t, s, weekly, "p").Issue)
	if diff := cmp.Diff([]string{"H/Stays"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A list brings to a digest what it announces from the day it joins on, and joins anew when it comes back.
func TestListJoinsDigest(t *testing.T) {
	s, c := newStore(t)
	ctx := context.Background()
	configure := func(lists ...string) {
		t.Helper()
		if err := s.BeginDigest(ctx, weekly.ID, lists); err != nil {
			t.Fatal(err)
		}
		c.t = c.t.Add(time.Hour)
	}
	check := func(titles ...string) {
		t.Helper()
		checkList(t, s, list("H", titles...), lenient)
		c.t = c.t.Add(time.Hour)
	}
	want := func(titles ...string) {
		t.Helper()
		items, err := s.Candidates(ctx, weekly)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, item := range items {
			got = append(got, item.Title)
		}
		if diff := cmp.Diff(titles, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	check("X")
	configure("b")
	check("X", "Before")
	configure("a", "b")
	check("X", "Before", "With")
	configure("a", "b") // as at every start
	want("With")
	configure("b")
	check("X", "Before", "With", "Away")
	want()
	configure("a", "b")
	check("X", "Before", "With", "Away", "Back")
	want("Back")
	configure()
	want()
}

func TestFreezeWaitsForMinEntries(t *testing.T) {
	s, _ := newDigest(t)
	d := weekly
	d.MinEntries = 2
	checkList(t, s, list("H", "X", "A"), lenient)
	if i := freeze(t, s, d, "p1"); i != nil {
		t.Fatalf("an issue of %d, fewer than the digest wants", i.Len())
	}
	checkList(t, s, list("H", "X", "A", "B"), lenient)
	if i := freeze(t, s, d, "p2"); i == nil || i.Len() != 2 {
		t.Fatalf("got %v, want both entries", i)
	}
}

// A schedule that fires twice, in any number of processes at once, makes one issue.
func TestFreezeRace(t *testing.T) {
	s, _ := newDigest(t)
	checkList(t, s, list("H", "X", "A"), lenient)
	var mu sync.Mutex
	var issues []*store.Issue
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			i, err := s.Freeze(context.Background(), weekly, "2026-03-02T09:00:00Z", plain)
			if err != nil {
				t.Error(err)
			}
			if i != nil {
				mu.Lock()
				issues = append(issues, i)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(issues) != 1 {
		t.Fatalf("%d issues, want 1", len(issues))
	}
}

// A period has one issue, even when more is new by the time it is asked for again.
func TestFreezePeriodOnce(t *testing.T) {
	s, _ := newDigest(t)
	checkList(t, s, list("H", "X", "A"), lenient)
	freeze(t, s, weekly, "p1")
	checkList(t, s, list("H", "X", "A", "B"), lenient)
	if i := freeze(t, s, weekly, "p1"); i != nil {
		t.Fatalf("a second issue for one period: %v", itemTitles(i.Issue))
	}
	if i := freeze(t, s, weekly, "p2"); i == nil {
		t.Fatal("the entry was lost with the period")
	}
}

func TestFreezeKeepsNothingWhenRenderingFails(t *testing.T) {
	s, _ := newDigest(t)
	checkList(t, s, list("H", "X", "A"), lenient)
	broken := errors.New("broken template")
	_, err := s.Freeze(context.Background(), weekly, "p1", func(*digest.Issue) (store.Parts, error) { return store.Parts{}, broken })
	if !errors.Is(err, broken) {
		t.Fatalf("error %v, want the template's", err)
	}
	if i := freeze(t, s, weekly, "p1"); i == nil || i.Number != 1 {
		t.Fatalf("got %v, want issue 1 at the next try", i)
	}
}

// Deliveries are for who is confirmed in this digest and not suppressed.
func TestFreezeDeliveries(t *testing.T) {
	s, _ := newDigest(t)
	ctx := context.Background()
	subscribe(t, s, "one@example.org", "two@example.org", "bounced@example.org", "left@example.org")
	if err := s.Suppress(ctx, "Bounced@example.org", store.Bounced); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveSubscriber(ctx, "left@example.org"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SignUp(ctx, "pending@example.org", []string{weekly.ID}, "client", store.SignUpLimits{Address: 9, Client: 9, Total: 9}); err != nil {
		t.Fatal(err)
	}
	if err := s.AddSubscriber(ctx, "other@example.org", []string{"monthly"}); err != nil {
		t.Fatal(err)
	}
	checkList(t, s, list("H", "X", "A"), lenient)
	i := freeze(t, s, weekly, "p")
	all, err := s.Deliveries(ctx, store.DeliveryQuery{Issue: i.Ref, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var to []string
	for _, d := range all {
		to = append(to, d.Address)
	}
	if diff := cmp.Diff([]string{"one@example.org", "two@example.org"}, to); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[digest.State]int{digest.Pending: 2}, i.Counts); diff != "" || i.Total() != 2 {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

// What was frozen reads back as it was.
func TestIssueReadsBack(t *testing.T) {
	s, _ := newDigest(t)
	ctx := context.Background()
	subscribe(t, s, "one@example.org")
	checkList(t, s, list("H", "X", "A"), lenient)
	want := freeze(t, s, weekly, "2026-03-02T09:00:00Z")
	got, err := s.Issue(ctx, weekly.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := s.Issue(ctx, weekly.ID, 2); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("issue 2: error %v, want ErrNotFound", err)
	}
	all, err := s.Issues(ctx, weekly.ID, 10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]*store.Issue{want}, all); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
}

func TestClock(t *testing.T) {
	s, c := newStore(t)
	ctx := context.Background()
	if _, err := s.Clock(ctx, "weekly"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("error %v, want ErrNotFound", err)
	}
	began := c.t
	for range 2 { // the second time is without effect
		if err := s.BeginDigest(ctx, "weekly", nil); err != nil {
			t.Fatal(err)
		}
		c.t = c.t.Add(time.Hour)
	}
	ran := began.Add(30 * time.Minute)
	for _, at := range []time.Time{ran, ran.Add(-time.Minute)} { // the clock does not go back
		if err := s.Ran(ctx, "weekly", at); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Clock(ctx, "weekly")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&store.Clock{Digest: "weekly", Ran: ran}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
