package mailer

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
)

// aKey makes a key of the kind, once: RSA takes its time.
func aKey(t testing.TB, kind DKIMKind) crypto.Signer {
	t.Helper()
	key, err := keys[kind]()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var keys = map[DKIMKind]func() (crypto.Signer, error){RSA: keyOnce(RSA), Ed25519: keyOnce(Ed25519)}

func keyOnce(kind DKIMKind) func() (crypto.Signer, error) {
	return sync.OnceValues(func() (crypto.Signer, error) {
		file, err := NewDKIMKey(kind)
		if err != nil {
			return nil, err
		}
		return ParseDKIMKey(file)
	})
}

// bothSigners sign for lists.example.org with a key of each kind; lookup is the DNS that knows them.
func bothSigners(t testing.TB) (s Signers, lookup func(string) ([]string, error)) {
	t.Helper()
	zone := map[string]string{}
	for _, kind := range []DKIMKind{RSA, Ed25519} {
		one, err := NewSigner("lists.example.org", string(kind), aKey(t, kind))
		if err != nil {
			t.Fatal(err)
		}
		s = append(s, one)
		if zone[DKIMName(string(kind), "lists.example.org")], err = DKIMRecord(aKey(t, kind)); err != nil {
			t.Fatal(err)
		}
	}
	return s, func(name string) ([]string, error) {
		record, ok := zone[name]
		if !ok {
			return nil, fmt.Errorf("no record %s", name)
		}
		return []string{record}, nil
	}
}

// verify gives what a receiver makes of each signature: nil is good.
func verify(t testing.TB, msg []byte, lookup func(string) ([]string, error)) []error {
	t.Helper()
	all, err := dkim.VerifyWithOptions(bytes.NewReader(msg), &dkim.VerifyOptions{LookupTXT: lookup})
	if err != nil {
		t.Fatalf("verifying: %v\n%s", err, msg)
	}
	var errs []error
	for _, v := range all {
		errs = append(errs, v.Err)
	}
	return errs
}

// A1: both signatures are good, of issues and of confirmation mails, and survive what relays do to white space.
func TestA1Signatures(t *testing.T) {
	s, lookup := bothSigners(t)
	confirmation := sample()
	confirmation.List = nil
	for name, m := range map[string]Message{"issue": sample(), "confirmation": confirmation} {
		msg, err := s.Sign(compose(t, m))
		if err != nil {
			t.Fatal(err)
		}
		refolded := bytes.Replace(msg, []byte("\r\nSubject: Weekly #3: A"), []byte("\r\nsubject:  Weekly\r\n\t#3: A "), 1)
		refolded = append(refolded, "\r\n\r\n"...)
		for how, msg := range map[string][]byte{"as sent": msg, "with other white space": refolded} {
			if got := verify(t, msg, lookup); len(got) != 2 || got[0] != nil || got[1] != nil {
				t.Errorf("%s, %s: %v, want two good signatures\n%s", name, how, got, msg)
			}
		}
		read, err := mail.ReadMessage(bytes.NewReader(msg))
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range read.Header["Dkim-Signature"] {
			if strings.Contains(field, " l=") || !strings.Contains(field, "c=relaxed/relaxed") || !strings.Contains(field, "=From:From:") {
				t.Errorf("%s: signature %s; want it relaxed, of the whole body, with From twice", name, field)
			}
		}
	}
}

// A1: no field of our own can be changed, taken away or, where a second one counts, added, nor can the body.
func TestA1Tampering(t *testing.T) {
	s, lookup := bothSigners(t)
	unsigned := compose(t, sample())
	msg, err := s.Sign(unsigned)
	if err != nil {
		t.Fatal(err)
	}
	signatures := string(msg[:len(msg)-len(unsigned)])
	head, body, _ := strings.Cut(string(unsigned), "\r\n\r\n")
	fields := strings.Split(strings.ReplaceAll(head, "\r\n ", " "), "\r\n")
	tampered := map[string]string{
		"a second From":         "From: Eve <eve@example.net>\r\n" + head + "\r\n\r\n" + body,
		"a second From behind":  head + "\r\nFrom: Eve <eve@example.net>\r\n\r\n" + body,
		"a Reply-To":            "Reply-To: eve@example.net\r\n" + head + "\r\n\r\n" + body,
		"a transfer encoding":   "Content-Transfer-Encoding: base64\r\n" + head + "\r\n\r\n" + body,
		"a word of the body":    head + "\r\n\r\n" + strings.Replace(body, "example.org", "example.net", 1),
		"a line after the body": head + "\r\n\r\n" + body + "more\r\n",
		"the body's end":        head + "\r\n\r\n" + body[:len(body)/2],
	}
	for i, field := range fields {
		name, _, _ := strings.Cut(field, ":")
		others := func(with ...string) string {
			return strings.Join(append(append(append([]string{}, fields[:i]...), with...), fields[i+1:]...), "\r\n") + "\r\n\r\n" + body
		}
		tampered[name+" changed"] = others(field + "x")
		tampered[name+" gone"] = others()
	}
	for name, rest := range tampered {
		for i, err := range verify(t, []byte(signatures+rest), lookup) {
			if err == nil {
				t.Errorf("%s: signature %d is still good", name, i)
			}
		}
	}
	if got := verify(t, []byte(signatures+strings.Join(fields, "\r\n")+"\r\n\r\n"+body), lookup); got[0] != nil || got[1] != nil {
		t.Errorf("nothing changed but folds: %v", got)
	}
}

// A1: what a signature needs to be worth something.
func TestA1Keys(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	good := aKey(t, RSA).(*rsa.PrivateKey)
	tests := map[string]struct {
		kind string
		der  []byte
		want string // in the error; empty: none
	}{
		"RSA in PKCS #1":     {"RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(good), ""},
		"RSA in PKCS #8":     {"PRIVATE KEY", pkcs8(good), ""},
		"Ed25519":            {"PRIVATE KEY", pkcs8(aKey(t, Ed25519)), ""},
		"RSA of 1024 bits":   {"PRIVATE KEY", pkcs8(small), "1024 bits"},
		"another algorithm":  {"PRIVATE KEY", pkcs8(curve), "takes RSA and Ed25519"},
		"a public key":       {"PUBLIC KEY", []byte("x"), "private key is needed"},
		"an encrypted key":   {"ENCRYPTED PRIVATE KEY", []byte("x"), "not encrypted"},
		"a key that is none": {"PRIVATE KEY", []byte("x"), "cannot be read"},
	}
	for name, test := range tests {
		_, err := ParseDKIMKey(pem.EncodeToMemory(&pem.Block{Type: test.kind, Bytes: test.der}))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
	if _, err := ParseDKIMKey([]byte("hello")); err == nil {
		t.Error(`"hello" is taken for a key, want an error`)
	}
	if _, err := NewSigner("example.org", "x", small); err == nil {
		t.Error("a key of 1024 bits makes a signer, want an error")
	}
	if _, err := NewDKIMKey("dsa"); err == nil {
		t.Error("a key of kind dsa was made, want an error")
	}
}

// A long record stands in a zone file in several strings, which together are the record.
func TestZoneLine(t *testing.T) {
	for _, kind := range []DKIMKind{RSA, Ed25519} {
		record, err := DKIMRecord(aKey(t, kind))
		if err != nil {
			t.Fatal(err)
		}
		line := ZoneLine(DKIMName("s1", "example.org"), record)
		strs, ok := strings.CutPrefix(line, `s1._domainkey.example.org. IN TXT ( "`)
		strs, end := strings.CutSuffix(strs, `" )`)
		if !ok || !end {
			t.Fatalf("%s: %s", kind, line)
		}
		whole := ""
		for part := range strings.SplitSeq(strs, `" "`) {
			if len(part) > 255 {
				t.Errorf("%s: a string of %d characters in %s", kind, len(part), line)
			}
			whole += part
		}
		if whole != record || !strings.HasPrefix(record, "v=DKIM1; k="+string(kind)+"; p=") {
			t.Errorf("%s: %s is %q, want %q", kind, line, whole, record)
		}
	}
}

func TestAligned(t *testing.T) {
	for _, test := range []struct {
		signature, from string
		want            bool
	}{
		{"example.org", "example.org", true}, {"example.org", "lists.example.org", true}, {"lists.example.org", "example.org", false},
		{"example.org", "badexample.org", false}, {"other.org", "example.org", false}, {"org", "example.org", true},
	} {
		if got := Aligned(test.signature, test.from); got != test.want {
			t.Errorf("a signature of %s speaks for %s: %v, want %v", test.signature, test.from, got, test.want)
		}
	}
}

// BenchmarkA1Sign is what a signature costs for a message of 5 KB.
func BenchmarkA1Sign(b *testing.B) {
	m := sample()
	m.Text += strings.Repeat("A line of text as others are.\n", 150)
	msg, err := Compose(m)
	if err != nil {
		b.Fatal(err)
	}
	for _, kind := range []DKIMKind{RSA, Ed25519} {
		b.Run(string(kind), func(b *testing.B) {
			s, err := NewSigner("example.org", "x", aKey(b, kind))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := (Signers{s}).Sign(msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
