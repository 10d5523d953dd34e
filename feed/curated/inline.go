package curated

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// inline flattens the inline nodes under n to pieces and links, and gives their spans.
func (d *document) inline(n ast.Node) (pieces, links span) {
	pieces.from, links.from = len(d.pieces), len(d.links)
	d.tags = tagState{}
	d.inlines(n, 0, 0)
	d.endTags()
	return span{pieces.from, len(d.pieces)}, span{links.from, len(d.links)}
}

func (d *document) inlines(parent ast.Node, st style, ref int32) {
	for c := parent.FirstChild(); c != nil; c = c.NextSibling() {
		switch n := c.(type) {
		case *ast.Text:
			n, seg := wholeText(n)
			c = n
			seg.Start = min(max(seg.Start, d.taken), seg.Stop)
			d.text(d.src[seg.Start:seg.Stop], st, ref)
			if n.HardLineBreak() {
				d.add(hardBreak, "", 0, 0)
			} else if n.SoftLineBreak() {
				d.add(softBreak, "", 0, ref)
			}
		case *ast.String:
			d.text(string(n.Value), st, ref)
		case *ast.CodeSpan:
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				if t, ok := c.(*ast.Text); ok {
					d.run(codeText(parent, d.src[t.Segment.Start:t.Segment.Stop]), st|code, ref)
				}
			}
		case *ast.Emphasis:
			if n.Level == 2 {
				d.inlines(n, st|bold, ref)
			} else {
				d.inlines(n, st|italic, ref)
			}
		case *extast.Strikethrough:
			d.inlines(n, st|strike, ref)
		case *ast.Link:
			own := d.newLink(string(n.Destination), n.Pos(), false)
			d.inlines(n, st, own)
			d.closeLink(own)
		case *ast.Image:
			d.image(d.altText(n), st, ref)
		case *ast.AutoLink:
			if n.AutoLinkType == ast.AutoLinkEmail {
				d.text(string(n.Label(d.raw)), st, ref)
				continue
			}
			more := d.restOfAddress(n)
			own := d.newLink(string(n.URL(d.raw))+more, n.Pos(), true)
			d.run(string(n.Label(d.raw))+more, st, own)
			d.closeLink(own)
		case *ast.RawHTML:
			for i := range n.Segments.Len() {
				seg := n.Segments.At(i)
				d.tags.raw = append(d.tags.raw, d.src[seg.Start:seg.Stop]...)
			}
			d.inlineTag(string(d.tags.raw), n.Pos())
			d.tags.raw = d.tags.raw[:0]
		default:
			d.inlines(n, st, ref)
		}
	}
}

// wholeText joins a text with those that go on where it ends: goldmark cuts one wherever it looked for something. It gives
// the last of them, and where all stand.
func wholeText(n *ast.Text) (*ast.Text, text.Segment) {
	seg := n.Segment
	for !n.SoftLineBreak() && !n.HardLineBreak() {
		next, ok := n.NextSibling().(*ast.Text)
		if !ok || next.Segment.Start != seg.Stop {
			break
		}
		n, seg.Stop = next, next.Segment.Stop
	}
	return n, seg
}

// codeText is the text of a code span: its line ends are spaces, and in a table an escaped pipe is one even here (GFM,
// section 4.10).
func codeText(parent ast.Node, s string) string {
	s = strings.ReplaceAll(s, "\n", " ")
	if !strings.Contains(s, `\|`) {
		return s
	}
	for n := parent; n != nil; n = n.Parent() {
		if n.Kind() == extast.KindTableCell {
			return strings.ReplaceAll(s, `\|`, "|")
		}
	}
	return s
}

// restOfAddress gives what goldmark leaves of a bare address that has letters beyond ASCII, as forges do: all that is no
// white space. Ideographs need none between address and text, and so must follow a mark of the address.
func (d *document) restOfAddress(n *ast.AutoLink) string {
	next, ok := n.NextSibling().(*ast.Text)
	if !ok {
		return ""
	}
	_, seg := wholeText(next)
	label, rest := n.Label(d.raw), d.src[seg.Start:seg.Stop]
	if rest == "" || rest[0] < utf8.RuneSelf || !strings.HasSuffix(d.src[:seg.Start], string(label)) {
		return ""
	}
	if r, _ := utf8.DecodeRuneInString(rest); unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) &&
		strings.IndexByte("/=_-", label[len(label)-1]) < 0 {
		return ""
	}
	end := strings.IndexFunc(rest, func(r rune) bool {
		if r >= utf8.RuneSelf {
			return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
		}
		return r <= ' ' || strings.ContainsRune("<>\"|`", r)
	})
	if end >= 0 {
		rest = rest[:end]
	}
	rest = strings.TrimRight(rest, "?!.,:;*_~'\")]")
	d.taken = seg.Start + len(rest)
	return rest
}

// altText is the text of an image.
func (d *document) altText(n *ast.Image) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.WriteString(decode(d.src[t.Segment.Start:t.Segment.Stop]))
		}
	}
	return b.String()
}

// text adds a run of Markdown text, its escapes and entities decoded.
func (d *document) text(s string, st style, ref int32) { d.run(decode(s), st, ref) }

// run adds a run of text under the HTML tags that are open.
func (d *document) run(s string, st style, ref int32) {
	if s == "" || d.tags.mute {
		return
	}
	if ref == 0 {
		ref = d.tags.link
	}
	d.add(textPiece, s, st|d.tags.style, ref)
}

func (d *document) image(alt string, st style, ref int32) {
	if ref == 0 {
		ref = d.tags.link
	}
	d.add(imagePiece, alt, st, ref)
}

// decode resolves backslash escapes and entities (CommonMark 0.31, sections 2.4 and 2.5).
func decode(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		if strings.IndexByte(s, '&') < 0 {
			return s
		}
		return html.UnescapeString(s)
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 || i+1 == len(s) {
			break
		}
		b.WriteString(html.UnescapeString(s[:i]))
		if !isPunct(s[i+1]) {
			b.WriteByte('\\')
			s = s[i+1:]
			continue
		}
		b.WriteByte(s[i+1])
		s = s[i+2:]
	}
	b.WriteString(html.UnescapeString(s))
	return b.String()
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isPunct reports whether a byte is ASCII punctuation.
func isPunct(c byte) bool {
	return c >= '!' && c <= '/' || c >= ':' && c <= '@' || c >= '[' && c <= '`' || c >= '{' && c <= '~'
}
