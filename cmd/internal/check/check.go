// Package check is one check of one list, from fetch to remembered.
package check

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"linkletter/cmd/internal/source"
	"linkletter/feed/curated"
	"linkletter/store"
)

// List is a list as it is configured.
type List struct {
	ID       string
	At       source.Location
	Page     *url.URL // where people read it; nil: as the source says
	Baseline int      // entries that a new feed starts with
}

// Checker checks lists.
type Checker struct {
	Store  *store.Store
	Source *source.Source
	Tag    string // host in the ids of new entries
	Guard  curated.Guard
	Now    func() time.Time
}

// Result is what a check found.
type Result struct {
	List      string         `json:"list"`
	Baseline  bool           `json:"baseline,omitempty"` // the first check: everything is known now, nothing is news
	Unchanged bool           `json:"unchanged,omitempty"`
	Silent    bool           `json:"silent,omitempty"`    // the program reads lists differently now; what it finds by that is no news
	Revisions int            `json:"revisions,omitempty"` // of a list in git: those that were read
	Entries   int            `json:"entries"`             // standing in the list
	Believed  int            `json:"believed,omitempty"`  // held removals that stood for so many checks that they are made now
	Report    curated.Report `json:"changes"`             // all that was found
	Taken     curated.Report `json:"taken"`               // of that, what was announced, removed and changed
	Held      []curated.Hold `json:"held"`                // of this check
	Standing  []curated.Hold `json:"standing,omitempty"`  // all that is held of the list by now; the caller's to fill in
	Warnings  []string       `json:"warnings,omitempty"`  // what an operator should know
	Moved     string         `json:"moved,omitempty"`     // where the source says that it is for good
}

// newResult is what a check found that found nothing.
func newResult(list string) *Result {
	none := func() curated.Report { return (&curated.Changes{}).Report() }
	return &Result{List: list, Report: none(), Taken: none(), Held: []curated.Hold{}}
}

// holds says that something of this kind is held of the reading.
func holds(all []curated.Hold, kind curated.HoldKind) bool {
	return slices.ContainsFunc(all, func(h curated.Hold) bool { return h.Kind == kind })
}

// take fills in what of the report was taken in. silent: nothing is announced.
func (r *Result) take(silent bool) {
	switch {
	case r.Baseline || holds(r.Held, curated.HoldUnreadable):
		return
	case !silent && !holds(r.Held, curated.HoldAdded):
		r.Taken.Added = append(r.Taken.Added, r.Report.Added...)
	}
	if !holds(r.Held, curated.HoldRemoved) {
		r.Taken.Removed = append(r.Taken.Removed, r.Report.Removed...)
	}
	r.Taken.Changed = append(r.Taken.Changed, r.Report.Changed...)
}

// Check fetches a list, compares it with what is known and records what it found.
func (c *Checker) Check(ctx context.Context, l List) (*Result, error) {
	return c.check(ctx, l, c.Guard.Judge)
}

// Believe is a Check that takes even an empty list as it is: a person has looked at it. What is no Markdown is still held,
// and so is what came since and is strange in another way.
func (c *Checker) Believe(ctx context.Context, l List) (*Result, error) {
	return c.check(ctx, l, func(before curated.Counts, after *curated.List, changes *curated.Changes) []curated.Hold {
		return slices.DeleteFunc(c.Guard.Judge(before, after, changes), func(h curated.Hold) bool { return h.Kind == curated.HoldUnreadable })
	})
}

// DryRun tells what Check would find now, and stores nothing. Of a list in git, it compares the newest revision with what
// is known, as one change.
func (c *Checker) DryRun(ctx context.Context, l List) (*Result, error) {
	if l.At.Git != nil {
		return c.dryRunGit(ctx, l)
	}
	result, _, err := c.look(ctx, l, c.Guard.Judge)
	return result, err
}

type judge func(curated.Counts, *curated.List, *curated.Changes) []curated.Hold

// check checks and records. A check that another process recorded in between is looked at, and this one made again upon
// it.
func (c *Checker) check(ctx context.Context, l List, guard judge) (*Result, error) {
	for try := 0; ; try++ {
		result, err := c.once(ctx, l, guard)
		if try == 3 || !errors.Is(err, store.ErrOvertaken) {
			return result, err
		}
	}
}

func (c *Checker) once(ctx context.Context, l List, guard judge) (*Result, error) {
	if l.At.Git != nil {
		return c.checkGit(ctx, l, guard)
	}
	result, reading, err := c.look(ctx, l, guard)
	if err != nil {
		return nil, err
	}
	if result.Unchanged {
		result.Believed, err = c.Store.Unchanged(ctx, l.ID, reading.Validators, reading.Moved)
		return result, err
	}
	_, err = c.Store.Record(ctx, *reading)
	return result, err
}

// look fetches a file or an address and compares; it stores nothing.
func (c *Checker) look(ctx context.Context, l List, guard judge) (*Result, *store.Reading, error) {
	before, err := c.before(ctx, l.ID)
	if err != nil {
		return nil, nil, err
	}
	validators := before.Validators
	if before.Reader != curated.Version {
		validators = "" // what has not changed is read anew all the same
	}
	fetched, err := c.Source.Fetch(ctx, l.At, validators)
	if err != nil {
		return nil, nil, err
	}
	if fetched.Unchanged {
		result := newResult(l.ID)
		result.Unchanged, result.Entries, result.Moved = true, before.Counts.Entries, fetched.MovedTo
		return result, &store.Reading{Before: before, Validators: fetched.Validators, Moved: fetched.MovedTo}, nil
	}
	v := &version{
		files: []curated.File{{Path: l.At.String(), Bytes: fetched.Bytes, Page: fetched.Page}},
		doubt: fetched.Doubt, validators: fetched.Validators, moved: fetched.MovedTo,
	}
	if !before.Began.IsZero() || l.At.Path == "" {
		return c.compare(ctx, l, before, v, guard)
	}
	result, reading, why := c.workTree(ctx, l, v)
	if reading != nil || ctx.Err() != nil {
		return result, reading, ctx.Err()
	}
	result, reading, err = c.compare(ctx, l, before, v, guard)
	if err == nil && why != nil {
		result.Warnings = append(result.Warnings, fmt.Sprintf("its history cannot be read, so all entries are dated now: %v", why))
	}
	return result, reading, err
}

// before is a list as the store has it; before its first check that is an empty one.
func (c *Checker) before(ctx context.Context, id string) (*store.List, error) {
	before, err := c.Store.List(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return &store.List{ID: id, Validators: "{}"}, nil
	}
	return before, err
}

// compare compares a version with what is known of the list.
func (c *Checker) compare(ctx context.Context, l List, before *store.List, v *version, guard judge) (*Result, *store.Reading, error) {
	sameReader := before.Reader == curated.Version
	result := newResult(l.ID)
	result.Entries, result.Moved = before.Counts.Entries, v.moved
	reading := &store.Reading{Before: before, Reader: curated.Version, Tag: c.Tag, Hash: v.hash(), Validators: v.validators,
		Moved: v.moved, Origin: v.origin, Silent: v.silent, More: v.more}
	if sameReader && v.doubt == "" && reading.Hash == before.Hash {
		result.Unchanged = true
		return result, reading, nil
	}
	// Only a list that changed is worth the look at everything that ever stood in it.
	var known []curated.Known
	var err error
	if reading.Before, known, err = c.Store.Known(ctx, l.ID); err != nil {
		return nil, nil, err
	}
	result.Baseline = reading.Before.Began.IsZero()
	if err := c.read(reading, v, l, known, guard); err != nil {
		return nil, nil, err
	}
	if !result.Baseline && !sameReader {
		c.doubtNews(reading, result)
	}
	if v.silent { // its author has said what a person would be asked
		reading.Holds = slices.DeleteFunc(reading.Holds, func(h curated.Hold) bool { return h.Kind == curated.HoldAdded })
	}
	result.Report = reading.Changes.Report()
	result.Held = append(result.Held, reading.Holds...)
	if !holds(result.Held, curated.HoldUnreadable) {
		result.Entries = len(reading.List.Entries)
	}
	result.take(v.silent || result.Silent)
	return result, reading, nil
}

// doubtNews is for a list that another version of the program read before. What it finds in the same bytes is known in
// silence. When the list changed as well, nobody can tell which is which: what is new waits for a person.
func (c *Checker) doubtNews(r *store.Reading, result *Result) {
	added := len(r.Changes.Added())
	if result.Silent = r.Hash == r.Before.Hash; result.Silent || added == 0 || len(r.Holds) > 0 {
		return
	}
	r.Holds = append(r.Holds, curated.Hold{Kind: curated.HoldAdded, Count: added,
		Reason: fmt.Sprintf("the list changed, and so did the program that reads it: %d entries may be new, or only read now", added)})
}

// read parses and compares, and asks the guard. A list that cannot be read at its first check is an error, for there is
// nothing to go on with; later it is held.
func (c *Checker) read(r *store.Reading, v *version, l List, known []curated.Known, guard judge) error {
	first := r.Before.Began.IsZero()
	files, unreadable := v.legible(l.Page)
	if errors.Is(unreadable, curated.ErrEmpty) && !first {
		unreadable = nil // the guard judges it, and a person may believe it
	}
	if unreadable == nil {
		r.List = curated.Read(files)
		if len(r.List.Entries) == 0 && len(known) == 0 {
			unreadable = fmt.Errorf("no entries found among its %d links; `linkletter explain %s` tells why", r.List.Links, l.At)
		}
	}
	if unreadable != nil && first && v.doubt != "" {
		return unreadable // which names the address
	} else if unreadable != nil && first {
		return fmt.Errorf("%s: %w", l.At, unreadable)
	}
	if unreadable != nil {
		r.List = &curated.List{Title: r.Before.Title}
		r.Changes = &curated.Changes{}
		r.Holds = []curated.Hold{{Kind: curated.HoldUnreadable, Reason: unreadable.Error(), Count: r.Before.Counts.Entries}}
		return nil
	}
	r.Changes = curated.Diff(known, r.List)
	if !first {
		r.Holds = guard(r.Before.Counts, r.List, r.Changes)
	}
	return nil
}
