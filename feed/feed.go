package feed

import (
	"time"

	"linkletter/feed/curated"
)

// Feed is a feed in no format yet: Atom, RSS and JSON write it.
type Feed struct {
	ID       string // permanent, a tag: URI
	Title    string // plain text
	Subtitle string // plain text
	Author   string // RFC 4287, 4.1.1: an entry without an author takes the feed's, so it is never empty
	Language string // BCP 47; empty: not said
	Rights   string
	Home     string // the page this is the feed of (rel=alternate)
	Dir      string // address of the folder the documents stand in, with its trailing slash; self is Dir + AtomFile and so on
	File     string // the document's name in Dir, where it is not AtomFile, RSSFile or JSONFile
	Hub      string // WebSub hub, or empty
	Archive  int    // the number of this document among the feed's archive documents; 0: it is the one to subscribe to
	Archives int    // how many archive documents the feed has, in Dir by ArchiveFile
	Icon     string
	// Stylesheet is the address of a CSS stylesheet for people who open the feed in a browser, or empty.
	Stylesheet string
	// Began is the feed's own date while it holds no entries, and that of entries without one.
	Began   time.Time
	Entries []Entry // newest first
}

// Updated is when the feed last changed: its newest entry's date, or Began while it holds none. It says nothing of when
// it was written, so that unchanged input gives the same bytes.
func (f *Feed) Updated() time.Time {
	if len(f.Entries) == 0 {
		return f.Began.UTC()
	}
	newest := f.Entries[0].Updated
	for _, e := range f.Entries[1:] {
		if e.Updated.After(newest) {
			newest = e.Updated
		}
	}
	return newest.UTC()
}

// Entry is one entry of a feed.
type Entry struct {
	ID        string // permanent
	Title     string // plain text
	URL       string // the resource itself (rel=alternate); where it is no http, https or mailto address, Via stands in
	Via       string // where in the list it stands (rel=via), or empty
	Published time.Time
	Updated   time.Time
	Author    string // who made the resource, when the list says so
	// Contributor is who added it to the list, where that is known. Only Atom has a place for it (RFC 4287, 4.2.3): in RSS
	// and JSON, authors are those of the resource, and Content says who added it.
	Contributor string
	Summary     string // plain text
	Content     string // sanitised HTML with absolute links
	Categories  []Category
}

// Listed is an entry of a list, and what is known of it there.
type Listed struct {
	curated.Entry
	ID                 string // permanent
	Published, Updated time.Time
	Origin             Origin
	Categories         []Category
}

// NewEntry is a list's entry as a feed has it. list is the list's title, page the address where people read it, or empty.
// It came from its commit, where that has an address, and else from the page.
func NewEntry(l Listed, list, page string) Entry {
	return Entry{
		ID:          l.ID,
		Title:       l.Title,
		URL:         l.URL,
		Via:         first(CleanURL(l.Origin.Link), page),
		Published:   l.Published,
		Updated:     l.Updated,
		Author:      l.Byline,
		Contributor: l.Origin.By,
		Summary:     l.Summary,
		Content:     Content(l.Entry, l.Origin, list, page),
		Categories:  l.Categories,
	}
}

// Category is a section an entry stands in (RFC 4287, 4.2.2).
type Category struct {
	Term  string // the section's slug
	Label string // its headings, "Outer › Inner"
}
