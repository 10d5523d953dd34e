package feed_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"linkletter/feed"
)

// Dates are unique, never after what was asked for, and no free second is passed over.
func TestDates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d feed.Dates
		taken := map[int64]bool{}
		for _, s := range rapid.SliceOfN(rapid.Int64Range(1000, 1010), 0, 10).Draw(t, "taken") {
			d.Take(time.Unix(s, 0))
			taken[s] = true
		}
		for _, s := range rapid.SliceOfN(rapid.Int64Range(995, 1015), 0, 60).Draw(t, "asked") {
			got := d.Give(time.Unix(s, 5e8))
			want := s
			for taken[want] {
				want--
			}
			if got.Unix() != want || got.Location() != time.UTC || got.Nanosecond() != 0 {
				t.Fatalf("for second %d: got %v (%d), want %d", s, got, got.Unix(), want)
			}
			taken[want] = true
		}
	})
}

func TestDatesAreFast(t *testing.T) {
	var d feed.Dates
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 200_000 { // quadratic, this would not end
		if got := d.Give(at.Add(time.Duration(i%2) * time.Second)); got.After(at.Add(time.Second)) {
			t.Fatal(got)
		}
	}
}
