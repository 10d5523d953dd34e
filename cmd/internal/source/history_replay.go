package source

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"linkletter/feed/curated"
)

// ahead is the number of revisions that are read while the caller is busy with one.
const ahead = 2

// replay yields every version, until the caller has enough. One git tells of the commits, and one gives the files.
func (s *Source) replay(ctx context.Context, at *place, p *plan, yield func(*Revision) bool) (enough bool, err error) {
	if len(p.steps) == 0 {
		return false, nil
	}
	ctx, stop := context.WithCancel(ctx)
	r := &reading{at: at, plan: p, limit: s.maxBytes(), revisions: make(chan *Revision, ahead)}
	done := make(chan error, 1)
	go func() {
		defer close(r.revisions)
		done <- r.run(ctx)
	}()
	for rev := range r.revisions {
		if ctx.Err() != nil {
			break
		}
		if enough = !yield(rev); enough {
			break
		}
	}
	stop()
	for range r.revisions { // until git has ended
	}
	if err = <-done; enough {
		err = nil // of a git that was stopped
	}
	return enough, err
}

// reading is a replay under way.
type reading struct {
	at        *place
	plan      *plan
	limit     int64
	revisions chan *Revision
	heads     *gitProcess
	blobs     *gitProcess
	list      []kept // by path
}

// kept is a file of the list as of the commit that is read.
type kept struct {
	path, blob string
	size       int64
	bytes      []byte
	left       bool // for its size
}

// run reads all, and sends it.
func (r *reading) run(ctx context.Context) (err error) {
	var commits, objects strings.Builder
	for _, s := range r.plan.steps {
		commits.WriteString(s.commit + "\n")
		for _, shift := range s.shifts {
			if shift.blob != "" && !shift.known {
				objects.WriteString(shift.blob + "\n")
			}
		}
	}
	credits, err := r.at.credits(ctx, r.plan)
	if err != nil {
		return err
	}
	r.heads, err = r.at.start(ctx, strings.NewReader(commits.String()),
		append(slices.Clone(logCommand), "--no-walk=unsorted", "--no-patch", "--format=%H%x00%P%x00%ct%x00%an%x00%B", "--stdin")...)
	if err != nil {
		return err
	}
	defer func() { r.heads.stop(); _ = r.heads.wait() }()
	if r.blobs, err = r.at.start(ctx, strings.NewReader(objects.String()), "cat-file", "--batch", "--buffer"); err != nil {
		return err
	}
	defer func() { r.blobs.stop(); _ = r.blobs.wait() }()
	for _, s := range r.plan.steps {
		rev, err := r.head(s.commit)
		if err == nil {
			credits[s.commit].give(rev)
			err = r.take(s)
		}
		if err == nil {
			err = r.files(ctx, rev)
		}
		if err != nil {
			return fmt.Errorf("commit %s: %w", s.commit, err)
		}
		if len(r.list) == 0 {
			continue
		}
		select {
		case r.revisions <- rev:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// head reads what git says of a commit.
func (r *reading) head(hash string) (rev *Revision, err error) {
	var t [5]string
	for i := range t {
		if t[i], err = r.heads.token(); err != nil {
			return nil, r.heads.ended(io.ErrUnexpectedEOF)
		}
		t[i] = strings.ToValidUTF8(t[i], "\uFFFD")
	}
	if t[0] != hash {
		return nil, fmt.Errorf("git tells of commit %q instead", t[0])
	}
	return &Revision{Commit: hash, Date: commitDate(t[2]), Author: t[3], Message: strings.TrimSpace(t[4]), Link: CommitPage(r.at.origin, hash),
		Shallow: r.at.shallow && t[1] == "", Rewritten: r.plan.rewritten}, nil
}

// take brings the list to where a step leaves it.
func (r *reading) take(s step) error {
	fresh := make([]kept, len(s.shifts))
	room := r.limit
	for i, shift := range s.shifts {
		h := kept{blob: shift.blob}
		var err error
		switch {
		case shift.blob == "":
		case shift.known:
			h = r.list[slices.IndexFunc(r.list, func(h kept) bool { return h.blob == shift.blob })]
		default:
			err = r.blobs.read(&h, room)
			room -= int64(len(h.bytes))
		}
		if err != nil {
			return err
		}
		h.path = shift.path
		fresh[i] = h
	}
	for _, h := range fresh {
		i, found := slices.BinarySearchFunc(r.list, h.path, func(h kept, path string) int { return strings.Compare(h.path, path) })
		switch {
		case h.blob == "" && found:
			r.list = slices.Delete(r.list, i, i+1)
		case h.blob == "":
		case found:
			r.list[i] = h
		default:
			r.list = slices.Insert(r.list, i, h)
		}
	}
	return nil
}

// files gives a revision the list. What all files together have over the limit is not kept; it is read anew when there is
// room for it.
func (r *reading) files(ctx context.Context, rev *Revision) error {
	total, where := int64(0), "the list as of commit "+rev.Commit
	for _, h := range r.list {
		total += h.size
		if h.size > r.limit {
			where = h.path + " as of commit " + rev.Commit
		}
	}
	rev.Files = make([]curated.File, len(r.list))
	for i := range r.list {
		h := &r.list[i]
		if total > r.limit {
			h.bytes, h.left = nil, true
			continue
		}
		if h.left {
			p, err := r.at.start(ctx, strings.NewReader(h.blob+"\n"), "cat-file", "--batch")
			if err != nil {
				return err
			}
			if err := p.read(h, r.limit); err != nil {
				return err
			}
			if err := p.wait(); err != nil {
				return err
			}
			h.left = false
		}
		rev.Files[i] = r.at.file(h.path, h.bytes)
	}
	if total > r.limit {
		rev.Files, rev.TooLarge = nil, &TooLargeError{Where: where, Max: r.limit}
	}
	return nil
}

// read takes the next object from "git cat-file --batch". One over the limit is left.
func (p *gitProcess) read(into *kept, limit int64) error {
	head, err := p.out.ReadString('\n')
	if err != nil {
		return p.ended(err)
	}
	f := strings.Fields(head)
	if len(f) != 3 || f[1] != "blob" {
		return &complaint{text: strings.TrimSpace(head)}
	}
	if into.size, err = strconv.ParseInt(f[2], 10, 64); err != nil || into.size < 0 {
		return &complaint{text: strings.TrimSpace(head)}
	}
	if into.size > limit {
		into.left = true
		if _, err = io.CopyN(io.Discard, p.out, into.size+1); err != nil { // a line end follows
			return p.ended(err)
		}
		return nil
	}
	b := make([]byte, into.size+1)
	if _, err = io.ReadFull(p.out, b); err != nil {
		return p.ended(err)
	}
	into.bytes = b[:into.size:into.size]
	return nil
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
