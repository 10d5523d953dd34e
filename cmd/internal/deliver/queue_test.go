package deliver

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"linkletter/store"
)

// What is given back when a round ends stays as it was, whatever workers still finish: else a delivery would stay claimed.
func TestQueueRestIsKept(t *testing.T) {
	q := newQueue(1)
	var all []store.Delivery
	for i, domain := range []string{"a", "b", "c", "d", "e", "a", "b"} {
		all = append(all, store.Delivery{ID: int64(i + 1), Address: "x@" + domain})
	}
	q.add(all)
	rest := q.rest()
	q.finished(rest[len(rest)-1]) // another of its domain
	byID := cmpopts.SortSlices(func(a, b store.Delivery) bool { return a.ID < b.ID })
	if diff := cmp.Diff(all, rest, byID, cmpopts.IgnoreUnexported(store.Delivery{})); diff != "" {
		t.Errorf("what is given back (-want +got):\n%s", diff)
	}
}
