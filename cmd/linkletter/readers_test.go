package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
)

// Whoever subscribes is not flooded; three additions are three unread; edits that add nothing leave nothing unread, nor does a new
// address of the site; and however fast additions follow one another, each is read once.
func TestAReadersLife(t *testing.T) {
	t.Parallel()
	l := newLife(t, 300, "list.md")
	l.start()
	l.publish()
	l.subscribe()
	l.dayOne()

	added := []*resource{l.list.add(), l.list.add(), l.list.add()}
	l.publish()
	l.unread("three additions", added...)

	for i, e := range l.list.draw(20) {
		e.do(l.list)
		l.publish()
		l.unchanged(fmt.Sprintf("edit %d, %s", i+1, e.name), e)
	}

	l.stop()
	elsewhere := strings.Replace(l.base, "127.0.0.1", "localhost", 1)
	l.write("config.yaml", fmt.Sprintf(readersConfig, elsewhere, l.listen, "list.md"))
	l.start()
	l.run("check")
	l.unread("another base_url")
	var byID []reader // of the others, a new address is a new feed
	for _, r := range l.readers {
		if _, ok := r.(*newsboat); !ok {
			byID = append(byID, r)
		}
	}
	l.compare("at the new address", l.reload("at the new address", elsewhere, byID), nil)

	l.tenInARow()
	for _, who := range slices.Sorted(maps.Keys(l.answers)) {
		t.Logf("%-40s answers: %v", who, l.answers[who])
	}
}

// tenInARow makes ten additions, each followed by a check, as fast as can be, while each reader asks all the time.
func (l *life) tenInARow() {
	l.Helper()
	read := make([]map[string]visit, len(l.readers))
	published := make(chan struct{})
	var asking sync.WaitGroup
	for i, r := range l.readers {
		read[i] = map[string]visit{}
		ask := func() {
			for who, v := range l.reload("ten additions in a row", l.base, []reader{r}) {
				all := read[i][who]
				all.Feed = v.Feed
				all.Unread = append(all.Unread, v.Unread...)
				all.Shown = append(all.Shown, v.Shown...)
				read[i][who] = all
			}
		}
		asking.Go(func() {
			defer ask() // once more after all
			for {
				ask()
				select {
				case <-published:
					return
				case <-time.After(betweenReloads):
				}
			}
		})
	}
	var added []*resource
	var checks errgroup.Group
	checks.SetLimit(3) // while one is published, the next is made already
	for range 10 {
		added = append(added, l.list.add())
		l.save()
		checks.Go(func() error {
			out, err := l.linkletter("check").CombinedOutput()
			if err != nil {
				return fmt.Errorf("linkletter check: %w\n%s", err, out)
			}
			return nil
		})
	}
	l.must(checks.Wait())
	close(published)
	asking.Wait()
	for _, visits := range read {
		l.compare("ten additions in a row", visits, added)
	}
}

// betweenReloads is how long an impatient reader waits.
const betweenReloads = 100 * time.Millisecond

// Of a list in git, nothing depends on what the program remembers: from the same history, a new installation publishes the same
// entries, under the same ids.
func TestAReadersLifeWithAListInGit(t *testing.T) {
	t.Parallel()
	l := newLife(t, 60, "{repository: repo, file: README.md}")
	if l.has("git") == "" {
		return
	}
	l.must(os.Mkdir(l.path("repo"), 0o755))
	l.git("init", "-q", "-b", "main")
	l.commit("Begin")
	var twenty []*resource
	for range 12 {
		twenty = nil
		for range 20 {
			twenty = append(twenty, l.list.add())
		}
		l.commit("Add twenty")
	}
	l.start()
	l.run("check")
	l.subscribe()
	l.dayOne()

	added := []*resource{l.list.add(), l.list.add(), l.list.add()}
	l.commit("Add three")
	l.run("check")
	l.unread("three additions", added...)

	// As many that the feed shows leave as came, and more: what was never in it must not take their places.
	for _, r := range append(twenty[5:12], added[1]) {
		l.list.remove(r)
	}
	l.commit("Remove eight")
	for _, e := range l.list.draw(8) {
		if !e.moves && !e.renames {
			e.do(l.list)
			l.commit(e.name)
		}
	}
	l.run("check")
	l.unread("edits")

	// The next step shows the same even where the reader has the ids of the first.
	before := l.readers[0].(*goReader).kept["tools/atom.xml"].shown
	l.stop()
	l.must(os.RemoveAll(l.path("data")))
	l.start()
	l.run("check")
	l.unread("a new database")
	if diff := cmp.Diff(before, l.readers[0].(*goReader).kept["tools/atom.xml"].shown); diff != "" {
		t.Errorf("ids in the feed, before and after (-before +after):\n%s", diff)
	}
	l.importOPML(len(l.outlines()))
	l.unread("the OPML file imported again")

	one := l.list.add()
	l.commit("Add one")
	l.run("check")
	l.unread("an addition", one)
}
