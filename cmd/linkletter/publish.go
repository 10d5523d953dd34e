package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/publish"
	"linkletter/store"
)

func (p *program) publishCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "publish",
		Short: "Rewrite the feeds and pages from the store",
		Long: `Rewrite the feeds and pages from the store. Nothing is checked and nothing is mailed; files
whose bytes would be the same are not touched.`,
		Example: "  linkletter publish",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer a.close()
			report := &publish.Report{}
			err = a.exclusively(cmd.Context(), "publish", store.RequestPublish, "", report, func(ctx context.Context) (err error) {
				*report, err = a.publishing(ctx)
				return err
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "%s: %d files written, %d unchanged, %d removed\n", a.publisher.Dir, report.Written, report.Unchanged, report.Removed)
			return err
		},
	}
}

// newPublisher makes the publisher from the configuration.
func (a *app) newPublisher() *publish.Publisher {
	pub := &publish.Publisher{
		Dir:       a.cfg.path(a.cfg.Public),
		Site:      a.site,
		Tag:       a.tag,
		Store:     a.store,
		Templates: a.templates,
		Window:    a.cfg.Window,
		Location:  a.cfg.location,
		Now:       time.Now, // file times are the wall clock's
		Log:       a.log,
	}
	for _, l := range a.cfg.Lists {
		pub.Lists = append(pub.Lists, publish.List{ID: l.ID, Title: l.Title, Description: l.Description, Page: l.Page, Baseline: *l.Baseline,
			Late: a.watched[l.ID].overdue})
	}
	return pub
}

// batch is lists that are published together: the front page and the feed of all lists are written once for all of them.
type batch struct {
	lists  []string
	done   chan struct{} // closed when they are published
	report publish.Report
	err    error
}

// batches gathers the lists that change while others are being published.
type batches struct {
	mu   sync.Mutex
	next *batch     // nil: nobody waits
	turn sync.Mutex // of the batch that is being published
}

// publish rewrites the files of a list, together with those that others ask for meanwhile.
func (a *app) publish(ctx context.Context, list string) error {
	a.batches.mu.Lock()
	b := a.batches.next
	first := b == nil
	if first {
		b = &batch{done: make(chan struct{})}
		a.batches.next = b
	}
	b.lists = append(b.lists, list)
	a.batches.mu.Unlock()
	if first {
		a.publishBatch(ctx, b)
	}
	select {
	case <-b.done:
		return whatFailed(b.report, b.err, list)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// publishBatch publishes the lists that were gathered until it is their turn.
func (a *app) publishBatch(ctx context.Context, b *batch) {
	defer close(b.done)
	a.batches.turn.Lock()
	defer a.batches.turn.Unlock()
	a.batches.mu.Lock()
	a.batches.next = nil
	a.batches.mu.Unlock()
	b.report, b.err = a.publishing(ctx, b.lists...)
}

// publishing rewrites the files of lists, or everything, and notes whether that can be done.
func (a *app) publishing(ctx context.Context, lists ...string) (report publish.Report, err error) {
	defer a.recovered(&err)
	report, err = a.publisher.Publish(ctx, lists...)
	if report.Written > 0 || report.Removed > 0 {
		a.log.Info("published", "lists", lists, "written", report.Written, "unchanged", report.Unchanged, "removed", report.Removed)
	}
	if ctx.Err() != nil {
		return report, err
	}
	return report, errors.Join(err, a.notePublished(ctx, report, err, lists))
}

// notePublished remembers what can be published and what cannot, for all to see.
func (a *app) notePublished(ctx context.Context, report publish.Report, err error, lists []string) error {
	var noted error
	if len(lists) == 0 {
		noted = a.store.SetTrouble(ctx, store.TroublePublish, err)
		if err != nil {
			return noted
		}
		troubles, err := a.store.Troubles(ctx)
		noted = errors.Join(noted, err)
		for _, t := range troubles {
			if strings.HasPrefix(t.What, store.TroublePublish+" ") {
				noted = errors.Join(noted, a.store.SetTrouble(ctx, t.What, nil))
			}
		}
	}
	for _, id := range lists {
		noted = errors.Join(noted, a.store.SetTrouble(ctx, store.TroublePublish+" "+id, whatFailed(report, err, id)))
	}
	return noted
}

// whatFailed is why a list could not be published, given what became of those that were published with it.
func whatFailed(report publish.Report, err error, list string) error {
	if len(report.Failed) == 0 {
		return err
	}
	return errors.Join(report.Failed[list], report.Failed[""])
}

// feedAddresses tells where the feeds are, for people.
func (a *app) feedAddresses() (feed, files string) {
	return a.site.File("atom.xml"), filepath.Clean(a.cfg.path(a.cfg.Public))
}
