package curated

import "net/url"

// List is a curated document as of one reading.
type List struct {
	// Title is the document's own title as plain text: front matter, or the only top heading. Empty when it has none.
	Title string `json:"title"`
	// Entries stand in the order of the list, one per resource: a resource listed twice is one entry with both sections.
	Entries []Entry `json:"entries"`
	// Links counts the distinct outgoing links of the document, entries or not; the guard compares the share that became
	// entries from one check to the next.
	Links int `json:"-"`

	keys []string // the canonical addresses of the entries, where these are known and no two are equal
}

// Entry is one resource of a curated list.
type Entry struct {
	// Title is plain text: no markup, white space folded, emoji shortcodes resolved.
	Title string `json:"title"`
	// Also are the other titles that it has in its further places, which may be mistakes: two resources with one address.
	Also []string `json:"also,omitempty"`
	// URL is as written with entities decoded, and absolute where Options.Page is known.
	URL string `json:"url"`
	// Sections holds the path of headings, outermost first, of each place the entry stands in; never empty, though a path
	// is empty in a list without headings.
	Sections [][]string `json:"sections"`
	// Summary is what the list says of the resource, as plain text; an entry that has only a quote has that.
	Summary string `json:"summary"`
	// SummaryHTML is Summary as sanitised inline HTML.
	SummaryHTML string `json:"summary_html,omitempty"`
	// Quote is a quotation from, or about, the resource: plain text, without its quotation marks.
	Quote     string `json:"quote,omitempty"`
	QuoteHTML string `json:"quote_html,omitempty"`
	// Byline names who made it ("by Ada Lovelace" gives "Ada Lovelace"), Publication where it came out, Duration how long
	// it takes, Date when it came out, all as written.
	Byline      string `json:"byline,omitempty"`
	Publication string `json:"publication,omitempty"`
	Duration    string `json:"duration,omitempty"`
	Date        string `json:"date,omitempty"`
	// Marks are the signs set beside it, such as 🆕 or ⭐, as written but for emoji shortcodes.
	Marks []string `json:"marks,omitempty"`
	// Related are the item's further links: slides, a video, a discussion.
	Related []Link `json:"related,omitempty"`
	// Line is where the entry stands first, counted from 1.
	Line int `json:"line"`
}

// Link is a link beside an entry's own.
type Link struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Options are what a reading may know beside the bytes.
type Options struct {
	// Page is where people read the list; relative links are resolved against it. Nil: they stay as written.
	Page *url.URL
}
