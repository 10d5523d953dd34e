package mailbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
)

// IMAP is a mailbox on a server (RFC 3501, RFC 9051), and how to get at it.
type IMAP struct {
	Host     string
	Port     string
	Implicit bool // TLS from the first byte (RFC 8314), else STARTTLS
	Plain    bool // the dialogue may go on without TLS: the server is on this machine
	Username string
	Password string
	Folder   string
	Delete   bool          // what was understood is deleted, and not only marked as read
	TLS      *tls.Config   // nil: the system's certificates
	Timeout  time.Duration // of each command
}

// DefaultTimeout is how long a server may take for one command.
const DefaultTimeout = 2 * time.Minute

// ParseIMAP reads imaps://user@host/INBOX or imap://user@host/INBOX (STARTTLS). A password may stand in the address or be given
// beside it. Errors never repeat the address, which may hold the password.
func ParseIMAP(address, password string) (*IMAP, error) {
	const hint = "write imaps://user@host/INBOX, or imap:// for STARTTLS"
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("the mailbox's address cannot be read; %s", hint)
	}
	m := &IMAP{Host: u.Hostname(), Port: u.Port(), Implicit: u.Scheme == "imaps", Username: u.User.Username(), Password: password,
		Folder: strings.TrimPrefix(u.Path, "/"), Timeout: DefaultTimeout}
	switch {
	case u.Scheme != "imap" && u.Scheme != "imaps":
		return nil, fmt.Errorf("the mailbox's address begins with %q; %s", u.Scheme, hint)
	case m.Host == "" || m.Username == "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("the mailbox's address must name a user, a host and a folder, and nothing more; %s", hint)
	}
	if in, ok := u.User.Password(); ok {
		if password != "" && in != password {
			return nil, errors.New("the mailbox's address holds one password, and another is configured beside it; leave one of them out")
		}
		m.Password = in
	}
	if m.Password == "" {
		return nil, fmt.Errorf("there is no password for %s at the IMAP server %s", m.Username, m.Host)
	}
	if m.Folder == "" {
		m.Folder = "INBOX"
	}
	if m.Port == "" {
		m.Port = map[bool]string{true: "993", false: "143"}[m.Implicit]
	}
	ip := net.ParseIP(m.Host)
	m.Plain = m.Host == "localhost" || ip != nil && ip.IsLoopback()
	return m, nil
}

// Name is what the mailbox is called: it is another one with another name.
func (m *IMAP) Name() string {
	return m.Username + "@" + net.JoinHostPort(m.Host, m.Port) + "/" + m.Folder
}

// session is an open connection, logged in.
type session struct {
	*imapclient.Client
	wire     *bounded
	watchdog *time.Timer
	timeout  time.Duration
	forget   func() bool
}

// bounded limits what a server can say at one time: the library keeps lines of any length.
type bounded struct {
	net.Conn
	left atomic.Int64 // octets
}

var errTalkative = errors.New("the server says more than anybody asked for")

func (b *bounded) Read(p []byte) (int, error) {
	left := b.left.Load()
	if left <= 0 {
		return 0, errTalkative
	}
	n, err := b.Conn.Read(p[:min(int64(len(p)), left)])
	b.left.Add(-int64(n))
	return n, err
}

// dialogue is how much a server can say to a command that asks for no messages.
const dialogue = 1 << 20

// next gives the next command its time, and its answer so much room.
func (s *session) next(room int64) {
	s.wire.left.Store(room)
	s.watchdog.Reset(s.timeout)
}

// open connects and logs in. The caller closes the session.
func (m *IMAP) open(ctx context.Context) (*session, error) {
	addr := net.JoinHostPort(m.Host, m.Port)
	d := net.Dialer{Timeout: m.Timeout}
	raw, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("reaching the IMAP server: %w", err)
	}
	s := &session{wire: &bounded{Conn: raw}, timeout: m.Timeout}
	s.watchdog = time.AfterFunc(m.Timeout, func() { raw.Close() })
	s.forget = context.AfterFunc(ctx, func() { raw.Close() })
	s.next(dialogue)
	if err := s.start(ctx, m); err != nil {
		s.end()
		return nil, fmt.Errorf("IMAP server %s: %w", addr, err)
	}
	return s, nil
}

// start is the dialogue up to the login.
func (s *session) start(ctx context.Context, m *IMAP) (err error) {
	config := &tls.Config{}
	if m.TLS != nil {
		config = m.TLS.Clone()
	}
	config.ServerName, config.MinVersion = m.Host, tls.VersionTLS12
	switch {
	case m.Implicit:
		secure := tls.Client(s.wire, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("TLS: %w", err)
		}
		s.Client = imapclient.New(secure, nil)
	case m.Plain:
		s.Client = imapclient.New(s.wire, nil)
	default:
		if s.Client, err = imapclient.NewStartTLS(s.wire, &imapclient.Options{TLSConfig: config}); err != nil {
			return fmt.Errorf("STARTTLS, without which no password is sent to another machine: %w", err)
		}
	}
	if err := s.WaitGreeting(); err != nil {
		return fmt.Errorf("its greeting: %w", err)
	}
	s.next(dialogue)
	switch caps := s.Caps(); {
	case caps.Has(imap.AuthCap("PLAIN")):
		err = s.Authenticate(sasl.NewPlainClient("", m.Username, m.Password))
	case caps.Has(imap.CapLoginDisabled):
		err = errors.New("it takes no password on this connection (LOGINDISABLED); use imaps://")
	default:
		err = s.Login(m.Username, m.Password).Wait()
	}
	if err != nil {
		return fmt.Errorf("logging in as %s: %w", m.Username, err)
	}
	return nil
}

// end closes the connection, politely where there is nothing to wait for.
func (s *session) end() {
	if s.Client != nil && s.State() != imap.ConnStateNone {
		s.wire.left.Store(dialogue)
		s.watchdog.Reset(min(s.timeout, 5*time.Second))
		_ = s.Logout().Wait() // all that matters was said
		_ = s.Close()
	}
	s.forget()
	s.watchdog.Stop()
	s.wire.Conn.Close()
}

// Probe logs in and looks into the folder, and changes nothing. It gives how many messages there are.
func (m *IMAP) Probe(ctx context.Context) (messages int, err error) {
	s, err := m.open(ctx)
	if err != nil {
		return 0, err
	}
	defer s.end()
	s.next(dialogue)
	selected, err := s.Select(m.Folder, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		return 0, fmt.Errorf("the folder %s of %s: %w", m.Folder, m.Username, err)
	}
	return int(selected.NumMessages), nil
}
