// Package smtptest is a real SMTP server for tests: it keeps a journal of what it accepted, and goes wrong where a test
// wants it to.
package smtptest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/mail"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Message is one message as the server got it.
type Message struct {
	From string
	To   string
	UTF8 bool   // MAIL asked for SMTPUTF8
	ID   string // its Message-ID
	Data []byte
}

// read takes in what comes, and says at each point of it where it is; an error of at's ends it.
func (m *Message) read(r io.Reader, at func(Verb) error) error {
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, 10); err != nil {
		return err
	}
	if err := at(Body); err != nil {
		return err
	}
	if _, err := io.Copy(&b, r); err != nil {
		return err
	}
	m.keep(b.Bytes())
	return at(Dot)
}

// keep takes in the bytes that came.
func (m *Message) keep(data []byte) {
	m.Data = data
	if read, err := mail.ReadMessage(bytes.NewReader(data)); err == nil {
		m.ID = read.Header.Get("Message-Id")
	}
}

// Verb is a point of the dialogue.
type Verb string

// The points at which a Fault is asked.
const (
	Mail Verb = "MAIL"
	Rcpt Verb = "RCPT"
	Body Verb = "body" // some of it has come
	Dot  Verb = "dot"  // all of it has come, and is not accepted yet
	Done Verb = "done" // it is accepted, and the reply is not out yet
)

// What a Fault may answer beside nil and an *smtp.SMTPError.
var (
	ErrDrop    = errors.New("close the connection")
	ErrSilence = errors.New("say nothing")
)

// Server is a running server.
type Server struct {
	Addr string

	server  *smtp.Server
	closing chan struct{}

	mu          sync.Mutex
	fault       func(Verb, Message) error
	journal     []Message
	connections int
}

// Option changes the server before it runs.
type Option func(*smtp.Server)

// WithTLS makes the server offer STARTTLS.
func WithTLS(config *tls.Config) Option { return func(s *smtp.Server) { s.TLSConfig = config } }

// WithUTF8 makes the server offer SMTPUTF8.
func WithUTF8() Option { return func(s *smtp.Server) { s.EnableSMTPUTF8 = true } }

// WithPlainAuth lets clients log in without encryption.
func WithPlainAuth() Option { return func(s *smtp.Server) { s.AllowInsecureAuth = true } }

// New starts a server on loopback, which ends with the test.
func New(t testing.TB, options ...Option) *Server {
	t.Helper()
	s := &Server{closing: make(chan struct{})}
	s.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.connections++
		return &session{server: s, conn: c}, nil
	}))
	s.server.Domain = "localhost"
	s.server.ErrorLog = log.New(io.Discard, "", 0)
	for _, o := range options {
		o(s.server)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Addr = l.Addr().String()
	var wg sync.WaitGroup
	wg.Go(func() { s.server.Serve(l) })
	t.Cleanup(func() {
		close(s.closing)
		s.server.Close()
		wg.Wait()
	})
	return s
}

// SetFault makes the server ask f at each point of every dialogue; nil: all goes well.
func (s *Server) SetFault(f func(Verb, Message) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Journal is all that was accepted, in order.
func (s *Server) Journal() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.journal...)
}

// Connections is how many clients have said EHLO.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

type session struct {
	server *Server
	conn   *smtp.Conn
	m      Message
}

// at asks for a fault, and carries out what is no reply.
func (s *session) at(v Verb) error {
	s.server.mu.Lock()
	fault := s.server.fault
	s.server.mu.Unlock()
	if fault == nil {
		return nil
	}
	err := fault(v, s.m)
	if errors.Is(err, ErrDrop) {
		s.conn.Conn().Close()
	}
	if errors.Is(err, ErrSilence) {
		<-s.server.closing
	}
	return err
}

func (s *session) Mail(from string, options *smtp.MailOptions) error {
	s.m = Message{From: from, UTF8: options.UTF8}
	return s.at(Mail)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.m.To = to
	return s.at(Rcpt)
}

func (s *session) Data(r io.Reader) error {
	if err := s.m.read(r, s.at); err != nil {
		return err
	}
	s.server.mu.Lock()
	s.server.journal = append(s.server.journal, s.m)
	s.server.mu.Unlock()
	return s.at(Done)
}

func (s *session) Reset() {}

func (s *session) Logout() error { return nil }

// AuthMechanisms offers PLAIN, for the user "ada" with the password "secret".
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != "ada" || password != "secret" {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}
