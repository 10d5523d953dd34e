package templates

import (
	htmltemplate "html/template"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	texttemplate "text/template"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/idna"

	"linkletter/feed"
	"linkletter/feed/curated"
)

// What every template can call; htmlFuncs and textFuncs add what only one kind needs.
var commonFuncs = map[string]any{
	"day":     day,
	"weekday": func(t time.Time) string { return t.Format("Monday, 2 January 2006") },
	"moment":  func(t time.Time) string { return t.Format("2 January 2006 at 15:04 MST") },
	"isoday":  func(t time.Time) string { return t.Format(time.DateOnly) },
	"count":   count,
	"number":  number,
	"credits": feed.Credits,
	"address": feed.CleanURL,
	"lines":   lines,
}

var htmlFuncs = with(commonFuncs, map[string]any{
	"href":     href,
	"verbatim": verbatim,
	"host":     host,
	"summary":  summary,
	"quote":    quote,
	"feeds":    feeds,
	"changes":  changes,
	"archive":  func(dir string, n int) string { return dir + feed.ArchiveFile(n, feed.AtomFile) },
	"comment":  comment,
	"breaks":   func(u string) []string { return strings.SplitAfter(u, "/") },
	"pad":      func() string { return strings.Repeat("\u034f\u200c\u00a0", 60) },
	"form":     form,
	"last":     last,
	"within":   func(digest string, s SectionChoice) sectionOf { return sectionOf{digest, s} },
	"add":      func(a, b int) int { return a + b },
	"mul":      func(a, b int) int { return a * b },
	"spaces":   func(line string) string { return strings.ReplaceAll(line, "  ", "\u00a0 ") },
	"atom":     func(dir, title string) []feedLink { return feeds(dir, title)[:1] },
})

var textFuncs = texttemplate.FuncMap(with(commonFuncs, map[string]any{
	"wrap":      wrap,
	"underline": underline,
	"links":     links,
	"labelled":  labelled,
	"notetext":  noteText,
}))

var markdownFuncs = texttemplate.FuncMap(with(commonFuncs, map[string]any{
	"md":      escapeMarkdown,
	"notemd":  noteMarkdown,
	"mdlink":  markdownLink,
	"summary": markdownSummary,
	"quote":   markdownQuote,
}))

func with(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func day(t time.Time) string { return t.Format("2 January 2006") }

// count says how many there are: "1 entry", "2,559 entries".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// number is a number as English writes it: "2,559".
func number(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// host is the name of the site a link leads to, without "www.", so that a reader knows before following it.
func host(raw string) string {
	u, err := url.Parse(feed.CleanURL(raw))
	if err != nil {
		return ""
	}
	name := strings.TrimPrefix(u.Hostname(), "www.")
	if shown, err := idna.Display.ToUnicode(name); err == nil {
		return shown
	}
	return name
}

// href is the attribute of a link to an address as the list wrote it: html/template would percent-encode parentheses
// and quotes, and the text of a mail would then show another address than its HTML. Nothing when the address is no link.
func href(raw string) htmltemplate.HTMLAttr {
	to := feed.CleanURL(raw)
	if to == "" {
		return ""
	}
	return verbatim(to)
}

// verbatim is the attribute of a link to an address, or a mark for one, that is our own and stays exactly as it is.
func verbatim(to string) htmltemplate.HTMLAttr {
	return htmltemplate.HTMLAttr(`href="` + html.EscapeString(to) + `"`)
}

// feedLink is a feed as a page announces it.
type feedLink struct {
	Name  string // "Atom"
	Title string // of the feed, with its format
	Type  string // media type
	URL   string
}

// feeds are the three feeds of a folder of the public tree, given by its address.
func feeds(dir, title string) []feedLink {
	return []feedLink{
		{"Atom", title + " (Atom)", feed.AtomType, dir + feed.AtomFile},
		{"RSS", title + " (RSS)", feed.RSSType, dir + feed.RSSFile},
		{"JSON", title + " (JSON Feed)", feed.JSONType, dir + feed.JSONFile},
	}
}

// changes is the feed of what changed in a list and what left it, in the list's folder.
func changes(dir, title string) []feedLink {
	return []feedLink{{"Changes and removals (Atom)", title + ": changes and removals (Atom)", feed.AtomType, dir + feed.ChangesFile}}
}

// comment is an HTML comment: html/template takes out those that stand in a template, and Outlook has its own way of
// reading some.
func comment(s string) htmltemplate.HTML {
	return htmltemplate.HTML("<!--" + s + "-->")
}

// sectionOf is a section that one can choose of a digest, given by its id.
type sectionOf struct {
	Digest  string
	Section SectionChoice
}

// form is an empty sign-up form for the digests given, or for all.
func form(s Site, digests ...DigestLink) Form {
	if len(digests) == 0 {
		digests = s.Digests
	}
	return Form{Site: s, Digests: digests, Action: local(s.Subscribe())}
}

// local is the path of an address of ours. A form that is sent to it stays on the site that it was read from, as browsers
// and the server see it: under 127.0.0.1 as well as under localhost.
func local(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.EscapedPath()
}

// last is the innermost name of a section's label.
func last(label string) string {
	if i := strings.LastIndex(label, feed.Separator); i >= 0 {
		return label[i+len(feed.Separator):]
	}
	return label
}

// lines are the lines of the operator's imprint.
func lines(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	return slices.Collect(strings.SplitSeq(strings.TrimSpace(s), "\n"))
}

// labelled is a link as text.
func labelled(l curated.Link) string {
	if l.Title == "" {
		return l.URL
	}
	return l.Title + ": " + l.URL
}
