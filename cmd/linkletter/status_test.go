package main

import (
	"strings"
	"testing"
	"time"

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
