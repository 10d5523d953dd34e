package curated

import "slices"

// Diff tells what changed from what is known of a list to its next reading. An entry is known by its address, or, where
// the old address is gone in this same reading, by what else names it: see moves. It takes time linear in both.
func Diff(known []Known, after *List) *Changes {
	all := make([]*Known, len(known))
	for i := range known {
		all[i] = &known[i]
	}
	return newDiffer(all, after).diff()
}

// diff makes the comparison.
func (d *differ) diff() *Changes {
	d.byAddress()
	d.passedOn()
	d.byNames()
	d.splitOff()
	return d.changes()
}

// differ is one comparison.
type differ struct {
	known  []*Known
	stand  int // how many of them, the first ones, have a newest key that no other of these has; 0 where that is not known
	after  []Entry
	keys   []string        // the canonical URLs of after
	match  []int           // for each entry of after the index of what is known, or -1
	stays  []bool          // for each known, whether it was found again
	titles map[string]bool // of all that is known, once they were asked for
	moved  map[int]int     // for a known that left its address to another, the index of the entry that it is now
	// returnNames gives what a known that is gone is called by one of returns.
	returnNames func(known, way int) []string
}

func newDiffer(known []*Known, after *List) *differ {
	d := &differ{
		known: known, after: after.Entries, keys: after.canonicalURLs(),
		match: make([]int, len(after.Entries)), stays: make([]bool, len(known)), moved: make(map[int]int),
	}
	for i := range d.match {
		d.match[i] = -1
	}
	d.returnNames = func(i, way int) []string { return returns[way].names(&d.known[i].Entry, returns[way].left) }
	return d
}

// keyed reports whether a list has its canonical URLs still, which no two entries share then.
func (l *List) keyed() bool { return l.keys != nil && len(l.keys) == len(l.Entries) }

// canonicalURLs gives those of the entries of a list.
func (l *List) canonicalURLs() []string {
	if l.keyed() {
		return l.keys
	}
	keys := make([]string, len(l.Entries))
	for i := range l.Entries {
		keys[i] = CanonicalURL(l.Entries[i].URL)
	}
	return keys
}

// byAddress matches the entries that stand under an address known for them. Where one address is known for two resources,
// the one that stood under it last, and has not left, has it.
func (d *differ) byAddress() {
	d.inOrder()
	asked := 0
	for _, k := range d.match {
		if k < 0 {
			asked++
		}
	}
	if asked == 0 {
		return
	}
	at := make(map[string]int, asked)
	for i, key := range d.keys {
		if d.match[i] < 0 {
			at[key] = -1
		}
	}
	for i, k := range d.known {
		for j, key := range k.Keys {
			old, asked := at[key]
			if asked && (old < 0 || d.known[old].Gone && !k.Gone || d.known[old].Gone == k.Gone && j == len(k.Keys)-1) {
				at[key] = i
			}
		}
	}
	for i, key := range d.keys {
		if d.match[i] < 0 && at[key] >= 0 {
			d.match[i] = at[key]
			d.stays[at[key]] = true
		}
	}
}

// maxSkip is how many entries may have come or left between two that stand side by side.
const maxSkip = 4

// inOrder matches the entries that stand in the order in which they stood, under their newest address: nearly all of nearly
// every reading. Nobody else can have that address.
func (d *differ) inOrder() {
	for i, k := 0, 0; i < len(d.keys) && k < d.stand; i, k = i+1, k+1 {
		for n := 0; n <= maxSkip; n++ {
			if d.stoodUnder(k, i+n) {
				i += n
				break
			}
			if d.stoodUnder(k+n, i) {
				k += n
				break
			}
		}
		if d.stoodUnder(k, i) {
			d.match[i], d.stays[k] = k, true
		}
	}
}

// stoodUnder reports whether one of the known stood last under the address of an entry.
func (d *differ) stoodUnder(known, entry int) bool {
	if known >= d.stand || entry >= len(d.keys) {
		return false
	}
	keys := d.known[known].Keys
	return keys[len(keys)-1] == d.keys[entry]
}

// passedOn takes back a match by address where the address was passed on: a resource never heard of stands there, and
// the one known from it stands elsewhere, with its title and its text, in its section.
func (d *differ) passedOn() {
	came := make(map[string]int)
	for i := range d.after {
		if e := &d.after[i]; d.match[i] < 0 && e.Summary != "" {
			for _, n := range namesIn(e, titleName) {
				came[n] = i
			}
		}
	}
	if len(came) == 0 {
		return
	}
	places := make([]int, len(d.known))
	for _, k := range d.match {
		if k >= 0 {
			places[k]++
		}
	}
	for i, at := range d.match {
		if at < 0 || d.known[at].Gone || places[at] > 1 || d.after[i].Title == d.known[at].Entry.Title {
			continue
		}
		k := &d.known[at].Entry
		for _, n := range namesIn(k, titleName) {
			j, ok := came[n]
			if ok && d.match[j] < 0 && sameText(k.Summary, d.after[j].Summary) && !sameText(k.Summary, d.after[i].Summary) {
				d.passOn(i, j)
				break
			}
		}
	}
}

// passOn gives what is known of the entry from to the entry to, if what stands at its address now was never heard of.
// One that stood there before, as a further place, is split off.
func (d *differ) passOn(from, to int) {
	at, title := d.match[from], titleName(&d.after[from])
	if slices.ContainsFunc(d.known[at].Entry.Also, func(also string) bool { return titleKey(also) == title }) {
		d.match[to], d.moved[at] = at, to
		return
	}
	if d.titles == nil {
		d.titles = d.knownTitles()
	}
	if title != "" && !d.titles[title] {
		d.match[from], d.match[to] = -1, at
	}
}

// knownTitles are the titles of all that is known.
func (d *differ) knownTitles() map[string]bool {
	out := make(map[string]bool, len(d.known))
	for i := range d.known {
		e := &d.known[i].Entry
		out[titleName(e)] = true
		for _, title := range e.Also {
			out[titleKey(title)] = true
		}
	}
	return out
}

// byNames matches what is left: entries whose address is new with those that stood before and whose address is gone, and
// then with those that left earlier.
func (d *differ) byNames() {
	var left, gone, came []int
	for i := range d.known {
		if d.known[i].Gone {
			gone = append(gone, i)
		} else if !d.stays[i] {
			left = append(left, i)
		}
	}
	for i, k := range d.match {
		if k < 0 {
			came = append(came, i)
		}
	}
	for i := range moves {
		m := &moves[i]
		d.byName(m, left, came, func(known int) []string { return m.names(&d.known[known].Entry, m.left) })
	}
	d.byRelated(left, came)
	for i := range returns {
		d.byName(&returns[i], gone, came, func(known int) []string { return d.returnNames(known, i) })
	}
}

// byRelated matches what is left of the entries that came with one that is gone and had their address as a further link:
// another link of its item is the main one now.
func (d *differ) byRelated(left, came []int) {
	at := make(map[string]int)
	for _, i := range left {
		if d.stays[i] {
			continue
		}
		for _, l := range d.known[i].Entry.Related {
			key := CanonicalURL(l.URL)
			if _, taken := at[key]; !taken {
				at[key] = i
			}
		}
	}
	for _, i := range came {
		if d.match[i] >= 0 || len(at) == 0 {
			continue
		}
		if k, ok := at[d.keys[i]]; ok && !d.stays[k] {
			d.match[i], d.stays[k] = k, true
		}
	}
}

// byName matches entries that came with those known, some of which may be matched already. Several of one name are
// matched in their order. names gives what a known one is called.
func (d *differ) byName(m *move, known, came []int, names func(known int) []string) {
	if len(known) == 0 {
		return
	}
	queues := make(map[string][]int)
	for _, i := range came {
		if d.match[i] < 0 {
			for _, n := range m.names(&d.after[i], m.came) {
				queues[n] = append(queues[n], i)
			}
		}
	}
	if m.alone {
		d.dropShared(m, queues, known)
	}
	if len(queues) == 0 {
		return
	}
	for _, i := range known {
		if d.stays[i] {
			continue
		}
		k := &d.known[i].Entry
		for _, n := range names(i) {
			q := queues[n]
			for len(q) > 0 && d.match[q[0]] >= 0 {
				q = q[1:]
			}
			queues[n] = q
			if len(q) > 0 && (m.unless == nil || !m.unless(k, &d.after[q[0]])) {
				d.match[q[0]], d.stays[i] = i, true
				break
			}
		}
	}
}

// dropShared drops the names that one of the known entries has, but that others in the list before or after have too.
func (d *differ) dropShared(m *move, queues map[string][]int, known []int) {
	type count struct{ before, after int }
	counts := make(map[string]count)
	for _, i := range known {
		for _, n := range m.names(&d.known[i].Entry, m.left) {
			if len(queues[n]) > 0 {
				counts[n] = count{}
			}
		}
	}
	if len(counts) == 0 {
		clear(queues)
		return
	}
	for i := range d.known {
		if d.known[i].Gone {
			continue
		}
		for _, n := range m.names(&d.known[i].Entry, m.left) {
			if c, ok := counts[n]; ok {
				counts[n] = count{c.before + 1, c.after}
			}
		}
	}
	for i := range d.after {
		for _, n := range m.names(&d.after[i], m.came) {
			if c, ok := counts[n]; ok {
				counts[n] = count{c.before, c.after + 1}
			}
		}
	}
	for n, c := range counts {
		if c.before > 1 || c.after > 1 {
			delete(queues, n)
		}
	}
}

// splitOff matches an entry that came with the known one whose address it shared before, under a title that is not at that
// address any more: the address was a mistake.
func (d *differ) splitOff() {
	shared := make(map[string]int)
	for i, k := range d.match {
		if k < 0 || d.known[k].Gone {
			continue
		}
		was, is := &d.known[k].Entry, &d.after[i]
		if len(was.Also) == 0 || CanonicalURL(was.URL) != d.keys[i] {
			continue
		}
		for _, title := range append([]string{was.Title}, was.Also...) {
			if title != is.Title && !slices.Contains(is.Also, title) {
				shared[titleKey(title)] = k
			}
		}
	}
	if len(shared) == 0 {
		return
	}
	for i, k := range d.match {
		if k >= 0 {
			continue
		}
		n := titleName(&d.after[i])
		if at, ok := shared[n]; ok {
			d.match[i] = at
			delete(shared, n)
		}
	}
}

// changes makes the result.
func (d *differ) changes() *Changes {
	out := &Changes{Entries: make([]Match, len(d.after))}
	heirs := d.heirs()
	paths := &pathSets{differ: d}
	for i := range d.after {
		m := &out.Entries[i]
		m.Entry = d.after[i]
		switch k := d.match[i]; {
		case k < 0:
		case heirs[k] != i:
			m.Split = true
		default:
			m.Known = d.known[k]
			m.What = changedParts(m, d.keys[i], paths)
		}
	}
	for i := range d.known {
		if k := d.known[i]; !k.Gone && !d.stays[i] {
			out.Removed = append(out.Removed, *k)
		}
	}
	return out
}

// heirs gives for each known the index of the entry that it is now, or -1. Where several are known from it, they are as
// many resources after all: it is the one at the address where it stood last, or else the first.
func (d *differ) heirs() []int {
	heirs := make([]int, len(d.known))
	for i := range heirs {
		heirs[i] = -1
	}
	for i, k := range d.match {
		switch {
		case k < 0:
		case heirs[k] < 0:
			heirs[k] = i
		case CanonicalURL(d.known[k].Entry.URL) == d.keys[i]:
			heirs[k] = i
		}
	}
	for k, i := range d.moved {
		heirs[k] = i
	}
	return heirs
}
