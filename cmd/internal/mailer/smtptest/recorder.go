package smtptest

import (
	"errors"
	"io"
	"log"
	"net"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// Points of a dialogue at which a Recorder asks beside those of a Server.
const (
	Opened  Verb = "EHLO"
	Replied Verb = "replied" // the reply to an accepted message is out
)

// Try is where one dialogue stands.
type Try struct {
	Verb  Verb
	Conn  int   // the connection's number, from 1
	Begun int64 // when RCPT was answered; 0: not yet
	Message
}

// Recorder is a server whose acceptance means something: a message is in its journal, on disk, before the reply goes out.
// It can die and come back.
type Recorder struct {
	Addr string

	tick    func() int64
	ask     func(Try) error
	journal *Journal

	mu          sync.Mutex // guards what follows
	server      *smtp.Server
	connections int
	running     sync.WaitGroup
}

// Record starts a server on loopback that ends with the test and keeps its journal at path. tick gives the next number of
// an order that the test shares. ask is asked at each point of every dialogue; it may take its time, and answer what a
// Fault may but ErrSilence. At Done and Replied the message is accepted, whatever it answers.
func Record(t testing.TB, path string, tick func() int64, ask func(Try) error) *Recorder {
	t.Helper()
	j, err := CreateJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	r := &Recorder{Addr: "127.0.0.1:0", tick: tick, ask: ask, journal: j}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Stop()
		r.running.Wait()
		j.Close()
	})
	return r
}

// Start begins to listen, always at the same address.
func (r *Recorder) Start() error {
	l, err := net.Listen("tcp", r.Addr)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Addr = l.Addr().String()
	s := smtp.NewServer(smtp.BackendFunc(r.session))
	s.Domain = "localhost"
	s.ErrorLog = log.New(io.Discard, "", 0)
	r.server = s
	r.running.Go(func() { s.Serve(tapListener{l}) })
	return nil
}

// Stop is the server's death: it listens no more, and every connection breaks where it is.
func (r *Recorder) Stop() {
	r.mu.Lock()
	s := r.server
	r.mu.Unlock()
	s.Close() // it was stopped before, or closes what there is to close
}

func (r *Recorder) session(c *smtp.Conn) (smtp.Session, error) {
	r.mu.Lock()
	r.connections++
	s := &recorded{recorder: r, conn: c, try: Try{Conn: r.connections}}
	r.mu.Unlock()
	return s, s.at(Opened)
}

// recorded is one connection to a Recorder.
type recorded struct {
	recorder *Recorder
	conn     *smtp.Conn
	try      Try
}

func (s *recorded) at(v Verb) error {
	s.try.Verb = v
	err := s.recorder.ask(s.try)
	if errors.Is(err, ErrDrop) {
		s.conn.Conn().Close()
	}
	return err
}

func (s *recorded) Mail(from string, options *smtp.MailOptions) error {
	s.try.Message, s.try.Begun = Message{From: from, UTF8: options.UTF8}, 0
	return s.at(Mail)
}

func (s *recorded) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.try.To = to
	err := s.at(Rcpt)
	s.try.Begun = s.recorder.tick()
	return err
}

func (s *recorded) Data(r io.Reader) error {
	if err := s.try.read(r, s.at); err != nil {
		return err
	}
	m := s.try.Message
	err := s.recorder.journal.Write(Entry{At: s.recorder.tick(), Begun: s.try.Begun, Conn: s.try.Conn, From: m.From, To: m.To, ID: m.ID}, m.Data)
	if err != nil {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "the journal cannot be written"}
	}
	if s.at(Done) != nil { // it is too late for another reply
		s.conn.Conn().Close()
		return ErrDrop
	}
	if c, ok := s.conn.Conn().(*tapConn); ok {
		c.written = func() { s.at(Replied) }
	}
	return nil
}

func (s *recorded) Reset() {}

func (s *recorded) Logout() error { return nil }

// tapListener gives connections that say when the next of what is written to them is out.
type tapListener struct{ net.Listener }

func (l tapListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tapConn{Conn: c}, nil
}

type tapConn struct {
	net.Conn
	written func() // set and called by the connection's own goroutine
}

func (c *tapConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if f := c.written; f != nil && err == nil {
		c.written = nil
		f()
	}
	return n, err
}
