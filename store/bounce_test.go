package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/store"
)

var softLimit = store.SoftLimit{Score: 3, HalfLife: 24 * time.Hour}

// bounced is a store with subscribers s0… and the rows of so many issues that they got.
func bounced(t *testing.T, subscribers, issues int) (*store.Store, *clock, []int64) {
	t.Helper()
	s, c := newDigest(t)
	for i := range subscribers {
		subscribe(t, s, fmt.Sprintf("s%d@example.org", i))
	}
	var refs []int64
	titles := []string{"X"}
	for i := range issues {
		titles = append(titles, fmt.Sprintf("A%d", i))
		checkList(t, s, list("H", titles...), lenient)
		refs = append(refs, freeze(t, s, weekly, fmt.Sprint(i)).Ref)
		c.t = c.t.Add(time.Second)
	}
	return s, c, refs
}

func record(t *testing.T, s *store.Store, b store.Bounce) store.Bouncing {
	t.Helper()
	became, err := s.RecordBounce(context.Background(), b, softLimit)
	do(t, err)
	return became
}

func wantSuppressed(t *testing.T, s *store.Store, address string, want store.Reason) {
	t.Helper()
	got, err := s.Suppressed(context.Background(), address)
	if err != nil || got != want {
		t.Errorf("%s is suppressed for %q (%v), want %q", address, got, err, want)
	}
}

// P6: what a proven report does at once, and what it does not.
func TestP6BounceKinds(t *testing.T) {
	for name, c := range map[string]struct {
		kind   store.BounceKind
		proven bool
		became store.Bouncing
		reason store.Reason
	}{
		"hard":                {store.BounceHard, true, store.BounceSuppressed, store.Bounced},
		"complaint":           {store.BounceComplaint, true, store.BounceSuppressed, store.Complained},
		"hard, elsewhere":     {store.BounceHard, true, store.BounceCounted, ""},
		"soft":                {store.BounceSoft, true, store.BounceCounted, ""},
		"unproven hard":       {store.BounceHard, false, store.BounceUnproven, ""},
		"unproven complaint":  {store.BounceComplaint, false, store.BounceUnproven, ""},
		"unproven soft":       {store.BounceSoft, false, store.BounceUnproven, ""},
		"hard, of a question": {store.BounceHard, true, store.BounceSuppressed, store.Bounced},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, issues := bounced(t, 1, 1)
			b := store.Bounce{Report: "r", Subscriber: 1, Issue: issues[0], Kind: c.kind, Proven: c.proven}
			switch name {
			case "hard, of a question":
				b.Issue = 0
			case "hard, elsewhere":
				b.Keys = []string{"forwarded@example.net"}
			}
			if got := record(t, s, b); got != c.became {
				t.Errorf("%+v became %s, want %s", b, got, c.became)
			}
			wantSuppressed(t, s, "s0@example.org", c.reason)
		})
	}
}

// P6: soft bounces add up, one for each issue, and fade.
func TestP6SoftScoreDecays(t *testing.T) {
	s, c, issues := bounced(t, 1, 6)
	n := 0
	soft := func(issue int64) store.Bouncing {
		n++
		return record(t, s, store.Bounce{Report: fmt.Sprint(n), Subscriber: 1, Issue: issue, Kind: store.BounceSoft, Proven: true})
	}
	for range 10 { // a server that reports again and again about one message
		soft(issues[0])
	}
	soft(issues[1])
	wantSuppressed(t, s, "s0@example.org", "")
	c.t = c.t.Add(softLimit.HalfLife)
	if got := soft(issues[2]); got != store.BounceCounted { // 1/2 + 1/2 + 1
		t.Errorf("the third became %s, want counted", got)
	}
	rows, err := s.Bounces(context.Background(), 1, softLimit.HalfLife)
	do(t, err)
	if rows[0].Score < 1.9 || rows[0].Score > 2.1 || rows[0].Number != 3 || rows[0].Address != "s0@example.org" {
		t.Errorf("the newest is %+v, want one of issue 3 with a score of 2", rows[0])
	}
	if got := soft(issues[3]); got != store.BounceSuppressed { // 3
		t.Errorf("the fourth became %s, want suppressed", got)
	}
	wantSuppressed(t, s, "s0@example.org", store.Bounced)
}

// P6: each report counts once, however often it is read, also by two at the same time.
func TestP6ReportCountsOnce(t *testing.T) {
	s, _, issues := bounced(t, 1, 1)
	b := store.Bounce{Report: "r", Subscriber: 1, Issue: issues[0], Kind: store.BounceHard, Proven: true}
	results := make(chan store.Bouncing)
	for range 4 {
		go func() {
			became, err := s.RecordBounce(context.Background(), b, softLimit)
			if err != nil {
				t.Error(err)
			}
			results <- became
		}()
	}
	got := map[store.Bouncing]int{}
	for range 4 {
		got[<-results]++
	}
	if diff := cmp.Diff(map[store.Bouncing]int{store.BounceSuppressed: 1, store.BounceKnown: 3}, got); diff != "" {
		t.Errorf("four readers of one report (-want +got):\n%s", diff)
	}
}

// P6: a flood of forged reports about a stranger changes nothing, and takes no room.
func TestP6FloodOfUnproven(t *testing.T) {
	s, _, issues := bounced(t, 1, 3)
	for i := range 500 {
		record(t, s, store.Bounce{Report: fmt.Sprint(i), Subscriber: 1, Issue: issues[i%3], Kind: store.BounceHard})
	}
	wantSuppressed(t, s, "s0@example.org", "")
	rows, err := s.Bounces(context.Background(), 1000, softLimit.HalfLife)
	do(t, err)
	if len(rows) > 10 || rows[0].Score != 0 {
		t.Errorf("%d of 500 forged reports are kept with a score of %v, want 10 at most, and 0", len(rows), rows[0].Score)
	}
}

// P6: a report about an issue from before the address changed, or that does not name the new one, is late.
func TestP6LateBounce(t *testing.T) {
	s, c, issues := bounced(t, 2, 1)
	c.t = c.t.Add(time.Hour)
	do(t, s.MoveForTest(2, "new@example.org", c.t))
	c.t = c.t.Add(time.Hour)
	checkList(t, s, list("H", "X", "A0", "Z"), lenient)
	after := freeze(t, s, weekly, "after").Ref
	for i, test := range []struct {
		issue int64
		keys  []string
		want  store.Bouncing
	}{
		{issues[0], []string{"s1@example.org"}, store.BounceLate},
		{0, []string{"s1@example.org"}, store.BounceLate},
		{0, nil, store.BounceLate},
		{0, []string{"new@example.org"}, store.BounceCounted},
		{after, nil, store.BounceCounted},
	} {
		b := store.Bounce{Report: fmt.Sprint(i), Subscriber: 2, Issue: test.issue, Kind: store.BounceSoft, Proven: true, Keys: test.keys}
		if got := record(t, s, b); got != test.want {
			t.Errorf("%+v became %s, want %s", b, got, test.want)
		}
	}
	if got := record(t, s, store.Bounce{Report: "gone", Subscriber: 99, Kind: store.BounceHard, Proven: true}); got != store.BounceGone {
		t.Errorf("a report about nobody became %s, want gone", got)
	}
}
