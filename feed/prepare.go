package feed

import (
	"html"
	"strings"
	"time"
)

// prepare gives the feed as the writers take it: every text and address cleaned, every required field filled, every time
// in UTC and whole seconds, no id twice. Two entries may share a date, when lists were checked in one second: each keeps
// its own, because it is the same in every feed that the entry is in.
func (f *Feed) prepare() *Feed {
	p := *f
	p.ID = cleanText(f.ID, maxURL)
	p.Title = first(cleanText(f.Title, maxTitle), p.ID)
	p.Subtitle = cleanText(f.Subtitle, maxSummary)
	p.Author = first(cleanText(f.Author, maxTitle), p.Title)
	p.Language = cleanText(f.Language, maxTitle)
	p.Rights = cleanText(f.Rights, maxSummary)
	p.File = cleanText(f.File, maxTitle)
	p.Home, p.Dir, p.Hub = CleanURL(f.Home), CleanURL(f.Dir), CleanURL(f.Hub)
	p.Icon, p.Stylesheet = CleanURL(f.Icon), CleanURL(f.Stylesheet)
	p.Began = second(f.Began)
	p.Entries = make([]Entry, 0, len(f.Entries))
	ids := make(map[string]bool, len(f.Entries))
	for _, e := range f.Entries {
		e.prepare(p.Began)
		if ids[e.ID] {
			continue
		}
		ids[e.ID] = true
		p.Entries = append(p.Entries, e)
	}
	p.shorten()
	return &p
}

// shorten cuts down long entries of a feed that is too long for readers.
func (f *Feed) shorten() {
	size := 0
	for i := range f.Entries {
		size += f.Entries[i].size()
	}
	if size <= longFeed {
		return
	}
	for i := range f.Entries {
		if e := &f.Entries[i]; e.size() > longEntry {
			e.Content = paragraph(first(e.Summary, e.Title))
			e.Categories = e.Categories[:min(len(e.Categories), fewCategories)]
		}
	}
}

// prepare cleans an entry; floor dates one that has no date.
func (e *Entry) prepare(floor time.Time) {
	e.ID = cleanText(e.ID, maxURL)
	e.Via = CleanURL(e.Via)
	e.URL = first(CleanURL(e.URL), e.Via) // a relative link of a list whose page nobody knows, or javascript:
	e.Title = first(cleanText(e.Title, maxTitle), e.URL, e.ID)
	e.Author = cleanText(e.Author, maxTitle)
	e.Contributor = cleanText(e.Contributor, maxTitle)
	e.Summary = cleanText(e.Summary, maxSummary)
	e.Content = first(cleanHTML(e.Content), paragraph(first(e.Summary, e.Title)))
	if e.Published.IsZero() {
		e.Published = floor
	}
	if e.Updated.IsZero() {
		e.Updated = e.Published
	}
	e.Published, e.Updated = second(e.Published), second(e.Updated)
	e.Categories = cleanCategories(e.Categories)
}

// size is about how many bytes an entry takes in Atom.
func (e *Entry) size() int {
	n := 3*len(e.ID) + escapedSize(e.Title) + escapedSize(e.Summary) + escapedSize(e.Content) + escapedSize(e.URL) + escapedSize(e.Via)
	for _, c := range e.Categories {
		n += len(c.Term) + escapedSize(c.Label)
	}
	return n
}

// escapedSize is how long a text is in XML.
func escapedSize(s string) int {
	n := len(s)
	for i := range len(s) {
		switch s[i] {
		case '<', '>', '&', '"', '\'':
			n += 4
		}
	}
	return n
}

// cleanCategories drops categories without a term and repeated ones.
func cleanCategories(all []Category) []Category {
	var out []Category
	for i, c := range all {
		c.Term, c.Label = cleanText(c.Term, maxTitle), cleanText(c.Label, maxTitle)
		if c.Term == "" || contains(out, c.Term) {
			continue
		}
		c.Label = first(c.Label, c.Term)
		if out == nil {
			out = make([]Category, 0, len(all)-i)
		}
		out = append(out, c)
	}
	return out
}

func contains(categories []Category, term string) bool {
	for _, c := range categories {
		if c.Term == term {
			return true
		}
	}
	return false
}

// paragraph is plain text as HTML.
func paragraph(text string) string {
	if text == "" {
		return ""
	}
	return "<p>" + html.EscapeString(text) + "</p>"
}

// first is the first text that says something.
func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// looksLikeHTML says that a reader may take plain text for markup: it holds something like a tag or a reference. Validators take
// any word for a reference that is not of letters alone, such as a number.
func looksLikeHTML(s string) bool {
	for i := strings.IndexAny(s, "<&"); i >= 0 && i+1 < len(s); {
		c := s[i+1]
		if letter(c) || s[i] == '<' && (c == '/' || c == '!' || c == '?') || s[i] == '&' && c != ' ' && likeReference(s[i+1:]) {
			return true
		}
		next := strings.IndexAny(s[i+1:], "<&")
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
