package main

import (
	"fmt"
	"strconv"
	"strings"
)

// weekdays are cron's, by number and by name.
var weekdays = map[string]string{
	"0": "Sunday", "1": "Monday", "2": "Tuesday", "3": "Wednesday", "4": "Thursday", "5": "Friday", "6": "Saturday",
	"SUN": "Sunday", "MON": "Monday", "TUE": "Tuesday", "WED": "Wednesday", "THU": "Thursday", "FRI": "Friday", "SAT": "Saturday",
}

// describeSchedule says when a digest comes, for people who think of subscribing: "every Monday at 09:00 UTC". Of a
// schedule that is not a plain daily, weekly or monthly one it says nothing.
func describeSchedule(spec, zone string) string {
	switch spec {
	case "@hourly":
		return "every hour"
	case "@daily", "@midnight":
		return "every day"
	case "@weekly":
		return "every week"
	case "@monthly":
		return "every month"
	}
	f := strings.Fields(spec)
	if len(f) != 5 {
		return ""
	}
	minute, err1 := strconv.Atoi(f[0])
	hour, err2 := strconv.Atoi(f[1])
	if err1 != nil || err2 != nil || f[3] != "*" {
		return ""
	}
	at := fmt.Sprintf("at %02d:%02d %s", hour, minute, zone)
	day, named := weekdays[strings.ToUpper(f[4])]
	switch {
	case f[2] == "*" && f[4] == "*":
		return "every day " + at
	case f[2] == "*" && named:
		return "every " + day + " " + at
	case f[2] == "1" && f[4] == "*":
		return "on the first of every month " + at
	}
	return ""
}

// joinNames is "a, b and c".
func joinNames(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
