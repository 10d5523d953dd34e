package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"linkletter/store"
)

// handoverWait is how long a command waits for the running scheduler to do what it was handed, beside the time that a
// check may take.
const handoverWait = 10 * time.Minute

// errGone says that the process work was handed to ended before it began.
var errGone = errors.New("it went away before it did the work")

// acquire takes the right to check and send. One that a dead process of this machine left is taken over at once.
func (a *app) acquire(ctx context.Context, command string) (*store.Lease, error) {
	us := us(command)
	for {
		lease, err := a.store.Acquire(ctx, schedulerLease, us)
		var held *store.HeldError
		if !errors.As(err, &held) || !isDead(held.Holder, us) {
			return lease, err
		}
		if err := a.store.Break(ctx, schedulerLease, held.Owner); err != nil {
			return nil, err
		}
	}
}

// thisHost names the machine, and the container on it, within which process ids mean something.
func thisHost() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unnamed"
	}
	// On Linux, containers of one name may still count their processes apart.
	if space, err := os.Readlink("/proc/self/ns/pid"); err == nil {
		host += " " + space
	}
	return host
}

// isDead says that a process surely runs no more: it was one of this machine, and is gone, or has our own number.
func isDead(holder, us store.Process) bool {
	if holder.Host != us.Host {
		return false
	}
	if holder.PID == us.PID {
		return true
	}
	p, err := os.FindProcess(holder.PID)
	return err != nil || errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// us is this process.
func us(command string) store.Process {
	return store.Process{Command: command, PID: os.Getpid(), Host: thisHost()}
}

// exclusively does work here when no other process has the right to, or hands it to the `serve` that has. The work is the
// same either way; result is filled from its answer.
func (a *app) exclusively(ctx context.Context, command string, kind store.RequestKind, subject string, result any, here func(ctx context.Context) error) error {
	return a.hereOrThere(ctx, command, here, func(held *store.HeldError) error {
		return a.handOver(ctx, held, kind, subject, result)
	})
}

// hereOrThere does work here when no other process has the right to, or there, where the `serve` is that has. There is
// asked again after errGone.
func (a *app) hereOrThere(ctx context.Context, command string, here func(ctx context.Context) error, there func(held *store.HeldError) error) error {
	for {
		lease, err := a.take(ctx, command)
		var held *store.HeldError
		if errors.As(err, &held) {
			if err := there(held); !errors.Is(err, errGone) {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		err = holding(ctx, lease, func(ctx context.Context) error {
			if err := a.settle(ctx); err != nil {
				return err
			}
			err := here(ctx)
			a.tellHubBriefly(ctx)
			return err
		})
		// The command may have been interrupted; its lease is given back all the same.
		return errors.Join(err, lease.Release(context.WithoutCancel(ctx)))
	}
}

// serveName is the command that answers requests; the others only hold the lease for a while.
const serveName = "serve"

// take gets the lease, and waits for it unless a living `serve` has it, which the HeldError names. A command that has it is
// soon done; a dead process of another machine does not renew it.
func (a *app) take(ctx context.Context, command string) (*store.Lease, error) {
	var first *store.HeldError
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		lease, err := a.acquire(ctx, command)
		var held *store.HeldError
		if !errors.As(err, &held) {
			return lease, err
		}
		lives := held.Holder.Host == thisHost() || first != nil && held.Owner == first.Owner && held.Expires.After(first.Expires)
		if held.Holder.Command == serveName && lives {
			return nil, err
		}
		if first == nil || held.Owner != first.Owner {
			first = held
			a.log.Warn("waiting until another process has done its work on this database", "holder", held.Holder.String())
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

// holding runs f while the lease is renewed, and stops it when the lease is lost. It is renewed until f is back: after the
// end of ctx, f finishes what is on the wire, and nobody else may send meanwhile.
func holding(ctx context.Context, lease *store.Lease, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	finished, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(store.LeaseTime / 3)
		defer tick.Stop()
		for {
			select {
			case <-finished:
				return
			case <-tick.C:
			}
			// A locked database is no reason to stop: nobody else can take the lease from it either.
			if err := lease.Renew(context.WithoutCancel(ctx)); errors.Is(err, store.ErrNotFound) {
				cancel(fmt.Errorf("another process works on this database now; stopping: %w", err))
				return
			}
		}
	}()
	err := f(ctx)
	close(finished)
	<-done
	if lost := context.Cause(ctx); lost != nil && !errors.Is(lost, context.Canceled) {
		return lost
	}
	return err
}

// handOver asks the process that has the right, and waits for its answer. Whoever stops waiting takes the wish back.
func (a *app) handOver(ctx context.Context, held *store.HeldError, kind store.RequestKind, subject string, result any) error {
	a.log.Debug("handing over", "to", held.Holder.String(), "kind", kind, "subject", subject)
	id, err := a.store.Ask(ctx, kind, subject)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, handoverWait+a.cfg.Checks.Timeout)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return a.withdraw(context.WithoutCancel(ctx), held, id, ctx.Err())
		case <-tick.C:
		}
		r, err := a.store.Request(ctx, id)
		switch {
		case ctx.Err() != nil:
			continue
		case err != nil:
			return err
		case r.Finished && r.Error != "":
			return errors.New(r.Error)
		case r.Finished:
			if err := json.Unmarshal([]byte(r.Result), result); err != nil {
				return fmt.Errorf("understanding the answer of %s: %w", held.Holder, err)
			}
			return nil
		}
		holder, err := a.store.Holder(ctx, schedulerLease)
		if err != nil {
			return err
		}
		if holder == nil || holder.Owner != held.Owner {
			return a.withdraw(ctx, held, id, errGone)
		}
	}
}

// withdraw takes a request back. When it was begun already, that is what is to be said instead of why.
func (a *app) withdraw(ctx context.Context, held *store.HeldError, request int64, why error) error {
	withdrawn, err := a.store.Withdraw(ctx, request)
	if err != nil {
		return err
	}
	if withdrawn {
		return why
	}
	return hintError{fmt.Errorf("%s had begun the work: %w", held.Holder, why), "`linkletter status` shows what came of it; nothing is done twice"}
}
