package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// rows counts a table's.
func rows(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	if err := s.db.QueryRowContext(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// must runs a statement.
func (s *Store) must(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := s.db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// mentions looks for words in all bytes of the database's files.
func mentions(t *testing.T, s *Store, words ...string) (found []string) {
	t.Helper()
	files, err := filepath.Glob(s.path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if bytes.Contains(bytes.ToLower(b), bytes.ToLower([]byte(word))) {
				found = append(found, fmt.Sprintf("%s in %s", word, filepath.Base(file)))
			}
		}
	}
	return found
}

// whole looks for rows that refer to what is gone.
func whole(t *testing.T, s *Store) {
	t.Helper()
	broken, err := collect(t.Context(), s.db, scanString, `SELECT DISTINCT "table" FROM pragma_foreign_key_check`)
	if err != nil || len(broken) > 0 {
		t.Errorf("rows of %q refer to what is gone (%v)", broken, err)
	}
}

// Everything that names a person is in the store, in every table that can, and is gone after Forget.
func TestForget(t *testing.T) {
	ctx := t.Context()
	s, _ := subscriberStore(t)
	const address = "Zebrafinch@example.org"
	for i := range 300 { // so that pages divide
		if err := s.AddSubscriber(ctx, fmt.Sprintf("reader%d@example.org", i), []string{"weekly"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AddSubscriber(ctx, address, []string{"weekly", "monthly"}); err != nil {
		t.Fatal(err)
	}
	id, other := find(t, s, address).ID, find(t, s, "reader7@example.org").ID
	for _, statement := range []string{
		`INSERT INTO digest (id, ran) VALUES ('weekly', 0)`,
		`INSERT INTO issue (digest, number, period, state, frozen, subject, content, text, html, reason, pruned) VALUES ('weekly', 1, 'x', 'paused', 0, '', '{}', '', '', 'Zebrafinch@example.org: no', '{"sent":2}')`,
		`INSERT INTO issue (digest, number, period, state, frozen, subject, content, text, html) VALUES ('weekly', 2, 'y', 'done', 0, '', '{}', '', '')`,
		`INSERT INTO trouble (what, text, since) VALUES ('mail', '550 <zebrafinch@example.org> no', 0)`,
		`INSERT INTO request (kind, subject, created, result, error) VALUES ('send', 'weekly', 0, '{"x":"Zebrafinch@example.org"}', 'zebrafinch@example.org')`,
	} {
		s.must(t, statement)
	}
	for _, who := range []int64{id, other} {
		for issue, state := range map[int]string{1: "deferred", 2: "sent"} {
			s.must(t, `INSERT INTO delivery (issue, subscriber, state, updated, message, reply) VALUES (?, ?, ?, 0, ?, '450 <zebrafinch>')`,
				issue, who, state, bytes.Repeat([]byte("To: zebrafinch@example.org\r\n"), 1000))
		}
	}
	s.must(t, `UPDATE delivery SET message = NULL`) // as when the reply has come
	s.must(t, `UPDATE delivery SET reply = '' WHERE subscriber = ?`, other)
	s.must(t, `INSERT INTO choice (subscriber, digest, list) VALUES (?, 'weekly', 'a')`, id)
	for i, who := range []int64{id, other} {
		s.must(t, `INSERT INTO bounce (report, subscriber, issue, kind, proven, reply, received) VALUES (?, ?, 1, 'soft', 1, 'zebrafinch@example.org: full', 0)`, i, who)
	}
	for _, kind := range []ActKind{ActData, ActForget} {
		if _, err := s.RequestAct(ctx, id, kind, "", "client", plenty); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.RequestAct(ctx, other, ActLeaveAddress, address, "client", plenty); err != nil {
		t.Fatal(err)
	}
	if err := s.Forget(ctx, id); err != nil {
		t.Fatal(err)
	}
	whole(t, s)
	for _, table := range aboutPeople {
		var n int
		if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM `+table+` WHERE subscriber = ?`, id).Scan(&n); err != nil || n != 0 {
			t.Errorf("table %s has %d rows about them (%v)", table, n, err)
		}
	}
	var pruned string
	if err := s.db.QueryRowContext(ctx, `SELECT group_concat(pruned, ' ') FROM (SELECT pruned FROM issue ORDER BY id)`).Scan(&pruned); err != nil || pruned != `{"sent":2,"suppressed":1} {"sent":1}` {
		t.Errorf("the issues' counts are %s (%v)", pruned, err)
	}
	if reason, err := s.Suppressed(ctx, address); err != nil || reason != Left {
		t.Errorf("suppressed for %q (%v), want %q", reason, err, Left)
	}
	if done, err := s.Cleanse(ctx); err != nil || !done {
		t.Fatalf("cleansing: %v, %v", done, err)
	}
	if found := mentions(t, s, "zebrafinch"); len(found) > 0 {
		t.Errorf("left: %q", found)
	}
	if _, err := s.Subscriber(ctx, other); err != nil || rows(t, s, "delivery") != 2 || rows(t, s, "bounce") != 1 {
		t.Errorf("what is somebody else's is gone, too (%v)", err)
	}
}

// A reason that an address has stays; an unknown address gets one.
func TestForgetKeepsReasons(t *testing.T) {
	ctx := t.Context()
	s, _ := subscriberStore(t)
	for address, reason := range map[string]Reason{"bounced@example.org": Bounced, "complained@example.org": Complained, "left@example.org": ""} {
		if err := s.AddSubscriber(ctx, address, []string{"weekly"}); err != nil {
			t.Fatal(err)
		}
		if reason != "" {
			if err := s.Suppress(ctx, address, reason); err != nil {
				t.Fatal(err)
			}
		}
	}
	for address, want := range map[string]Reason{"bounced@example.org": Bounced, "complained@example.org": Complained, "left@example.org": Left, "stranger@example.org": Left} {
		known, err := s.ForgetAddress(ctx, address)
		if err != nil || known != (address != "stranger@example.org") {
			t.Errorf("forgetting %s: %v, %v", address, known, err)
		}
		if reason, err := s.Suppressed(ctx, address); err != nil || reason != want {
			t.Errorf("%s is suppressed for %q (%v), want %q", address, reason, err, want)
		}
		if err := s.AddSubscriber(ctx, address, []string{"weekly"}); err == nil {
			t.Errorf("%s was added again", address)
		}
	}
}

// As long as somebody reads, the log cannot be emptied; it is done later.
func TestCleanseWaitsForReaders(t *testing.T) {
	ctx := t.Context()
	s, _ := subscriberStore(t)
	if err := s.AddSubscriber(ctx, "zebrafinch@example.org", []string{"weekly"}); err != nil {
		t.Fatal(err)
	}
	reader, err := s.db.QueryContext(ctx, `SELECT name FROM pragma_table_list, subscriber`)
	if err != nil || !reader.Next() {
		t.Fatal(err)
	}
	if _, err := s.ForgetAddress(ctx, "zebrafinch@example.org"); err != nil {
		t.Fatal(err)
	}
	if done, err := s.Cleanse(ctx); done || err == nil {
		t.Errorf("cleansed while somebody reads: %v, %v", done, err)
	}
	reader.Close()
	if done, err := s.Cleanse(ctx); !done || err != nil {
		t.Errorf("cleansing afterwards: %v, %v", done, err)
	}
	if found := mentions(t, s, "zebrafinch"); len(found) > 0 {
		t.Errorf("left: %q", found)
	}
}

func TestPrunePeople(t *testing.T) {
	ctx := t.Context()
	s, clock := subscriberStore(t)
	signUp(t, s, "never@example.org")
	signUp(t, s, "left@example.org")
	left := find(t, s, "left@example.org").ID
	if err := s.Confirm(ctx, left, "weekly", nonce(t, s, left)); err != nil {
		t.Fatal(err)
	}
	if err := s.Unsubscribe(ctx, left, "weekly"); err != nil {
		t.Fatal(err)
	}
	signUp(t, s, "left@example.org")
	if err := s.AddSubscriber(ctx, "stays@example.org", []string{"weekly"}); err != nil {
		t.Fatal(err)
	}
	stays := find(t, s, "stays@example.org").ID
	if _, err := s.RequestAct(ctx, stays, ActData, "", "client", plenty); err != nil {
		t.Fatal(err)
	}
	prune := func(want int) {
		t.Helper()
		if n, err := s.PrunePeople(ctx, 100); err != nil || n != want {
			t.Errorf("at %s: pruned %d (%v), want %d", *clock, n, err, want)
		}
	}
	s.must(t, `INSERT INTO choice (subscriber, digest, list) VALUES (?, 'weekly', 'a')`, left)
	asked := *clock
	prune(0)
	for _, at := range []struct {
		after                  time.Duration
		pruned, confirmations  int
		origins, subscriptions int
	}{
		{23 * time.Hour, 0, 4, 4, 3},
		{25 * time.Hour, 0, 3, 0, 3}, // the one that was answered is gone
		{ConfirmationTime, 0, 3, 0, 3},
		{ConfirmationTime + time.Second, 3, 0, 0, 2}, // two subscriptions and one subscriber
		{ConfirmationTime + time.Hour, 0, 0, 0, 2},
	} {
		*clock = asked.Add(at.after)
		prune(at.pruned)
		var origins int
		if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM confirmation WHERE origin <> ''`).Scan(&origins); err != nil {
			t.Fatal(err)
		}
		if n := rows(t, s, "confirmation"); n != at.confirmations || origins != at.origins || rows(t, s, "subscription") != at.subscriptions {
			t.Errorf("after %s: %d confirmations, %d with an origin, %d subscriptions; want %+v", at.after, n, origins, rows(t, s, "subscription"), at)
		}
	}
	if _, err := s.SubscriberByAddress(ctx, "never@example.org"); err == nil {
		t.Error("who never confirmed is there")
	}
	if n := find(t, s, "left@example.org").Subscriptions[0]; n.State != SubscriptionUnsubscribed || n.Ended.IsZero() {
		t.Errorf("who left before has %+v", n)
	}
	if n := rows(t, s, "choice"); n != 0 {
		t.Errorf("%d choices are left of what was not confirmed: they would surprise who comes back", n)
	}
	if n := find(t, s, "stays@example.org").Subscriptions[0]; n.State != SubscriptionConfirmed {
		t.Errorf("who confirmed has %+v", n)
	}
	whole(t, s)
}

func TestPruneBounces(t *testing.T) {
	s, clock := subscriberStore(t)
	if err := s.AddSubscriber(t.Context(), "ada@example.org", []string{"weekly"}); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		s.must(t, `INSERT INTO bounce (report, subscriber, issue, kind, proven, received) VALUES (?, 1, 0, 'soft', 1, ?)`, i, clock.Add(time.Duration(i)*time.Hour).Unix())
	}
	for _, want := range []int{2, 1, 0} {
		if n, err := s.PruneBounces(t.Context(), clock.Add(3*time.Hour), 2); err != nil || n != want {
			t.Errorf("pruned %d (%v), want %d", n, err, want)
		}
	}
}
