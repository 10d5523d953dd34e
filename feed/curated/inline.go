package curated

import (
	"html"
	"strings"

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
			own := d.newLink(string(n.URL(d.raw)), n.Pos(), true)
			d.run(string(n.Label(d.raw)), st, own)
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

// isPunct reports whether a byte is ASCII punctuation.
func isPunct(c byte) bool {
	return c >= '!' && c <= '/' || c >= ':' && c <= '@' || c >= '[' && c <= '`' || c >= '{' && c <= '~'
}
