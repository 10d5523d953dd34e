package check

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"linkletter/cmd/internal/source"
	"linkletter/feed"
	"linkletter/feed/curated"
)

// Past is what the history of a list left.
type Past struct {
	// List is the list as of the newest revision that was taken in; nil where there is none.
	List *curated.List
	// Entries are all that ever stood in it: what stands, in the order of the list, and then what left.
	Entries []PastEntry
	// Began is the commit that brought the first entries.
	Began feed.Origin
	// Head is the newest revision, taken in or not; nil where there is none.
	Head *source.Revision
	// LeftOut are the revisions that were not taken in, oldest first, and Holds those of which the guard would hold what
	// they added.
	LeftOut, Holds []PastRevision
	// Shallow is the commit with which a shallow clone begins, where the list stands in that one already: what it holds may
	// be older, and nobody here can tell. Its Commit is empty for a whole history.
	Shallow feed.Origin
}

// PastRevision is a revision, and what is to be said of it to people.
type PastRevision struct {
	feed.Origin
	Reason string
}

// PastEntry is an entry and where it came from. Its first key is the one that it was brought with.
type PastEntry struct {
	curated.Known
	Origin feed.Origin // the commit that brought it
	// Published is the newest second not after the commit that no other date of the list has. Entries of one revision are
	// given theirs in the order of the list, so that readers sort them as the list does.
	Published time.Time
	// Updated is when its title, address or summary changed last, or Published.
	Updated time.Time
	// IDKey is what feed.EntryID mints its id of: its first key, told apart from that of another entry of the same day that
	// it was passed on from.
	IDKey string
	// First says that it stood in the first revision that had entries, Silent that it was never news (its commit asks so, or
	// it stood in the list before as a further place of another entry), Held that the guard would hold the revision that
	// brought it.
	First, Silent, Held bool
}

// News reports whether the entry was announced.
func (e *PastEntry) News() bool { return !e.First && !e.Silent && !e.Held }

// Replay takes in the revisions of a list, oldest first, as a check of each would have. Links resolve against page; where
// that is nil, against each file's own. A commit of a later date than now has a clock that is ahead: up to a day counts as
// now; what is further ahead is no date, and the commit has that of the one before it, so that the next replay gives it the
// same.
//
// Memory does not grow with the number of revisions, but with that of the entries that ever stood in the list. An error of
// the sequence ends the replay.
func Replay(ctx context.Context, revisions iter.Seq2[*source.Revision, error], guard curated.Guard, page *url.URL, now time.Time) (*Past, error) {
	r := &replay{guard: guard, page: page, now: now, before: time.Unix(0, 0).UTC(), born: map[int64]*PastEntry{}, ids: map[string]bool{}}
	for rev, err := range revisions {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		r.next(rev)
	}
	known := r.memory.Known()
	r.past.Entries = make([]PastEntry, len(known))
	for i, k := range known {
		e := r.born[k.Ref]
		e.Known = k
		r.past.Entries[i] = *e
	}
	return &r.past, nil
}

// replay is one Replay under way.
type replay struct {
	guard  curated.Guard
	page   *url.URL
	now    time.Time
	past   Past
	reader curated.Reader
	memory curated.Memory
	dates  feed.Dates
	files  []curated.File       // of the revision taken in last
	before time.Time            // the date of the revision before
	born   map[int64]*PastEntry // by Known.Ref; their Known is filled in at the end
	ids    map[string]bool      // the days and keys that ids are made of
}

// next takes a revision in, or notes down why not.
func (r *replay) next(rev *source.Revision) {
	r.past.Head = rev
	at := feed.Origin{Commit: rev.Commit, By: rev.Author, Link: rev.Link, Date: r.date(rev)}
	if rev.Shallow {
		r.past.Shallow = at
	}
	if rev.TooLarge != nil {
		r.leaveOut(at, rev.TooLarge)
		return
	}
	if slices.EqualFunc(rev.Files, r.files, curated.File.Same) {
		return
	}
	files, err := legible(rev.Files, r.page)
	if err != nil && !errors.Is(err, curated.ErrEmpty) {
		r.leaveOut(at, err)
		return
	}
	list := r.reader.Read(files)
	if stood := len(r.born) > 0; len(list.Entries) > 0 {
		r.take(at, list, rev.Silent())
	} else if stood {
		r.leaveOut(at, fmt.Errorf("no entries were found where %d stood", len(r.past.List.Entries)))
		return
	}
	r.past.List, r.files = list, rev.Files
}

func (r *replay) leaveOut(at feed.Origin, why error) {
	r.past.LeftOut = append(r.past.LeftOut, PastRevision{at, why.Error()})
}

// take compares a reading with all earlier ones, and dates what it brought.
func (r *replay) take(at feed.Origin, list *curated.List, silent bool) {
	first := len(r.born) == 0
	if first {
		r.past.Began = at
	}
	changes, holds := r.memory.Next(list, r.guard)
	held := ""
	for _, h := range holds {
		if h.Kind == curated.HoldAdded && !silent {
			held = h.Reason
			r.past.Holds = append(r.past.Holds, PastRevision{at, h.Reason})
		}
	}
	stands := r.memory.Stands()
	for i, m := range changes.Entries {
		ref := stands[i].Ref
		e := r.born[ref]
		switch {
		case e == nil, e.Held && m.Returned(): // nobody was told of the latter, so nobody knows it
			e = &PastEntry{Origin: at, Published: r.dates.Give(at.Date), First: first, Silent: silent || m.Split, Held: held != ""}
			e.Updated = e.Published
			e.IDKey = r.idKey(e.Published, curated.CanonicalURL(m.Entry.URL))
			r.born[ref] = e
		case curated.Substance(m.What) && !silent && at.Date.After(e.Updated):
			if t := r.dates.Give(at.Date); t.After(e.Updated) {
				e.Updated = t
			}
		}
	}
}

// idKey tells entries apart that an address was passed on between within a day.
func (r *replay) idKey(published time.Time, key string) string {
	day := published.Format(time.DateOnly) + " "
	unique := strings.Clone(key) // it must not hold on to the list's text
	for n := 2; r.ids[day+unique]; n++ {
		unique = fmt.Sprintf("%s %d", key, n)
	}
	r.ids[day+unique] = true
	return unique
}

// ahead is how much a commit's clock may be ahead.
const ahead = 24 * time.Hour

// date is a commit's date, which is whatever somebody's clock said.
func (r *replay) date(rev *source.Revision) time.Time {
	d := rev.Date
	if d.After(r.now.Add(ahead)) {
		d = r.before
	} else if d.After(r.now) {
		d = r.now
	}
	r.before = d
	return d.UTC().Truncate(time.Second)
}
