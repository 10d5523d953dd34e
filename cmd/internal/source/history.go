package source

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"linkletter/feed/curated"
)

// Revision is one version of a list in a git repository.
type Revision struct {
	Commit  string    // the full hash
	Date    time.Time // when it was committed, in UTC
	Author  string    // the author's name; of a merge, whoever wrote what it brings; empty: nobody can be named
	Message string    // subject and body, up to 64 KiB of it
	Link    string    // where people read the commit; empty: not known
	// Files are the list as of this commit, by path: one, or those that Query.Files fits. What did not change since the
	// revision before is the same memory.
	Files []curated.File
	// TooLarge is set, and Files is not, where a file, or all of them together, are over the size limit.
	TooLarge *TooLargeError
	// Shallow says that the repository is a shallow clone, which has nothing before this commit.
	Shallow bool
	// Rewritten says that Query.After is no part of this history (any longer): somebody pushed with force, or merged it and
	// kept nothing of it. Where the two have a common beginning, the revisions are those since then. Else there is one, the newest: how old what it holds is cannot
	// be told. One that was given before may come again.
	Rewritten bool
	// AllSilent is set on a merge if every commit of the list that it brings is silent.
	AllSilent bool
}

// Silent reports whether the commit, or every one that a merge brings, asks that nothing of it is announced: "[silent]" stands
// in its message.
func (r *Revision) Silent() bool { return r.AllSilent || asksSilence(r.Message) }

func asksSilence(message string) bool { return strings.Contains(strings.ToLower(message), "[silent]") }

// Query says which history is asked for.
type Query struct {
	// Repository is a work tree or a bare repository. Empty: the one that Files stand in, which are paths as any other then.
	Repository string
	Rev        string // a branch, a tag or a commit; empty: HEAD
	// Branch is the one by which the pages of the files are named; empty: HEAD, which stays true whatever it is called.
	Branch string
	// Files are from the top of the repository: paths, or patterns as git has them with :(glob), such as books/*.md and
	// **/*.md: what holds one of *?[ is a pattern, and \ takes a character of it as it is.
	Files  []string
	Follow bool   // the only file is followed through renames; no pattern
	After  string // the commit known already, in full: only what came after it; empty: all
	Newest bool   // only the list as of Rev, under the commit that left it so
}

// Single reports whether one file is asked for, and no pattern: only that can be followed through renames.
func (q Query) Single() bool {
	return len(q.Files) == 1 && (q.Repository == "" || !IsPattern(q.Files[0]))
}

// IsPattern reports whether a name in a repository is a pattern, if it is from the top of that.
func IsPattern(file string) bool { return strings.ContainsAny(file, "*?[") }

var (
	// ErrDamaged says that files of the history are missing in the repository.
	ErrDamaged = errors.New("the repository is damaged")
	// ErrNoHistory says that no commit of the repository has the file.
	ErrNoHistory = errors.New("no commit has this file")
	// ErrNoRevision says that Query.Rev names no commit of the repository.
	ErrNoRevision = errors.New("there is no revision")
	// ErrGone says that the list was there, but is so no longer.
	ErrGone = errors.New("it is there no longer")
)

// HistoryError says why a repository or a history cannot be read, and what to do about it.
type HistoryError struct {
	Err  error
	Hint string
}

func (e *HistoryError) Error() string { return e.Err.Error() }
func (e *HistoryError) Unwrap() error { return e.Err }

// History gives the versions of a list in a git repository, oldest first, along the first parents of a revision; a commit
// that leaves no file of the list has none. A repository that Sync did not clone is only read, and nothing is fetched for
// it. An error ends the sequence; where there is something to be done about it, it is a *HistoryError. ErrGone comes after
// the versions: it says that the list is not there as of Rev.
func (s *Source) History(ctx context.Context, q Query) iter.Seq2[*Revision, error] {
	return func(yield func(*Revision, error) bool) {
		enough, err := s.history(ctx, q, func(r *Revision) bool { return yield(r, nil) })
		if ctx.Err() != nil {
			err = ctx.Err() // and not that git was killed
		}
		if err != nil && !enough {
			yield(nil, fmt.Errorf("reading the history of %s: %w", strings.Join(q.Files, ", "), err))
		}
	}
}

func (s *Source) history(ctx context.Context, q Query, yield func(*Revision) bool) (enough bool, err error) {
	at, err := s.locate(ctx, q)
	if err != nil {
		return false, err
	}
	if at.rev == q.After {
		return false, nil
	}
	p, err := at.plan(ctx, q)
	if err == nil {
		err = at.prefetch(ctx, p.steps)
	}
	if err == nil {
		enough, err = s.replay(ctx, at, p, yield)
	}
	if err != nil || enough {
		return enough, at.failed(ctx, err)
	}
	return false, p.end
}

// failed is an error of reading what should be there. A clone of ours is marked by it, if it is still the one that was read,
// and git was let read it.
func (at *place) failed(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if already := (*HistoryError)(nil); err == nil || isKilled(err) || errors.As(err, &already) {
		return err
	}
	if !at.own {
		return &HistoryError{fmt.Errorf("%w: %w", ErrDamaged, err), "if it is a partial clone (--filter), clone it whole"}
	}
	if now, gone := os.Stat(at.path); gone != nil || !os.SameFile(at.opened, now) {
		return &HistoryError{err, "the clone was made anew in the meantime; the next check reads that one"}
	}
	mark := os.WriteFile(filepath.Join(at.path, damageMark), nil, 0o600)
	return &HistoryError{errors.Join(err, mark), "the clone is damaged; it is made anew at the next check"}
}
