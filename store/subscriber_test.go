package store

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// subscriberStore is a store on a real file with a clock of its own.
func subscriberStore(t testing.TB) (*Store, *time.Time) {
	t.Helper()
	clock := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "linkletter.db"), func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, &clock
}

var plenty = SignUpLimits{Address: 100, Client: 100, Total: 100}

// signUp signs an address up for weekly and says how many mails that queued.
func signUp(t *testing.T, s *Store, address string) int {
	t.Helper()
	queued, err := s.SignUp(t.Context(), address, []string{"weekly"}, "client", plenty)
	if err != nil {
		t.Fatalf("signing %s up: %v", address, err)
	}
	return queued.Queued
}

// nonce is that of a pending subscription to weekly.
func nonce(t *testing.T, s *Store, id int64) string {
	t.Helper()
	var nonce string
	err := s.db.QueryRowContext(t.Context(), `SELECT nonce FROM subscription WHERE subscriber = ? AND digest = 'weekly'`, id).Scan(&nonce)
	if err != nil {
		t.Fatal(err)
	}
	return nonce
}

func find(t *testing.T, s *Store, address string) *Subscriber {
	t.Helper()
	sub, err := s.SubscriberByAddress(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// stand is where an address stands with weekly.
func stand(t *testing.T, s *Store, address string) SubscriptionState {
	t.Helper()
	return find(t, s, address).Subscriptions[0].State
}

func TestSubscriptionLife(t *testing.T) {
	ctx := t.Context()
	s, clock := subscriberStore(t)
	began := *clock
	if n := signUp(t, s, "Ada@Example.org"); n != 1 {
		t.Fatalf("signing up queued %d mails, want 1", n)
	}
	ada := find(t, s, "ada@example.ORG")
	want := &Subscriber{ID: ada.ID, Address: "Ada@example.org", Created: began, Subscriptions: []Subscription{
		{Digest: "weekly", State: SubscriptionPending, Origin: "form", Created: began},
	}}
	if diff := cmp.Diff(want, ada); diff != "" {
		t.Errorf("after signing up (-want +got)\n%s", diff)
	}
	first := nonce(t, s, ada.ID)
	for _, wrong := range []string{"", "x", first + "x"} {
		if err := s.Confirm(ctx, ada.ID, "weekly", wrong); !errors.Is(err, ErrStale) {
			t.Errorf("confirming with nonce %q: %v, want ErrStale", wrong, err)
		}
	}
	if err := s.Confirm(ctx, ada.ID, "monthly", first); !errors.Is(err, ErrStale) {
		t.Errorf("confirming another digest: %v, want ErrStale", err)
	}
	if got := stand(t, s, "ada@example.org"); got != SubscriptionPending {
		t.Fatalf("after wrong nonces she is %s", got)
	}
	*clock = clock.Add(time.Hour)
	for range 2 { // the second click shows the same
		if err := s.Confirm(ctx, ada.ID, "weekly", first); err != nil {
			t.Fatalf("confirming: %v", err)
		}
	}
	want.Subscriptions[0].State, want.Subscriptions[0].Confirmed = SubscriptionConfirmed, *clock
	if diff := cmp.Diff(want, find(t, s, "ada@example.org")); diff != "" {
		t.Errorf("after confirming (-want +got)\n%s", diff)
	}
	*clock = clock.Add(time.Hour)
	left := *clock
	for range 2 {
		if err := s.Unsubscribe(ctx, ada.ID, "weekly"); err != nil {
			t.Fatalf("unsubscribing: %v", err)
		}
		*clock = clock.Add(time.Minute)
	}
	want.Subscriptions[0].State, want.Subscriptions[0].Ended = SubscriptionUnsubscribed, left
	if diff := cmp.Diff(want, find(t, s, "ada@example.org")); diff != "" {
		t.Errorf("after leaving (-want +got)\n%s", diff)
	}
	if err := s.Confirm(ctx, ada.ID, "weekly", first); !errors.Is(err, ErrStale) {
		t.Errorf("the used link after leaving: %v, want ErrStale", err)
	}
	// She comes back: until she confirms she is still marked as having left.
	signUp(t, s, "ada@example.org")
	if n := find(t, s, "ada@example.org").Subscriptions[0]; n.State != SubscriptionPending || !n.Ended.Equal(left) {
		t.Errorf("signing up again gives %s, left %s; want pending, %s", n.State, n.Ended, left)
	}
	if err := s.Confirm(ctx, ada.ID, "weekly", nonce(t, s, ada.ID)); err != nil {
		t.Fatal(err)
	}
	if n := find(t, s, "ada@example.org").Subscriptions[0]; n.State != SubscriptionConfirmed || !n.Ended.IsZero() {
		t.Errorf("confirming again gives %s, left %s; want confirmed, never", n.State, n.Ended)
	}
}

func TestUnsubscribeNobody(t *testing.T) {
	s, _ := subscriberStore(t)
	if err := s.Unsubscribe(t.Context(), 4711, "weekly"); err != nil {
		t.Errorf("unsubscribing somebody who is not there: %v", err)
	}
	if err := s.Confirm(t.Context(), 4711, "weekly", "x"); !errors.Is(err, ErrStale) {
		t.Errorf("confirming somebody who is not there: %v, want ErrStale", err)
	}
	for _, id := range []int64{0, 4711} {
		if _, err := s.Subscriber(t.Context(), id); !errors.Is(err, ErrNotFound) {
			t.Errorf("subscriber %d: %v, want ErrNotFound", id, err)
		}
	}
}

func TestAddAndRemoveSubscriber(t *testing.T) {
	ctx := t.Context()
	s, _ := subscriberStore(t)
	signUp(t, s, "ada@example.org") // her mail is still waiting
	for range 2 {
		if err := s.AddSubscriber(ctx, "ADA@example.org", []string{"weekly", "monthly"}); err != nil {
			t.Fatal(err)
		}
	}
	states := map[string]SubscriptionState{}
	for _, n := range find(t, s, "ada@example.org").Subscriptions {
		states[n.Digest] = n.State
	}
	if diff := cmp.Diff(map[string]SubscriptionState{"weekly": SubscriptionConfirmed, "monthly": SubscriptionConfirmed}, states); diff != "" {
		t.Errorf("added (-want +got)\n%s", diff)
	}
	if n := waiting(t, s); n != 0 {
		t.Errorf("%d confirmation mails still wait for a subscription that is confirmed", n)
	}
	if err := s.RemoveSubscriber(ctx, "ada@example.org"); err != nil {
		t.Fatal(err)
	}
	counts, err := s.SubscriptionCounts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]SubscriptionCounts{"weekly": {Unsubscribed: 1}, "monthly": {Unsubscribed: 1}}, counts); diff != "" {
		t.Errorf("removed (-want +got)\n%s", diff)
	}
	err = s.AddSubscriber(ctx, "ada@example.org", []string{"weekly"})
	if _, ok := errors.AsType[*UnsubscribedError](err); !ok {
		t.Errorf("adding her again: %v, want an UnsubscribedError", err)
	}
	if err := s.RemoveSubscriber(ctx, "bob@example.org"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removing a stranger: %v, want ErrNotFound", err)
	}
}

// waiting counts the confirmation mails to be sent.
func waiting(t *testing.T, s *Store) int {
	t.Helper()
	var n int
	if err := s.db.QueryRowContext(t.Context(), `SELECT count(*) FROM confirmation WHERE next IS NOT NULL`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSubscribersFilter(t *testing.T) {
	ctx := t.Context()
	s, _ := subscriberStore(t)
	add := func(address string, digests ...string) {
		t.Helper()
		if err := s.AddSubscriber(ctx, address, digests); err != nil {
			t.Fatal(err)
		}
	}
	add("ada@example.org", "weekly", "monthly")
	add("bob@example.org", "monthly")
	add("eve@example.org")
	if err := s.Suppress(ctx, "bob@example.org", Bounced); err != nil {
		t.Fatal(err)
	}
	list := func(f SubscriberFilter) (got []string) {
		t.Helper()
		err := s.Subscribers(ctx, f, func(sub Subscriber) error {
			line := sub.Address + " " + string(sub.Suppressed)
			for _, n := range sub.Subscriptions {
				line += " " + n.Digest
			}
			got = append(got, line)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	ada, bob, eve := "ada@example.org  monthly weekly", "bob@example.org bounce monthly", "eve@example.org "
	for _, c := range []struct {
		filter SubscriberFilter
		want   []string
	}{
		{SubscriberFilter{}, []string{ada, bob, eve}},
		{SubscriberFilter{Digest: "monthly"}, []string{"ada@example.org  monthly", bob}},
		{SubscriberFilter{Digest: "none"}, nil},
		{SubscriberFilter{Key: "eve@example.org"}, []string{eve}},
	} {
		if diff := cmp.Diff(c.want, list(c.filter), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%+v (-want +got)\n%s", c.filter, diff)
		}
	}
	stop := errors.New("enough")
	calls := 0
	err := s.Subscribers(ctx, SubscriberFilter{}, func(Subscriber) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("after the callback's error: %v, %d calls; want that error after one", err, calls)
	}
}

func TestPing(t *testing.T) {
	s, _ := subscriberStore(t)
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("an open store: %v", err)
	}
	s.Close()
	if err := s.Ping(context.Background()); err == nil {
		t.Error("a closed store can be reached")
	}
}
