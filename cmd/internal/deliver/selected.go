package deliver

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"linkletter/feed/digest"
	"linkletter/store"
)

// maxLetters is how many selections of issues are kept rendered. Those who get the same are written to one after the other, so
// that a few would do; the others come from those who are tried again.
const maxLetters = 64

// letters are the newest of the selections that were rendered. Its methods may be called from several goroutines; one renders a
// selection, and the others wait for it.
type letters struct {
	mu    sync.Mutex // guards what follows
	found map[int64]*rendering
	order []int64 // the newest last
}

// rendering is a selection that was rendered, or is.
type rendering struct {
	once sync.Once
	l    *letter
	err  error
}

// get gives the letter of a selection, by its row, which render makes when there is none. What failed is rendered again when it is
// wanted again.
func (c *letters) get(selection int64, render func() (*letter, error)) (*letter, error) {
	c.mu.Lock()
	r := c.found[selection]
	if r == nil {
		if r = new(rendering); c.found == nil {
			c.found = map[int64]*rendering{}
		}
		c.found[selection] = r
	}
	c.order = append(slices.DeleteFunc(c.order, func(id int64) bool { return id == selection }), selection)
	if len(c.order) > maxLetters {
		delete(c.found, c.order[0])
		c.order = c.order[1:]
	}
	c.mu.Unlock()
	r.once.Do(func() { r.l, r.err = render() })
	if r.err != nil {
		c.mu.Lock()
		if c.found[selection] == r {
			delete(c.found, selection)
		}
		c.mu.Unlock()
	}
	return r.l, r.err
}

// selected renders the part of an issue that its reader chose, of what was frozen.
func (d *Deliverer) selected(whole *letter, entries []int64) (*letter, error) {
	part := digest.Select(whole.issue, entries)
	mail := d.mail(whole.issue, whole.note)
	mail.Issue, mail.SelectedFrom = part, whole.issue.Len()
	m, err := d.Templates.IssueMail(mail)
	if err != nil {
		return nil, err
	}
	return d.letter(part, whole.note, store.Parts(m))
}

// refs are an issue's entries, by their rows.
func refs(i *digest.Issue) []int64 {
	var all []int64
	for _, g := range i.Groups {
		for _, item := range g.Items {
			all = append(all, item.Ref)
		}
	}
	return all
}

// part is what a delivery is of: the issue, or what its subscriber chose of it.
func (r *run) part(ctx context.Context, job store.Delivery) (*letter, error) {
	whole, err := r.issue(ctx, job.Issue)
	if err != nil || job.Selection == 0 || job.Message != nil {
		return whole, err
	}
	l, err := r.selections.get(job.Selection, func() (*letter, error) {
		entries, err := r.Store.Selection(ctx, job.Selection)
		if err != nil {
			return nil, err
		}
		return r.selected(whole, entries)
	})
	if err != nil {
		return nil, fmt.Errorf("issue %d of digest %s: %w", whole.issue.Number, whole.issue.Digest, err)
	}
	return l, nil
}
