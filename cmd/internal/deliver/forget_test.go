package deliver

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
	"linkletter/store"
)

// People may be forgotten at any moment of an issue's way to them. The run goes on, the counts stay whole, and nothing of their
// addresses is left in the files.
func TestForgetWhileSending(t *testing.T) {
	const others = 60
	w := newWorld(t, others)
	names := map[smtptest.Verb]string{smtptest.Rcpt: "zebrafinch", smtptest.Body: "Kingfisher", smtptest.Done: "nightingale"}
	var queued = []string{"bullfinch", "refused-hoopoe"}
	everybody := append([]string{}, queued...)
	for _, name := range names {
		everybody = append(everybody, name)
	}
	for _, name := range everybody {
		w.must(w.store.AddSubscriber(t.Context(), name+"@example.org", []string{"weekly"}))
	}
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	w.freeze(d)
	var once sync.Once
	srv.SetFault(func(v smtptest.Verb, m smtptest.Message) error {
		once.Do(func() {
			if known, err := w.store.ForgetAddress(t.Context(), "bullfinch@example.org"); !known || err != nil {
				t.Errorf("forgetting who waits: %v, %v", known, err)
			}
		})
		if name := names[v]; name != "" && m.To == name+"@example.org" {
			if known, err := w.store.ForgetAddress(t.Context(), m.To); !known || err != nil {
				t.Errorf("forgetting at %s: %v, %v", v, known, err)
			}
		}
		if v == smtptest.Rcpt && m.To == "refused-hoopoe@example.org" {
			return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 1}, Message: "<refused-hoopoe@example.org>: not now"}
		}
		return nil
	})
	if _, err := d.Run(t.Context(), nil); err != nil {
		t.Fatalf("the run ended: %v", err)
	}
	for to, messages := range copies(srv) {
		if len(messages) != 1 {
			t.Errorf("%s has %d copies", to, len(messages))
		}
	}
	known, err := w.store.ForgetAddress(t.Context(), "refused-hoopoe@example.org")
	if !known || err != nil {
		t.Errorf("forgetting who is deferred: %v, %v", known, err)
	}
	i, err := w.store.Issue(t.Context(), "weekly", 1)
	w.must(err)
	total := 0
	for _, n := range i.Counts {
		total += n
	}
	if i.Counts[digest.Sent] != others || total != others+len(everybody) {
		t.Errorf("counts are %v, want %d sent of %d", i.Counts, others, others+len(everybody))
	}
	for _, name := range everybody {
		if _, err := w.store.SubscriberByAddress(t.Context(), name+"@example.org"); err == nil {
			t.Errorf("%s is there", name)
		}
		if reason, err := w.store.Suppressed(t.Context(), name+"@example.org"); err != nil || reason != store.Left {
			t.Errorf("%s is suppressed for %q (%v), want %q", name, reason, err, store.Left)
		}
	}
	if done, err := w.store.Cleanse(t.Context()); !done || err != nil {
		t.Fatalf("cleansing: %v, %v", done, err)
	}
	if done, err := w.store.Cleanse(t.Context()); done || err != nil {
		t.Errorf("cleansing what is clean: %v, %v", done, err)
	}
	wantNothingOf(t, w.path, everybody...)
}

// wantNothingOf looks for words in all bytes of a database's files, in any case.
func wantNothingOf(t *testing.T, path string, words ...string) {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("the files %v: %v", files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if n := bytes.Count(bytes.ToLower(b), bytes.ToLower([]byte(word))); n > 0 {
				t.Errorf("%s holds %q %d times", filepath.Base(file), word, n)
			}
		}
	}
}

// A sender that dies with a claim or between the dot and the reply leaves nothing that the next one stumbles over.
func TestForgetAfterACrash(t *testing.T) {
	w := newWorld(t, 3)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	w.freeze(d)
	dead := w.store.Sender("dead", DefaultHold)
	claimed, _, err := dead.Claim(t.Context(), 2, DefaultHold)
	w.must(err)
	w.must(dead.Intent(t.Context(), claimed[0], fmt.Appendf(nil, "To: %s\r\n\r\nText", claimed[0].Address)))
	for _, c := range claimed {
		w.must(w.store.Forget(t.Context(), c.Subscriber))
	}
	w.must(w.store.Forget(t.Context(), claimed[0].Subscriber)) // again is no error
	if _, err := d.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	w.wantCounts(map[digest.State]int{digest.Sent: 1, digest.Suppressed: 1, digest.InDoubt: 1})
	_, err = w.store.Cleanse(t.Context())
	w.must(err)
	wantNothingOf(t, w.path, claimed[0].Address, claimed[1].Address)
}
