package deliver

import (
	"testing"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
)

// A2: each message has an envelope sender of its own, which tells whom it was for; a new key is used from the next run on.
func TestA2EnvelopeSender(t *testing.T) {
	w := newWorld(t, 2)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	d.Bounces = digest.BounceAddress{Local: "bounces", Domain: "links.example.org"}
	srv.SetFault(faults(map[string]fault{"s0@example.org": {smtptest.Rcpt, refusal(451, 4, 7, 1)}}))
	issue := w.freeze(d)
	w.signUp(1)
	_, err := d.Run(t.Context(), nil)
	w.must(err)
	_, err = d.Confirmations(t.Context())
	w.must(err)
	before, err := w.store.BounceKeys(t.Context())
	w.must(err)
	after, err := w.store.RotateBounceKeys(t.Context())
	w.must(err)
	w.clock.add(backoff[0])
	_, err = d.Run(t.Context(), nil)
	w.must(err)
	wants := map[string]struct {
		keys  digest.BounceKeys
		issue int64
	}{"s0@example.org": {after, issue.Ref}, "s1@example.org": {before, issue.Ref}, "new0@example.org": {before, 0}}
	journal := srv.Journal()
	if len(journal) != len(wants) {
		t.Errorf("%d messages, want %d", len(journal), len(wants))
	}
	for _, m := range journal {
		want := wants[m.To]
		if address := d.Bounces.For(want.keys.Mark(want.issue, w.subscriber(m.To))); m.From != address {
			t.Errorf("the envelope to %s is from %s, want %s", m.To, m.From, address)
		}
		mark, ok := d.Bounces.Mark(m.From)
		if i, s, good := after.ParseMark(mark); !ok || !good || i != want.issue || s != w.subscriber(m.To) {
			t.Errorf("%s reads as issue %d, subscriber %d (%v, %v)", m.From, i, s, ok, good)
		}
	}
}
