package deliver

import (
	"net/url"
	"strings"
	"testing"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
	"linkletter/store"
)

// The mails that ask before a dangerous act say what it is, go where they should, and their links do it.
func TestActMails(t *testing.T) {
	limits := store.SignUpLimits{Address: 9, Client: 9, Total: 9}
	w := newWorld(t, 1)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	d.Bounces = digest.BounceAddress{Local: "bounces", Domain: "example.org"}
	marks, err := w.store.BounceKeys(t.Context())
	w.must(err)
	id := w.subscriber("s0@example.org")
	send := func() (smtptest.Message, string) {
		w.Helper()
		if n, err := d.Confirmations(t.Context()); n != 1 || err != nil {
			t.Fatalf("sent %d (%v), want 1", n, err)
		}
		journal := srv.Journal()
		last := journal[len(journal)-1]
		path := writeFile(t, last.Data)
		mailcheck(t, "--transactional", path)
		m := readMessage(t, path)
		if m.unsubscribe != "" {
			t.Errorf("the mail to %s can be answered with one click: %s", last.To, m.unsubscribe)
		}
		token, err := url.PathUnescape(between(m.text, d.Site.Act(""), "\n"))
		w.must(err)
		if !strings.Contains(m.html, d.Site.Act(token)) {
			t.Errorf("the HTML of the mail to %s has another link", last.To)
		}
		return last, token
	}
	for _, tt := range []struct {
		kind      store.ActKind
		other, to string
		about     int64
	}{
		{store.ActData, "", "s0@example.org", id},
		{store.ActLeaveAddress, "new@example.org", "s0@example.org", id},
		{store.ActTakeAddress, "new@example.org", "new@example.org", 0},
		{store.ActForget, "", "new@example.org", id},
	} {
		if tt.kind != store.ActTakeAddress { // which the one before asked for
			_, err := w.store.RequestAct(t.Context(), id, tt.kind, tt.other, "client", limits)
			w.must(err)
		}
		got, token := send()
		if from := d.Bounces.For(marks.Mark(0, tt.about)); got.To != tt.to || got.From != from {
			t.Errorf("%s: from %s to %s, want from %s to %s", tt.kind, got.From, got.To, from, tt.to)
		}
		confirmation, nonce, err := d.Keys.ParseAct(token, w.clock.now())
		w.must(err)
		a, err := w.store.Act(t.Context(), confirmation, nonce)
		w.must(err)
		if a.Kind != tt.kind || a.Subscriber != id || a.Other != tt.other {
			t.Errorf("%s: its link is for %+v", tt.kind, a)
		}
		switch tt.kind {
		case store.ActData:
			_, err = w.store.TakeData(t.Context(), confirmation, nonce)
		case store.ActLeaveAddress:
			_, _, err = w.store.LeaveAddress(t.Context(), confirmation, nonce, "client", limits)
		case store.ActTakeAddress:
			_, err = w.store.TakeAddress(t.Context(), confirmation, nonce)
		case store.ActForget:
			err = w.store.ForgetMe(t.Context(), confirmation, nonce)
		}
		w.must(err)
	}
	if _, err := w.store.Subscriber(t.Context(), id); err == nil {
		t.Error("who was forgotten is there")
	}
}
