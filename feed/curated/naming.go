package curated

import (
	"regexp"
	"strings"
)

// titleOf gives the title that stands before a link such as "[pdf]": the bold words, or those up to the year, the authors
// or the dash.
func (d *document) titleOf(it *item, i int) string {
	s := span{it.head.from, d.links[i].pieces.from}
	lead := d.plain(s)
	if isReference(lead) || d.beginsBold(s) {
		if t := d.boldWords(s); t != "" {
			return t
		}
	}
	if t := quotedTitle(lead); t != "" {
		return t
	}
	return cutTitle(d.plain(d.beforeItalic(s)))
}

// boldWords gives the first bold words of a span, or "".
func (d *document) boldWords(s span) string {
	var t strings.Builder
	for _, p := range d.at(s) {
		switch {
		case p.kind != textPiece:
		case p.style&bold != 0:
			t.WriteString(p.text)
		case hasWord(p.text) && hasWord(t.String()):
			return foldSpace(t.String())
		}
	}
	if !hasWord(t.String()) {
		return ""
	}
	return foldSpace(t.String())
}

// beforeItalic ends a span at the end of its line, or where italic words begin after others: there stand the authors, or
// where it appeared.
func (d *document) beforeItalic(s span) span {
	words := false
	for i := s.from; i < s.to; i++ {
		p := &d.pieces[i]
		if p.kind == hardBreak && words {
			return span{s.from, i}
		}
		if p.kind != textPiece || !hasWord(p.text) {
			continue
		}
		if p.style&italic != 0 && words {
			return span{s.from, i}
		}
		words = words || p.style&italic == 0
	}
	return s
}

// after gives the part of a span that follows some words of it.
func (d *document) after(s span, words string) span {
	for i := s.from; i < s.to; i++ {
		if strings.HasSuffix(words, foldSpace(d.pieces[i].text)) && d.pieces[i].style&bold != 0 {
			return span{i + 1, s.to}
		}
	}
	return span{}
}

// datedAt finds the date or number in brackets before a title.
var datedAt = regexp.MustCompile(`^[(\[][\d/.\- ]+[)\]]\s*`)

// After a title of a paper stands its year in brackets, or its first author.
var (
	yearAt   = regexp.MustCompile(`\s*[(\[](?:19|20)\d\d[)\]]`)
	authorAt = regexp.MustCompile(`, \p{Lu}\. ?(?:\p{Lu}\. ?)*\p{Lu}\p{Ll}`)
)

// quotedTitle gives the title in the one pair of quotation marks of a text such as: A. Author, "Title", 2014.
func quotedTitle(s string) string {
	for _, q := range [...][2]string{{`"`, `"`}, {"“", "”"}, {"《", "》"}, {"「", "」"}, {"«", "»"}} {
		before, rest, ok := strings.Cut(s, q[0])
		if before = strings.TrimRight(before, " "); !ok || before != "" && strings.IndexByte(",.:;])", before[len(before)-1]) < 0 {
			continue // the words before it belong to the title too
		}
		t, rest, ok := strings.Cut(rest, q[1])
		if ok && hasWord(t) && !strings.Contains(rest, q[0]) {
			return strings.TrimRight(foldSpace(t), ".,")
		}
	}
	return ""
}

// cutTitle cuts a text after its title, and before it a date or number in brackets.
func cutTitle(s string) string {
	if m := datedAt.FindString(s); hasWord(s[len(m):]) {
		s = s[len(m):]
	}
	if m := yearAt.FindStringIndex(s); m != nil && m[0] > 0 {
		return s[:m[0]]
	}
	if m := authorAt.FindStringIndex(s); m != nil {
		return s[:m[0]]
	}
	for _, sep := range [...]string{" - ", " – ", " — ", " | "} {
		if t, _, ok := strings.Cut(s, sep); ok && hasWord(t) {
			return t
		}
	}
	s = trimOpening(s)
	if strings.HasSuffix(s, " al.") {
		return s
	}
	return strings.TrimSuffix(s, ".")
}
