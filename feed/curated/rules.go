package curated

import (
	"strings"
	"unicode"
)

// rule says why a link is an entry or not, to the maintainer of the list.
type rule string

const (
	ruleBullet       rule = "entry: the main link of its bullet"
	ruleEqual        rule = "entry: one of several equal links of its bullet"
	ruleTitled       rule = "entry: the text before the link is its title"
	ruleSource       rule = "entry: the source of a quotation"
	ruleGroupTitle   rule = "entry: the bullet above is its title"
	ruleNamed        rule = "entry: the heading above is its title"
	ruleRow          rule = "entry: the main link of its table row"
	ruleGrid         rule = "entry: a cell of a table of links"
	ruleHeading      rule = "entry: the heading is the entry"
	ruleSummaryEntry rule = "entry: the <summary> of a <details> is the entry"
	ruleLine         rule = "entry: its paragraph or line begins with it"

	ruleAnchor        rule = "leads to a place within this page"
	ruleNotWeb        rule = "not an address on the web"
	ruleBadge         rule = "a badge or an icon, or a link without a title: it has no words"
	ruleIcon          rule = "a mark before the main link"
	ruleIgnored       rule = "a linkletter:ignore mark covers it"
	ruleHousekeeping  rule = "under a heading about the list itself:"
	ruleHousefile     rule = "about the list itself: its licence or how to contribute"
	ruleNote          rule = "in a note"
	ruleCall          rule = "asks readers to contribute"
	ruleProse         rule = "in running prose"
	ruleNavigation    rule = "a line of navigation"
	ruleContents      rule = "in the table of contents"
	ruleDirection     rule = "in a sentence that points elsewhere"
	ruleMasthead      rule = "in the centred head of the document, above its first entry"
	ruleDocumentTitle rule = "in the title of the document"
	ruleSectionTitle  rule = "in the heading of a section"
	ruleTableHead     rule = "in the head of a table"
	ruleSummaryTag    rule = "in the <summary> of a <details>"
	ruleFurther       rule = "a further link of an entry"
	rulePlace         rule = "a further page of the resource that the heading above names"
	ruleDescription   rule = "in the description of an entry"
	ruleDetail        rule = "a detail of the entry above it"
	ruleQuotation     rule = "in a quotation that belongs to an entry"
	ruleCell          rule = "in a table row, beside its main link"
)

// verdict is a rule as applied to one link.
type verdict struct {
	entry bool
	rule  rule
	about string // what the rule speaks of, where it needs that
}

func (v verdict) String() string {
	if v.about != "" {
		return string(v.rule) + " " + v.about
	}
	return string(v.rule)
}

// setAll gives all links of a range one verdict.
func (d *document) setAll(links span, v verdict) {
	for i := links.from; i < links.to; i++ {
		d.links[i].verdict = v
	}
}

// candidates gives the links of an item that could be an entry, and says of the others why not.
func (d *document) candidates(it *item) []int {
	var out []int
	for i := it.links.from; i < it.links.to; i++ {
		l := &d.links[i]
		switch {
		case strings.HasPrefix(l.url, "#"):
			l.verdict = verdict{rule: ruleAnchor}
		case !l.leadsOut():
			l.verdict = verdict{rule: ruleNotWeb}
		case !hasLabel(joinPieces(d.at(l.pieces))):
			l.verdict = verdict{rule: ruleBadge}
		case d.isHousefile(l):
			l.verdict = verdict{rule: ruleHousefile}
		case isForm(l.url):
			l.verdict = verdict{rule: ruleCall}
		default:
			out = append(out, i)
		}
	}
	return out
}

// hasLabel reports whether a link's text can name something: a word, or a number such as "2048".
func hasLabel(s string) bool {
	return hasWord(s) || strings.IndexFunc(s, unicode.IsDigit) >= 0 && shortcodeLen(strings.TrimSpace(s)) == 0
}

// refused applies the rules that refuse an item whole.
func (d *document) refused(it *item) bool {
	v := verdict{}
	if d.ignoring || d.marked(it.head) {
		v.rule = ruleIgnored
	} else if d.inMasthead() && (it.kind == lineItem || it.kind == headingItem) {
		v.rule = ruleMasthead
	} else if t := d.housekeeping(); t != "" {
		v = verdict{rule: ruleHousekeeping, about: t}
	} else {
		return false
	}
	d.setAll(it.links, v)
	return true
}

// inMasthead reports whether the reading is in what is centred at the head of the document: above the first entry, and
// above the second heading.
func (d *document) inMasthead() bool {
	return d.centred > 0 && d.entries == 0 && d.titles < 2
}

// marked reports whether the maintainer's mark linkletter:ignore stands in a text.
func (d *document) marked(s span) bool {
	for _, p := range d.at(s) {
		if p.kind == ignoreMark {
			return true
		}
	}
	return false
}

// item decides what a bullet or a line is.
func (d *document) item(it *item) {
	if it.links.empty() {
		return
	}
	cand := d.candidates(it)
	if d.refused(it) {
		return
	}
	if len(cand) == 0 {
		if cand = d.symbols(it); len(cand) == 0 {
			return
		}
	}
	lead := d.lead(it, cand[0])
	switch {
	case isCall(lead, d.label(cand[0])):
		d.setEach(cand, ruleCall)
	case d.pointsElsewhere(it, lead, cand[0]):
		d.setEach(cand, ruleDirection)
	case d.isNote(it, lead):
		d.setEach(cand, ruleNote)
	case it.kind == bulletItem:
		d.bulletLinks(it, cand, lead)
	default:
		d.lineLinks(it, cand, lead)
	}
}

// setEach says why links are no entries.
func (d *document) setEach(links []int, why rule) {
	for _, i := range links {
		d.links[i].verdict = verdict{rule: why}
	}
}

// bulletLinks decides about the links of a bullet.
func (d *document) bulletLinks(it *item, cand []int, lead string) {
	label := d.label(cand[0])
	generic := isGeneric(label) || d.links[cand[0]].auto || !hasWord(label)
	owner := it.owner()
	if !hasWord(lead) {
		if h := d.headingEntry(); owner == 0 && h > 0 && isPlace(label) {
			d.detailOf(h, cand)
			return
		}
		switch {
		case owner > 0 && (generic || isPlace(label) && !hasWord(d.plainOutside(it))):
			d.detailOf(owner, cand)
		case it.parent != nil && it.parent.group > 0 && (isFormat(label) || d.links[cand[0]].auto && it.parent.children <= maxDetails):
			d.namedByParent(it, cand)
		case generic && !isNumber(label) && len(cand) > 1 && d.adjacent(cand[0], cand[1]):
			d.links[cand[0]].verdict = verdict{rule: ruleIcon}
			d.acceptRun(it, cand[1:])
		default:
			d.acceptRun(it, cand)
		}
		return
	}
	switch {
	case isQuotation(lead) && !generic:
		d.accept(it, cand[0], verdict{entry: true, rule: ruleSource})
	case max(owner, d.headingEntry()) > 0 && (isAttributeOf(lead) || d.labelled(it, lead)):
		d.detailOf(max(owner, d.headingEntry()), cand)
	case max(owner, d.headingEntry()) > 0 && !generic && endsInWord(lead):
		d.setEach(cand, ruleDetail)
	case (generic || isBracketed(label) || d.arePlaces(it, cand, lead)) && isTitle(lead):
		d.accept(it, cand[0], verdict{entry: true, rule: ruleTitled})
		d.drafts[it.draft-1].named = d.titleOf(it, cand[0])
	case !generic && countWords(lead) <= maxLead && !describes(lead):
		if strings.HasSuffix(lead, "[") || strings.HasSuffix(lead, "(") {
			cand = cand[:1] // tags of the words before
		}
		d.acceptRun(it, cand)
	default:
		d.setEach(cand, ruleProse)
	}
}

// owner gives the draft that a bullet is a detail of, should it be one: that of the bullet above it, or of the one above
// a group such as "RSS".
func (it *item) owner() int {
	switch p := it.parent; {
	case p == nil:
		return 0
	case p.draft > 0:
		return p.draft
	default:
		return p.owner()
	}
}

// headingEntry gives the draft of the heading above that is an entry itself: what stands under it may tell of it.
func (d *document) headingEntry() int {
	for i := len(d.stack) - 1; i >= 0; i-- {
		if d.stack[i].draft > 0 {
			return d.stack[i].draft
		}
	}
	return 0
}

// symbols gives the link of an item that has words, but none in its links: "Name [🔗](…)".
func (d *document) symbols(it *item) []int {
	if !hasWord(d.plain(it.head)) {
		return nil
	}
	for i := it.links.from; i < it.links.to; i++ {
		if l := &d.links[i]; l.leadsOut() && d.plain(l.pieces) != "" {
			if lead := d.lead(it, i); hasWord(lead) && countWords(lead) <= maxLead {
				return []int{i}
			}
			return nil
		}
	}
	return nil
}

// detailOf makes links details of an entry.
func (d *document) detailOf(draft int, links []int) {
	d.setEach(links, ruleDetail)
	f := &d.drafts[draft-1]
	f.also = append(f.also, links...)
}

// maxLead is how many words may stand before the link of a bullet that names its resource by the link's text.
const maxLead = 8

// maxDetails is how many bare addresses under a name can be places of that one thing, and are no list of their own.
const maxDetails = 3

// namedByParent takes a bullet such as "PDF" under one that names the paper and has no link.
func (d *document) namedByParent(it *item, cand []int) {
	group := it.parent
	d.accept(it, cand[0], verdict{entry: true, rule: ruleGroupTitle})
	f := &d.drafts[it.draft-1]
	f.named = d.plain(group.head)
	f.path = f.path[:min(len(f.path), group.group-1)]
	group.draft = it.draft
}

// acceptRun takes the first link of a bullet, and those that stand beside it as its equals.
func (d *document) acceptRun(it *item, cand []int) {
	if len(cand) > 2 && d.allRelative(cand) && !hasWord(d.plainOutside(it)) {
		d.setEach(cand, ruleNavigation)
		return
	}
	n := 1
	for n < len(cand) && d.equals(cand[n-1], cand[n]) {
		n++
	}
	if len(cand) > n && d.areEqual(it, cand) {
		n = len(cand)
	}
	if n == 1 {
		d.accept(it, cand[0], verdict{entry: true, rule: ruleBullet})
		return
	}
	rest := span{d.links[cand[n-1]].pieces.to, it.head.to}
	if n > maxEqual {
		rest = span{}
	}
	for _, i := range cand[:n] {
		d.addDraft(it, i, verdict{entry: true, rule: ruleEqual})
		d.drafts[len(d.drafts)-1].rest = rest
	}
	d.furtherLinks(it)
}

// accept makes a link an entry, and the other links of its item parts of that.
func (d *document) accept(it *item, i int, v verdict) {
	d.addDraft(it, i, v)
	d.furtherLinks(it)
}

// addDraft makes a link an entry; what else stands in its item is said of it.
func (d *document) addDraft(it *item, i int, v verdict) {
	l := &d.links[i]
	l.verdict = v
	d.entries++
	d.drafts = append(d.drafts, draft{
		link: i, title: l.pieces, path: d.sections(), under: d.under(),
		lead: span{it.head.from, l.pieces.from}, rest: span{l.pieces.to, it.head.to},
	})
	if it.draft == 0 {
		it.draft = len(d.drafts)
	}
}

// furtherLinks gives the links of an item that are no entry to its first entry.
func (d *document) furtherLinks(it *item) {
	f := &d.drafts[it.draft-1]
	beside := -1 // the link before, if it is a further one
	for j := it.links.from; j < it.links.to; j++ {
		o := &d.links[j]
		if o.verdict.rule != ruleProse {
			continue
		}
		if !d.standsAlone(j) && (beside < 0 || hasWord(d.between(beside, j))) {
			o.verdict.rule = ruleDescription
			beside = -1
			continue
		}
		o.verdict.rule = ruleFurther
		f.also = append(f.also, j)
		beside = j
	}
}

// lineLinks decides about the links of a paragraph, or of a line of one.
func (d *document) lineLinks(it *item, cand []int, lead string) {
	first := cand[0]
	if hasWord(lead) {
		if isGeneric(d.label(first)) && (d.beginsBold(it.head) || isReference(lead)) && isTitle(lead) {
			d.accept(it, first, verdict{entry: true, rule: ruleTitled})
			d.drafts[it.draft-1].named = d.titleOf(it, cand[0])
			return
		}
		d.setEach(cand, ruleProse)
		return
	}
	rest := d.plain(span{d.links[first].pieces.to, it.head.to})
	intro := d.isIntro()
	switch {
	case len(cand) > 1 && !hasWord(d.plainOutside(it)) && (intro || !d.areEqual(it, cand)):
		d.setEach(cand, ruleNavigation)
	case len(cand) > 2 && !hasWord(d.plainOutside(it)):
		d.acceptRun(it, cand)
	case it.quoted, it.listed, it.card, d.separated(first, it.head.to) && !(intro && rest == ""):
		d.accept(it, first, verdict{entry: true, rule: ruleLine})
	default:
		d.setEach(cand, ruleProse)
	}
}
