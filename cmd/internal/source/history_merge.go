package source

import (
	"context"
	"io"
	"slices"
	"strings"
)

// Beyond this many, paths are not named one by one, and commits not kept in memory: merges are credited to whoever made them.
const (
	maxNamed   = 50
	maxCommits = 1 << 20
)

// credit is what the commits that a merge brings say of the list.
type credit struct {
	commits int
	author  string
	several bool // authors
	loud    bool // one of them does not ask that nothing is announced
	unknown bool // a commit whose changes a shallow clone does not have is among them
}

// give gives a merge the name of whoever made the changes of the list that it brings; where several did, nobody can be named
// for one of them. If all of these ask that nothing is announced, the merge does. With no such changes it made them itself.
func (c *credit) give(rev *Revision) {
	if c == nil || c.commits == 0 || c.unknown {
		return
	}
	if rev.Author = c.author; c.several {
		rev.Author = ""
	}
	rev.AllSilent = !c.loud
}

// credits are those of the plan's merges, by their commits. Two gits tell of all of them: which commits there are, and which of
// these changed the list.
func (at *place) credits(ctx context.Context, p *plan) (map[string]*credit, error) {
	var merges []step
	specs := at.specs()
	named := make(map[string]bool)
	for _, s := range p.steps {
		if s.mergedInto == "" {
			continue
		}
		merges = append(merges, s)
		for _, shift := range s.shifts {
			named[shift.path] = true
		}
	}
	if len(merges) == 0 {
		return nil, nil
	}
	if len(named) <= maxNamed { // which have names that a file had once, too
		specs = specs[:0]
		for path := range named {
			specs = append(specs, name{path: path}.spec())
		}
	}
	span := []string{merges[len(merges)-1].commit, "^" + merges[0].mergedInto}
	brought, err := at.brought(ctx, span)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*credit, len(merges))
	paths := make(map[string][]shift, len(merges))
	for _, m := range merges {
		all[m.commit], paths[m.commit] = &credit{}, m.shifts
	}
	return all, at.authors(ctx, span, specs, func(hash, parents, author, message string, changes []change) {
		merge := brought[hash]
		c := all[merge]
		if c == nil || !slices.ContainsFunc(paths[merge], func(s shift) bool {
			return slices.ContainsFunc(changes, func(c change) bool { return c.path == s.path })
		}) {
			return
		}
		c.unknown = c.unknown || at.shallow && parents == ""
		c.several = c.several || c.commits > 0 && c.author != author
		c.loud = c.loud || !asksSilence(message)
		c.author = author
		c.commits++
	})
}

// brought tells for each commit beside the first parents which of these brought it: the oldest that it comes before.
func (at *place) brought(ctx context.Context, span []string) (map[string]string, error) {
	p, err := at.start(ctx, nil, append([]string{"rev-list", "--parents"}, span...)...)
	if err != nil {
		return nil, err
	}
	parents := make(map[string]string) // separated by spaces
	for {
		line, err := p.out.ReadString('\n')
		if err == io.EOF && line == "" {
			break
		} else if err != nil {
			return nil, p.ended(err)
		}
		hash, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if parents[hash] = rest; len(parents) > maxCommits {
			p.stop()
			_ = p.wait() // it was stopped
			return nil, nil
		}
	}
	if err := p.ended(nil); err != nil {
		return nil, err
	}
	var trunk []string // newest first
	for hash := span[0]; ; {
		before, is := parents[hash]
		if !is {
			break
		}
		trunk = append(trunk, hash)
		hash, _, _ = strings.Cut(before, " ")
	}
	brought := make(map[string]string)
	for _, by := range slices.Backward(trunk) {
		_, others, _ := strings.Cut(parents[by], " ")
		delete(parents, by)
		for next := strings.Fields(others); len(next) > 0; {
			hash := next[len(next)-1]
			next = next[:len(next)-1]
			if before, is := parents[hash]; is {
				delete(parents, hash)
				brought[hash] = by
				next = append(next, strings.Fields(before)...)
			}
		}
	}
	return brought, nil
}

// authors tells of the commits, other than merges, that changed some paths.
func (at *place) authors(ctx context.Context, span, specs []string, tell func(hash, parents, author, message string, changes []change)) error {
	p, err := at.start(ctx, nil, slices.Concat(logCommand, rawDiff,
		[]string{"--no-merges", "--full-history", "--no-renames", "--format=%H%x00%an%x00%B%x00%P"}, span, []string{"--"}, specs)...)
	if err != nil {
		return err
	}
	same := make(map[string]string)
	for {
		var t [4]string
		for i := range t {
			if t[i], err = p.token(); err == io.EOF && i > 0 {
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				break
			}
		}
		if err == io.EOF {
			return p.ended(nil)
		} else if err != nil {
			return p.ended(err)
		}
		changes, err := p.changes(same)
		if err != nil {
			return p.ended(err)
		}
		tell(t[0], t[3], strings.ToValidUTF8(t[1], "\uFFFD"), t[2], changes)
	}
}
