package deliver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"linkletter/feed/digest"
	"linkletter/store"
)

const (
	// ahead is how many deliveries are claimed at once for each connection: what is claimed waits for its turn, and a claim
	// costs a commit, however many are in it.
	ahead = 16
	// leaseTime is how long a claim is good for. Nothing depends on it: a claim that was taken over cannot be sent.
	leaseTime = 30 * time.Minute
)

// Summary is what a run did.
type Summary struct {
	Sent       int
	Deferred   int       // to be tried again; those of an issue that was paused, when it is resumed
	Failed     int       // given up
	Suppressed int       // left out: unsubscribed, paused or suppressed since the issue was frozen
	InDoubt    int       // interrupted between the end of the message and the reply, in this run
	Recovered  int       // the same, left by a process before this one
	Next       time.Time // when there is something to try; not after the run's end: at once; zero: never
}

// run is one call of Run.
type run struct {
	*Deliverer
	sender *store.Sender
	marks  digest.BounceKeys
	queue  *queue // of this round
	abort  context.CancelCauseFunc

	selections letters

	mu       sync.Mutex          // guards what follows
	letters  map[int64]*letter   // of whole issues
	refusals map[int64]*refusals // by issue
	halted   map[int64]bool      // issues that were paused or cancelled, by what the store said at the last claim or intent
	working  int                 // workers of this round that are left
	done     int
	summary  Summary
	progress func(done int)
}

// errUnwelcome ends a run whose server wants nothing of an issue.
var errUnwelcome = errors.New("the server refuses most messages of an issue")

// Run delivers all that is due, of every issue, and returns when nothing is. Only the holder of the senders' lease may
// call it, once at a time: it begins by taking over what an interrupted run left.
//
// progress, which may be nil, is called after each delivery. When ctx ends, Run finishes what is on the wire and gives
// everything else back; so it does when the quiet hours begin, and Next is when they end. An error says that nothing can be
// sent; what was not sent stays due. An issue most of which is refused is paused with that as its reason,
// and is an error too: Store.Resume lets it go on.
func (d *Deliverer) Run(ctx context.Context, progress func(done, total int)) (Summary, error) {
	// A name for each run, so that a row a failed run could not record is recovered by the next.
	sender := d.Store.Sender(rand.Text(), d.Hold)
	marks, err := d.Store.BounceKeys(ctx)
	if err != nil {
		return Summary{}, err
	}
	r := &run{Deliverer: d, sender: sender, marks: marks, letters: map[int64]*letter{}, refusals: map[int64]*refusals{}, halted: map[int64]bool{}}
	if r.summary.Recovered, err = sender.Recover(ctx); err != nil {
		return r.summary, err
	}
	backlog, err := d.Store.Backlog(ctx)
	if err != nil {
		return r.summary, err
	}
	total := backlog.Due
	r.progress = func(done int) {
		if progress != nil {
			progress(done, max(done, total))
		}
	}
	// Another round is for what a worker that could not connect gave back when the others were done.
	for available := max(1, d.Connections); err == nil && backlog.Due > 0 && !r.quiet(); {
		workers := min(available, backlog.Due) // of the next round: an issue may be frozen during this one
		err = r.round(ctx, workers)
		available -= workers - r.working
		var counting error
		if backlog, counting = d.Store.Backlog(context.WithoutCancel(ctx)); err == nil {
			err = counting
		}
	}
	if errors.Is(err, errUnwelcome) {
		err = nil // end says more of it
	}
	err = errors.Join(err, r.end(context.WithoutCancel(ctx)))
	return r.summary, err
}

// end pauses the issues that the server did not want, ends those that have nothing left to try, and looks at what is left.
func (r *run) end(ctx context.Context) error {
	var paused []error
	for ref, of := range r.refusals {
		i, err := r.Store.IssueByRef(ctx, ref)
		if err != nil {
			return err
		}
		// A few stragglers of an issue that was accepted for the others are between them and their provider.
		if !of.stopped && (!of.most() || i.Counts[digest.Sent] >= of.refused) {
			continue
		}
		var ended *store.WrongStateError // somebody cancelled it
		if err := r.Store.PauseRefused(ctx, ref, of.String()); errors.As(err, &ended) {
			continue
		} else if err != nil {
			return err
		}
		r.summary.Failed -= of.refused
		r.summary.Deferred += of.refused
		paused = append(paused, fmt.Errorf("issue %d of digest %s is paused, and can be resumed when the server takes it: %v", i.Number, i.Digest, of))
	}
	if err := r.sender.Finish(ctx); err != nil {
		return err
	}
	backlog, err := r.Store.Backlog(ctx)
	if err != nil {
		return err
	}
	if r.summary.Next = backlog.Next; backlog.Due > 0 {
		r.summary.Next = r.Now()
	}
	r.summary.Next = r.Quiet.Until(r.summary.Next)
	return errors.Join(paused...)
}

// round claims what is due and hands it to the workers until nothing is left, the context ends or nothing can be sent.
func (r *run) round(ctx context.Context, workers int) error {
	working, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	r.abort, r.working, r.queue = abort, workers, newQueue(r.PerDomain)
	jobs := make(chan store.Delivery, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { r.work(working, jobs) })
	}
	err := r.claim(working, jobs, ahead*workers)
	close(jobs)
	wg.Wait()
	for job := range jobs { // no worker was left to take it
		if releasing := r.release(ctx, []store.Delivery{job}); err == nil {
			err = releasing
		}
	}
	if cause := context.Cause(working); cause != nil {
		return cause
	}
	return err
}

// claim feeds the workers.
func (r *run) claim(ctx context.Context, jobs chan<- store.Delivery, batch int) error {
	q := r.queue
	for more := true; ctx.Err() == nil && !r.quiet(); {
		job, ok := q.next()
		if !ok && more && !q.full() {
			claimed, left, err := r.sender.Claim(ctx, batch, leaseTime)
			if err != nil {
				return errors.Join(err, r.release(ctx, q.rest()))
			}
			more = len(claimed)+left > 0
			r.count(func(s *Summary) *int { return &s.Suppressed }, left)
			r.goesOn(claimed)
			q.add(claimed)
			continue
		}
		if !more && q.empty() {
			return nil
		}
		to := jobs
		if !ok {
			to = nil // all that is left is parked, until one of its domain is done
		}
		select {
		case to <- job:
			q.take()
		case <-q.wake:
		case <-ctx.Done():
		}
	}
	return r.release(ctx, q.rest())
}

// quiet says that nothing more goes out now.
func (r *run) quiet() bool { return r.Quiet.at(r.Now()) }

func (r *run) release(ctx context.Context, claimed []store.Delivery) error {
	if len(claimed) == 0 {
		return nil
	}
	ids := make([]int64, len(claimed))
	for i, job := range claimed {
		ids[i] = job.ID
	}
	return r.sender.Release(context.WithoutCancel(ctx), ids...)
}

// settle records a try that failed.
func (r *run) settle(ctx context.Context, job store.Delivery, err error, intent bool) error {
	v := judge(err)
	if v == stop {
		r.abort(fmt.Errorf("nothing more can be sent; what was not sent stays in the queue: %w", err))
	}
	switch {
	case v == lose, v == stopped: // a cancelled issue's claims are lost
		r.halt(job.Issue)
		return nil
	case v == unwanted:
		r.count(func(s *Summary) *int { return &s.Suppressed }, 1)
		return nil
	case v == doubt, v == stop && intent:
		r.Log.Warn("a message is in doubt", logSubscriber, job.Subscriber, logError, err)
		r.count(func(s *Summary) *int { return &s.InDoubt }, 1)
		return r.sender.Doubt(ctx, job.ID, err.Error())
	case v == stop:
		return r.release(ctx, []store.Delivery{job})
	case v == retry:
		return r.put(ctx, job, err.Error())
	case v == oversize && job.Attempts < maxRefusals:
		r.count(func(s *Summary) *int { return &s.Failed }, 1)
		r.oversize(job.Issue, err)
		return r.sender.Refuse(ctx, job, err.Error(), store.ForUs)
	case v == refuse && job.Attempts < maxRefusals, (v == reject || v == suppress) && job.Attempts == 0:
		r.Log.Warn("a message was refused", logSubscriber, job.Subscriber, "suppressed", v == suppress, logError, err)
		r.count(func(s *Summary) *int { return &s.Failed }, 1)
		r.decided(job.Issue, err)
		return r.sender.Refuse(ctx, job, err.Error(), refusedFor[v])
	case v != refuse && v != oversize:
		r.decided(job.Issue, nil)
	}
	return r.fail(ctx, job, err, v == suppress)
}

// put defers a delivery, or gives it up when it was tried for long enough.
func (r *run) put(ctx context.Context, job store.Delivery, reason string) error {
	if job.Attempts >= len(backoff) {
		return r.fail(ctx, job, fmt.Errorf("given up after %d tries: %s", job.Attempts+1, reason), false)
	}
	r.count(func(s *Summary) *int { return &s.Deferred }, 1)
	return r.sender.Defer(ctx, job, r.Now().Add(backoff[job.Attempts]), reason)
}

// fail ends a delivery.
func (r *run) fail(ctx context.Context, job store.Delivery, err error, suppress bool) error {
	r.Log.Warn("a message was refused", logSubscriber, job.Subscriber, "suppressed", suppress, logError, err)
	r.count(func(s *Summary) *int { return &s.Failed }, 1)
	return r.sender.Fail(ctx, job, err.Error(), suppress)
}

// decided notes what the server decided about a message of an issue: a refusal for what we are, or anything else. It ends
// the run when it is us that are refused again and again.
func (r *run) decided(issue int64, refusal error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.refusalsOf(issue)
	if of.add(refusal) {
		of.stopped = true
		r.abort(errUnwelcome)
	}
}

// oversize ends the run for an issue that is larger than the server takes: all its messages are about the same.
func (r *run) oversize(issue int64, refusal error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.refusalsOf(issue)
	of.add(refusal)
	of.stopped, of.large = true, true
	r.abort(errUnwelcome)
}

// refusalsOf is how an issue fares. The caller holds the lock.
func (r *run) refusalsOf(issue int64) *refusals {
	of := r.refusals[issue]
	if of == nil {
		of = &refusals{}
		r.refusals[issue] = of
	}
	return of
}

// halt notes that an issue was paused or cancelled: what is claimed of it is given back, without another dialogue each.
func (r *run) halt(issue int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.halted[issue] = true
}

// goesOn notes that the issues of deliveries that could be claimed are being sent.
func (r *run) goesOn(claimed []store.Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, job := range claimed {
		delete(r.halted, job.Issue)
	}
}

func (r *run) isHalted(issue int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.halted[issue]
}

// count adds to one of the summary's numbers.
func (r *run) count(of func(*Summary) *int, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*of(&r.summary) += n
	r.done += n
	r.progress(r.done)
}

// issue is the issue of a delivery, read once per run.
func (r *run) issue(ctx context.Context, ref int64) (*letter, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.letters[ref]; l != nil {
		return l, nil
	}
	issue, err := r.Store.IssueByRef(ctx, ref)
	if err != nil {
		return nil, err
	}
	l, err := r.letter(issue.Issue, issue.Note, issue.Parts)
	if err != nil {
		return nil, err
	}
	r.letters[ref] = l
	return l, nil
}
