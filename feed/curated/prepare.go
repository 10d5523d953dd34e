package curated

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// goldmark takes time quadratic in some things that no list has. What exceeds these bounds is read as text.
const (
	maxNesting  = 32   // quotes and lists in each other
	maxOpen     = 64   // brackets of a line that are never closed
	maxLinks    = 256  // links of a line
	maxColumns  = 64   // columns of a table
	maxDefs     = 200  // reference definitions without an empty line
	boundedLine = 1024 // lines shorter than this are not looked at for the above
)

// prepared is a source as goldmark can read it in linear time, with the lines of the original.
type prepared struct {
	out    []byte
	breaks []int  // offsets of the line ends in out that the source does not have
	title  string // from the front matter
}

// prepare repairs a source: UTF-8 is made valid, line ends become \n, front matter and the markers of a merge conflict
// become empty lines, broken Markdown is mended, and what would take goldmark too long is taken apart.
func prepare(src []byte) *prepared {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	if bytes.IndexByte(src, '\r') >= 0 {
		src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
		src = bytes.ReplaceAll(src, []byte("\r"), []byte("\n"))
	}
	if !utf8.Valid(src) {
		src = bytes.ToValidUTF8(src, []byte("\uFFFD"))
	}
	if bytes.IndexByte(src, 0) >= 0 {
		src = bytes.ReplaceAll(src, []byte{0}, []byte("\uFFFD"))
	}

	p := &prepared{out: make([]byte, 0, len(src)+len(src)/64+64)}
	front := frontMatter(src)
	for line := range bytes.Lines(front) {
		if t := frontTitle(string(line)); t != "" && p.title == "" {
			p.title = t
		}
		p.out = append(p.out, '\n')
	}
	conflict, defs := false, 0
	fix := newRepairer(p, src[len(front):])
	for line := range bytes.Lines(src[len(front):]) {
		line = fix.mend(line)
		switch {
		case bytes.HasPrefix(line, []byte("<<<<<<< ")):
			conflict = true
			p.out = append(p.out, '\n')
		case conflict && bytes.HasPrefix(line, []byte("=======")):
			p.out = append(p.out, '\n')
		case conflict && bytes.HasPrefix(line, []byte(">>>>>>> ")):
			conflict = false
			p.out = append(p.out, '\n')
		default:
			if defs++; line[0] != '[' || !bytes.Contains(line, []byte("]:")) {
				defs = 0
			} else if defs%maxDefs == 0 {
				p.breaks = append(p.breaks, len(p.out))
				p.out = append(p.out, '\n')
			}
			p.line(line)
		}
	}
	return p
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

// line appends a line, bounded.
func (p *prepared) line(line []byte) {
	i, depth := 0, 0
	for ; i < len(line); i++ {
		if isMarker(line, i) {
			depth++
		} else if line[i] != ' ' && line[i] != '\t' {
			break
		}
	}
	if depth > maxNesting || i > 8*maxNesting {
		p.out = append(p.out, "- "...)
		line = line[i:]
	}
	if len(line) > boundedLine || bytes.Count(line, []byte("|")) > maxColumns {
		line = bounded(line)
	}
	p.out = append(p.out, line...)
}

// isMarker reports whether a byte of a line opens a quote or a bullet.
func isMarker(line []byte, i int) bool {
	return line[i] == '>' || isBullet(line[i]) && i+1 < len(line) && (line[i+1] == ' ' || line[i+1] == '\t')
}

func isBullet(c byte) bool { return c == '-' || c == '*' || c == '+' }

// bounded takes the Markdown out of a line that has too much of it.
func bounded(line []byte) []byte {
	if bytes.Count(line, []byte("|")) > maxColumns && len(bytes.Trim(line, " \t\n|:->")) == 0 {
		line = bytes.ReplaceAll(line, []byte("|"), []byte(" "))
	}
	if bytes.Count(line, []byte("[")) > bytes.Count(line, []byte("]"))+maxOpen || bytes.Count(line, []byte("](")) > maxLinks {
		line = bytes.ReplaceAll(line, []byte("["), []byte("("))
	}
	return line
}
