package smtptest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// Points of a dialogue that a Server knows nothing of. Mail, Rcpt, Body, Dot and Done are the others.
const (
	Greeting Verb = "greeting"
	Hello    Verb = "EHLO"
	StartTLS Verb = "STARTTLS"
	Auth     Verb = "AUTH"
	Data     Verb = "DATA"
)

// What a fault of a Raw server may be beside a reply, which goes out as it is.
const (
	Drop    = "close the connection"
	Silence = "say nothing"
)

// Raw is an SMTP server that says whatever a test wants, right or wrong, where go-smtp would not.
type Raw struct {
	Addr string

	extensions []string
	tls        *tls.Config
	closing    chan struct{}

	mu      sync.Mutex
	fault   func(Verb) string
	journal []Message
	heard   []string
	wg      sync.WaitGroup
	open    map[net.Conn]bool
}

// NewRaw starts a server on loopback that offers the extensions, and ends with the test. With a certificate it takes STARTTLS.
func NewRaw(t testing.TB, certificate *tls.Config, extensions ...string) *Raw {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &Raw{Addr: l.Addr().String(), tls: certificate, extensions: extensions, closing: make(chan struct{}), open: map[net.Conn]bool{}}
	r.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			r.open[c] = true
			r.mu.Unlock()
			r.wg.Go(func() { r.serve(c) })
		}
	})
	t.Cleanup(func() {
		close(r.closing)
		l.Close()
		r.mu.Lock()
		for c := range r.open {
			c.Close()
		}
		r.mu.Unlock()
		r.wg.Wait()
	})
	return r
}

// SetFault makes the server ask f at each point of every dialogue; it gives a reply, Drop, Silence, or nothing when all is well.
func (r *Raw) SetFault(f func(Verb) string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = f
}

// Journal is all that was accepted, in order.
func (r *Raw) Journal() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Message(nil), r.journal...)
}

// Heard is every command, in order.
func (r *Raw) Heard() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.heard...)
}

// rawSession is one dialogue.
type rawSession struct {
	*Raw
	conn net.Conn
	in   *bufio.Reader
	m    Message
	over bool
}

func (r *Raw) serve(c net.Conn) {
	defer func() {
		r.mu.Lock()
		delete(r.open, c)
		r.mu.Unlock()
		c.Close()
	}()
	s := &rawSession{Raw: r, conn: c, in: bufio.NewReader(c)}
	s.answer(Greeting, "220 localhost ready")
	for !s.over {
		line, err := s.in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		r.mu.Lock()
		r.heard = append(r.heard, line)
		r.mu.Unlock()
		s.command(line)
	}
}

// answer says what is usual at a point, or carries out its fault; fine says that it was usual.
func (s *rawSession) answer(at Verb, usual string) (fine bool) {
	if done, fine := s.goWrong(at); done {
		return fine
	}
	fmt.Fprintf(s.conn, "%s\r\n", usual)
	return true
}

// goWrong carries out the fault of a point, if there is one: done. fine is that its reply was a good one all the same.
func (s *rawSession) goWrong(at Verb) (done, fine bool) {
	s.mu.Lock()
	fault := s.fault
	s.mu.Unlock()
	if fault == nil {
		return false, false
	}
	switch said := fault(at); said {
	case "":
		return false, false
	case Drop:
		s.over = true
	case Silence:
		<-s.closing
		s.over = true
	default:
		fmt.Fprintf(s.conn, "%s\r\n", said)
		s.over = strings.HasPrefix(said, "421") // RFC 5321, 3.8
		fine = said[0] == '2'
	}
	return true, fine
}

func (s *rawSession) command(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO":
		lines := append([]string{"localhost"}, s.extensions...)
		if _, secure := s.conn.(*tls.Conn); s.tls != nil && !secure {
			lines = append(lines, "STARTTLS")
		}
		for i := range lines[:len(lines)-1] {
			lines[i] = "250-" + lines[i]
		}
		lines[len(lines)-1] = "250 " + lines[len(lines)-1]
		s.answer(Hello, strings.Join(lines, "\r\n"))
	case "HELO", "RSET", "NOOP":
		fmt.Fprint(s.conn, "250 ok\r\n")
	case "STARTTLS":
		if s.answer(StartTLS, "220 go ahead") {
			s.conn = tls.Server(s.conn, s.tls)
			s.in = bufio.NewReader(s.conn)
		}
	case "AUTH":
		s.answer(Auth, "235 2.7.0 welcome")
	case "MAIL":
		s.m = Message{From: between(rest)}
		s.answer(Mail, "250 2.1.0 ok")
	case "RCPT":
		if s.answer(Rcpt, "250 2.1.5 ok") {
			s.m.To = between(rest)
		}
	case "DATA":
		if s.m.To == "" {
			fmt.Fprint(s.conn, "503 5.5.1 nobody to send it to\r\n")
		} else if done, _ := s.goWrong(Data); !done {
			fmt.Fprint(s.conn, "354 go ahead\r\n")
			s.body()
		}
	case "QUIT":
		fmt.Fprint(s.conn, "221 bye\r\n")
		s.over = true
	default:
		fmt.Fprint(s.conn, "500 what?\r\n")
	}
}

// body reads a message and says what becomes of it.
func (s *rawSession) body() {
	var b bytes.Buffer
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			s.over = true
			return
		}
		if line == ".\r\n" {
			break
		}
		if b.Len() == 0 {
			if done, _ := s.goWrong(Body); done {
				return
			}
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	if done, _ := s.goWrong(Dot); done {
		return
	}
	s.m.keep(b.Bytes())
	s.mu.Lock()
	s.journal = append(s.journal, s.m)
	s.mu.Unlock()
	s.answer(Done, "250 2.0.0 accepted")
}

// between is what stands in <>.
func between(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}
