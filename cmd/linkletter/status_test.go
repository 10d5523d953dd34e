package main

import (
	"strings"
	"testing"
	"time"

	"linkletter/feed/digest"
	"linkletter/store"
)

// In the quiet hours, an issue that waits for their end is said to.
func TestStatusInQuietHours(t *testing.T) {
	a := &app{cfg: &Config{location: time.UTC}}
	morning := time.Date(2026, 3, 3, 7, 0, 0, 0, time.UTC)
	s := &status{Digests: []digestStatus{{ID: "weekly", Open: []issueRow{{Number: 4, State: string(store.IssueSending)}}}}}
	for quiet, want := range map[*time.Time]bool{nil: false, &morning: true} {
		s.Quiet = quiet
		var out strings.Builder
		if err := a.printStatus(&out, s); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "#4 goes on at 2026-03-03 07:00 UTC"); got != want {
			t.Errorf("quiet until %v: said so %v, want %v:\n%s", quiet, got, want, out.String())
		}
	}
}

// What is left of an issue that nobody sends waits for somebody to act, and what failed is counted.
func TestStatusOfIssueNobodySends(t *testing.T) {
	a := &app{cfg: &Config{location: time.UTC}}
	for scheduler, want := range map[string]bool{"": true, "serve": false} {
		row := issueRow{Number: 4, State: string(store.IssueSending), Deliveries: map[digest.State]int{digest.Deferred: 1, digest.Failed: 3}}
		s := &status{Scheduler: scheduler, Digests: []digestStatus{{ID: "weekly", Last: &row, Open: []issueRow{row}}}}
		var out strings.Builder
		if err := a.printStatus(&out, s); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "#4: nobody sends it"); got != want || s.held() != want {
			t.Errorf("scheduler %q: said so %v, held %v, want %v:\n%s", scheduler, got, s.held(), want, out.String())
		}
		if n := strings.Count(out.String(), "3 failed: `linkletter digest show 4 --digest weekly --state failed`"); n != 1 {
			t.Errorf("scheduler %q: the failed are told %d times, want once:\n%s", scheduler, n, out.String())
		}
	}
}
