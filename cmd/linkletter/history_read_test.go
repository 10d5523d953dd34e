package main

import (
	"slices"
	"testing"
)

// A sequence that is run ahead gives the same in the same order, and has ended when the loop over it has, wherever that is left.
func TestAhead(t *testing.T) {
	const n = 50
	for _, leave := range []int{0, 1, 7, n - 1, n} {
		ended := false
		numbers := func(yield func(int, int) bool) {
			defer func() { ended = true }()
			for i := range n {
				if !yield(i, i*i) {
					return
				}
			}
		}
		var got, want []int
		for i, square := range ahead(numbers) {
			if i == leave {
				break
			}
			got = append(got, i, square)
		}
		for i := range leave {
			want = append(want, i, i*i)
		}
		if !slices.Equal(got, want) || !ended {
			t.Errorf("left at %d: got %v, want %v; ended: %v", leave, got, want, ended)
		}
	}
}
