package source

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// What is more than this is no pull request, and says nothing of who did what.
const (
	maxMerged = 100
	maxNamed  = 50
)

// credit gives a merge the name of whoever made the changes of the list that it brings; where several did, nobody can be
// named for one of them. If all of these ask that nothing is announced, the merge does.
func (at *place) credit(ctx context.Context, rev *Revision, parents string, s step) error {
	first, _, is := strings.Cut(parents, " ")
	if !is {
		return nil
	}
	specs := at.specs()
	if len(s.shifts) <= maxNamed {
		specs = nil
		for _, shift := range s.shifts {
			specs = append(specs, ":(top,literal)"+shift.path)
		}
	}
	p, err := at.start(ctx, nil, slices.Concat(logCommand,
		[]string{"--no-merges", "--no-patch", fmt.Sprintf("--max-count=%d", maxMerged), "--format=%an%x00%B", rev.Commit, "^" + first, "--"}, specs)...)
	if err != nil {
		return err
	}
	var authors []string
	silent := true
	for {
		author, err := p.token()
		if err == io.EOF {
			break
		} else if err != nil {
			return p.ended(err)
		}
		message, err := p.token()
		if err != nil {
			return p.ended(io.ErrUnexpectedEOF)
		}
		if author = strings.ToValidUTF8(author, "\uFFFD"); !slices.Contains(authors, author) {
			authors = append(authors, author)
		}
		silent = silent && asksSilence(message)
	}
	switch len(authors) {
	case 0: // the merge itself did it
		return p.ended(nil)
	case 1:
		rev.Author = authors[0]
	default:
		rev.Author = ""
	}
	rev.AllSilent = silent
	return p.ended(nil)
}
