package store

import (
	"strings"
	"testing"
)

// Whoever counts how many sign-ups of their own get through must not learn by it what is known of another address.
func TestLimitsTellNothing(t *testing.T) {
	ctx := t.Context()
	limits := SignUpLimits{Address: 2, Client: 3, Total: 100}
	for name, prepare := range map[string]func(s *Store) error{
		"unknown":    func(*Store) error { return nil },
		"subscribed": func(s *Store) error { return s.AddSubscriber(ctx, "ada@example.org", []string{"weekly"}) },
		"suppressed": func(s *Store) error { return s.Suppress(ctx, "ada@example.org", Complained) },
		"asked often": func(s *Store) error {
			for range 3 {
				if _, err := s.SignUp(ctx, "ada@example.org", []string{"weekly"}, "another", limits); err != nil {
					return err
				}
				sent(t, s)
			}
			return nil
		},
		"waiting": func(s *Store) error {
			_, err := s.SignUp(ctx, "ada@example.org", []string{"weekly"}, "another", limits)
			return err
		},
	} {
		s, _ := subscriberStore(t)
		if err := prepare(s); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignUp(ctx, "ada@example.org", []string{"weekly"}, "eve", limits); err != nil {
			t.Fatal(err)
		}
		through := 0
		for _, own := range strings.Fields("a b c d") {
			done, err := s.SignUp(ctx, own+"@example.net", []string{"weekly"}, "eve", limits)
			if err != nil {
				t.Fatal(err)
			}
			through += done.Queued
		}
		if through != 2 {
			t.Errorf("after a sign-up of an address that is %s, %d of eve's own get through; want 2 whatever it is", name, through)
		}
	}
}

// Whoever signs up, wants their address changed to another's and has themselves forgotten, again and again, sends no more mails
// there than anybody.
func TestForgettingResetsNoLimit(t *testing.T) {
	ctx := t.Context()
	s, _ := subscriberStore(t)
	limits := SignUpLimits{Address: 2, Client: 100, Total: 100}
	mails := 0
	for range 5 {
		if err := s.AddSubscriber(ctx, "eve@example.net", []string{"weekly"}); err != nil {
			s.must(t, `DELETE FROM suppression`) // as who comes back with the form
			if err := s.AddSubscriber(ctx, "eve@example.net", []string{"weekly"}); err != nil {
				t.Fatal(err)
			}
		}
		eve := find(t, s, "eve@example.net").ID
		s.must(t, `INSERT INTO confirmation (subscriber, kind, digest, address, key, nonce, origin, created) VALUES (?, 'leave_address', '', 'ada@example.org', 'eve@example.net', 'n', '', ?)`,
			eve, s.now().Unix())
		var id int64
		if err := s.db.QueryRowContext(ctx, `SELECT max(id) FROM confirmation`).Scan(&id); err != nil {
			t.Fatal(err)
		}
		_, done, err := s.LeaveAddress(ctx, id, "n", "client", limits)
		if err != nil {
			t.Fatal(err)
		}
		mails += done.Queued
		if err := s.Forget(ctx, eve); err != nil {
			t.Fatal(err)
		}
	}
	if mails != limits.Address {
		t.Errorf("%d mails to one address, want %d", mails, limits.Address)
	}
	if found := mentions(t, s, "eve@", "ada@"); len(found) > 0 {
		if _, err := s.Cleanse(ctx); err != nil {
			t.Fatal(err)
		}
		if found = mentions(t, s, "eve@", "ada@"); len(found) > 0 {
			t.Errorf("left: %q", found)
		}
	}
	whole(t, s)
}
