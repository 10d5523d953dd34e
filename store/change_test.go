package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/store"
)

func TestChanges(t *testing.T) {
	s, c := newStore(t)
	start := c.t
	at := func(markdown string, more ...func(*store.Reading)) {
		t.Helper()
		c.t = c.t.Add(time.Hour)
		checkWith(t, s, markdown, lenient, func(r *store.Reading) {
			for _, f := range more {
				f(r)
			}
		})
	}
	at(list("Tools", "Anvil", "Bellows", "Chisel", "Drill"))
	at("## Tools\n\n- [The big anvil](https://example.org/anvil) - All about Anvil.\n" + list("More", "Bellows", "Chisel")) // Drill left
	at(list("Tools", "Anvil", "Bellows", "Chisel", "Drill"))                                                                // and is back
	at(list("Iron", "Anvil", "Bellows", "Chisel", "Drill"))                                                                 // moved
	at(list("Iron", "Anvil", "Bellows"), func(r *store.Reading) { r.Silent = true })
	at(list("Iron", "Anvil"), func(r *store.Reading) { r.Reader = 99 })
	type row struct {
		Kind, Before, After string
		What                []string
		At                  time.Duration
	}
	changes := func(limit int) []row {
		t.Helper()
		all, err := s.Changes(context.Background(), "a", limit)
		if err != nil {
			t.Fatal(err)
		}
		var rows []row
		for _, c := range all {
			rows = append(rows, row{string(c.Kind), c.Before.Title, c.After.Title, c.What, c.At.Sub(start)})
		}
		return rows
	}
	want := []row{
		{"changed", "The big anvil", "Anvil", []string{"title"}, 3 * time.Hour},
		{"returned", "Drill", "Drill", []string{}, 3*time.Hour - 3*time.Second},
		{"changed", "Anvil", "The big anvil", []string{"title"}, 2 * time.Hour},
		{"removed", "Drill", "Drill", []string{}, 2*time.Hour - 3*time.Second},
	}
	got := changes(10)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got[:2], changes(2)); diff != "" {
		t.Errorf("the newest two of all and by themselves (-all +themselves):\n%s", diff)
	}
}
