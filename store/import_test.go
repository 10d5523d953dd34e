package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// imported runs an import of rows and gives the refusals as text.
func imported(t *testing.T, s *Store, rows ...Row) (ImportReport, []string) {
	t.Helper()
	var refused []string
	report, err := s.Import(t.Context(), Import{
		Digests: []string{"weekly", "monthly"},
		Next: func() (Row, error) {
			if len(rows) == 0 {
				return Row{}, io.EOF
			}
			row := rows[0]
			rows = rows[1:]
			return row, nil
		},
		Refused: func(r Refusal) { refused = append(refused, fmt.Sprintf("%d: %v", r.Row.Line, r.Why)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return report, refused
}

func exported(t *testing.T, s *Store) (all []Row) {
	t.Helper()
	if err := s.Export(t.Context(), func(r Row) error { all = append(all, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestImportNeverResubscribes(t *testing.T) {
	ctx := t.Context()
	s, _ := subscriberStore(t)
	for _, a := range []string{"left@example.org", "here@example.org"} {
		if err := s.AddSubscriber(ctx, a, []string{"weekly"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RemoveSubscriber(ctx, "left@example.org"); err != nil {
		t.Fatal(err)
	}
	signUp(t, s, "asked@example.org")
	if err := s.RemoveSubscriber(ctx, "asked@example.org"); err != nil {
		t.Fatal(err)
	}
	signUp(t, s, "asked@example.org") // a stranger did that
	signUp(t, s, "waits@example.org")
	if err := s.Suppress(ctx, "gone@example.org", Bounced); err != nil {
		t.Fatal(err)
	}
	report, refused := imported(t, s,
		Row{Line: 2, Address: "LEFT@example.org", Digest: "weekly"},
		Row{Line: 3, Address: "left@example.org", Digest: "monthly"},
		Row{Line: 4, Address: "here@example.org", Digest: "weekly"},
		Row{Line: 5, Address: "asked@example.org", Digest: "weekly", State: SubscriptionConfirmed},
		Row{Line: 6, Address: "waits@example.org", Digest: "weekly"},
		Row{Line: 7, Address: "gone@example.org", Digest: "weekly"},
		Row{Line: 8, Address: "new@example.org", Digest: "weekly"},
		Row{Line: 9, Address: "New@example.org", Digest: "weekly"},
		Row{Line: 10, Address: "out@example.org", Digest: "weekly", State: SubscriptionUnsubscribed},
		Row{Line: 11, Address: "out@example.org", Digest: "weekly"},
		Row{Line: 12, Address: "here@example.org", Digest: "weekly", State: SubscriptionUnsubscribed},
		Row{Line: 13, Address: "spam@example.org", Digest: "weekly", State: SubscriptionSuppressed},
		Row{Line: 14, Address: "spam@example.org", Digest: "monthly"},
		Row{Line: 15, Address: "nobody", Digest: "weekly"},
		Row{Line: 16, Address: "ada@example.org", Digest: "daily"},
		Row{Line: 17, Address: "ada@example.org"},
		Row{Line: 18, Address: "ada@example.org", Digest: "weekly", State: "active"},
		Row{Line: 19, Problem: errors.New(`bare " in a field`)},
	)
	want := ImportReport{Read: 18, Added: 4, Changed: 2, Unchanged: 2, Refused: 10}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"2: LEFT@example.org left weekly on 2026-05-04; only they can subscribe again, with the form",
		"5: asked@example.org left weekly on 2026-05-04; only they can subscribe again, with the form",
		"7: gone@example.org is suppressed (bounce): it is never written to",
		"11: out@example.org left weekly on 2026-05-04; only they can subscribe again, with the form",
		"14: spam@example.org is suppressed (operator): it is never written to",
		"15: the address has no @",
		`16: there is no digest "daily"`,
		"17: no digest is named",
		`18: there is no state "active" (pending, confirmed, unsubscribed, none)`,
		`19: bare " in a field`,
	}, refused); diff != "" {
		t.Errorf("refused (-want +got)\n%s", diff)
	}
	got := map[string]SubscriptionState{}
	for _, r := range exported(t, s) {
		got[r.Address+" "+r.Digest] = r.State
	}
	if diff := cmp.Diff(map[string]SubscriptionState{
		"left@example.org weekly": SubscriptionUnsubscribed, "left@example.org monthly": SubscriptionConfirmed,
		"here@example.org weekly": SubscriptionUnsubscribed, "asked@example.org weekly": SubscriptionPending,
		"waits@example.org weekly": SubscriptionConfirmed, "new@example.org weekly": SubscriptionConfirmed,
		"out@example.org weekly": SubscriptionUnsubscribed, "spam@example.org weekly": SubscriptionUnsubscribed,
	}, got); diff != "" {
		t.Errorf("afterwards (-want +got)\n%s", diff)
	}
}

func TestImportBatchesAndReadErrors(t *testing.T) {
	s, _ := subscriberStore(t)
	n, broken := 0, errors.New("the disk is gone")
	var progress []int
	report, err := s.Import(t.Context(), Import{
		Digests: []string{"weekly"},
		Next: func() (Row, error) {
			if n == importBatch+10 {
				return Row{}, broken
			}
			n++
			return Row{Line: n, Address: fmt.Sprintf("r%d@example.org", n), Digest: "weekly"}, nil
		},
		Progress: func(r ImportReport) error { progress = append(progress, r.Read); return nil },
	})
	if !errors.Is(err, broken) || report.Added != importBatch+10 {
		t.Errorf("%+v, %v; want what was read before the error, and the error", report, err)
	}
	if diff := cmp.Diff([]int{importBatch, importBatch + 10}, progress); diff != "" {
		t.Errorf("progress (-want +got)\n%s", diff)
	}
	if got := len(exported(t, s)); got != importBatch+10 {
		t.Errorf("%d subscriptions are stored", got)
	}
}

// BenchmarkImport compares with what the sqlite3 shell takes to import the same rows into the same columns with the same
// unique index.
func BenchmarkImport(b *testing.B) {
	shell, err := exec.LookPath("sqlite3")
	if err != nil {
		b.Skip("no sqlite3 shell here to compare with")
	}
	const rows = 200_000
	var csv strings.Builder
	for i := range rows {
		n := i * 7919 % rows // in no order, as people are
		fmt.Fprintf(&csv, "Reader%d@example.org,reader%d@example.org,%d,weekly,confirmed\n", n, n, 1_700_000_000+i)
	}
	file := filepath.Join(b.TempDir(), "rows.csv")
	if err := os.WriteFile(file, []byte(csv.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	var ours, theirs time.Duration
	for b.Loop() {
		start := time.Now()
		out, err := exec.Command(shell, filepath.Join(b.TempDir(), "shell.db"), "PRAGMA journal_mode = WAL",
			"CREATE TABLE subscriber (address TEXT NOT NULL, key TEXT NOT NULL UNIQUE, created INTEGER, digest TEXT, state TEXT)",
			".import --csv "+file+" subscriber").CombinedOutput()
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		theirs += time.Since(start)
		s, _ := subscriberStore(b)
		start = time.Now()
		i := 0
		report, err := s.Import(b.Context(), Import{Digests: []string{"weekly"}, Next: func() (Row, error) {
			if i++; i > rows {
				return Row{}, io.EOF
			}
			return Row{Line: i, Address: fmt.Sprintf("Reader%d@example.org", i*7919%rows), Digest: "weekly"}, nil
		}})
		if err != nil || report.Added != rows {
			b.Fatalf("%+v, %v", report, err)
		}
		ours += time.Since(start)
		s.Close()
	}
	b.ReportMetric(float64(rows*b.N)/ours.Seconds(), "rows/s")
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "×shell")
}
