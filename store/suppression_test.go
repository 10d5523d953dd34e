package store

import (
	"errors"
	"testing"
)

func TestSuppress(t *testing.T) {
	ctx := t.Context()
	s, _ := subscriberStore(t)
	if err := s.Suppress(ctx, "Ada@Bücher.example", Complained); err != nil {
		t.Fatal(err)
	}
	if err := s.Suppress(ctx, "ada@bücher.example", Bounced); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]Reason{"ada@xn--bcher-kva.example": Complained, "bob@example.org": ""} {
		got, err := s.Suppressed(ctx, address)
		if err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", address, got, err, want)
		}
	}
	if err := s.Suppress(ctx, "nobody", Dismissed); err == nil {
		t.Error("what is no address can be suppressed")
	}
	// Nothing of the address is kept in the clear. (Three letters of it may stand in a hash by chance.)
	var plain int
	err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM suppression WHERE hash LIKE '%@%' OR hash LIKE '%bcher%' OR length(hash) < 32`).Scan(&plain)
	if err != nil || plain != 0 {
		t.Errorf("%d suppressions show their address, %v", plain, err)
	}
	if n := signUp(t, s, "ada@bücher.example"); n != 0 {
		t.Errorf("signing up a suppressed address queued %d mails", n)
	}
	if _, err := s.SubscriberByAddress(ctx, "ada@bücher.example"); !errors.Is(err, ErrNotFound) {
		t.Errorf("signing up a suppressed address made a subscriber: %v", err)
	}
	err = s.AddSubscriber(ctx, "ada@bücher.example", []string{"weekly"})
	if _, ok := errors.AsType[*SuppressedError](err); !ok {
		t.Errorf("adding a suppressed address: %v, want a SuppressedError", err)
	}
}
