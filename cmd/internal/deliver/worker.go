package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"linkletter/cmd/internal/mailer"
	"linkletter/store"
)

// line is a worker's way out: one connection, opened anew when it is lost or has carried enough.
type line struct {
	conn    Conn // nil: none is open
	carried int  // messages that were begun on it
	settled func() error
}

// work delivers over one connection at a time.
func (r *run) work(ctx context.Context, jobs <-chan store.Delivery) {
	l := &line{settled: nothing}
	defer func() {
		r.record(l)
		l.hangUp()
	}()
	for {
		job, ok := r.take(jobs, l)
		if !ok {
			return
		}
		working := r.attend(ctx, l, job)
		r.queue.finished(job)
		if !working {
			return
		}
	}
}

// moment is how long a reply may wait for another message's intent, which spares a commit: a claim takes no longer.
const moment = 20 * time.Millisecond

// take gives the next job, if there is another. A reply rides on the next intent only where that comes within a moment.
func (r *run) take(jobs <-chan store.Delivery, l *line) (job store.Delivery, ok bool) {
	soon := time.NewTimer(moment)
	defer soon.Stop()
	select {
	case job, ok = <-jobs:
	case <-soon.C:
		r.record(l)
		job, ok = <-jobs
	}
	return job, ok
}

// record waits until the reply to the newest message is on disk. It comes before every long wait: a crash meanwhile would leave
// the message in doubt.
func (r *run) record(l *line) {
	r.must(l.settled())
	l.settled = nothing
}

// attend makes one delivery, or gives it back when there is no time for it. working is false when no connection can be had.
func (r *run) attend(ctx context.Context, l *line, job store.Delivery) (working bool) {
	if r.Rate != nil && r.Rate.Tokens() < 1 {
		r.record(l)
	}
	err := r.pace(ctx)
	if err != nil && ctx.Err() == nil {
		r.must(err)
	}
	if err != nil || ctx.Err() != nil || r.quiet() || r.isHalted(job.Issue) {
		r.must(r.release(ctx, []store.Delivery{job}))
		return true
	}
	for {
		if r.PerConnection > 0 && l.carried >= r.PerConnection {
			r.record(l)
			l.hangUp()
		}
		if l.conn == nil {
			r.record(l)
			conn, err := r.Dial(ctx)
			if err != nil {
				r.must(r.release(ctx, []store.Delivery{job}))
				r.leave(err)
				return false
			}
			l.conn, l.carried = conn, 0
		}
		l.carried++
		good, settled, again := r.deliver(ctx, l, job)
		r.record(l) // the one before: it was on this one's commit
		l.settled = settled
		if !good {
			l.hangUp()
		}
		if !again {
			return true
		}
	}
}

// hangUp ends the connection; all its messages have had their replies.
func (l *line) hangUp() {
	if l.conn != nil {
		l.conn.Close()
		l.conn = nil
	}
}

// nothing is what there is to settle for a delivery that is recorded.
func nothing() error { return nil }

// leave is the end of a worker that cannot connect. A server may take fewer connections than we would like: as long as
// one works, the others can go.
func (r *run) leave(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.working--; r.working == 0 {
		r.abort(fmt.Errorf("nothing more can be sent, and what was not sent stays in the queue; check the server and the settings under \"mail\": %w", err))
	}
}

// must ends the run when the store cannot be written: without its record nothing may be sent.
func (r *run) must(err error) {
	if err != nil && !errors.Is(err, store.ErrClaimLost) {
		r.abort(err)
	}
}

// deliver makes one delivery and records what came of it; good says that the connection is fit for another, settled waits for
// a record that is not on disk yet. again says that nothing came of it, because the server had had enough of a connection that
// worked before: it says nothing about this message.
func (r *run) deliver(ctx context.Context, l *line, job store.Delivery) (good bool, settled func() error, again bool) {
	record := context.WithoutCancel(ctx)
	letter, err := r.part(record, job)
	if errors.Is(err, errNotConfigured) {
		r.must(r.put(record, job, err.Error()))
		return true, nothing, false
	}
	if err != nil {
		r.must(err)
		r.must(r.release(record, []store.Delivery{job}))
		return true, nothing, false
	}
	msg := job.Message
	if msg == nil {
		if _, err := mailer.ParseAddress(job.Address); err != nil {
			r.must(r.fail(record, job, err, false))
			return true, nothing, false
		}
		if msg, err = r.compose(letter, job.Subscriber, job.Address); err != nil { // no copy can be made, nor signed
			r.must(fmt.Errorf("nothing more can be sent; what was not sent stays in the queue: issue %d of digest %s: %w",
				letter.issue.Number, letter.issue.Digest, err))
			r.must(r.release(record, []store.Delivery{job}))
			return true, nothing, false
		}
	}
	intent := false
	reply, err := l.conn.Deliver(ctx, r.returnPath(r.marks, letter.agent, job.Issue, job.Subscriber), job.Address, msg, func() error {
		err := r.sender.Intent(record, job, msg)
		intent = err == nil
		return err
	})
	if err == nil {
		r.count(func(s *Summary) *int { return &s.Sent }, 1)
		r.decided(job.Issue, nil)
		return true, r.sender.Sent(record, job.ID, reply), false
	}
	if ctx.Err() != nil && !intent { // not the server's fault, nor the recipient's
		r.must(r.release(record, []store.Delivery{job}))
		return false, nothing, false
	}
	if hadEnough(err, l.carried) {
		return false, nothing, true
	}
	r.must(r.settle(record, job, err, intent))
	var e *mailer.Error
	return errors.As(err, &e) && !e.Lost, nothing, false
}

// hadEnough says that a server closed a connection on which so many messages were begun, and it was good for at least one: that
// is no word about the newest, of which nothing but the sender has gone out.
func hadEnough(err error, begun int) bool {
	var e *mailer.Error
	return errors.As(err, &e) && begun > 1 && e.Phase == mailer.Mail && e.Lost
}
