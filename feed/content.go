package feed

import (
	"html"
	"strings"

	"linkletter/feed/curated"
)

// Separator stands between the headings of a section's label.
const Separator = " › "

// Label names a section by the headings it stands under, outermost first: "Outer › Inner".
func Label(path []string) string { return strings.Join(path, Separator) }

// Content is what a reader shows of a list's entry, as sanitised HTML: what the list says of it, who made it, the links
// beside its own, and where, by whom and in which commit it was added. Of the entry only SummaryHTML and QuoteHTML are
// taken for HTML. list is the list's title, page the address where people read it, or empty.
func Content(e curated.Entry, from Origin, list, page string) string {
	var b strings.Builder
	if e.Summary != e.Quote { // an entry that has only a quote has it as its summary too
		element(&b, "p", decodeTwice(first(e.SummaryHTML, html.EscapeString(e.Summary))))
	}
	if quote := decodeTwice(first(e.QuoteHTML, html.EscapeString(e.Quote))); quote != "" {
		element(&b, "blockquote", "<p>"+quote+"</p>")
	}
	element(&b, "p", html.EscapeString(Credits(e)))
	var related strings.Builder
	for _, l := range e.Related {
		if to := CleanURL(l.URL); to != "" {
			element(&related, "li", Link(to, first(l.Title, to)))
		}
	}
	element(&b, "ul", related.String())
	name := place(list, page, e.Sections)
	if by := from.Name(); by != "" {
		name += " by " + html.EscapeString(by)
	}
	element(&b, "p", Link(from.Link, "Added")+" to "+name)
	return b.String()
}

// Credits says who made an entry, where it came out and how long it takes, as far as the list says so.
func Credits(e curated.Entry) string {
	var parts []string
	if e.Byline != "" {
		parts = append(parts, "by "+e.Byline)
	}
	for _, s := range []string{e.Publication, e.Duration, e.Date} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " · ")
}

// element writes an element, or nothing where it would be empty.
func element(b *strings.Builder, name, inner string) {
	if inner != "" {
		b.WriteString("<" + name + ">" + inner + "</" + name + ">")
	}
}

// Link is plain text as an HTML link, or as HTML alone where the address is none that a feed may lead to.
func Link(to, text string) string {
	text = html.EscapeString(text)
	if to = CleanURL(to); to == "" {
		return text
	}
	return `<a href="` + html.EscapeString(to) + `">` + text + `</a>`
}
