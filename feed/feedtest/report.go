package feedtest

import (
	"fmt"
	"slices"
)

// report gathers problems, each once, with the place that is being looked at.
type report struct {
	problems []string
	at       string
}

func (r *report) add(format string, args ...any) {
	problem := fmt.Sprintf(format, args...)
	if r.at != "" {
		problem = r.at + ": " + problem
	}
	if !slices.Contains(r.problems, problem) {
		r.problems = append(r.problems, problem)
	}
}

// shown is a value as a sentence can hold it.
func shown(s string) string {
	const most = 80
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// unique refuses what comes twice.
type unique map[string]bool

// twice says that s was seen before.
func (u unique) twice(s string) bool {
	seen := u[s]
	u[s] = true
	return seen
}
