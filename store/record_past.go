package store

import (
	"fmt"
	"time"

	"linkletter/feed"
	"linkletter/feed/curated"
)

// Past is an entry of a list whose history is known when it is checked first.
type Past struct {
	curated.Known        // as the history left it; Ref counts for nothing
	IDKey         string // what its id is minted of (feed.EntryID)
	Origin        feed.Origin
	Published     time.Time // unique in the list
	Updated       time.Time // likewise
	Silent        bool      // never to stand in a feed
}

// past stores what a list's history left: its entries with their dates, and, as tombstones, those that left it.
func (r *recorder) past() error {
	refs := make([]int64, len(r.Past))
	position := make(map[string]int, len(r.List.Entries))
	for i := range r.List.Entries {
		position[curated.CanonicalURL(r.List.Entries[i].URL)] = i
	}
	for i := range r.Past {
		p := &r.Past[i]
		state := Baseline
		if p.Silent {
			state = Silent
		}
		var err error
		refs[i], err = r.create(newRow{entry: &p.Entry, key: p.IDKey, state: state, position: position[curated.CanonicalURL(p.Entry.URL)],
			published: p.Published, updated: p.Updated, origin: p.Origin, gone: p.Gone})
		if err != nil {
			return fmt.Errorf("entry %q: %w", p.Entry.Title, err)
		}
		if p.Gone { // it makes no room in the feeds of its sections either
			if err := r.place(refs[i], r.stillThere(p.Entry.Sections)); err != nil {
				return err
			}
			continue
		}
		if err := r.change(refs[i], feed.ChangeAdded, nil, nil); err != nil {
			return err
		}
		if err := r.place(refs[i], p.Entry.Sections); err != nil {
			return err
		}
	}
	return r.pastKeys(refs)
}

// stillThere is what the list still has of sections: they themselves, or what stood above them.
func (r *recorder) stillThere(paths [][]string) [][]string {
	var out [][]string
	for _, path := range paths {
		for len(path) > 0 && r.sections[pathKey(path)] == 0 {
			path = path[:len(path)-1]
		}
		if len(path) > 0 {
			out = append(out, path)
		}
	}
	return out
}

// pastKeys stores the addresses under which the entries of a history stood. An address belongs to whom it was passed on to:
// to the one that stands there, or else stood there last.
func (r *recorder) pastKeys(refs []int64) error {
	for _, turn := range []func(p *Past, last bool) bool{
		func(_ *Past, last bool) bool { return !last },
		func(p *Past, last bool) bool { return last && p.Gone },
		func(p *Past, last bool) bool { return last && !p.Gone },
	} {
		for i := range r.Past {
			p := &r.Past[i]
			for j, key := range p.Keys {
				if !turn(p, j == len(p.Keys)-1) {
					continue
				}
				err := r.exec(`INSERT INTO entry_key (list, key, entry, added) VALUES (?, ?, ?, ?)
					ON CONFLICT DO UPDATE SET entry = excluded.entry, added = excluded.added`, r.list, key, refs[i], p.Published.Unix()+int64(j))
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}
