package main

import (
	"context"
	"errors"
	"time"

	"linkletter/store"
)

const (
	pruneEvery = time.Hour
	// pruneBatch rows are removed in one short transaction; others write between them.
	pruneBatch = 500
	prunePause = 20 * time.Millisecond
	// cleanseEvery is how often the database is rewritten, if somebody was forgotten: with pruneEvery, within a day.
	cleanseEvery = 22 * time.Hour
	// pruneBrief is how long a command takes for it that somebody waits for; the next goes on.
	pruneBrief = 3 * time.Second
)

// pruneWhenOld removes what is not needed any more, now and every so often, until the context ends.
func (a *app) pruneWhenOld(ctx context.Context) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	var cleansed time.Time
	for {
		if err := a.prune(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("removing old deliveries", logError, err)
		}
		if err := a.prunePeople(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("removing what is stored about people for nothing", logError, err)
		}
		if a.now().Sub(cleansed) >= cleanseEvery && a.cleanse(ctx) {
			cleansed = a.now()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// prune removes the rows of deliveries whose issue ended longer ago than they are kept.
func (a *app) prune(ctx context.Context) error {
	keep := a.cfg.Mail.KeepDeliveries
	if keep == 0 {
		return nil
	}
	before, total := a.now().Add(-keep), 0
	for {
		n, err := a.store.Prune(ctx, before, pruneBatch)
		total += n
		if err != nil || n == 0 {
			if total > 0 {
				a.log.Info("the rows of deliveries that ended long ago are removed; their issues' counts stay", "rows", total)
			}
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(prunePause):
		}
	}
}

// prunePeople removes what is stored about people and serves nothing any more; what came back goes with deliveries.
func (a *app) prunePeople(ctx context.Context) error {
	for {
		n, err := a.store.PrunePeople(ctx, pruneBatch)
		if keep := a.cfg.Mail.KeepDeliveries; err == nil && keep > 0 {
			var bounces int
			bounces, err = a.store.PruneBounces(ctx, a.now().Add(-keep), pruneBatch)
			n += bounces
		}
		if err != nil || n == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(prunePause):
		}
	}
}

// cleanse removes old copies of the forgotten from the database's files. It says whether it rewrote them, now.
func (a *app) cleanse(ctx context.Context) bool {
	done, err := a.store.Cleanse(ctx)
	switch {
	case errors.Is(err, store.ErrInUse): // the next time, then
	case err != nil && ctx.Err() == nil:
		a.log.Error("removing old copies of who was forgotten", logError, err)
	case done:
		a.log.Info("the database was rewritten, without old copies of who was forgotten")
	}
	return done
}

// pruneBriefly prunes for a command that somebody waits for.
func (a *app) pruneBriefly(ctx context.Context) error {
	brief, cancel := context.WithTimeout(ctx, pruneBrief)
	defer cancel()
	for _, prune := range []func(context.Context) error{a.prune, a.prunePeople} {
		if err := prune(brief); err != nil && brief.Err() == nil {
			return err
		}
	}
	return nil
}
