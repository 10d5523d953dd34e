package feed

import (
	"html"
	"slices"
	"strings"
	"time"

	"linkletter/feed/curated"
)

// ChangeKind says what became of an entry that a list had.
type ChangeKind string

const (
	ChangeAdded    ChangeKind = "added" // it was new; feeds of changes do not tell that
	ChangeRemoved  ChangeKind = "removed"
	ChangeChanged  ChangeKind = "changed"
	ChangeReturned ChangeKind = "returned" // it had left
)

// Change is what became of an entry that a list had.
type Change struct {
	ID   string // permanent
	At   time.Time
	Kind ChangeKind
	What []string // of ChangeChanged, and perhaps of ChangeReturned: title, url, summary, section
	// Before is the entry as it was, After as it became; of ChangeRemoved both are what it was.
	Before, After curated.Entry
}

// NewChangeEntry is a change as a feed has it. list is the list's title, page the address where people read it, or empty.
func NewChangeEntry(c Change, list, page string) Entry {
	e := Entry{ID: c.ID, URL: c.After.URL, Via: page, Published: c.At, Updated: c.At}
	var b strings.Builder
	switch c.Kind {
	case ChangeRemoved:
		e.Title, e.Summary = "Removed: "+c.Before.Title, "It left "+list+"."
		element(&b, "p", Link(c.Before.URL, c.Before.Title)+" left "+place(list, page, c.Before.Sections)+".")
		element(&b, "p", first(c.Before.SummaryHTML, html.EscapeString(c.Before.Summary)))
	case ChangeReturned:
		e.Title, e.Summary = "Back: "+c.After.Title, "It is in "+list+" again."
		element(&b, "p", Link(c.After.URL, c.After.Title)+" is in "+place(list, page, c.After.Sections)+" again.")
	default:
		e.Title, e.Summary = "Changed: "+c.Before.Title, whatChanged(c.What)+" changed in "+list+"."
	}
	if len(c.What) > 0 {
		differences(&b, c)
	}
	e.Content = b.String()
	return e
}

// whatChanged names parts of an entry in words: "Its title and address".
func whatChanged(what []string) string {
	names := slices.Clone(what)
	for i, w := range names {
		if w == "url" {
			names[i] = "address"
		}
	}
	if last := len(names) - 1; last > 0 {
		names = []string{strings.Join(names[:last], ", ") + " and " + names[last]}
	}
	return "Its " + strings.Join(names, "")
}

// differences adds what an entry said before and says now.
func differences(b *strings.Builder, c Change) {
	var rows strings.Builder
	row := func(name, before, after string) {
		element(&rows, "li", name+": "+first(before, "nothing")+" → "+first(after, "nothing"))
	}
	for _, what := range c.What {
		switch what {
		case "title":
			row("Title", html.EscapeString(c.Before.Title), html.EscapeString(c.After.Title))
		case "url":
			row("Address", Link(c.Before.URL, c.Before.URL), Link(c.After.URL, c.After.URL))
		case "summary":
			row("Summary", html.EscapeString(c.Before.Summary), html.EscapeString(c.After.Summary))
		case "section":
			row("Section", html.EscapeString(places(c.Before.Sections)), html.EscapeString(places(c.After.Sections)))
		}
	}
	element(b, "ul", rows.String())
}

// place is a list, as a link, and the sections in it, as HTML.
func place(list, page string, sections [][]string) string {
	name := Link(page, list)
	if in := places(sections); in != "" {
		name += Separator + html.EscapeString(in)
	}
	return name
}

// places are sections as plain text.
func places(sections [][]string) string {
	var labels []string
	for _, path := range sections {
		if len(path) > 0 {
			labels = append(labels, Label(path))
		}
	}
	return strings.Join(labels, ", ")
}
