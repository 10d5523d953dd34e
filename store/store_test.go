package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed/curated"
	"linkletter/store"
)

// clock is a time that tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newClock() *clock { return &clock{time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)} }

func open(t *testing.T, path string, c *clock) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), path, c.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newStore(t *testing.T) (*store.Store, *clock) {
	c := newClock()
	return open(t, filepath.Join(t.TempDir(), "data", "l.db"), c), c
}

// checkList makes one check of a list, as the program does.
func checkList(t *testing.T, s *store.Store, markdown string, guard curated.Guard) *store.Recorded {
	t.Helper()
	return checkListAs(t, s, "example.org", markdown, guard)
}

func checkListAs(t *testing.T, s *store.Store, tag, markdown string, guard curated.Guard) *store.Recorded {
	t.Helper()
	return checkWith(t, s, markdown, guard, func(r *store.Reading) { r.Tag = tag })
}

// checkWith makes one check with a reading that the test completes.
func checkWith(t *testing.T, s *store.Store, markdown string, guard curated.Guard, complete func(*store.Reading)) *store.Recorded {
	t.Helper()
	return checkListOf(t, s, "a", markdown, guard, complete)
}

// checkListOf does so with the list of an id.
func checkListOf(t *testing.T, s *store.Store, id, markdown string, guard curated.Guard, complete func(*store.Reading)) *store.Recorded {
	t.Helper()
	ctx := context.Background()
	before, known, err := s.Known(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	list := curated.Parse([]byte(markdown), curated.Options{})
	changes := curated.Diff(known, list)
	r := store.Reading{Before: before, Tag: "example.org", Hash: markdown, Validators: "{}", List: list, Changes: changes}
	if !before.Began.IsZero() {
		r.Holds = guard.Judge(before.Counts, list, changes)
	}
	complete(&r)
	done, err := s.Record(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// lenient holds only a list that became empty.
var lenient = curated.Guard{MaxNew: 1000, MaxNewShare: 1, MaxLostShare: 1, MinLost: 1000}

func feedOf(t *testing.T, s *store.Store) []store.Entry {
	t.Helper()
	entries, err := s.Feed(context.Background(), store.FeedQuery{Lists: []string{"a"}, Window: 50, Baseline: 20})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// standing are the entries that stand in the list, or in a section of it.
func standing(t *testing.T, s *store.Store, section string) []store.Entry {
	t.Helper()
	all, err := s.Entries(context.Background(), "a", section)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e store.Entry) bool { return e.Gone })
}

func titles(entries []store.Entry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, e.Title)
	}
	return all
}

// list writes a Markdown list with a bullet per name under one heading.
func list(heading string, names ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", heading)
	for _, n := range names {
		fmt.Fprintf(&b, "- [%s](https://example.org/%s) - All about %s.\n", n, strings.ToLower(n), n)
	}
	return b.String()
}

func TestOpenMigratesAnEmptyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "empty.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, path, newClock())
	if _, err := s.Secret(context.Background()); err != nil {
		t.Errorf("a file of version 0 was not brought up to date: %v", err)
	}
}

func TestOpenTwiceKeepsTheSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	first, err := open(t, path, newClock()).Secret(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	second, err := open(t, path, newClock()).Secret(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 32 || !slices.Equal(first, second) {
		t.Errorf("the secret changed: %x, then %x", first, second)
	}
}

func TestOpenRefuses(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name, want string
		spoil      func(t *testing.T, path string)
	}{
		{"a newer database", "newer Linkletter", func(t *testing.T, path string) {
			open(t, path, newClock()).Close()
			execSQL(t, path, "PRAGMA user_version = 99")
		}},
		{"another program's database", "another program's", func(t *testing.T, path string) {
			execSQL(t, path, "CREATE TABLE shopping (item TEXT)")
		}},
		{"a file that is no database", "damaged or no SQLite database", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("not a database at all\n", 100)), 0o644); err != nil {
				t.Fatal(err)
			}
		}},
		{"a folder", "cannot be written", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "l.db")
			c.spoil(t, path)
			s, err := store.Open(ctx, path, time.Now)
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("the message %q does not name the file and say %q", err, c.want)
			}
		})
	}
}

// execSQL works on a database file beside the store.
func execSQL(t *testing.T, path, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatal(err)
	}
}

func TestPragmas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	s := open(t, path, newClock())
	got, err := s.Pragmas(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "15000"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pragmas (-want +got):\n%s", diff)
	}
}

func TestLease(t *testing.T) {
	s, c := newStore(t)
	ctx := context.Background()
	one, two := store.Process{Command: "serve", PID: 1, Host: "a"}, store.Process{Command: "check", PID: 2, Host: "b"}
	first, err := s.Acquire(ctx, "scheduler", one)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Acquire(ctx, "scheduler", two)
	var held *store.HeldError
	if !errors.As(err, &held) || held.Holder != one || held.Owner != first.Owner {
		t.Fatalf("a second holder: want a HeldError naming the first, got %v", err)
	}
	c.t = c.t.Add(store.LeaseTime - time.Second)
	if err := first.Renew(ctx); err != nil {
		t.Fatalf("renewing in time: %v", err)
	}
	c.t = c.t.Add(store.LeaseTime)
	second, err := s.Acquire(ctx, "scheduler", two)
	if err != nil {
		t.Fatalf("a lapsed lease is free: %v", err)
	}
	if err := first.Renew(ctx); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the first renewed a lease that the second has: %v", err)
	}
	if err := first.Release(ctx); err != nil {
		t.Fatal(err)
	}
	if holder, err := s.Holder(ctx, "scheduler"); err != nil || holder == nil || holder.Holder != two {
		t.Errorf("the first released the second's lease: holder %v, %v", holder, err)
	}
	if err := s.Break(ctx, "scheduler", second.Owner); err != nil {
		t.Fatal(err)
	}
	if holder, err := s.Holder(ctx, "scheduler"); err != nil || holder != nil {
		t.Errorf("still held by %v, %v", holder, err)
	}
}

func TestTagIsKeptOnceItIsAHosts(t *testing.T) {
	s, _ := newStore(t)
	ctx := context.Background()
	provisional := func(tag string) bool { return tag == "localhost" }
	tag := func(wanted string) string {
		got, err := s.Tag(ctx, wanted, provisional)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := tag("localhost"); got != "localhost" {
		t.Fatalf("the first tag is %q", got)
	}
	// Entries that were minted with it, and one of a list that looks like it.
	checkListAs(t, s, "localhost", list("Tools", "Anvil", "Bellows"), lenient)
	was := feedOf(t, s)
	if got := tag("links.example.org"); got != "links.example.org" {
		t.Fatalf("a provisional tag stayed: %q", got)
	}
	for i, e := range feedOf(t, s) {
		if want := strings.Replace(was[i].ID, "tag:localhost,", "tag:links.example.org,", 1); e.ID != want {
			t.Errorf("the id became %s, want %s", e.ID, want)
		}
	}
	for _, later := range []string{"other.example.org", "localhost"} {
		if got := tag(later); got != "links.example.org" {
			t.Errorf("asked for %s the tag became %q: ids never change", later, got)
		}
	}
	if l, err := s.List(ctx, "a"); err != nil || l.Tag != "links.example.org" {
		t.Errorf("the list's tag is %q, %v", l.Tag, err)
	}
}

func TestTroubleKeepsItsBeginning(t *testing.T) {
	s, c := newStore(t)
	ctx := context.Background()
	began := c.t
	for _, trouble := range []error{nil, errors.New("refused"), errors.New("refused"), errors.New("silent")} {
		if err := s.SetTrouble(ctx, store.TroubleMail, trouble); err != nil {
			t.Fatal(err)
		}
		if trouble != nil {
			c.t = c.t.Add(time.Hour)
		}
	}
	all, err := s.Troubles(ctx)
	want := []store.Trouble{{What: store.TroubleMail, Text: "silent", Since: began}}
	if diff := cmp.Diff(want, all); diff != "" || err != nil {
		t.Errorf("troubles (-want +got), %v:\n%s", err, diff)
	}
	if err := s.SetTrouble(ctx, store.TroubleMail, nil); err != nil {
		t.Fatal(err)
	}
	if all, _ := s.Troubles(ctx); len(all) != 0 {
		t.Errorf("still in trouble: %v", all)
	}
}

func TestOnlyTheOwnerMayReadTheDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	open(t, path, newClock())
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(path+suffix), mode)
		}
	}
}

func TestRequest(t *testing.T) {
	s, c := newStore(t)
	ctx := context.Background()
	if r, err := s.NextRequest(ctx); r != nil || err != nil {
		t.Fatalf("nothing was asked, got %v, %v", r, err)
	}
	old, err := s.Ask(ctx, store.RequestSend, "weekly")
	if err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(2 * time.Hour)
	id, err := s.Ask(ctx, store.RequestCheck, "a")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.NextRequest(ctx)
	if err != nil || r == nil || r.ID != id || r.Kind != store.RequestCheck || r.Subject != "a" {
		t.Fatalf("want request %d (the one of two hours ago, %d, is dropped), got %+v, %v", id, old, r, err)
	}
	if again, err := s.NextRequest(ctx); again != nil || err != nil {
		t.Fatalf("claimed twice: %+v, %v", again, err)
	}
	if withdrawn, err := s.Withdraw(ctx, id); withdrawn || err != nil {
		t.Errorf("a request that was begun was withdrawn: %v", err)
	}
	if err := s.Answer(ctx, id, `{"x":1}`, ""); err != nil {
		t.Fatal(err)
	}
	got, err := s.Request(ctx, id)
	if err != nil || !got.Finished || got.Result != `{"x":1}` {
		t.Errorf("the answer: %+v, %v", got, err)
	}
}
