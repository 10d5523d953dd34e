package feed_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/gorilla/feeds"

	"linkletter/feed"
)

// The yardstick: what gorilla/feeds itself takes to write the same entries. Three times that is what ours may take.
func gorilla(f *feed.Feed) *feeds.Feed {
	g := &feeds.Feed{
		Title: f.Title, Description: f.Subtitle, Link: &feeds.Link{Href: f.Home}, Id: f.ID,
		Author: &feeds.Author{Name: f.Author}, Updated: f.Updated(),
	}
	for _, e := range f.Entries {
		g.Add(&feeds.Item{
			Title: e.Title, Link: &feeds.Link{Href: e.URL}, Source: &feeds.Link{Href: e.Via}, Author: &feeds.Author{Name: e.Author},
			Description: e.Summary, Id: e.ID, IsPermaLink: "false", Updated: e.Updated, Created: e.Published, Content: e.Content,
		})
	}
	return g
}

func BenchmarkAtom(b *testing.B) { benchmark(b, (*feed.Feed).Atom, (*feeds.Feed).ToAtom) }
func BenchmarkRSS(b *testing.B)  { benchmark(b, (*feed.Feed).RSS, (*feeds.Feed).ToRss) }
func BenchmarkJSON(b *testing.B) { benchmark(b, (*feed.Feed).JSON, (*feeds.Feed).ToJSON) }

func benchmark(b *testing.B, ours func(*feed.Feed) ([]byte, error), theirs func(*feeds.Feed) (string, error)) {
	for _, n := range []int{1000, 50000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			f := sample(n)
			g := gorilla(f)
			var yardstick time.Duration // measured in turns with ours, so that a busy machine slows both
			for b.Loop() {
				if _, err := ours(f); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				began := time.Now()
				if _, err := theirs(g); err != nil {
					b.Fatal(err)
				}
				yardstick += time.Since(began)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed())/float64(yardstick), "x-gorilla")
		})
	}
}
