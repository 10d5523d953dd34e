package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"linkletter/cmd/internal/source"
	"linkletter/feed"
	"linkletter/feed/curated"
	"linkletter/store"
)

// gitValidators say up to where a list in git is known, and which files it was.
type gitValidators struct {
	Commit string   `json:"commit"`
	Files  []string `json:"files"`
}

func (v gitValidators) String() string {
	b, _ := json.Marshal(v) // strings always encode
	return string(b)
}

// known reads what an earlier check left; its commit is empty where the list was not these files of a repository.
func (l *List) known(validators string) gitValidators {
	var v gitValidators
	if json.Unmarshal([]byte(validators), &v) != nil || !slices.Equal(v.Files, l.At.Git.Files) {
		return gitValidators{}
	}
	return v
}

func (l *List) upTo(commit string) string { return gitValidators{commit, l.At.Git.Files}.String() }

// checkGit brings the repository up to date, and takes in every revision since the check before, one after the other, each
// under its own date and with its own guard. What is recorded stays: a check that is interrupted goes on where it was.
func (c *Checker) checkGit(ctx context.Context, l List, guard judge) (*Result, error) {
	before, err := c.before(ctx, l.ID)
	if err != nil {
		return nil, err
	}
	tip, err := c.Source.Sync(ctx, *l.At.Git)
	if err != nil {
		return nil, err
	}
	q := tip.Query(*l.At.Git)
	if before.Began.IsZero() {
		return c.begin(ctx, l, q)
	}
	known := l.known(before.Validators)
	q.Newest = known.Commit == "" // it was another list before
	all := newResult(l.ID)
	all.Entries = before.Counts.Entries
	if before.Reader != curated.Version && known.Commit != "" {
		// What another version of the program read is read anew first, so that nothing of that is taken for news. Where that is
		// not there any more, what comes next is doubted.
		again := q
		again.Rev, again.Newest = known.Commit, true
		_, err := c.takeIn(ctx, l, again, known.Commit, guard, all)
		var gone *source.HistoryError
		if err != nil && !errors.As(err, &gone) {
			return nil, err
		}
	}
	q.After = known.Commit
	found, err := c.takeIn(ctx, l, q, tip.Rev, guard, all)
	if err != nil {
		return nil, err
	}
	if !found {
		all.Believed, err = c.Store.Unchanged(ctx, l.ID, l.upTo(tip.Rev), "")
	}
	all.Unchanged = all.Revisions == 0 && len(all.Held) == 0
	return all, err
}

// takeIn records each revision that a query gives, oldest first, and adds what it found to all. The last one stands for tip.
// It answers whether there was one.
func (c *Checker) takeIn(ctx context.Context, l List, q source.Query, tip string, guard judge, all *Result) (found bool, err error) {
	var last *source.Revision
	for rev, err := range c.Source.History(ctx, q) {
		if err != nil && last != nil && ctx.Err() == nil {
			err = errors.Join(c.revision(ctx, l, last, last.Commit, false, guard, all), err)
		}
		if err != nil {
			return last != nil, err
		}
		if last != nil {
			if err := c.revision(ctx, l, last, last.Commit, true, guard, all); err != nil {
				return true, err
			}
		}
		last = rev
	}
	if last == nil {
		return false, nil
	}
	return true, c.revision(ctx, l, last, tip, false, guard, all)
}

// revision records one revision; more says that another one follows in the same check.
func (c *Checker) revision(ctx context.Context, l List, rev *source.Revision, upTo string, more bool, guard judge, all *Result) error {
	v := ofRevision(rev)
	v.more, v.validators = more, l.upTo(upTo)
	before, err := c.before(ctx, l.ID)
	if err != nil {
		return err
	}
	one, reading, err := c.compare(ctx, l, before, v, guard)
	if err != nil {
		return err
	}
	all.stillHeld(one)
	if one.Unchanged && more {
		return nil
	}
	if one.Unchanged { // which ends the hold of what was no list in between
		all.Believed, err = c.Store.Unchanged(ctx, l.ID, v.validators, "")
		return err
	}
	if _, err := c.Store.Record(ctx, *reading); err != nil {
		return err
	}
	all.add(one)
	return nil
}

// stillHeld takes out of what is held what a newer revision says anew: only entries in quarantine stay there.
func (r *Result) stillHeld(newer *Result) {
	if !holds(newer.Held, curated.HoldUnreadable) {
		r.Held = slices.DeleteFunc(r.Held, func(h curated.Hold) bool { return h.Kind != curated.HoldAdded })
	}
}

// add takes in what was found in one revision.
func (r *Result) add(one *Result) {
	r.Held = append(r.Held, one.Held...)
	if holds(one.Held, curated.HoldUnreadable) {
		return
	}
	r.Revisions++
	r.Entries = one.Entries
	r.Silent = one.Silent
	for _, to := range []struct{ all, one *curated.Report }{{&r.Report, &one.Report}, {&r.Taken, &one.Taken}} {
		to.all.Added = append(to.all.Added, to.one.Added...)
		to.all.Removed = append(to.all.Removed, to.one.Removed...)
		to.all.Changed = append(to.all.Changed, to.one.Changed...)
	}
}

// ofRevision is a revision as a version of the list.
func ofRevision(rev *source.Revision) *version {
	v := &version{files: rev.Files, silent: rev.Silent(),
		origin: feed.Origin{Commit: rev.Commit, By: rev.Author, Link: rev.Link, Date: rev.Date}}
	if rev.TooLarge != nil {
		v.doubt = rev.TooLarge.Error()
	}
	return v
}

// begin is the first check of a list in git: every entry is dated by the commit that brought it, and what left the list
// since is known too.
func (c *Checker) begin(ctx context.Context, l List, q source.Query) (*Result, error) {
	past, err := Replay(ctx, c.Source.History(ctx, q), c.Guard, l.Page, c.Now())
	if err != nil {
		return nil, err
	}
	v := ofRevision(past.Head)
	v.validators = l.upTo(q.Rev)
	result, reading, err := c.beginWith(ctx, l, past, v)
	if err != nil {
		return nil, err
	}
	_, err = c.Store.Record(ctx, *reading)
	return result, err
}

// beginWith is the first reading of a list whose history is known.
func (c *Checker) beginWith(ctx context.Context, l List, past *Past, v *version) (*Result, *store.Reading, error) {
	before, err := c.before(ctx, l.ID)
	if err != nil {
		return nil, nil, err
	}
	result, reading, err := c.compare(ctx, l, before, v, c.Guard.Judge)
	if err != nil {
		return nil, nil, err
	}
	result.Warnings = past.warnings()
	if past.ends(reading.List) {
		reading.Past = past.known(l.Baseline)
	} else {
		result.Warnings = append(result.Warnings, "its newest revision is not what its history ends with, so all entries are dated now")
	}
	return result, reading, nil
}

// ends says that a list is the one that the history ends with.
func (p *Past) ends(l *curated.List) bool {
	return p.List != nil && slices.EqualFunc(p.List.Entries, l.Entries, func(a, b curated.Entry) bool { return a.URL == b.URL })
}

// known is a history as the store takes it. What came silently is never in a feed; what came all at once is not what a feed
// starts with, as long as there is enough else.
//
// What left makes no room in a feed, as it would not have if the program had watched: who reads a feed that is made anew from
// the same history finds nothing in it that was too old before. But at least half of what a feed starts with are entries that
// stand, or somebody who took many back would leave it empty.
func (p *Past) known(baseline int) []store.Past {
	enough := 0
	var left []time.Time
	for i := range p.Entries {
		switch e := &p.Entries[i]; {
		case e.Silent || e.Held:
		case e.Gone:
			left = append(left, e.Published)
		default:
			enough++
		}
	}
	slices.SortFunc(left, func(a, b time.Time) int { return b.Compare(a) })
	left = left[:min(len(left), baseline/2)]
	out := make([]store.Past, len(p.Entries))
	for i := range p.Entries {
		e := &p.Entries[i]
		out[i] = store.Past{Known: e.Known, IDKey: e.IDKey, Published: e.Published, Updated: e.Updated,
			Silent: e.Silent || e.Held && enough >= baseline || e.Gone && !slices.ContainsFunc(left, e.Published.Equal)}
		if e.Origin.Commit != p.Shallow.Commit {
			out[i].Origin = e.Origin
		}
	}
	return out
}

// warnings are what an operator should know of a history.
func (p *Past) warnings() []string {
	var all []string
	if p.Shallow.Commit != "" {
		all = append(all, fmt.Sprintf("the repository is a shallow clone, whose history begins at commit %.10s: older entries have its date; `git fetch --unshallow` gets the rest",
			p.Shallow.Commit))
	}
	if n := len(p.LeftOut); n > 0 {
		newest := p.LeftOut[n-1]
		all = append(all, fmt.Sprintf("of its history %d revisions were left out, the newest at commit %.10s: %s", n, newest.Commit, newest.Reason))
	}
	return all
}

// workTree is the first reading of a file that stands in a git work tree: its history dates the entries. Where there is
// none, it gives nil: a file needs no repository. An error says why a history that is there cannot be read.
func (c *Checker) workTree(ctx context.Context, l List, v *version) (*Result, *store.Reading, error) {
	if _, err := v.legible(l.Page); err != nil {
		return nil, nil, nil
	}
	history := c.Source.History(ctx, source.Query{Files: []string{l.At.Path}, Follow: true})
	past, err := Replay(ctx, andThen(history, v.files[0].Bytes, c.Now()), c.Guard, l.Page, c.Now())
	var none *source.HistoryError
	if errors.As(err, &none) && !errors.Is(err, source.ErrDamaged) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, err
	}
	return c.beginWith(ctx, l, past, v)
}

// andThen is the history of a file, read as the file itself is, and then what of it was not committed yet.
func andThen(history iter.Seq2[*source.Revision, error], file []byte, now time.Time) iter.Seq2[*source.Revision, error] {
	return func(yield func(*source.Revision, error) bool) {
		last := curated.File{}
		for rev, err := range history {
			if err == nil && len(rev.Files) == 1 {
				last = rev.Files[0]
				last.Page = nil // nobody knows the page of a file
				rev.Files = []curated.File{last}
			}
			if !yield(rev, err) {
				return
			}
		}
		if !bytes.Equal(last.Bytes, file) {
			yield(&source.Revision{Files: []curated.File{{Path: last.Path, Bytes: file}}, Date: now}, nil)
		}
	}
}

// dryRunGit compares the newest revision with what is known.
func (c *Checker) dryRunGit(ctx context.Context, l List) (*Result, error) {
	before, err := c.before(ctx, l.ID)
	if err != nil {
		return nil, err
	}
	tip, err := c.Source.Sync(ctx, *l.At.Git)
	if err != nil {
		return nil, err
	}
	if l.known(before.Validators).Commit == tip.Rev && before.Reader == curated.Version {
		result := newResult(l.ID)
		result.Unchanged, result.Entries = true, before.Counts.Entries
		return result, nil
	}
	q := tip.Query(*l.At.Git)
	q.Newest = true
	for rev, err := range c.Source.History(ctx, q) {
		if err != nil {
			return nil, err
		}
		result, _, err := c.compare(ctx, l, before, ofRevision(rev), c.Guard.Judge)
		return result, err
	}
	return nil, fmt.Errorf("%s: %w", l.At, source.ErrNoHistory)
}
