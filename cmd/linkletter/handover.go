package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"linkletter/store"
)

// handoverWait is how long a command waits for the running scheduler to do what it was handed.
const handoverWait = 10 * time.Minute

// errGone says that the process work was handed to ended before it began.
var errGone = errors.New("it went away before it did the work")

// exclusively does work here when no other process has the right to, or hands it to the one that has. The work is the
// same either way; result is filled from its answer.
func (a *app) exclusively(ctx context.Context, command string, kind store.RequestKind, subject string, result any, here func(ctx context.Context) error) error {
	for {
		lease, err := a.acquire(ctx, command)
		var held *store.HeldError
		if errors.As(err, &held) {
			if err := a.handOver(ctx, held, kind, subject, result); !errors.Is(err, errGone) {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		// The command may have been interrupted; its lease is given back all the same.
		defer lease.Release(context.WithoutCancel(ctx))
		return holding(ctx, lease, here)
	}
}

// take gets the lease for serve. One that is held may be a dead process's: then nobody renews it, and it is taken when it
// lapses. One that is renewed has a living holder, and the HeldError says who.
func (a *app) take(ctx context.Context, command string) (*store.Lease, error) {
	var first *store.HeldError
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		lease, err := a.acquire(ctx, command)
		var held *store.HeldError
		if !errors.As(err, &held) {
			return lease, err
		}
		if first == nil {
			first = held
			a.log.Info("waiting to see whether the process that worked on this database still lives", "holder", held.Holder, "until", held.Expires)
		}
		if held.Expires.After(first.Expires) || held.Holder != first.Holder {
			return nil, hintError{err, "only one scheduler works on a database; stop that one first"}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

// holding runs f while the lease is renewed, and stops it when the lease is lost.
func holding(ctx context.Context, lease *store.Lease, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(store.LeaseTime / 3)
		defer tick.Stop()
		for renewed := time.Now(); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			err := lease.Renew(ctx)
			if err == nil {
				renewed = time.Now()
				continue
			}
			// A database that is busy for a moment is no reason to stop; a lease that may be somebody else's is.
			if errors.Is(err, store.ErrNotFound) || time.Since(renewed) > store.LeaseTime {
				cancel(fmt.Errorf("another process may work on this database now; stopping: %w", err))
				return
			}
		}
	}()
	err := f(ctx)
	lost := context.Cause(ctx)
	cancel(nil)
	<-done
	if lost != nil && !errors.Is(lost, context.Canceled) {
		return lost
	}
	return err
}

// handOver asks the process that has the right, and waits for its answer.
func (a *app) handOver(ctx context.Context, held *store.HeldError, kind store.RequestKind, subject string, result any) error {
	a.log.Debug("handing over", "to", held.Holder, "kind", kind, "subject", subject)
	id, err := a.store.Ask(ctx, kind, subject)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, handoverWait)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return hintError{fmt.Errorf("%s has not answered yet; the work stays handed over: %w", held.Holder, ctx.Err()), "its log tells what it does"}
		case <-tick.C:
		}
		r, err := a.store.Request(ctx, id)
		if err != nil {
			return err
		}
		if !r.Finished {
			if err := a.watchHolder(ctx, held, id); err != nil {
				return err
			}
			continue
		}
		if r.Error != "" {
			return errors.New(r.Error)
		}
		if err := json.Unmarshal([]byte(r.Result), result); err != nil {
			return fmt.Errorf("understanding the answer of %s: %w", held.Holder, err)
		}
		return nil
	}
}

// watchHolder looks whether the process that was asked still lives. When it died before it began, the request is taken
// back and the error is errGone.
func (a *app) watchHolder(ctx context.Context, held *store.HeldError, request int64) error {
	holder, err := a.store.Holder(ctx, schedulerLease)
	if err != nil || holder != "" {
		return err
	}
	withdrawn, err := a.store.Withdraw(ctx, request)
	if err != nil {
		return err
	}
	if withdrawn {
		return errGone
	}
	return hintError{fmt.Errorf("%s ended in the middle of the work", held.Holder), "run the command again; what was stored stays, and nothing is done twice"}
}
