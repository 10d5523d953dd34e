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
	Entries   int            `json:"entries"` // standing in the list
	Report    curated.Report `json:"changes"`
	Held      []curated.Hold `json:"held"`
}

// Announced are the entries the check made news.
func (r *Result) Announced() []curated.Entry {
	if r.Baseline {
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
	// A check recorded by another process in between is looked at, and this one made again upon it.
	for try := 0; ; try++ {
		result, err := c.check(ctx, l, true)
		if try < 3 && errors.Is(err, store.ErrOvertaken) {
			continue
		}
		return result, err
	}
}

// DryRun tells what Check would find now, and stores nothing.
func (c *Checker) DryRun(ctx context.Context, l List) (*Result, error) {
	return c.check(ctx, l, false)
}

func (c *Checker) check(ctx context.Context, l List, record bool) (*Result, error) {
	before, known, err := c.Store.Known(ctx, l.ID)
	if err != nil {
		return nil, err
	}
	result := &Result{List: l.ID, Entries: before.Counts.Entries, Report: (&curated.Changes{}).Report(), Held: []curated.Hold{}}
	fetched, err := c.Source.Fetch(ctx, l.Source, before.Validators)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(fetched.Bytes)
	sum := hex.EncodeToString(hash[:])
	if fetched.Unchanged || sum == before.Hash {
		result.Unchanged = true
		if record {
			err = c.Store.Unchanged(ctx, l.ID, fetched.Validators)
		}
		return result, err
	}
	reading := store.Reading{Before: before, Tag: c.Tag, Hash: sum, Validators: fetched.Validators}
	if err := c.read(&reading, fetched, l, known); err != nil {
		return nil, err
	}
	result.Baseline = before.Began.IsZero()
	result.Report = reading.Changes.Report()
	result.Held = append(result.Held, reading.Holds...)
	if !result.unreadable() {
		result.Entries = len(reading.List.Entries)
	}
	if record {
		if _, err := c.Store.Record(ctx, reading); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// read parses and compares, and asks the guard. A list that cannot be read at its first check is an error, for there is
// nothing to go on with; later it is held.
func (c *Checker) read(r *store.Reading, fetched *source.Fetched, l List, known []curated.Known) error {
	unreadable := curated.Readable(fetched.Bytes)
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
		r.Holds = c.Guard.Judge(r.Before.Counts, r.List, r.Changes)
	}
	return nil
}
