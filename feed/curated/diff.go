package curated

import "slices"

// Known is an entry as the caller remembers it, standing in the list or gone from it.
type Known struct {
	// Ref is the caller's own name for it; Diff only hands it back.
	Ref int64
	// Entry is how it was last seen.
	Entry Entry
	// Keys are the canonical URLs it has stood under: the very first one first, for it names the entry for good, and the
	// newest one last. One that is both stands at both ends, so that their number is bounded by that of the addresses.
	Keys []string
	// Gone says that it left the list (a tombstone).
	Gone bool
	// Held says that it was found by a reading that is held: nobody was told of it, so nobody misses it.
	Held bool
	// Since is the reading that brought it, where a Memory remembers: its first one is 0.
	Since int
}

// Match is one entry of the list after, and what is known of it.
type Match struct {
	Entry Entry
	// Known is nil for a resource never seen before.
	Known *Known
	// What names the parts that changed, in this order: title, url, summary, section. Empty: nothing a reader would see.
	What []string
	// Split says that nothing is known of it by itself, for it stood in the list before as a further place of another
	// resource: it is to be remembered from now on, but is no news.
	Split bool
}

// New reports whether nothing was known of the resource by itself.
func (m Match) New() bool { return m.Known == nil }

// News reports whether the resource was never seen before.
func (m Match) News() bool { return m.New() && !m.Split }

// Returned reports whether the resource had left the list and stands in it again.
func (m Match) Returned() bool { return m.Known != nil && m.Known.Gone }

// Substance reports whether a change of these parts is one that a reader should hear of (RFC 4287, section 4.2.15): all but
// another section.
func Substance(what []string) bool {
	return slices.ContainsFunc(what, func(w string) bool { return w != "section" })
}

// Changes is what one reading of a list changed.
type Changes struct {
	// Entries has one Match per entry of the list after, in its order.
	Entries []Match
	// Removed are those that stood before and do not stand now.
	Removed []Known
}

// Added gives the entries never seen before.
func (c *Changes) Added() []Entry {
	var out []Entry
	for i := range c.Entries {
		if c.Entries[i].News() {
			out = append(out, c.Entries[i].Entry)
		}
	}
	return out
}

// Changed gives the entries that stood before and of which something changed that a reader would see.
func (c *Changes) Changed() []Match {
	var out []Match
	for i := range c.Entries {
		if m := &c.Entries[i]; !m.New() && !m.Returned() && len(m.What) > 0 {
			out = append(out, *m)
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
