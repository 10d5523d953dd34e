package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/store"
)

func TestConfirmations(t *testing.T) {
	w := newWorld(t, 0)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	_, err := w.store.SignUp(t.Context(), "new@example.org", []string{"weekly"}, "client", store.SignUpLimits{Address: 9, Client: 9, Total: 9})
	w.must(err)

	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		if v == smtptest.Rcpt {
			return refusal(451, 4, 7, 1)
		}
		return nil
	})
	if n, err := d.Confirmations(t.Context()); n != 0 || err != nil {
		t.Fatalf("sent %d (%v), want it put off", n, err)
	}
	srv.SetFault(nil)
	if n, err := d.Confirmations(t.Context()); n != 0 || err != nil {
		t.Fatalf("sent %d at once (%v), want it later", n, err)
	}
	w.clock.add(backoff[0])
	if n, err := d.Confirmations(t.Context()); n != 1 || err != nil {
		t.Fatalf("sent %d (%v), want 1", n, err)
	}
	w.clock.add(24 * time.Hour)
	if n, err := d.Confirmations(t.Context()); n != 0 || err != nil {
		t.Fatalf("sent %d more (%v)", n, err)
	}
	journal := srv.Journal()
	if len(journal) != 1 || journal[0].To != "new@example.org" {
		t.Fatalf("the server has %+v", journal)
	}
	path := writeFile(t, journal[0].Data)
	mailcheck(t, "--transactional", path)

	token := between(readMessage(t, path).text, d.Site.Confirm(""), "\n")
	token, err = url.PathUnescape(token)
	w.must(err)
	subscriber, id, nonce, err := d.Keys.ParseConfirm(token, w.clock.now())
	w.must(err)
	w.must(w.store.Confirm(t.Context(), subscriber, id, nonce))
}

// A server that is away puts no confirmation mail off: they go as soon as it is back.
func TestConfirmationsWithoutServer(t *testing.T) {
	const n = confirmationBatch + 2
	w := newWorld(t, 0)
	w.signUp(n)
	addr := nobody(t)
	d := w.deliverer(w.store, dialNobody(addr))
	if _, err := d.Confirmations(t.Context()); err == nil || count(err.Error(), addr) == 0 {
		t.Fatalf("error %v, want one that names %s", err, addr)
	}
	srv := smtptest.New(t)
	d.Dial = smtpTo(w, srv)
	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		if v == smtptest.Mail && len(srv.Journal()) == 3 {
			return refusal(550, 5, 1, 8)
		}
		return nil
	})
	if sent, err := d.Confirmations(t.Context()); sent != 3 || err == nil {
		t.Fatalf("sent %d (%v), want it to stop after 3", sent, err)
	}
	srv.SetFault(nil)
	if sent, err := d.Confirmations(t.Context()); sent != n-3 || err != nil {
		t.Fatalf("sent %d (%v), want the other %d at once", sent, err, n-3)
	}
}

// A stop in the middle puts nothing off either.
func TestConfirmationsStopped(t *testing.T) {
	const n = 4
	w := newWorld(t, 0)
	w.signUp(n)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	ctx, stop := context.WithCancel(t.Context())
	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		if v == smtptest.Rcpt && len(srv.Journal()) == 2 {
			stop()
			return smtptest.ErrDrop
		}
		return nil
	})
	if sent, err := d.Confirmations(ctx); sent != 2 || !errors.Is(err, context.Canceled) {
		t.Fatalf("sent %d (%v), want it stopped after 2", sent, err)
	}
	srv.SetFault(nil)
	if sent, err := d.Confirmations(t.Context()); sent != n-2 || err != nil {
		t.Fatalf("sent %d (%v), want the other %d at once", sent, err, n-2)
	}
}

// Confirmation mails do not wait for an issue that takes long.
func TestConfirmationsDuringRun(t *testing.T) {
	const n = 20
	w := newWorld(t, 200)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	w.freeze(d)
	w.signUp(n)
	asked := make(chan struct{})
	var hold sync.Once
	srv.SetFault(func(v smtptest.Verb, m smtptest.Message) error {
		if v == smtptest.Done && m.To == "s0@example.org" {
			hold.Do(func() { <-asked }) // the run cannot end before
		}
		return nil
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		if got, err := d.Run(t.Context(), nil); err != nil || got.Sent != 200 {
			t.Errorf("%+v (%v), want all sent", got, err)
		}
	})
	sent, err := d.Confirmations(t.Context())
	close(asked)
	wg.Wait()
	if err != nil || sent != n {
		t.Errorf("sent %d confirmation mails (%v), want %d", sent, err, n)
	}
	for to, messages := range copies(srv) {
		if len(messages) != 1 {
			t.Errorf("%s has %d copies", to, len(messages))
		}
	}
}

// signUp makes n people ask for the digest.
func (w *world) signUp(n int) {
	w.Helper()
	for i := range n {
		_, err := w.store.SignUp(w.Context(), fmt.Sprintf("new%d@example.org", i), []string{"weekly"}, "client",
			store.SignUpLimits{Address: 99, Client: 99, Total: 99})
		w.must(err)
	}
}

// A server that closes after some messages puts no confirmation mail off.
func TestConfirmationsServerHasHadEnough(t *testing.T) {
	const n = 7
	w := newWorld(t, 0)
	w.signUp(n)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	var begun atomic.Int32
	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		if v == smtptest.Mail && begun.Add(1)%4 == 0 {
			return smtptest.ErrDrop
		}
		return nil
	})
	if sent, err := d.Confirmations(t.Context()); sent != n || err != nil {
		t.Errorf("sent %d (%v), want all %d", sent, err, n)
	}
}
