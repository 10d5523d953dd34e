package curated

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// row is one row of a table.
type row struct {
	item
	cells []span
	cand  []int // the links that could be its entry
	heads []int // for each cell the one of them that it begins with, or -1
}

// table takes the rows of a table. Which column holds the links, which the names and which the descriptions is asked of
// the table as a whole, so that one odd row does not read differently from its neighbours.
func (d *document) table(n *extast.Table) {
	var rows []row
	var header []string
	for r := n.FirstChild(); r != nil; r = r.NextSibling() {
		x := d.row(r)
		if _, ok := r.(*extast.TableHeader); ok {
			for _, c := range x.cells {
				header = append(header, foldTitle(d.plain(c)))
			}
			d.setEach(d.candidates(&x.item), ruleTableHead)
			continue
		}
		if !d.refused(&x.item) {
			if x.cand = d.candidates(&x.item); len(x.cand) == 0 {
				x.cand = d.buttons(&x.item)
			}
			x.heads = d.cellHeads(&x)
			rows = append(rows, x)
		}
	}
	if d.isGrid(header, rows) {
		d.takeGrid(rows)
		return
	}
	cols := d.columns(header, rows)
	for i := range rows {
		if len(rows[i].cand) > 0 {
			d.takeRow(&rows[i], cols)
		}
	}
}

func (d *document) row(n ast.Node) row {
	x := row{item: item{kind: rowItem, head: span{len(d.pieces), 0}, links: span{len(d.links), 0}}}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		cell, _ := d.inline(c)
		x.cells = append(x.cells, cell)
	}
	x.head.to, x.links.to = len(d.pieces), len(d.links)
	return x
}

// buttons gives the links of a row whose only text is a sign, or a picture of what they do: "🔗", "Apply", "Visit".
func (d *document) buttons(it *item) []int {
	var out []int
	for i := it.links.from; i < it.links.to; i++ {
		l := &d.links[i]
		if d.plain(l.pieces) != "" && l.leadsOut() {
			out = append(out, i)
			continue
		}
		for _, p := range d.at(l.pieces) {
			if p.kind == imagePiece && hasWord(p.text) && isGeneric(p.text) && l.leadsOut() {
				out = append(out, i)
				break
			}
		}
	}
	return out
}

// isGrid reports whether a table only sets links side by side: its head says nothing, and its cells hold a link each.
func (d *document) isGrid(header []string, rows []row) bool {
	for _, h := range header {
		if h != "" {
			return false
		}
	}
	cells := 0
	for i := range rows {
		for c, cell := range rows[i].cells {
			text := d.plain(cell)
			if text == "" {
				continue
			}
			link := rows[i].heads[c]
			if link < 0 || d.label(link) != text {
				return false
			}
			cells++
		}
	}
	return cells > len(rows)
}

// takeGrid makes every cell an entry.
func (d *document) takeGrid(rows []row) {
	for i := range rows {
		x := &rows[i]
		for _, link := range x.heads {
			if link >= 0 {
				d.addDraft(&x.item, link, verdict{entry: true, rule: ruleGrid})
				f := &d.drafts[len(d.drafts)-1]
				f.lead, f.rest = span{}, span{}
			}
		}
	}
}

// columns says what the columns of a table are for; -1 where none is.
type columns struct {
	link, name, text int
	numbers          bool // the links are numbered, or all called the same: they do not name their rows
}

// columnCount is what stands in the cells of a column.
type columnCount struct {
	linked int             // the cells that begin with a link
	worded int             // the others that have words
	size   int             // the characters of those
	texts  map[string]bool // what those say, counted for the first column only
}

func (d *document) columns(header []string, rows []row) columns {
	counts := d.countColumns(len(header), rows)
	out := columns{link: -1, name: -1, text: -1}
	for c, n := range counts {
		if n.linked > 0 && (out.link < 0 || n.linked > counts[out.link].linked && 2*counts[out.link].linked < len(rows)) {
			out.link = c
		}
	}
	if out.link >= 0 {
		out.numbers = out.link > 0 && d.sameLabels(rows) || numberTitles[header[out.link]]
	}
	if len(counts) > 0 && !attributes[header[0]] {
		if first := counts[0]; 10*first.worded >= 6*len(rows) && 10*len(first.texts) >= 9*first.worded {
			out.name = 0
		}
	}
	for c, n := range counts {
		if c == out.link || c == out.name {
			continue
		}
		if descriptions[header[c]] && n.worded > 0 {
			out.text = c // the head says so, however short the texts are
			break
		}
		if n.size >= 12*len(rows) && (out.text < 0 || n.size > counts[out.text].size) {
			out.text = c
		}
	}
	return out
}

// countColumns looks through the rows of a table of n columns.
func (d *document) countColumns(n int, rows []row) []columnCount {
	counts := make([]columnCount, n)
	names := make(map[string]bool)
	for i := range rows {
		for c, cell := range rows[i].cells[:min(n, len(rows[i].cells))] {
			text := d.plain(cell)
			if rows[i].heads[c] >= 0 {
				counts[c].linked++
			} else if hasWord(text) {
				counts[c].worded++
				counts[c].size += utf8.RuneCountInString(text)
				if c == 0 {
					names[foldTitle(text)] = true
				}
			}
		}
	}
	if n > 0 {
		counts[0].texts = names
	}
	return counts
}

// sameLabels reports whether the first links of most rows have the same text.
func (d *document) sameLabels(rows []row) bool {
	labels := make(map[string]int)
	for i := range rows {
		if len(rows[i].cand) > 0 {
			label := foldTitle(d.label(rows[i].cand[0]))
			if labels[label]++; len(rows) > 2 && 2*labels[label] > len(rows) {
				return true
			}
		}
	}
	return false
}

// cellHeads gives for each cell of a row the candidate that it begins with, or -1.
func (d *document) cellHeads(x *row) []int {
	heads := make([]int, len(x.cells))
	cand := x.cand
	for c, cell := range x.cells {
		heads[c] = -1
		for len(cand) > 0 && d.links[cand[0]].pieces.from < cell.from {
			cand = cand[1:]
		}
		if len(cand) == 0 {
			continue
		}
		if at := d.links[cand[0]].pieces.from; at < cell.to && !hasWord(d.plain(span{cell.from, at})) {
			heads[c] = cand[0]
		}
	}
	return heads
}

// takeRow makes a row an entry.
func (d *document) takeRow(x *row, cols columns) {
	main, at := -1, cols.link
	if at >= 0 && at < len(x.heads) {
		main = x.heads[at]
	}
	for c := 0; main < 0 && c < len(x.heads); c++ {
		if c != cols.text {
			main, at = x.heads[c], c
		}
	}
	if main < 0 {
		d.setEach(x.cand, ruleProse)
		return
	}
	d.setEach(x.cand, ruleCell)
	d.addDraft(&x.item, main, verdict{entry: true, rule: ruleRow})
	f := &d.drafts[x.draft-1]
	f.lead, f.rest = span{}, span{d.links[main].pieces.to, x.cells[at].to}
	for _, i := range x.heads {
		if i >= 0 && i != main {
			f.also = append(f.also, i)
		}
	}
	switch label := d.label(main); {
	case cols.name >= 0 && cols.name != at && cols.name < len(x.cells):
		d.nameRow(f, x.cells[cols.name])
	case isNumber(label) && !cols.numbers:
	case isGeneric(label) || d.links[main].auto || cols.numbers:
		f.named = d.rowName(x, at)
	}
	if cols.text >= 0 && cols.text != at && cols.text < len(x.cells) {
		f.body = append(f.body, x.cells[cols.text])
	}
}

// rowNumber is the number that a list written as a table gives its rows: "1) Name".
var rowNumber = regexp.MustCompile(`^\s*\d+[.)]\s+`)

// nameRow takes the title from a cell, and what the cell says beside it.
func (d *document) nameRow(f *draft, cell span) {
	f.named = d.plain(cell)
	if bold := d.boldWords(cell); bold != "" && bold != f.named {
		f.named = bold
		if _, text, ok := strings.Cut(d.plain(cell), bold); ok && hasWord(text) {
			f.body = append(f.body, d.after(cell, bold))
		}
	}
	f.named = rowNumber.ReplaceAllString(f.named, "")
}

// rowName is the first cell with words that is not the link's own.
func (d *document) rowName(x *row, at int) string {
	for c, cell := range x.cells {
		if t := d.plain(cell); c != at && hasWord(t) {
			return t
		}
	}
	return ""
}
