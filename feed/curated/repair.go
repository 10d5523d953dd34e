package curated

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// repairer mends, line by line, what hand-written lists get wrong and what anyone who reads the source still understands.
// CommonMark reads such lines as text, code or HTML, and the entries in them would be lost.
type repairer struct {
	*prepared
	inlineFaults
	rest []byte // what follows the line in hand
	mending
}

// mending is what mending carries from one line to the next. It is compared as a whole: see part.
type mending struct {
	above lineKind   // the line above
	cols  int        // the columns of the line above, where it can be the header of a table
	items []listItem // the list items that the line may stand in, outermost first
	fence []byte     // the marks that began the fenced code block the line stands in
	empty int        // how many empty lines there were in a row

	// What the line stands in.
	code     bool // an indented code block
	comment  bool // an HTML comment
	html     bool // a block of raw HTML, which goes on until an empty line
	cells    bool // an HTML table
	footnote bool // the text of a footnote
	conflict bool // one side of a merge conflict
}

// clone gives a copy that mending more lines does not change.
func (m mending) clone() mending {
	m.items = slices.Clone(m.items)
	return m
}

// lineKind is what a line begins.
type lineKind uint8

const (
	emptyLine lineKind = iota
	textLine
	headingLine
	bulletLine
	linkedLine // a bullet that begins with a link
	definitionLine
	noteLine // the text of a footnote
	rowLine
	tagLine // begins with a tag or a comment, and ends with one
)

// mend gives a line as it was meant.
func (r *repairer) mend(line []byte) []byte {
	r.rest = r.rest[len(line):]
	column, at := indentation(0, line)
	body := line[at:]
	if isBlank(body) {
		r.above, r.html, r.footnote, r.cols = emptyLine, false, false, 0
		return line
	}
	if r.fence == nil && r.commented(body) || r.fenced(body) {
		r.above = textLine
		return r.placeCode(line, column, at)
	}
	line = r.delimiter(line, body)
	line, kind := r.begin(line, at)
	if r.footnote = kind == noteLine || kind == textLine && r.footnote; r.footnote {
		r.above = emptyLine
		return []byte{'\n'}
	}
	line, kind = r.place(line, column, at, kind)
	if r.html && r.endsHTML(kind, line) {
		r.breakLine()
	}
	r.above = kind
	if r.code {
		return line
	}
	mended := r.inside(line)
	if isBlank(mended) {
		if r.html {
			return line // an empty line would end the block
		}
		r.above = emptyLine
		return []byte{'\n'}
	}
	return mended
}

// begin says what a line begins, and mends its beginning.
func (r *repairer) begin(line []byte, at int) ([]byte, lineKind) {
	body := line[at:]
	switch c := body[0]; {
	case c == '#':
		return r.heading(line, at)
	case c == '<':
		return line, r.tag(body)
	case c == '|':
		return line, rowLine
	case c == '[' && isDefinition(body):
		if body[1] == '^' && at < codeIndent {
			return line, noteLine
		}
		return line, definitionLine
	case c == '[' && r.isEntry(body, at):
		return splice(line, 0, 0, "- "), linkedLine
	case c == '[' && at < codeIndent && r.lacksColon(body):
		end := at + bytes.IndexByte(body, ']') + 1
		return splice(line, end, end, ":"), definitionLine
	case lacksSpace(body):
		return splice(line, at+1, at+1, " "), linkedLine
	}
	if n := numberLen(body); n > 0 && n+1 < len(body) && body[n] == '[' && body[n+1] != ']' && body[n+1] != ' ' {
		return splice(line, at+n, at+n, " "), linkedLine
	}
	n := itemMarker(body)
	if n == 0 {
		return line, textLine
	}
	text := bytes.TrimLeft(body[n:], " \t")
	if len(text) > 4 && text[0] == '[' && text[1]|0x20 == 'x' && string(text[2:4]) == "](" {
		at = len(line) - len(text) + 1
		return splice(line, at, at, " "), linkedLine // else a task's box
	}
	if len(text) > 0 && !r.fenced(text) && beginsLinked(text) {
		return line, linkedLine
	}
	return line, bulletLine
}

// breakLine puts an empty line above the line in hand.
func (r *repairer) breakLine() {
	r.breaks = append(r.breaks, len(r.out))
	r.out = append(r.out, '\n')
	r.above, r.html = emptyLine, false
}

// splice replaces a range of a line.
func splice(line []byte, from, to int, with string) []byte {
	out := make([]byte, 0, len(line)+len(with))
	return append(append(append(out, line[:from]...), with...), line[to:]...)
}

// indentation gives the column of the first byte that is no white space, and its offset, for text that begins in a column;
// tab stops are 4 columns apart.
func indentation(from int, line []byte) (column, at int) {
	column = from
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

// isBlank reports whether a line, or what is left of one, holds nothing but white space.
func isBlank(line []byte) bool {
	return len(line) == 0 || line[0] <= ' ' && len(bytes.TrimLeft(line, " \t\n")) == 0
}

// commented reports whether a line belongs to an HTML comment of several lines.
func (r *repairer) commented(body []byte) bool {
	if r.comment {
		r.comment = !bytes.Contains(body, []byte("-->"))
		return true
	}
	r.comment = bytes.HasPrefix(body, []byte("<!--")) && !bytes.Contains(body, []byte("-->"))
	return r.comment
}

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

// itemMarker gives the length of the bullet or number that a line begins with, 0 where there is none.
func itemMarker(body []byte) int {
	n := 1
	if !isBullet(body[0]) {
		if n = numberLen(body); n == 0 {
			return 0
		}
	}
	if n < len(body) && body[n] != ' ' && body[n] != '\t' && body[n] != '\n' {
		return 0
	}
	return n
}

func isBullet(c byte) bool { return c == '-' || c == '*' || c == '+' }

// numberLen gives the length of a list number, "12." or "12)", at the head of a text, or 0.
func numberLen(s []byte) int {
	n := 0
	for n < len(s) && n < 9 && isDigit(s[n]) {
		n++
	}
	if n == 0 || n == len(s) || s[n] != '.' && s[n] != ')' {
		return 0
	}
	return n + 1
}

// tag takes a line that begins with a tag. A block of HTML goes on until an empty line (CommonMark 0.31, section 4.6).
func (r *repairer) tag(line []byte) lineKind {
	if bytes.Contains(line, []byte("</table")) {
		r.cells = false
	} else if bytes.HasPrefix(line, []byte("<table")) {
		r.cells = true
	}
	if line = bytes.TrimRight(line, " \t\n"); line[len(line)-1] != '>' {
		return textLine
	}
	r.html = true
	return tagLine
}

// endsHTML reports a line that stands in a block of HTML and was meant as Markdown: one right below a tag such as
// <a name="part"></a> or </summary>. In the cells of a table it stays text.
func (r *repairer) endsHTML(kind lineKind, line []byte) bool {
	switch kind {
	case headingLine:
		r.cells = false
		return true
	case bulletLine, linkedLine, rowLine:
		return !r.cells && (r.above == tagLine || bytes.Contains(line, []byte("](")))
	}
	return false
}

// delimiter gives the line below the header of a table as many columns as the header has; else nobody would see a table
// (GitHub Flavored Markdown 0.29, section 4.10).
func (r *repairer) delimiter(line, body []byte) []byte {
	above := r.cols
	if r.cols = 0; bytes.IndexByte(body, '|') < 0 {
		return line
	}
	if r.cols = tableColumns(body); above < 2 || above > maxColumns || !isDelimiter(body) {
		return line
	}
	if tableColumns(body) == above && !bytes.Contains(body, []byte("||")) {
		return line
	}
	return splice(line, len(line)-len(body), len(line), "|"+strings.Repeat("---|", above)+"\n")
}

// isDelimiter reports a line such as "|---|:--:|".
func isDelimiter(body []byte) bool {
	return (body[0] == '|' || body[0] == ':' || body[0] == '-') && len(bytes.Trim(body, "|:- \t\n")) == 0 && bytes.IndexByte(body, '-') >= 0
}

// tableColumns counts the cells of a table row.
func tableColumns(row []byte) int {
	row = bytes.TrimPrefix(bytes.TrimRight(row, " \t\n"), []byte("|"))
	n := bytes.Count(row, []byte("|")) - bytes.Count(row, []byte(`\|`)) + 1
	if bytes.HasSuffix(row, []byte("|")) && !bytes.HasSuffix(row, []byte(`\|`)) {
		n--
	}
	return n
}

// isDefinition reports the definition of a reference, "[label]: address".
func isDefinition(body []byte) bool {
	end := bytes.IndexByte(body, ']')
	return end > 1 && end+1 < len(body) && body[end+1] == ':'
}

// lacksColon reports "[label] https://…" above or below the definition of a reference.
func (r *repairer) lacksColon(body []byte) bool {
	end := bytes.IndexByte(body, ']')
	address := bytes.TrimSpace(body[end+1:])
	if end < 2 || body[1] == '^' || !bytes.HasPrefix(address, []byte("http")) || bytes.ContainsAny(address, " \t") {
		return false
	}
	return r.above == definitionLine ||
		r.above == emptyLine && len(r.rest) > 0 && r.rest[0] == '[' && isDefinition(r.rest[:lineLen(r.rest)])
}

func lineLen(src []byte) int {
	if n := bytes.IndexByte(src, '\n'); n >= 0 {
		return n + 1
	}
	return len(src)
}

// isEntry reports "[text](address) - text" right below a bullet of that shape: one that lacks its bullet. A wrapped line
// that happens to begin with a link has no separator after it.
func (r *repairer) isEntry(body []byte, at int) bool {
	if r.above != linkedLine || at > 0 {
		return false
	}
	end := linkEnd(body)
	if end < 0 {
		return false
	}
	for _, sep := range [...]string{" - ", " – ", " — ", ": "} {
		if bytes.HasPrefix(body[end:], []byte(sep)) {
			return true
		}
	}
	return false
}

// linkEnd gives the offset behind the inline link that a text begins with, or -1.
func linkEnd(text []byte) int {
	at := bytes.Index(text, []byte("]("))
	if at < 0 {
		return -1
	}
	depth := 0
	for i, c := range text[at+1:] {
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return at + i + 2
			}
		case ' ':
			return -1
		}
	}
	return -1
}
