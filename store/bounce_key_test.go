package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A2: the key is made once, and is another in every store; after a change, the marks of the one before are still good.
func TestA2BounceKeys(t *testing.T) {
	s, _ := newStore(t)
	other, _ := newStore(t)
	first, err := s.BounceKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.BounceKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the second call gives another key (-first +second):\n%s", diff)
	}
	mark := first.Mark(3, 4)
	strange, err := other.BounceKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := strange.ParseMark(mark); ok {
		t.Error("another store takes the mark for its own")
	}
	for i, want := range []bool{true, false} {
		rotated, err := s.RotateBounceKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, _, ok := rotated.ParseMark(mark); ok != want {
			t.Errorf("after %d changes the mark is good: %v, want %v", i+1, ok, want)
		}
		if kept, err := s.BounceKeys(t.Context()); err != nil || !cmp.Equal(kept, rotated) {
			t.Errorf("after %d changes the store keeps %v (%v), want %v", i+1, kept, err, rotated)
		}
	}
}
