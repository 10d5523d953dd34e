package curated

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"golang.org/x/net/html"
)

// tagState is what open HTML tags mean for the text after them. It ends with the block, so that a tag nobody closed spoils
// one entry and not the rest of the list.
type tagState struct {
	style style
	link  int32 // the open <a href>, plus one
	mute  bool  // inside <script> or <style>
	raw   []byte
}

// tagStyles are the inline tags that set their text.
var tagStyles = map[string]style{
	"b": bold, "strong": bold, "i": italic, "em": italic, "code": code, "tt": code, "s": strike, "del": strike, "strike": strike,
	"sub": small, "sup": small, "small": small, "kbd": small,
}

// inlineTag takes one raw tag or comment inside Markdown text.
func (d *document) inlineTag(raw string, pos int) {
	if strings.HasPrefix(raw, "<!--") {
		d.comment(raw)
		return
	}
	name, closing := tagName(raw)
	d.tag(name, closing, func(key string) string { return rawAttr(raw, key) }, pos)
}

// rawAttr gives an attribute of a raw tag. goldmark has seen to its syntax (CommonMark 0.31, section 6.6).
func rawAttr(raw, key string) string {
	for s := raw; ; {
		i := strings.IndexByte(s, '=')
		if i < 0 {
			return ""
		}
		name := strings.TrimRight(s[:i], " \t\n")
		s = strings.TrimLeft(s[i+1:], " \t\n")
		var val string
		switch {
		case s == "":
			return ""
		case s[0] == '"' || s[0] == '\'':
			val, s, _ = strings.Cut(s[1:], s[:1])
		default:
			n := strings.IndexAny(s, " \t\n>")
			if n < 0 {
				n = len(s)
			}
			val, s = s[:n], s[n:]
		}
		if at := len(name) - len(key); at > 0 && strings.EqualFold(name[at:], key) && strings.IndexByte(" \t\n\"'", name[at-1]) >= 0 {
			return html.UnescapeString(val)
		}
	}
}

// tagName gives the lower-case name of a raw tag.
func tagName(raw string) (name string, closing bool) {
	raw = strings.TrimPrefix(raw, "<")
	if strings.HasPrefix(raw, "/") {
		closing, raw = true, raw[1:]
	}
	i := 0
	for i < len(raw) && (raw[i]|0x20 >= 'a' && raw[i]|0x20 <= 'z' || raw[i] >= '0' && raw[i] <= '9') {
		i++
	}
	return strings.ToLower(raw[:i]), closing
}

// tag carries out a tag that stands inside text; attr gives its attributes.
func (d *document) tag(name string, closing bool, attr func(key string) string, pos int) {
	switch name {
	case "a":
		if closing {
			d.endLink()
		} else if href := attr("href"); href != "" {
			d.tags.link = d.newLink(href, pos, false)
		}
	case "br":
		d.add(hardBreak, "", 0, 0)
	case "script", "style":
		d.tags.mute = !closing
	case "img":
		if !closing {
			d.image(attr("alt"), 0, 0)
		}
	default:
		if st := tagStyles[name]; closing {
			d.tags.style &^= st
		} else {
			d.tags.style |= st
		}
	}
}

func (d *document) endLink() {
	if d.tags.link != 0 {
		d.closeLink(d.tags.link)
		d.tags.link = 0
	}
}

func (d *document) endTags() {
	d.endLink()
	d.tags.style = 0
}

// comment takes a maintainer's mark.
func (d *document) comment(raw string) {
	mark, ok := strings.CutPrefix(strings.TrimSpace(strings.TrimPrefix(raw, "<!--")), "linkletter:")
	if !ok {
		return
	}
	switch mark, _, _ = strings.Cut(mark, "-->"); strings.TrimSpace(mark) {
	case "ignore-start":
		d.ignoring = true
	case "ignore-end":
		d.ignoring = false
	case "ignore":
		d.add(ignoreMark, "", 0, 0)
	}
}

// htmlBlock reads a block of raw HTML: each heading, list item, table row, paragraph or line of it is an item.
func (d *document) htmlBlock(n *ast.HTMLBlock) {
	h := htmlReader{document: d, kind: lineItem}
	raw := h.source(n)
	if len(raw) == 0 {
		return
	}
	d.tags = tagState{}
	h.begin()
	z := html.NewTokenizer(bytes.NewReader(raw))
	for at := 0; ; {
		t := z.Next()
		if t == html.ErrorToken {
			break
		}
		pos := h.offset(at)
		at += len(z.Raw())
		switch t {
		case html.TextToken:
			h.words(string(z.Text()))
		case html.CommentToken:
			d.comment(string(z.Raw()))
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			name, _ := tagName(string(z.Raw()))
			h.take(name, t == html.EndTagToken, string(z.Raw()), pos)
		}
	}
	h.flush()
	if h.centredP && d.centred > 0 {
		d.centred = 0 // a paragraph ends with its block, closed or not
	}
}

// htmlReader reads one block of raw HTML.
type htmlReader struct {
	*document
	segs   []int    // pairs: offset in the block, offset in the source
	kind   itemKind // of the item that is being read
	level  int      // of the heading that it is; 0 for a <summary>
	pieces int      // the first piece of it
	links  int      // the first link of it
	last   int      // the draft of the line before, plus one
	detail bool     // inside <dd>
	goesOn bool     // a line of the same paragraph came before

	centredP bool // a <p> began what is centred
}

// source joins the lines of the block and notes where they stand.
func (h *htmlReader) source(n *ast.HTMLBlock) []byte {
	var raw []byte
	add := func(seg text.Segment) {
		if seg.Stop > seg.Start {
			h.segs = append(h.segs, len(raw), seg.Start)
			raw = append(raw, h.raw[seg.Start:seg.Stop]...)
		}
	}
	for i := range n.Lines().Len() {
		add(n.Lines().At(i))
	}
	if n.HasClosure() {
		add(n.ClosureLine)
	}
	return raw
}

// offset gives the place in the source of an offset in the block; offsets come in rising order.
func (h *htmlReader) offset(at int) int {
	for len(h.segs) > 2 && h.segs[2] <= at {
		h.segs = h.segs[2:]
	}
	return h.segs[1] + at - h.segs[0]
}

// words takes a run of text; white space begins no item.
func (h *htmlReader) words(s string) {
	if strings.TrimSpace(s) == "" && len(h.document.pieces) == h.pieces {
		return
	}
	h.run(s, 0, 0)
}

// take carries out a tag that may begin or end an item.
func (h *htmlReader) take(name string, closing bool, raw string, pos int) {
	switch name {
	case "pre", "template":
		h.tags.mute = !closing
	case "h1", "h2", "h3", "h4", "h5", "h6", "summary":
		h.flush()
		h.kind, h.level = headingItem, 0
		if name != "summary" {
			h.level = int(name[1] - '0')
		}
		if closing {
			h.kind = lineItem
		}
	case "li", "tr", "p", "div", "ul", "ol", "table", "blockquote", "hr", "dt", "dd", "tbody", "thead":
		h.flush()
		h.kind, h.detail = lineItem, name == "dd" && !closing
		h.centre(name, closing, raw)
		if (name == "li" || name == "tr" || name == "dt") && !closing {
			h.kind = bulletItem
		}
	case "details":
		h.flush()
		if closing {
			h.leaveDetails()
		}
	case "td", "th":
		h.run(" ", 0, 0)
	case "br":
		h.flushLine()
	default:
		h.tag(name, closing, func(key string) string { return rawAttr(raw, key) }, pos)
	}
}

// centre follows <div align="center"> and <p align="center">, in which the heads of documents stand: logos, badges, sponsors.
func (h *htmlReader) centre(name string, closing bool, raw string) {
	switch {
	case name != "div" && name != "p":
	case h.centred == 0:
		if !closing && strings.EqualFold(rawAttr(raw, "align"), "center") {
			h.centred, h.centredP = 1, name == "p"
		}
	case (name == "p") != h.centredP:
	case closing:
		h.centred--
	default:
		h.centred++
	}
}

// begin starts an item at what comes next.
func (h *htmlReader) begin() { h.pieces, h.links = len(h.document.pieces), len(h.document.links) }

// flush ends the item that is being read.
func (h *htmlReader) flush() {
	h.endTags()
	it := item{kind: h.kind, head: span{h.pieces, len(h.document.pieces)}, links: span{h.links, len(h.document.links)}}
	if !it.head.empty() {
		switch {
		case h.detail && h.last > 0:
			h.describe(h.last, it.head, it.links, ruleDescription)
		case h.goesOn && h.last > 0 && it.links.empty() && h.kind == lineItem:
			h.describe(h.last, it.head, it.links, ruleDescription)
		case h.open > 0 && h.kind == lineItem && hasWord(h.plain(it.head)):
			h.describe(h.open, it.head, it.links, ruleDescription)
		case h.kind != headingItem:
			h.item(&it)
			h.last = it.draft
		case h.level == 0:
			h.enterDetails(&it)
		default:
			h.heading(&it, h.level, nil)
		}
	}
	h.goesOn = false
	h.begin()
}

// flushLine ends a line of HTML. One without a link goes on describing the entry of the line before it.
func (h *htmlReader) flushLine() {
	if h.kind != lineItem {
		h.document.add(hardBreak, "", 0, 0)
		return
	}
	if last := h.last; last > 0 && len(h.document.links) == h.links {
		f := &h.drafts[last-1]
		f.body = append(f.body, span{h.pieces, len(h.document.pieces)})
		h.begin()
		return
	}
	h.flush()
	h.goesOn = true
}
