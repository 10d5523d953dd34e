package curated

import "strings"

// under is the number of the heading that the reading stands under.
func (d *document) under() int {
	for i := len(d.stack) - 1; i >= 0; i-- {
		if d.stack[i].no > 0 {
			return d.stack[i].no
		}
	}
	return 0
}

// maxLocations is how many links under a heading can be the places of the one thing that it names.
const maxLocations = 6

// group is a range of drafts that stand under one heading.
type group struct{ from, to int }

// byHeading finds the groups of which each draft says only where something has a page, and counts all groups that stand
// under a heading. A single bare address is named by its heading at once.
func (d *document) byHeading() (named []group, all int) {
	for i := 0; i < len(d.drafts); {
		j, places := i, true
		for j < len(d.drafts) && d.drafts[j].under == d.drafts[i].under {
			places = places && d.isPlaceDraft(&d.drafts[j])
			j++
		}
		if f := &d.drafts[i]; j-i == 1 && d.links[f.link].auto && d.links[f.link].verdict.rule == ruleLine && len(f.path) > 0 {
			f.named, f.path = f.path[len(f.path)-1], f.path[:len(f.path)-1]
			d.links[f.link].verdict.rule = ruleNamed
		} else if f.under > 0 {
			all++
			if places && j-i <= maxLocations {
				named = append(named, group{i, j})
			}
		}
		i = j
	}
	return named, all
}

// headingsName reports whether a document has the shape in which headings name the resources, and the links under each say
// only where: "Paper", "Code", "Website". One such heading may be a section like any other; the shape is known by its
// repetition.
func headingsName(named, all int) bool { return named >= 3 && 2*named >= all }

// nameByHeadings makes one entry of each group, called as its heading is.
func (d *document) nameByHeadings(named []group) {
	kept := d.drafts[:0:0]
	last := 0
	for _, g := range named {
		kept = append(kept, d.drafts[last:g.from]...)
		last = g.to
		f := d.drafts[g.from]
		f.named, f.path = f.path[len(f.path)-1], f.path[:len(f.path)-1]
		f.lead = span{}
		d.links[f.link].verdict = verdict{entry: true, rule: ruleNamed}
		for _, other := range d.drafts[g.from+1 : g.to] {
			d.links[other.link].verdict = verdict{rule: rulePlace}
			f.also = append(append(f.also, other.link), other.also...)
		}
		kept = append(kept, f)
	}
	d.drafts = append(kept, d.drafts[last:]...)
}

// isPlaceDraft reports whether an entry is called by what kind of page its link leads to, or by nothing.
func (d *document) isPlaceDraft(f *draft) bool {
	if len(f.path) == 0 {
		return false
	}
	if lead := strings.TrimRight(d.plain(f.lead), " :："); isPlace(lead) && hasWord(lead) {
		return true // "Repository: [owner/name](…)", or a cell before the link's
	}
	if f.named != "" {
		return isPlace(f.named)
	}
	return isPlace(d.plain(f.title))
}
