package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStandings(t *testing.T) {
	s, clock := subscriberStore(t)
	for _, a := range []string{"a@example.org", "b@example.org", "c@example.org", "d@example.org", "e@example.org"} {
		if err := s.AddSubscriber(t.Context(), a, []string{"weekly"}); err != nil {
			t.Fatal(err)
		}
	}
	signUp(t, s, "waits@example.org")
	if err := s.RemoveSubscriber(t.Context(), "a@example.org"); err != nil {
		t.Fatal(err)
	}
	for _, a := range []string{"a@example.org", "b@example.org", "c@example.org", "stranger@example.org"} {
		if err := s.Suppress(t.Context(), a, Bounced); err != nil {
			t.Fatal(err)
		}
	}
	for a, until := range map[string]int{"c@example.org": 9, "d@example.org": 9, "e@example.org": -9} {
		_, err := s.db.ExecContext(t.Context(), `UPDATE subscriber SET paused = ? WHERE key = ?`, clock.AddDate(0, 0, until).Unix(), a)
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Standings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]Standing{"weekly": {Confirmed: 1, Pending: 1, Paused: 1, Suppressed: 2, Left: 1}}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
