package deliver

import (
	"fmt"
	"strings"
	"time"
)

// QuietHours are when no issue goes out, every day, as clocks on the wall have it. The zero value is never.
type QuietHours struct {
	from, to int // minutes of the day; from may be behind to
	location *time.Location
}

// ParseQuietHours reads "22:00-07:00" in a time zone; empty is never.
func ParseQuietHours(s string, location *time.Location) (QuietHours, error) {
	if s == "" {
		return QuietHours{}, nil
	}
	from, to, _ := strings.Cut(s, "-")
	q := QuietHours{location: location}
	for _, end := range []struct {
		text string
		into *int
	}{{from, &q.from}, {to, &q.to}} {
		t, err := time.Parse("15:04", strings.TrimSpace(end.text))
		if err != nil {
			return QuietHours{}, fmt.Errorf("%q is not a time of day", strings.TrimSpace(end.text))
		}
		*end.into = t.Hour()*60 + t.Minute()
	}
	if q.from == q.to {
		return QuietHours{}, fmt.Errorf("%s is no time at all, or all day", s)
	}
	return q, nil
}

// at says whether it is quiet then.
func (q QuietHours) at(t time.Time) bool {
	if q.from == q.to {
		return false
	}
	t = t.In(q.location)
	m := t.Hour()*60 + t.Minute()
	if q.from < q.to {
		return q.from <= m && m < q.to
	}
	return q.from <= m || m < q.to
}

// Until is t itself, or when the quiet hours are over in which t is. The zero time stays what it is.
func (q QuietHours) Until(t time.Time) time.Time {
	if t.IsZero() || !q.at(t) {
		return t
	}
	// Clocks that are put forward or back in the night make every calculation wrong, but for looking.
	for t = t.Truncate(time.Minute); q.at(t); {
		t = t.Add(time.Minute)
	}
	return t
}
