package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
	"linkletter/store"
)

// faults answers each recipient's own fault, at its own point, once.
func faults(byRecipient map[string]fault) func(smtptest.Verb, smtptest.Message) error {
	var mu sync.Mutex
	return func(v smtptest.Verb, m smtptest.Message) error {
		mu.Lock()
		defer mu.Unlock()
		f, ok := byRecipient[m.To]
		if !ok || f.at != v {
			return nil
		}
		delete(byRecipient, m.To)
		return f.err
	}
}

type fault struct {
	at  smtptest.Verb
	err error
}

// D4: what becomes of each delivery, and of its address.
func TestD4Outcomes(t *testing.T) {
	tests := []struct {
		name   string
		fault  fault
		state  digest.State
		reason store.Reason // why the address is suppressed
	}{
		{"accepted", fault{}, digest.Sent, ""},
		{"greylisted", fault{smtptest.Rcpt, refusal(451, 4, 7, 1)}, digest.Deferred, ""},
		{"no such user", fault{smtptest.Rcpt, refusal(550, 5, 1, 1)}, digest.Failed, store.Bounced},
		{"refused for policy", fault{smtptest.Rcpt, refusal(550, 5, 7, 1)}, digest.Failed, ""},
		{"mailbox full", fault{smtptest.Rcpt, refusal(552, 5, 2, 2)}, digest.Failed, ""},
		{"no such host", fault{smtptest.Rcpt, refusal(550, 5, 1, 2)}, digest.Failed, store.Bounced},
		{"takes no mail", fault{smtptest.Rcpt, refusal(556, 5, 1, 10)}, digest.Failed, store.Bounced},
		{"mailbox disabled", fault{smtptest.Rcpt, refusal(550, 5, 2, 1)}, digest.Failed, ""},
		{"address trouble unsaid", fault{smtptest.Rcpt, refusal(550, 5, 1, 0)}, digest.Failed, ""},
		{"reason unsaid", fault{smtptest.Rcpt, bare(550)}, digest.Failed, ""},
		{"no such user, after the message", fault{smtptest.Dot, refusal(550, 5, 1, 1)}, digest.Failed, ""},
		{"our address refused", fault{smtptest.Rcpt, refusal(550, 5, 1, 8)}, digest.Failed, ""},
		{"no room", fault{smtptest.Dot, refusal(452, 4, 3, 1)}, digest.Deferred, ""},
		{"content refused", fault{smtptest.Dot, refusal(554, 5, 6, 0)}, digest.Failed, ""},
		{"connection lost before the dot", fault{smtptest.Rcpt, smtptest.ErrDrop}, digest.Deferred, ""},
		{"connection lost after the dot", fault{smtptest.Dot, smtptest.ErrDrop}, digest.InDoubt, ""},
		{"reply lost", fault{smtptest.Done, smtptest.ErrDrop}, digest.InDoubt, ""},
		{"the last", fault{}, digest.Sent, ""},
	}
	const good = 20 // more than are refused, or the issue would be paused
	w := newWorld(t, len(tests)+good)
	srv := smtptest.New(t)
	by := map[string]fault{}
	for i, test := range tests {
		if test.fault.err != nil {
			by[fmt.Sprintf("s%d@example.org", i)] = test.fault
		}
	}
	srv.SetFault(faults(by))
	d := w.deliverer(w.store, smtpTo(w, srv))
	issue := w.freeze(d)
	got, err := d.Run(t.Context(), nil)
	w.must(err)
	want := Summary{Sent: 2 + good, Deferred: 3, Failed: 11, InDoubt: 2, Next: w.clock.now().Add(backoff[0])}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	all, err := w.store.Deliveries(t.Context(), store.DeliveryQuery{Issue: issue.Ref, Limit: 100})
	w.must(err)
	for i, test := range tests {
		if all[i].State != test.state || all[i].Attempts != 1 {
			t.Errorf("%s: %s after %d attempts (%s), want %s after 1", test.name, all[i].State, all[i].Attempts, all[i].Reply, test.state)
		}
		if reason, err := w.store.Suppressed(t.Context(), all[i].Address); err != nil || reason != test.reason {
			t.Errorf("%s: suppressed for %q (%v), want %q", test.name, reason, err, test.reason)
		}
	}
	srv.SetFault(nil)
	w.clock.add(backoff[0])
	if got, err = d.Run(t.Context(), nil); err != nil || got.Sent != 3 {
		t.Errorf("after the backoff: %+v (%v), want 3 sent", got, err)
	}
	w.clock.add(d.Hold)
	if got, err = d.Run(t.Context(), nil); err != nil || got.Sent != 2 {
		t.Errorf("after the hold: %+v (%v), want 2 sent", got, err)
	}
	for to, messages := range copies(srv) {
		switch {
		case to == "s16@example.org": // its first copy was accepted, but the reply was lost
			if len(messages) != 2 || !bytes.Equal(messages[0].Data, messages[1].Data) {
				t.Errorf("%s has %d copies, want two with the same bytes", to, len(messages))
			}
		case len(messages) != 1:
			t.Errorf("%s has %d copies", to, len(messages))
		}
	}
	w.wantCounts(map[digest.State]int{digest.Sent: 7 + good, digest.Failed: 11})
}

// When the server refuses us and not the recipient, the run stops and nobody suffers for it.
func TestD4RunStops(t *testing.T) {
	srv := smtptest.New(t)
	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		if v == smtptest.Mail {
			return refusal(550, 5, 1, 8)
		}
		return nil
	})
	down := nobody(t)
	tests := map[string]struct {
		addr string
		dial func(*world) func(context.Context) (Conn, error)
	}{
		"refused at MAIL": {srv.Addr, func(w *world) func(context.Context) (Conn, error) { return smtpTo(w, srv) }},
		"not there":       {down, func(*world) func(context.Context) (Conn, error) { return dialNobody(down) }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 10)
			d := w.deliverer(w.store, test.dial(w))
			w.freeze(d)
			got, err := d.Run(t.Context(), nil)
			if err == nil || !strings.Contains(err.Error(), test.addr) {
				t.Fatalf("error %v, want one that names %s", err, test.addr)
			}
			if diff := cmp.Diff(Summary{Next: w.clock.now()}, got); diff != "" {
				t.Errorf("summary (-want +got):\n%s", diff)
			}
			w.wantCounts(map[digest.State]int{digest.Pending: 10})
		})
	}
}

// A server that never says what became of a message does not get it for ever.
func TestD4DoubtsEnd(t *testing.T) {
	w := newWorld(t, 1)
	srv := smtptest.New(t)
	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		if v == smtptest.Done {
			return smtptest.ErrDrop
		}
		return nil
	})
	d := w.deliverer(w.store, smtpTo(w, srv))
	w.freeze(d)
	for range 10 {
		_, err := d.Run(t.Context(), nil)
		w.must(err)
		w.clock.add(d.Hold)
	}
	if n := len(srv.Journal()); n != 3 {
		t.Errorf("the server has %d copies, want 3", n)
	}
	w.wantCounts(map[digest.State]int{digest.InDoubt: 1})
}

// I4: who unsubscribes while others are written to gets nothing, although their delivery is claimed already.
func TestD1UnsubscribedAfterTheClaim(t *testing.T) {
	const n = 6
	w := newWorld(t, n)
	srv := smtptest.New(t)
	const leaver = "s3@example.org"
	srv.SetFault(func(v smtptest.Verb, m smtptest.Message) error {
		if m.To != leaver || v != smtptest.Rcpt {
			return nil
		}
		return w.store.RemoveSubscriber(t.Context(), leaver)
	})
	d := w.deliverer(w.store, smtpTo(w, srv))
	d.Connections = 1
	w.freeze(d)
	got, err := d.Run(t.Context(), nil)
	w.must(err)
	if got != (Summary{Sent: n - 1, Suppressed: 1}) {
		t.Errorf("%+v, want all but one sent", got)
	}
	if c := copies(srv)[leaver]; len(c) != 0 {
		t.Errorf("who left has %d copies", len(c))
	}
	w.wantCounts(map[digest.State]int{digest.Sent: n - 1, digest.Suppressed: 1})
}

// A sender's address that changes does not change the names of messages that wait.
func TestMessageIDOutlivesFrom(t *testing.T) {
	w := newWorld(t, 1)
	srv := smtptest.New(t)
	srv.SetFault(faults(map[string]fault{"s0@example.org": {smtptest.Dot, refusal(451, 4, 3, 0)}}))
	d := w.deliverer(w.store, smtpTo(w, srv))
	w.freeze(d)
	_, err := d.Run(t.Context(), nil)
	w.must(err)
	d.Digests[0].From = "new@elsewhere.example"
	w.clock.add(backoff[0])
	_, err = d.Run(t.Context(), nil)
	w.must(err)
	want := d.Keys.MessageID("weekly", 1, w.subscriber("s0@example.org"), "lists.example.org")
	if j := srv.Journal(); len(j) != 1 || j[0].From != "new@elsewhere.example" || j[0].ID != want {
		t.Errorf("the server has %+v, want one message %s", j, want)
	}
}

// single is a connection to a server that takes one at a time.
type single struct {
	Conn
	open *atomic.Int32
}

func (s single) Close() error {
	defer s.open.Add(-1)
	return s.Conn.Close()
}

// A server may take fewer connections than we would like.
func TestD5FewerConnections(t *testing.T) {
	const n = 30
	w := newWorld(t, n)
	srv := smtptest.New(t)
	dial := smtpTo(w, srv)
	var open atomic.Int32
	d := w.deliverer(w.store, func(ctx context.Context) (Conn, error) {
		if open.Add(1) > 1 {
			open.Add(-1)
			return nil, errors.New("421 too many connections")
		}
		c, err := dial(ctx)
		return single{c, &open}, err
	})
	w.freeze(d)
	if got, err := d.Run(t.Context(), nil); err != nil || got.Sent != n {
		t.Fatalf("%+v (%v), want all sent over one connection", got, err)
	}
}

// D6: a stop finishes what is on the wire and gives back the rest: nothing is in doubt, nobody has two copies.
func TestD6StopIsGraceful(t *testing.T) {
	const n = 60
	w := newWorld(t, n)
	srv := smtptest.New(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var accepted atomic.Int32
	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		if v == smtptest.Done && accepted.Add(1) == 20 {
			stop()
		}
		return nil
	})
	d := w.deliverer(w.store, smtpTo(w, srv))
	w.freeze(d)
	first, err := d.Run(ctx, nil)
	if !errors.Is(err, context.Canceled) || first.Sent < 20 || first.Sent == n || first.InDoubt > 0 || first.Deferred > 0 {
		t.Fatalf("%+v (%v), want it stopped in the middle with nothing in doubt", first, err)
	}
	w.wantCounts(map[digest.State]int{digest.Sent: first.Sent, digest.Pending: n - first.Sent})
	if second, err := d.Run(t.Context(), nil); err != nil || second.Sent != n-first.Sent {
		t.Fatalf("%+v (%v), want the other %d sent", second, err, n-first.Sent)
	}
	for to, messages := range copies(srv) {
		if len(messages) != 1 {
			t.Errorf("%s has %d copies", to, len(messages))
		}
	}
}

// I1, I2: a process is gone in the middle, at every point a delivery can be at. The next one reaches everybody; twice only
// those in doubt, with the same bytes.
func TestD3RunAfterACrash(t *testing.T) {
	const n = 20
	w := newWorld(t, n)
	srv := smtptest.New(t)
	crashed := w.deliverer(w.store, smtpTo(w, srv))
	issue := w.freeze(crashed)

	// What a dead process leaves: one accepted without a record, one committed without a dot, some claimed.
	sender := w.store.Sender("dead", crashed.Hold)
	claimed, _, err := sender.Claim(t.Context(), 5, time.Hour)
	w.must(err)
	l, err := crashed.letter(issue.Issue, issue.Note, issue.Parts)
	w.must(err)
	conn, err := crashed.Dial(t.Context())
	w.must(err)
	var doubtful []string
	for i, job := range claimed[:2] {
		msg, err := crashed.compose(l, job.Subscriber, job.Address)
		w.must(err)
		died := errors.New("died")
		_, err = conn.Deliver(t.Context(), l.agent, job.Address, msg, func() error {
			w.must(sender.Intent(t.Context(), job, msg))
			if i == 1 {
				return died
			}
			return nil
		})
		if err != nil && !errors.Is(err, died) {
			t.Fatal(err)
		}
		doubtful = append(doubtful, job.Address)
	}

	d := w.deliverer(w.open(), smtpTo(w, srv))
	got, err := d.Run(t.Context(), nil)
	w.must(err)
	if got.Recovered != 2 || got.Sent != n-2 {
		t.Fatalf("%+v, want 2 recovered and %d sent", got, n-2)
	}
	w.wantCounts(map[digest.State]int{digest.Sent: n - 2, digest.InDoubt: 2})
	d.Site.Title = "Renamed" // the bytes must not be composed anew
	d.Digests[0].From = "other@example.org"
	w.clock.add(d.Hold)
	if got, err = d.Run(t.Context(), nil); err != nil || got.Sent != 2 {
		t.Fatalf("%+v (%v), want the 2 in doubt sent", got, err)
	}
	to := copies(srv)
	for i := range n {
		address := fmt.Sprintf("s%d@example.org", i)
		want := 1
		if address == doubtful[0] {
			want = 2
		}
		if len(to[address]) != want {
			t.Errorf("%s has %d copies, want %d", address, len(to[address]), want)
		}
	}
	if two := to[doubtful[0]]; len(two) == 2 && (two[0].ID != two[1].ID || !bytes.Equal(two[0].Data, two[1].Data)) {
		t.Errorf("the two copies of %s differ:\n%s", doubtful[0], cmp.Diff(string(two[0].Data), string(two[1].Data)))
	}
	w.wantCounts(map[digest.State]int{digest.Sent: n})
}

// A delivery that is put off again and again is given up after 48 hours, without blame for the address.
func TestD4GivenUpAfterTwoDays(t *testing.T) {
	w := newWorld(t, 1)
	srv := smtptest.New(t)
	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		if v == smtptest.Rcpt {
			return refusal(450, 4, 2, 1)
		}
		return nil
	})
	d := w.deliverer(w.store, smtpTo(w, srv))
	w.freeze(d)
	began := w.clock.now()
	for range 100 {
		got, err := d.Run(t.Context(), nil)
		w.must(err)
		if got.Failed == 1 {
			break
		}
		w.clock.add(got.Next.Sub(w.clock.now()))
	}
	w.wantCounts(map[digest.State]int{digest.Failed: 1})
	if took := w.clock.now().Sub(began); took < 40*time.Hour || took > 48*time.Hour {
		t.Errorf("given up after %s, want almost 48 hours", took)
	}
	if reason, err := w.store.Suppressed(t.Context(), "s0@example.org"); err != nil || reason != "" {
		t.Errorf("suppressed for %q (%v)", reason, err)
	}
}

// A digest that went from the configuration keeps its deliveries waiting, and nobody else's.
func TestDigestNotConfigured(t *testing.T) {
	w := newWorld(t, 2)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	w.freeze(d)
	digests := d.Digests
	d.Digests = nil
	if got, err := d.Run(t.Context(), nil); err != nil || got.Deferred != 2 {
		t.Fatalf("%+v (%v), want both deferred", got, err)
	}
	d.Digests = digests
	w.clock.add(backoff[0])
	if got, err := d.Run(t.Context(), nil); err != nil || got.Sent != 2 {
		t.Fatalf("%+v (%v), want both sent", got, err)
	}
}
