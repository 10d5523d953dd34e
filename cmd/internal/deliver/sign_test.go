package deliver

import (
	"bytes"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"linkletter/cmd/internal/mailer"
	"linkletter/cmd/internal/mailer/smtptest"
)

// A1: issues and confirmation mails are signed by their digest's key.
func TestA1Signed(t *testing.T) {
	file, err := mailer.NewDKIMKey(mailer.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	key, err := mailer.ParseDKIMKey(file)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := mailer.NewSigner("lists.example.org", "ed", key)
	if err != nil {
		t.Fatal(err)
	}
	record, err := mailer.DKIMRecord(key)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, 1)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	d.Signers = map[string]mailer.Signers{"weekly": {signer}}
	w.freeze(d)
	w.signUp(1)
	_, err = d.Run(t.Context(), nil)
	w.must(err)
	_, err = d.Confirmations(t.Context())
	w.must(err)
	journal := srv.Journal()
	if len(journal) != 2 {
		t.Fatalf("%d messages came, want an issue and a confirmation mail", len(journal))
	}
	for _, m := range journal {
		got, err := dkim.VerifyWithOptions(bytes.NewReader(m.Data), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
			if name != "ed._domainkey.lists.example.org" {
				t.Errorf("the key is looked for at %s", name)
			}
			return []string{record}, nil
		}})
		if err != nil || len(got) != 1 || got[0].Err != nil || got[0].Domain != "lists.example.org" {
			t.Errorf("the signature of what %s got: %+v (%v)\n%s", m.To, got, err, m.Data)
		}
	}
}
