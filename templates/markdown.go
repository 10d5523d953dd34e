package templates

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"linkletter/feed"
	"linkletter/feed/curated"
)

// IssueMarkdown renders an issue as Markdown, to be pasted into a release, a discussion or a page. Whatever an entry says
// shows as itself: it is no markup, mentions nobody, and refers to no issue of the repository that it is pasted into.
func (t *Set) IssueMarkdown(d IssueMail) (string, error) {
	return t.markdown("issue", newIssue(d).clipped())
}

var (
	// Backslashes may stand before any ASCII punctuation (CommonMark 0.31, 2.4); these are the characters that mean something
	// within a line, GitHub's tables, strikethrough and formulas included.
	markdownSpecial = regexp.MustCompile("[\\\\`*_\\[\\]<>&|~$#]")
	// At the start of a line, these make lists and underlines.
	markdownStart = regexp.MustCompile(`^([-+=]|\d{1,9}[.)])`)
	// Forges look for names and numbers in the text that is left after Markdown, so no backslash helps: a space without width
	// between the sign and the name does.
	mention = regexp.MustCompile(`@|#(\d)|!(\d)`)
)

// escapeMarkdown is plain text as one line of Markdown.
func escapeMarkdown(s string) string {
	return guardStart(escapeInline(fold(s)))
}

// guardStart lets a line of Markdown begin a paragraph and nothing else.
func guardStart(line string) string {
	return markdownStart.ReplaceAllStringFunc(line, func(m string) string { return m[:len(m)-1] + `\` + m[len(m)-1:] })
}

// escapeInline is plain text that stands within a line.
func escapeInline(s string) string {
	s = mention.ReplaceAllStringFunc(s, func(m string) string { return m[:1] + "\u200b" + m[1:] })
	return markdownSpecial.ReplaceAllString(s, `\$0`)
}

// markdownLink is a link, or its text alone where the address is none that a reader may be led to.
func markdownLink(text, to string) string {
	text = escapeInline(fold(text))
	if to = feed.CleanURL(to); to == "" {
		return text
	}
	// References are read in addresses too; what else means something there is no part of a URI, brackets apart.
	return "[" + text + "](<" + strings.ReplaceAll(to, "&", "&amp;") + ">)"
}

// markdownSummary is what the list says of an entry; empty when that is the quote.
func markdownSummary(e curated.Entry) string {
	if e.Quote != "" && e.Summary == e.Quote {
		return ""
	}
	return markdownProse(e.SummaryHTML, e.Summary)
}

func markdownQuote(e curated.Entry) string { return markdownProse(e.QuoteHTML, e.Quote) }

// markdownProse is a text as one line of Markdown with its links and code, from its plain form where there is no other.
func markdownProse(fragment, plain string) string {
	var b strings.Builder
	for _, n := range parse(fragment) {
		writeMarkdown(&b, n)
	}
	line := strings.Join(strings.Fields(b.String()), " ")
	if line == "" {
		return escapeMarkdown(plain)
	}
	return guardStart(line)
}

func writeMarkdown(b *strings.Builder, n *html.Node) {
	to := linkOf(n)
	switch {
	case n.Type == html.TextNode:
		b.WriteString(escapeInline(printable(n.Data)))
	case n.DataAtom == atom.Script, n.DataAtom == atom.Style, n.Type != html.ElementNode:
	case to != "":
		b.WriteString(markdownLink(words(n), to))
	case n.DataAtom == atom.Code:
		b.WriteString(codeSpan(fold(words(n))))
	case n.DataAtom == atom.Br:
		b.WriteByte(' ')
	default:
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			writeMarkdown(b, c)
		}
	}
}

var backticks = regexp.MustCompile("`+")

// codeSpan is text in as many backticks as it needs (CommonMark 0.31, 6.1).
func codeSpan(s string) string {
	if s == "" {
		return ""
	}
	longest := 0
	for _, run := range backticks.FindAllString(s, -1) {
		longest = max(longest, len(run))
	}
	fence := strings.Repeat("`", longest+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}
