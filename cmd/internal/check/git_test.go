package check_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/source"
	"linkletter/feed/curated"
	"linkletter/store"
)

// gitFixture checks the list of a repository.
func gitFixture(t *testing.T) (*fixture, *repository) {
	r := newRepository(t)
	f := newFixture(t)
	f.list.At = source.Location{Git: &source.Repository{Remote: r.dir, Files: []string{"list.md"}}}
	f.now = replayed
	return f, r
}

func names(entries []curated.Entry) []string {
	all := []string{}
	for _, e := range entries {
		all = append(all, e.Title)
	}
	return all
}

func bullet(name string) string {
	return fmt.Sprintf("- [%s](https://example.org/%s) - All about it.", name, name)
}

func bullets(names ...string) []string {
	var all []string
	for _, n := range names {
		all = append(all, bullet(n))
	}
	return all
}

// Each revision between two checks is guarded by itself: one that is too strange holds back nobody else's news.
func TestRevisionsAreGuardedOneByOne(t *testing.T) {
	f, r := gitFixture(t)
	r.commit("Begin", bullets("Anvil", "Bellows")...)
	f.check(t)
	r.commit("Small", bullets("Anvil", "Bellows", "Chisel")...)
	many := bullets("Anvil", "Bellows", "Chisel")
	many = append(many, numbered("mass", 60)...)
	r.commit("Mass", many...)
	r.commit("Small again", append(many, bullet("Drill"))...)
	got := f.check(t)
	if diff := cmp.Diff([]string{"Chisel", "Drill"}, names(got.Taken.Added)); diff != "" {
		t.Errorf("announced (-want +got):\n%s", diff)
	}
	if len(got.Held) != 1 || got.Held[0].Kind != curated.HoldAdded || got.Held[0].Count != 60 || got.Revisions != 3 {
		t.Errorf("held %+v of %d revisions, want the 60 of the second of 3", got.Held, got.Revisions)
	}
}

// A revision that is no list is held while it is the newest, and passed over when it was mended.
func TestARevisionThatIsNoList(t *testing.T) {
	f, r := gitFixture(t)
	r.commit("Begin", bullets("Anvil", "Bellows")...)
	f.check(t)
	r.commitText("Vandalism", "")
	for range 2 {
		if got := f.check(t); len(got.Held) != 1 || got.Held[0].Kind != curated.HoldUnreadable || got.Entries != 2 {
			t.Errorf("an emptied list: %+v", got)
		}
	}
	r.commit("Mended", bullets("Anvil", "Bellows", "Chisel")...)
	got := f.check(t)
	if diff := cmp.Diff([]string{"Chisel"}, names(got.Taken.Added)); diff != "" {
		t.Errorf("announced after it was mended (-want +got):\n%s", diff)
	}
	if l, err := f.Store.List(context.Background(), "a"); err != nil || len(l.Holds) != 0 {
		t.Errorf("still held: %+v, %v", l.Holds, err)
	}
}

// What is interrupted between two revisions goes on with the next.
func TestAnInterruptedCheckGoesOn(t *testing.T) {
	f, r := gitFixture(t)
	r.commit("Begin", bullets("Anvil")...)
	f.check(t)
	all := []string{"Anvil"}
	for i := range 6 {
		all = append(all, fmt.Sprintf("Tool%d", i))
		r.commit("More", bullets(all...)...)
	}
	ctx, cancel := context.WithCancel(context.Background())
	clock := f.Now
	calls := 0
	f.Store.Close()
	path := f.path
	f.Store = open(t, path, func() time.Time { // it is asked for once a transaction
		if calls++; calls == 4 {
			cancel()
		}
		return clock()
	})
	if _, err := f.Check(ctx, f.list); err == nil {
		t.Fatal("the check was not interrupted")
	}
	cancel()
	before := standing(t, f)
	if len(before) < 2 || len(before) > 6 {
		t.Fatalf("%d entries are known after the interruption, want some of the revisions", len(before))
	}
	got := f.check(t)
	if len(got.Taken.Added) != 7-len(before) {
		t.Errorf("then %v were announced, want the other %d", names(got.Taken.Added), 7-len(before))
	}
	wantSameAsReplay(t, f, r)
}

// Whenever checks are made, what they leave is what one look at the whole history gives: ids, dates, and who added what.
func TestChecksAgreeWithTheWholeHistory(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			f, r := gitFixture(t)
			random := rand.New(rand.NewPCG(seed, 1))
			list := []string{"Anvil", "Bellows", "Chisel", "Drill", "Easel", "File", "Gimlet", "Hammer", "Iron", "Jig"}
			made := 0
			for i := range 24 {
				if i > 0 {
					list = edit(random, list, &made)
				}
				message := "Edit"
				if i > 0 && random.IntN(6) == 0 {
					message = "Edit [silent]"
				}
				r.commit(message, bullets(list...)...)
				if random.IntN(4) == 0 {
					f.check(t)
				}
			}
			f.check(t)
			wantSameAsReplay(t, f, r)
		})
	}
}

// edit makes one of the changes that people make.
func edit(random *rand.Rand, list []string, made *int) []string {
	list = slices.Clone(list)
	switch at := random.IntN(len(list)); random.IntN(5) {
	case 0:
		return slices.Delete(list, at, at+1)
	case 1:
		slices.Sort(list)
		return list
	default:
		*made++
		return slices.Insert(list, at, fmt.Sprintf("Tool%d", *made))
	}
}

// wantSameAsReplay holds what the store knows against a replay of the whole history.
func wantSameAsReplay(t *testing.T, f *fixture, r *repository) {
	t.Helper()
	type row struct {
		ID, By, Commit string
		Published      time.Time
	}
	got, want := map[string]row{}, map[string]row{}
	for _, e := range standing(t, f) {
		got[e.Title] = row{e.ID, e.Origin.By, e.Origin.Commit, e.Published}
	}
	for _, e := range r.replay().Entries {
		if !e.Gone {
			want[e.Entry.Title] = row{idOf(e.Published, e.IDKey), e.Origin.By, e.Origin.Commit, e.Published}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the store against a replay (-replay +store):\n%s", diff)
	}
}

func standing(t *testing.T, f *fixture) []store.Entry {
	t.Helper()
	all, err := f.Store.Entries(context.Background(), "a", "")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e store.Entry) bool { return e.Gone })
}

// A file in a work tree is dated by its history, and what was not committed yet by the check.
func TestAFileInAWorkTree(t *testing.T) {
	f, r := gitFixture(t)
	r.commit("Begin", bullets("Anvil")...)
	r.commit("More", bullets("Anvil", "Bellows")...)
	f.list.At = source.Location{Path: r.dir + "/list.md"}
	f.write(t, "# Tools\n\n"+bullet("Chisel")+"\n"+bullet("Anvil")+"\n"+bullet("Bellows")+"\n")
	f.check(t)
	got := map[string]string{}
	for _, e := range standing(t, f) {
		got[e.Title] = e.Published.Format(time.DateOnly) + " " + e.Origin.By
	}
	want := map[string]string{"Anvil": "2026-01-01 Ada", "Bellows": "2026-01-02 Ada", "Chisel": "2026-07-01 "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := f.check(t); !got.Unchanged {
		t.Errorf("the next check: %+v", got)
	}
}

// A list that was read from a file or an address goes on from git, and back, without news.
func TestTheSourceOfAListChanges(t *testing.T) {
	f, r := gitFixture(t)
	r.commit("Begin", bullets("Anvil")...)
	r.commit("More", bullets("Anvil", "Bellows")...)
	git := f.list.At
	for i, at := range []source.Location{{Path: r.dir + "/list.md"}, git, {Path: r.dir + "/list.md"}, git} {
		f.list.At = at
		if got := f.check(t); i > 0 && (!got.Unchanged || got.Entries != 2) {
			t.Errorf("source %d: %+v", i, got)
		}
	}
	r.commit("One more", bullets("Anvil", "Bellows", "Chisel")...)
	if got := f.check(t); len(got.Taken.Added) != 1 {
		t.Errorf("then announced %v", names(got.Taken.Added))
	}
}
