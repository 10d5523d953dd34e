package curated

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// What exceeds these bounds would take goldmark too long, and no list has it; see also bounds.go.
const (
	maxNesting = 32             // quotes and lists that one line opens in each other
	maxIndent  = 4 * maxNesting // bytes before the bullet of a line
	maxMargin  = 2 * maxIndent  // bytes before the text of any line
	maxEmpty   = 4 * maxNesting // empty lines one after the other
)

// prepared is a source as goldmark can read it in linear time, with the lines of the original.
type prepared struct {
	out    []byte
	breaks []int  // offsets of the line ends in out that the source does not have
	title  string // from the front matter
}

// prepare repairs a source: UTF-8 is made valid, line ends become \n, front matter and the markers of a merge conflict
// become empty lines, broken Markdown is mended, and what is nested too deep is taken apart.
func prepare(src []byte) *prepared {
	src = validBytes(unixLines(src))
	p := &prepared{out: make([]byte, 0, len(src)+len(src)/64+64)}
	body := p.front(src)
	fix := repairer{prepared: p, inlineFaults: findFaults(body), rest: body}
	fix.lines(body)
	return p
}

// unixLines drops the byte order mark, and makes line ends \n.
func unixLines(src []byte) []byte {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	if bytes.IndexByte(src, '\r') >= 0 {
		src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
		src = bytes.ReplaceAll(src, []byte("\r"), []byte("\n"))
	}
	return src
}

// validBytes makes bytes valid UTF-8 without NUL. What it makes of a line depends on no other.
func validBytes(src []byte) []byte {
	if !utf8.Valid(src) {
		src = bytes.ToValidUTF8(src, []byte("\uFFFD"))
	}
	if bytes.IndexByte(src, 0) >= 0 {
		src = bytes.ReplaceAll(src, []byte{0}, []byte("\uFFFD"))
	}
	return src
}

// front takes the front matter, and gives what follows it.
func (p *prepared) front(src []byte) (body []byte) {
	front := frontMatter(src)
	for line := range bytes.Lines(front) {
		if t := frontTitle(string(line)); t != "" && p.title == "" {
			p.title = t
		}
		p.out = append(p.out, '\n')
	}
	return src[len(front):]
}

// lines mends the lines of a source.
func (r *repairer) lines(src []byte) {
	for line := range bytes.Lines(src) {
		r.next(line)
	}
}

// next mends the next line.
func (r *repairer) next(line []byte) {
	line = r.mend(line)
	if r.empty++; !isBlank(line) {
		r.empty = 0
	}
	switch {
	case r.empty > maxEmpty:
		// Each would be held against all the lists that are open: they end.
		r.out = append(r.out, "***\n"...)
		r.empty = 0
	case bytes.HasPrefix(line, []byte("<<<<<<< ")):
		r.conflict = true
		r.out = append(r.out, '\n')
	case r.conflict && bytes.HasPrefix(line, []byte("=======")):
		r.out = append(r.out, '\n')
	case r.conflict && bytes.HasPrefix(line, []byte(">>>>>>> ")):
		r.conflict = false
		r.out = append(r.out, '\n')
	default:
		r.line(line)
	}
}

// frontMatter finds the lines from "---" to "---" (YAML) or "+++" to "+++" (TOML) at the head of a document.
func frontMatter(src []byte) []byte {
	if !bytes.HasPrefix(src, []byte("---\n")) && !bytes.HasPrefix(src, []byte("+++\n")) {
		return nil
	}
	fence, n := src[:3], 0
	for line := range bytes.Lines(src) {
		n += len(line)
		switch {
		case n == 4:
		case bytes.Equal(bytes.TrimRight(line, " \t\n"), fence):
			return src[:n]
		// A rule above a paragraph is no front matter: that has a key on its first line.
		case n == 4+len(line) && !bytes.ContainsAny(line, ":=#"):
			return nil
		}
	}
	return nil
}

// frontTitle reads a line such as `title: "External resources"`.
func frontTitle(line string) string {
	rest, ok := strings.CutPrefix(line, "title")
	rest = strings.TrimSpace(rest)
	if !ok || rest == "" || rest[0] != ':' && rest[0] != '=' {
		return ""
	}
	return foldSpace(strings.Trim(strings.TrimSpace(rest[1:]), `"'`))
}

// line appends a line; one that opens too many quotes and lists, or begins too far to the right, becomes a bullet.
func (p *prepared) line(line []byte) {
	i, depth := 0, 0
	for i < len(line) {
		n := itemMarker(line[i:])
		if line[i] == '>' {
			n = 1
		}
		if n > 0 {
			depth++
		} else if n = 1; line[i] != ' ' && line[i] != '\t' {
			break
		}
		i += n
	}
	if depth > maxNesting || depth > 0 && i > maxIndent || i > maxMargin {
		p.out = append(p.out, "- "...)
		line = line[i:]
	}
	p.out = append(p.out, line...)
}
