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

const hold = 15 * time.Minute

// outgoing is a store with an issue for n subscribers, and its sender.
func outgoing(t *testing.T, n int) (*store.Store, *clock, *store.Issue, *store.Sender) {
	t.Helper()
	s, c := newDigest(t)
	for i := range n {
		subscribe(t, s, fmt.Sprintf("s%d@example.org", i))
	}
	checkList(t, s, list("H", "X", "A"), lenient)
	i := freeze(t, s, weekly, "p")
	return s, c, i, s.Sender("first", hold)
}

func claim(t *testing.T, s *store.Sender, n int) []store.Delivery {
	t.Helper()
	claimed, _, err := s.Claim(context.Background(), n, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return claimed
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func states(t *testing.T, s *store.Store, i *store.Issue) []digest.State {
	t.Helper()
	all, err := s.Deliveries(context.Background(), store.DeliveryQuery{Issue: i.Ref, Limit: 1000})
	do(t, err)
	var got []digest.State
	for _, d := range all {
		got = append(got, d.State)
	}
	return got
}

func wantStates(t *testing.T, s *store.Store, i *store.Issue, want ...digest.State) {
	t.Helper()
	if diff := cmp.Diff(want, states(t, s, i)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestDeliveryLife(t *testing.T) {
	s, c, i, sender := outgoing(t, 4)
	ctx := context.Background()
	d := claim(t, sender, 10)
	if len(d) != 4 {
		t.Fatalf("claimed %d, want 4", len(d))
	}
	if again := claim(t, sender, 10); len(again) != 0 {
		t.Fatalf("claimed %d a second time", len(again))
	}
	do(t, sender.Intent(ctx, d[0], []byte("message")))
	do(t, sender.Sent(ctx, d[0].ID, "250 OK")())
	do(t, sender.Defer(ctx, d[1], c.t.Add(5*time.Minute), "451 later"))
	do(t, sender.Fail(ctx, d[2], "550 5.1.1 nobody", true))
	do(t, sender.Release(ctx, d[3].ID))
	wantStates(t, s, i, digest.Sent, digest.Deferred, digest.Failed, digest.Pending)
	if reason, err := s.Suppressed(ctx, d[2].Address); err != nil || reason != store.Bounced {
		t.Errorf("suppressed for %q (%v), want a bounce", reason, err)
	}
	next := claim(t, sender, 10)
	if len(next) != 1 || next[0].ID != d[3].ID {
		t.Fatalf("claimed %v, want only the one that was given back", next)
	}
	do(t, sender.Release(ctx, d[3].ID))
	backlog, err := s.Backlog(ctx)
	do(t, err)
	if diff := cmp.Diff(store.Backlog{Due: 1, Next: c.t.Add(5 * time.Minute)}, backlog); diff != "" {
		t.Errorf("backlog (-want +got):\n%s", diff)
	}
	c.t = c.t.Add(5 * time.Minute)
	if due := claim(t, sender, 10); len(due) != 2 || due[0].Attempts+due[1].Attempts != 1 {
		t.Errorf("claimed %+v, want both, the deferred one with an attempt", due)
	}
}

// I4: who left or was suppressed after the freeze and before the claim gets nothing.
func TestD1ClaimRefusesWhoLeft(t *testing.T) {
	s, _, i, sender := outgoing(t, 3)
	ctx := context.Background()
	do(t, s.RemoveSubscriber(ctx, "s0@example.org"))
	do(t, s.Suppress(ctx, "s1@example.org", store.Complained))
	claimed, left, err := sender.Claim(ctx, 10, time.Minute)
	do(t, err)
	if len(claimed) != 1 || claimed[0].Address != "s2@example.org" || left != 2 {
		t.Errorf("claimed %+v and left %d, want s2 alone", claimed, left)
	}
	wantStates(t, s, i, digest.Suppressed, digest.Suppressed, digest.Claimed)
}

// I4: who left or was suppressed after the claim and before the dot gets nothing either.
func TestD1IntentRefusesWhoLeft(t *testing.T) {
	s, _, i, sender := outgoing(t, 4)
	ctx := context.Background()
	d := claim(t, sender, 4)
	do(t, s.RemoveSubscriber(ctx, d[0].Address))
	do(t, s.Suppress(ctx, d[1].Address, store.Complained))
	for n, want := range []error{store.ErrUnwanted, store.ErrUnwanted, nil, nil} {
		if err := sender.Intent(ctx, d[n], []byte("bytes")); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", d[n].Address, err, want)
		}
	}
	wantStates(t, s, i, digest.Suppressed, digest.Suppressed, digest.Committing, digest.Committing)
	if err := sender.Intent(ctx, d[0], []byte("bytes")); !errors.Is(err, store.ErrClaimLost) {
		t.Errorf("a second time: error %v, want ErrClaimLost", err)
	}
}

// D3: after a crash, what was claimed is free and what was committing is in doubt; it is sent again after the hold, with
// the same bytes.
func TestD3Recover(t *testing.T) {
	s, c, i, crashed := outgoing(t, 3)
	ctx := context.Background()
	d := claim(t, crashed, 2)
	do(t, crashed.Intent(ctx, d[0], []byte("the bytes")))
	wantStates(t, s, i, digest.Committing, digest.Claimed, digest.Pending)

	sender := s.Sender("second", hold)
	n, err := sender.Recover(ctx)
	do(t, err)
	if n != 1 {
		t.Errorf("%d in doubt, want 1", n)
	}
	wantStates(t, s, i, digest.InDoubt, digest.Pending, digest.Pending)

	// The crashed one was only slow: it must not send what is not its own any more.
	if err := crashed.Intent(ctx, d[1], []byte("late")); !errors.Is(err, store.ErrClaimLost) {
		t.Errorf("intent of a lost claim: error %v, want ErrClaimLost", err)
	}
	if err := crashed.Sent(ctx, d[0].ID, "250 late")(); !errors.Is(err, store.ErrClaimLost) {
		t.Errorf("reply to a lost claim: error %v, want ErrClaimLost", err)
	}

	if got := claim(t, sender, 10); len(got) != 2 {
		t.Fatalf("claimed %d before the hold passed, want the 2 that are not in doubt", len(got))
	}
	c.t = c.t.Add(hold)
	again := claim(t, sender, 10)
	if len(again) != 1 || string(again[0].Message) != "the bytes" {
		t.Fatalf("claimed %+v, want the one in doubt with its bytes", again)
	}

	// It stays in doubt, with its bytes, through all that may happen before its fate is known.
	do(t, sender.Release(ctx, again[0].ID))
	again = claim(t, sender, 10)
	do(t, sender.Defer(ctx, again[0], c.t.Add(time.Minute), "421 busy"))
	wantStates(t, s, i, digest.InDoubt, digest.Claimed, digest.Claimed)
	c.t = c.t.Add(time.Minute)
	again = claim(t, sender, 10)
	do(t, sender.Intent(ctx, again[0], again[0].Message))
	do(t, sender.Doubt(ctx, again[0].ID, "connection lost"))
	c.t = c.t.Add(hold)
	again = claim(t, sender, 10)
	if len(again) != 1 || string(again[0].Message) != "the bytes" || again[0].Attempts != 3 {
		t.Fatalf("claimed %+v, want it with the same bytes and 3 attempts", again)
	}
	third := s.Sender("third", hold)
	_, err = third.Recover(ctx)
	do(t, err)
	wantStates(t, s, i, digest.InDoubt, digest.Pending, digest.Pending)
}

// A message that falls in doubt again and again, by lost connections or by crashes, is not sent for ever.
func TestDoubtsEnd(t *testing.T) {
	for name, interrupt := range map[string]func(*store.Sender, store.Delivery) error{
		"connection lost": func(s *store.Sender, d store.Delivery) error { return s.Doubt(context.Background(), d.ID, "lost") },
		"crash":           func(*store.Sender, store.Delivery) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			s, c, i, sender := outgoing(t, 1)
			ctx := context.Background()
			tries := 0
			for ; tries < 10; tries++ {
				d := claim(t, sender, 1)
				if len(d) == 0 {
					break
				}
				do(t, sender.Intent(ctx, d[0], []byte("bytes")))
				do(t, interrupt(sender, d[0]))
				sender = s.Sender(fmt.Sprintf("after %d", tries), hold)
				_, err := sender.Recover(ctx)
				do(t, err)
				c.t = c.t.Add(hold)
			}
			if tries != 3 {
				t.Errorf("sent %d times, want 3", tries)
			}
			wantStates(t, s, i, digest.InDoubt)
			do(t, sender.Finish(ctx))
			got, err := s.Issue(ctx, weekly.ID, 1)
			do(t, err)
			if got.State != store.IssueDone || got.Counts[digest.InDoubt] != 1 {
				t.Errorf("the issue is %s with %v, want it done with one in doubt", got.State, got.Counts)
			}
		})
	}
}

// A first try's failure leaves no bytes behind: nothing is in doubt.
func TestDeferForgetsTheBytes(t *testing.T) {
	s, c, i, sender := outgoing(t, 1)
	ctx := context.Background()
	d := claim(t, sender, 1)
	do(t, sender.Intent(ctx, d[0], []byte("bytes")))
	do(t, sender.Defer(ctx, d[0], c.t, "451 after the dot"))
	wantStates(t, s, i, digest.Deferred)
	if d = claim(t, sender, 1); len(d) != 1 || d[0].Message != nil || d[0].Attempts != 1 {
		t.Errorf("claimed %+v, want no bytes and one attempt", d)
	}
}

// With the policy to hold, what is in doubt is never sent again, and the issue can end.
func TestD3HoldPolicy(t *testing.T) {
	s, c, i, crashed := outgoing(t, 1)
	ctx := context.Background()
	do(t, crashed.Intent(ctx, claim(t, crashed, 1)[0], []byte("bytes")))
	sender := s.Sender("second", 0)
	_, err := sender.Recover(ctx)
	do(t, err)
	c.t = c.t.Add(100 * time.Hour)
	if got := claim(t, sender, 10); len(got) != 0 {
		t.Fatalf("claimed %+v", got)
	}
	do(t, sender.Finish(ctx))
	wantStates(t, s, i, digest.InDoubt)
	if got, err := s.Issue(ctx, weekly.ID, 1); err != nil || got.State != store.IssueDone {
		t.Errorf("issue %+v (%v), want it done", got, err)
	}
}

// A paused issue is left alone until it is resumed. What was refused for what we are gets its second chance, and what was in
// doubt before the refusal is in doubt again.
func TestPause(t *testing.T) {
	s, c, i, sender := outgoing(t, 5)
	ctx := context.Background()
	d := claim(t, sender, 4)
	do(t, sender.Fail(ctx, d[0], "550 5.2.2 full", false))
	do(t, sender.Refuse(ctx, d[1], "550 5.7.1 no", store.ForUs))
	do(t, sender.Intent(ctx, d[2], []byte("bytes")))
	do(t, sender.Doubt(ctx, d[2].ID, "lost"))
	do(t, sender.Release(ctx, d[3].ID))
	c.t = c.t.Add(hold)
	for _, again := range claim(t, sender, 10) {
		if again.ID == d[2].ID {
			do(t, sender.Refuse(ctx, again, "550 5.7.1 no", store.ForUs))
		} else {
			do(t, sender.Release(ctx, again.ID))
		}
	}
	wantStates(t, s, i, digest.Failed, digest.Failed, digest.Failed, digest.Pending, digest.Pending)

	do(t, s.Pause(ctx, i.Ref, "nobody wants us"))
	wantStates(t, s, i, digest.Failed, digest.Deferred, digest.InDoubt, digest.Pending, digest.Pending)
	c.t = c.t.Add(100 * time.Hour)
	if got := claim(t, sender, 10); len(got) != 0 {
		t.Errorf("claimed %d of a paused issue", len(got))
	}
	do(t, sender.Finish(ctx))
	paused, err := s.Issue(ctx, weekly.ID, 1)
	do(t, err)
	if paused.State != store.IssuePaused || paused.Reason != "nobody wants us" {
		t.Errorf("the issue is %s for %q", paused.State, paused.Reason)
	}
	if backlog, err := s.Backlog(ctx); err != nil || backlog != (store.Backlog{}) {
		t.Errorf("backlog %+v (%v), want none", backlog, err)
	}

	do(t, s.Resume(ctx, i.Ref))
	resumed, err := s.Issue(ctx, weekly.ID, 1)
	do(t, err)
	if resumed.State != store.IssueSending || resumed.Reason != "" {
		t.Errorf("the issue is %s for %q", resumed.State, resumed.Reason)
	}
	bytes := map[int64]string{}
	for _, again := range claim(t, sender, 10) {
		bytes[again.ID] = string(again.Message)
	}
	if diff := cmp.Diff(map[int64]string{d[1].ID: "", d[2].ID: "bytes", d[3].ID: "", d[3].ID + 1: ""}, bytes); diff != "" {
		t.Errorf("claimed with bytes (-want +got):\n%s", diff)
	}
	if err := s.Resume(ctx, i.Ref+1); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("resuming an issue that does not exist: error %v, want ErrNotFound", err)
	}
}

func TestFinishWaitsForEveryDelivery(t *testing.T) {
	s, c, _, sender := outgoing(t, 1)
	ctx := context.Background()
	want := func(state store.IssueState) {
		t.Helper()
		do(t, sender.Finish(ctx))
		i, err := s.Issue(ctx, weekly.ID, 1)
		do(t, err)
		if i.State != state || i.Finished.IsZero() != (state == store.IssueSending) {
			t.Errorf("issue is %s, finished %s; want %s", i.State, i.Finished, state)
		}
	}
	want(store.IssueSending)
	d := claim(t, sender, 1)
	want(store.IssueSending)
	do(t, sender.Defer(ctx, d[0], c.t.Add(time.Hour), "451"))
	want(store.IssueSending)
	c.t = c.t.Add(time.Hour)
	d = claim(t, sender, 1)
	do(t, sender.Intent(ctx, d[0], []byte("bytes")))
	want(store.IssueSending)
	do(t, sender.Doubt(ctx, d[0].ID, "lost"))
	want(store.IssueSending)
	c.t = c.t.Add(hold)
	d = claim(t, sender, 1)
	do(t, sender.Intent(ctx, d[0], d[0].Message))
	do(t, sender.Sent(ctx, d[0].ID, "250 OK")())
	want(store.IssueDone)
}

// Many workers share commits, and each learns its own result.
func TestSenderSharesCommits(t *testing.T) {
	const n = 40
	s, _, i, sender := outgoing(t, n)
	ctx := context.Background()
	var wg sync.WaitGroup
	for _, d := range claim(t, sender, n) {
		wg.Go(func() {
			if err := sender.Intent(ctx, d, []byte("bytes")); err != nil {
				t.Error(err)
			}
			if err := sender.Intent(ctx, d, []byte("twice")); !errors.Is(err, store.ErrClaimLost) {
				t.Errorf("a second intent: error %v, want ErrClaimLost", err)
			}
			if err := sender.Sent(ctx, d.ID, "250 OK")(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := s.Issue(ctx, weekly.ID, i.Number)
	do(t, err)
	if diff := cmp.Diff(map[digest.State]int{digest.Sent: n}, got.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

// A reply rides on the next commit, whoever makes it.
func TestD2SentRidesOnTheNextCommit(t *testing.T) {
	s, _, i, sender := outgoing(t, 2)
	ctx := context.Background()
	d := claim(t, sender, 2)
	do(t, sender.Intent(ctx, d[0], []byte("bytes")))
	settled := sender.Sent(ctx, d[0].ID, "250 OK")
	wantStates(t, s, i, digest.Committing, digest.Claimed)
	do(t, sender.Intent(ctx, d[1], []byte("bytes")))
	wantStates(t, s, i, digest.Sent, digest.Committing)
	do(t, settled())
	do(t, sender.Sent(ctx, d[1].ID, "250 OK")()) // nobody comes after it
	wantStates(t, s, i, digest.Sent, digest.Sent)
}

func TestDeliveriesPages(t *testing.T) {
	s, _, i, sender := outgoing(t, 5)
	ctx := context.Background()
	do(t, sender.Release(ctx, claim(t, sender, 5)[0].ID))
	var got []string
	q := store.DeliveryQuery{Issue: i.Ref, States: []digest.State{digest.Claimed}, Limit: 3}
	for {
		page, err := s.Deliveries(ctx, q)
		do(t, err)
		if len(page) == 0 {
			break
		}
		for _, d := range page {
			got = append(got, d.Address)
		}
		q.After = page[len(page)-1].ID
	}
	if diff := cmp.Diff([]string{"s1@example.org", "s2@example.org", "s3@example.org", "s4@example.org"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Between the claim and the intent somebody may get another address: nothing goes to the one that they left.
func TestAddressChangesAfterTheClaim(t *testing.T) {
	s, c, i, sender := outgoing(t, 1)
	ctx := context.Background()
	d := claim(t, sender, 1)[0]
	do(t, s.MoveForTest(d.Subscriber, "new@example.org", c.t))
	if err := sender.Intent(ctx, d, []byte("to the old address")); !errors.Is(err, store.ErrClaimLost) {
		t.Errorf("the intent of a message to the address that was left: %v, want %v", err, store.ErrClaimLost)
	}
	wantStates(t, s, i, digest.Pending)
	again := claim(t, sender, 1)
	if len(again) != 1 || again[0].Address != "new@example.org" {
		t.Fatalf("claimed %+v, want the same to the new address", again)
	}
	do(t, sender.Intent(ctx, again[0], []byte("to the new address")))
	wantStates(t, s, i, digest.Committing)
}
