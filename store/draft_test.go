package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed/digest"
	"linkletter/store"
)

// noted renders an issue as plain does, with its note.
func noted(i *digest.Issue, note string) (store.Parts, error) {
	p, err := plain(i)
	p.Text += " " + note
	return p, err
}

func TestDraft(t *testing.T) {
	s, c := newDigest(t)
	ctx := context.Background()
	asks := weekly
	asks.Approve = true
	checkList(t, s, list("H", "X", "A", "B", "C"), lenient)
	draft := freeze(t, s, asks, "p1")
	if draft.State != store.IssueDraft || draft.Public() || draft.Total() != 0 {
		t.Fatalf("the draft: %+v", draft)
	}
	checkList(t, s, list("H", "X", "A", "B", "C", "D"), lenient)
	if again := freeze(t, s, asks, "p2"); again != nil {
		t.Errorf("another draft, %d, while one waits", again.Number)
	}
	untold := func(want int) []*store.Issue {
		t.Helper()
		got, err := s.UntoldDrafts(ctx)
		do(t, err)
		if len(got) != want {
			t.Errorf("%d drafts to be mailed, want %d", len(got), want)
		}
		return got
	}
	read := untold(1)[0]
	do(t, s.SetNote(ctx, draft.Ref, "A word.", noted))
	do(t, s.Told(ctx, read)) // as it was before the note
	do(t, s.Told(ctx, untold(1)[0]))
	untold(0)

	// What was hidden and what left is not sent, and who subscribed since gets it.
	subscribe(t, s, "one@example.org")
	_, err := s.Hide(ctx, "", "https://example.org/a", true)
	do(t, err)
	c.t = c.t.Add(48 * time.Hour)
	checkList(t, s, list("H", "X", "A", "C", "D"), lenient)
	do(t, s.Approve(ctx, draft.Ref, noted))
	got := issueOf(t, s, 1)
	if diff := cmp.Diff([]string{"H/C"}, itemTitles(got.Issue)); diff != "" {
		t.Errorf("the issue (-want +got):\n%s", diff)
	}
	if got.State != store.IssueSending || got.Parts.Text != "1 items A word." || !got.Date.Equal(c.t) || got.Counts[digest.Pending] != 1 {
		t.Errorf("the issue: %+v", got)
	}
	var wrong *store.WrongStateError
	if err := s.Approve(ctx, draft.Ref, noted); !errors.As(err, &wrong) || wrong.State != store.IssueSending {
		t.Errorf("approved twice: error %v", err)
	}
	_, err = s.Hide(ctx, "a", "https://example.org/a", false)
	do(t, err)
	if diff := cmp.Diff([]string{"A", "D"}, candidateTitles(t, s)); diff != "" {
		t.Errorf("waiting for the next issue (-want +got):\n%s", diff)
	}
}

// A draft shows what will be sent: what is hidden goes at once, and comes back to its place when it is shown.
func TestRedraft(t *testing.T) {
	s, _ := newDigest(t)
	ctx := context.Background()
	asks := weekly
	asks.Approve = true
	checkList(t, s, list("H", "X", "A", "B", "C"), lenient)
	draft := freeze(t, s, asks, "p1")
	do(t, s.SetNote(ctx, draft.Ref, "A word.", noted))
	all := itemTitles(issueOf(t, s, 1).Issue)
	for _, step := range []struct {
		hide   bool
		entry  string
		want   []string
		untold int
	}{
		{true, "a", without(all, "H/A"), 1}, {true, "x", without(all, "H/A"), 0}, {true, "b", []string{"H/C"}, 1},
		{true, "c", nil, 1}, {false, "b", []string{"H/B"}, 1}, {false, "a", without(all, "H/C"), 1}, {false, "c", all, 1},
	} {
		read := issueOf(t, s, 1)
		do(t, s.Told(ctx, read))
		_, err := s.Hide(ctx, "", "https://example.org/"+step.entry, step.hide)
		do(t, err)
		do(t, s.Redraft(ctx, asks, noted))
		got := issueOf(t, s, 1)
		if diff := cmp.Diff(step.want, itemTitles(got.Issue)); diff != "" {
			t.Errorf("%s hidden %v (-want +got):\n%s", step.entry, step.hide, diff)
		}
		if want := fmt.Sprintf("%d items A word.", len(step.want)); got.Parts.Text != want {
			t.Errorf("%s hidden %v: it reads %q, want %q", step.entry, step.hide, got.Parts.Text, want)
		}
		if untold, err := s.UntoldDrafts(ctx); err != nil || len(untold) != step.untold {
			t.Errorf("%s hidden %v: %d drafts to be mailed (%v), want %d", step.entry, step.hide, len(untold), err, step.untold)
		}
	}
}

func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}

func TestApproveNothing(t *testing.T) {
	s, _ := newDigest(t)
	ctx := context.Background()
	asks := weekly
	asks.Approve = true
	checkList(t, s, list("H", "X", "A"), lenient)
	draft := freeze(t, s, asks, "p1")
	_, err := s.Hide(ctx, "", "https://example.org/a", true)
	do(t, err)
	if err := s.Approve(ctx, draft.Ref, noted); !errors.Is(err, store.ErrNothingLeft) {
		t.Errorf("error %v, want ErrNothingLeft", err)
	}
	do(t, s.Cancel(ctx, draft.Ref, "nothing left"))
	if got := issueOf(t, s, 1); !got.Withdrawn {
		t.Errorf("the draft that was cancelled: %+v", got)
	}
	if _, err := s.Hide(ctx, "", "https://example.org/nothing", true); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("hiding what is not there: error %v, want ErrNotFound", err)
	}
}

// The operator ends a doubt: what is to be sent again has its bytes, under either policy, and its issue goes on.
func TestResolve(t *testing.T) {
	for _, policy := range []time.Duration{0, hold} {
		s, c, i, _ := outgoing(t, 3)
		ctx := context.Background()
		sender := s.Sender("first", 0)
		for _, d := range claim(t, sender, 3) {
			do(t, sender.Intent(ctx, d, []byte("bytes")))
			do(t, sender.Doubt(ctx, d.ID, "lost"))
		}
		do(t, sender.Finish(ctx))
		if got := issueOf(t, s, 1); got.State != store.IssueDone {
			t.Fatalf("the issue is %s, want it done with three in doubt", got.State)
		}
		for _, step := range []struct {
			as   store.Resolution
			keys []string
			want int
		}{{store.ResolveSent, []string{"s0@example.org"}, 1}, {store.ResolveResend, []string{"s1@example.org", "s0@example.org"}, 1}, {store.ResolveSent, []string{"x@example.org"}, 0}} {
			if n, err := s.Resolve(ctx, i.Ref, step.as, step.keys); err != nil || n != step.want {
				t.Errorf("%s %v: %d resolved (%v), want %d", step.as, step.keys, n, err, step.want)
			}
		}
		wantStates(t, s, i, digest.Sent, digest.Deferred, digest.InDoubt)
		next := s.Sender("second", policy)
		_, err := next.Recover(ctx)
		do(t, err)
		again := claim(t, next, 3)
		if len(again) != 1 || string(again[0].Message) != "bytes" {
			t.Fatalf("claimed %+v, want the one to be sent again, with its bytes", again)
		}
		do(t, next.Defer(ctx, again[0], c.t.Add(time.Hour), "451"))
		wantStates(t, s, i, digest.Sent, digest.InDoubt, digest.InDoubt)
		if n, err := s.Resolve(ctx, i.Ref, store.ResolveSent, nil); err != nil || n != 2 {
			t.Errorf("%d resolved (%v), want the two that are left", n, err)
		}
	}
}

func TestResolveCancelled(t *testing.T) {
	s, _, i, sender := outgoing(t, 1)
	ctx := context.Background()
	d := claim(t, sender, 1)[0]
	do(t, sender.Intent(ctx, d, []byte("bytes")))
	do(t, sender.Doubt(ctx, d.ID, "lost"))
	do(t, s.Cancel(ctx, i.Ref, "no"))
	var wrong *store.WrongStateError
	if _, err := s.Resolve(ctx, i.Ref, store.ResolveResend, nil); !errors.As(err, &wrong) {
		t.Errorf("error %v, want none of a cancelled issue sent", err)
	}
	if n, err := s.Resolve(ctx, i.Ref, store.ResolveSent, nil); err != nil || n != 1 {
		t.Errorf("%d resolved (%v), want 1", n, err)
	}
}

// Rows go in batches, counts stay, and what is in doubt is kept by name.
func TestPrune(t *testing.T) {
	s, c, i, _ := outgoing(t, 6)
	ctx := context.Background()
	sender := s.Sender("first", 0)
	for n, d := range claim(t, sender, 6) {
		switch n {
		case 0:
			do(t, sender.Fail(ctx, d, "550", false))
			continue
		case 1:
			do(t, sender.Intent(ctx, d, []byte("bytes")))
			do(t, sender.Doubt(ctx, d.ID, "lost"))
			continue
		}
		do(t, sender.Intent(ctx, d, []byte("bytes")))
		do(t, sender.Sent(ctx, d.ID, "250")())
	}
	prune := func(before time.Time, want ...int) {
		t.Helper()
		for _, want := range want {
			if n, err := s.Prune(ctx, before, 3); err != nil || n != want {
				t.Errorf("%d pruned (%v), want %d", n, err, want)
			}
		}
	}
	prune(c.t.Add(time.Hour), 0) // it is still being sent
	do(t, sender.Finish(ctx))
	prune(c.t, 0)
	before := issueOf(t, s, 1)
	prune(c.t.Add(time.Second), 3, 2, 0)
	after := issueOf(t, s, 1)
	if diff := cmp.Diff(before.Counts, after.Counts); diff != "" || after.Pruned != 5 || after.Total() != 6 {
		t.Errorf("%d pruned of %d; the counts (-before +after):\n%s", after.Pruned, after.Total(), diff)
	}
	wantStates(t, s, i, digest.InDoubt)
	if n, err := s.Resolve(ctx, i.Ref, store.ResolveResend, nil); err != nil || n != 0 {
		t.Errorf("%d to be sent again (%v), want none: the bytes are gone", n, err)
	}
	if open, err := s.OpenIssues(ctx, weekly.ID); err != nil || len(open) != 1 {
		t.Errorf("open: %v (%v), want the issue, for what is in doubt", open, err)
	}
}

// Whoever looks while rows are pruned counts each once.
func TestPruneBesideReader(t *testing.T) {
	const n = 200
	s, c, _, sender := outgoing(t, n)
	ctx := context.Background()
	for _, d := range claim(t, sender, n) {
		do(t, sender.Fail(ctx, d, "550", false))
	}
	do(t, sender.Finish(ctx))
	done := make(chan error)
	go func() {
		var err error
		for pruned := 1; err == nil && pruned > 0; {
			pruned, err = s.Prune(ctx, c.t.Add(time.Second), 1)
		}
		done <- err
	}()
	for {
		if got := issueOf(t, s, 1); got.Total() != n {
			t.Errorf("%d deliveries, %d of them pruned, want %d", got.Total(), got.Pruned, n)
		}
		select {
		case err := <-done:
			do(t, err)
			return
		default:
		}
	}
}

// A backup that is made while deliveries are recorded is whole, and of one moment.
func TestBackup(t *testing.T) {
	s, c, i, sender := outgoing(t, 200)
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "copy?.db") // a question mark is a name's like any other
	began, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			d, _, err := sender.Claim(ctx, 1, time.Minute)
			if err != nil || len(d) == 0 {
				return
			}
			if sender.Intent(ctx, d[0], make([]byte, 5000)) != nil || sender.Sent(ctx, d[0].ID, "250")() != nil {
				return
			}
			if n == 10 {
				close(began)
			}
		}
	}()
	<-began
	size, err := s.Backup(ctx, path, false)
	do(t, err)
	<-done
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("beside the copy stands something: %v (%v)", files, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || info.Size() != size {
		t.Errorf("the copy: %v (%v), want %d bytes that only the owner reads", info, err, size)
	}
	copied := open(t, path, c)
	got, err := copied.Issue(ctx, weekly.ID, 1)
	do(t, err)
	if got.Total() != 200 || got.Counts[digest.Sent] < 10 || size == 0 {
		t.Errorf("the copy has %v in %d bytes, want all 200 deliveries, and those sent that were before", got.Counts, size)
	}
	if got.State != store.IssuePaused || !strings.Contains(got.Reason, "backup of") {
		t.Errorf("the issue in the copy is %s for %q, want it paused as restored from a backup", got.State, got.Reason)
	}
	if d, _, err := copied.Sender("another", time.Minute).Claim(ctx, 200, time.Minute); err != nil || len(d) > 0 {
		t.Errorf("the copy sends %d messages by itself (%v), want none", len(d), err)
	}
	if own, err := s.Issue(ctx, weekly.ID, 1); err != nil || own.State != store.IssueSending {
		t.Errorf("the issue itself is %v (%v), want it going on", own.State, err)
	}
	wantStates(t, s, i, allSent(200)...)
	if result := integrity(t, path); result != "ok" {
		t.Errorf("integrity_check of the copy: %s", result)
	}
	if _, err := s.Backup(ctx, path, false); err == nil {
		t.Error("a backup replaced a file unasked")
	}
	if _, err := s.Backup(ctx, path, true); err != nil {
		t.Errorf("a backup did not replace a file: %v", err)
	}
}

func allSent(n int) []digest.State {
	all := make([]digest.State, n)
	for i := range all {
		all[i] = digest.Sent
	}
	return all
}

func integrity(t *testing.T, path string) (result string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+url.PathEscape(path))
	do(t, err)
	defer db.Close()
	do(t, db.QueryRow("PRAGMA integrity_check").Scan(&result))
	return result
}
