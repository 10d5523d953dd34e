package curated

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// quickLinks finds bare addresses by the mark that each of them has. goldmark's own parser, which does the reading here
// too, looks for one at every space.
type quickLinks struct{ parser.InlineParser }

func (quickLinks) Trigger() []byte { return []byte(":.@") }

const (
	maxLocal = 64  // bytes of the local part of a mail address (RFC 5321, section 4.5.3.1.1)
	maxHost  = 256 // bytes that goldmark looks at for the end of a host
)

func (q quickLinks) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	before, ok := parent.LastChild().(*ast.Text)
	line, at := block.Position()
	if !ok || before.Segment.Stop != at.Start || pc.IsInLinkLabel() {
		return nil
	}
	src := block.Source()
	head := src[before.Segment.Start:at.Start]
	from := len(head)
	switch src[at.Start] {
	case ':':
		from -= schemeLen(head)
	case '.':
		if bytes.HasSuffix(head, []byte("www")) {
			from -= len("www")
		}
	case '@':
		for i := from - 1; i >= 0 && i > len(head)-maxLocal && isLocal(head[i]); i-- {
			if mayBegin(head, i) {
				from = i
			}
		}
	}
	if from == len(head) || !mayBegin(head, from) {
		return nil
	}
	s := spentIn(parent, pc)
	if s.vain > maxVain {
		return nil
	}
	at.Start = before.Segment.Start + from
	block.SetPosition(line, at)
	n := q.InlineParser.Parse(parent, block, pc)
	if n == nil {
		s.vain += maxHost
		return nil
	}
	if before.Segment.Stop = at.Start; from == 0 {
		parent.RemoveChild(parent, before)
	}
	return n
}

// schemeLen gives the length of the scheme of a bare address that ends a text.
func schemeLen(head []byte) int {
	for _, s := range [...]string{"http", "https", "ftp"} {
		if bytes.HasSuffix(head, []byte(s)) {
			return len(s)
		}
	}
	return 0
}

// mayBegin reports whether a bare address may begin at an offset of a text: at its head, after white space or one of the
// marks that GitHub allows (GFM, section 6.9).
func mayBegin(head []byte, i int) bool {
	if c := head[i]; isPunct(c) {
		return false
	}
	if i == 0 {
		return true
	}
	switch head[i-1] {
	case ' ', '\t', '\n':
		return true
	case '*', '_', '~', '(':
		return i == 1 || head[i-2] != '\\'
	}
	return false
}

// isLocal reports what the local part of a mail address consists of (CommonMark 0.31, section 6.5).
func isLocal(c byte) bool {
	return isAlpha(c) || isDigit(c) || bytes.IndexByte([]byte(".!#$%&'*+/=?^_`{|}~-"), c) >= 0
}
