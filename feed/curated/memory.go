package curated

import (
	"slices"
	"strings"
)

// Memory is what the readings of a list so far have left: the entries that stand, those that left, and every address that
// each has stood under. The zero value has seen nothing. It serves where no store remembers, one goroutine at
// a time.
type Memory struct {
	stand    []Known // in the order of the list
	gone     []*tombstone
	distinct bool // no two of those that stand have the same newest key
	last     Counts
	readings int
}

// tombstone is an entry that left.
type tombstone struct {
	Known
	names [][]string // what it is called by each of returns
}

// Known gives all that is remembered: what stands, in the order of the list, and then what left.
func (m *Memory) Known() []Known {
	out := slices.Grow(slices.Clone(m.stand), len(m.gone))
	for _, t := range m.gone {
		out = append(out, t.Known)
	}
	return out
}

// Stands gives what Known begins with: what stands, in the order of the list, which is that of Changes.Entries. It is not to
// be changed.
func (m *Memory) Stands() []Known { return m.stand }

// Next compares the next reading with all earlier ones, gives the reasons for which the guard would hold it, and
// remembers it. All of the first reading that has entries is new, and nothing of it is held.
func (m *Memory) Next(l *List, g Guard) (*Changes, []Hold) {
	known := make([]*Known, 0, len(m.stand)+len(m.gone))
	for i := range m.stand {
		known = append(known, &m.stand[i])
	}
	for _, t := range m.gone {
		known = append(known, &t.Known)
	}
	d := newDiffer(known, l)
	if m.distinct {
		d.stand = len(m.stand)
	}
	d.returnNames = func(i, way int) []string { return m.gone[i-len(m.stand)].names[way] }
	c := d.diff()
	var holds []Hold
	if len(known) > 0 {
		holds = g.Judge(m.last, l, c)
	}
	m.remember(c, d.keys)
	m.distinct = l.keyed()
	m.readings++
	m.last = Counts{Entries: len(l.Entries), Links: l.Links}
	return c, holds
}

// remember takes the changes in; keys are the canonical URLs of the entries. What left keeps its place after what stands,
// so that the order is that of the list.
func (m *Memory) remember(c *Changes, keys []string) {
	ref := int64(len(m.stand) + len(m.gone))
	stand := make([]Known, len(c.Entries))
	back := make(map[int64]bool)
	for i := range c.Entries {
		e, k := &c.Entries[i], &stand[i]
		if e.New() {
			ref++
			// What is remembered for good must not hold on to the text that it was read from.
			k.Ref, k.Keys, k.Since = ref, []string{strings.Clone(keys[i])}, m.readings
		} else {
			k.Ref, k.Keys, k.Since, k.Held = e.Known.Ref, addKey(e.Known.Keys, keys[i]), e.Known.Since, e.Known.Held
			if e.Known.Gone {
				back[k.Ref] = true
			}
		}
		k.Entry = e.Entry
	}
	if len(back) > 0 || len(c.Removed) > 0 {
		gone := make([]*tombstone, 0, len(m.gone)+len(c.Removed))
		for i := range c.Removed {
			gone = append(gone, newTombstone(c.Removed[i]))
		}
		for _, t := range m.gone {
			if !back[t.Ref] {
				gone = append(gone, t)
			}
		}
		m.gone = gone
	}
	m.stand = stand
}

// newTombstone makes the tombstone of an entry that stood so far.
func newTombstone(k Known) *tombstone {
	k.Entry, k.Gone = k.Entry.detached(), true
	t := &tombstone{Known: k}
	for i := range returns {
		t.names = append(t.names, returns[i].names(&k.Entry, returns[i].left))
	}
	return t
}

// addKey makes a key the newest; see Known.Keys. What was given out before is not written into.
func addKey(keys []string, key string) []string {
	n := len(keys)
	if n > 0 && keys[n-1] == key {
		return keys
	}
	out := make([]string, 0, n+1)
	for i, k := range keys {
		if i == 0 || k != key && k != keys[0] {
			out = append(out, k)
		}
	}
	return append(out, strings.Clone(key))
}

// detached gives a copy of an entry that does not hold on to the text that it was read from.
func (e Entry) detached() Entry {
	for _, s := range [...]*string{&e.Title, &e.URL, &e.Summary, &e.SummaryHTML, &e.Quote, &e.QuoteHTML, &e.Byline, &e.Publication, &e.Duration, &e.Date} {
		*s = strings.Clone(*s)
	}
	e.Also, e.Marks, e.Sections, e.Related = cloneAll(e.Also), cloneAll(e.Marks), slices.Clone(e.Sections), slices.Clone(e.Related)
	for i := range e.Sections {
		e.Sections[i] = cloneAll(e.Sections[i])
	}
	for i, l := range e.Related {
		e.Related[i] = Link{strings.Clone(l.Title), strings.Clone(l.URL)}
	}
	return e
}

// cloneAll gives a copy of strings.
func cloneAll(all []string) []string {
	out := slices.Clone(all)
	for i, s := range out {
		out[i] = strings.Clone(s)
	}
	return out
}
