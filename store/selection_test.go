package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed/digest"
	"linkletter/store"
)

// both is a digest of two lists.
var both = digest.Digest{ID: weekly.ID, Title: "Weekly", Lists: []string{"a", "b"}, From: weekly.From}

// standsIn writes a Markdown list of bullets under headings: "Tools/Saws: A B" is what stands in Saws under Tools.
func standsIn(sections ...string) string {
	b := strings.Builder{}
	b.WriteString("# List\n\n")
	last := []string{}
	for _, s := range sections {
		path, names, _ := strings.Cut(s, ": ")
		headings := strings.Split(path, "/")
		for depth, h := range headings {
			if depth >= len(last) || !slices.Equal(last[:depth+1], headings[:depth+1]) {
				fmt.Fprintf(&b, "%s %s\n\n", strings.Repeat("#", depth+2), h)
			}
		}
		last = headings
		for _, n := range strings.Fields(names) {
			fmt.Fprintf(&b, "- [%s](https://example.org/%s) - All about %s.\n", n, strings.ToLower(n), n)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// chosen makes a choice of "a" (the whole list), or of "a/Tools/Saws", the section under these headings.
func chosen(t *testing.T, s *store.Store, what string) store.Choice {
	t.Helper()
	list, path, part := strings.Cut(what, "/")
	if !part {
		return store.Choice{List: list}
	}
	sections, err := s.Sections(context.Background(), list)
	do(t, err)
	for _, sec := range sections {
		if strings.Join(sec.Path, "/") == path {
			return store.Choice{List: list, Section: sec.Slug}
		}
	}
	t.Fatalf("list %s has no section %s", list, path)
	return store.Choice{}
}

// reader subscribes somebody who chooses parts of the digest; none: everything.
func reader(t *testing.T, s *store.Store, address string, parts ...string) int64 {
	t.Helper()
	subscribe(t, s, address)
	who, err := s.SubscriberByAddress(context.Background(), address)
	do(t, err)
	wants(t, s, who.ID, time.Time{}, parts...)
	return who.ID
}

func wants(t *testing.T, s *store.Store, id int64, paused time.Time, parts ...string) {
	t.Helper()
	var choices []store.Choice
	for _, p := range parts {
		choices = append(choices, chosen(t, s, p))
	}
	_, err := s.SetPreferences(context.Background(), id, paused, map[string]store.Wish{weekly.ID: {Subscribed: true, Choices: choices}}, "client", limits)
	do(t, err)
}

// got is what each subscriber gets of an issue, by address: the titles of its entries, and "all" where it is the whole issue.
func got(t *testing.T, s *store.Store, i *store.Issue) map[string]string {
	t.Helper()
	titles := map[int64]string{}
	for _, g := range i.Groups {
		for _, item := range g.Items {
			titles[item.Ref] = item.Title
		}
	}
	deliveries, err := s.Deliveries(context.Background(), store.DeliveryQuery{Issue: i.Ref, Limit: 1000})
	do(t, err)
	all := map[string]string{}
	for _, d := range deliveries {
		if d.Selection == 0 {
			all[d.Address] = "all"
			continue
		}
		entries, err := s.Selection(context.Background(), d.Selection)
		do(t, err)
		if d.Selected != len(entries) {
			t.Errorf("%s: the delivery is of %d entries, its selection has %d", d.Address, d.Selected, len(entries))
		}
		var names []string
		for _, e := range entries {
			names = append(names, titles[e])
		}
		all[d.Address] = strings.Join(names, " ")
	}
	return all
}

func wantGot(t *testing.T, s *store.Store, i *store.Issue, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, got(t, s, i)); diff != "" {
		t.Errorf("issue %d, what everybody gets (-want +got):\n%s", i.Number, diff)
	}
}

// bench is a store with two lists, of which nothing is news yet.
func bench(t *testing.T) (*store.Store, *clock, func(a, b []string)) {
	t.Helper()
	s, c := newStore(t)
	check := func(a, b []string) {
		t.Helper()
		checkListOf(t, s, "a", standsIn(a...), lenient, func(*store.Reading) {})
		checkListOf(t, s, "b", standsIn(b...), lenient, func(*store.Reading) {})
		c.t = c.t.Add(time.Hour)
	}
	check([]string{"Tools: X", "Tools/Saws: Y", "Tools/Saws/Fret: Q", "Wood: Z", "Steel: W"}, []string{"Books: V", "Films: U"})
	do(t, s.BeginDigest(context.Background(), both.ID, both.Lists))
	c.t = c.t.Add(time.Hour)
	return s, c, check
}

func TestFreezeForChoices(t *testing.T) {
	s, c, check := bench(t)
	ctx := context.Background()
	reader(t, s, "everything@example.org")
	reader(t, s, "saws@example.org", "a/Tools/Saws")
	reader(t, s, "tools@example.org", "a/Tools")
	reader(t, s, "both-alike@example.org", "a/Tools", "a/Tools/Saws")
	reader(t, s, "lists@example.org", "a", "b")
	reader(t, s, "list@example.org", "b")
	reader(t, s, "here-and-there@example.org", "a/Wood", "b/Films")
	reader(t, s, "nothing@example.org", "a/Steel")
	reader(t, s, "hidden@example.org", "b/Books")
	paused := reader(t, s, "paused@example.org")
	wants(t, s, paused, c.t.Add(30*24*time.Hour))
	pausedTools := reader(t, s, "paused-tools@example.org")
	wants(t, s, pausedTools, c.t.Add(30*24*time.Hour), "a/Tools")
	back := reader(t, s, "back@example.org")
	wants(t, s, back, c.t.Add(time.Minute), "b")
	reader(t, s, "forgotten@example.org", "b")
	do(t, s.Suppress(ctx, "forgotten@example.org", store.Left))
	reader(t, s, "bounced@example.org")
	do(t, s.Suppress(ctx, "bounced@example.org", store.Bounced))
	gone := reader(t, s, "gone@example.org", "b")
	do(t, s.Unsubscribe(ctx, gone, weekly.ID))

	check([]string{"Tools: X A", "Tools/Saws: Y B", "Tools/Saws/Fret: Q C", "Wood: Z D B", "Steel: W"}, []string{"Books: V E", "Films: U F"})
	_, err := s.Hide(ctx, "b", "https://example.org/e", true)
	do(t, err)
	c.t = c.t.Add(time.Hour)
	first := freeze(t, s, both, "p1")
	if diff := cmp.Diff([]string{"Tools/A", "Tools › Saws/B", "Tools › Saws › Fret/C", "Wood/D", "Films/F"}, itemTitles(first.Issue)); diff != "" {
		t.Fatalf("the issue (-want +got):\n%s", diff)
	}
	wantGot(t, s, first, map[string]string{
		"everything@example.org": "all", "lists@example.org": "all",
		"saws@example.org": "B C", "tools@example.org": "A B C", "both-alike@example.org": "A B C",
		"list@example.org": "F", "back@example.org": "F", "here-and-there@example.org": "B D F",
	})
	if want := map[digest.State]int{digest.Pending: 8}; !cmp.Equal(want, first.Counts) {
		t.Errorf("counts %v, want %v", first.Counts, want)
	}

	// Who gets the same comes one after the other, the whole issue first.
	deliveries, err := s.Deliveries(ctx, store.DeliveryQuery{Issue: first.Ref, Limit: 100})
	do(t, err)
	if !slices.IsSortedFunc(deliveries, func(a, b store.Delivery) int { return int(a.Selection - b.Selection) }) {
		t.Errorf("not in the order of selections: %+v", deliveries)
	}
	if _, err := s.Selection(ctx, 999); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("selection 999: error %v, want ErrNotFound", err)
	}
}

// The pause that began after an issue was frozen is one, and so is the one that began while it was on its way.
func TestD1PauseBeforeItWasSent(t *testing.T) {
	s, c, i, sender := outgoing(t, 3)
	ctx := context.Background()
	pause := func(address string) {
		t.Helper()
		who, err := s.SubscriberByAddress(ctx, address)
		do(t, err)
		do(t, s.PauseSubscriber(ctx, who.ID, c.t.Add(time.Hour)))
	}
	pause("s0@example.org")
	claimed, left, err := sender.Claim(ctx, 10, time.Minute)
	do(t, err)
	if len(claimed) != 2 || left != 1 {
		t.Fatalf("claimed %+v and left %d, want all but the one who paused", claimed, left)
	}
	pause(claimed[0].Address)
	for n, want := range []error{store.ErrUnwanted, nil} {
		if err := sender.Intent(ctx, claimed[n], []byte("bytes")); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", claimed[n].Address, err, want)
		}
	}
	wantStates(t, s, i, digest.Suppressed, digest.Suppressed, digest.Committing)
	deliveries, err := s.Deliveries(ctx, store.DeliveryQuery{Issue: i.Ref, States: []digest.State{digest.Suppressed}, Limit: 10})
	do(t, err)
	for _, d := range deliveries {
		if d.Reply != "paused before it was sent" {
			t.Errorf("%s: reply %q", d.Address, d.Reply)
		}
	}
}

// What a claim gives says what its subscriber gets.
func TestClaimGivesTheSelection(t *testing.T) {
	s, _, check := bench(t)
	reader(t, s, "everything@example.org")
	reader(t, s, "wood@example.org", "a/Wood")
	check([]string{"Tools: X A", "Wood: Z D"}, []string{"Books: V"})
	freeze(t, s, both, "p1")
	claimed := claim(t, s.Sender("one", hold), 10)
	if len(claimed) != 2 || claimed[0].Selection != 0 || claimed[1].Selection == 0 {
		t.Fatalf("claimed %+v, want the whole issue and a selection", claimed)
	}
	entries, err := s.Selection(context.Background(), claimed[1].Selection)
	if err != nil || len(entries) != 1 {
		t.Errorf("the selection: %v (%v), want 1 entry", entries, err)
	}
}

// A draft is for those whom it concerns when it is approved, with what is left of it then.
func TestApproveForChoices(t *testing.T) {
	s, c, check := bench(t)
	ctx := context.Background()
	asks := both
	asks.Approve = true
	saws, wood := reader(t, s, "saws@example.org", "a/Tools/Saws"), reader(t, s, "wood@example.org", "a/Wood")
	reader(t, s, "films@example.org", "b/Films")
	reader(t, s, "a@example.org", "a")
	check([]string{"Tools: X", "Tools/Saws: Y A", "Wood: Z B"}, []string{"Films: U C D"})
	draft := freeze(t, s, asks, "p1")
	wantGot(t, s, draft, map[string]string{})
	for _, address := range []string{"https://example.org/a", "https://example.org/c"} {
		_, err := s.Hide(ctx, "", address, true)
		do(t, err)
	}
	wants(t, s, wood, time.Time{}, "a/Wood", "b")
	wants(t, s, saws, time.Time{}, "a/Tools")
	c.t = c.t.Add(time.Hour)
	do(t, s.Approve(ctx, draft.Ref, noted))
	wantGot(t, s, issueOf(t, s, 1), map[string]string{"wood@example.org": "all", "films@example.org": "D", "a@example.org": "B"})
}

// A choice is of a section, not of its heading's words or place: it outlives a vanished section that returns, another heading, and
// another id of its list.
func TestChoicesFollowTheirSection(t *testing.T) {
	s, _, check := bench(t)
	wood := reader(t, s, "wood@example.org", "a/Wood")
	reader(t, s, "saws@example.org", "a/Tools/Saws")
	books := []string{"Books: V"}
	check([]string{"Tools: X A", "Tools/Saws: Y", "Steel: W"}, books) // the section has gone
	wantGot(t, s, freeze(t, s, both, "p1"), map[string]string{})
	check([]string{"Tools: X A", "Tools/Saws: Y", "Wood: Z B C", "Steel: W D"}, books)
	wantGot(t, s, freeze(t, s, both, "p2"), map[string]string{"wood@example.org": "B C"})
	check([]string{"Tools: X A", "Tools/Saws: Y", "Timber: Z B C E", "Steel: W D F"}, books)
	i := freeze(t, s, both, "p3")
	wantGot(t, s, i, map[string]string{"wood@example.org": "E"})
	if slug := preferences(t, s, wood).Choices[weekly.ID][0].Section; slug != "wood" {
		t.Errorf("the section is called %q now, want its old name", slug)
	}
	check([]string{"Tools: X A", "Bench/Saws: Y G", "Timber: Z B C E", "Steel: W D F H"}, books) // under another heading
	wantGot(t, s, freeze(t, s, both, "p4"), map[string]string{"saws@example.org": "G"})

	if done, err := s.Rename(context.Background(), "a", "c"); err != nil || !done {
		t.Fatalf("renamed: %t (%v)", done, err)
	}
	renamed := both
	renamed.Lists = []string{"c", "b"}
	do(t, s.BeginDigest(context.Background(), renamed.ID, renamed.Lists))
	checkListOf(t, s, "c", standsIn("Tools: X A", "Bench/Saws: Y G", "Timber: Z B C E I", "Steel: W D F H J"), lenient, func(*store.Reading) {})
	wantGot(t, s, freeze(t, s, renamed, "p5"), map[string]string{"wood@example.org": "I"})
	if diff := cmp.Diff([]store.Choice{{List: "c", Section: "wood"}}, preferences(t, s, wood).Choices[weekly.ID]); diff != "" {
		t.Errorf("the choice after the renaming (-want +got):\n%s", diff)
	}
}

// Pruning takes the selections away that no delivery is of any more, and no others.
func TestPruneSelections(t *testing.T) {
	s, c, check := bench(t)
	ctx := context.Background()
	for n, of := range []string{"a/Wood", "a/Wood", "a/Tools", "a/Steel"} {
		reader(t, s, fmt.Sprintf("s%d@example.org", n), of)
	}
	check([]string{"Tools: X A", "Wood: Z B", "Steel: W C"}, []string{"Books: V"})
	freeze(t, s, both, "p1")
	check([]string{"Tools: X A", "Wood: Z B D", "Steel: W C E"}, []string{"Books: V"})
	freeze(t, s, both, "p2")
	db, err := sql.Open("sqlite", s.Path())
	do(t, err)
	defer db.Close()
	selections := func(want int) {
		t.Helper()
		var got int
		do(t, db.QueryRow(`SELECT count(*) FROM selection`).Scan(&got))
		if got != want {
			t.Errorf("%d selections, want %d", got, want)
		}
	}
	selections(3 + 2)
	sender := s.Sender("first", 0)
	for _, d := range claim(t, sender, 10) {
		if d.Issue == 1 && d.Address == "s2@example.org" { // Tools, of the first issue
			do(t, sender.Intent(ctx, d, []byte("bytes")))
			do(t, sender.Doubt(ctx, d.ID, "lost"))
			continue
		}
		do(t, sender.Fail(ctx, d, "550", false))
	}
	do(t, sender.Finish(ctx))
	prune := func(want int) {
		t.Helper()
		n, total := 1, 0
		for n > 0 {
			n, err = s.Prune(ctx, c.t.Add(time.Second), 2)
			do(t, err)
			total += n
		}
		if total != want {
			t.Errorf("%d rows pruned, want %d", total, want)
		}
	}
	prune(6 + 4)
	selections(1) // of what is in doubt
	_, err = s.Resolve(ctx, 1, store.ResolveSent, nil)
	do(t, err)
	prune(1 + 1)
	selections(0)
}
