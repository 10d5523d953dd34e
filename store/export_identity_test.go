package store

import (
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"linkletter/feed/digest"
)

// sections gives a store two sections of a list that was checked.
func sections(t testing.TB, s *Store) {
	t.Helper()
	_, err := s.db.ExecContext(t.Context(), `INSERT INTO list (id) VALUES ('tools');
		INSERT INTO section (list, slug, path, position) VALUES ('tools', 'iron', '["Iron"]', 1), ('tools', 'größe', '["Größe"]', 2)`)
	if err != nil {
		t.Fatal(err)
	}
}

// exportTwin imports what one store exports into another.
func exportTwin(t testing.TB, s *Store, now time.Time) []Row {
	t.Helper()
	var all []Row
	twin, err := Open(t.Context(), filepath.Join(t.TempDir(), "twin.db"), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer twin.Close()
	sections(t, twin)
	if err := s.Export(t.Context(), func(r Row) error { all = append(all, r); return nil }); err != nil {
		t.Fatal(err)
	}
	for run := range 2 {
		n := 0
		report, err := twin.Import(t.Context(), Import{Digests: []string{"weekly", "monthly"}, Lists: []string{"tools", "new"},
			Next: func() (Row, error) {
				if n++; n > len(all) {
					return Row{}, io.EOF
				}
				return all[n-1], nil
			},
			Refused: func(r Refusal) { t.Errorf("run %d: %+v is refused: %v", run, r.Row, r.Why) },
		})
		if err != nil || run == 1 && report.Unchanged != len(all) {
			t.Errorf("run %d: %+v, %v; want all %d unchanged the second time", run, report, err, len(all))
		}
	}
	var got []Row
	if err := twin.Export(t.Context(), func(r Row) error { got = append(got, r); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("(-exported +imported and exported)\n%s", diff)
	}
	return all
}

// TestExportIsTheInverseOfImport makes random stores by what people and operators do.
func TestExportIsTheInverseOfImport(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s, clock := subscriberStore(t)
		defer s.Close()
		sections(t, s)
		people := []string{"ada@example.org", "=1+1@example.org", "'x,y'@example.org", "bob@bücher.example", "👩‍🚀@example.org", "Ωmega@example.org", "o'neill+news@example.org"}
		people = people[:5+rapid.IntRange(0, 2).Draw(r, "people")]
		do := func(name string, err error) {
			if err != nil {
				r.Log(name, err) // what is refused is no part of the store
			}
		}
		for range rapid.IntRange(1, 15).Draw(r, "acts") {
			who := rapid.SampledFrom(people).Draw(r, "who")
			digest := rapid.SampledFrom([]string{"weekly", "monthly"}).Draw(r, "digest")
			*clock = clock.Add(time.Duration(rapid.IntRange(0, 100_000).Draw(r, "seconds")) * time.Second)
			sub, err := s.SubscriberByAddress(t.Context(), who)
			if err != nil {
				sub = &Subscriber{}
			}
			switch act := rapid.IntRange(0, 7).Draw(r, "act"); act {
			case 0, 1:
				_, err := s.SignUp(t.Context(), who, []string{digest}, "client", plenty)
				do("sign up", err)
			case 2:
				do("add", s.AddSubscriber(t.Context(), who, []string{digest}))
			case 3:
				do("leave", s.Unsubscribe(t.Context(), sub.ID, digest))
			case 4:
				do("suppress", s.Suppress(t.Context(), who, rapid.SampledFrom([]Reason{Bounced, Complained, Dismissed}).Draw(r, "reason")))
			case 5:
				_, err := s.db.ExecContext(t.Context(), `UPDATE subscriber SET paused = ?, moved = ? WHERE id = ?`, clock.Unix()+9999, clock.Unix(), sub.ID)
				do("pause", err)
			case 6:
				_, err := s.db.ExecContext(t.Context(), `INSERT INTO choice (subscriber, digest, list, section) SELECT ?, ?, 'tools', id FROM section LIMIT ?
					ON CONFLICT DO NOTHING`, sub.ID, digest, rapid.IntRange(1, 2).Draw(r, "sections"))
				do("choose", err)
				_, err = s.db.ExecContext(t.Context(), `DELETE FROM choice WHERE NOT EXISTS (SELECT 1 FROM subscription n
					WHERE n.subscriber = choice.subscriber AND n.digest = choice.digest AND n.state <> 'unsubscribed')`)
				do("choose", err)
			case 7:
				_, err := s.db.ExecContext(t.Context(), `INSERT INTO choice (subscriber, digest, list) SELECT subscriber, digest, 'new' FROM subscription
					WHERE subscriber = ? AND state <> 'unsubscribed' ON CONFLICT DO NOTHING`, sub.ID)
				do("choose a list", err)
			}
		}
		exportTwin(t, s, clock.Add(time.Hour))
		if t.Failed() {
			r.FailNow()
		}
	})
}

// TestExportOfOddOnes has who is in few stores.
func TestExportOfOddOnes(t *testing.T) {
	s, clock := subscriberStore(t)
	sections(t, s)
	_, err := s.db.ExecContext(t.Context(), `INSERT INTO subscriber (address, key, hash, created) VALUES ('alone@example.org', 'alone@example.org', 'x', 5);
		INSERT INTO subscriber (address, key, hash, created) VALUES ('back@example.org', 'back@example.org', ?, 5);
		INSERT INTO subscription (subscriber, digest, state, origin, created) VALUES (2, 'weekly', 'pending', 'form', 6), (2, 'monthly', 'pending', 'form', 6)`,
		mustKeys(t, s).Hash("suppression", "back@example.org"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Suppress(t.Context(), "back@example.org", Left); err != nil {
		t.Fatal(err)
	}
	if err := s.Suppress(t.Context(), "forgotten@example.org", Left); err != nil {
		t.Fatal(err)
	}
	if n, err := s.OrphanSuppressions(t.Context()); n != 1 || err != nil {
		t.Errorf("%d suppressions that no file can hold, %v; want 1", n, err)
	}
	var states []string
	for _, r := range exportTwin(t, s, *clock) {
		states = append(states, fmt.Sprint(r.Address, " ", r.Digest, " ", r.State, " ", r.Suppressed))
	}
	if diff := cmp.Diff([]string{"alone@example.org  none ", "back@example.org monthly pending unsubscribe", "back@example.org weekly pending unsubscribe"}, states); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestImportNeverBringsBackTheForgotten, whatever a file says of them; only their hash is left.
func TestImportNeverBringsBackTheForgotten(t *testing.T) {
	s, _ := subscriberStore(t)
	if err := s.Suppress(t.Context(), "ada@example.org", Left); err != nil {
		t.Fatal(err)
	}
	var rows []Row
	for _, state := range []SubscriptionState{"", SubscriptionPending, SubscriptionConfirmed, SubscriptionUnsubscribed, SubscriptionNone, SubscriptionSuppressed} {
		for _, reason := range []Reason{"", Bounced, Left} {
			rows = append(rows, Row{Line: len(rows) + 2, Address: "Ada@example.org", Digest: "weekly", State: state, Suppressed: reason})
		}
	}
	for _, dry := range []bool{true, false} {
		n := 0
		report, err := s.Import(t.Context(), Import{Digests: []string{"weekly"}, Dry: dry, Next: func() (Row, error) {
			if n++; n > len(rows) {
				return Row{}, io.EOF
			}
			return rows[n-1], nil
		}})
		if err != nil || report.Added+report.Changed != 0 {
			t.Errorf("dry %v: %+v, %v; want nothing added or changed", dry, report, err)
		}
	}
	if got := exported(t, s); len(got) != 0 {
		t.Errorf("stored are %+v", got)
	}
	if reason, err := s.Suppressed(t.Context(), "ada@example.org"); reason != Left || err != nil {
		t.Errorf("the reason is %q, %v; want that they left", reason, err)
	}
}

// TestDryImportSaysWhatAnImportDoes, also of rows that are batches apart.
func TestDryImportSaysWhatAnImportDoes(t *testing.T) {
	s, _ := subscriberStore(t)
	signUp(t, s, "waits@example.org")
	row := func(i int) Row {
		switch i % 7 {
		case 0:
			return Row{Address: fmt.Sprintf("r%d@example.org", i/14), Digest: "weekly"}
		case 1:
			return Row{Address: fmt.Sprintf("R%d@example.org", i%900), Digest: "weekly", State: SubscriptionUnsubscribed}
		case 2:
			return Row{Address: fmt.Sprintf("s%d@example.org", i%5000), Suppressed: Bounced}
		case 3:
			return Row{Address: fmt.Sprintf("s%d@example.org", i%3000), Digest: "monthly"}
		case 4:
			return Row{Address: "waits@example.org", Digest: "weekly"}
		case 5:
			return Row{Address: fmt.Sprintf("n%d@example.org", i%3000), State: SubscriptionNone}
		}
		return Row{Address: "nobody", Digest: "weekly"}
	}
	var reports []ImportReport
	for _, dry := range []bool{true, false, true} {
		n := 0
		report, err := s.Import(t.Context(), Import{Digests: []string{"weekly", "monthly"}, Dry: dry, Next: func() (Row, error) {
			if n++; n > 3*importBatch {
				return Row{}, io.EOF
			}
			return row(n), nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, report)
	}
	if reports[0] != reports[1] || reports[2].Added != 0 || reports[2].Changed != 0 {
		t.Errorf("dry: %+v\nwet: %+v\ndry again: %+v; want the first two equal, and nothing added or changed in the third", reports[0], reports[1], reports[2])
	}
}

func mustKeys(t testing.TB, s *Store) digest.Keys {
	t.Helper()
	keys, err := s.keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
