package curated

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// entry makes the Entry of a draft.
func (d *document) entry(f *draft) Entry {
	l := &d.links[f.link]
	e := Entry{Title: d.name(f), URL: d.resolve(validText(l.url)), Line: d.line(l.pos)}
	if e.Title == "" {
		e.Title = e.URL
	}
	d.describeEntry(&e, f)
	for _, i := range f.also {
		r := &d.links[i]
		e.Related = append(e.Related, Link{Title: cleanTitle(d.plain(r.pieces)), URL: d.resolve(validText(r.url))})
	}
	return e
}

// name is the title of a draft.
func (d *document) name(f *draft) string {
	if title := cleanTitle(f.named); title != "" {
		return title
	}
	return cleanTitle(d.plain(f.title))
}

// describeEntry fills in what is said of an entry.
func (d *document) describeEntry(e *Entry, f *draft) {
	rest := cutMarks(e, d.at(f.rest))
	if l := &d.links[f.link]; l.verdict.rule == ruleSource {
		e.Quote, e.QuoteHTML = d.render(unquote(d.at(f.lead)))
	} else if l.verdict.rule == ruleTitled {
		rest = append(d.afterTitle(f), rest...)
	}
	rest = d.dropLinkGroups(rest)
	for _, s := range f.body {
		if len(rest) > 0 && !s.empty() {
			rest = append(rest, piece{kind: softBreak})
		}
		rest = append(rest, d.at(s)...)
	}
	e.Summary, e.SummaryHTML = d.render(trimPieces(rest))
	if len(f.quote) > 0 {
		var quote []piece
		for i, s := range f.quote {
			if i > 0 {
				quote = append(quote, piece{kind: softBreak})
			}
			quote = append(quote, d.at(s)...)
		}
		e.Quote, e.QuoteHTML = d.render(unquote(quote))
	}
	if e.Summary == "" {
		e.Summary, e.SummaryHTML = e.Quote, e.QuoteHTML
	}
}

var durationAt = regexp.MustCompile(`^\(((?:~ ?)?\d[\d.:]* ?(?:h|hr|hrs|hours?|m|min|mins|minutes?|minute read|s|sec|secs|seconds?)(?: \d+ ?(?:m|min|mins|minutes|s|sec)?)?(?: \pL+)?)\)`)

// cutMarks takes byline, publication and duration off the text that follows the link, in whatever order they come.
func cutMarks(e *Entry, rest []piece) []piece {
	for mayMark(rest) {
		text := joinPieces(rest)
		skip := trimSeparators(text)
		head := text[skip:]
		var end int
		switch {
		case e.Byline == "" && (strings.HasPrefix(head, "by ") || strings.HasPrefix(head, "By ")):
			e.Byline, end = cutName(head, len("by "))
		case e.Publication == "" && strings.HasPrefix(head, "on the "):
			e.Publication, end = cutName(head, len("on the "))
		case e.Publication == "" && strings.HasPrefix(head, "on "):
			e.Publication, end = cutName(head, len("on "))
		case e.Duration == "" && strings.HasPrefix(head, "("):
			if m := durationAt.FindStringSubmatch(head); m != nil {
				e.Duration, end = m[1], len(m[0])
			}
		}
		if end == 0 {
			break
		}
		rest = cutPieces(rest, skip+end)
	}
	return rest
}

// mayMark reports whether a text may begin with "by …", "on …" or "(20 minutes)"; most do not.
func mayMark(ps []piece) bool {
	for i := range ps {
		if ps[i].kind != textPiece {
			continue
		}
		if t := ps[i].text[trimSeparators(ps[i].text):]; t != "" {
			return strings.IndexByte("bBo(", t[0]) >= 0
		}
	}
	return false
}

// maxName is how many words a person or a publication may be called.
const maxName = 8

// cutName gives the name that begins at an offset, and where it ends; "" and 0 where there is none: a name begins with a
// capital or a digit.
func cutName(s string, from int) (name string, end int) {
	r, _ := utf8.DecodeRuneInString(s[from:])
	end = from + nameEnd(s[from:])
	if !unicode.IsUpper(r) && !unicode.IsDigit(r) && r != '@' || countWords(s[from:end]) > maxName {
		return "", 0
	}
	return cleanTitle(s[from:end]), end
}

// nameEnd finds the mark, or the word, that ends a name; the stop after an initial does not.
func nameEnd(s string) int {
	for i, r := range s {
		switch r {
		case ',', ';', ':', '(', ')', '[', ']', '|', '–', '—':
			return i
		case '.':
			initial := i > 0 && s[i-1] >= 'A' && s[i-1] <= 'Z' && (i == 1 || s[i-2] == ' ' || s[i-2] == '.')
			if i+1 == len(s) || s[i+1] == ' ' && !initial {
				return i
			}
		case ' ':
			if t := s[i:]; strings.HasPrefix(t, " on ") || strings.HasPrefix(t, " in ") || strings.HasPrefix(t, " - ") {
				return i
			}
		}
	}
	return len(s)
}

// cutPieces drops n bytes of text from the head of pieces.
func cutPieces(ps []piece, n int) []piece {
	for i := range ps {
		size := 0
		switch ps[i].kind {
		case textPiece:
			size = len(ps[i].text)
		case softBreak, hardBreak:
			size = 1
		}
		if size > n {
			out := append([]piece(nil), ps[i:]...)
			if ps[i].kind == textPiece {
				out[0].text = out[0].text[n:]
			}
			return out
		}
		n -= size
	}
	return nil
}

// titleOf gives the title that stands before a link such as "[pdf]": the bold words, or those up to the year, the authors
// or the dash.
func (d *document) titleOf(it *item, i int) string {
	s := span{it.head.from, d.links[i].pieces.from}
	if d.beginsBold(s) {
		var t strings.Builder
		for _, p := range d.at(s) {
			if p.kind == textPiece && p.style&bold == 0 && hasWord(p.text) {
				break
			}
			if p.style&bold != 0 {
				t.WriteString(p.text)
			}
		}
		if hasWord(t.String()) {
			return foldSpace(t.String())
		}
	}
	return cutTitle(d.plain(s))
}

// After a title of a paper stands its year in brackets, or its first author.
var (
	yearAt   = regexp.MustCompile(`\s*[(\[](?:19|20)\d\d[)\]]`)
	authorAt = regexp.MustCompile(`, \p{Lu}\. ?(?:\p{Lu}\. ?)*\p{Lu}\p{Ll}`)
)

// cutTitle cuts a text after its title.
func cutTitle(s string) string {
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
	return strings.TrimRightFunc(s, func(r rune) bool { return r == '(' || r == '[' || isSeparator(r) || isSpace(r) })
}

// afterTitle gives what stands between a title and its link.
func (d *document) afterTitle(f *draft) []piece {
	ps := d.at(f.lead)
	text := joinPieces(ps)
	i := strings.Index(text, f.named)
	if i < 0 {
		return nil
	}
	out := cutPieces(ps, i+len(f.named))
	for len(out) > 0 {
		last := &out[len(out)-1]
		last.text = strings.TrimRight(last.text, "[( ")
		if last.text != "" {
			break
		}
		out = out[:len(out)-1]
	}
	return out
}

// dropLinkGroups drops the brackets that hold nothing but further links: "([Demo](…), [Source](…))".
func (d *document) dropLinkGroups(ps []piece) []piece {
	var out []piece
	for i := 0; i < len(ps); i++ {
		p := ps[i]
		open := strings.LastIndexAny(p.text, "([")
		if p.kind != textPiece || p.link > 0 || open < 0 || strings.TrimSpace(p.text[open+1:]) != "" {
			if out != nil {
				out = append(out, p)
			}
			continue
		}
		end := d.groupEnd(ps, i+1)
		if end < 0 {
			if out != nil {
				out = append(out, p)
			}
			continue
		}
		if out == nil {
			out = append(make([]piece, 0, len(ps)), ps[:i]...)
		}
		p.text = strings.TrimRight(p.text[:open], " ")
		out = append(out, p)
		tail := ps[end]
		tail.text = tail.text[strings.IndexAny(tail.text, ")]")+1:]
		out = append(out, tail)
		i = end
	}
	if out == nil {
		return ps
	}
	return out
}

// groupEnd finds the piece that closes a bracket, where only further links stand before it.
func (d *document) groupEnd(ps []piece, from int) int {
	links := 0
	for i := from; i < len(ps); i++ {
		p := &ps[i]
		switch {
		case p.link > 0:
			if d.links[p.link-1].verdict.rule != ruleFurther {
				return -1
			}
			links++
		case p.kind != textPiece:
		case strings.ContainsAny(p.text, "(["):
			return -1
		case strings.ContainsAny(p.text, ")]"):
			at := strings.IndexAny(p.text, ")]")
			if hasWord(p.text[:at]) || links == 0 {
				return -1
			}
			return i
		case hasWord(p.text):
			return -1
		}
	}
	return -1
}

// unquote drops the quotation marks around a quotation, and the separator after it.
func unquote(ps []piece) []piece {
	ps = trimPieces(ps)
	for len(ps) > 0 && ps[len(ps)-1].kind != textPiece {
		ps = ps[:len(ps)-1]
	}
	if len(ps) == 0 {
		return nil
	}
	out := append([]piece(nil), ps...)
	first, last := &out[0], &out[len(out)-1]
	last.text = strings.TrimRightFunc(last.text, func(r rune) bool { return isSeparator(r) || isSpace(r) })
	if r, n := utf8.DecodeRuneInString(first.text); strings.ContainsRune(openQuotes, r) && n > 0 {
		if z, m := utf8.DecodeLastRuneInString(last.text); strings.ContainsRune(closeQuotes, z) && len(last.text) >= m {
			if len(out) > 1 || len(last.text) >= n+m {
				last.text = last.text[:len(last.text)-m]
				first.text = first.text[n:]
			}
		}
	}
	return out
}

// trimPieces drops the marks at both ends of a text that only set it off from its link.
func trimPieces(ps []piece) []piece {
	for len(ps) > 0 {
		p := ps[0]
		if p.kind == textPiece && p.link == 0 {
			n := trimSeparators(p.text)
			if n < len(p.text) {
				if n > 0 {
					out := append([]piece(nil), ps...)
					out[0].text = p.text[n:]
					return trimEnd(out)
				}
				break
			}
		} else if p.kind == textPiece {
			break
		}
		ps = ps[1:]
	}
	return trimEnd(ps)
}

func trimEnd(ps []piece) []piece {
	for n := len(ps); n > 0; n-- {
		p := &ps[n-1]
		if p.kind == textPiece && strings.TrimFunc(p.text, unicode.IsSpace) != "" {
			return ps[:n]
		}
	}
	return nil
}
