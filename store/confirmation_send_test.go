package store_test

import (
	"context"
	"testing"
	"time"

	"linkletter/store"
)

func TestDueConfirmations(t *testing.T) {
	s, c := newStore(t)
	ctx := context.Background()
	signUp := func(address string) {
		t.Helper()
		_, err := s.SignUp(ctx, address, []string{"weekly"}, "client", store.SignUpLimits{Address: 9, Client: 9, Total: 9})
		do(t, err)
	}
	due := func() []store.Confirmation {
		t.Helper()
		got, err := s.DueConfirmations(ctx, 10, func(attempts int) time.Duration { return time.Duration(attempts+1) * time.Hour })
		do(t, err)
		return got
	}
	signed := c.t
	signUp("one@example.org")
	first := due()
	if len(first) != 1 || first[0].Address != "one@example.org" || first[0].Nonce == "" || !first[0].Expires.Equal(signed.Add(48*time.Hour)) {
		t.Fatalf("got %+v", first)
	}
	if again := due(); len(again) != 0 {
		t.Fatalf("%+v is due again at once", again)
	}
	do(t, s.ReleaseConfirmations(ctx, first))
	if again := due(); len(again) != 1 || again[0].Attempts != 0 {
		t.Fatalf("got %+v, want the one that was given back, untried", again)
	}
	do(t, s.ConfirmationFailed(ctx, first[0].ID, "451 later", false))
	c.t = c.t.Add(time.Hour)
	if again := due(); len(again) != 1 || again[0].Attempts != 1 || again[0].Nonce != first[0].Nonce {
		t.Fatalf("got %+v, want the same mail again", again)
	}
	do(t, s.ConfirmationSent(ctx, first[0].ID))
	do(t, s.ReleaseConfirmations(ctx, first))
	if again := due(); len(again) != 0 {
		t.Fatalf("%+v is due after it was sent", again)
	}

	// None of these is to be sent any more.
	signUp("suppressed@example.org")
	signUp("left@example.org")
	signUp("late@example.org")
	do(t, s.Suppress(ctx, "suppressed@example.org", store.Complained))
	do(t, s.RemoveSubscriber(ctx, "left@example.org"))
	c.t = c.t.Add(48 * time.Hour)
	signUp("refused@example.org")
	got := due()
	if len(got) != 1 || got[0].Address != "refused@example.org" {
		t.Fatalf("got %+v, want refused@example.org alone", got)
	}
	do(t, s.ConfirmationFailed(ctx, got[0].ID, "550 no", true))
	c.t = c.t.Add(47 * time.Hour)
	if got := due(); len(got) != 0 {
		t.Errorf("got %+v, want nothing", got)
	}
}
