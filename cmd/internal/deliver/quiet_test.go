package deliver

import (
	"testing"
	"time"
)

func TestQuietHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		hours     string
		at, until string // local, with the offset
	}{
		{"22:00-07:00", "2026-03-02T21:59:59+01:00", ""},
		{"22:00-07:00", "2026-03-02T22:00:00+01:00", "2026-03-03T07:00:00+01:00"},
		{"22:00-07:00", "2026-03-03T06:59:59+01:00", "2026-03-03T07:00:00+01:00"},
		{"22:00-07:00", "2026-03-03T07:00:00+01:00", ""},
		{"12:00-14:30", "2026-03-02T13:00:30+01:00", "2026-03-02T14:30:00+01:00"},
		{"12:00-14:30", "2026-03-02T23:00:00+01:00", ""},
		{"", "2026-03-02T23:00:00+01:00", ""},
		// Clocks go forward from 2 to 3 on March 29, and back from 3 to 2 on October 25.
		{"22:00-07:00", "2026-03-28T23:00:00+01:00", "2026-03-29T07:00:00+02:00"},
		{"22:00-02:30", "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"},
		{"02:15-02:45", "2026-03-29T01:59:00+01:00", ""},
		{"22:00-02:30", "2026-10-25T02:10:00+02:00", "2026-10-25T02:30:00+02:00"},
		{"22:00-02:30", "2026-10-25T02:10:00+01:00", "2026-10-25T02:30:00+01:00"},
		{"22:00-07:00", "2026-10-24T23:00:00+02:00", "2026-10-25T07:00:00+01:00"},
	}
	for _, test := range tests {
		q, err := ParseQuietHours(test.hours, berlin)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, test.at)
		if err != nil {
			t.Fatal(err)
		}
		want := at
		if test.until != "" {
			if want, err = time.Parse(time.RFC3339, test.until); err != nil {
				t.Fatal(err)
			}
		}
		if got := q.Until(at.UTC()); !got.Equal(want) {
			t.Errorf("%s at %s: until %s, want %s", test.hours, test.at, got.In(berlin), want)
		}
	}
	for _, bad := range []string{"22:00", "22-7", "24:00-07:00", "07:00-07:00", "-", "22:00-07:00-08:00", "10pm-7am"} {
		if q, err := ParseQuietHours(bad, berlin); err == nil {
			t.Errorf("%q is taken for %+v", bad, q)
		}
	}
}
