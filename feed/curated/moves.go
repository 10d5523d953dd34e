package curated

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/publicsuffix"
)

// move is a way to know a resource again at another address: it is called the same.
type move struct {
	// left and came give what a resource is called, of those that left and of those that came; "" where it says nothing.
	left, came func(*Entry) string
	// here says that the name counts only within a section.
	here bool
	// alone says that no other entry of the list, before or after, may be called so.
	alone bool
	// unless says why two of one name are not the same resource.
	unless func(left, came *Entry) bool
}

// moves are the ways to know an entry whose old address is gone in the same reading, the surest first.
var moves = []move{
	{left: titleName, came: titleName, here: true},
	{left: both(titleName, summaryText), came: both(titleName, summaryText)},
	{left: both(titleName, repositoryName), came: both(titleName, repositoryName)},
	{left: titleName, came: titleName, alone: true, unless: another},
	{left: repositoryTitle, came: repositoryTitle},
	{left: titleName, came: formerName},
	{left: summaryName, came: summaryName, alone: true, unless: otherPart},
	{left: namelessSummary, came: namelessSummary, alone: true, unless: otherPart},
	{left: both(repositoryName, summaryText), came: both(repositoryName, summaryText)},
	{left: both(firstWord, summaryText), came: both(firstWord, summaryText), here: true, unless: otherTitle},
	{left: both(lastWord, summaryText), came: both(lastWord, summaryText), here: true, unless: otherTitle},
	{left: roleName, came: roleName, here: true, alone: true},
}

// returns are the ways to know an entry that left in an earlier reading. One name alone is not enough, for much time may
// have passed.
var returns = []move{
	{left: both(titleName, summaryText), came: both(titleName, summaryText)},
	{left: both(titleName, repositoryName), came: both(titleName, repositoryName)},
}

// names gives what an entry is called, once for each of its sections if the name counts only there.
func (m *move) names(e *Entry, name func(*Entry) string) []string {
	if m.here {
		return namesIn(e, name)
	}
	if n := name(e); n != "" {
		return []string{n}
	}
	return nil
}

// namesIn gives what an entry is called in each of its sections.
func namesIn(e *Entry, name func(*Entry) string) []string {
	n := name(e)
	if n == "" {
		return nil
	}
	out := make([]string, len(e.Sections))
	for i, p := range e.Sections {
		out[i] = n + "\x00" + pathKey(p)
	}
	return out
}

// both joins two names; "" where one says nothing.
func both(a, b func(*Entry) string) func(*Entry) string {
	return func(e *Entry) string {
		x := a(e)
		if x == "" {
			return ""
		}
		y := b(e)
		if y == "" {
			return ""
		}
		return x + "\x00" + y
	}
}

// titleName is the folded title.
func titleName(e *Entry) string {
	title := cutNumber(e.Title)
	if isGeneric(title) {
		return ""
	}
	return titleKey(title)
}

// titleKey folds a title with its spaces: "Foo & Bar" is "FooAndBar".
func titleKey(title string) string {
	return strings.ReplaceAll(foldTitle(strings.ReplaceAll(title, "&", " and ")), " ", "")
}

// cutNumber cuts the number off a title in a list numbered by hand: "1. Seeds".
func cutNumber(title string) string {
	rest := strings.TrimLeft(title, "0123456789")
	for _, mark := range [...]string{". ", ") "} {
		if name, ok := strings.CutPrefix(rest, mark); ok && rest != title {
			return strings.TrimLeft(name, " ")
		}
	}
	return title
}

var formerly = regexp.MustCompile(`(?i)(?:\b(?:(?:formerly|previously|originally)(?: known as| called| named)?|renamed from|f\.?k\.?a\.?|a\.?k\.?a\.?|also known as|née|né|ex)|\((?:was))[:\s-]\s*([^(),;|\[\]]+)`)

// formerName is the title that an entry says the resource had before.
func formerName(e *Entry) string {
	m := formerly.FindStringSubmatch(e.Title)
	if m == nil {
		m = formerly.FindStringSubmatch(e.Summary)
	}
	if m == nil {
		return ""
	}
	name, _, _ := strings.Cut(m[1], ". ")
	for _, dash := range [...]string{" - ", " – ", " — "} {
		name, _, _ = strings.Cut(name, dash)
	}
	if isGeneric(name) {
		return ""
	}
	return titleKey(name)
}

// repositoryTitle is the repository in a title such as "owner/name" that repeats the address: the repository keeps its
// name when its owner changes.
func repositoryTitle(e *Entry) string {
	owner, name, ok := strings.Cut(e.Title, "/")
	if !ok || owner == "" || name == "" || strings.ContainsAny(e.Title, " \t") ||
		!strings.Contains(strings.ToLower(e.URL), strings.ToLower("/"+e.Title)) {
		return ""
	}
	return foldTitle(name)
}

// repositoryName is the name of the repository that an entry leads to.
func repositoryName(e *Entry) string {
	host, p, _ := strings.Cut(CanonicalURL(e.URL), "/")
	_, name, ok := strings.Cut(p, "/")
	if !ok || !isForge(host) || strings.Contains(name, "/") || isGeneric(name) {
		return ""
	}
	return name
}

// A summary must have so many bytes and words to belong to one resource only, and somewhat more where the title is taken
// out of it.
const (
	minSummary       = 35
	minSummaryWords  = 6
	minNameless      = 45
	minNamelessWords = 8
)

// summaryName is the folded summary, for a resource that was renamed and moved.
func summaryName(e *Entry) string {
	if len(e.Summary) < minSummary || countWords(e.Summary) < minSummaryWords {
		return ""
	}
	return summaryText(e)
}

// summaryText is the folded summary of any length.
func summaryText(e *Entry) string { return foldTitle(steady(e.Summary)) }

// namelessSummary is the folded summary without the title in it, for a resource whose text was changed only to hold its
// new name: "Foo is a fast …" and "Bar is a fast …".
func namelessSummary(e *Entry) string {
	if len(e.Summary) < minNameless {
		return ""
	}
	title := foldTitle(e.Title)
	if title == "" {
		return ""
	}
	text := " " + strings.ReplaceAll(summaryText(e), " ", "  ") + " "
	text = strings.ReplaceAll(text, " "+strings.ReplaceAll(title, " ", "  ")+" ", "")
	text = strings.Join(strings.Fields(text), " ")
	if len(text) < minNameless || countWords(text) < minNamelessWords {
		return ""
	}
	return text
}

// firstWord and lastWord are of the folded title.
func firstWord(e *Entry) string {
	word, _, _ := strings.Cut(foldTitle(e.Title), " ")
	return word
}

func lastWord(e *Entry) string {
	title := foldTitle(e.Title)
	return title[strings.LastIndexByte(title, ' ')+1:]
}

// roleName is a generic title on a site: the documentation of what the section is about.
func roleName(e *Entry) string {
	title := foldTitle(e.Title)
	if !roles[title] {
		return ""
	}
	host, _, _ := strings.Cut(CanonicalURL(e.URL), "/")
	domain, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return ""
	}
	return title + "\x00" + domain
}

// another says that two entries of one title, in different sections, have nothing else in common: no site and no word.
func another(left, came *Entry) bool {
	if left.Summary == "" || came.Summary == "" {
		return false
	}
	before, after, title := site(left), site(came), titleKey(left.Title)
	return before != after && !(bears(before, title) && bears(after, title)) && !shareWord(left.Summary, came.Summary)
}

// site is the host of an entry's address, and the owner on a forge.
func site(e *Entry) string {
	host, p, _ := strings.Cut(CanonicalURL(e.URL), "/")
	if !isForge(host) {
		return host
	}
	owner, _, _ := strings.Cut(p, "/")
	return host + "/" + owner
}

// bears reports whether a site is named like a title: "appdynamics.com", "github.com/appdynamics".
func bears(site, title string) bool {
	for part := range strings.FieldsFuncSeq(site, func(r rune) bool { return r == '.' || r == '/' }) {
		if titleKey(part) == title {
			return true
		}
	}
	return false
}

// minWord is how many bytes a word has that says what a resource is about.
const minWord = 4

// shareWord reports whether two texts have such a word in common.
func shareWord(a, b string) bool {
	said := make(map[string]bool)
	for w := range strings.FieldsSeq(foldTitle(a)) {
		said[w] = len(w) >= minWord
	}
	for w := range strings.FieldsSeq(foldTitle(b)) {
		if said[w] {
			return true
		}
	}
	return false
}

// otherPart says that two entries of one text are another edition or another part: their titles have different numbers,
// or they are two files of one repository.
func otherPart(left, came *Entry) bool {
	if a, b := digits(left.Title), digits(came.Title); a != "" && b != "" && a != b {
		return true
	}
	before, a := repositoryFile(left)
	after, b := repositoryFile(came)
	return a != "" && b != "" && before == after && a != b
}

// repositoryFile gives the repository of a forge, and the name of a file or folder in it, that an entry leads to.
func repositoryFile(e *Entry) (repository, file string) {
	parts := strings.SplitN(CanonicalURL(e.URL), "/", 4)
	if len(parts) < 4 || !isForge(parts[0]) {
		return "", ""
	}
	return strings.Join(parts[:3], "/"), parts[3][strings.LastIndexByte(parts[3], '/')+1:]
}

// otherTitle says that neither title is the other with words before or after it, or that those words number it.
func otherTitle(left, came *Entry) bool {
	a, b := foldTitle(left.Title)+" ", foldTitle(came.Title)+" "
	if len(a) > len(b) {
		a, b = b, a
	}
	return !strings.HasPrefix(b, a) && !strings.HasSuffix(b, " "+a) || digits(a) != digits(b)
}

// digits are the digits of a text.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}
