package curated

import "slices"

// Known is an entry as the caller remembers it, standing in the list or gone from it.
type Known struct {
	// Ref is the caller's own name for it; Diff only hands it back.
	Ref int64
	// Entry is how it was last seen.
	Entry Entry
	// Keys are the canonical URLs it has stood under, the first one first.
	Keys []string
	// Gone says that it left the list (a tombstone).
	Gone bool
	// Held says that it was found by a reading that is held: nobody was told of it, so nobody misses it.
	Held bool
}

// Match is one entry of the list after, and what is known of it.
type Match struct {
	Entry Entry
	// Known is nil for a resource never seen before.
	Known *Known
	// What names the parts that changed, in this order: title, url, summary, section. Empty: nothing a reader would see.
	What []string
}

// New reports whether the resource was never seen before.
func (m Match) New() bool { return m.Known == nil }

// Returned reports whether the resource had left the list and stands in it again.
func (m Match) Returned() bool { return m.Known != nil && m.Known.Gone }

// Changes is what one reading of a list changed.
type Changes struct {
	// Entries has one Match per entry of the list after, in its order. Two entries that are known as one resource, because
	// it once moved from the one address to the other, are one Match with the sections of both.
	Entries []Match
	// Removed are those that stood before and do not stand now.
	Removed []Known
}

// Added gives the entries never seen before.
func (c *Changes) Added() []Entry {
	var out []Entry
	for i := range c.Entries {
		if c.Entries[i].New() {
			out = append(out, c.Entries[i].Entry)
		}
	}
	return out
}

// Changed gives the entries that stood before and of which something changed that a reader would see.
func (c *Changes) Changed() []Match {
	var out []Match
	for _, m := range c.Entries {
		if !m.New() && !m.Returned() && len(m.What) > 0 {
			out = append(out, m)
		}
	}
	return out
}

// Remember makes what is known of a list after its first reading. Ref counts the entries from 1.
func Remember(l *List) []Known {
	out := make([]Known, len(l.Entries))
	for i, e := range l.Entries {
		out[i] = Known{Ref: int64(i + 1), Entry: e, Keys: []string{CanonicalURL(e.URL)}}
	}
	return out
}

// Diff tells what changed from what is known of a list to its next reading. An entry is known by its address, or, where
// the old address is gone in this same reading, by what else names it: see moves. It takes time linear in both.
func Diff(known []Known, after *List) *Changes {
	d := newDiffer(known, after)
	d.byAddress()
	d.byName()
	return d.changes()
}

// differ is one comparison.
type differ struct {
	known []Known
	after []Entry
	keys  []string // the canonical URLs of after
	match []int    // for each entry of after the index of what is known, or -1
	stays []bool   // for each known, whether it was found again
}

func newDiffer(known []Known, after *List) *differ {
	d := &differ{
		known: known, after: after.Entries,
		keys: make([]string, len(after.Entries)), match: make([]int, len(after.Entries)), stays: make([]bool, len(known)),
	}
	for i := range d.after {
		d.keys[i], d.match[i] = CanonicalURL(d.after[i].URL), -1
	}
	return d
}

// byAddress matches the entries that stand under an address known for them. Where one address is known for two resources,
// the one that stood under it last, and has not left, has it.
func (d *differ) byAddress() {
	at := make(map[string]int, len(d.known))
	for i := range d.known {
		k := &d.known[i]
		for j, key := range k.Keys {
			old, taken := at[key]
			if !taken || d.known[old].Gone && !k.Gone || d.known[old].Gone == k.Gone && j == len(k.Keys)-1 {
				at[key] = i
			}
		}
	}
	for i, key := range d.keys {
		if k, ok := at[key]; ok {
			d.match[i] = k
			d.stays[k] = true
		}
	}
}

// byName matches what is left: an entry whose address is new with one that stood before and whose address is gone.
func (d *differ) byName() {
	for _, by := range moves {
		gone := make(map[string][]int)
		for i := range d.known {
			if k := &d.known[i]; !k.Gone && !d.stays[i] {
				if n := by.left(&k.Entry); n != "" {
					gone[n] = append(gone[n], i)
				}
			}
		}
		if len(gone) == 0 {
			continue
		}
		for i := range d.after {
			if d.match[i] >= 0 {
				continue
			}
			e := &d.after[i]
			n := by.came(e)
			if n == "" || len(gone[n]) == 0 {
				continue
			}
			at := d.nearest(gone[n], e)
			k := gone[n][at]
			copy(gone[n][1:at+1], gone[n][:at]) // what stood before it moves up
			gone[n] = gone[n][1:]
			d.match[i], d.stays[k] = k, true
		}
	}
}

// maxSame is how many of one name are looked at.
const maxSame = 256

// nearest picks among several of one name the one that shares a section with the entry, or else the first.
func (d *differ) nearest(of []int, e *Entry) int {
	for at, k := range of[:min(len(of), maxSame)] {
		for _, p := range d.known[k].Entry.Sections {
			for _, q := range e.Sections {
				if samePath(p, q) {
					return at
				}
			}
		}
	}
	return 0
}

// changes makes the result.
func (d *differ) changes() *Changes {
	out := &Changes{Entries: make([]Match, 0, len(d.after))}
	first := make(map[int]int)
	paths := d.newPaths()
	for i, e := range d.after {
		k := d.match[i]
		if k < 0 {
			out.Entries = append(out.Entries, Match{Entry: e})
			continue
		}
		if at, twice := first[k]; twice {
			m := &out.Entries[at].Entry
			m.Sections = slices.Clone(m.Sections)
			for _, p := range e.Sections {
				m.addSection(p)
			}
			continue
		}
		first[k] = len(out.Entries)
		m := Match{Entry: e, Known: &d.known[k]}
		m.What = d.what(&m, d.keys[i], paths)
		out.Entries = append(out.Entries, m)
	}
	for i := range d.known {
		if k := &d.known[i]; !k.Gone && !d.stays[i] {
			out.Removed = append(out.Removed, *k)
		}
	}
	return out
}

// Report is the form of Changes that programs read; no array of it is null.
type Report struct {
	Added   []Entry  `json:"added"`
	Removed []Entry  `json:"removed"`
	Changed []Change `json:"changed"`
}

// Change is an entry before and after, and what changed of it.
type Change struct {
	Before Entry    `json:"before"`
	After  Entry    `json:"after"`
	What   []string `json:"what"`
}

// Report gives the changes in the form that programs read.
func (c *Changes) Report() Report {
	r := Report{Added: []Entry{}, Removed: []Entry{}, Changed: []Change{}}
	r.Added = append(r.Added, c.Added()...)
	for i := range c.Removed {
		r.Removed = append(r.Removed, c.Removed[i].Entry)
	}
	for _, m := range c.Changed() {
		r.Changed = append(r.Changed, Change{Before: m.Known.Entry, After: m.Entry, What: m.What})
	}
	return r
}
