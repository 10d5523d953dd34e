package store

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestSignUpQueuesOnce(t *testing.T) {
	ctx := t.Context()
	s, clock := subscriberStore(t)
	for i, want := range []int{1, 0} { // the second finds a mail that waits
		if got := signUp(t, s, "ada@example.org"); got != want {
			t.Errorf("sign-up %d queued %d mails, want %d", i, got, want)
		}
	}
	ada := find(t, s, "ada@example.org")
	first := nonce(t, s, ada.ID)
	sent(t, s)
	*clock = clock.Add(time.Minute)
	if got := signUp(t, s, "ada@example.org"); got != 1 {
		t.Errorf("asking again for a mail that was sent queued %d", got)
	}
	if again := nonce(t, s, ada.ID); again != first {
		t.Errorf("the link that is in her mailbox is no good any more")
	}
	if err := s.Confirm(ctx, ada.ID, "weekly", first); err != nil {
		t.Fatal(err)
	}
	if n := waiting(t, s); n != 0 {
		t.Errorf("%d mails still wait after she confirmed", n)
	}
	if got := signUp(t, s, "ada@example.org"); got != 0 {
		t.Errorf("signing up a subscriber queued %d mails", got)
	}
	queued, err := s.SignUp(ctx, "ada@example.org", []string{"weekly", "monthly", "monthly"}, "client", plenty)
	if err != nil || queued.Queued != 1 {
		t.Errorf("signing up for one digest more queued %+v mails, %v; want 1", queued, err)
	}
}

// sent marks all confirmation mails as sent.
func sent(t *testing.T, s *Store) {
	t.Helper()
	if _, err := s.db.ExecContext(t.Context(), `UPDATE confirmation SET sent = created, next = NULL`); err != nil {
		t.Fatal(err)
	}
}

func TestSignUpLimits(t *testing.T) {
	type try struct {
		after           time.Duration
		address, client string
		digests         int
		want            int
	}
	for name, c := range map[string]struct {
		limits SignUpLimits
		tries  []try
	}{
		"per address": {SignUpLimits{Address: 2, Client: 100, Total: 100}, []try{
			{0, "ada", "a", 1, 1}, {0, "ada", "b", 1, 1}, {0, "ada", "b", 1, 0}, {time.Minute, "ada", "c", 1, 0}, {0, "bob", "c", 3, 3},
			{24 * time.Hour, "ada", "a", 1, 1},
		}},
		"per client": {SignUpLimits{Address: 100, Client: 2, Total: 100}, []try{
			{0, "ada", "a", 1, 1}, {0, "bob", "a", 1, 1}, {0, "eve", "a", 1, 0}, {0, "eve", "b", 1, 1},
			{time.Hour, "zoe", "a", 1, 1},
		}},
		"in total": {SignUpLimits{Address: 100, Client: 100, Total: 3}, []try{
			{0, "ada", "a", 2, 2}, {0, "bob", "b", 2, 0}, {0, "bob", "b", 1, 1}, {0, "eve", "c", 1, 0}, {time.Hour, "eve", "c", 1, 1},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s, clock := subscriberStore(t)
			for i, try := range c.tries {
				*clock = clock.Add(try.after)
				digests := []string{"weekly", "monthly", "yearly"}[:try.digests]
				got, err := s.SignUp(t.Context(), try.address+"@example.org", digests, try.client, c.limits)
				if err != nil || got.Queued != try.want || got.Limited != (try.want == 0) {
					t.Errorf("try %d (%s from %s): %+v, %v; want %d mails", i, try.address, try.client, got, err, try.want)
				}
				sent(t, s)
			}
		})
	}
}

func TestSignUpForgets(t *testing.T) {
	s, clock := subscriberStore(t)
	signUp(t, s, "ada@example.org")
	sent(t, s)
	signUp(t, s, "bob@example.org") // never sent
	*clock = clock.Add(25 * time.Hour)
	signUp(t, s, "eve@example.org")
	if _, err := s.PrunePeople(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	var ada, all int
	err := s.db.QueryRowContext(t.Context(), `SELECT count(*) FILTER (WHERE sent IS NOT NULL), count(*) FROM confirmation`).Scan(&ada, &all)
	if err != nil || ada != 0 || all != 2 {
		t.Errorf("a day later %d rows of sent mails are kept of %d, %v; want 0 of 2", ada, all, err)
	}
}

func TestSignUpRace(t *testing.T) {
	s, _ := subscriberStore(t)
	var wg sync.WaitGroup
	total := make(chan int, 20)
	for i := range 20 {
		wg.Go(func() {
			n, err := s.SignUp(t.Context(), fmt.Sprintf("ada%d@example.org", i%2), []string{"weekly"}, "client", SignUpLimits{Address: 5, Client: 1, Total: 100})
			if err != nil {
				t.Error(err)
			}
			total <- n.Queued
		})
	}
	wg.Wait()
	close(total)
	sum := 0
	for n := range total {
		sum += n
	}
	if sum != 1 {
		t.Errorf("20 sign-ups at once from a client that may make one led to %d mails", sum)
	}
}
