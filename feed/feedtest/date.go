package feedtest

import (
	"regexp"
	"strings"
	"time"
)

// oldest is what validators take for the beginning of the web: what is older is a clock that was not set.
var oldest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// rfc822Form is a date of RFC 822, 5, as RFC 2822, 3.3, has it, without what is obsolete there; the profile asks for four digits
// of the year and allows names of zones that all readers know.
var rfc822Form = regexp.MustCompile(`^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} ([+-]\d{2}[03]0|GMT|UT)$`)

// rfc3339Date reads a date of RFC 3339; the zero time where there is none.
func rfc3339Date(r *report, where, s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || s != strings.ToUpper(s) {
		r.add("%s is no date of RFC 3339: %s", where, shown(s))
		return time.Time{}
	}
	plausible(r, where, t)
	return t
}

// rfc822Date reads a date of RFC 822.
func rfc822Date(r *report, where, s string) time.Time {
	layout := time.RFC1123Z
	if strings.HasSuffix(s, "T") {
		layout = time.RFC1123
	}
	t, err := time.Parse(layout, s)
	switch {
	case err != nil || !rfc822Form.MatchString(s):
		r.add("%s is no date of RFC 822 with four digits of the year: %s", where, shown(s))
		return time.Time{}
	case t.Format("Mon") != s[:3]:
		r.add("%s is no %s: %s", where, s[:3], shown(s))
	}
	plausible(r, where, t)
	return t
}

func plausible(r *report, where string, t time.Time) {
	if t.Before(oldest) {
		r.add("%s is before there were feeds: %s", where, t.Format(time.DateOnly))
	}
}
