package curated

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// repairer mends, line by line, what hand-written lists get wrong and what anyone who reads the source still understands.
// CommonMark reads such lines as text, code or HTML, and the entries in them would be lost.
type repairer struct {
	*prepared
	above lineKind
	fence []byte // the marks that began the code block the line stands in
}

// lineKind is what a line begins.
type lineKind uint8

const (
	emptyLine lineKind = iota
	textLine
	headingLine
	bulletLine
)

// mend gives a line as it was meant.
func (r *repairer) mend(line []byte) []byte {
	_, at := indentation(line)
	body := line[at:]
	if isBlank(body) {
		r.above = emptyLine
		return line
	}
	if r.fenced(body) {
		r.above = textLine
		return line
	}
	kind := textLine
	switch {
	case body[0] == '#':
		line, kind = r.heading(line, at)
	case lacksSpace(body):
		line, kind = splice(line, at+1, at+1, " "), bulletLine
	}
	r.above = kind
	return line
}

// splice replaces a range of a line.
func splice(line []byte, from, to int, with string) []byte {
	out := make([]byte, 0, len(line)+len(with))
	return append(append(append(out, line[:from]...), with...), line[to:]...)
}

// indentation gives the column of the first byte that is no white space, and its offset; tab stops are 4 columns apart.
func indentation(line []byte) (column, at int) {
	for ; at < len(line); at++ {
		switch line[at] {
		case ' ':
			column++
		case '\t':
			column += 4 - column%4
		default:
			return column, at
		}
	}
	return column, at
}

// isBlank reports whether nothing is left of a line after its indentation.
func isBlank(body []byte) bool { return len(body) == 0 || body[0] == '\n' }

// fenced reports whether a line belongs to a fenced code block (CommonMark 0.31, section 4.5).
func (r *repairer) fenced(body []byte) bool {
	n := 0
	for n < len(body) && body[n] == body[0] && (body[0] == '`' || body[0] == '~') {
		n++
	}
	switch {
	case r.fence != nil:
		if n >= len(r.fence) && body[0] == r.fence[0] && len(bytes.TrimSpace(body[n:])) == 0 {
			r.fence = nil
		}
		return true
	case n >= 3 && (body[0] == '~' || bytes.IndexByte(body[n:], '`') < 0):
		r.fence = body[:n]
		return true
	}
	return false
}

// heading puts the space between the marks of a heading and its words, which GitHub asks for since 2017 only.
func (r *repairer) heading(line []byte, at int) ([]byte, lineKind) {
	n := at
	for n < len(line) && line[n] == '#' {
		n++
	}
	level, words := n-at, bytes.TrimRight(line[n:], " \t\n")
	switch {
	case at > 3 || level > 6:
		return line, textLine
	case len(words) == 0 || line[n] == ' ' || line[n] == '\t':
		return line, headingLine
	case !r.isHeading(level, words):
		return line, textLine
	}
	// "##Words##" was closed in the same manner.
	if end := bytes.TrimRight(words, "#"); len(words)-len(end) > 1 {
		line = splice(line, n+len(end), n+len(end), " ")
	}
	return splice(line, n, n, " "), headingLine
}

// isHeading reports whether words that follow # marks at once are a title; "#word" and "#1" in a paragraph are not.
func (r *repairer) isHeading(level int, words []byte) bool {
	if level > 1 {
		return hasLetter(words)
	}
	first, _ := utf8.DecodeRune(words)
	return r.above == emptyLine && unicode.IsLetter(first) && !unicode.IsLower(first) && bytes.IndexByte(words, '#') < 0
}

func hasLetter(s []byte) bool { return bytes.IndexFunc(s, unicode.IsLetter) >= 0 }

// lacksSpace reports a bullet that runs into its link, "-[text](…)"; "*[text](…)*" is emphasis.
func lacksSpace(line []byte) bool {
	if len(line) < 2 || !isBullet(line[0]) {
		return false
	}
	switch rest := line[1:]; {
	case rest[0] == '[':
		return line[0] == '-' || bytes.IndexByte(rest, line[0]) < 0
	case line[0] == '-':
		return bytes.HasPrefix(rest, []byte("**[")) || bytes.HasPrefix(rest, []byte("![")) || bytes.HasPrefix(rest, []byte("<a "))
	}
	return false
}
