package source

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// A file is followed through renames with the help of the commits in which its name comes, and no others: it is there that
// git is asked what became of the other files. A copy is not followed, as the original goes on.

// forward finds the name that the file has as of the revision, where the one that it is asked for by is an earlier one.
func (at *place) forward(ctx context.Context) error {
	for {
		now, err := at.present(ctx, at.rev, at.specs())
		if err != nil || slices.ContainsFunc(now, at.has) {
			return err
		}
		var went commit
		err = at.walk(ctx, at.rev, "", at.specs(), func(c commit) bool {
			if i := at.index(c, at.names[0].path); i >= 0 && c.changes[i].went() {
				went = c
			}
			return went.hash == ""
		})
		if err != nil {
			return err
		}
		to, err := at.renamed(ctx, went, func(c change) bool { return c.from == at.names[0].path })
		if err != nil || to.path == "" {
			return err
		}
		// Each is newer than the one before, so this comes to an end.
		at.names[0].path = to.path
	}
}

// backward finds the name that the file has as of the revision, where that is an older state than after: one from before a
// rename. A name is it if what it holds there comes from a commit of the file. It gives what is there.
func (at *place) backward(ctx context.Context, after string) (now []change, err error) {
	known := *at
	known.rev = after
	commits, err := known.follow(ctx, "")
	if err != nil {
		return nil, err
	}
	type version struct{ commit, path string }
	was := make(map[version]bool)
	var paths []string
	for _, c := range commits {
		path := c.changes[0].path
		was[version{c.hash, path}] = true
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	for _, path := range paths {
		found := false
		err := at.walk(ctx, at.rev, "", []string{name{path: path}.spec()}, func(c commit) bool {
			i := at.index(c, path)
			if i < 0 || !isFile(c.changes[i].mode) {
				return i < 0
			}
			found = was[version{c.hash, path}]
			return !found && !c.changes[i].came()
		})
		if err != nil {
			return nil, err
		}
		if found {
			at.names = []name{{path: path}}
			break
		}
	}
	return at.present(ctx, at.rev, at.specs())
}

func (at *place) index(c commit, path string) int {
	return slices.IndexFunc(c.changes, func(c change) bool { return c.path == path })
}

// follow gives the commits of a single file, newest first, under each name that it had.
func (at *place) follow(ctx context.Context, after string) ([]commit, error) {
	var all []commit
	tip, path := at.rev, at.names[0].path
	for {
		var part []commit
		err := at.walk(ctx, tip, after, []string{name{path: path}.spec()}, func(c commit) bool {
			if i := at.index(c, path); i >= 0 {
				c.changes = c.changes[i : i+1 : i+1]
				part = append(part, c)
			}
			return true
		})
		if err != nil {
			return nil, err
		}
		n, from, err := at.begins(ctx, part, path)
		if err != nil {
			return nil, err
		}
		all = append(all, part[:n]...)
		if from == "" {
			return all, nil
		}
		last := &all[len(all)-1]
		last.changes = append(last.changes, change{oldMode: last.changes[0].oldMode, mode: "000000", path: from})
		tip, path = last.parent, from
	}
}

// begins finds the commit with which the file came to have its name: the first n commits, newest first, are those of the
// file, and before that it was at from.
func (at *place) begins(ctx context.Context, commits []commit, path string) (n int, from string, err error) {
	stubs, err := at.stubs(ctx, commits)
	if err != nil {
		return 0, "", err
	}
	for i, c := range commits {
		came := c.changes[0].came()
		if !came && !stubs[i] || c.parent == "" {
			continue
		}
		source, err := at.renamed(ctx, c, func(c change) bool { return c.path == path })
		if err != nil || source.from != "" {
			return i + 1, source.from, err
		}
		if !came || i+1 == len(commits) {
			continue
		}
		// The name was in use before. Where its file went elsewhere, that is another's history; else the file was deleted,
		// and is back.
		to, err := at.renamed(ctx, commits[i+1], func(c change) bool { return c.from == path })
		if err != nil || to.path != "" {
			return i + 1, "", err
		}
	}
	return len(commits), "", nil
}

// renamed looks for a rename in a commit, along its first parent: of those that fit, the one with most likeness.
func (at *place) renamed(ctx context.Context, c commit, fits func(change) bool) (change, error) {
	var best change
	if c.parent == "" {
		return best, nil
	}
	// Git fetches what a clone of ours has not of the files that may be it.
	online := *at
	online.gitDir = at.online()
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	// With -B, a file that was written anew counts as two: one may have gone elsewhere, and a stub be left in its place.
	for _, how := range [][]string{{"-M", "-l1000"}, {"-M", "-B", "-l1000"}} {
		changes, err := online.between(ctx, c.parent, c.hash, how, nil)
		if err != nil {
			return best, online.whyNot(ctx, err)
		}
		for _, change := range changes {
			if change.from != "" && isFile(change.mode) && fits(change) && change.score > best.score && left(changes, change.from) {
				best = change
			}
		}
		if best.from != "" {
			break
		}
	}
	return best, nil
}

// whyNot is an error of a git that may have fetched.
func (at *place) whyNot(ctx context.Context, err error) error {
	switch {
	case !at.reach:
		return err
	case ctx.Err() != nil:
		return errSlow
	}
	return explain(err, at.path)
}

// left says that what was at a path is there no longer, or only a rest of it: such a file is a copy for git.
func left(changes []change, path string) bool {
	i := slices.IndexFunc(changes, func(c change) bool { return c.path == path && c.from == "" })
	return i < 0 || !isFile(changes[i].mode) || changes[i].score >= 80
}

// stubs marks the commits, of those of one file, in which it grows so much that it can have been no more than a note of
// where the list was, which comes back here.
func (at *place) stubs(ctx context.Context, commits []commit) ([]bool, error) {
	stubs := make([]bool, len(commits))
	var asked []string
	for _, c := range commits {
		if f := c.changes[0]; isFile(f.oldMode) && isFile(f.mode) {
			asked = append(asked, f.oldBlob, f.blob)
		}
	}
	if err := at.fetchMissing(ctx, asked); err != nil || len(asked) == 0 {
		return stubs, err
	}
	out, err := at.run(ctx, strings.Join(asked, "\n")+"\n", "cat-file", "--batch-check=%(objectsize)", "--buffer")
	if err != nil {
		return nil, err
	}
	sizes := make(map[string]int64, len(asked))
	for i, line := range strings.Split(strings.TrimSpace(out), "\n") {
		if size, err := strconv.ParseInt(line, 10, 64); err == nil && i < len(asked) {
			sizes[asked[i]] = size
		}
	}
	for i, c := range commits {
		before, now := sizes[c.changes[0].oldBlob], sizes[c.changes[0].blob]
		stubs[i] = before > 0 && before*4 <= now
	}
	return stubs, nil
}
