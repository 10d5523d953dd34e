package curated

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

type itemKind uint8

const (
	bulletItem  itemKind = iota
	lineItem             // a paragraph, or a line of one
	headingItem          // a heading
	rowItem              // a table row
)

// item is a unit of the document that may hold an entry.
type item struct {
	kind     itemKind
	head     span // its first text
	links    span // the links in that
	quoted   bool // a block quote follows
	listed   bool // one of several lines that all begin with a link
	card     bool // a quoted paragraph that begins with a bold link
	parent   *item
	draft    int // the first entry it became, plus one
	children int // the bullets under it
	group    int // for a bullet without a link: the depth of the stack below its title, plus one
}

// blocks reads the blocks under a node.
func (d *document) blocks(parent ast.Node) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		d.block(n)
	}
}

func (d *document) block(n ast.Node) {
	switch n := n.(type) {
	case *ast.Heading:
		it := item{kind: headingItem}
		it.head, it.links = d.inline(n)
		d.heading(&it, n.Level, n)
	case *ast.Paragraph, *ast.TextBlock:
		d.paragraph(n)
	case *ast.List:
		d.closeDraft()
		d.wholeList(n)
	case *ast.Blockquote:
		d.blockquote(n)
	case *extast.Table:
		d.closeDraft()
		d.table(n)
	case *ast.HTMLBlock:
		d.htmlBlock(n)
	case *ast.ThematicBreak:
		d.closeDraft()
	case *ast.CodeBlock, *ast.FencedCodeBlock:
	default:
		d.blocks(n)
	}
}

// closeDraft ends the text of a heading that is an entry.
func (d *document) closeDraft() { d.open = 0 }

// heading takes a heading, which may itself be an entry. The node is nil for a heading in raw HTML.
func (d *document) heading(it *item, level int, n ast.Node) {
	d.closeDraft()
	title := d.headingTitle(it)
	if title == "" { // a picture
		d.candidates(it)
		return
	}
	top := !d.titled
	d.titled = true
	d.titles = min(d.titles+1, 2)
	if level == 1 {
		d.firsts = min(d.firsts+1, 2)
	}
	if level == 1 && d.firsts == 1 && d.entries == 0 {
		d.top = title
	}
	cand := d.candidates(it)
	above := len(d.stack)
	for above > 0 && d.stack[above-1].level >= 2*level {
		above--
	}
	d.pop(above)
	entry := len(cand) > 0 && !d.refused(it) && d.plainOutside(it) != title &&
		(!hasWord(d.plainOutside(it)) || !hasWord(d.lead(it, cand[0])) && d.separated(cand[0], it.head.to))
	switch {
	case entry && top && (level == 1 || n == nil):
		d.setAll(span{cand[0], cand[0] + 1}, verdict{rule: ruleDocumentTitle})
	case len(cand) > 1 && d.isNavigation(it, cand):
		d.setEach(cand, ruleNavigation)
	case entry && n != nil && d.ownsList(n):
		d.setAll(span{cand[0], cand[0] + 1}, verdict{rule: ruleSectionTitle})
	case entry:
		d.accept(it, cand[0], verdict{entry: true, rule: ruleHeading})
		d.open = it.draft
	}
	d.enter(heading{level: 2 * level, title: title, draft: it.draft})
}

// headingTitle is the text of a heading, less the links back to the contents.
func (d *document) headingTitle(it *item) string {
	var keep []piece
	for _, p := range d.at(it.head) {
		if p.link == 0 || !strings.HasPrefix(d.links[p.link-1].url, "#") {
			keep = append(keep, p)
		}
	}
	if t := cleanTitle(joinPieces(keep)); hasWord(t) {
		return t
	}
	return cleanTitle(d.plain(it.head))
}

// ownsList reports whether a table, or a list of which most bullets have links, stands under a heading before the next one.
func (d *document) ownsList(n ast.Node) bool {
	for n = n.NextSibling(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			return false
		case *extast.Table:
			return true
		case *ast.List:
			linked := 0
			for li := n.FirstChild(); li != nil; li = li.NextSibling() {
				if d.holdsEntry(li) {
					linked++
				}
			}
			return 2*linked > n.ChildCount()
		}
	}
	return false
}

// holdsEntry reports whether a bullet has a link, and is no field such as "**Author**: [Ann](…)".
func (d *document) holdsEntry(li ast.Node) bool {
	first := li.FirstChild()
	if first == nil {
		return false
	}
	label := ""
	if e, ok := first.FirstChild().(*ast.Emphasis); ok && e.NextSibling() != nil {
		if t, ok := e.NextSibling().(*ast.Text); ok {
			label = strings.TrimSpace(d.src[t.Segment.Start:t.Segment.Stop])
		}
	}
	found := false
	_ = ast.Walk(li, func(n ast.Node, _ bool) (ast.WalkStatus, error) {
		switch n.(type) {
		case *ast.Link, *ast.AutoLink, *ast.RawHTML:
			found = true
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	return found && !strings.HasPrefix(label, ":")
}

// paragraph takes a paragraph: a bold line that is a heading, text of the heading above it, one entry or several lines of
// them, or prose.
func (d *document) paragraph(n ast.Node) {
	head, links := d.inline(n)
	if d.open > 0 {
		d.describe(d.open, head, links, ruleDescription)
		return
	}
	if t := d.boldLine(head, links); t != "" {
		d.enter(heading{level: boldLevel, title: t, kind: otherHeading})
		return
	}
	_, quoted := n.NextSibling().(*ast.Blockquote)
	from := links.from
	lines, listed := d.splitLines(head, links)
	for i, line := range lines {
		to := from
		for to < links.to && d.links[to].pieces.from < line.to {
			to++
		}
		it := item{kind: lineItem, head: line, links: span{from, to}, listed: listed, quoted: quoted && i == len(lines)-1}
		it.card = d.inQuote && i == 0 && !d.isIntro() && d.beginsBold(line) && d.beginsWithLink(line)
		d.item(&it)
		if it.quoted && it.draft > 0 {
			d.quoteOf = it.draft
		}
		if it.card && it.draft > 0 {
			d.open = it.draft
		}
		from = to
	}
}

// boldLine gives the title of a paragraph that is a heading in all but name: bold words alone, with or without a colon.
func (d *document) boldLine(s, links span) string {
	if s.empty() || !links.empty() {
		return ""
	}
	for _, p := range d.at(s) {
		if p.kind == softBreak || p.kind == hardBreak || p.style&bold == 0 && strings.Trim(p.text, ": \t") != "" {
			return ""
		}
	}
	t := cleanTitle(d.plain(s))
	if countWords(t) > 8 {
		return ""
	}
	return t
}

// splitLines cuts a paragraph into lines where each begins with a link of its own; a line that does not goes on with the
// one before it. It also tells whether there are several lines and all of them begin so.
func (d *document) splitLines(s, links span) (out []span, listed bool) {
	out = []span{s}
	if links.to-links.from < 2 || !d.beginsWithLink(s) {
		return out, false
	}
	listed = true
	for i := s.from; i < s.to; i++ {
		k := d.pieces[i].kind
		if k != softBreak && k != hardBreak || i+1 == s.to {
			continue
		}
		next := span{i + 1, s.to}
		if !d.beginsWithLink(next) {
			listed = false
			continue
		}
		out[len(out)-1].to = i
		out = append(out, next)
	}
	if listed && len(out) > 2 {
		return out, true
	}
	return d.joinLines(out), false
}

// joinLines undoes the cuts at line ends of the source where the link goes on with a sentence.
func (d *document) joinLines(lines []span) []span {
	out := lines[:1]
	for _, l := range lines[1:] {
		if d.pieces[l.from-1].kind == hardBreak || d.separated(d.firstLink(l), l.to) {
			out = append(out, l)
		} else {
			out[len(out)-1].to = l.to
		}
	}
	return out
}

// blockquote takes a quotation, a note, or a card: a quoted paragraph that begins with the link of an entry.
func (d *document) blockquote(n *ast.Blockquote) {
	if of := d.quoteOf; of > 0 {
		d.quoteOf = 0
		d.quotation(n, of)
		return
	}
	if d.open > 0 {
		d.quotation(n, d.open)
		return
	}
	d.inQuote = true
	d.blocks(n)
	d.inQuote, d.open = false, 0
}

// quotation gives a block quote to an entry.
func (d *document) quotation(n *ast.Blockquote, of int) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Paragraph, *ast.TextBlock:
			head, links := d.inline(c)
			d.setAll(links, verdict{rule: ruleQuotation})
			f := &d.drafts[of-1]
			f.quote = append(f.quote, head)
		case *ast.Blockquote:
			d.quotation(c, of)
		default:
			d.block(c)
		}
	}
}

// describe gives a paragraph to an entry.
func (d *document) describe(of int, s, links span, why rule) {
	d.setAll(links, verdict{rule: why})
	f := &d.drafts[of-1]
	f.body = append(f.body, s)
}

// wholeList takes a list that is no part of another one. Only at its end can be seen that it is a table of contents.
func (d *document) wholeList(n *ast.List) {
	entries, links := d.entries, len(d.links)
	d.list(n, nil)
	if all := (span{links, len(d.links)}); d.entries > entries && d.isContents(all) {
		d.entries = entries // their drafts stay until the end: headings in the list may know them by number
		for i := all.from; i < all.to; i++ {
			if d.links[i].verdict.entry {
				d.links[i].verdict = verdict{rule: ruleContents}
			}
		}
	}
}

// list takes the bullets of a list.
func (d *document) list(n *ast.List, parent *item) {
	for li := n.FirstChild(); li != nil; li = li.NextSibling() {
		d.bullet(li, parent)
	}
}

// bullet takes one bullet with all that stands under it.
func (d *document) bullet(li ast.Node, parent *item) {
	it := item{kind: bulletItem, parent: parent}
	depth := len(d.stack)
	begun := false
	for n := li.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Paragraph, *ast.TextBlock:
			head, links := d.inline(n)
			switch {
			case !begun:
				begun = true
				it.head, it.links = head, links
				d.item(&it)
			case it.draft > 0:
				d.describe(it.draft, head, links, ruleDescription)
			default:
				more := item{kind: lineItem, head: head, links: links}
				d.item(&more)
			}
		case *ast.Blockquote:
			if it.draft > 0 {
				d.quotation(n, it.draft)
			} else {
				d.blocks(n)
			}
		case *ast.List:
			it.children += n.ChildCount()
			d.groupOf(&it)
			d.list(n, &it)
		case *extast.Table:
			d.groupOf(&it)
			d.table(n)
		default:
			d.block(n)
		}
	}
	d.pop(depth)
}

// groupOf makes a bullet without a link the heading of the bullets under it.
func (d *document) groupOf(it *item) {
	if it.draft > 0 || it.group > 0 || it.head.empty() {
		return
	}
	if t := cleanTitle(d.plain(it.head)); t != "" {
		level := groupLevel
		if n := len(d.stack); n > 0 && d.stack[n-1].level >= level {
			level = d.stack[n-1].level + 1
		}
		it.group = d.push(heading{level: level, title: t, kind: otherHeading}) + 1
	}
}
