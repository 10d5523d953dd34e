package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/store"
)

var limits = store.SignUpLimits{Address: 3, Client: 100, Total: 100}

const toolList = "# Tools\n\n## Hand\n\n### Saws\n\n- [Bow saw](https://example.org/bow)\n\n## Power\n\n- [Drill](https://example.org/drill)\n"

// subscribed is a store with a list of three sections and a subscriber to weekly, by number.
func subscribed(t *testing.T) (*store.Store, *clock, int64) {
	t.Helper()
	s, c := newStore(t)
	checkList(t, s, toolList, lenient)
	if err := s.AddSubscriber(t.Context(), "ada@example.org", []string{"weekly"}); err != nil {
		t.Fatal(err)
	}
	ada, err := s.SubscriberByAddress(t.Context(), "ada@example.org")
	if err != nil {
		t.Fatal(err)
	}
	return s, c, ada.ID
}

func preferences(t *testing.T, s *store.Store, id int64) *store.Preferences {
	t.Helper()
	p, err := s.Preferences(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPreferencesAreKept(t *testing.T) {
	s, c, ada := subscribed(t)
	title, sections, err := s.ListSections(t.Context(), "a", ada)
	if err != nil || title != "Tools" {
		t.Fatalf("the list is called %q, %v", title, err)
	}
	var slugs []string
	for _, sec := range sections {
		slugs = append(slugs, sec.Slug)
	}
	if diff := cmp.Diff([]string{"hand", "saws", "power"}, slugs); diff != "" {
		t.Fatalf("sections to choose from (-want +got):\n%s", diff)
	}
	until := c.t.Add(72 * time.Hour)
	chosen := []store.Choice{{List: "a", Section: "hand"}, {List: "a", Section: "power"}, {List: "b"}}
	for range 2 { // a reload changes nothing
		done, err := s.SetPreferences(t.Context(), ada, until,
			map[string]store.Wish{"weekly": {Subscribed: true, Choices: chosen}, "monthly": {Subscribed: true}, "daily": {}}, "client", limits)
		if err != nil {
			t.Fatal(err)
		}
		p := preferences(t, s, ada)
		if diff := cmp.Diff(map[string][]store.Choice{"weekly": chosen}, p.Choices); diff != "" {
			t.Errorf("choices (-want +got):\n%s", diff)
		}
		if !p.Paused.Equal(until) || p.Subscription("weekly").State != store.SubscriptionConfirmed ||
			p.Subscription("monthly").State != store.SubscriptionPending || p.Subscription("daily").State != "" {
			t.Errorf("after %+v: %+v", done, p)
		}
	}
	due, err := s.DueConfirmations(t.Context(), 10, func(int) time.Duration { return 0 })
	if err != nil || len(due) != 1 || due[0].Digest != "monthly" {
		t.Errorf("mails that ask: %+v, %v; want one, for monthly", due, err)
	}
	// What she chose stays to be seen when nothing stands in it any more.
	checkList(t, s, "# Tools\n\n## Power\n\n- [Drill](https://example.org/drill)\n", lenient)
	if _, sections, err = s.ListSections(t.Context(), "a", ada); err != nil || len(sections) != 2 {
		t.Errorf("sections once a chosen one is empty: %+v, %v", sections, err)
	}
	c.t = until
	if p := preferences(t, s, ada); !p.Paused.IsZero() {
		t.Errorf("the pause is over, but it says %v", p.Paused)
	}
	if err := s.UnsubscribeAll(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	p := preferences(t, s, ada)
	if len(p.Choices) > 0 || p.Subscription("weekly").State != store.SubscriptionUnsubscribed || p.Subscription("monthly").State != store.SubscriptionUnsubscribed {
		t.Errorf("after leaving everything: %+v", p)
	}
}

func TestPreferencesAllOrNothing(t *testing.T) {
	s, c, ada := subscribed(t)
	before := preferences(t, s, ada)
	_, err := s.SetPreferences(t.Context(), ada, c.t.Add(time.Hour), map[string]store.Wish{
		"daily":  {Subscribed: true},
		"weekly": {Subscribed: true, Choices: []store.Choice{{List: "a", Section: "hand"}, {List: "a", Section: "nowhere"}}},
	}, "client", limits)
	if !errors.Is(err, store.ErrNoSection) {
		t.Errorf("error %v, want ErrNoSection", err)
	}
	if diff := cmp.Diff(before, preferences(t, s, ada)); diff != "" {
		t.Errorf("a wish that cannot be done changed something (-before +after):\n%s", diff)
	}
	if _, err := s.Preferences(t.Context(), 4711); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("preferences of nobody: %v", err)
	}
	if _, err := s.SetPreferences(t.Context(), 4711, time.Time{}, nil, "", limits); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("setting the preferences of nobody: %v", err)
	}
	if err := s.PauseSubscriber(t.Context(), 4711, c.t); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("pausing nobody: %v", err)
	}
}

// A digest that cannot be asked for leaves no choice behind for a later sign-up.
func TestPreferencesBeyondTheLimit(t *testing.T) {
	s, _, ada := subscribed(t)
	done, err := s.SetPreferences(t.Context(), ada, time.Time{}, map[string]store.Wish{
		"monthly": {Subscribed: true, Choices: []store.Choice{{List: "a"}}},
	}, "client", store.SignUpLimits{})
	if err != nil || !done.Limited || done.Queued != 0 {
		t.Errorf("%+v, %v; want it limited", done, err)
	}
	if p := preferences(t, s, ada); len(p.Choices) != 0 || p.Subscription("monthly").State != "" {
		t.Errorf("something is left: %+v", p)
	}
}

func TestComingBack(t *testing.T) {
	for reason, want := range map[store.Reason]int{
		store.Left: 1, store.Bounced: 0, store.Complained: 0, store.Dismissed: 0,
	} {
		t.Run(string(reason), func(t *testing.T) {
			s, _ := newStore(t)
			ctx := t.Context()
			if err := s.Suppress(ctx, "ada@example.org", reason); err != nil {
				t.Fatal(err)
			}
			if done, err := s.SignUp(ctx, "ada@example.org", []string{"weekly"}, "client", limits); err != nil || done.Queued != want {
				t.Fatalf("signing up queued %+v, %v; want %d", done, err, want)
			}
			due, err := s.DueConfirmations(ctx, 10, func(int) time.Duration { return 0 })
			if err != nil || len(due) != want {
				t.Fatalf("due: %+v, %v; want %d", due, err, want)
			}
			if got, _ := s.Suppressed(ctx, "ada@example.org"); got != reason {
				t.Errorf("asking lifted the suppression: %q", got)
			}
			for _, c := range due {
				if err := s.Confirm(ctx, c.Subscriber, c.Digest, c.Nonce); err != nil {
					t.Fatal(err)
				}
				if got, err := s.Suppressed(ctx, "ada@example.org"); got != "" || err != nil {
					t.Errorf("after confirming she is suppressed for %q, %v", got, err)
				}
			}
		})
	}
}
