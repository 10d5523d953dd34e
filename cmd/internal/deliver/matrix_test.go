package deliver

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"linkletter/cmd/internal/mailer"
	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
	"linkletter/store"
)

// cell is one fault at one point of a dialogue, which happens to the first of two subscribers, and what must come of it.
type cell struct {
	at    smtptest.Verb
	fault string
	state digest.State // of the first one's delivery after the run
	reply string       // part of what its row says
	stops bool         // the run ends with an error, and nobody's delivery is touched
	twice bool         // the server has two copies in the end
	// suppressed is that the address is never written to again.
	suppressed bool
	ends       bool // the delivery is over, and not tried again
}

// matrix is D4: each fault at each point.
var matrix = []cell{
	{at: smtptest.Greeting, fault: "450 4.3.2 not now", stops: true},
	{at: smtptest.Greeting, fault: "421 4.3.2 not now", stops: true},
	{at: smtptest.Greeting, fault: "554 5.7.1 not you", stops: true},
	{at: smtptest.Greeting, fault: smtptest.Silence, stops: true},
	{at: smtptest.Greeting, fault: smtptest.Drop, stops: true},
	{at: smtptest.Greeting, fault: "HTTP/1.1 400 Bad Request", stops: true},

	{at: smtptest.Hello, fault: "421 4.3.2 not now", stops: true},
	{at: smtptest.Hello, fault: "451 4.3.2 not now", stops: true}, // HELO is understood, and no encryption is offered
	{at: smtptest.Hello, fault: "550 5.7.1 not you", stops: true},
	{at: smtptest.Hello, fault: smtptest.Silence, stops: true},
	{at: smtptest.Hello, fault: smtptest.Drop, stops: true},

	{at: smtptest.StartTLS, fault: "454 4.7.0 not now", stops: true},
	{at: smtptest.StartTLS, fault: "550 5.7.1 never", stops: true},
	{at: smtptest.StartTLS, fault: smtptest.Silence, stops: true},
	{at: smtptest.StartTLS, fault: smtptest.Drop, stops: true},

	{at: smtptest.Auth, fault: "454 4.7.0 not now", stops: true},
	{at: smtptest.Auth, fault: "535 5.7.8 wrong", stops: true},
	{at: smtptest.Auth, fault: smtptest.Silence, stops: true},
	{at: smtptest.Auth, fault: smtptest.Drop, stops: true},

	{at: smtptest.Mail, fault: "451 4.3.0 later", state: digest.Deferred, reply: "451 4.3.0 later"},
	{at: smtptest.Mail, fault: "452 4.3.1 full", state: digest.Deferred, reply: "452 4.3.1 full"},
	{at: smtptest.Mail, fault: "421 4.3.2 bye", state: digest.Deferred, reply: "421 4.3.2 bye"},
	{at: smtptest.Mail, fault: "550 5.1.8 who are you", stops: true},
	{at: smtptest.Mail, fault: smtptest.Silence, state: digest.Deferred, reply: "timeout"},
	{at: smtptest.Mail, fault: smtptest.Drop, state: digest.Deferred, reply: "MAIL"},
	{at: smtptest.Mail, fault: "what is this", state: digest.Deferred, reply: "no SMTP"},
	{at: smtptest.Mail, fault: "354 go ahead", state: digest.Deferred, reply: "no answer to that"},

	{at: smtptest.Rcpt, fault: "450 4.2.1 grey", state: digest.Deferred, reply: "450 4.2.1 grey"},
	{at: smtptest.Rcpt, fault: "450-4.2.1 grey\r\n450 4.2.1 come back", state: digest.Deferred, reply: "come back"},
	{at: smtptest.Rcpt, fault: "421 4.3.2 bye", state: digest.Deferred, reply: "421 4.3.2 bye"},
	{at: smtptest.Rcpt, fault: "550 5.1.1 nobody", state: digest.Failed, reply: "550 5.1.1 nobody", suppressed: true, ends: true},
	{at: smtptest.Rcpt, fault: "550 5.7.1 policy", state: digest.Failed, reply: "550 5.7.1 policy", ends: true},
	{at: smtptest.Rcpt, fault: "552 5.2.2 full", state: digest.Failed, reply: "552 5.2.2 full", ends: true},
	{at: smtptest.Rcpt, fault: smtptest.Silence, state: digest.Deferred, reply: "timeout"},
	{at: smtptest.Rcpt, fault: smtptest.Drop, state: digest.Deferred, reply: "RCPT"},
	{at: smtptest.Rcpt, fault: "450 " + strings.Repeat("very ", 1<<17), state: digest.Deferred, reply: "no end"},
	{at: smtptest.Rcpt, fault: strings.Repeat("450-and\r\n", 1<<16) + "450 so on", state: digest.Deferred, reply: "no end"},

	{at: smtptest.Data, fault: "451 4.3.0 later", state: digest.Deferred, reply: "451 4.3.0 later"},
	{at: smtptest.Data, fault: "421 4.3.2 bye", state: digest.Deferred, reply: "421 4.3.2 bye"},
	{at: smtptest.Data, fault: "554 5.7.1 policy", state: digest.Failed, reply: "554 5.7.1 policy", ends: true},
	{at: smtptest.Data, fault: "250 ok", state: digest.Deferred, reply: "no answer to that"},
	{at: smtptest.Data, fault: smtptest.Silence, state: digest.Deferred, reply: "timeout"},
	{at: smtptest.Data, fault: smtptest.Drop, state: digest.Deferred, reply: "DATA"},

	// A message as short as this is out before the server can be seen to have gone in its middle.
	{at: smtptest.Body, fault: smtptest.Silence, state: digest.InDoubt, reply: "timeout"},
	{at: smtptest.Body, fault: smtptest.Drop, state: digest.InDoubt, reply: "end of the message"},

	{at: smtptest.Dot, fault: "451 4.3.0 later", state: digest.Deferred, reply: "451 4.3.0 later"},
	{at: smtptest.Dot, fault: "452 4.3.1 full", state: digest.Deferred, reply: "452 4.3.1 full"},
	{at: smtptest.Dot, fault: "421 4.3.2 bye", state: digest.Deferred, reply: "421 4.3.2 bye"},
	{at: smtptest.Dot, fault: "552 5.2.2 full", state: digest.Failed, reply: "552 5.2.2 full", ends: true},
	{at: smtptest.Dot, fault: "554 5.7.1 policy", state: digest.Failed, reply: "554 5.7.1 policy", ends: true},
	{at: smtptest.Dot, fault: "550 5.1.1 nobody", state: digest.Failed, reply: "550 5.1.1 nobody", ends: true},
	{at: smtptest.Dot, fault: "what is this", state: digest.InDoubt, reply: "no SMTP"},
	{at: smtptest.Dot, fault: smtptest.Silence, state: digest.InDoubt, reply: "timeout"},
	{at: smtptest.Dot, fault: smtptest.Drop, state: digest.InDoubt, reply: "end of the message"},

	{at: smtptest.Done, fault: smtptest.Silence, state: digest.InDoubt, reply: "timeout", twice: true},
	{at: smtptest.Done, fault: smtptest.Drop, state: digest.InDoubt, reply: "end of the message", twice: true},
	{at: smtptest.Done, fault: "299 as you wish", state: digest.Sent, reply: "299 as you wish", ends: true},
	{at: smtptest.Done, fault: "250", state: digest.Sent, reply: "250", ends: true},
	{at: smtptest.Done, fault: "250-one\r\n250 two", state: digest.Sent, reply: "250 one two", ends: true},
}

// impatient are timeouts for servers that say nothing, and long enough for those that do.
var impatient = mailer.Timeouts{
	Connect: 5 * time.Second, Greeting: time.Second, Command: time.Second, Data: time.Second, Block: time.Second,
	Dot: time.Second, Grace: 200 * time.Millisecond,
}

// rawServer is a server with a certificate, and the way to it.
func rawServer(t testing.TB, extensions ...string) (*smtptest.Raw, *mailer.SMTP) {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	known := x509.NewCertPool()
	known.AddCert(web.Certificate())
	srv := smtptest.NewRaw(t, &tls.Config{Certificates: web.TLS.Certificates}, extensions...)
	s, err := mailer.ParseSMTP("smtp://ada@"+srv.Addr, "secret")
	if err != nil {
		t.Fatal(err)
	}
	s.Plain, s.TLS, s.Timeouts = false, &tls.Config{RootCAs: known}, impatient
	return srv, s
}

// once gives a fault the first time its point is reached.
func once(at smtptest.Verb, fault string) func(smtptest.Verb) string {
	var only sync.Once
	return func(v smtptest.Verb) (said string) {
		if v == at {
			only.Do(func() { said = fault })
		}
		return said
	}
}

// D4, D5: what each fault at each point comes to, with and without pipelining: the state of the delivery, when it is tried again, what
// its row says, whether the run stops and whether the address is suppressed; that the next delivery succeeds, and so does the
// next try.
func TestD4FaultMatrix(t *testing.T) {
	for _, pipelined := range []bool{false, true} {
		extensions := []string{"AUTH PLAIN", "SIZE 1000000"}
		if pipelined {
			extensions = append(extensions, "PIPELINING")
		}
		for i, c := range matrix {
			if pipelined && i < slices.IndexFunc(matrix, func(c cell) bool { return c.at == smtptest.Mail }) {
				continue // nothing goes out together before a message
			}
			name := string(c.at) + " " + c.fault[:min(len(c.fault), 30)]
			if pipelined {
				name += " pipelined"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c.check(t, extensions)
			})
		}
	}
}

func (c cell) check(t *testing.T, extensions []string) {
	w := newWorld(t, 2)
	srv, s := rawServer(t, extensions...)
	srv.SetFault(once(c.at, c.fault))
	d := w.deliverer(w.store, func(ctx context.Context) (Conn, error) {
		conn, err := s.Dial(ctx)
		if err != nil {
			return nil, err
		}
		return conn, nil
	})
	d.Connections = 1
	issue := w.freeze(d)
	got, err := d.Run(t.Context(), nil)
	if (err != nil) != c.stops || err != nil && !strings.Contains(err.Error(), srv.Addr) {
		t.Fatalf("the run ended with %v, want an error: %v", err, c.stops)
	}
	rows, err := w.store.Deliveries(t.Context(), store.DeliveryQuery{Issue: issue.Ref, Limit: 10})
	w.must(err)
	first, second := rows[0], rows[1]
	want, wantSecond, next := c.state, digest.Sent, time.Time{}
	switch {
	case c.stops:
		want, wantSecond, next = digest.Pending, digest.Pending, w.clock.now()
	case c.state == digest.Deferred:
		next = w.clock.now().Add(backoff[0])
	case c.state == digest.InDoubt:
		next = w.clock.now().Add(d.Hold)
	}
	if first.State != want || second.State != wantSecond || !strings.Contains(first.Reply, c.reply) || len(first.Reply) > 1000 {
		t.Errorf("the first is %s (%q) and the second %s (%q), want %s (%q) and %s",
			first.State, first.Reply[:min(len(first.Reply), 1000)], second.State, second.Reply, want, c.reply, wantSecond)
	}
	if !got.Next.Equal(next) {
		t.Errorf("next is %s, want %s", got.Next, next)
	}
	reason, err := w.store.Suppressed(t.Context(), first.Address)
	if err != nil || (reason == store.Bounced) != c.suppressed {
		t.Errorf("suppressed for %q (%v), want it: %v", reason, err, c.suppressed)
	}

	if !next.IsZero() {
		w.clock.add(next.Sub(w.clock.now()))
	}
	if _, err := d.Run(t.Context(), nil); err != nil {
		t.Fatalf("the next run: %v", err)
	}
	if !c.ends {
		want = digest.Sent
	}
	if rows, err = w.store.Deliveries(t.Context(), store.DeliveryQuery{Issue: issue.Ref, Limit: 10}); err != nil || rows[0].State != want || rows[1].State != digest.Sent {
		t.Errorf("in the end the first is %s and the second %s (%v), want %s and sent", rows[0].State, rows[1].State, err, want)
	}
	copies := map[string][][]byte{}
	for _, m := range srv.Journal() {
		copies[m.To] = append(copies[m.To], m.Data)
	}
	wantCopies := 1
	if c.twice {
		wantCopies = 2
	} else if want == digest.Failed {
		wantCopies = 0
	}
	if of := copies[first.Address]; len(of) != wantCopies || c.twice && !bytes.Equal(of[0], of[1]) {
		t.Errorf("the first has %d copies, want %d, with the same bytes", len(of), wantCopies)
	}
	if len(copies[second.Address]) != 1 {
		t.Errorf("the second has %d copies, want 1", len(copies[second.Address]))
	}
}

// A message that is larger than the server takes is the issue's fault, known before anything is sent or told by the server: the issue is
// paused, nobody's delivery fails, and it goes on where it is taken.
func TestD4TooLarge(t *testing.T) {
	for name, test := range map[string]struct {
		extension string
		fault     func(smtptest.Verb) string
	}{
		"known before": {"SIZE 1000", nil},
		"told":         {"SIZE", once(smtptest.Mail, "552 5.3.4 too large for me")},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3)
			srv, s := rawServer(t, "AUTH PLAIN", test.extension)
			srv.SetFault(test.fault)
			d := w.deliverer(w.store, func(ctx context.Context) (Conn, error) { return s.Dial(ctx) })
			d.Connections = 1
			issue := w.freeze(d)
			got, err := d.Run(t.Context(), nil)
			if err == nil || !strings.Contains(err.Error(), "larger than the server takes") || got.Failed != 0 || len(srv.Journal()) != 0 {
				t.Fatalf("%+v (%v), want the issue paused for its size", got, err)
			}
			for _, line := range srv.Heard() {
				if begun := strings.HasPrefix(line, "MAIL"); begun && (test.fault == nil || !strings.Contains(line, " SIZE=")) {
					t.Errorf("the server heard %q", line)
				}
			}
			w.must(w.store.Resume(t.Context(), issue.Ref))
			other, s2 := rawServer(t, "AUTH PLAIN", "SIZE 0")
			s = s2
			if got, err := d.Run(t.Context(), nil); err != nil || got.Sent != 3 || len(other.Journal()) != 3 {
				t.Errorf("where it is taken: %+v (%v), want all sent", got, err)
			}
		})
	}
}

// A6: a subscriber whose address needs SMTPUTF8 fails alone where the server does not offer it.
func TestA6WithoutSMTPUTF8(t *testing.T) {
	for _, offered := range []bool{false, true} {
		w := newWorld(t, 1)
		w.crowdOf("ада@example.org", "grace@bücher.example")
		extensions := []string{"AUTH PLAIN"}
		if offered {
			extensions = append(extensions, "SMTPUTF8", "8BITMIME")
		}
		srv, s := rawServer(t, extensions...)
		d := w.deliverer(w.store, func(ctx context.Context) (Conn, error) { return s.Dial(ctx) })
		issue := w.freeze(d)
		_, err := d.Run(t.Context(), nil)
		w.must(err)
		want := map[string]digest.State{"s0@example.org": digest.Sent, "ада@example.org": digest.Failed, "grace@xn--bcher-kva.example": digest.Sent}
		if offered {
			want["ада@example.org"] = digest.Sent
		}
		rows, err := w.store.Deliveries(t.Context(), store.DeliveryQuery{Issue: issue.Ref, Limit: 10})
		w.must(err)
		for _, r := range rows {
			if r.State != want[r.Address] {
				t.Errorf("SMTPUTF8 offered: %v; %s is %s (%s), want %s", offered, r.Address, r.State, r.Reply, want[r.Address])
			}
			if reason, err := w.store.Suppressed(t.Context(), r.Address); err != nil || reason != "" {
				t.Errorf("%s is suppressed for %q (%v)", r.Address, reason, err)
			}
		}
		for _, line := range srv.Heard() {
			if asks := strings.Contains(line, "SMTPUTF8"); asks && !offered {
				t.Errorf("the server heard %q, and does not offer that", line)
			}
		}
	}
}
