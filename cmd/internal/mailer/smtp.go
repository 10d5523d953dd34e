package mailer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// SMTP is a server that takes our mail, and how to speak to it.
type SMTP struct {
	Host     string
	Port     string
	Implicit bool // TLS from the first byte (RFC 8314), else STARTTLS
	// Plain is that the dialogue may go on without TLS: the server is on this machine.
	Plain    bool
	Username string // empty: no AUTH
	Password string
	// Name is what EHLO says; empty: this machine's name, or its address where it has none that is known elsewhere.
	Name     string
	TLS      *tls.Config // empty: the system's certificates
	Timeouts Timeouts
}

// Timeouts are how long each phase may take (RFC 5321, 4.5.3.2).
type Timeouts struct {
	Connect  time.Duration // of the TCP connection
	Greeting time.Duration
	Command  time.Duration // EHLO, STARTTLS, AUTH, MAIL, RCPT, RSET
	Data     time.Duration
	Block    time.Duration // of a piece of the body
	Dot      time.Duration // the reply to the whole message
	Grace    time.Duration // for what is before the dot, once the context has ended
}

// DefaultTimeouts are RFC 5321's.
var DefaultTimeouts = Timeouts{
	Connect:  time.Minute,
	Greeting: 5 * time.Minute,
	Command:  5 * time.Minute,
	Data:     2 * time.Minute,
	Block:    3 * time.Minute,
	Dot:      10 * time.Minute,
	Grace:    5 * time.Second,
}

// ParseSMTP reads smtp://user@host:587 or smtps://user@host. A password may stand in the address or be given beside it.
// Errors never repeat the address, which may hold the password.
func ParseSMTP(address, password string) (*SMTP, error) {
	const hint = "write smtp://user@host:587 or smtps://user@host"
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("the SMTP server's address cannot be read; %s", hint)
	}
	s := &SMTP{Host: u.Hostname(), Port: u.Port(), Username: u.User.Username(), Password: password, Timeouts: DefaultTimeouts}
	switch {
	case u.Scheme != "smtp" && u.Scheme != "smtps":
		return nil, fmt.Errorf("the SMTP server's address begins with %q; %s", u.Scheme, hint)
	case s.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("the SMTP server's address must name a host and a port, and nothing more; %s", hint)
	}
	if in, ok := u.User.Password(); ok {
		if password != "" && in != password {
			return nil, errors.New("the SMTP server's address holds one password, and another is configured beside it; leave one of them out")
		}
		s.Password = in
	}
	if s.Username != "" && s.Password == "" {
		return nil, fmt.Errorf("there is no password for %s at the SMTP server %s", s.Username, s.Host)
	}
	s.Implicit = u.Scheme == "smtps"
	s.Plain = isLoopback(s.Host)
	if s.Port == "" {
		s.Port = defaultPort(s)
	}
	return s, nil
}

// defaultPort is submission (RFC 6409, RFC 8314) for who logs in, and relay for who does not.
func defaultPort(s *SMTP) string {
	switch {
	case s.Implicit:
		return "465"
	case s.Username != "":
		return "587"
	}
	return "25"
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Addr is host:port.
func (s *SMTP) Addr() string { return net.JoinHostPort(s.Host, s.Port) }

// Dial opens a connection that is ready for messages: encrypted and logged in as far as it must be. The error is an *Error.
func (s *SMTP) Dial(ctx context.Context) (*Conn, error) {
	d := net.Dialer{Timeout: s.Timeouts.Connect}
	raw, err := d.DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return nil, explain(s.Addr(), Connecting, err)
	}
	c := &Conn{server: s, raw: &bounded{Conn: raw}}
	stop := context.AfterFunc(ctx, c.hurry)
	defer stop()
	if phase, err := c.open(); err != nil {
		raw.Close()
		return nil, explain(s.Addr(), phase, err)
	}
	return c, nil
}

// open is the dialogue up to the first message.
func (c *Conn) open() (Phase, error) {
	s := c.server
	var conn net.Conn = c.raw
	c.within(s.Timeouts.Greeting)
	if s.Implicit {
		secure := tls.Client(c.raw, s.tls())
		if err := secure.Handshake(); err != nil {
			return Connecting, fmt.Errorf("TLS: %w", err)
		}
		conn = secure
	}
	var err error
	if c.client, err = smtp.NewClient(conn, s.Host); err != nil {
		return Connecting, err
	}
	c.within(s.Timeouts.Command)
	if err := c.client.Hello(s.name(c.raw)); err != nil {
		return Hello, err
	}
	if !s.Implicit && (!s.Plain || s.Username != "" && !c.offers("AUTH") && c.offers("STARTTLS")) {
		if !c.offers("STARTTLS") {
			return StartTLS, errors.New("the server does not offer encryption (STARTTLS), without which nothing is sent to another machine; use a server or port that does")
		}
		c.within(s.Timeouts.Command)
		if err := c.client.StartTLS(s.tls()); err != nil {
			return StartTLS, err
		}
	}
	if s.Username == "" {
		return "", nil
	}
	auth, err := s.auth(c.client)
	if err != nil {
		return Auth, err
	}
	c.within(s.Timeouts.Command)
	return Auth, c.client.Auth(auth)
}

func (s *SMTP) tls() *tls.Config {
	config := &tls.Config{}
	if s.TLS != nil {
		config = s.TLS.Clone()
	}
	config.ServerName = s.Host
	config.MinVersion = tls.VersionTLS12
	return config
}

// name is what EHLO says (RFC 5321, 4.1.4): a full name, or the connection's address where this machine has none.
func (s *SMTP) name(conn net.Conn) string {
	if s.Name != "" {
		return s.Name
	}
	if name, err := os.Hostname(); err == nil && strings.Contains(name, ".") && isASCII(name) {
		return name
	}
	local, ok := conn.LocalAddr().(*net.TCPAddr)
	switch {
	case !ok || local.IP.IsLoopback():
		return "localhost"
	case local.IP.To4() != nil:
		return "[" + local.IP.String() + "]"
	}
	return "[IPv6:" + local.IP.String() + "]"
}

// auth chooses how to log in.
func (s *SMTP) auth(c *smtp.Client) (smtp.Auth, error) {
	ok, offered := c.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	switch {
	case !ok:
		return nil, fmt.Errorf("a user name is configured, but the server offers no login (AUTH); another port may, often 587")
	case slices.Contains(mechanisms, "PLAIN"):
		return smtp.PlainAuth("", s.Username, s.Password, s.Host), nil
	case slices.Contains(mechanisms, "LOGIN"):
		return &login{s}, nil
	}
	return nil, fmt.Errorf("the server takes no password: it offers %s, and neither PLAIN nor LOGIN", offered)
}

// login is the LOGIN mechanism, which has no RFC; some large providers offer nothing else for a password.
type login struct {
	*SMTP
}

func (l *login) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS && !l.Plain {
		return "", nil, errors.New("the connection is not encrypted")
	}
	return "LOGIN", nil, nil
}

func (l *login) Next(prompt []byte, more bool) ([]byte, error) {
	switch p := strings.ToLower(string(prompt)); {
	case !more:
		return nil, nil
	case strings.HasPrefix(p, "user"):
		return []byte(l.Username), nil
	case strings.HasPrefix(p, "pass"):
		return []byte(l.Password), nil
	}
	return nil, fmt.Errorf("the server asked for %q during LOGIN", prompt)
}
