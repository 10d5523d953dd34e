package curated

import (
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// quickTag reads raw tags by hand where goldmark does it with a regular expression, which takes up to a hundred times as
// long. What is no tag of one line it leaves to goldmark.
type quickTag struct{ parser.InlineParser }

func (q quickTag) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	line, at := block.PeekLine()
	n, sure := tagLen(line)
	switch {
	case !sure:
		return q.InlineParser.Parse(parent, block, pc)
	case n == 0:
		return nil
	}
	tag := ast.NewRawHTML()
	tag.Segments.Append(at.WithStop(at.Start + n))
	block.Advance(n)
	return tag
}

// tagLen gives the length of the opening or closing tag at the head of a line, 0 for none (CommonMark 0.31, section 6.6). It
// is not sure of what may go on in the next line, nor of comments and the like.
func tagLen(line []byte) (n int, sure bool) {
	i := 1
	closing := len(line) > 1 && line[1] == '/'
	if closing {
		i = 2
	}
	if i >= len(line) || !isAlpha(line[i]) {
		return 0, false
	}
	for i < len(line) && (isAlpha(line[i]) || isDigit(line[i]) || line[i] == '-') {
		i++
	}
	for {
		from := i
		i = skipBlank(line, i)
		switch {
		case i >= len(line):
			return 0, false
		case line[i] == '>':
			return i + 1, true
		case line[i] == '/' && !closing:
			if i+1 < len(line) && line[i+1] == '>' {
				return i + 2, true
			}
			return 0, true
		case i == from || closing:
			return 0, true
		}
		if i, sure = attributeEnd(line, i); i < 0 {
			return 0, sure
		}
	}
}

// attributeEnd finds the end of the attribute that begins at an offset, or gives -1.
func attributeEnd(line []byte, i int) (end int, sure bool) {
	if c := line[i]; !isAlpha(c) && c != '_' && c != ':' {
		return -1, true
	}
	for i < len(line) && (isAlpha(line[i]) || isDigit(line[i]) || line[i] == '_' || line[i] == ':' || line[i] == '.' || line[i] == '-') {
		i++
	}
	value := skipBlank(line, i)
	if value >= len(line) {
		return -1, false
	}
	if line[value] != '=' {
		return i, true
	}
	if i = skipBlank(line, value+1); i >= len(line) {
		return -1, false
	}
	if quote := line[i]; quote == '"' || quote == '\'' {
		for i++; i < len(line); i++ {
			if line[i] == quote {
				return i + 1, true
			}
		}
		return -1, false
	}
	from := i
	for i < len(line) && line[i] > ' ' && line[i] != '"' && line[i] != '\'' && line[i] != '=' && line[i] != '<' && line[i] != '>' && line[i] != '`' {
		i++
	}
	if i == from {
		return -1, true
	}
	return i, true
}

func skipBlank(line []byte, i int) int {
	for i < len(line) && (line[i] == ' ' || line[i] == '\t' || line[i] == '\n') {
		i++
	}
	return i
}

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
