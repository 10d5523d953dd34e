package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed/digest"
	"linkletter/store"
)

func issueOf(t *testing.T, s *store.Store, number int) *store.Issue {
	t.Helper()
	i, err := s.Issue(context.Background(), weekly.ID, number)
	do(t, err)
	return i
}

func candidateTitles(t *testing.T, s *store.Store) []string {
	t.Helper()
	items, err := s.Candidates(context.Background(), weekly)
	do(t, err)
	var got []string
	for _, item := range items {
		got = append(got, item.Title)
	}
	return got
}

// Once an issue is paused, nothing of it is sent: what was claimed before goes back as it was, and what is on the wire ends.
func TestPauseStopsIntents(t *testing.T) {
	s, c, i, sender := outgoing(t, 4)
	ctx := context.Background()
	d := claim(t, sender, 4)
	do(t, sender.Intent(ctx, d[0], []byte("in doubt")))
	do(t, sender.Doubt(ctx, d[0].ID, "lost"))
	c.t = c.t.Add(hold)
	again := claim(t, sender, 1)[0]
	do(t, sender.Intent(ctx, d[1], []byte("on the wire")))
	do(t, s.Pause(ctx, i.Ref, "the operator's"))
	do(t, s.Pause(ctx, i.Ref, "a second time"))
	for _, d := range []store.Delivery{again, d[2]} {
		if err := sender.Intent(ctx, d, []byte("x")); !errors.Is(err, store.ErrStopped) {
			t.Errorf("intent of delivery %d: error %v, want ErrStopped", d.ID, err)
		}
	}
	wantStates(t, s, i, digest.InDoubt, digest.Committing, digest.Pending, digest.Claimed)
	if n, err := s.OnTheWire(ctx, i.Ref); err != nil || n != 1 {
		t.Errorf("%d on the wire (%v), want 1", n, err)
	}
	do(t, sender.Sent(ctx, d[1].ID, "250 OK")())
	do(t, sender.Release(ctx, d[3].ID))
	if got := issueOf(t, s, 1); got.State != store.IssuePaused || got.Reason != "the operator's" {
		t.Errorf("the issue is %s for %q", got.State, got.Reason)
	}
	do(t, s.Resume(ctx, i.Ref))
	do(t, s.Resume(ctx, i.Ref))
	if got := claim(t, sender, 9); len(got) != 3 || string(got[0].Message)+string(got[1].Message)+string(got[2].Message) != "in doubt" {
		t.Errorf("claimed %+v once resumed, want the three that are left, one with its bytes", got)
	}
}

// A cancelled issue ends whatever its deliveries are at, and what may have been received stays known by name.
func TestCancel(t *testing.T) {
	s, c, i, sender := outgoing(t, 10)
	ctx := context.Background()
	d := claim(t, sender, 8)
	for _, n := range []int{0, 1, 2, 3, 4, 5} {
		do(t, sender.Intent(ctx, d[n], []byte("bytes")))
	}
	do(t, sender.Sent(ctx, d[0].ID, "250 OK")())
	do(t, sender.Doubt(ctx, d[1].ID, "lost"))
	do(t, sender.Defer(ctx, d[6], c.t.Add(hold), "451 later"))
	do(t, s.Cancel(ctx, i.Ref, "a mistake in it"))
	do(t, s.Cancel(ctx, i.Ref, "a second time"))
	wantStates(t, s, i, digest.Sent, digest.InDoubt, digest.Committing, digest.Committing, digest.Committing, digest.Committing,
		digest.Cancelled, digest.Cancelled, digest.Cancelled, digest.Cancelled)

	// What was on the wire ends as it ends, and is not tried again.
	do(t, sender.Sent(ctx, d[2].ID, "250 OK")())
	do(t, sender.Doubt(ctx, d[3].ID, "lost"))
	do(t, sender.Defer(ctx, d[4], c.t.Add(hold), "451 later"))
	if err := sender.Intent(ctx, d[7], []byte("bytes")); !errors.Is(err, store.ErrClaimLost) {
		t.Errorf("intent of a cancelled delivery: error %v, want ErrClaimLost", err)
	}
	next := s.Sender("second", hold) // the one before crashed
	if n, err := next.Recover(ctx); err != nil || n != 1 {
		t.Errorf("recovered %d (%v), want the one that was on the wire", n, err)
	}
	c.t = c.t.Add(1000 * hold)
	if n, err := next.Recover(ctx); err != nil || n != 0 {
		t.Errorf("recovered %d (%v), want none", n, err)
	}
	if got := claim(t, next, 10); len(got) != 0 {
		t.Errorf("claimed %+v of a cancelled issue", got)
	}
	wantStates(t, s, i, digest.Sent, digest.InDoubt, digest.Sent, digest.InDoubt, digest.Cancelled, digest.InDoubt,
		digest.Cancelled, digest.Cancelled, digest.Cancelled, digest.Cancelled)

	got := issueOf(t, s, 1)
	if got.State != store.IssueCancelled || got.Reason != "a mistake in it" || got.Finished.IsZero() || got.Withdrawn || !got.Public() {
		t.Errorf("the issue: %+v", got)
	}
	if titles := candidateTitles(t, s); titles != nil {
		t.Errorf("%v wait for the next issue, though somebody got them", titles)
	}
	if open, err := s.OpenIssues(ctx, weekly.ID); err != nil || len(open) != 1 {
		t.Errorf("open: %v (%v), want the issue, for what is in doubt", open, err)
	}
}

// An issue that nobody got gives its entries back, and keeps its number and period.
func TestCancelGivesEntriesBack(t *testing.T) {
	for name, test := range map[string]struct {
		before func(t *testing.T, s *store.Sender)
		free   bool
	}{
		"untried":     {func(*testing.T, *store.Sender) {}, true},
		"refused":     {func(t *testing.T, s *store.Sender) { do(t, s.Fail(t.Context(), claim(t, s, 1)[0], "550", false)) }, true},
		"claimed":     {func(t *testing.T, s *store.Sender) { claim(t, s, 1) }, true},
		"on the wire": {func(t *testing.T, s *store.Sender) { do(t, s.Intent(t.Context(), claim(t, s, 1)[0], []byte("x"))) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, c, i, sender := outgoing(t, 2)
			ctx := t.Context()
			test.before(t, sender)
			do(t, s.Cancel(ctx, i.Ref, "no"))
			got := issueOf(t, s, 1)
			if got.Withdrawn != test.free || got.Public() == test.free {
				t.Errorf("withdrawn: %v, public: %v", got.Withdrawn, got.Public())
			}
			var want []string
			if test.free {
				want = []string{"A"}
			}
			if diff := cmp.Diff(want, candidateTitles(t, s)); diff != "" {
				t.Errorf("waiting for the next issue (-want +got):\n%s", diff)
			}
			if again := freeze(t, s, weekly, "p"); again != nil {
				t.Errorf("the period has another issue, %d", again.Number)
			}
			c.t = c.t.Add(hold)
			checkList(t, s, list("H", "X", "A", "B"), lenient)
			if next := freeze(t, s, weekly, "p2"); next == nil || next.Number != 2 || next.Len() != len(want)+1 {
				t.Errorf("the next issue: %+v", next)
			}
		})
	}
}

// What cannot be done to an issue says in which state it is.
func TestWrongState(t *testing.T) {
	s, _, i, sender := outgoing(t, 1)
	ctx := context.Background()
	do(t, sender.Fail(ctx, claim(t, sender, 1)[0], "550", false))
	do(t, sender.Finish(ctx))
	for name, do := range map[string]func() error{
		"pause":  func() error { return s.Pause(ctx, i.Ref, "") },
		"resume": func() error { return s.Resume(ctx, i.Ref) },
		"cancel": func() error { return s.Cancel(ctx, i.Ref, "") },
	} {
		var wrong *store.WrongStateError
		if err := do(); !errors.As(err, &wrong) || wrong.State != store.IssueDone {
			t.Errorf("%s: error %v, want one that says done", name, err)
		}
	}
	if err := s.Cancel(ctx, i.Ref+1, ""); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("cancelling an issue that does not exist: error %v, want ErrNotFound", err)
	}
}
