package mailer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/go-mail/mail/v2"
)

// Message is what a message says, before it is bytes.
type Message struct {
	From      string // RFC 5322 mailbox
	To        string // address
	Subject   string
	Date      time.Time
	MessageID string // with its angle brackets
	Text      string // the text part; it carries every link
	HTML      string // the HTML part
	List      *List  // of an issue; nil for a message to one person about one thing
}

// field is one header field. body is ASCII and may be folded at its spaces; only an address under RFC 6531 is not.
type field struct {
	name, body string
}

// Compose makes the bytes of a message. They depend on nothing but m: composed again, they are the same. Lines end in
// CRLF; all is 7-bit, unless an address needs SMTPUTF8 (RFC 6532).
func Compose(m Message) ([]byte, error) {
	fields, err := m.fields()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, f := range fields {
		if err := f.write(&b); err != nil {
			return nil, err
		}
	}
	body, err := m.body()
	if err != nil {
		return nil, err
	}
	b.Write(body)
	return b.Bytes(), nil
}

// fields is the header but for what describes the body.
func (m Message) fields() ([]field, error) {
	from, err := ParseAddress(m.From)
	if err != nil {
		return nil, fmt.Errorf("sender %q: %w", m.From, err)
	}
	to, err := ParseAddress(m.To)
	if err != nil {
		return nil, fmt.Errorf("recipient %q: %w", m.To, err)
	}
	if err := checkText("subject", m.Subject); err != nil {
		return nil, err
	}
	fields := []field{
		{"From", from.header()},
		{"To", to.header()},
		{"Subject", encodeText(m.Subject)},
		{"Date", m.Date.UTC().Format(time.RFC1123Z)},
		{"Message-ID", m.MessageID},
		{"Auto-Submitted", "auto-generated"}, // RFC 3834: no vacation notices back
	}
	if m.List == nil {
		return fields, nil
	}
	list, err := m.List.fields(from)
	return append(fields, list...), err
}

// body is the part of the message from its MIME headers on. go-mail writes the parts and their transfer encoding; of its
// header only what describes them is taken, because it comes in random order and folds where it should not.
func (m Message) body() ([]byte, error) {
	g := mail.NewMessage()
	g.SetDateHeader("Date", m.Date) // or it would ask the clock
	// One boundary for all copies of an issue; "=_" cannot occur in quoted-printable text (RFC 2045, 6.7).
	sum := sha256.Sum256([]byte(m.From + "\n" + m.Subject + "\n" + m.Date.UTC().Format(time.RFC1123Z)))
	g.SetBoundary("=_" + hex.EncodeToString(sum[:16]))
	g.SetBody("text/plain", m.Text)
	g.AddAlternative("text/html", m.HTML)
	var whole bytes.Buffer
	if _, err := g.WriteTo(&whole); err != nil {
		return nil, fmt.Errorf("composing the parts: %w", err)
	}
	head, parts, ok := strings.Cut(whole.String(), "\r\n\r\n")
	at := strings.Index(head, "Content-Type:")
	if !ok || at < 0 {
		return nil, fmt.Errorf("composing the parts: no header where one must be")
	}
	var b bytes.Buffer
	b.WriteString("MIME-Version: 1.0\r\n")
	b.WriteString(contentType(head[at:]))
	b.WriteString("\r\n\r\n")
	b.WriteString(parts)
	return b.Bytes(), nil
}

// contentType is a Content-Type field as go-mail writes it, with the boundary quoted: it has characters that a bare
// parameter may not (RFC 2045, 5.1).
func contentType(written string) string {
	const parameter = "boundary="
	value, boundary, ok := strings.Cut(written, parameter)
	if !ok || strings.HasPrefix(boundary, `"`) {
		return written
	}
	return value + parameter + `"` + boundary + `"`
}
