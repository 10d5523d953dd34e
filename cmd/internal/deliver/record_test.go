package deliver

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"linkletter/cmd/internal/mailer"
	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
)

// awaitCount waits until so many deliveries of the first issue are in a state.
func (w *world) awaitCount(state digest.State, want int) {
	w.Helper()
	got := -1
	for end := time.Now().Add(10 * time.Second); got != want && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		i, err := w.store.Issue(w.Context(), "weekly", 1)
		if err != nil {
			w.Errorf("counting: %v", err)
			return
		}
		got = i.Counts[state]
	}
	if got != want {
		w.Errorf("%d deliveries are %s, want %d", got, state, want)
	}
}

// D2: a reply is recorded before its connection waits for anything else, or a crash meanwhile would leave it in doubt.
func TestD2RepliesDoNotWait(t *testing.T) {
	t.Run("for the rate", func(t *testing.T) {
		w := newWorld(t, 10)
		srv := smtptest.New(t)
		d := w.deliverer(w.store, smtpTo(w, srv))
		d.Connections, d.Rate = 1, rate.NewLimiter(0, 3) // three now, and none ever after
		w.freeze(d)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := d.Run(ctx, nil)
			done <- err
		}()
		w.awaitCount(digest.Sent, 3)
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("for a connection", func(t *testing.T) {
		w := newWorld(t, 3)
		srv := smtptest.New(t)
		dial := smtpTo(w, srv)
		dialled := 0
		d := w.deliverer(w.store, func(ctx context.Context) (Conn, error) {
			w.awaitCount(digest.Sent, dialled)
			dialled++
			return dial(ctx)
		})
		d.Connections, d.PerConnection = 1, 1
		w.freeze(d)
		if got, err := d.Run(t.Context(), nil); err != nil || got.Sent != 3 {
			t.Errorf("%+v (%v), want 3 sent", got, err)
		}
	})
	t.Run("for something to do", func(t *testing.T) {
		w := newWorld(t, 0)
		w.crowdOf("a@big.example", "b@big.example", "c@small.example")
		srv := smtptest.New(t)
		srv.SetFault(func(v smtptest.Verb, m smtptest.Message) error {
			if v == smtptest.Rcpt && m.To == "a@big.example" {
				w.awaitCount(digest.Sent, 1)
			}
			return nil
		})
		d := w.deliverer(w.store, smtpTo(w, srv))
		d.Connections, d.PerDomain = 2, 1
		w.freeze(d)
		if got, err := d.Run(t.Context(), nil); err != nil || got.Sent != 3 {
			t.Errorf("%+v (%v), want 3 sent", got, err)
		}
	})
}

// brokenKey is a key that stops to sign, as one in a device that is gone.
type brokenKey struct {
	crypto.Signer
	broken *atomic.Bool
}

func (k brokenKey) Sign(random io.Reader, sum []byte, options crypto.SignerOpts) ([]byte, error) {
	if k.broken.Load() {
		return nil, errors.New("the key is gone")
	}
	return k.Signer.Sign(random, sum, options)
}

// D4: what is wrong with all copies of an issue ends the run, and none of its subscribers suffers for it.
func TestD4SignatureFails(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	broken := &atomic.Bool{}
	signer, err := mailer.NewSigner("lists.example.org", "s1", brokenKey{key, broken})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, 5)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	d.Signers = map[string]mailer.Signers{"weekly": {signer}}
	w.freeze(d)
	broken.Store(true)
	if got, err := d.Run(t.Context(), nil); err == nil || got.Failed != 0 {
		t.Errorf("%+v (%v), want an error and nobody failed", got, err)
	}
	w.wantCounts(map[digest.State]int{digest.Pending: 5})
	broken.Store(false)
	if got, err := d.Run(t.Context(), nil); err != nil || got.Sent != 5 {
		t.Errorf("%+v (%v), want all sent", got, err)
	}
}

// An issue that is frozen while a straggler of another is sent gets all connections, not that one alone.
func TestLaterIssueGetsConnections(t *testing.T) {
	w := newWorld(t, 1)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	var crowd []string
	for i := range 40 {
		crowd = append(crowd, fmt.Sprintf("late%d@example.org", i))
	}
	var mu sync.Mutex
	var atOnce, most int
	frozen := false
	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case v == smtptest.Dot && !frozen:
			frozen = true
			w.check("## Tools\n\n- [Old](https://example.org/old) - It was there before.\n- [New](https://example.org/new) - It is new.\n")
			w.crowdOf(crowd...)
			w.clock.add(time.Minute)
			w.freeze(d)
		case v == smtptest.Mail:
			atOnce++
			most = max(most, atOnce)
			mu.Unlock()
			time.Sleep(5 * time.Millisecond)
			mu.Lock()
			atOnce--
		}
		return nil
	})
	w.freeze(d)
	if got, err := d.Run(t.Context(), nil); err != nil || got.Sent != 42 {
		t.Errorf("%+v (%v), want 1 and 41 sent", got, err)
	}
	if most < 2 {
		t.Errorf("%d connection at once for the later issue, want several of %d", most, d.Connections)
	}
}
