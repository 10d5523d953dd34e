package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed"
	"linkletter/feed/curated"
	"linkletter/store"
)

func day(n int) time.Time { return time.Date(2026, 2, n, 12, 0, 0, 0, time.UTC) }

// of makes a reading one of a revision.
func of(n int, silent, more bool) func(*store.Reading) {
	return func(r *store.Reading) {
		r.Origin = feed.Origin{Commit: "c" + day(n).Format("02"), By: "Ada", Link: "https://example.net/c", Date: day(n)}
		r.Silent, r.More = silent, more
	}
}

// What a revision brings and changes is dated by it, and news all the same at the moment of the check.
func TestRevisionsDateTheirEntries(t *testing.T) {
	s, c := newStore(t)
	checkWith(t, s, list("Tools", "Anvil"), lenient, of(1, false, false))
	checkWith(t, s, list("Tools", "Anvil", "Bellows", "Chisel"), lenient, of(3, false, true))
	checkWith(t, s, "## Tools\n\n- [The anvil](https://example.org/anvil) - All about Anvil.\n"+list("More", "Bellows", "Chisel"), lenient, of(5, false, false))
	c.t = c.t.Add(time.Minute)
	future := of(1, false, false)
	checkWith(t, s, list("Tools", "Anvil", "Bellows", "Chisel", "Drill"), lenient, func(r *store.Reading) {
		future(r)
		r.Origin.Date = c.t.AddDate(1, 0, 0) // somebody's clock is wrong
	})
	type row struct {
		Title              string
		Published, Updated time.Time
		News               bool
		Origin             feed.Origin
	}
	got := map[string]row{}
	for _, e := range feedOf(t, s) {
		got[e.Title] = row{e.Title, e.Published, e.Updated, !e.Announced.IsZero(), e.Origin}
	}
	origin := func(commit string) feed.Origin {
		return feed.Origin{Commit: commit, By: "Ada", Link: "https://example.net/c"}
	}
	want := map[string]row{
		"Anvil":   {"Anvil", day(1), c.t, false, origin("c01")}, // it stands before Drill, and its title changed again
		"Bellows": {"Bellows", day(3), day(3), true, origin("c03")},
		"Chisel":  {"Chisel", day(3).Add(-time.Second), day(3).Add(-time.Second), true, origin("c03")},
		"Drill":   {"Drill", c.t.Add(-time.Second), c.t.Add(-time.Second), true, origin("c01")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSilentRevision(t *testing.T) {
	s, _ := newStore(t)
	checkWith(t, s, list("Tools", "Anvil", "Bellows"), lenient, of(1, false, false))
	was := feedOf(t, s)
	done := checkWith(t, s, "## Tools\n\n- [The anvil](https://example.org/anvil)\n- [Chisel](https://example.org/chisel)\n", lenient, of(2, true, false))
	if len(done.Announced) != 0 || done.Changed != 0 || done.Removed != 1 {
		t.Errorf("a silent revision: %+v, want nothing but a removal", done)
	}
	entries := feedOf(t, s)
	if diff := cmp.Diff([]string{"The anvil"}, titles(entries)); diff != "" {
		t.Errorf("the feed after it (-want +got):\n%s", diff)
	}
	if !entries[0].Updated.Equal(was[0].Updated) {
		t.Errorf("the entry it changed counts as updated at %v, was %v", entries[0].Updated, was[0].Updated)
	}
	in := standing(t, s, "")
	if diff := cmp.Diff([]string{"The anvil", "Chisel"}, titles(in)); diff != "" {
		t.Errorf("the list after it (-want +got):\n%s", diff)
	}
	if done := checkWith(t, s, list("Tools", "Chisel", "Drill"), lenient, of(3, false, false)); len(done.Announced) != 1 {
		t.Errorf("the next revision announced %d, want only what came with it", len(done.Announced))
	}
}

// A loss that stands for a few revisions of one check is not believed by that: only checks count.
func TestRevisionsOfOneCheckAreOneCheck(t *testing.T) {
	s, _ := newStore(t)
	full := list("Tools", "A", "B", "C", "D", "E", "F", "G", "H")
	checkWith(t, s, full, curated.DefaultGuard, of(1, false, false))
	emptied := func(n int) string { return list("Tools", "A") + "\n" + day(n).String() }
	for n := 2; n < 8; n++ {
		checkWith(t, s, emptied(n), curated.DefaultGuard, of(n, false, true))
	}
	l, err := s.List(context.Background(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Holds) != 1 || l.Holds[0].Kind != curated.HoldRemoved || l.Holds[0].Checks != 0 {
		t.Fatalf("held after six revisions of one check: %+v, want the removals, by no check yet", l.Holds)
	}
	if n := len(feedOf(t, s)); n != 8 {
		t.Errorf("%d entries stand, want all 8", n)
	}
	for n := 8; n < 11; n++ {
		checkWith(t, s, emptied(n), curated.DefaultGuard, of(n, false, false))
	}
	if n := len(feedOf(t, s)); n != 1 {
		t.Errorf("%d entries stand after three checks, want 1", n)
	}
}

// A first check that knows the list's history: dates, tombstones, and every address that an entry stood under.
func TestFirstCheckWithAHistory(t *testing.T) {
	s, c := newStore(t)
	entry := func(title, address string) curated.Entry {
		return curated.Entry{Title: title, URL: address, Sections: [][]string{{"Tools"}}}
	}
	old := func(n int) feed.Origin {
		return feed.Origin{Commit: "c", By: "Ada", Date: day(n)}
	}
	past := []store.Past{
		{Known: curated.Known{Entry: entry("Anvil", "https://new.example/anvil"), Keys: []string{"old.example/anvil", "new.example/anvil"}},
			IDKey: "old.example/anvil", Origin: old(1), Published: day(1), Updated: day(4)},
		{Known: curated.Known{Entry: entry("Import", "https://example.org/import"), Keys: []string{"example.org/import"}}, IDKey: "example.org/import",
			Published: day(5), Updated: day(5), Silent: true},
		// Its address was passed on to the import.
		{Known: curated.Known{Entry: entry("Bellows", "https://example.org/bellows"), Keys: []string{"example.org/import", "example.org/bellows"}, Gone: true}, IDKey: "example.org/import",
			Published: day(2), Updated: day(2)},
	}
	markdown := "## Tools\n\n- [Anvil](https://new.example/anvil)\n- [Import](https://example.org/import)\n"
	done := checkWith(t, s, markdown, lenient, func(r *store.Reading) { r.Past = past })
	if !done.Baseline || len(done.Announced) != 0 {
		t.Errorf("it announced: %+v", done)
	}
	entries := feedOf(t, s)
	if diff := cmp.Diff([]string{"Anvil"}, titles(entries)); diff != "" {
		t.Fatalf("the feed starts with (-want +got):\n%s", diff)
	}
	if e := entries[0]; !e.Published.Equal(day(1)) || !e.Updated.Equal(day(4)) || e.Origin.By != "Ada" ||
		e.ID != feed.EntryID("example.org", day(1), "a", "old.example/anvil") {
		t.Errorf("Anvil: published %v, updated %v, id %s, origin %+v", e.Published, e.Updated, e.ID, e.Origin)
	}
	c.t = c.t.Add(time.Hour)
	done = checkList(t, s, "## Tools\n\n- [An anvil](http://old.example/anvil)\n- [Import](https://example.org/import)\n- [The bellows](https://example.org/bellows)\n", lenient)
	if len(done.Announced) != 0 || done.Returned != 1 {
		t.Errorf("what was known from the history is announced: %+v", done)
	}
	done = checkList(t, s, "## Tools\n\n- [Import](https://example.org/import)\n- [Drill](https://example.org/drill)\n", lenient)
	if len(done.Announced) != 1 {
		t.Errorf("announced %d, want the drill", len(done.Announced))
	}
}

// An entry in quarantine that took over another's address, and left, gives it back.
func TestAForgottenEntryGivesItsAddressBack(t *testing.T) {
	s, c := newStore(t)
	checkList(t, s, "- [Anvil](https://example.org/a) - Black and heavy.\n", lenient)
	held := curated.Guard{MaxNew: 0, MaxNewShare: 0, MaxLostShare: 1, MinLost: 1000}
	for _, step := range []struct{ markdown string }{
		{"- [Oven](https://example.org/a) - Hot.\n- [Anvil](https://example.org/anvil) - Black and heavy.\n"},
		{"- [Anvil](https://example.org/anvil) - Black and heavy.\n"},
	} {
		c.t = c.t.Add(time.Hour)
		checkList(t, s, step.markdown, held)
	}
	c.t = c.t.Add(time.Hour)
	checkList(t, s, "- [Bellows](https://example.org/b)\n", lenient)
	c.t = c.t.Add(time.Hour)
	done := checkList(t, s, "- [An anvil, once more](https://example.org/a)\n- [Bellows](https://example.org/b)\n", lenient)
	if len(done.Announced) != 0 || done.Returned != 1 {
		t.Errorf("the first owner came back to its address: %+v, want it returned and nothing announced", done)
	}
}

// What was too old for a feed does not come into it when something leaves the list: nobody would know it from news.
func TestWhatLeavesAFeedMakesNoRoom(t *testing.T) {
	s, c := newStore(t)
	checkList(t, s, list("Tools", "Anvil", "Bellows", "Chisel"), lenient)
	query := store.FeedQuery{Lists: []string{"a"}, Window: 2, Baseline: 2}
	want := func(when string, names ...string) {
		t.Helper()
		entries, err := s.Feed(context.Background(), query)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(names, titles(entries)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	want("at first", "Anvil", "Bellows")
	next := func(names ...string) {
		c.t = c.t.Add(time.Hour)
		checkList(t, s, list("Tools", names...), lenient)
	}
	next("Anvil", "Chisel")
	want("after one of the baseline left", "Anvil")
	for _, name := range []string{"Drill", "Easel", "File"} {
		next("Anvil", "Chisel", "Drill", name)
	}
	want("after three additions, of which one left", "File")
	next("Anvil", "Chisel", "Drill", "Easel", "File")
	want("after one returned", "File", "Easel")
}

// Two in quarantine of which one had the other's address leave one after the other.
func TestForgottenEntriesLeaveNothingBehind(t *testing.T) {
	s, c := newStore(t)
	held := curated.Guard{MaxNew: 0, MaxNewShare: 0, MaxLostShare: 1, MinLost: 1000}
	base := list("Tools", "Anvil")
	alpha := func(at string) string {
		return "- [Alpha thing](https://example.org/" + at + ") - Alpha does it.\n"
	}
	beta := "- [Beta other](https://example.org/u) - Beta is another.\n"
	for _, markdown := range []string{base, base + alpha("u"), base + alpha("v") + beta, base + beta, base} {
		checkList(t, s, markdown, held)
		c.t = c.t.Add(time.Hour)
	}
	if done := checkList(t, s, base+beta, lenient); len(done.Announced) != 1 {
		t.Errorf("what was forgotten is news when it comes for good: %+v", done)
	}
}
