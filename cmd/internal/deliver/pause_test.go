package deliver

import (
	"strings"
	"testing"
	"time"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
	"linkletter/store"
)

// One refusal is one refusal; many are our fault, whatever the server says: a relay may have lost its table of recipients.
// The run stops, the issue waits for somebody to look, and nobody misses it for that, however often the program tries, nor
// is suppressed for it.
func TestD4RunPauses(t *testing.T) {
	for name, test := range map[string]struct {
		subscribers int
		refusal     error
	}{
		"policy":           {100, refusal(554, 5, 7, 1)},
		"without a reason": {100, bare(550)},
		"nobody there":     {100, refusal(550, 5, 1, 1)},
		"no route":         {100, refusal(554, 5, 4, 4)},
		"a short list":     {8, refusal(554, 5, 7, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.subscribers)
			srv := smtptest.New(t)
			srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
				if v == smtptest.Rcpt {
					return test.refusal
				}
				return nil
			})
			d := w.deliverer(w.store, smtpTo(w, srv))
			ref := w.freeze(d).Ref
			got, err := d.Run(t.Context(), nil)
			if err == nil || !strings.Contains(err.Error(), "issue 1 of digest weekly is paused") {
				t.Fatalf("error %v, want one that says what is paused", err)
			}
			tried := got.Deferred
			if got != (Summary{Deferred: tried}) || tried > 26+d.Connections || tried < min(26, test.subscribers) {
				t.Errorf("%+v, want it to stop after 26, and them deferred", got)
			}
			want := map[digest.State]int{digest.Deferred: tried}
			if tried < test.subscribers {
				want[digest.Pending] = test.subscribers - tried
			}
			w.wantCounts(want)
			i, err := w.store.IssueByRef(t.Context(), ref)
			w.must(err)
			if i.State != store.IssuePaused || !strings.Contains(i.Reason, "as the test wants") {
				t.Errorf("the issue is %s for %q, want the server's words", i.State, i.Reason)
			}

			srv.SetFault(nil)
			w.clock.add(100 * time.Hour)
			if got, err := d.Run(t.Context(), nil); err != nil || got != (Summary{}) {
				t.Errorf("%+v (%v), want a paused issue left alone", got, err)
			}
			w.must(w.store.Resume(t.Context(), ref))
			if got, err := d.Run(t.Context(), nil); err != nil || got != (Summary{Sent: test.subscribers}) {
				t.Errorf("%+v (%v), want all sent once resumed", got, err)
			}
			w.wantCounts(map[digest.State]int{digest.Sent: test.subscribers})
		})
	}
}

// Who is still not there when the issue is resumed is not: the operator has looked.
func TestD4NobodyThereTwice(t *testing.T) {
	w := newWorld(t, 8)
	srv := smtptest.New(t)
	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		if v == smtptest.Rcpt {
			return refusal(550, 5, 1, 1)
		}
		return nil
	})
	d := w.deliverer(w.store, smtpTo(w, srv))
	ref := w.freeze(d).Ref
	suppressed := func() store.Reason {
		reason, err := w.store.Suppressed(t.Context(), "s0@example.org")
		w.must(err)
		return reason
	}
	if _, err := d.Run(t.Context(), nil); err == nil || suppressed() != "" {
		t.Fatalf("error %v, suppressed for %q; want a paused issue and nobody suppressed", err, suppressed())
	}
	w.must(w.store.Resume(t.Context(), ref))
	if got, err := d.Run(t.Context(), nil); err != nil || got != (Summary{Failed: 8}) || suppressed() != store.Bounced {
		t.Errorf("%+v (%v), suppressed for %q; want all failed and suppressed", got, err, suppressed())
	}
}

// An issue that is resumed again and again without a change comes to its end all the same.
func TestD4RunPausesNotForEver(t *testing.T) {
	w := newWorld(t, 8)
	srv := smtptest.New(t)
	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		if v == smtptest.Rcpt {
			return refusal(554, 5, 7, 1)
		}
		return nil
	})
	d := w.deliverer(w.store, smtpTo(w, srv))
	ref := w.freeze(d).Ref
	for range maxRefusals {
		if _, err := d.Run(t.Context(), nil); err == nil {
			t.Fatal("not paused")
		}
		w.must(w.store.Resume(t.Context(), ref))
	}
	if got, err := d.Run(t.Context(), nil); err != nil || got != (Summary{Failed: 8}) {
		t.Errorf("%+v (%v), want all failed", got, err)
	}
	i, err := w.store.IssueByRef(t.Context(), ref)
	w.must(err)
	if i.State != store.IssueDone {
		t.Errorf("the issue is %s, want it done", i.State)
	}
}
