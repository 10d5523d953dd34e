// Package check is one check of one list, from fetch to remembered.
package check

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"linkletter/cmd/internal/source"
	"linkletter/feed/curated"
	"linkletter/store"
)

// List is a list as it is configured.
type List struct {
	ID     string
	Source string   // a path or an http(s) URL
	Page   *url.URL // where people read it; nil: not known
}

// Checker checks lists.
type Checker struct {
	Store  *store.Store
	Source *source.Source
	Tag    string // host in the ids of new entries
	Guard  curated.Guard
}

// Result is what a check found.
type Result struct {
	List      string         `json:"list"`
	Baseline  bool           `json:"baseline,omitempty"` // the first check: everything is known now, nothing is news
	Unchanged bool           `json:"unchanged,omitempty"`
	Silent    bool           `json:"silent,omitempty"`   // the program reads lists differently now; what it finds by that is no news
	Entries   int            `json:"entries"`            // standing in the list
	Believed  int            `json:"believed,omitempty"` // held removals that stood for so many checks that they are made now
	Report    curated.Report `json:"changes"`
	Held      []curated.Hold `json:"held"`               // of this check
	Standing  []curated.Hold `json:"standing,omitempty"` // all that is held of the list by now; the caller's to fill in
}

// Announced are the entries the check made news.
func (r *Result) Announced() []curated.Entry {
	if r.Baseline || r.Silent {
		return nil
	}
	for _, h := range r.Held {
		if h.Kind != curated.HoldRemoved {
			return nil
		}
	}
	return r.Report.Added
}

// unreadable says that nothing of the reading was taken in.
func (r *Result) unreadable() bool {
	return slices.ContainsFunc(r.Held, func(h curated.Hold) bool { return h.Kind == curated.HoldUnreadable })
}

// Check fetches a list, compares it with what is known and records what it found.
func (c *Checker) Check(ctx context.Context, l List) (*Result, error) {
	return c.again(ctx, l, c.Guard.Judge)
}

// Believe is a Check that takes the list as it is, even an empty one: a person has looked at it. Only what is no Markdown
// is still held.
func (c *Checker) Believe(ctx context.Context, l List) (*Result, error) {
	return c.again(ctx, l, func(curated.Counts, *curated.List, *curated.Changes) []curated.Hold { return nil })
}

// DryRun tells what Check would find now, and stores nothing.
func (c *Checker) DryRun(ctx context.Context, l List) (*Result, error) {
	result, _, err := c.look(ctx, l, c.Guard.Judge)
	return result, err
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

type judge func(curated.Counts, *curated.List, *curated.Changes) []curated.Hold

// again checks and records. A check that another process recorded in between is looked at, and this one made again upon
// it.
func (c *Checker) again(ctx context.Context, l List, guard judge) (*Result, error) {
	for try := 0; ; try++ {
		result, reading, err := c.look(ctx, l, guard)
		switch {
		case err != nil:
			return nil, err
		case result.Unchanged:
			result.Believed, err = c.Store.Unchanged(ctx, l.ID, reading.Validators)
			return result, err
		}
		if _, err = c.Store.Record(ctx, *reading); err == nil {
			return result, nil
		}
		if try == 3 || !errors.Is(err, store.ErrOvertaken) {
			return nil, err
		}
	}
}

// look fetches and compares; it stores nothing.
func (c *Checker) look(ctx context.Context, l List, guard judge) (*Result, *store.Reading, error) {
	before, err := c.Store.List(ctx, l.ID)
	if errors.Is(err, store.ErrNotFound) {
		before, err = &store.List{ID: l.ID}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	sameReader := before.Reader == curated.Version
	validators := before.Validators
	if !sameReader {
		validators = "" // what has not changed is read anew all the same
	}
	fetched, err := c.Source.Fetch(ctx, source.Locate(l.Source), validators)
	if err != nil {
		return nil, nil, err
	}
	hash := sha256.Sum256(fetched.Bytes)
	result := &Result{List: l.ID, Entries: before.Counts.Entries, Held: []curated.Hold{}}
	reading := &store.Reading{Before: before, Reader: curated.Version, Tag: c.Tag, Hash: hex.EncodeToString(hash[:]), Validators: fetched.Validators}
	if fetched.Unchanged || sameReader && reading.Hash == before.Hash {
		result.Unchanged, result.Report = true, (&curated.Changes{}).Report()
		return result, reading, nil
	}
	// Only a list that changed is worth the look at everything that ever stood in it.
	var known []curated.Known
	if reading.Before, known, err = c.Store.Known(ctx, l.ID); err != nil {
		return nil, nil, err
	}
	first := reading.Before.Began.IsZero()
	if err := c.read(reading, fetched, l, known, guard); err != nil {
		return nil, nil, err
	}
	if !first && !sameReader {
		c.doubtNews(reading, result)
	}
	result.Baseline = first
	result.Report = reading.Changes.Report()
	result.Held = append(result.Held, reading.Holds...)
	if !result.unreadable() {
		result.Entries = len(reading.List.Entries)
	}
	return result, reading, nil
}

// read parses and compares, and asks the guard. A list that cannot be read at its first check is an error, for there is
// nothing to go on with; later it is held.
func (c *Checker) read(r *store.Reading, fetched *source.Fetched, l List, known []curated.Known, guard judge) error {
	unreadable := curated.Readable(fetched.Bytes)
	if fetched.Doubt != "" {
		unreadable = errors.New(fetched.Doubt)
	}
	if errors.Is(unreadable, curated.ErrEmpty) && !r.Before.Began.IsZero() {
		unreadable = nil // the guard judges it, and a person may believe it
	}
	if unreadable == nil {
		r.List = curated.Parse(fetched.Bytes, curated.Options{Page: cmp.Or(l.Page, fetched.Page)})
		if len(r.List.Entries) == 0 && len(known) == 0 {
			unreadable = fmt.Errorf("no entries found among its %d links; `linkletter explain %s` tells why", r.List.Links, l.Source)
		}
	}
	if unreadable != nil && r.Before.Began.IsZero() {
		return fmt.Errorf("%s: %w", l.Source, unreadable)
	}
	if unreadable != nil {
		r.List = &curated.List{Title: r.Before.Title}
		r.Changes = &curated.Changes{}
		r.Holds = []curated.Hold{{Kind: curated.HoldUnreadable, Reason: unreadable.Error(), Count: r.Before.Counts.Entries}}
		return nil
	}
	r.Changes = curated.Diff(known, r.List)
	if !r.Before.Began.IsZero() {
		r.Holds = guard(r.Before.Counts, r.List, r.Changes)
	}
	return nil
}
