package deliver

import (
	"net/mail"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
)

// A test shows exactly what a subscriber gets: but for what is personal, the bytes are the same. It stores nothing, and
// its link unsubscribes nobody.
func TestTestIsWhatSubscribersGet(t *testing.T) {
	w := newWorld(t, 1)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	next, err := d.Preview(t.Context(), "weekly")
	w.must(err)
	send := func(p *Preview, to ...string) {
		t.Helper()
		d.Test(t.Context(), p, to, func(address, _ string, err error) {
			if err != nil {
				t.Errorf("a test to %s: %v", address, err)
			}
		})
	}
	send(next, "ada@example.org", "grace@example.org")
	if i, err := w.store.Issues(t.Context(), "weekly", 1); err != nil || len(i) != 0 {
		t.Errorf("a test made issues %v (%v)", i, err)
	}
	frozen := w.freeze(d)
	_, err = d.Run(t.Context(), nil)
	w.must(err)
	p, err := d.PreviewIssue(frozen)
	w.must(err)
	send(p, "ada@example.org")
	to := copies(srv)
	real := to["s0@example.org"]
	if len(real) != 1 || len(to["ada@example.org"]) != 2 || len(to["grace@example.org"]) != 1 {
		t.Fatalf("the server has %v", to)
	}
	ids := map[string]bool{real[0].ID: true}
	for _, m := range []smtptest.Message{to["ada@example.org"][0], to["grace@example.org"][0], to["ada@example.org"][1]} {
		if ids[m.ID] {
			t.Errorf("the Message-ID %s occurs twice", m.ID)
		}
		ids[m.ID] = true
		if diff := cmp.Diff(impersonal(t, real[0]), impersonal(t, m)); diff != "" {
			t.Errorf("it is not what the subscriber got (-subscriber +test):\n%s", diff)
		}
		mailcheck(t, writeFile(t, m.Data))
		token := between(readMessage(t, writeFile(t, m.Data)).text, "/-/unsubscribe/", "\n")
		subscriber, id, ok := d.Keys.ParseUnsubscribe(token)
		if !ok || id != "weekly" || subscriber >= 0 {
			t.Errorf("the link is for subscriber %d of %q (%v), want one that nobody is", subscriber, id, ok)
		}
		w.must(w.store.Unsubscribe(t.Context(), subscriber, id))
	}
	w.wantCounts(map[digest.State]int{digest.Sent: 1})
	if counts, err := w.store.SubscriptionCounts(t.Context()); err != nil || counts["weekly"].Confirmed != 1 {
		t.Errorf("subscriptions after the tests' links: %+v (%v), want one confirmed", counts["weekly"], err)
	}
}

// impersonal is a message without what differs between two subscribers.
func impersonal(t *testing.T, m smtptest.Message) any {
	t.Helper()
	read := readMessage(t, writeFile(t, m.Data))
	head, err := mail.ReadMessage(strings.NewReader(string(m.Data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, personal := range []string{"To", "Message-Id", "Content-Type", "List-Unsubscribe"} {
		delete(head.Header, personal)
	}
	token := regexp.MustCompile(`/-/(?:unsubscribe|preferences)/[\w-]+`)
	type content struct {
		Header     mail.Header
		Text, HTML string
	}
	return content{head.Header, token.ReplaceAllString(read.text, "…"), token.ReplaceAllString(read.html, "…")}
}

// One address that is refused does not keep the message from the others, and is named.
func TestTestNamesWhoWasRefused(t *testing.T) {
	w := newWorld(t, 1)
	srv := smtptest.New(t)
	srv.SetFault(func(v smtptest.Verb, m smtptest.Message) error {
		if v == smtptest.Rcpt && m.To == "no@example.org" {
			return refusal(550, 5, 1, 1)
		}
		return nil
	})
	d := w.deliverer(w.store, smtpTo(w, srv))
	p, err := d.Preview(t.Context(), "weekly")
	w.must(err)
	got := map[string]bool{}
	d.Test(t.Context(), p, []string{"a@example.org", "no@example.org", "b@example.org"}, func(address, _ string, err error) {
		got[address] = err == nil
	})
	want := map[string]bool{"a@example.org": true, "no@example.org": false, "b@example.org": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
	d.Dial = dialNobody(nobody(t))
	told := 0
	d.Test(t.Context(), p, []string{"a@example.org"}, func(_, _ string, err error) {
		told++
		if err == nil || !strings.Contains(err.Error(), "mail") {
			t.Errorf("without a server: %v, want an error that names the settings of mail", err)
		}
	})
	if told != 1 {
		t.Errorf("without a server: told %d times of one address, want once", told)
	}
}
