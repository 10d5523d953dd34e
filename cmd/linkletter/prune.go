package main

import (
	"context"
	"time"
)

const (
	pruneEvery = time.Hour
	// pruneBatch rows are removed in one short transaction; others write between them.
	pruneBatch = 500
	prunePause = 20 * time.Millisecond
	// pruneBrief is how long a command takes for it that somebody waits for; the next goes on.
	pruneBrief = 3 * time.Second
)

// pruneWhenOld removes the rows of deliveries that ended long ago, now and every so often, until the context ends.
func (a *app) pruneWhenOld(ctx context.Context) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		if err := a.prune(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("removing old deliveries", logError, err)
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

// pruneBriefly is prune for a command that somebody waits for.
func (a *app) pruneBriefly(ctx context.Context) error {
	brief, cancel := context.WithTimeout(ctx, pruneBrief)
	defer cancel()
	if err := a.prune(brief); err != nil && brief.Err() == nil {
		return err
	}
	return nil
}
