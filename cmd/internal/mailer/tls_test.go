package mailer

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"linkletter/cmd/internal/mailer/smtptest"
)

// certificate makes one for 127.0.0.1 that it signs itself, as far as change leaves it so, and who trusts it.
func certificate(t *testing.T, change func(*x509.Certificate)) (server, trusting *tls.Config) {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	change(c)
	der, err := x509.CreateCertificate(rand.Reader, c, c, public, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: pool}
}

// A3: a certificate that is not the server's, or not good any more, or nobody's whom we trust, ends the dialogue before a password or a
// message is out, and the error says what is wrong with it.
func TestA3Certificates(t *testing.T) {
	tests := map[string]struct {
		change    func(*x509.Certificate)
		untrusted bool
		want      string // in the error; empty: none
	}{
		"good":           {change: func(*x509.Certificate) {}},
		"another's name": {change: func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"mail.example.org"} }, want: "127.0.0.1"},
		"expired":        {change: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-24 * time.Hour) }, want: "expired"},
		"from nobody":    {change: func(*x509.Certificate) {}, untrusted: true, want: "unknown authority"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			serving, trusting := certificate(t, test.change)
			srv := smtptest.NewRaw(t, serving, "AUTH PLAIN")
			s := server(t, srv.Addr)
			s.Plain, s.Username, s.Password = false, "ada", "secret"
			if s.TLS = trusting; test.untrusted {
				s.TLS = nil
			}
			c, err := s.Dial(context.Background())
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				c.Close()
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Phase != StartTLS || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one at %s about %q", err, StartTLS, test.want)
			}
			for _, line := range srv.Heard() {
				if strings.HasPrefix(line, "AUTH") || strings.HasPrefix(line, "MAIL") {
					t.Errorf("the server heard %q", line)
				}
			}
		})
	}
}

// A3: credentials that the server does not ask for are an error, also when it asks for them before encryption alone.
func TestA3NoLoginOffered(t *testing.T) {
	for name, before := range map[string]bool{"never": false, "before encryption alone": true} {
		t.Run(name, func(t *testing.T) {
			serving, trusting := certificate(t, func(*x509.Certificate) {})
			srv := smtptest.NewRaw(t, serving)
			if before {
				srv.SetFault(func() func(smtptest.Verb) string {
					hellos := 0
					return func(v smtptest.Verb) string {
						if v == smtptest.Hello {
							if hellos++; hellos == 1 {
								return "250-localhost\r\n250-AUTH PLAIN\r\n250 STARTTLS"
							}
						}
						return ""
					}
				}())
			}
			s := server(t, srv.Addr)
			s.Plain, s.Username, s.Password, s.TLS = false, "ada", "secret", trusting
			_, err := s.Dial(context.Background())
			var e *Error
			if !errors.As(err, &e) || e.Phase != Auth || !strings.Contains(err.Error(), "offers no login") {
				t.Errorf("error %v, want one that no login is offered", err)
			}
		})
	}
}

// A4: EHLO says the name that is configured, and else one that a server can make something of.
func TestA4Hello(t *testing.T) {
	for name, want := range map[string]string{"links.example.org": "EHLO links.example.org", "": "EHLO "} {
		srv := smtptest.NewRaw(t, nil)
		s := server(t, srv.Addr)
		s.Name = name
		dial(t, s).Close()
		heard := srv.Heard()
		said := strings.TrimPrefix(heard[0], "EHLO ")
		if !strings.HasPrefix(heard[0], want) || name == "" && said != "localhost" && !strings.Contains(said, ".") {
			t.Errorf("with the name %q, the server heard %q", name, heard[0])
		}
		if heard[len(heard)-1] != "QUIT" {
			t.Errorf("the last word is %q, want QUIT", heard[len(heard)-1])
		}
	}
}

// D7: the end of a context ends every wait before the dot, at whatever point the server has fallen silent, also while connecting.
func TestD7ContextEndsSilence(t *testing.T) {
	for _, at := range []smtptest.Verb{smtptest.Greeting, smtptest.Hello, smtptest.Mail, smtptest.Rcpt, smtptest.Data} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			srv := smtptest.NewRaw(t, nil)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			srv.SetFault(func(v smtptest.Verb) string {
				if v != at {
					return ""
				}
				cancel()
				return smtptest.Silence
			})
			s := server(t, srv.Addr) // its timeouts are minutes
			s.Timeouts.Grace = 20 * time.Millisecond
			c, err := s.Dial(ctx)
			if err == nil {
				defer c.Close()
				_, err = c.Deliver(ctx, "a@example.org", "b@example.org", letter, func() error {
					t.Error("the dot was about to go out")
					return nil
				})
			}
			var e *Error
			if !errors.As(err, &e) || !e.Lost || !e.Temporary() {
				t.Errorf("error %v, want a lost connection", err)
			}
		})
	}
}
