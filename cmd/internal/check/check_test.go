package check_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/check"
	"linkletter/cmd/internal/source"
	"linkletter/feed"
	"linkletter/feed/curated"
	"linkletter/store"
)

type fixture struct {
	*check.Checker
	list check.List
	now  time.Time
	path string // of the store
}

func open(t testing.TB, path string, now func() time.Time) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), path, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// idOf is the id of an entry.
func idOf(published time.Time, key string) string {
	return feed.EntryID("example.org", published, "a", key)
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	dir := t.TempDir()
	f.path = filepath.Join(dir, "l.db")
	now := func() time.Time { return f.now }
	f.Checker = &check.Checker{Store: open(t, f.path, now), Source: &source.Source{Data: filepath.Join(dir, "git"), Now: now}, Tag: "example.org",
		Guard: curated.DefaultGuard, Now: now}
	f.list = check.List{ID: "a", At: source.Location{Path: filepath.Join(dir, "list.md")}}
	return f
}

func (f *fixture) write(t testing.TB, text string) {
	t.Helper()
	if err := os.WriteFile(f.list.At.Path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) check(t testing.TB) *check.Result {
	t.Helper()
	f.now = f.now.Add(time.Hour)
	r, err := f.Check(context.Background(), f.list)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func urls(entries []curated.Entry) []string {
	all := []string{}
	for _, e := range entries {
		all = append(all, e.URL)
	}
	return all
}

// seedStep is a revision of the list that this project was started for, and the addresses that people said it adds.
type seedStep struct {
	name, text string
	added      []string
}

func seedSteps(t *testing.T) []seedStep {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "..", "shared", "seed", "history")
	b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Skipf("the seed's history is not beside this clone: %v", err)
	}
	var revisions []struct {
		Revision string
		Added    []struct{ URL string }
	}
	if err := json.Unmarshal(b, &revisions); err != nil {
		t.Fatal(err)
	}
	steps := make([]seedStep, len(revisions))
	for i, r := range revisions {
		text, err := os.ReadFile(filepath.Join(dir, r.Revision+".md"))
		if err != nil {
			t.Fatal(err)
		}
		steps[i] = seedStep{name: r.Revision, text: string(text), added: []string{}}
		for _, e := range r.Added {
			steps[i].added = append(steps[i].added, e.URL)
		}
	}
	return steps
}

// The list this project was started for, along its real history: each revision announces exactly what people said it adds,
// through the store, its memory and the guard.
func TestSeedHistory(t *testing.T) {
	f := newFixture(t)
	for i, step := range seedSteps(t) {
		f.write(t, step.text)
		r := f.check(t)
		if len(r.Held) > 0 {
			t.Errorf("revision %s is held: %+v", step.name, r.Held)
		}
		if i == 0 {
			if !r.Baseline || r.Entries != len(step.added) || len(r.Taken.Added) != 0 {
				t.Errorf("the first revision: baseline %v, %d entries (want %d), announced %v", r.Baseline, r.Entries, len(step.added), urls(r.Taken.Added))
			}
			continue
		}
		if diff := cmp.Diff(step.added, urls(r.Taken.Added)); diff != "" {
			t.Errorf("revision %s announced (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestDryRunStoresNothing(t *testing.T) {
	f := newFixture(t)
	f.write(t, "- [Anvil](https://example.org/anvil)\n")
	f.check(t)
	f.write(t, "- [Anvil](https://example.org/anvil)\n- [Bellows](https://example.org/bellows)\n")
	for range 2 {
		r, err := f.DryRun(context.Background(), f.list)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"https://example.org/bellows"}, urls(r.Taken.Added)); diff != "" {
			t.Errorf("a dry run would announce (-want +got):\n%s", diff)
		}
	}
	if r := f.check(t); len(r.Taken.Added) != 1 {
		t.Errorf("the check after it announced %v", urls(r.Taken.Added))
	}
}

func TestUnreadableLists(t *testing.T) {
	good := "- [Anvil](https://example.org/anvil)\n- [Bellows](https://example.org/bellows)\n"
	for name, text := range map[string]string{
		"empty":      "",
		"no entries": "# Tools\n\nNothing here any more.\n",
		"HTML":       "<!DOCTYPE html>\n<html><body><a href=\"https://example.org/anvil\">Anvil</a></body></html>\n",
		"binary":     "\x7fELF\x02\x01\x01" + strings.Repeat("\x00\x01\xfe", 400),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.write(t, text)
			if r, err := f.Check(context.Background(), f.list); err == nil {
				t.Fatalf("a first check of it is an error, got %+v", r)
			}
			f.write(t, good)
			if r := f.check(t); !r.Baseline {
				t.Fatalf("the first list that can be read is the baseline, got %+v", r)
			}
			f.write(t, text)
			r := f.check(t)
			if len(r.Held) != 1 || r.Held[0].Kind != curated.HoldUnreadable || len(r.Taken.Added) != 0 {
				t.Errorf("want it held as unreadable, got %+v", r)
			}
			f.write(t, good+"- [Chisel](https://example.org/chisel)\n")
			r = f.check(t)
			if diff := cmp.Diff([]string{"https://example.org/chisel"}, urls(r.Taken.Added)); diff != "" || len(r.Held) != 0 {
				t.Errorf("after it could be read again, announced (-want +got):\n%s\nheld %+v", diff, r.Held)
			}
		})
	}
}

// A list that a person really emptied stays held until they say so.
func TestBelieveTakesAnEmptiedList(t *testing.T) {
	f := newFixture(t)
	f.write(t, "- [Anvil](https://example.org/anvil)\n- [Bellows](https://example.org/bellows)\n")
	f.check(t)
	f.write(t, "# Tools\n\nNothing any more.\n")
	if r := f.check(t); len(r.Held) != 1 {
		t.Fatalf("want it held, got %+v", r)
	}
	r, err := f.Believe(context.Background(), f.list)
	if err != nil || len(r.Held) != 0 || len(r.Report.Removed) != 2 {
		t.Fatalf("want two removed and nothing held, got %+v, %v", r, err)
	}
	if r := f.check(t); !r.Unchanged || len(r.Held) != 0 || r.Entries != 0 {
		t.Errorf("the check after it: %+v", r)
	}
	f.write(t, "- [Anvil](https://example.org/anvil)\n- [Chisel](https://example.org/chisel)\n")
	r = f.check(t)
	if diff := cmp.Diff([]string{"https://example.org/chisel"}, urls(r.Taken.Added)); diff != "" {
		t.Errorf("what had left is not new when it returns (-want +got):\n%s", diff)
	}
}

// A list whose layout is only partly understood goes on: what is new in it waits, and what comes later is announced.
func TestALayoutHoldIsNoStop(t *testing.T) {
	f := newFixture(t)
	text := bigList(30)
	f.write(t, text)
	f.check(t)
	for i := range 40 {
		text += fmt.Sprintf("\nA sentence that speaks of [one thing](https://example.net/%d) in the middle of its words.\n", i)
	}
	f.write(t, text+"\n- [Held](https://example.org/held)\n")
	if r := f.check(t); len(r.Held) == 0 || len(r.Taken.Added) != 0 {
		t.Fatalf("want it held, got %+v", r)
	}
	f.write(t, text+"\n- [Held](https://example.org/held)\n- [Later](https://example.org/later)\n")
	r := f.check(t)
	if diff := cmp.Diff([]string{"https://example.org/later"}, urls(r.Taken.Added)); diff != "" {
		t.Errorf("the check after it announced (-want +got):\n%s", diff)
	}
}

// bigList is a list of n entries in sections of fifty, of our own making.
func bigList(n int) string {
	var b strings.Builder
	b.WriteString("# Made for measuring\n")
	for i := range n {
		if i%50 == 0 {
			fmt.Fprintf(&b, "\n## Section %d\n\n", i/50)
		}
		fmt.Fprintf(&b, "- [Tool number %d](https://example.org/tools/%d) - Does the thing that number %d is *good* at, by `tool-%d`.\n", i, i, i, i)
	}
	return b.String()
}

// A check of a list that did not change costs a look at the file and one small transaction; reading the same bytes is the
// yardstick.
func BenchmarkCheckUnchanged(b *testing.B) {
	f := newFixture(b)
	f.write(b, bigList(5000))
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(f.list.At.Path, old, old); err != nil {
		b.Fatal(err)
	}
	f.check(b)
	f.check(b)
	start := time.Now()
	const reads = 50
	for range reads {
		if _, err := os.ReadFile(f.list.At.Path); err != nil {
			b.Fatal(err)
		}
	}
	read := time.Since(start) / reads
	for b.Loop() {
		if r := f.check(b); !r.Unchanged {
			b.Fatal("it changed")
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(read), "x-reading-the-file")
}

func BenchmarkCheckOneAddition(b *testing.B) {
	f := newFixture(b)
	text := bigList(5000)
	f.write(b, text)
	f.check(b)
	for i := 0; b.Loop(); i++ {
		text += fmt.Sprintf("- [One more %d](https://example.org/more/%d) - New.\n", i, i)
		f.write(b, text)
		if r := f.check(b); len(r.Taken.Added) != 1 {
			b.Fatalf("announced %d", len(r.Taken.Added))
		}
	}
}
