package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"linkletter/feed"
	"linkletter/feed/curated"
)

// printer prints lines and keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// entries lists entries by section, as people read them.
func (p *printer) entries(l *curated.List) error {
	if l.Title != "" {
		p.line("%s", oneLine(l.Title))
	}
	section := "\x00" // no section is called so
	for _, e := range l.Entries {
		if s := feed.Label(e.Sections[0]); s != section {
			section = s
			p.line("\n%s", oneLine(s))
		}
		p.line("  %s\n    %s", oneLine(e.Title), oneLine(e.URL))
	}
	p.line("\n%s among %s", count(len(l.Entries), "entry", "entries"), count(l.Links, "different link", "different links"))
	return p.err
}

// report lists what changed.
func (p *printer) report(r curated.Report) error {
	for _, e := range r.Added {
		p.line("+ %s  %s", oneLine(e.Title), oneLine(e.URL))
	}
	for _, e := range r.Removed {
		p.line("- %s  %s", oneLine(e.Title), oneLine(e.URL))
	}
	for _, c := range r.Changed {
		p.line("~ %s  %s  (%s)", oneLine(c.After.Title), oneLine(c.After.URL), strings.Join(c.What, ", "))
	}
	return p.err
}

func printVerdicts(w io.Writer, verdicts []curated.Verdict) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, v := range verdicts {
		kind := "-"
		if v.Entry {
			kind = "entry"
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\n", v.Line, kind, oneLine(strings.TrimPrefix(v.Rule, "entry: ")), oneLine(v.URL))
	}
	return t.Flush()
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// count is a number with the word for what it counts.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// oneLine takes out what could move a terminal's cursor or break a line: a list's text is a stranger's.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			return ' '
		}
		return c
	}, s)
}
