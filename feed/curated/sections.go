package curated

// heading is a title that a part of the list stands under. The levels are those of Markdown doubled, so that what is no
// heading by name finds its place between two of them.
type heading struct {
	level int
	title string
	kind  headingKind
	house bool // it speaks of the list itself and not of its subject
	no    int  // its place among all headings, counted from 1; 0 for a bullet
	draft int  // the entry that it is itself, plus one
	quiet bool // it is no section and stands in no path
}

type headingKind uint8

const (
	realHeading    headingKind = iota
	detailsHeading             // the <summary> of a <details>
	otherHeading               // a bold line, a bullet above bullets
)

const (
	boldLevel  = 2*6 + 1 // a bold line alone is a heading below all headings
	groupLevel = 2*7 + 1 // and a bullet without a link one below that, for the bullets under it
)

// enter puts the reading under a heading, and ends the headings of its level and below.
func (d *document) enter(h heading) {
	n := len(d.stack)
	for n > 0 && d.stack[n-1].level >= h.level {
		n--
	}
	d.pop(n)
	d.headings++
	h.no = d.headings
	d.push(h)
}

// push puts the reading under a heading that its caller ends with pop.
func (d *document) push(h heading) (depth int) {
	depth = len(d.stack)
	h.house = housekeepingTitles[foldTitle(h.title)]
	d.stack = append(d.stack, h)
	d.path = nil
	return depth
}

// pop ends the headings from a depth of the stack on.
func (d *document) pop(depth int) {
	if len(d.stack) > depth {
		d.stack = d.stack[:depth]
		d.path = nil
	}
}

// enterDetails takes the <summary> of a <details>: a heading just below the one it stands under.
func (d *document) enterDetails(it *item) {
	d.closeDraft()
	d.setAll(it.links, verdict{rule: ruleSummaryTag})
	if cand := d.candidates(it); len(cand) > 0 && !hasWord(d.lead(it, cand[0])) && !d.refused(it) {
		d.accept(it, cand[0], verdict{entry: true, rule: ruleSummaryEntry})
		d.open = it.draft
	}
	level := 1
	for i := range d.stack {
		if d.stack[i].kind == realHeading {
			level = d.stack[i].level + 1
		}
	}
	above := len(d.stack)
	for above > 0 && d.stack[above-1].level > level {
		above--
	}
	d.pop(above)
	if t := cleanTitle(d.plain(it.head)); t != "" && len(d.stack) < maxNesting {
		d.headings++
		d.push(heading{level: level, title: t, kind: detailsHeading, no: d.headings, draft: it.draft, quiet: it.draft > 0})
	}
}

// leaveDetails takes </details>: what began inside it ends.
func (d *document) leaveDetails() {
	for i := len(d.stack) - 1; i >= 0; i-- {
		if d.stack[i].kind == detailsHeading {
			d.pop(i)
			return
		}
	}
}

// sections gives the titles that the reading stands under, outermost first. The slice is shared and never written again.
func (d *document) sections() []string {
	if d.path == nil {
		d.path = make([]string, 0, len(d.stack))
		size := 0
		for i := range d.stack {
			if d.stack[i].quiet {
				continue
			}
			if size += len(d.stack[i].title); size > maxPath {
				break
			}
			d.path = append(d.path, d.stack[i].title)
		}
	}
	return d.path
}

// housekeeping gives the heading above that speaks of the list itself and not of its subject.
func (d *document) housekeeping() string {
	for i := range d.stack {
		if d.stack[i].house {
			return d.stack[i].title
		}
	}
	return ""
}

// loneTitle gives the heading that is the document's own title: the only one of the top level, if it stands above all entries.
func (d *carried) loneTitle() string {
	if d.firsts == 1 {
		return d.top
	}
	return ""
}

// below gives a path without the document's own title: that stands above everything and is no section.
func below(title string, path []string) []string {
	if title != "" && len(path) > 0 && path[0] == title {
		return path[1:]
	}
	return path
}
