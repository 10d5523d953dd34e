package deliver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
	"linkletter/store"
)

// D5: a connection carries so many messages and no more.
func TestD5PerConnection(t *testing.T) {
	const n = 10
	w := newWorld(t, n)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	d.Connections, d.PerConnection = 1, 3
	w.freeze(d)
	if got, err := d.Run(t.Context(), nil); err != nil || got.Sent != n {
		t.Fatalf("%+v (%v), want all sent", got, err)
	}
	if got := srv.Connections(); got != 4 {
		t.Errorf("%d connections for %d messages, want 4", got, n)
	}
}

// D5: a server that closes after some messages, politely or not, puts nobody off.
func TestD5ServerHasHadEnough(t *testing.T) {
	for name, farewell := range map[string]error{"421": refusal(421, 4, 3, 2), "without a word": smtptest.ErrDrop} {
		t.Run(name, func(t *testing.T) {
			const n = 10
			w := newWorld(t, n)
			srv := smtptest.New(t)
			var mu sync.Mutex
			begun := 0
			srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
				mu.Lock()
				defer mu.Unlock()
				if v != smtptest.Mail {
					return nil
				}
				if begun++; begun%4 == 0 { // three on each connection, and the fourth is the first of the next
					return farewell
				}
				return nil
			})
			d := w.deliverer(w.store, smtpTo(w, srv))
			d.Connections = 1
			w.freeze(d)
			got, err := d.Run(t.Context(), nil)
			w.must(err)
			if diff := cmp.Diff(Summary{Sent: n}, got); diff != "" {
				t.Errorf("summary (-want +got):\n%s", diff)
			}
		})
	}
}

// No more messages are begun than is allowed, over all connections, confirmation mails included.
func TestD5PerSecond(t *testing.T) {
	w := newWorld(t, 10)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	d.Rate = rate.NewLimiter(0, 5) // five now, and none ever after
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var accepted atomic.Int32
	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		if v == smtptest.Done && accepted.Add(1) == 5 {
			stop() // or the run would wait for ever
		}
		return nil
	})
	w.freeze(d)
	w.signUp(2)
	if sent, err := d.Confirmations(t.Context()); err != nil || sent != 2 {
		t.Errorf("%d confirmation mails (%v), want 2", sent, err)
	}
	if got, err := d.Run(ctx, nil); !errors.Is(err, context.Canceled) || got.Sent != 3 {
		t.Errorf("%+v (%v), want 3 sent", got, err)
	}
	w.wantCounts(map[digest.State]int{digest.Sent: 3, digest.Pending: 7})
	d.Rate = nil
	if got, err := d.Run(t.Context(), nil); err != nil || got.Sent != 7 {
		t.Errorf("%+v (%v), want the other 7 sent", got, err)
	}
}

// crowdOf subscribes people.
func (w *world) crowdOf(addresses ...string) {
	w.Helper()
	next := 0
	_, err := w.store.Import(w.Context(), store.Import{Digests: []string{"weekly"}, Next: func() (store.Row, error) {
		if next == len(addresses) {
			return store.Row{}, io.EOF
		}
		next++
		return store.Row{Address: addresses[next-1], Digest: "weekly"}, nil
	}})
	w.must(err)
}

// D5: no more messages than allowed are on their way to one domain at once, and the others do not wait behind it: one domain
// takes nearly all of the list, and answers no one until the last of the others has been served.
func TestD5PerDomain(t *testing.T) {
	const big, limit = "big.example", 2
	var of []string
	others := 0
	for i := range 200 {
		if of = append(of, fmt.Sprintf("p%d@%s", i, big)); i%10 == 9 {
			others++
			of = append(of, fmt.Sprintf("q%d@small%d.example", i, others%3))
		}
	}
	w := newWorld(t, 0)
	w.crowdOf(of...)
	srv := smtptest.New(t)
	var mu sync.Mutex
	busy, most, served := map[string]int{}, map[string]int{}, 0
	allServed := make(chan struct{})
	srv.SetFault(func(v smtptest.Verb, m smtptest.Message) error {
		_, domain, _ := strings.Cut(m.To, "@")
		switch v {
		case smtptest.Rcpt:
			mu.Lock()
			busy[domain]++
			most[domain] = max(most[domain], busy[domain])
			mu.Unlock()
			if domain == big {
				<-allServed
			}
		case smtptest.Done:
			mu.Lock()
			if busy[domain]--; domain != big {
				if served++; served == others {
					close(allServed)
				}
			}
			mu.Unlock()
		}
		return nil
	})
	d := w.deliverer(w.store, smtpTo(w, srv))
	d.Connections, d.PerDomain = 6, limit
	w.freeze(d)
	got, err := d.Run(t.Context(), nil)
	w.must(err)
	if diff := cmp.Diff(Summary{Sent: len(of)}, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	for domain, n := range most {
		if n > limit {
			t.Errorf("%d messages to %s at once, want %d at most", n, domain, limit)
		}
	}
}

// D8: what is parked is bounded, and a stop gives all of it back.
func TestD8ParkedIsBounded(t *testing.T) {
	q := newQueue(1)
	jobs := make([]store.Delivery, 3)
	for i := range jobs {
		jobs[i] = store.Delivery{ID: int64(i), Address: "a@big.example", Message: make([]byte, maxParked/2)}
	}
	q.add(jobs)
	if job, ok := q.next(); !ok || job.ID != 0 || !q.full() || len(q.rest()) != 3 {
		t.Errorf("next is %d (%v), full %v, %d in all; want the first, full, 3", job.ID, ok, q.full(), len(q.rest()))
	}
	q.take()
	if job, ok := q.next(); ok || q.empty() {
		t.Errorf("with one under way next is %d (%v), empty %v; want none for the domain, and not empty", job.ID, ok, q.empty())
	}
	q.finished(jobs[0])
	if job, ok := q.next(); !ok || job.ID != 1 || q.full() {
		t.Errorf("then next is %d (%v), full %v; want the second, with room for more", job.ID, ok, q.full())
	}
	q.take()
	q.finished(jobs[1])
	q.take()
	q.finished(jobs[2])
	if !q.empty() || len(q.active) != 0 || q.weight != 0 {
		t.Errorf("in the end: %d active, weight %d", len(q.active), q.weight)
	}
}

// Quiet hours: what is on the wire ends, the rest waits, confirmation mails go.
func TestQuietHoursBegin(t *testing.T) {
	const n = 40
	w := newWorld(t, n) // it is 10:00
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	var err error
	d.Quiet, err = ParseQuietHours("22:00-07:00", time.UTC)
	w.must(err)
	w.freeze(d)
	w.clock.add(12*time.Hour - time.Minute)
	var mu sync.Mutex
	accepted := 0
	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		mu.Lock()
		defer mu.Unlock()
		if v == smtptest.Done {
			if accepted++; accepted == 10 {
				w.clock.add(time.Minute)
			}
		}
		return nil
	})
	got, err := d.Run(t.Context(), nil)
	w.must(err)
	morning := time.Date(2026, 3, 3, 7, 0, 0, 0, time.UTC)
	if got.Sent < 10 || got.Sent > 10+2*d.Connections || !got.Next.Equal(morning) || got.Deferred+got.Failed+got.InDoubt > 0 {
		t.Errorf("%+v, want it stopped after about 10, to go on at %s", got, morning)
	}
	w.wantCounts(map[digest.State]int{digest.Sent: got.Sent, digest.Pending: n - got.Sent})
	if again, err := d.Run(t.Context(), nil); err != nil || again != (Summary{Next: morning}) {
		t.Errorf("in the night: %+v (%v), want nothing until %s", again, err, morning)
	}
	w.signUp(1)
	if sent, err := d.Confirmations(t.Context()); err != nil || sent != 1 {
		t.Errorf("%d confirmation mails (%v) in the night, want 1", sent, err)
	}
	w.clock.add(morning.Sub(w.clock.now()))
	if rest, err := d.Run(t.Context(), nil); err != nil || rest.Sent != n-got.Sent {
		t.Errorf("in the morning: %+v (%v), want the other %d sent", rest, err, n-got.Sent)
	}
}

// What is parked of an issue that is paused or cancelled goes back without a dialogue each.
func TestD5ParkedOfAStoppedIssue(t *testing.T) {
	for name, stop := range map[string]func(*store.Store, int64) error{
		"pause":  func(s *store.Store, ref int64) error { return s.Pause(t.Context(), ref, "for a test") },
		"cancel": func(s *store.Store, ref int64) error { return s.Cancel(t.Context(), ref, "for a test") },
	} {
		const n = 50
		w := newWorld(t, n)
		srv := smtptest.New(t)
		d := w.deliverer(w.store, smtpTo(w, srv))
		d.Connections, d.PerDomain = 2, 1
		issue := w.freeze(d)
		var begun atomic.Int32
		srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
			if v == smtptest.Mail && begun.Add(1) == 5 {
				return stop(w.store, issue.Ref)
			}
			return nil
		})
		got, err := d.Run(t.Context(), nil)
		if err != nil || got.Sent != 4 || begun.Load() > 6 {
			t.Errorf("%s: %+v (%v) after %d dialogues, want 4 sent and one or two more begun", name, got, err, begun.Load())
		}
	}
}
