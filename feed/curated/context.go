package curated

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// label is the text of a link.
func (d *document) label(i int) string { return d.plain(d.links[i].pieces) }

// lead is the text of an item before a link.
func (d *document) lead(it *item, i int) string {
	return d.plain(span{it.head.from, d.links[i].pieces.from})
}

// plainOutside is the text of an item that belongs to no link.
func (d *document) plainOutside(it *item) string {
	var b strings.Builder
	for _, p := range d.at(it.head) {
		if p.link == 0 && p.kind == textPiece && p.style&small == 0 {
			b.WriteString(p.text)
		}
	}
	return foldSpace(b.String())
}

// firstLink gives the first link of a span that could be an entry, or -1.
func (d *document) firstLink(s span) int {
	for _, p := range d.at(s) {
		if p.link > 0 && p.kind == textPiece && d.links[p.link-1].leadsOut() {
			return int(p.link - 1)
		}
	}
	return -1
}

// beginsWithLink reports whether a line has nothing but marks before its first link.
func (d *document) beginsWithLink(s span) bool {
	for _, p := range d.at(s) {
		switch {
		case p.kind == softBreak || p.kind == hardBreak:
			return false
		case p.kind != textPiece:
		case p.link > 0 && hasWord(p.text):
			return d.links[p.link-1].leadsOut()
		case hasWord(p.text):
			return false
		}
	}
	return false
}

// beginsBold reports whether a line's first words are bold.
func (d *document) beginsBold(s span) bool {
	for _, p := range d.at(s) {
		if p.kind == textPiece && hasWord(p.text) {
			return p.style&bold != 0
		}
	}
	return false
}

// separated reports whether what follows a link says something of it, and does not go on with a sentence.
func (d *document) separated(i, to int) bool {
	for j := d.links[i].pieces.to; j < to; j++ {
		p := &d.pieces[j]
		switch {
		case p.kind == hardBreak, p.kind == softBreak && d.pieces[j-1].style&bold != 0:
			return true
		case p.kind != textPiece || p.style&small != 0 || strings.TrimFunc(p.text, isSpace) == "":
			continue
		}
		t := strings.TrimLeftFunc(p.text, isSpace)
		r, n := utf8.DecodeRuneInString(t)
		switch {
		case r == ',' && strings.HasPrefix(t, ", by "):
			return true
		case r == ',' || r == ';':
			return countWords(d.plain(span{j, to})) <= 12
		case r == '.' || r == '!' || r == '?':
			return len(t) == n || isSpace(rune(t[n]))
		case isSeparator(r) || r == '(' || r == '[':
			return true
		case isLetterOrDigit(r):
			return strings.HasPrefix(t, "by ") || strings.HasPrefix(t, "on ") && countWords(d.plain(span{j, to})) <= 8
		}
	}
	return true
}

// between is the text from one link to the next.
func (d *document) between(a, b int) string {
	return d.plain(span{d.links[a].pieces.to, d.links[b].pieces.from})
}

// adjacent reports whether nothing stands between two links.
func (d *document) adjacent(a, b int) bool { return strings.Trim(d.between(a, b), "[]() ") == "" }

// equals reports whether two links stand side by side as equals: "[a](…), [b](…)", "[a](…) and [b](…)".
func (d *document) equals(a, b int) bool {
	if isGeneric(d.label(b)) || d.links[b].auto {
		return false
	}
	switch strings.ToLower(d.between(a, b)) {
	case ",", "，", "/", "&", "+", "and", ", and", "or", "y", "e", "et", "und", "en", "och", "и", "、", "和", "与":
		return true
	}
	return false
}

// standsAlone reports whether a link stands beside the text and not in it: in brackets, after a separator, or by a name
// such as "slides".
func (d *document) standsAlone(i int) bool {
	if isGeneric(d.label(i)) {
		return true
	}
	j := d.links[i].pieces.from - 1
	if j < 0 {
		return false
	}
	before := strings.TrimRightFunc(d.pieces[j].text, isSpace)
	r, _ := utf8.DecodeLastRuneInString(before)
	return r == '(' || r == '[' || r == '|' || r == '/' || r == '·'
}

// isNote reports whether an item is a remark: it says so, or all of it is italic.
func (d *document) isNote(it *item, lead string) bool {
	word, _, ok := strings.Cut(lead, ":")
	if ok {
		switch foldTitle(word) {
		case "note", "notes", "nb", "editor note", "editors note", "warning", "disclaimer", "please note", "important":
			return true
		}
	}
	if !hasWord(lead) {
		return false
	}
	for _, p := range d.at(it.head) {
		if p.kind == textPiece && p.style&italic == 0 && hasWord(p.text) {
			return false
		}
	}
	return true
}

// isQuotation reports whether the text before a link is in quotation marks: "…" - [who](…).
func isQuotation(lead string) bool {
	r, _ := utf8.DecodeRuneInString(lead)
	if !strings.ContainsRune(openQuotes, r) {
		return false
	}
	t := strings.TrimRightFunc(lead, func(r rune) bool { return isSeparator(r) || isSpace(r) || r == '~' })
	r, _ = utf8.DecodeLastRuneInString(t)
	return strings.ContainsRune(closeQuotes, r) && len(t) < len(lead)
}

const (
	openQuotes  = "\"“”„«»'‘「『"
	closeQuotes = "\"”“»«'’」』"
)

// isTitle reports whether the text before a link such as "[pdf]" names it, and is not a sentence that leads up to it.
func isTitle(lead string) bool {
	lead = strings.TrimRightFunc(lead, func(r rune) bool { return strings.ContainsRune("([{ ", r) || isSpace(r) })
	n := len(strings.FieldsFunc(lead, func(r rune) bool { return !isLetterOrDigit(r) }))
	return n > 0 && n <= 50 && !runsOn(lead)
}

// runsOn reports whether the last word of a text belongs to what follows it: "such as", "with the".
func runsOn(s string) bool {
	s = strings.TrimRightFunc(s, isSpace)
	return joiningWords[strings.ToLower(s[len(strings.TrimRightFunc(s, isLetterOrDigit)):])]
}

// describes reports whether the text before a link names its resource already and goes on to describe it: "Name - a wrapper
// of". The link then stands in running prose.
func describes(lead string) bool {
	words := strings.Fields(strings.ToLower(lead))
	if len(words) > 0 {
		switch words[len(words)-1] {
		case "our", "your":
			return true
		}
	}
	for _, sep := range [...]string{" - ", " – ", " — "} {
		if name, text, ok := strings.Cut(lead, sep); ok && hasWord(name) && countWords(text) > 1 {
			r, _ := utf8.DecodeLastRuneInString(text)
			return unicode.IsLetter(r)
		}
	}
	return false
}

// isBracketed reports a label such as "[Paper-2014]": a tag of what is named before it.
func isBracketed(label string) bool {
	return strings.HasPrefix(label, "[") && strings.HasSuffix(label, "]")
}

// isAttributeOf reports whether the words before a link name a quality of the entry above: "Host: Ann", "Demo: ".
func isAttributeOf(lead string) bool {
	name, _, ok := strings.Cut(lead, ":")
	if !ok {
		name, _, ok = strings.Cut(lead, "：")
	}
	if !ok {
		return false
	}
	f := foldTitle(name)
	return attributes[f] || isGeneric(f)
}

// labelled reports whether an item begins with a bold label: "**Author**: …".
func (d *document) labelled(it *item, lead string) bool {
	lead = strings.TrimSpace(lead)
	return d.beginsBold(it.head) && (strings.HasSuffix(lead, ":") || strings.Contains(lead, ": ")) && !d.boldThrough(it.head)
}

// boldThrough reports whether all words of a span are bold.
func (d *document) boldThrough(s span) bool {
	for _, p := range d.at(s) {
		if p.kind == textPiece && p.style&bold == 0 && hasWord(p.text) {
			return false
		}
	}
	return true
}

// endsInWord reports whether a text runs on into the link after it.
func endsInWord(lead string) bool {
	r, _ := utf8.DecodeLastRuneInString(strings.TrimRightFunc(lead, isSpace))
	return isLetterOrDigit(r)
}

// isNavigation reports whether an item is nothing but links with marks between them: "Site | Docs | Chat".
func (d *document) isNavigation(it *item, cand []int) bool {
	return !hasWord(d.plainOutside(it)) && strings.ContainsAny(d.between(cand[0], cand[1]), "|•·/–—-")
}

// isIntro reports whether the reading stands above the first section.
func (d *document) isIntro() bool {
	return len(d.stack) == 0 || len(d.stack) == 1 && d.stack[0].level == 2
}

// areEqual reports whether links stand side by side in an item of nothing else, and none says only what kind of page it
// leads to. Two with a bar between them may be a thing and its other place.
func (d *document) areEqual(it *item, cand []int) bool {
	if outside := d.plainOutside(it); hasWord(outside) || strings.ContainsAny(outside, "[(") {
		return false
	}
	for n, i := range cand {
		if isPlace(d.label(i)) || n > 0 && !d.equals(cand[n-1], i) && (len(cand) < 3 || !isBar(d.between(cand[n-1], i))) {
			return false
		}
	}
	return true
}

func isBar(s string) bool { return s == "|" || s == "•" || s == "·" }

// isReference reports whether a line begins with its number: "[12]", "12.", "(12)".
func isReference(lead string) bool {
	digits := strings.TrimLeft(lead, "[(")
	rest := strings.TrimLeft(digits, "0123456789")
	return len(rest) < len(digits) && rest != "" && strings.IndexByte("])., ", rest[0]) >= 0 && (len(digits) < len(lead) || rest[0] == '.')
}

// arePlaces reports whether all that follows a name are places where to find it: "Name - [Apple](…), [Web](…)".
func (d *document) arePlaces(it *item, cand []int, lead string) bool {
	if len(cand) < 2 || strings.HasSuffix(lead, ":") || strings.HasSuffix(lead, "：") || countWords(lead) > maxLead ||
		hasWord(d.plain(span{d.links[cand[len(cand)-1]].pieces.to, it.head.to})) {
		return false
	}
	for n, i := range cand {
		if label := d.label(i); countWords(label) > 2 || n > 0 && hasWord(d.between(cand[n-1], i)) {
			return false
		}
	}
	generic := 0
	for _, i := range cand {
		if isGeneric(d.label(i)) {
			generic++
		}
	}
	return generic > 0
}

// allRelative reports whether links stay on the site of the list.
func (d *document) allRelative(links []int) bool {
	for _, i := range links {
		if hasScheme(d.links[i].url) {
			return false
		}
	}
	return true
}
