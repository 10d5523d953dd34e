package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
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
				*report, err = a.publishAll(ctx)
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
		Hub:       a.cfg.Hub,
		Language:  a.cfg.Language,
		Rights:    a.cfg.Rights,
		Store:     a.store,
		Templates: a.templates,
		Window:    a.cfg.Window,
		Location:  a.cfg.location,
		Now:       time.Now, // file times are the wall clock's
		Log:       a.log,
	}
	for _, l := range a.cfg.Lists {
		pub.Lists = append(pub.Lists, publish.List{ID: l.ID, Title: l.Title, Description: l.Description, Page: l.Page, Baseline: *l.Baseline,
			Language: l.Language, Rights: l.Rights, Changes: l.Feeds.Changes,
			Late: a.watched[l.ID].overdue})
	}
	return pub
}

// batch is lists that are published together: the front page and the feed of all lists are written once for all of them.
type batch struct {
	states map[string]string // by list
	done   chan struct{}     // closed when they are published
	report publish.Report
	err    error
}

// batches gathers the lists that change while others are being published.
type batches struct {
	mu   sync.Mutex
	next *batch     // nil: nobody waits
	turn sync.Mutex // of the batch that is being published
}

// publish rewrites the files of a list that is in a state, together with those that others ask for meanwhile.
func (a *app) publish(ctx context.Context, list, state string) error {
	a.batches.mu.Lock()
	b := a.batches.next
	first := b == nil
	if first {
		b = &batch{states: map[string]string{}, done: make(chan struct{})}
		a.batches.next = b
	}
	b.states[list] = state
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
	b.report, b.err = a.publishing(ctx, b.states, slices.Sorted(maps.Keys(b.states))...)
}

// publishAll rewrites all files from the store, and notes whether that can be done. Without templates the files stay as
// they are until the next publication, which open has warned of.
func (a *app) publishAll(ctx context.Context) (publish.Report, error) {
	if a.templates == nil {
		return publish.Report{}, nil
	}
	known, err := a.store.Lists(ctx)
	if err != nil {
		return publish.Report{}, err
	}
	// What comes after this is published by whoever records it.
	states := map[string]string{}
	for id, l := range known {
		if a.watched[id] != nil {
			states[id] = a.state(l)
		}
	}
	return a.publishing(ctx, states)
}

// publishing rewrites the files of lists, or everything where none are named, and notes in which state those are whose
// files are as they should be, and what cannot be published.
func (a *app) publishing(ctx context.Context, states map[string]string, lists ...string) (report publish.Report, err error) {
	defer a.recovered(&err)
	report, err = a.publishNoting(ctx, lists)
	if report.Written > 0 || report.Removed > 0 {
		a.log.Info("published", "lists", lists, "written", report.Written, "unchanged", report.Unchanged, "removed", report.Removed)
	}
	if ctx.Err() != nil {
		return report, err
	}
	for id := range states {
		if whatFailed(report, err, id) != nil {
			states[id] = "" // of no state, until it can be published again
		}
	}
	return report, errors.Join(err, a.store.SetPublished(ctx, states), a.noteTroubles(ctx, report, err, lists))
}

// state is all that the files of a list are made from, in short. As long as it is the same, they would be the same: pages
// name the day of the last good check, so they are written anew when that turns.
func (a *app) state(l *store.List) string {
	day := func(t time.Time) string { return t.In(a.cfg.location).Format(time.DateOnly) }
	w := a.watched[l.ID]
	c := w.config
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %+v %d %s %q %q %q %q %q %q %t %d %s %s %d %s %t", version, a.site, a.cfg.Window, a.cfg.Timezone,
		a.cfg.Hub, c.Title, c.Description, c.Page, c.Language, c.Rights, c.Feeds.Changes, *c.Baseline, day(l.LastGood()), l.Hash, len(l.Holds), day(l.ErrorSince), w.overdue(l, a.now())))
	return hex.EncodeToString(sum[:16])
}

// noteTroubles remembers what cannot be published, for all to see.
func (a *app) noteTroubles(ctx context.Context, report publish.Report, err error, lists []string) error {
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
