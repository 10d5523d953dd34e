package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"linkletter/feed/curated"
)

// Revision is one version of a file in a git repository.
type Revision struct {
	Commit  string    // the full hash
	Date    time.Time // when it was committed, in UTC
	Author  string    // the author's name
	Message string    // subject and body
	Link    string    // where people read the commit; empty: not known
	// Files are the list as of this commit, by path: one, or those that Query.Files fits. What did not change since the
	// revision before is the same memory.
	Files []curated.File
	// TooLarge is set, and Files is not, where a file is over the size limit.
	TooLarge *TooLargeError
	// Shallow says that the repository is a shallow clone, which has nothing before this commit.
	Shallow bool
}

// Silent reports whether the commit asks that nothing of it is announced: "[silent]" stands in its message.
func (r *Revision) Silent() bool { return strings.Contains(strings.ToLower(r.Message), "[silent]") }

// Query says which history is asked for.
type Query struct {
	// Repository is a work tree or a bare repository. Empty: the one that the only file of Files stands in, which is a path
	// as any other then.
	Repository string
	Rev        string   // a branch, a tag or a commit; empty: HEAD
	Files      []string // from the top of the repository: paths, or patterns such as books/*.md
	Follow     bool     // a file is followed through renames; not for patterns
	After      string   // the commit known already, in full: only what came after it; empty: all
}

// ErrNoHistory says that no commit of the repository has the file.
var ErrNoHistory = errors.New("no commit has this file")

// HistoryError says why a history cannot be read, and what to do about it.
type HistoryError struct {
	Err  error
	Hint string
}

func (e *HistoryError) Error() string { return e.Err.Error() }
func (e *HistoryError) Unwrap() error { return e.Err }

// History gives the versions of a file in a git repository, oldest first, along the first parents of HEAD; a commit that
// removed the file has none. Where repo is empty, it is the repository that the file stands in, and file is a path as any
// other; else repo is a work tree or a bare repository, and file starts at its top. It runs the git program three times,
// whatever the number of versions. An error ends the sequence; where there is something to be done about it, it is a
// *HistoryError.
func (s *Source) History(ctx context.Context, q Query) iter.Seq2[*Revision, error] {
	repo, file := q.Repository, q.Files[0]
	return func(yield func(*Revision, error) bool) {
		at, err := locate(ctx, repo, file)
		enough := false
		if err == nil {
			err = s.replay(ctx, at, func(r *Revision) bool {
				enough = !yield(r, nil)
				return !enough
			})
		}
		if ctx.Err() != nil {
			err = ctx.Err() // and not that git was killed
		}
		if err != nil && !enough {
			yield(nil, fmt.Errorf("reading the history of %s: %w", file, err))
		}
	}
}

// place is where a file stands.
type place struct {
	dir     string // in the repository, or the repository itself
	path    string // from the top of the repository, with slashes
	shallow bool
}

// locate finds the repository, and the file's path in it.
func locate(ctx context.Context, repo, file string) (*place, error) {
	at := &place{dir: repo}
	file = filepath.Clean(file)
	hint := "--repo names a git work tree or a bare repository"
	switch {
	case repo == "":
		at.dir, file = filepath.Dir(file), filepath.Base(file)
		hint = "for a file that is gone, name its repository with --repo"
	case !filepath.IsLocal(file):
		return nil, &HistoryError{errors.New("it is no path in a repository"), "with --repo, the path starts at the top of the repository"}
	}
	if info, err := os.Stat(at.dir); err != nil || !info.IsDir() {
		return nil, &HistoryError{fmt.Errorf("there is no folder %s", at.dir), hint}
	}
	p, err := git(ctx, at.dir, "rev-parse", "--is-shallow-repository", "--show-prefix")
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(p.out)
	if err := errors.Join(p.wait(), err); err != nil {
		if strings.Contains(err.Error(), "not a git repository") {
			return nil, &HistoryError{fmt.Errorf("%s is not in a git repository", at.dir), "--repo names a git work tree or a bare repository"}
		}
		return nil, err
	}
	shallow, prefix, _ := strings.Cut(string(out), "\n")
	at.shallow, at.path = shallow == "true", path.Clean(filepath.ToSlash(file))
	if repo == "" {
		at.path = path.Join(strings.TrimSuffix(prefix, "\n"), at.path)
	}
	if !filepath.IsLocal(at.path) || at.path == "." {
		return nil, errFolder
	}
	return at, nil
}

var (
	errFolder = &HistoryError{errors.New("it is a folder"), "name the Markdown file itself"}
	errLink   = &HistoryError{errors.New("it is a symbolic link"), "name the file that it points to"}
	errNone   = &HistoryError{ErrNoHistory, "name it as it stands in the repository, upper and lower case included, and commit it first"}
)

// replay yields every version, until the caller has enough.
func (s *Source) replay(ctx context.Context, at *place, yield func(*Revision) bool) error {
	ctx, stop := context.WithCancel(ctx)
	log, err := git(ctx, at.dir, logArgs(at.path)...)
	if err != nil {
		stop()
		return err
	}
	blobs, err := git(ctx, at.dir, "cat-file", "--batch")
	if err != nil {
		stop()
		return errors.Join(err, log.wait())
	}
	defer func() {
		stop() // git may wait to be read from
		_, _ = log.wait(), blobs.wait()
	}()

	why := error(errNone) // where there is no version
	for {
		rev, version, err := log.revision(at)
		if err == io.EOF {
			return log.ended(why)
		} else if err != nil {
			return log.ended(err)
		}
		switch {
		case version.isFile():
			if err := blobs.read(version.blob, s.maxBytes(), at.path, rev); err != nil {
				return &HistoryError{fmt.Errorf("commit %s: %w", rev.Commit, err),
					"the repository is damaged, or it is a partial clone (--filter): clone it whole"}
			}
			why = nil
			if !yield(rev) {
				return nil
			}
		case version.isLink() && why != nil:
			why = errLink
		case version.mode == "" && why == errNone:
			why = errFolder
		}
	}
}

// version is the file as a commit left it.
type version struct{ mode, blob string }

func (v version) isFile() bool { return strings.HasPrefix(v.mode, "100") }
func (v version) isLink() bool { return v.mode == "120000" }

// logArgs are the arguments of a git log that (*gitProcess).revision reads. What git prints must not depend on whose settings
// it finds: each one that could change this is set here.
func logArgs(path string) []string {
	return []string{"-c", "log.showRoot=true", "-c", "log.showSignature=false", "-c", "log.follow=false",
		"log", "--first-parent", "--diff-merges=first-parent", "--reverse", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-relative",
		"-O/dev/null", "--no-color", "--no-mailmap", "--encoding=UTF-8", "--format=%H%x00%P%x00%ct%x00%an%x00%B",
		"--", ":(top,literal)" + path}
}

// revision reads the next commit: its head, in five tokens, and then two for each path that it changed, ":100644 100644 OLD
// NEW M" and the path. There are several only where the path is, or was, a folder. io.EOF ends the log.
func (p *gitProcess) revision(at *place) (*Revision, version, error) {
	var head [5]string
	for i := range head {
		t, err := p.token()
		if err == io.EOF && i > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, version{}, err
		}
		head[i] = strings.ToValidUTF8(t, "\uFFFD")
	}
	rev := &Revision{Commit: head[0], Shallow: at.shallow && head[1] == "", Date: commitDate(head[2]), Author: head[3], Message: strings.TrimSpace(head[4])}
	var v version
	for p.atChange() {
		change, err1 := p.token()
		name, err2 := p.token()
		if err1 != nil || err2 != nil {
			return nil, v, io.ErrUnexpectedEOF
		}
		if f := strings.Fields(change); name == at.path && len(f) >= 4 {
			v = version{f[1], f[3]}
		}
	}
	return rev, v, nil
}

// commitDate reads a commit's date, which is whatever somebody's program wrote: what is no date of the years that people
// write is the beginning of the epoch, as for git.
func commitDate(s string) time.Time {
	seconds, err := strconv.ParseInt(s, 10, 64)
	if t := time.Unix(seconds, 0).UTC(); err == nil && t.Year() >= 0 && t.Year() <= 9999 {
		return t
	}
	return time.Unix(0, 0).UTC()
}
