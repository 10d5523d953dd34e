package store

import (
	"errors"
	"testing"
)

// mayTake lets a subscriber take a new address, as if the mails were answered so far.
func mayTake(t *testing.T, s *Store, subscriber, confirmation int64, kind ActKind, other string) {
	t.Helper()
	s.must(t, `INSERT INTO confirmation (id, subscriber, kind, digest, address, key, nonce, origin, created) VALUES (?, ?, ?, '', ?, 'asked@example.org', 'n', '', ?)`,
		confirmation, subscriber, kind, other, s.now().Unix())
}

// An old file does not bring back an address that its subscriber exchanged for another, and they themselves can.
func TestTheOldAddressStaysAway(t *testing.T) {
	ctx := t.Context()
	s, _ := subscriberStore(t)
	if err := s.AddSubscriber(ctx, "old@example.org", []string{"weekly"}); err != nil {
		t.Fatal(err)
	}
	id := find(t, s, "old@example.org").ID
	mayTake(t, s, id, 77, ActTakeAddress, "OLD@example.org") // another spelling is no other address
	if _, err := s.TakeAddress(ctx, 77, "n"); err != nil {
		t.Fatal(err)
	}
	if reason, err := s.Suppressed(ctx, "old@example.org"); err != nil || reason != "" {
		t.Errorf("spelt otherwise, the address is suppressed: %q, %v", reason, err)
	}
	mayTake(t, s, id, 78, ActTakeAddress, "new@example.org")
	if _, err := s.TakeAddress(ctx, 78, "n"); err != nil {
		t.Fatal(err)
	}
	var suppressed *SuppressedError
	if err := s.AddSubscriber(ctx, "old@example.org", []string{"weekly"}); !errors.As(err, &suppressed) || suppressed.Reason != Left {
		t.Errorf("the old address is added again: %v", err)
	}
	mayTake(t, s, id, 79, ActTakeAddress, "old@example.org")
	if _, err := s.TakeAddress(ctx, 79, "n"); err != nil {
		t.Errorf("going back: %v", err)
	}
	for address, want := range map[string]Reason{"old@example.org": "", "new@example.org": Left} {
		if reason, err := s.Suppressed(ctx, address); err != nil || reason != want {
			t.Errorf("%s is suppressed as %q (%v), want %q", address, reason, err, want)
		}
	}
}

// What a move makes of links that went to the old address, nobody waits for.
func TestAMoveEndsWhatWaits(t *testing.T) {
	ctx := t.Context()
	s, _ := subscriberStore(t)
	signUp(t, s, "old@example.org")
	if err := s.AddSubscriber(ctx, "old@example.org", []string{"monthly"}); err != nil {
		t.Fatal(err)
	}
	id := find(t, s, "old@example.org").ID
	mayTake(t, s, id, 77, ActTakeAddress, "new@example.org")
	if _, err := s.TakeAddress(ctx, 77, "n"); err != nil {
		t.Fatal(err)
	}
	if all := find(t, s, "new@example.org").Subscriptions; len(all) != 1 || all[0].Digest != "monthly" {
		t.Errorf("after the move there are %+v, want monthly alone", all)
	}
}

// Beyond the limits nothing is used up: the link of the mail to the old address is good for another try.
func TestLeavingAnAddressBeyondTheLimit(t *testing.T) {
	ctx := t.Context()
	s, _ := subscriberStore(t)
	if err := s.AddSubscriber(ctx, "old@example.org", []string{"weekly"}); err != nil {
		t.Fatal(err)
	}
	mayTake(t, s, find(t, s, "old@example.org").ID, 77, ActLeaveAddress, "new@example.org")
	for _, c := range []struct {
		limits SignUpLimits
		want   SignedUp
	}{{SignUpLimits{0, 9, 9}, SignedUp{Limited: true}}, {SignUpLimits{9, 9, 9}, SignedUp{Queued: 1}}} {
		if _, done, err := s.LeaveAddress(ctx, 77, "n", "client", c.limits); err != nil || done != c.want {
			t.Errorf("with limits %+v: %+v, %v; want %+v", c.limits, done, err, c.want)
		}
	}
	if _, _, err := s.LeaveAddress(ctx, 77, "n", "client", SignUpLimits{9, 9, 9}); !errors.Is(err, ErrStale) {
		t.Errorf("the link is good for another mail: %v", err)
	}
}

// Whoever takes the place of somebody who left has left what they left, though they were asked about it themselves and do not answer.
func TestTakingAnAddressKeepsWhatItLeft(t *testing.T) {
	ctx := t.Context()
	s, clock := subscriberStore(t)
	for _, address := range []string{"old@example.org", "new@example.org"} {
		if err := s.AddSubscriber(ctx, address, []string{"weekly", "monthly"}); err != nil {
			t.Fatal(err)
		}
	}
	left, mover := find(t, s, "new@example.org").ID, find(t, s, "old@example.org").ID
	if err := s.UnsubscribeAll(ctx, left); err != nil {
		t.Fatal(err)
	}
	s.must(t, `UPDATE subscription SET state = 'pending', created = ? WHERE subscriber = ? AND digest = 'weekly'`, s.now().Unix(), mover)
	s.must(t, `INSERT INTO confirmation (id, subscriber, kind, digest, address, key, nonce, origin, created) VALUES (77, ?, 'take_address', '', 'new@example.org', 'new@example.org', 'n', '', ?)`,
		mover, s.now().Unix())
	if _, err := s.TakeAddress(ctx, 77, "n"); err != nil {
		t.Fatal(err)
	}
	*clock = clock.Add(2 * ConfirmationTime)
	if _, err := s.PrunePeople(ctx, 100); err != nil {
		t.Fatal(err)
	}
	if err := s.AddSubscriber(ctx, "new@example.org", []string{"weekly"}); err == nil {
		t.Error("new@example.org left weekly, and was subscribed to it again by others")
	}
	if n := find(t, s, "new@example.org"); n.ID != mover || n.Subscriptions[0].State != SubscriptionConfirmed {
		t.Errorf("the address is that of %+v", n)
	}
}
