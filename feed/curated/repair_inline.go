package curated

import (
	"bytes"
	"unicode/utf8"
)

// inlineFaults says which faults inside of lines a document has at all; most have none.
type inlineFaults struct {
	gaps  bool                // "[text] (https://…)"
	wide  bool                // an address right after a character of twice the width, as Chinese and Japanese have
	notes map[string]struct{} // the names of footnotes
}

// findFaults looks through a document.
func findFaults(src []byte) (f inlineFaults) {
	f.gaps = bytes.Contains(src, []byte("] (http"))
	for _, lead := range [...]string{"\xe3\x80", "\xef\xbc"} { // of 、（： and the like
		f.wide = f.wide || bytes.Contains(src, []byte(lead))
	}
	for {
		i := bytes.Index(src, []byte("[^"))
		if i < 0 {
			return f
		}
		src = src[i:]
		if name := noteName(src); name != "" && bytes.HasPrefix(src[len(name):], []byte(":")) {
			if f.notes == nil {
				f.notes = make(map[string]struct{})
			}
			f.notes[name] = struct{}{}
		}
		src = src[2:]
	}
}

// noteName gives the mark of a footnote, "[^name]", that a text begins with.
func noteName(text []byte) string {
	end := bytes.IndexByte(text[:min(len(text), 64)], ']')
	if end < 3 || bytes.ContainsAny(text[:end], " \t\n") {
		return ""
	}
	return string(text[:end+1])
}

// has reports whether a line may have a fault.
func (f *inlineFaults) has(line []byte) bool {
	return bytes.IndexByte(line, '{') >= 0 ||
		f.gaps && bytes.Contains(line, []byte("] (http")) ||
		f.notes != nil && bytes.Contains(line, []byte("[^")) ||
		f.wide && bytes.Contains(line, []byte("http"))
}

// lineRepair mends the inside of one line: code spans stay, and so do addresses.
type lineRepair struct {
	*inlineFaults
	line    []byte
	out     []byte
	code    bool // in a code span
	address bool // in the address of a link, a tag or an attribute
	braces  bool // there may be a closing brace
	open    []int
}

// inside mends the inside of a line.
func (f *inlineFaults) inside(line []byte) []byte {
	if !f.has(line) {
		return line
	}
	r := lineRepair{inlineFaults: f, line: line, out: make([]byte, 0, len(line)+8), braces: true}
	for i := 0; i < len(line); {
		if c := line[i]; c == '`' {
			r.code = !r.code
			for ; i < len(line) && line[i] == '`'; i++ {
				r.out = append(r.out, '`')
			}
		} else if r.code || c == '\\' && i+1 < len(line) {
			n := 1
			if !r.code {
				n = 2
			}
			r.out = append(r.out, line[i:i+n]...)
			i += n
		} else {
			i += r.take(i)
		}
	}
	return r.out
}

// take mends what begins at an offset, and gives the bytes it took.
func (r *lineRepair) take(i int) int {
	c, rest := r.line[i], r.line[i:]
	switch c {
	case ' ', '\t', ')', '>':
		r.address = false
	case '<', '"':
		r.address = true
	case '(':
		r.address = r.address || i > 0 && r.line[i-1] == ']'
	case ':':
		r.address = r.address || bytes.HasPrefix(rest, []byte("://"))
	case '[':
		if name := r.note(rest); name > 0 {
			return name
		}
		r.open = append(r.open, i)
	case ']':
		if r.gap(i) {
			r.out = append(r.out, ']')
			return len("] ")
		}
	case '{':
		if n := r.attributes(i); n > 0 {
			return n
		}
	case 'h':
		if r.wide && !r.address && len(r.open) == 0 && i > 0 && r.line[i-1] >= utf8.RuneSelf && isAddress(rest) {
			if last, _ := utf8.DecodeLastRune(r.line[:i]); last >= '\u2e80' {
				r.out = append(r.out, ' ')
			}
		}
	}
	r.out = append(r.out, c)
	return 1
}

func isAddress(text []byte) bool {
	return bytes.HasPrefix(text, []byte("http://")) || bytes.HasPrefix(text, []byte("https://"))
}

// note gives the length of a footnote's mark, which GitHub sets as a small number.
func (r *lineRepair) note(rest []byte) int {
	if r.notes == nil || len(rest) < 2 || rest[1] != '^' {
		return 0
	}
	name := noteName(rest)
	if _, ok := r.notes[name]; !ok {
		return 0
	}
	return len(name)
}

// gap reports a closing bracket of "[text] (https://…)". GitHub read that as a link until 2017. A task's box is none, nor is
// the label of a reference.
func (r *lineRepair) gap(i int) bool {
	n := len(r.open)
	if n == 0 {
		return false
	}
	open := r.open[n-1]
	r.open = r.open[:n-1]
	rest := r.line[i+1:]
	if !bytes.HasPrefix(rest, []byte(" (")) || !isAddress(rest[2:]) || i-open < 2 || open > 0 && r.line[open-1] == ']' {
		return false
	}
	if box := r.line[open+1]; i-open == 2 && (box == ' ' || box == 'x' || box == 'X') {
		return false
	}
	end := bytes.IndexAny(rest[2:], " \t\n)")
	return end >= 0 && rest[2+end] == ')'
}

// generatorTags are what the generators Hugo and Jekyll carry out and take out of a page.
var generatorTags = [...]struct{ open, end []byte }{
	{[]byte("{{<"), []byte(">}}")},
	{[]byte("{{%"), []byte("%}}")},
	{[]byte("{%"), []byte("%}")},
}

// attributes gives the length of what no reader of the page sees: a shortcode, or the attributes that kramdown and others
// know after a link, at the end of a line, or on a line of their own.
func (r *lineRepair) attributes(i int) int {
	rest := r.line[i:]
	if !r.braces || r.address {
		return 0
	}
	for _, t := range generatorTags {
		if bytes.HasPrefix(rest, t.open) {
			end := bytes.Index(rest, t.end)
			if r.braces = end > 0; !r.braces {
				return 0
			}
			return end + len(t.end)
		}
	}
	end := 1 + bytes.IndexAny(rest[1:], "{}")
	if r.braces = end > 0; !r.braces || rest[end] == '{' {
		return 0
	}
	inner := rest[1:end]
	text := bytes.TrimLeft(inner, ": ")
	if len(text) < 2 {
		return 0
	}
	behind := i > 0 && bytes.IndexByte([]byte(")]>*_"), r.line[i-1]) >= 0
	last := isBlank(rest[end+1:])
	key, _, assigned := bytes.Cut(text, []byte("="))
	var is bool
	switch {
	case text[0] == '.' || text[0] == '#':
		is = (behind || last) && isName(text[1:2])
	case assigned:
		is = (behind || last && inner[0] == ':') && isName(key)
	default:
		is = last && inner[0] == ':' && string(text) == "toc"
	}
	if !is {
		return 0
	}
	return end + 1
}

// isName reports whether a text is the name of an attribute.
func isName(text []byte) bool {
	for _, c := range text {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if c != '-' && c != '_' {
				return false
			}
		}
	}
	return len(text) > 0
}
