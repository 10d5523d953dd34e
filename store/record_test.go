package store_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed/curated"
	"linkletter/store"
)

func TestFirstCheckIsTheBaseline(t *testing.T) {
	s, c := newStore(t)
	done := checkList(t, s, list("Tools", "Anvil", "Bellows", "Chisel"), lenient)
	if !done.Baseline || len(done.Announced) != 0 {
		t.Errorf("the first check announced: %+v", done)
	}
	entries := feedOf(t, s)
	if diff := cmp.Diff([]string{"Anvil", "Bellows", "Chisel"}, titles(entries)); diff != "" {
		t.Fatalf("the feed starts with the baseline in list order (-want +got):\n%s", diff)
	}
	for i, e := range entries {
		if want := c.t.Add(-time.Duration(i) * time.Second); !e.Published.Equal(want) || !e.Updated.Equal(want) {
			t.Errorf("%s is dated %v / %v, want %v", e.Title, e.Published, e.Updated, want)
		}
		if e.State != store.Baseline || !e.Announced.IsZero() {
			t.Errorf("%s is %s, announced %v", e.Title, e.State, e.Announced)
		}
	}
	if id := regexp.MustCompile(`^tag:example\.org,2026-03-02:a/[0-9a-f]{16}$`); !id.MatchString(entries[0].ID) {
		t.Errorf("the id %q is no tag: URI of the list", entries[0].ID)
	}
}

func TestAdditionsAreAnnounced(t *testing.T) {
	s, c := newStore(t)
	checkList(t, s, list("Tools", "Anvil", "Bellows"), lenient)
	c.t = c.t.Add(time.Hour)
	done := checkList(t, s, list("Tools", "Anvil", "Drill", "Bellows", "Easel"), lenient)
	if len(done.Announced) != 2 {
		t.Fatalf("announced %d, want 2", len(done.Announced))
	}
	entries := feedOf(t, s)
	if diff := cmp.Diff([]string{"Drill", "Easel", "Anvil", "Bellows"}, titles(entries)); diff != "" {
		t.Errorf("news stands before the baseline, in list order (-want +got):\n%s", diff)
	}
	if e := entries[0]; !e.Announced.Equal(c.t) || !e.Published.Equal(c.t) {
		t.Errorf("Drill was published %v and announced %v, want %v", e.Published, e.Announced, c.t)
	}
}

func TestNoTwoEntriesShareATimestamp(t *testing.T) {
	s, c := newStore(t)
	names := []string{}
	for i := range 40 {
		names = append(names, fmt.Sprintf("Tool%02d", i))
	}
	checkList(t, s, list("Tools", names...), lenient)
	// Three seconds later: the seconds before are taken by the baseline.
	c.t = c.t.Add(3 * time.Second)
	for i := range 10 {
		names = append(names, fmt.Sprintf("More%02d", i))
	}
	checkList(t, s, list("Tools", names...), lenient)
	entries := standing(t, s, "")
	seen := map[time.Time]string{}
	for _, e := range entries {
		if other, ok := seen[e.Published]; ok {
			t.Errorf("%s and %s are both dated %v", e.Title, other, e.Published)
		}
		if e.Published.After(c.t) {
			t.Errorf("%s is dated in the future: %v", e.Title, e.Published)
		}
		seen[e.Published] = e.Title
	}
	if len(seen) != 50 {
		t.Errorf("%d dates, want 50", len(seen))
	}
}

func TestEntryKeepsItsIdentity(t *testing.T) {
	s, c := newStore(t)
	checkList(t, s, list("Tools", "Anvil"), lenient)
	was := feedOf(t, s)[0]
	for _, step := range []struct {
		name, markdown string
		moves          bool
	}{
		{"https to http", "## Tools\n\n- [Anvil](http://www.example.org/anvil/) - All about Anvil.\n", false},
		{"another title", "## Tools\n\n- [The Anvil](http://www.example.org/anvil/) - All about Anvil.\n", true},
		{"the same title elsewhere", "## Tools\n\n- [The Anvil](https://anvil.example.net/) - All about Anvil.\n", true},
		{"another section", "## Iron\n\n- [The Anvil](https://anvil.example.net/) - All about Anvil.\n", false},
	} {
		c.t = c.t.Add(time.Hour)
		before := feedOf(t, s)[0]
		done := checkList(t, s, step.markdown, lenient)
		if len(done.Announced) != 0 {
			t.Errorf("%s: announced as new", step.name)
		}
		is := feedOf(t, s)[0]
		if is.ID != was.ID || !is.Published.Equal(was.Published) {
			t.Errorf("%s: the entry became %s of %v, want %s of %v", step.name, is.ID, is.Published, was.ID, was.Published)
		}
		if moved := !is.Updated.Equal(before.Updated); moved != step.moves {
			t.Errorf("%s: updated moved: %v, want %v", step.name, moved, step.moves)
		}
	}
}

func TestWhatLeftIsNotNewWhenItReturns(t *testing.T) {
	s, c := newStore(t)
	both, one := list("Tools", "Anvil", "Bellows"), list("Tools", "Anvil")
	checkList(t, s, both, lenient)
	was := feedOf(t, s)[1]
	c.t = c.t.Add(time.Hour)
	if done := checkList(t, s, one, lenient); done.Removed != 1 {
		t.Errorf("removed %d, want 1", done.Removed)
	}
	if diff := cmp.Diff([]string{"Anvil"}, titles(feedOf(t, s))); diff != "" {
		t.Errorf("what left still stands in the feed:\n%s", diff)
	}
	c.t = c.t.Add(time.Hour)
	done := checkList(t, s, both, lenient)
	if len(done.Announced) != 0 || done.Returned != 1 {
		t.Errorf("the entry that returned: %+v", done)
	}
	if is := feedOf(t, s)[1]; is.ID != was.ID {
		t.Errorf("it came back as %s, was %s", is.ID, was.ID)
	}
}

func TestAnAddressIsPassedOn(t *testing.T) {
	s, c := newStore(t)
	for _, step := range []struct {
		name, markdown string
		announced      int
		want           []string
	}{
		{"one entry", "- [Anvil](https://old.example) - All about anvils.\n", 0, []string{"Anvil"}},
		{"another takes its address", "- [Iron](https://old.example) - All about iron.\n- [Anvil](https://new.example) - All about anvils.\n", 1, []string{"Iron", "Anvil"}},
		{"both change their text", "- [Iron](https://old.example) - Iron and coal.\n- [Anvil](https://new.example) - Anvils.\n", 0, []string{"Iron", "Anvil"}},
		{"one moves on", "- [Iron](https://old.example) - Iron and coal.\n- [Anvil](https://third.example) - Anvils.\n", 0, []string{"Iron", "Anvil"}},
		{"and stands twice", "- [Iron](https://old.example) - Iron and coal.\n- [Hammer](https://new.example) - Hits.\n- [Anvil](https://third.example) - Anvils.\n", 0, []string{"Iron", "Hammer", "Anvil"}},
		{"with a life of its own", "- [Iron](https://old.example) - Iron and coal.\n- [Hammer](https://hammer.example) - Hits.\n- [Anvil](https://third.example) - Anvils.\n", 0, []string{"Iron", "Hammer", "Anvil"}},
	} {
		c.t = c.t.Add(time.Hour)
		done := checkList(t, s, step.markdown, lenient)
		if len(done.Announced) != step.announced || done.Removed != 0 {
			t.Errorf("%s: announced %d and removed %d, want %d and 0", step.name, len(done.Announced), done.Removed, step.announced)
		}
		entries := standing(t, s, "")
		if diff := cmp.Diff(step.want, titles(entries)); diff != "" {
			t.Errorf("%s: what stands (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestRecordRefusesAnOvertakenCheck(t *testing.T) {
	s, _ := newStore(t)
	ctx := context.Background()
	before, _, err := s.Known(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	checkList(t, s, list("Tools", "Anvil"), lenient)
	l := curated.Parse([]byte(list("Tools", "Bellows")), curated.Options{})
	_, err = s.Record(ctx, store.Reading{Before: before, Tag: "example.org", Hash: "x", Validators: "{}", List: l, Changes: curated.Diff(nil, l)})
	if !errors.Is(err, store.ErrOvertaken) {
		t.Errorf("want ErrOvertaken, got %v", err)
	}
}

func TestSectionsKeepTheirSlug(t *testing.T) {
	s, c := newStore(t)
	ctx := context.Background()
	sections := func() map[string]string {
		all, err := s.Sections(ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		var bare []store.Section
		for _, sec := range all {
			got[sec.Slug] = fmt.Sprintf("%v %d", sec.Path, sec.Entries)
			bare = append(bare, store.Section{Slug: sec.Slug, Path: sec.Path})
		}
		paths, err := s.SectionPaths(ctx)
		if diff := cmp.Diff(map[string][]store.Section{"a": bare}, paths); diff != "" || err != nil {
			t.Errorf("the sections of all lists are others (-each +all): %v\n%s", err, diff)
		}
		return got
	}
	tree := "# T\n\n## %s\n\n### Hand\n\n- [Anvil](https://example.org/anvil) - Heavy.\n- [Bellows](https://example.org/bellows) - Loud.\n\n## Other\n\n### Hand\n\n- [Easel](https://example.org/easel) - Light.\n"
	checkList(t, s, fmt.Sprintf(tree, "Tools"), lenient)
	was := map[string]string{"tools": "[Tools] 2", "hand": "[Tools Hand] 2", "other": "[Other] 1", "other-hand": "[Other Hand] 1"}
	if diff := cmp.Diff(was, sections()); diff != "" {
		t.Fatalf("sections (-want +got):\n%s", diff)
	}
	c.t = c.t.Add(time.Hour)
	checkList(t, s, fmt.Sprintf(tree, "Fine tools"), lenient)
	is := map[string]string{"tools": "[Fine tools] 2", "hand": "[Fine tools Hand] 2", "other": "[Other] 1", "other-hand": "[Other Hand] 1"}
	if diff := cmp.Diff(is, sections()); diff != "" {
		t.Errorf("after the heading was reworded (-want +got):\n%s", diff)
	}
	in := standing(t, s, "tools")
	if diff := cmp.Diff([]string{"Anvil", "Bellows"}, titles(in)); diff != "" {
		t.Errorf("a section holds what stands below it (-want +got):\n%s", diff)
	}
}

func TestHeldAdditionsWait(t *testing.T) {
	guard := curated.Guard{MaxNew: 2, MaxNewShare: 0.1, MaxLostShare: 1, MinLost: 1000}
	for _, accept := range []bool{true, false} {
		t.Run(fmt.Sprintf("accept %v", accept), func(t *testing.T) {
			s, c := newStore(t)
			ctx := context.Background()
			checkList(t, s, list("Tools", "Anvil"), guard)
			c.t = c.t.Add(time.Hour)
			names := []string{"Anvil", "Bellows", "Chisel", "Drill"}
			if done := checkList(t, s, list("Tools", names...), guard); len(done.Held) != 3 || len(done.Announced) != 0 {
				t.Fatalf("want 3 held, got %+v", done)
			}
			if diff := cmp.Diff([]string{"Anvil"}, titles(feedOf(t, s))); diff != "" {
				t.Errorf("what is held stands in the feed:\n%s", diff)
			}
			// What comes after is announced on its own, and the hold stays.
			c.t = c.t.Add(time.Hour)
			names = append(names, "Easel")
			if done := checkList(t, s, list("Tools", names...), guard); len(done.Announced) != 1 {
				t.Fatalf("the next addition was not announced: %+v", done)
			}
			l, err := s.List(ctx, "a")
			if err != nil {
				t.Fatal(err)
			}
			if len(l.Holds) != 1 || l.Holds[0].Count != 3 {
				t.Fatalf("holds: %+v", l.Holds)
			}
			c.t = c.t.Add(time.Hour)
			want := []string{"Easel", "Bellows", "Chisel", "Drill", "Anvil"}
			if accept {
				n, _, err := s.Accept(ctx, "a")
				if err != nil || n != 3 {
					t.Fatalf("accepted %d, %v", n, err)
				}
			} else {
				n, err := s.Dismiss(ctx, "a")
				if err != nil || n != 3 {
					t.Fatalf("dismissed %d, %v", n, err)
				}
				want = []string{"Easel", "Anvil"}
			}
			if diff := cmp.Diff(want, titles(feedOf(t, s))); diff != "" {
				t.Errorf("the feed (-want +got):\n%s", diff)
			}
			if l, _ := s.List(ctx, "a"); len(l.Holds) != 0 {
				t.Errorf("still held: %+v", l.Holds)
			}
		})
	}
}

func TestHeldRemovalsAreBelievedAfterThreeChecks(t *testing.T) {
	guard := curated.Guard{MaxNew: 100, MaxNewShare: 1, MaxLostShare: 0.3, MinLost: 2}
	s, c := newStore(t)
	ctx := context.Background()
	all := []string{"Anvil", "Bellows", "Chisel", "Drill"}
	checkList(t, s, list("Tools", all...), guard)
	c.t = c.t.Add(time.Hour)
	checkList(t, s, list("Tools", "Anvil", "Bellows"), guard)
	if got := len(feedOf(t, s)); got != 4 {
		t.Fatalf("a held removal was made: %d entries stand, want 4", got)
	}
	for check := 2; check <= 3; check++ {
		c.t = c.t.Add(time.Hour)
		believed, err := s.Unchanged(ctx, "a", "{}", "")
		if err != nil {
			t.Fatal(err)
		}
		want := map[int]int{2: 4, 3: 2}[check]
		if believed != 4-want {
			t.Errorf("check %d that saw it believed %d removals, want %d", check, believed, 4-want)
		}
		if got := len(feedOf(t, s)); got != want {
			t.Errorf("after check %d that saw it, %d entries stand, want %d", check, got, want)
		}
	}
	if l, _ := s.List(ctx, "a"); len(l.Holds) != 0 {
		t.Errorf("still held: %+v", l.Holds)
	}
}

func TestHeldRemovalIsForgottenWhenTheEntriesReturn(t *testing.T) {
	guard := curated.Guard{MaxNew: 100, MaxNewShare: 1, MaxLostShare: 0.3, MinLost: 2}
	s, _ := newStore(t)
	ctx := context.Background()
	all := list("Tools", "Anvil", "Bellows", "Chisel", "Drill")
	for range 4 {
		checkList(t, s, all, guard)
		checkList(t, s, list("Tools", "Anvil", "Bellows"), guard)
	}
	checkList(t, s, all, guard)
	if got := len(feedOf(t, s)); got != 4 {
		t.Errorf("%d entries stand, want 4: checks that are not in a row were added up", got)
	}
	if l, _ := s.List(ctx, "a"); len(l.Holds) != 0 {
		t.Errorf("still held: %+v", l.Holds)
	}
}

func TestAListThatBecameEmptyLosesNothing(t *testing.T) {
	s, _ := newStore(t)
	ctx := context.Background()
	good := list("Tools", "Anvil", "Bellows", "Chisel")
	checkList(t, s, good, curated.DefaultGuard)
	was := feedOf(t, s)
	for range 5 {
		done := checkList(t, s, "# Moved\n\nThis list lives elsewhere now.\n", curated.DefaultGuard)
		if done.Removed != 0 || len(done.Announced) != 0 {
			t.Fatalf("something of it was believed: %+v", done)
		}
	}
	l, err := s.List(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(l.Holds, func(h store.Hold) bool { return h.Kind == curated.HoldUnreadable }) {
		t.Errorf("nothing is held: %+v", l.Holds)
	}
	if diff := cmp.Diff(titles(was), titles(feedOf(t, s))); diff != "" {
		t.Errorf("the feed changed:\n%s", diff)
	}
	if l.Hash != good {
		t.Error("the hash of what was not understood was kept, so the next check would pass it by")
	}
	if _, err := s.Unchanged(ctx, "a", "{}", ""); err != nil {
		t.Fatal(err)
	}
	if l, _ := s.List(ctx, "a"); len(l.Holds) != 0 {
		t.Errorf("the list is back and still held: %+v", l.Holds)
	}
}

func TestFailuresInARow(t *testing.T) {
	s, c := newStore(t)
	ctx := context.Background()
	checkList(t, s, list("Tools", "Anvil"), lenient)
	good := c.t
	retry := func(failures int) time.Time { return c.t.Add(time.Duration(failures) * time.Hour) }
	fail := func(want store.Failing) {
		t.Helper()
		c.t = c.t.Add(time.Minute)
		want.Retry = retry(want.Failures)
		told, err := s.Failed(ctx, "a", "no such file", retry)
		if err != nil {
			t.Fatal(err)
		}
		l, err := s.List(ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []*store.List{told, l} {
			if diff := cmp.Diff(want, got.Failing); diff != "" || got.Error != "no such file" || !got.Checked.Equal(c.t) || !got.LastGood().Equal(want.Good) {
				t.Errorf("error %q, checked %v, last good %v (-want +got):\n%s", got.Error, got.Checked, got.LastGood(), diff)
			}
		}
	}
	first := good.Add(time.Minute)
	fail(store.Failing{ErrorSince: first, Failures: 1, Good: good})
	fail(store.Failing{ErrorSince: first, Failures: 2, Good: good})
	if err := s.Reported(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	fail(store.Failing{ErrorSince: first, Failures: 3, Good: good, Reported: true})
	c.t = c.t.Add(time.Minute)
	if _, err := s.Unchanged(ctx, "a", "{}", ""); err != nil {
		t.Fatal(err)
	}
	if l, _ := s.List(ctx, "a"); l.Error != "" || l.Failing != (store.Failing{}) || !l.LastGood().Equal(c.t) {
		t.Errorf("the error stayed: %+v", l)
	}
	fail(store.Failing{ErrorSince: c.t.Add(time.Minute), Failures: 1, Good: c.t})
}

func TestListsAreAllListsWithTheirHolds(t *testing.T) {
	s, _ := newStore(t)
	ctx := context.Background()
	checkList(t, s, list("Tools", "Anvil", "Bellows"), lenient)
	checkList(t, s, "# Empty\n", curated.Guard{MaxNew: 2, MaxNewShare: 0.1, MaxLostShare: 0.3, MinLost: 2})
	if _, err := s.Failed(ctx, "b", "no such file", func(int) time.Time { return time.Time{} }); err != nil {
		t.Fatal(err)
	}
	want := map[string]*store.List{}
	for _, id := range []string{"a", "b"} {
		var err error
		if want[id], err = s.List(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Lists(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got["a"].Holds) != 1 {
		t.Errorf("all lists differ from each one (-each +all):\n%s", diff)
	}
}

// A reading of which nothing is taken in says nothing about what else is held.
func TestUnreadableLeavesOtherHoldsAlone(t *testing.T) {
	guard := curated.Guard{MaxNew: 2, MaxNewShare: 0.1, MaxLostShare: 0.3, MinLost: 2}
	s, _ := newStore(t)
	ctx := context.Background()
	good := list("Tools", "Anvil", "Bellows", "Chisel", "Drill", "Easel", "File", "Gauge")
	checkList(t, s, good, guard)
	for range 3 {
		checkList(t, s, "# Empty\n", guard)
	}
	l, err := s.List(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Holds) != 1 || l.Holds[0].Kind != curated.HoldUnreadable || l.Holds[0].Checks != 3 {
		t.Errorf("holds: %+v", l.Holds)
	}
	if _, err := s.Unchanged(ctx, "a", "{}", ""); err != nil {
		t.Fatal(err)
	}
	if l, _ := s.List(ctx, "a"); len(l.Holds) != 0 {
		t.Errorf("the list is back and still held: %+v", l.Holds)
	}
}

// What a better reader finds in a list that nobody changed is no news.
func TestANewReaderIsSilent(t *testing.T) {
	s, _ := newStore(t)
	ctx := context.Background()
	checkList(t, s, list("Tools", "Anvil"), lenient)
	was := feedOf(t, s)[0]
	before, known, err := s.Known(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	found := curated.Parse([]byte("## Tools\n\n- [Anvil](https://example.org/anvil) - Otherwise.\n- [Bellows](https://example.org/bellows)\n"), curated.Options{})
	done, err := s.Record(ctx, store.Reading{Before: before, Reader: before.Reader + 1, Tag: "example.org", Hash: before.Hash,
		Validators: "{}", List: found, Changes: curated.Diff(known, found)})
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Announced) != 0 || done.Changed != 0 {
		t.Errorf("announced or changed by reading otherwise: %+v", done)
	}
	is := feedOf(t, s)
	if diff := cmp.Diff([]string{"Anvil"}, titles(is)); diff != "" || !is[0].Updated.Equal(was.Updated) {
		t.Errorf("the feed moved (-want +got):\n%s", diff)
	}
	if l, _ := s.List(ctx, "a"); l.Reader != before.Reader+1 {
		t.Errorf("reader %d", l.Reader)
	}
}

func TestSlugsAreFileNames(t *testing.T) {
	s, _ := newStore(t)
	long := strings.Repeat("長い見出し", 40)
	checkList(t, s, fmt.Sprintf("# T\n\n## %[1]s\n\n### %[1]s\n\n- [A](https://example.org/a)\n\n## Other\n\n### %[1]s\n\n- [B](https://example.org/b)\n", long), lenient)
	all, err := s.Sections(context.Background(), "a")
	if err != nil || len(all) != 4 {
		t.Fatalf("%d sections, %v", len(all), err)
	}
	for _, sec := range all {
		if len(sec.Slug) > 130 || !utf8.ValidString(sec.Slug) {
			t.Errorf("slug of %d bytes: %q", len(sec.Slug), sec.Slug)
		}
	}
}

// The first check of a long list is one transaction, and dates every entry apart.
func TestALongBaseline(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long under the race detector, and is of one goroutine")
	}
	s, _ := newStore(t)
	names := make([]string, 20000)
	for i := range names {
		names[i] = fmt.Sprintf("Tool%05d", i)
	}
	checkList(t, s, list("Tools", names...), lenient)
	if l, err := s.List(context.Background(), "a"); err != nil || l.Counts.Entries != len(names) {
		t.Errorf("%d entries, %v", l.Counts.Entries, err)
	}
}

// What was held and left again was never told to anybody: it is no loss, and news when it comes for good.
func TestAHeldAdditionThatLeavesIsForgotten(t *testing.T) {
	guard := curated.Guard{MaxNew: 2, MaxNewShare: 0.1, MaxLostShare: 0.3, MinLost: 2}
	s, c := newStore(t)
	ctx := context.Background()
	few := list("Tools", "Anvil", "Bellows")
	checkList(t, s, few, guard)
	checkList(t, s, list("Tools", "Anvil", "Bellows", "Chisel", "Drill", "Easel", "File"), guard)
	c.t = c.t.Add(time.Hour)
	if done := checkList(t, s, few, guard); done.Removed != 0 {
		t.Errorf("%d removals of what nobody was told of", done.Removed)
	}
	if l, err := s.List(ctx, "a"); err != nil || len(l.Holds) != 0 {
		t.Errorf("the list is as it was and still held: %+v, %v", l.Holds, err)
	}
	c.t = c.t.Add(time.Hour)
	if done := checkList(t, s, list("Tools", "Anvil", "Bellows", "Chisel"), guard); len(done.Announced) != 1 {
		t.Errorf("the entry that came for good: %+v", done)
	}
}
