package feed

import "time"

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
	Hub      string // WebSub hub, or empty
	Icon     string
	// Stylesheet is the address of a CSS stylesheet for people who open the feed in a browser, or empty.
	Stylesheet string
	// Began is Updated's floor: the feed's own date while it holds no entries.
	Began   time.Time
	Entries []Entry // newest first
}

// Updated is when the feed last changed: its newest entry's date, or Began while it holds none. It says nothing of when
// it was written, so that unchanged input gives the same bytes.
func (f *Feed) Updated() time.Time {
	newest := f.Began
	for _, e := range f.Entries {
		if e.Updated.After(newest) {
			newest = e.Updated
		}
	}
	return newest.UTC()
}

// Entry is one entry of a feed.
type Entry struct {
	ID         string // permanent
	Title      string // plain text
	URL        string // the resource itself (rel=alternate); where it is no http, https or mailto address, Via stands in
	Via        string // where in the list it stands (rel=via), or empty
	Published  time.Time
	Updated    time.Time
	Author     string // who made the resource, when the list says so
	Summary    string // plain text
	Content    string // sanitised HTML with absolute links
	Categories []Category
}

// Category is a section an entry stands in (RFC 4287, 4.2.2).
type Category struct {
	Term  string // the section's slug
	Label string // its headings, "Outer › Inner"
}
