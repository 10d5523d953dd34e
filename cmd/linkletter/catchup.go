package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"linkletter/store"
)

// checkScheduled checks a list because its time has come, unless it backs off or is still being checked. It answers
// whether the check succeeded.
func (a *app) checkScheduled(ctx context.Context, id string) (good bool) {
	var panicked error
	defer a.recovered(&panicked)
	l, err := a.store.List(ctx, id)
	if err == nil && a.now().Before(l.Retry) {
		a.log.Debug("not tried, for it failed lately", logList, id, "until", l.Retry)
		return false
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		if ctx.Err() == nil {
			a.log.Error("reading what is known of a list", logList, id, logError, err)
		}
		return false
	}
	result, err := a.checkWith(ctx, id, a.check, false)
	var busy *busyError
	switch {
	case ctx.Err() != nil:
		return false
	case errors.As(err, &busy) && busy.hangs && l != nil && l.Error != "":
		a.report(ctx, l)
		return false
	case errors.As(err, &busy):
		a.log.Debug("this check is left out", logList, id, logError, err)
		return false
	}
	a.logCheck(ctx, result, err)
	return err == nil
}

// catchUp does once what was missed while the program was down: the checks in the order in which they were missed, and
// then the late issues, so that these hold what the checks find. Meanwhile all files are published again. It returns when
// all is done.
func (a *app) catchUp(ctx context.Context, issues []func()) {
	var files, checks sync.WaitGroup
	// A crash may have come between remembering and publishing: the files are made from the store again. That takes long
	// when there are many, and keeps nobody from checking.
	files.Go(func() {
		if _, err := a.publishAll(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("publishing", logError, err)
		}
	})
	defer files.Wait()
	sound, failing := a.missedChecks(ctx)
	progress, done := make(chan struct{}, 1), make(chan struct{})
	checks.Go(func() { a.checkInOrder(ctx, sound, a.cfg.Checks.AtOnce, progress) })
	// They have places of their own, so that those that take long for nothing hold nobody up.
	checks.Go(func() { a.checkInOrder(ctx, failing, cap(a.places.failing), progress) })
	go func() {
		defer close(done)
		checks.Wait()
	}()
	awaitChecks(ctx, progress, done, a.cfg.Checks.Timeout)
	for _, issue := range issues {
		issue()
	}
	<-done
}

// awaitChecks waits until all checks are done, or none has succeeded for so long.
func awaitChecks(ctx context.Context, progress, done <-chan struct{}, patience time.Duration) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-done:
			return
		case <-timer.C:
			return
		case <-progress:
			timer.Reset(patience)
		}
	}
}

// missedChecks are the lists whose check was missed, longest ago first, and those that were never checked. Lists that
// failed last are apart.
func (a *app) missedChecks(ctx context.Context) (sound, failing []string) {
	known, err := a.store.Lists(ctx)
	if err != nil {
		if ctx.Err() == nil {
			a.log.Error("looking for missed checks", logError, err)
		}
		return nil, nil
	}
	now := a.now()
	due := make(map[string]time.Time, len(a.cfg.Lists))
	for _, l := range a.cfg.Lists {
		at := a.watched[l.ID].next(known[l.ID])
		if at.After(now) {
			continue
		}
		if at.IsZero() {
			at = now // nobody waits for it yet
		}
		due[l.ID] = at
		if k := known[l.ID]; k != nil && k.Error != "" {
			failing = append(failing, l.ID)
		} else {
			sound = append(sound, l.ID)
		}
	}
	longest := func(x, y string) int { return due[x].Compare(due[y]) }
	slices.SortStableFunc(sound, longest)
	slices.SortStableFunc(failing, longest)
	return sound, failing
}

// queue is how many lists may wait to be published, together, while others are checked.
const queue = 64

// checkInOrder checks lists in their order, so many at a time, and sends on progress after each that succeeds, if anybody
// listens.
func (a *app) checkInOrder(ctx context.Context, ids []string, atOnce int, progress chan<- struct{}) {
	var all errgroup.Group
	all.SetLimit(atOnce + queue) // there are places for no more than atOnce
	for _, id := range ids {
		all.Go(func() error {
			if ctx.Err() == nil && a.checkScheduled(ctx, id) {
				select {
				case progress <- struct{}{}:
				default:
				}
			}
			return nil
		})
	}
	_ = all.Wait() // the checks log their own errors
}
