package store_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed/digest"
	"linkletter/store"
)

func TestARenamedListIsTheSameList(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "test.db")
	c := newClock()
	s := open(t, path, c)
	checkList(t, s, list("Tools", "Anvil", "Bellows"), lenient)
	if err := s.BeginDigest(ctx, "weekly", []string{"a"}); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(time.Hour)
	checkList(t, s, list("Tools", "Anvil", "Bellows", "Chisel"), lenient)
	was, err := s.Entries(ctx, "a", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Archive(ctx, "a", 1, "{}", []int64{was[2].Ref}); err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		from, to string
		want     bool
	}{{"nobody", "b", false}, {"a", "b", true}, {"a", "b", false}, {"b", "c", true}} {
		if done, err := s.Rename(ctx, step.from, step.to); err != nil || done != step.want {
			t.Errorf("step %d: renamed %t (%v), want %t", i, done, err, step.want)
		}
	}
	l, err := s.List(ctx, "c")
	if err != nil || l.Named != "a" {
		t.Errorf("the feeds of the renamed list are named after %q (%v), want a", l.Named, err)
	}
	is, err := s.Entries(ctx, "c", "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range was {
		was[i].List = "c"
	}
	was[2].Archive = 1
	if diff := cmp.Diff(was, is); diff != "" {
		t.Errorf("its entries (-before +after):\n%s", diff)
	}
	// No row is left that names what is not there.
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var lists []string
	rows, err := db.Query(`SELECT list FROM entry UNION SELECT list FROM entry_key UNION SELECT list FROM section UNION SELECT list FROM snapshot
		UNION SELECT list FROM archive UNION SELECT list FROM digest_list UNION SELECT id FROM list`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		lists = append(lists, id)
	}
	if !slices.Equal(lists, []string{"c"}) {
		t.Errorf("rows name the lists %v, want c alone", lists)
	}
	// It goes on where it was.
	if _, err := s.Rename(ctx, "c", "a"); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(time.Hour)
	if done := checkList(t, s, list("Tools", "Anvil", "Bellows", "Chisel", "Drill"), lenient); len(done.Announced) != 1 {
		t.Errorf("after the renaming %d entries are news, want the one that is new", len(done.Announced))
	}
}

func TestAListThatIsKnownUnderBothIDsIsLeftAlone(t *testing.T) {
	ctx := context.Background()
	s, _ := newStore(t)
	checkList(t, s, list("Tools", "Anvil"), lenient)
	if _, err := s.Rename(ctx, "a", "b"); err != nil {
		t.Fatal(err)
	}
	checkList(t, s, list("Tools", "Anvil", "Bellows"), lenient)
	if done, err := s.Rename(ctx, "b", "a"); !errors.Is(err, store.ErrBothKnown) || done {
		t.Errorf("renamed over a known list: %t, %v", done, err)
	}
	if n := len(standing(t, s, "")); n != 2 {
		t.Errorf("the list has %d entries, want its 2", n)
	}
}

// A failed check of the new id is no list that was read, and a digest that names both ids is no obstacle.
func TestRenamingOntoWhatWasNeverRead(t *testing.T) {
	ctx := context.Background()
	s, c := newStore(t)
	checkList(t, s, list("Tools", "Anvil"), lenient)
	began := c.t
	if err := s.BeginDigest(ctx, "weekly", []string{"a"}); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(time.Hour)
	if err := s.BeginDigest(ctx, "weekly", []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Failed(ctx, "b", "no such file", func(int) time.Time { return c.t }); err != nil {
		t.Fatal(err)
	}
	if done, err := s.Rename(ctx, "a", "b"); err != nil || !done {
		t.Fatalf("renamed: %t, %v", done, err)
	}
	l, err := s.List(ctx, "b")
	if err != nil || !l.Began.Equal(began) || l.Error != "" {
		t.Errorf("the list is %+v (%v), want the one that began at %v", l, err, began)
	}
	items, err := s.Candidates(ctx, digest.Digest{ID: "weekly", Lists: []string{"b"}})
	if err != nil || len(items) != 0 {
		t.Errorf("the digest would hold %v (%v), want nothing", items, err)
	}
}

// Lists that take ids which others had before make no id twice, on whatever day.
func TestIDsThatOtherListsHad(t *testing.T) {
	ctx := context.Background()
	s, _ := newStore(t)
	checkList(t, s, list("Tools", "Anvil"), lenient)
	for _, step := range [][2]string{{"a", "b"}, {"b", "c"}} {
		if _, err := s.Rename(ctx, step[0], step[1]); err != nil {
			t.Fatal(err)
		}
	}
	checkList(t, s, list("Tools", "Anvil"), lenient)
	if _, err := s.Rename(ctx, "a", "d"); err != nil {
		t.Fatal(err)
	}
	checkList(t, s, list("Tools", "Anvil"), lenient)
	names, ids := map[string]bool{}, map[string]bool{}
	all, err := s.Lists(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for id, l := range all {
		names[l.Named] = true
		entries, err := s.Entries(ctx, id, "")
		if err != nil {
			t.Fatal(err)
		}
		ids[entries[0].ID] = true
	}
	if len(all) != 3 || len(names) != 3 || len(ids) != 3 {
		t.Errorf("three lists have their feeds named after %v and the entries %v", names, ids)
	}
}
