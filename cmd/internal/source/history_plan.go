package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// plan is what a history consists of, before any file is read.
type plan struct {
	steps     []step // oldest first
	rewritten bool
	end       error // told after the last version
}

// step is a commit that leaves the list changed.
type step struct {
	commit     string
	mergedInto string // of a merge, the first parent
	shifts     []shift
}

// shift is a path that holds something else from now on, or nothing: blob is empty then.
type shift struct {
	path, blob string
	known      bool // a file of the list has it already
}

// What is more than this is no list, and would not fit into memory.
const (
	maxFiles  = 10_000
	maxShifts = 2_000_000
)

var errTooMuch = &HistoryError{fmt.Errorf("the names fit more than %d files, or too long a history of them", maxFiles), "name the list's files more narrowly"}

// plan finds the commits to be replayed.
func (at *place) plan(ctx context.Context, q Query) (*plan, error) {
	p := &plan{}
	if q.Follow {
		if err := at.forward(ctx); err != nil {
			return nil, err
		}
	} else if q.After == "" {
		if err := at.checkNames(ctx); err != nil {
			return nil, err
		}
	}
	now, err := at.present(ctx, at.rev, at.specs())
	if err != nil {
		return nil, err
	}
	meets := true
	if q.After != "" {
		if p.rewritten, meets, err = at.compare(ctx, q.After); err != nil {
			return nil, err
		}
	}
	if q.Follow && q.After != "" && meets && !slices.ContainsFunc(now, at.has) {
		if now, err = at.backward(ctx, q.After); err != nil {
			return nil, err
		}
	}
	var commits []commit
	switch {
	case q.Newest:
	case meets && q.Follow:
		commits, err = at.follow(ctx, q.After)
	case meets:
		commits, err = at.since(ctx, q.After)
	}
	if err == nil && q.After != "" && !p.rewritten && len(commits) == 0 && !q.Newest {
		p.rewritten, err = at.turned(ctx, q.After, now)
	}
	if err == nil && (q.Newest || p.rewritten) && len(commits) == 0 {
		commits, err = at.newest(ctx)
	}
	if err != nil {
		return nil, err
	}
	slices.Reverse(commits)
	was, err := p.take(commits)
	p.end = at.ended(now, was || q.After != "")
	return p, err
}

// checkNames sees to it that each of several names was there once: what is misspelled would be missed by nobody.
func (at *place) checkNames(ctx context.Context) error {
	for i := 0; i < len(at.names) && len(at.names) > 1; i++ {
		found := false
		err := at.walk(ctx, at.rev, "", []string{at.names[i].spec()}, func(commit) bool { found = true; return false })
		if err != nil {
			return err
		}
		if !found {
			return &HistoryError{fmt.Errorf("%s: %w", at.names[i].path, ErrNoHistory), errNone.Hint}
		}
	}
	return nil
}

// compare tells whether a commit known from before is no part of the history any more, and if so, whether the two meet somewhere.
func (at *place) compare(ctx context.Context, after string) (rewritten, meets bool, err error) {
	if !hexCommit.MatchString(after) {
		return true, false, nil
	}
	if _, err := at.run(ctx, "", "cat-file", "-e", after+"^{commit}"); err != nil {
		if isKilled(err) {
			return false, false, err
		}
		return true, false, ctx.Err()
	}
	base, err := at.line(ctx, "merge-base", after, at.rev)
	var why *complaint
	if errors.As(err, &why) && why.code == 1 {
		return true, false, nil
	}
	return base != after, true, err
}

// since gives the commits that came after one, newest first; the oldest of several files has all that was there.
func (at *place) since(ctx context.Context, after string) ([]commit, error) {
	var commits []commit
	total := 0
	err := at.walk(ctx, at.rev, after, at.specs(), func(c commit) bool {
		c.changes = slices.DeleteFunc(c.changes, func(c change) bool { return !at.fits(c.path) })
		commits = append(commits, c)
		total += len(c.changes)
		return total <= maxShifts
	})
	if total > maxShifts {
		return nil, errTooMuch
	}
	if several := len(at.names) > 1 || at.names[0].pattern; err == nil && several && after != "" && len(commits) > 0 {
		first := &commits[len(commits)-1]
		first.changes, err = at.present(ctx, first.hash, at.specs())
	}
	return commits, err
}

// newest gives the commit that left the list as it is.
func (at *place) newest(ctx context.Context) ([]commit, error) {
	var commits []commit
	err := at.walk(ctx, at.rev, "", at.specs(), func(c commit) bool {
		commits = append(commits, c)
		return false
	})
	if err == nil && len(commits) > 0 {
		commits[0].changes, err = at.present(ctx, commits[0].hash, at.specs())
	}
	return commits, err
}

// turned says that the list is not what it was as of an earlier commit, though nothing changed it since along the first
// parents: a merge that kept an older state does that ("git merge -s ours"). A file that is followed may have had another name.
func (at *place) turned(ctx context.Context, after string, now []change) (bool, error) {
	before, err := at.present(ctx, after, at.specs())
	if err != nil {
		return false, err
	}
	files := func(all []change) []change {
		return slices.DeleteFunc(slices.Clone(all), func(c change) bool { return !at.has(c) })
	}
	return !slices.EqualFunc(files(before), files(now), func(a, b change) bool { return a.path == b.path && a.blob == b.blob }), nil
}

// has says that a change leaves a file of the list.
func (at *place) has(c change) bool { return isFile(c.mode) && at.fits(c.path) }

func (at *place) fits(path string) bool {
	return slices.ContainsFunc(at.names, func(n name) bool { return n.fits(path) })
}

// take makes the commits, oldest first, steps; leaves says whether one of them leaves a file.
func (p *plan) take(commits []commit) (leaves bool, err error) {
	blobs := make(map[string]string) // by path
	uses := make(map[string]int)     // of a blob
	for _, c := range commits {
		s := step{commit: c.hash, shifts: make([]shift, 0, len(c.changes))}
		for _, change := range c.changes {
			switch _, was := blobs[change.path]; {
			case isFile(change.mode):
				s.shifts = append(s.shifts, shift{change.path, change.blob, uses[change.blob] > 0})
			case was:
				s.shifts = append(s.shifts, shift{path: change.path})
			}
		}
		if len(s.shifts) == 0 {
			continue
		}
		if c.merge {
			s.mergedInto = c.parent
		}
		for _, shift := range s.shifts {
			if uses[blobs[shift.path]]--; uses[blobs[shift.path]] <= 0 {
				delete(uses, blobs[shift.path])
			}
			delete(blobs, shift.path)
			if shift.blob != "" {
				blobs[shift.path] = shift.blob
				uses[shift.blob]++
				leaves = true
			}
		}
		if len(blobs) > maxFiles {
			return leaves, errTooMuch
		}
		p.steps = append(p.steps, s)
	}
	return leaves, nil
}

var errNone = &HistoryError{ErrNoHistory, "name it as it stands in the repository, upper and lower case included, and commit it first"}

// ended says what is wrong with the list as of the last commit; was says that there was one.
func (at *place) ended(now []change, was bool) error {
	var link, folder bool
	for _, c := range now {
		fits := at.fits(c.path)
		if fits && isFile(c.mode) {
			return nil
		}
		link = link || fits && c.mode == modeLink
		folder = folder || !fits && slices.ContainsFunc(at.names, func(n name) bool { return strings.HasPrefix(c.path, n.path+"/") })
	}
	why := errNone
	switch {
	case link:
		why = &HistoryError{errors.New("it is a symbolic link"), "name the file that it points to"}
	case folder:
		why = errFolder
	case was:
		return &HistoryError{ErrGone, "name the file that took its place"}
	}
	if was {
		return &HistoryError{fmt.Errorf("%w: %w", ErrGone, why.Err), why.Hint}
	}
	return why
}
