package deliver

import (
	"bytes"
	"context"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"linkletter/cmd/internal/mailer"
)

// parsed is what a reader's program makes of a message.
type parsed struct {
	to, unsubscribe string
	text, html      string
}

func readMessage(t testing.TB, path string) parsed {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	p := parsed{to: m.Header.Get("To"), unsubscribe: m.Header.Get("List-Unsubscribe")}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, into := range []*string{&p.text, &p.html} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		*into = strings.ReplaceAll(string(b), "\r\n", "\n")
	}
	return p
}

func count(s, part string) int { return strings.Count(s, part) }

// between is what stands in s behind one string and before another.
func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}

func (w *world) subscriber(address string) int64 {
	w.Helper()
	s, err := w.store.SubscriberByAddress(w.Context(), address)
	w.must(err)
	return s.ID
}

func refusal(code int, a, b, c int) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{a, b, c}, Message: "as the test wants"}
}

// bare is a refusal without an enhanced code.
func bare(code int) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: "as the test wants"}
}

// nobody is an address that refuses connections.
func nobody(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func dialNobody(addr string) func(context.Context) (Conn, error) {
	return func(ctx context.Context) (Conn, error) {
		s, err := mailer.ParseSMTP("smtp://"+addr, "")
		if err != nil {
			return nil, err
		}
		return s.Dial(ctx)
	}
}
