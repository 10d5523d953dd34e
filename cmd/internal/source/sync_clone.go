package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// clone is a bare partial clone of a remote.
type clone struct {
	gitDir
	Repository
}

var errSlow = &HistoryError{errors.New("git did not end in time"), "see with `git ls-remote` whether the remote answers"}

// runWithin is run with an end.
func (d gitDir) runWithin(ctx context.Context, limit time.Duration, in string, args ...string) (string, error) {
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, err := d.run(within, in, args...)
	if within.Err() != nil && ctx.Err() == nil {
		return "", errSlow
	}
	return out, err
}

// whole says that there is a clone, as far as can be seen without reading it. It fetches from the remote as it is given now.
// The error is that of a git which was stopped.
func (c *clone) whole(ctx context.Context) (bool, error) {
	if _, err := os.Stat(filepath.Join(c.path, damageMark)); !errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if info, err := os.Stat(c.path); err != nil || !info.IsDir() {
		return false, nil
	}
	url, err := c.line(ctx, "config", "--get", "remote.origin.url")
	if err == nil && url != c.Remote {
		_, err = c.line(ctx, "config", "remote.origin.url", c.Remote)
	}
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case isKilled(err):
		return false, err
	}
	return err == nil, nil
}

// fetchArgs fetch, and do no more than that.
var fetchArgs = []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules"}

// look fetches the branch. Where nothing is new, that is one question to the remote.
func (c *clone) look(ctx context.Context) (*Checkout, error) {
	from, to := "HEAD", "refs/linkletter/HEAD"
	if c.Branch != "" {
		from, to = "refs/heads/"+c.Branch, "refs/heads/"+c.Branch
	}
	before, _ := c.line(ctx, "rev-parse", "--verify", "--quiet", to) // none yet
	err := c.fetch(ctx, "", "--update-shallow", "origin", "+"+from+":"+to)
	if isLocked(err) { // by a process that fetches the same
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
		}
		err = c.fetch(ctx, "", "--update-shallow", "origin", "+"+from+":"+to)
	}
	if isNoBranch(err) {
		return nil, c.noBranch(ctx, "origin")
	} else if err != nil {
		return nil, err
	}
	at := &Checkout{Dir: c.path, Branch: c.Branch}
	if at.Rev, err = c.offline().line(ctx, "rev-parse", "--verify", to+"^{commit}"); err != nil {
		return nil, err
	}
	if at.Branch == "" {
		at.Branch = c.defaultBranch(ctx, before != "" && before != at.Rev)
	}
	if at.Rev != before {
		// What cannot be tidied up now will be at another time.
		_, _ = c.offline().runWithin(ctx, fetchTimeout, "", "gc", "--auto", "--quiet")
	}
	return at, nil
}

func (c *clone) fetch(ctx context.Context, in string, args ...string) error {
	_, err := c.runWithin(ctx, fetchTimeout, in, append(fetchArgs[:len(fetchArgs):len(fetchArgs)], args...)...)
	return explain(err, c.path)
}

// defaultBranch is the name of the remote's. It is asked for only when it is not known or something is new, as the answer
// of many a remote is long.
func (c *clone) defaultBranch(ctx context.Context, ask bool) string {
	if ask {
		heads, err := c.runWithin(ctx, fetchTimeout, "", "ls-remote", "--symref", "origin", "HEAD")
		ref, ok := strings.CutPrefix(heads, "ref: ")
		ref, _, _ = strings.Cut(ref, "\t")
		if err == nil && ok {
			_, _ = c.line(ctx, "symbolic-ref", "HEAD", ref) // a name only: the next time will do
		}
	}
	name, _ := c.line(ctx, "symbolic-ref", "--quiet", "--short", "HEAD")
	return name
}

// anew makes the clone beside its place and then puts it there, so that none is ever half of one.
func (c *clone) anew(ctx context.Context) (*Checkout, error) {
	data := filepath.Dir(c.path)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for clones: %w", err)
	}
	was, _ := os.Lstat(c.path) // nothing, mostly
	fresh := *c
	var err error
	if fresh.path, err = os.MkdirTemp(data, filepath.Base(c.path)+".new-"); err != nil {
		return nil, fmt.Errorf("making a folder for a clone: %w", err)
	}
	defer os.RemoveAll(fresh.path)
	outside := gitDir{path: data, reach: true, ssh: c.ssh, remote: c.remote}
	args := []string{"--quiet", "--bare", "--single-branch", "--no-tags", "--template="}
	if c.Branch != "" {
		args = append(args, "--branch="+c.Branch)
	}
	args = append(args, "--", c.Remote, fresh.path)
	_, err = outside.runWithin(ctx, cloneTimeout, "", append([]string{"clone", "--filter=blob:none"}, args...)...)
	if why := (*complaint)(nil); errors.As(err, &why) && why.endless {
		// Git asks a shallow remote that cannot leave files out for what it has not, again and again.
		if err = os.RemoveAll(fresh.path); err == nil {
			_, err = outside.runWithin(ctx, cloneTimeout, "", append([]string{"clone"}, args...)...)
		}
	}
	if isNoBranch(err) {
		return nil, (&clone{outside, c.Repository}).noBranch(ctx, c.Remote)
	} else if err != nil {
		return nil, explain(err, withoutSecrets(c.Remote))
	}
	at, err := fresh.look(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.put(fresh.path, was); err != nil {
		if whole, _ := c.whole(ctx); whole { // of another process, which was faster
			return c.look(ctx)
		}
		return nil, fmt.Errorf("putting a clone in place: %w", err)
	}
	at.Dir = c.path
	return at, nil
}

// put moves a new clone to its place, unless there is another now than the one that it is for: was, or nil for none.
func (c *clone) put(fresh string, was os.FileInfo) error {
	if was != nil {
		old := fresh + ".old"
		if err := os.Rename(c.path, old); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if now, err := os.Lstat(old); err == nil && !os.SameFile(was, now) {
			return cmp.Or(os.Rename(old, c.path), os.ErrExist)
		}
		defer os.RemoveAll(old)
	}
	return os.Rename(fresh, c.path) // which fails where there is one
}

// sweep removes what processes that were killed have left beside the clone.
func (c *clone) sweep() {
	left, _ := filepath.Glob(c.path + ".new-*") // the pattern is a good one
	for _, dir := range left {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > 2*cloneTimeout {
			_ = os.RemoveAll(dir) // the next time will do
		}
	}
}

// noBranch says which branches there are.
func (c *clone) noBranch(ctx context.Context, remote string) error {
	heads, err := c.runWithin(ctx, fetchTimeout, "", "ls-remote", "--heads", "--", remote)
	if err != nil {
		return explain(err, c.path)
	}
	var refs []string
	for line := range strings.Lines(heads) {
		_, ref, _ := strings.Cut(strings.TrimSpace(line), "\t")
		refs = append(refs, ref)
	}
	return noBranch(c.Branch, refs)
}

// prefetch gets the files that a replay needs and a partial clone has not, so that git does not ask for each.
func (at *place) prefetch(ctx context.Context, steps []step) error {
	var blobs []string
	for _, s := range steps {
		for _, shift := range s.shifts {
			if shift.blob != "" && !shift.known {
				blobs = append(blobs, shift.blob)
			}
		}
	}
	return at.fetchMissing(ctx, blobs)
}

// What one fetch asks for, and one look at what is there, at most.
const (
	oneFetch    = 5000
	oneQuestion = 100_000
)

// fetchMissing gets objects that the clone has not. How large they are cannot be known before.
func (at *place) fetchMissing(ctx context.Context, objects []string) error {
	if !at.own || len(objects) == 0 {
		return nil
	}
	done := make(map[string]bool)
	for part := range slices.Chunk(objects, oneQuestion) {
		here, err := at.run(ctx, strings.Join(part, "\n")+"\n",
			"rev-list", "--no-walk", "--objects", "--no-object-names", "--ignore-missing", "--missing=allow-any", "--stdin")
		if err != nil {
			return err
		}
		for object := range strings.Lines(here) {
			done[strings.TrimSpace(object)] = true
		}
	}
	var missing []string
	for _, object := range objects {
		if !done[object] {
			done[object] = true
			missing = append(missing, object)
		}
	}
	c := &clone{gitDir: at.online()}
	for part := range slices.Chunk(missing, oneFetch) {
		if err := c.fetch(ctx, strings.Join(part, "\n")+"\n", "--filter=blob:none", "--stdin", "origin"); err != nil {
			return err
		}
	}
	return nil
}
