package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"linkletter/cmd/internal/check"
	"linkletter/cmd/internal/source"
	"linkletter/store"
)

const (
	// checkGrace is how long a check whose time is up may take to come back before it is given up.
	checkGrace = 3 * time.Second
	// maxHanging is how many checks that were given up may still hang while their places are used by others. Each may hold
	// a thread for ever, of which Go allows 10,000.
	maxHanging = 1000
	// maxBackoff is the longest time that a list that fails is not tried.
	maxBackoff = 6 * time.Hour
)

// watched is what this process knows of a list between two checks. One check or decision at a time is at it.
type watched struct {
	config *ListConfig
	at     schedule

	mu      sync.Mutex
	since   time.Time     // when what is under way began; zero: nothing is
	hangs   bool          // it was given up, and has not come back
	changed chan struct{} // closed when since or hangs is another; nil: nobody waits for that
	moved   string        // where the source said that it is for good
}

// busyError says that a list is being checked already.
type busyError struct {
	list  string
	since time.Time
	hangs bool
}

func (e *busyError) Error() string {
	if e.hangs {
		return fmt.Sprintf("list %s: its check has been running since %s and does not come back; it is not checked again before. See that its source can be read at all: a dead network file system and a pipe do not answer",
			e.list, e.since.Format(time.RFC3339))
	}
	return fmt.Sprintf("list %s has been being checked since %s", e.list, e.since.Format(time.RFC3339))
}

// enter lets the caller at the list, who calls leave in the end. When somebody is there already, it waits, or fails with a
// busyError; for what hangs, nobody waits.
func (w *watched) enter(ctx context.Context, id string, now time.Time, wait bool) error {
	for {
		w.mu.Lock()
		if w.since.IsZero() {
			w.since = now
			w.mu.Unlock()
			return nil
		}
		busy := &busyError{id, w.since, w.hangs}
		if busy.hangs || !wait {
			w.mu.Unlock()
			return busy
		}
		if w.changed == nil {
			w.changed = make(chan struct{})
		}
		changed := w.changed
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

func (w *watched) leave() { w.set(time.Time{}, false) }

// giveUp says that what is under way is not waited for any more.
func (w *watched) giveUp(since time.Time) { w.set(since, true) }

func (w *watched) set(since time.Time, hangs bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since, w.hangs = since, hangs
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

// moves says that the source is for good where it was not said to be before: that is worth saying once.
func (w *watched) moves(to string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	is := to != "" && to != w.moved
	w.moved = to
	return is
}

// next is the time at which the schedule tries a list again, given what is known of it: at a scheduled time after the
// newest check, and not while it backs off. It may be past, when that was missed. A list that was never checked is due
// since ever.
func (w *watched) next(l *store.List) time.Time {
	if l == nil || l.Checked.IsZero() {
		return time.Time{}
	}
	after := l.Checked
	if before := l.Retry.Add(-time.Second); before.After(after) {
		after = before
	}
	return w.at.Next(after)
}

// overdue says that a list should have been tried by now: the time came, and twice again.
func (w *watched) overdue(l *store.List, now time.Time) bool {
	return l != nil && !l.Checked.IsZero() && w.at.Next(w.at.Next(w.next(l))).Before(now)
}

// backoff is how long a list is not tried after so many failures in a row: no time after the first, then its interval
// times 1, 3, 7 and so on, less up to a half, so that lists of one source do not all come back at once.
func backoff(interval time.Duration, failures int, share float64) time.Duration {
	wait := time.Duration(0)
	for n := 1; n < failures && wait < maxBackoff; n++ {
		wait = min(2*wait+min(interval, maxBackoff), maxBackoff)
	}
	return wait/2 + time.Duration(share*float64(wait/2))
}

// places are where checks are made: so many at a time, whoever began them.
type places struct {
	all     chan struct{} // a token for each one taken
	failing chan struct{} // likewise, of lists that failed last: they cannot take them all
	hanging atomic.Int32
}

func newPlaces(n int) *places {
	return &places{all: make(chan struct{}, n), failing: make(chan struct{}, max(1, n/2))}
}

func (p *places) take(ctx context.Context, failing bool) error {
	if failing {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case p.failing <- struct{}{}:
		}
	}
	select {
	case <-ctx.Done():
		if failing {
			<-p.failing
		}
		return ctx.Err()
	case p.all <- struct{}{}:
		return nil
	}
}

func (p *places) free(failing bool) {
	<-p.all
	if failing {
		<-p.failing
	}
}

// checkFunc makes one check.
type checkFunc func(context.Context, check.List) (*check.Result, error)

// hangsError says that a check did not come back when its time was up, or the program was stopped.
type hangsError struct {
	since   time.Time
	timeout time.Duration
}

func (e *hangsError) Error() string {
	return fmt.Sprintf("the check has been running since %s, longer than the %v it may take (checks.timeout), and does not come back", e.since.Format(time.RFC3339), e.timeout)
}

// outcome is what came of a check.
type outcome struct {
	result *check.Result
	err    error
}

// perform makes a check of a list that the caller has entered, when there is a place for it. One that takes too long is
// given up: the error is a hangsError then, and the list is left when the check comes back, perhaps never. After any other
// outcome the caller leaves it. A panic in the check is its failure.
func (a *app) perform(ctx context.Context, w *watched, list check.List, failing bool, f checkFunc) (*check.Result, error) {
	if err := a.places.take(ctx, failing); err != nil {
		return nil, err
	}
	began := a.now()
	limited, cancel := context.WithTimeout(ctx, a.cfg.Checks.Timeout)
	back := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() { back <- o }()
		defer a.recovered(&o.err)
		o.result, o.err = f(limited, list)
	}()
	o, isBack := await(limited, back)
	if isBack {
		tooLong := ctx.Err() == nil && limited.Err() != nil
		cancel()
		a.places.free(failing)
		if o.err != nil && tooLong {
			return nil, fmt.Errorf("not done within %v (checks.timeout): %w", a.cfg.Checks.Timeout, o.err)
		}
		return o.result, o.err
	}
	// Whoever waits goes on without it. Its place is for others, and its list is left alone until it is back.
	w.giveUp(began)
	crowded := a.places.hanging.Add(1) > maxHanging
	if !crowded {
		a.places.free(failing)
	}
	go func() {
		o := <-back
		cancel()
		a.places.hanging.Add(-1)
		if crowded {
			a.places.free(failing)
		}
		w.leave()
		a.log.Info("a check that was given up has come back; the schedule goes on", logList, list.ID, "began", began, logError, o.err)
	}()
	return nil, &hangsError{began, a.cfg.Checks.Timeout}
}

// await waits until a check is back, or does not come back a while after its context ended.
func await(ctx context.Context, back <-chan outcome) (o outcome, isBack bool) {
	select {
	case o := <-back:
		return o, true
	case <-ctx.Done():
	}
	grace := time.NewTimer(checkGrace)
	defer grace.Stop()
	select {
	case o := <-back:
		return o, true
	case <-grace.C:
		return o, false
	}
}

// failedCheck is a check that could not be made, and was recorded so.
type failedCheck struct {
	list *store.List // as it stands then
	err  error       // names the list
	also error       // what went wrong with recording and publishing that; nil: nothing
}

func (e *failedCheck) Error() string {
	return errors.Join(e.err, e.also).Error()
}

func (e *failedCheck) Unwrap() []error {
	if e.also == nil {
		return []error{e.err}
	}
	return []error{e.err, e.also}
}

// checkFailed records that a check failed, and has the list's page say so from the first failure on.
func (a *app) checkFailed(ctx context.Context, w *watched, id string, cause error) error {
	now, reason := a.now(), cause.Error()
	var why *source.HistoryError
	if errors.As(cause, &why) && why.Hint != "" {
		reason += "; " + why.Hint
		cause = hintError{cause, why.Hint}
	}
	l, err := a.store.Failed(ctx, id, reason, func(failures int) time.Time {
		retry := now.Add(backoff(w.at.interval(now), failures, rand.Float64()))
		var asked *source.RetryError
		if errors.As(cause, &asked) && asked.After.After(retry) {
			retry = asked.After
		}
		return retry
	})
	if err != nil {
		return errors.Join(fmt.Errorf("list %s: %w", id, cause), err)
	}
	failed := &failedCheck{list: l, err: fmt.Errorf("list %s: %w", id, cause)}
	if state := a.state(l); state != l.Published {
		failed.also = a.publish(ctx, id, state)
	}
	return failed
}

// tell writes to the log that a list fails: at its first failure, and once more when that has lasted.
func (a *app) tell(ctx context.Context, l *store.List) {
	switch {
	case a.report(ctx, l):
	case l.Failures == 1:
		a.log.Warn("check failed; the list is tried again, and named once more if that lasts", logList, l.ID, logError, l.Error)
	default:
		a.log.Debug("check failed again", logList, l.ID, "checks", l.Failures, logError, l.Error)
	}
}

// report tells the operator, once, that a list has failed for too long, and answers whether it did.
func (a *app) report(ctx context.Context, l *store.List) bool {
	if l.Reported || a.now().Sub(l.ErrorSince) < a.cfg.Checks.ReportAfter {
		return false
	}
	if err := a.store.Reported(ctx, l.ID); err != nil {
		a.log.Error("noting that a list was reported", logList, l.ID, logError, err)
	}
	good := "never"
	if !l.Good.IsZero() {
		good = l.Good.Format(time.RFC3339)
	}
	a.log.Error("the list has failed since "+l.ErrorSince.Format(time.RFC3339)+"; this is said once",
		logList, l.ID, "checks", l.Failures, "last_good", good, logError, l.Error)
	return true
}
