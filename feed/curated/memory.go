package curated

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
// remembers it. All of the first reading that has entries is new, and nothing of it is held.
func (m *Memory) Next(l *List, g Guard) (*Changes, []Hold) {
	c := Diff(m.known, l)
	var holds []Hold
	if len(m.known) > 0 {
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
		k.Keys = addKey(k.Keys, key)
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
	return append(out, key)
}
