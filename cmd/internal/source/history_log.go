package source

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// change is what a commit did to a path.
type change struct {
	oldMode, mode string
	oldBlob, blob string
	path          string
	from          string // the path that it was renamed from, where renames are looked for
	score         int    // for those: percent of likeness to it; else, of what was written anew
}

const modeLink = "120000"

func isFile(mode string) bool { return strings.HasPrefix(mode, "100") }

// came and went are about a path that is a file: it was none, or is one no longer.
func (c change) came() bool { return !isFile(c.oldMode) && isFile(c.mode) }
func (c change) went() bool { return isFile(c.oldMode) && !isFile(c.mode) }

// commit is one that changed paths.
type commit struct {
	hash, parent string // the first parent; empty: it has none
	merge        bool   // it has others
	changes      []change
}

// What git prints must not depend on whose settings it finds: each one that could change this is set here.
var (
	logCommand = []string{"-c", "log.showRoot=true", "-c", "log.showSignature=false", "-c", "log.follow=false",
		"log", "-z", "--no-color", "--no-mailmap", "--encoding=UTF-8"}
	rawDiff = []string{"--raw", "--no-abbrev", "--no-relative", "-O" + os.DevNull}
)

// walk gives the commits that changed some paths, newest first, along the first parents from tip on: those that are not
// before after, until yield has enough.
func (at *place) walk(ctx context.Context, tip, after string, specs []string, yield func(commit) bool) error {
	args := slices.Concat(logCommand, rawDiff, []string{"--first-parent", "--diff-merges=first-parent", "--no-renames", "--format=%H%x00%P", tip})
	if after != "" {
		args = append(args, "^"+after)
	}
	p, err := at.start(ctx, nil, slices.Concat(args, []string{"--"}, specs)...)
	if err != nil {
		return err
	}
	same := make(map[string]string) // a path is kept once
	for {
		var c commit
		if c.hash, err = p.token(); err == nil {
			c.parent, err = p.token()
		}
		if err == nil {
			c.parent, _, c.merge = strings.Cut(c.parent, " ")
			c.changes, err = p.changes(same)
		}
		if err == io.EOF {
			return p.ended(nil)
		} else if err != nil {
			return p.ended(err)
		}
		if !yield(c) {
			p.stop()
			_ = p.wait() // it was stopped
			return nil
		}
	}
}

// changes reads a raw diff: two tokens for each path, ":100644 100644 OLD NEW M" and the path, or three where it was renamed.
func (p *gitProcess) changes(same map[string]string) ([]change, error) {
	var all []change
	for p.atChange() {
		head, err1 := p.token()
		path, err2 := p.token()
		f := strings.Fields(head)
		if err1 != nil || err2 != nil || len(f) < 5 {
			return nil, io.ErrUnexpectedEOF
		}
		c := change{oldMode: strings.TrimPrefix(f[0], ":"), mode: f[1], oldBlob: f[2], blob: f[3], path: path}
		c.score, _ = strconv.Atoi(f[4][1:]) // most have none
		if f[4][0] == 'R' || f[4][0] == 'C' {
			c.from = path
			if c.path, err1 = p.token(); err1 != nil {
				return nil, io.ErrUnexpectedEOF
			}
		}
		if known, ok := same[c.path]; ok {
			c.path = known
		} else if same != nil {
			same[c.path] = c.path
		}
		all = append(all, c)
	}
	return all, nil
}

// atChange reports whether the next token is a line of a raw diff, of which the first has an empty line before it.
func (p *gitProcess) atChange() bool {
	next, _ := p.out.Peek(2)
	return bytes.HasPrefix(bytes.TrimPrefix(next, []byte("\n")), []byte(":"))
}

// The hash of the tree without anything, which git knows in each repository.
const (
	emptyTree    = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
	emptyTree256 = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
)

// present gives what is at some paths as of a commit, as changes to nothing.
func (at *place) present(ctx context.Context, commit string, specs []string) ([]change, error) {
	empty := emptyTree
	if len(commit) == len(emptyTree256) {
		empty = emptyTree256
	}
	return at.between(ctx, empty, commit, []string{"--no-renames"}, specs)
}

// between gives the changes from one tree to another.
func (at *place) between(ctx context.Context, from, to string, options, specs []string) ([]change, error) {
	p, err := at.start(ctx, nil, slices.Concat([]string{"diff-tree", "-r", "-z"}, rawDiff, options, []string{from, to, "--"}, specs)...)
	if err != nil {
		return nil, err
	}
	changes, err := p.changes(nil)
	return changes, p.ended(err)
}
