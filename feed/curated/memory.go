package curated

import "slices"

// Memory is what the readings of a list so far have left: the entries that stand, those that left, and every address that
// each has stood under. The zero value has seen nothing. It serves where no store remembers.
type Memory struct {
	known    []Known
	last     Counts
	readings int
}

// Known gives all that is remembered: what stands, in the order of the list, and then what left. It is not to be changed.
func (m *Memory) Known() []Known { return m.known }

// Next compares the next reading with all earlier ones, gives the reasons for which the guard would hold it, and
// remembers it. Of the first reading, all is new and nothing is held.
func (m *Memory) Next(l *List, g Guard) (*Changes, []Hold) {
	c := Diff(m.known, l)
	var holds []Hold
	if m.readings > 0 {
		holds = g.Judge(m.last, l, c)
	}
	m.remember(c)
	m.readings++
	m.last = Counts{Entries: len(l.Entries), Links: l.Links}
	return c, holds
}

// remember takes the changes in. What left keeps its place after what stands, so that the order is that of the list.
func (m *Memory) remember(c *Changes) {
	next := make([]Known, 0, len(m.known)+len(c.Entries))
	stands := make(map[int64]bool, len(c.Entries))
	ref := int64(len(m.known))
	for _, e := range c.Entries {
		key := CanonicalURL(e.Entry.URL)
		if e.New() {
			ref++
			next = append(next, Known{Ref: ref, Entry: e.Entry, Keys: []string{key}, Since: m.readings})
			continue
		}
		k := *e.Known
		stands[k.Ref] = true
		k.Entry, k.Gone = e.Entry, false
		// The newest address is the last one.
		if i := slices.Index(k.Keys, key); i < 0 || i < len(k.Keys)-1 {
			k.Keys = append(slices.DeleteFunc(slices.Clone(k.Keys), func(old string) bool { return old == key }), key)
		}
		next = append(next, k)
	}
	for _, k := range m.known {
		if !stands[k.Ref] {
			k.Gone = true
			next = append(next, k)
		}
	}
	m.known = next
}
