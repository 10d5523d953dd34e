package feed

import (
	"html"
	"slices"
	"strings"
	"time"

	"linkletter/feed/curated"
)

// Change is what became of an entry that a list had.
type Change struct {
	ID   string // permanent
	At   time.Time
	Kind string   // "removed", "changed" or "returned"
	What []string // of "changed", and perhaps of "returned": title, url, summary, section
	// Before is the entry as it was, After as it became; of "removed" both are what it was.
	Before, After curated.Entry
}

// NewChangeEntry is a change as a feed has it. list is the list's title, page the address where people read it, or empty.
func NewChangeEntry(c Change, list, page string) Entry {
	title := c.After.Title
	switch c.Kind {
	case "removed":
		title = "Removed: " + title
	case "returned":
		title = "Back: " + title
	default:
		title = "Changed: " + c.Before.Title
	}
	e := Entry{ID: c.ID, Title: title, URL: c.After.URL, Via: page, Published: c.At, Updated: c.At}
	var b strings.Builder
	switch c.Kind {
	case "removed":
		e.Summary = "It left " + list + "."
		element(&b, "p", Link(c.Before.URL, c.Before.Title)+" left "+place(list, page, c.Before.Sections)+".")
		element(&b, "p", first(c.Before.SummaryHTML, html.EscapeString(c.Before.Summary)))
	case "returned":
		e.Summary = "It is in " + list + " again."
		element(&b, "p", Link(c.After.URL, c.After.Title)+" is in "+place(list, page, c.After.Sections)+" again.")
	default:
		e.Summary = "Another " + strings.Join(whatNames(c.What), ", another ") + " in " + list + "."
	}
	if len(c.What) > 0 {
		differences(&b, c)
	}
	e.Content = b.String()
	return e
}

// whatNames are the parts of an entry in words.
func whatNames(what []string) []string {
	names := slices.Clone(what)
	for i, w := range names {
		if w == "url" {
			names[i] = "address"
		}
	}
	return names
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
