package curated

import (
	"bytes"
	"strings"
)

// listItem is a list item that lines may still belong to, in the columns of the source.
type listItem struct {
	marker int // where its bullet stands
	text   int // where its text begins; what is indented so far belongs to it
	moved  int // how far its lines were moved to the left
}

// codeIndent is the indentation that makes code, or text of the paragraph above, of a bullet (CommonMark 0.31, section 4.4).
const codeIndent = 4

// place follows the list items as CommonMark does (section 5.2), and moves a bullet with a link that is indented so far that
// it would be no bullet: to its siblings, else to the children of the item that it stands in. What belongs to it follows.
func (r *repairer) place(line []byte, column, at int, kind lineKind) ([]byte, lineKind) {
	if r.code = r.code && column >= codeIndent; r.code {
		return line, textLine
	}
	n := len(r.items)
	for n > 0 && r.items[n-1].text > column {
		n--
	}
	base, moved := 0, 0
	if n > 0 {
		base, moved = r.items[n-1].text, r.items[n-1].moved
	}
	to := column - moved
	if n < len(r.items) && r.items[n].moved != moved {
		to = min(to, r.items[n].marker-r.items[n].moved)
	}
	if to-(base-moved) >= codeIndent {
		switch {
		case kind == linkedLine && n < len(r.items) && r.items[n].marker <= column:
			to = r.items[n].marker - r.items[n].moved
		case kind == linkedLine && n > 0:
			to = base - moved
		case kind == linkedLine && !r.cells && isIndentedList(line, r.rest):
			to = 0
		default:
			r.code = n == 0 && (kind == linkedLine || r.above == emptyLine || r.above == headingLine)
			kind = textLine
		}
	}
	switch {
	case kind == bulletLine || kind == linkedLine:
		r.items = append(r.items[:min(n, maxNesting)], listItem{marker: column, text: textColumn(column, line[at:]), moved: column - to})
	case kind == headingLine || r.above == emptyLine:
		r.items = r.items[:n]
	}
	return indent(line, at, column, to), kind
}

// placeCode moves a line of a fenced code block with the list item that it stands in.
func (r *repairer) placeCode(line []byte, column, at int) []byte {
	if n := len(r.items); n > 0 {
		return indent(line, at, column, max(column-r.items[n-1].moved, 0))
	}
	return line
}

// indent changes the indentation of a line, which is at bytes and column columns.
func indent(line []byte, at, column, to int) []byte {
	if to == column {
		return line
	}
	return splice(line, 0, at, strings.Repeat(" ", to))
}

// textColumn gives the column in which the text of a list item begins, by that of its bullet.
func textColumn(marker int, body []byte) int {
	n := itemMarker(body)
	column, at := indentation(marker+n, body[n:])
	if column > marker+n+codeIndent || isBlank(body[n+at:]) {
		return marker + n + 1
	}
	return column
}

// isIndentedList reports whether all lines of a block that is indented as code are bullets with links to the web.
func isIndentedList(first, rest []byte) bool {
	if !bytes.Contains(first, []byte("http")) {
		return false
	}
	for line := range bytes.Lines(rest) {
		column, at := indentation(0, line)
		body := line[at:]
		if isBlank(body) {
			continue
		}
		if column < codeIndent {
			return true
		}
		if n := itemMarker(body); n == 0 || !beginsLinked(body[n:]) || !bytes.Contains(body, []byte("http")) {
			return false
		}
	}
	return true
}

// beginsLinked reports whether the text of a bullet begins with a link.
func beginsLinked(text []byte) bool {
	text = bytes.TrimLeft(text, " \t*_~")
	switch {
	case len(text) == 0:
		return false
	case text[0] == '[':
		return bytes.Contains(text, []byte("](")) || bytes.Contains(text, []byte("]["))
	}
	return bytes.HasPrefix(text, []byte("<http")) || bytes.HasPrefix(text, []byte("http")) || bytes.HasPrefix(text, []byte("<a "))
}
