package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"linkletter/store"
)

func leaseStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "l.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// After a signal the work finishes what is on the wire. Until it has, nobody else may send.
func TestLeaseLastsUntilTheWorkIsDone(t *testing.T) {
	t.Parallel()
	s := leaseStore(t)
	lease, err := s.Acquire(t.Context(), schedulerLease, us("serve"))
	if err != nil {
		t.Fatal(err)
	}
	before, err := s.Holder(t.Context(), schedulerLease)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = holding(ctx, lease, func(ctx context.Context) error {
		cancel()
		time.Sleep(store.LeaseTime/3 + time.Second)
		return nil
	})
	if err != nil {
		t.Errorf("the work ended with %v", err)
	}
	after, err := s.Holder(t.Context(), schedulerLease)
	if err != nil || after == nil || !after.Expires.After(before.Expires) {
		t.Errorf("the lease was not renewed after the signal: %v, then %v, %v", before, after, err)
	}
}

func TestLostLeaseStopsTheWork(t *testing.T) {
	t.Parallel()
	s := leaseStore(t)
	lease, err := s.Acquire(t.Context(), schedulerLease, us("serve"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Break(t.Context(), schedulerLease, lease.Owner); err != nil {
		t.Fatal(err)
	}
	err = holding(t.Context(), lease, func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(3 * store.LeaseTime):
			return context.DeadlineExceeded
		}
	})
	if err == nil || context.Cause(t.Context()) != nil {
		t.Errorf("the work was not told that it lost the lease: %v", err)
	}
}

// A process that surely is dead is waited for by nobody; one of another machine might live.
func TestTakeFromTheDead(t *testing.T) {
	t.Parallel()
	s := leaseStore(t)
	a := &app{store: s, log: slog.New(slog.DiscardHandler)}
	if _, err := s.Acquire(t.Context(), schedulerLease, us(serveName)); err != nil { // left by a process that had our number
		t.Fatal(err)
	}
	lease, err := a.take(t.Context(), serveName)
	if err != nil {
		t.Fatalf("taking it from the dead: %v", err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}

	elsewhere := store.Process{Command: serveName, PID: os.Getpid(), Host: "another"}
	if _, err := s.Acquire(t.Context(), schedulerLease, elsewhere); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := a.take(ctx, serveName); err == nil || ctx.Err() == nil {
		t.Errorf("a holder elsewhere that may live was not waited for: %v", err)
	}
}
