package feed

import "time"

// Origin is the commit that brought an entry, where the list is in git.
type Origin struct {
	Commit string // the full hash; empty: not known
	By     string // the author's name, as git has it
	Link   string // where people read the commit; empty: not known
	Date   time.Time
}

// Name is By as one line of text that can stand in any page, mail or feed: git lets people call themselves anything.
func (o Origin) Name() string { return cleanText(o.By, maxTitle) }

// Dates gives every entry of a list a date of its own. The zero value works.
type Dates struct {
	taken map[int64]int64 // a second that is in use, and a second before it from where on to look for a free one
}

// Take keeps a date from being given.
func (d *Dates) Take(t time.Time) {
	if d.taken == nil {
		d.taken = make(map[int64]int64)
	}
	if at := t.Unix(); d.taken[at] == 0 {
		d.taken[at] = at - 1
	}
}

// Give gives the newest whole second not after t that is free, and takes it.
func (d *Dates) Give(t time.Time) time.Time {
	at := t.Unix()
	for free := at; ; {
		next, taken := d.taken[free]
		if !taken {
			at = free
			break
		}
		free = next
	}
	d.Take(time.Unix(at, 0))
	for from := t.Unix(); from > at; { // those after this look where it ended
		next := d.taken[from]
		d.taken[from] = at - 1
		from = next
	}
	return time.Unix(at, 0).UTC()
}
