package mailer

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
)

// signed are the fields that a signature covers. One that a message lacks is covered as well: nobody can add it. From stands
// twice, for a reader's program may show a second one that somebody has put before ours (RFC 6376, 8.15).
var signed = []string{
	"From", "From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
	"Auto-Submitted", "Precedence", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Archive", "List-Help", "List-Owner",
	"List-Post", "Archived-At", "Feedback-ID",
}

// minRSA is how many bits a key must have at least (RFC 8301, 3.2): receivers take less for no signature.
const minRSA = 2048

// DKIMKind is an algorithm of signatures.
type DKIMKind string

// The algorithms that there are (RFC 6376, RFC 8463). Everybody verifies RSA; Ed25519 may stand beside it.
const (
	RSA     DKIMKind = "rsa"
	Ed25519 DKIMKind = "ed25519"
)

// Signer makes the DKIM signatures of one key.
type Signer struct {
	options dkim.SignOptions
}

// Signers are all the signatures that a message gets.
type Signers []*Signer

// NewSigner makes a signer for a domain, whose public key stands in the DNS under selector._domainkey.domain.
func NewSigner(domain, selector string, key crypto.Signer) (*Signer, error) {
	if _, err := kindOf(key); err != nil {
		return nil, err
	}
	return &Signer{dkim.SignOptions{
		Domain: domain, Selector: selector, Signer: key,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: signed,
	}}, nil
}

// Sign gives the message with the signatures before it. They hold the time at which they were made: signed again, the message
// is not the same.
func (s Signers) Sign(msg []byte) ([]byte, error) {
	if len(s) == 0 {
		return msg, nil
	}
	var b bytes.Buffer
	for _, one := range s {
		signing, err := dkim.NewSigner(&one.options)
		if err != nil {
			return nil, fmt.Errorf("signing: %w", err)
		}
		_, err = signing.Write(msg)
		if err = errors.Join(err, signing.Close()); err != nil {
			return nil, fmt.Errorf("signing for %s: %w", one.options.Domain, err)
		}
		b.WriteString(signing.Signature())
	}
	b.Write(msg)
	return b.Bytes(), nil
}

// Aligned says that a signature for a domain speaks for addresses of another: it is the same or above it (RFC 7489, 3.1.1).
func Aligned(signature, from string) bool {
	return from == signature || strings.HasSuffix(from, "."+signature)
}

// NewDKIMKey makes a key, as a file holds it (PKCS #8 in PEM).
func NewDKIMKey(kind DKIMKind) ([]byte, error) {
	var key crypto.Signer
	var err error
	switch kind {
	case RSA:
		key, err = rsa.GenerateKey(rand.Reader, minRSA)
	case Ed25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		return nil, fmt.Errorf("there is no DKIM key of kind %q; there are %s and %s", kind, RSA, Ed25519)
	}
	if err != nil {
		return nil, fmt.Errorf("making a DKIM key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("making a DKIM key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParseDKIMKey reads a key from a file's bytes: RSA of 2048 bits or more, or Ed25519, in PEM (PKCS #8, or PKCS #1 for RSA).
func ParseDKIMKey(file []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(file)
	if block == nil {
		return nil, errors.New(`it is no key: none begins with "-----BEGIN PRIVATE KEY-----"`)
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("it holds a %s, and a private key is needed, not encrypted", strings.ToLower(block.Type))
	}
	if err != nil {
		return nil, fmt.Errorf("the key in it cannot be read: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%T makes no signatures", key)
	}
	if _, err := kindOf(signer); err != nil {
		return nil, err
	}
	return signer, nil
}

// kindOf is the key's algorithm; an error says that it is no key for DKIM.
func kindOf(key crypto.Signer) (DKIMKind, error) {
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits < minRSA {
			return "", fmt.Errorf("an RSA key of %d bits: receivers ignore its signatures, make one of %d", bits, minRSA)
		}
		return RSA, nil
	case ed25519.PublicKey:
		return Ed25519, nil
	}
	return "", fmt.Errorf("a key of type %T: DKIM takes RSA and Ed25519", key.Public())
}

// DKIMRecord is what the DNS must say about a key (RFC 6376, 3.6.1; RFC 8463, 4), in one string.
func DKIMRecord(key crypto.Signer) (string, error) {
	kind, err := kindOf(key)
	if err != nil {
		return "", err
	}
	public, ok := key.Public().(ed25519.PublicKey)
	raw := []byte(public)
	if !ok {
		if raw, err = x509.MarshalPKIXPublicKey(key.Public()); err != nil {
			return "", fmt.Errorf("writing the public key: %w", err)
		}
	}
	return fmt.Sprintf("v=DKIM1; k=%s; p=%s", kind, base64.StdEncoding.EncodeToString(raw)), nil
}

// maxTXT is how long one string of a TXT record may be (RFC 1035, 3.3).
const maxTXT = 255

// DKIMName is where a key's record stands in the DNS, without the dot at its end.
func DKIMName(selector, domain string) string { return selector + "._domainkey." + domain }

// ZoneLine is a TXT record as a zone file has it (RFC 1035, 5), with a long text in several strings.
func ZoneLine(name, text string) string {
	var parts []string
	for len(text) > maxTXT {
		parts, text = append(parts, `"`+text[:maxTXT]+`"`), text[maxTXT:]
	}
	parts = append(parts, `"`+text+`"`)
	return name + ". IN TXT ( " + strings.Join(parts, " ") + " )"
}
