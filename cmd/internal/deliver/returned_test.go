package deliver

import (
	"database/sql"
	"fmt"
	"log/slog"
	"net/mail"
	"strings"
	"testing"
	"time"

	"linkletter/cmd/internal/mailbox"
	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
	"linkletter/store"
)

// returning is a world in which one issue went out, with marks, and what each subscriber got.
type returning struct {
	*world
	receiver *Receiver
	got      map[string]smtptest.Message
	n        int
}

var bounceAddress = digest.BounceAddress{Local: "bounces", Domain: "links.example.org"}

func newReturning(t *testing.T, subscribers int) *returning {
	w := newWorld(t, subscribers)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	d.Bounces = bounceAddress
	w.signUp(1)
	_, err := d.Confirmations(t.Context())
	w.must(err)
	w.freeze(d)
	_, err = d.Run(t.Context(), nil)
	w.must(err)
	r := &returning{world: w, got: map[string]smtptest.Message{}, receiver: &Receiver{
		Store: w.store, Keys: d.Keys, Bounces: bounceAddress, From: []string{"digest@example.org"},
		Limit: store.SoftLimit{Score: 2, HalfLife: 24 * time.Hour}, Log: slog.New(slog.DiscardHandler),
	}}
	for _, m := range srv.Journal() {
		r.got[m.To] = m
	}
	return r
}

// report is one by a server about a message, which came back to an address and names a recipient.
func (r *returning) report(to, rcpt, action, status, returned string) string {
	r.n++
	return fmt.Sprintf("From: MAILER-DAEMON@mx.example.org\nTo: %s\nMessage-ID: <report%d@mx>\nContent-Type: multipart/report; boundary=b\n\n"+
		"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; %s\nAction: %s\nStatus: %s\n\n"+
		"--b\nContent-Type: text/rfc822-headers\n\n%s\n--b--\n", to, r.n, rcpt, action, status, returned)
}

func (r *returning) complaint(feedback, rcpt, returned string) string {
	r.n++
	return fmt.Sprintf("From: fbl@example.net\nTo: digest@example.org\nMessage-ID: <complaint%d@mx>\nContent-Type: multipart/report; boundary=b\n\n"+
		"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: %s\nOriginal-Rcpt-To: %s\n\n--b\nContent-Type: message/rfc822\n\n%s\n--b--\n",
		r.n, feedback, rcpt, returned)
}

func (r *returning) receive(msg string) Receipt {
	r.Helper()
	m, err := mailbox.Read(strings.NewReader(msg))
	r.must(err)
	receipt, err := r.receiver.Receive(r.Context(), m)
	r.must(err)
	return receipt
}

// fields are those of a message that went out, as the report's copy of them.
func (r *returning) fields(to string, names ...string) string {
	m, err := mail.ReadMessage(strings.NewReader(string(r.got[to].Data)))
	r.must(err)
	all := ""
	for _, name := range names {
		all += name + ": " + m.Header.Get(name) + "\n"
	}
	return all
}

// P6: what each proof is worth.
func TestP6Proof(t *testing.T) {
	const s0, other = "s0@example.org", "s1@example.org"
	r := newReturning(t, 2)
	from := "From: digest@example.org\n"
	mark := r.got[s0].From
	id, token := r.fields(s0, "Message-Id"), r.fields(s0, "List-Unsubscribe")
	forgedMark := mark[:15] + "aaaaaaaa" + mark[23:]
	forgedID := "Message-ID: <weekly.1.aaaabbbbccccddddeeeeffffgg@example.org>\n"
	forgedToken := "List-Unsubscribe: <https://links.example.org/-/unsubscribe/VHdlZWtseZurn56lm_5wZHoXsNwnE88>\n"
	for _, c := range []struct {
		name, msg  string
		understood bool
		suppressed store.Reason
	}{
		{"mark", r.report(mark, s0, "failed", "5.1.1", ""), true, store.Bounced},
		{"mark in capitals", r.report(strings.ToUpper(mark), s0, "failed", "5.1.1", ""), true, store.Bounced},
		{"mark in the returned header", r.report("digest@example.org", s0, "failed", "5.1.1", "Return-Path: <"+mark+">\n"), true, store.Bounced},
		{"Message-ID", r.report("digest@example.org", s0, "failed", "5.1.1", id), true, store.Bounced},
		{"Message-ID, of another name", r.report("digest@example.org", "inner@host.example.org", "failed", "5.1.1", id), true, ""}, // soft
		{"token", r.report("digest@example.org", s0, "failed", "5.1.1", token), true, store.Bounced},
		{"address alone", r.report("digest@example.org", s0, "failed", "5.1.1", from), true, ""},
		{"address, another's message", r.report("digest@example.org", s0, "failed", "5.1.1", "From: shop@example.org\n"), false, ""},
		{"unknown address", r.report("digest@example.org", "x@example.org", "failed", "5.1.1", from), false, ""},
		{"forged mark", r.report(forgedMark, s0, "failed", "5.1.1", from), false, ""},
		{"forged Message-ID", r.report("digest@example.org", s0, "failed", "5.1.1", from+forgedID), false, ""},
		{"forged token", r.report("digest@example.org", s0, "failed", "5.1.1", from+forgedToken), false, ""},
		{"soft", r.report(mark, s0, "failed", "5.2.2", ""), true, ""},
		{"delayed", r.report(mark, s0, "delayed", "4.4.1", ""), true, ""},
		{"delivered", r.report(mark, s0, "delivered", "2.0.0", ""), true, ""},
		{"operator's", r.report(bounceAddress.For(r.keys().Mark(1, 0)), s0, "failed", "5.1.1", ""), true, ""},
		{"complaint", r.complaint("abuse", "redacted@example.net", token), true, store.Complained},
		{"complaint without proof", r.complaint("abuse", s0, from), true, ""},
		{"no spam", r.complaint("not-spam", s0, token), true, ""},
		{"about authentication", r.complaint("auth-failure", s0, token), false, ""},
		{"holiday", "From: s0@example.org\nTo: " + mark + "\nAuto-Submitted: auto-replied\nSubject: away\n\nI am away; 550 5.1.1\n", false, ""},
		{"text", "From: MAILER-DAEMON@mx\nTo: " + mark + "\nSubject: failure notice\n\nHi. This is the qmail-send program at mx.\n\n<" + s0 + ">:\nno mailbox (#5.1.1)\n", true, store.Bounced},
		{"text without proof", "From: MAILER-DAEMON@mx\nTo: digest@example.org\n\nHi. This is the qmail-send program at mx.\n\n<" + s0 + ">:\nno (#5.1.1)\n", false, ""},
	} {
		r.unsuppress()
		receipt := r.receive(c.msg)
		reason, err := r.store.Suppressed(t.Context(), s0)
		r.must(err)
		if receipt.Understood != c.understood || reason != c.suppressed {
			t.Errorf("%s: %+v, and %s is suppressed for %q; want understood %v and %q\n%s", c.name, receipt, s0, reason, c.understood, c.suppressed, c.msg)
		}
		if reason, err := r.store.Suppressed(t.Context(), other); err != nil || reason != "" {
			t.Fatalf("%s: a stranger is suppressed for %q (%v)", c.name, reason, err)
		}
	}
}

func (r *returning) keys() digest.BounceKeys {
	keys, err := r.store.BounceKeys(r.Context())
	r.must(err)
	return keys
}

// unsuppress forgets what was read before.
func (r *returning) unsuppress() {
	db, err := sql.Open("sqlite", r.path) // the store's driver
	r.must(err)
	defer db.Close()
	for _, table := range []string{"suppression", "bounce"} {
		_, err := db.ExecContext(r.Context(), "DELETE FROM "+table)
		r.must(err)
	}
}

// P6: a question that came back, from its Message-ID alone too, and a mail that unsubscribes; again is no harm.
func TestP6ConfirmationsAndUnsubscribe(t *testing.T) {
	r := newReturning(t, 1)
	if receipt := r.receive(r.report("digest@example.org", "new0@example.org", "failed", "5.1.1", r.fields("new0@example.org", "Message-Id"))); !receipt.Understood {
		t.Errorf("a report about a question: %+v", receipt)
	}
	if reason, err := r.store.Suppressed(t.Context(), "new0@example.org"); err != nil || reason != store.Bounced {
		t.Errorf("who is not there was asked, and is suppressed for %q (%v)", reason, err)
	}
	token := r.receiver.Keys.Unsubscribe(r.subscriber("s0@example.org"), "weekly")
	for range 2 {
		if receipt := r.receive("From: a@example.net\nSubject: Re: unsubscribe " + token + "\n\nbye\n"); !receipt.Understood {
			t.Errorf("a mail that unsubscribes: %+v", receipt)
		}
	}
	s, err := r.store.SubscriberByAddress(t.Context(), "s0@example.org")
	r.must(err)
	if s.Subscriptions[0].State != store.SubscriptionUnsubscribed || s.Suppressed != "" {
		t.Errorf("after unsubscribing by mail: %+v", s)
	}
	if receipt := r.receive("From: a@example.net\nSubject: unsubscribe " + token + "A\n\nbye\n"); receipt.Understood {
		t.Errorf("a forged token: %+v", receipt)
	}
}

// P6: forged Message-IDs in any number cost a bounded number of searches.
func TestP6SearchesAreBounded(t *testing.T) {
	r := newReturning(t, 1)
	for i := range maxSearches + 10 {
		id := fmt.Sprintf("Message-ID: <weekly.1.%s@example.org>\n", strings.Repeat(string(rune('a'+i%26)), 26))
		if receipt := r.receive(r.report("digest@example.org", "x@example.org", "failed", "5.1.1", id)); receipt.Understood {
			t.Fatalf("a forged Message-ID: %+v", receipt)
		}
	}
	good := r.report("digest@example.org", "x@example.org", "failed", "5.1.1", r.fields("s0@example.org", "Message-Id"))
	if receipt := r.receive(good); receipt.Understood {
		t.Errorf("after %d searches: %+v", maxSearches, receipt)
	}
	r.receiver.searches = 0 // as that of a new Receiver
	if receipt := r.receive(good); !receipt.Understood {
		t.Errorf("in another pass: %+v", receipt)
	}
}
