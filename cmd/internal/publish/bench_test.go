package publish

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkOneEntry is what publishing costs when a check brought one entry to one list, among so many lists, and how often
// the time that it takes on a site with no other list. Both are measured in turns.
func BenchmarkOneEntry(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprintf("among-%d-lists", n), func(b *testing.B) {
			alone, many := newSite(b, 1), newSite(b, n)
			var files int
			var yardstick time.Duration
			for b.Loop() {
				files = many.grow()
				b.StopTimer()
				begun := time.Now()
				alone.grow()
				yardstick += time.Since(begun)
				b.StartTimer()
			}
			b.ReportMetric(float64(files), "files")
			b.ReportMetric(float64(b.Elapsed())/float64(yardstick), "x-alone")
		})
	}
}

// site is a world whose first list grows.
type site struct {
	*world
	entries int
}

func newSite(b *testing.B, lists int) *site {
	ids := make([]string, lists)
	for i := range ids {
		ids[i] = fmt.Sprintf("list-%d", i)
	}
	s := &site{world: newWorld(b, ids...), entries: 30}
	s.Now = func() time.Time { return time.Now().Add(s.ahead) }
	for _, id := range ids {
		s.check(id, numbered(s.entries))
	}
	all := s.Lists
	s.Lists = all[:1] // the files of the others are not what is measured
	s.publish()
	s.Lists = all
	s.grow()
	return s
}

// grow publishes one more entry and gives the number of files that are written for it.
func (s *site) grow() int {
	s.entries++
	s.ahead += time.Minute
	s.check("list-0", numbered(s.entries))
	return s.publish("list-0").Written
}
