package mailer

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"linkletter/cmd/internal/mailer/smtptest"
)

// A3: encryption, certificates and login.
func TestA3DialSecurity(t *testing.T) {
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	known := x509.NewCertPool()
	known.AddCert(web.Certificate())
	trusted := &tls.Config{RootCAs: known}
	offers := smtptest.WithTLS(&tls.Config{Certificates: web.TLS.Certificates})
	tests := map[string]struct {
		options []smtptest.Option
		plain   bool
		tls     *tls.Config
		user    string
		pass    string
		phase   Phase // of the error; empty: none
	}{
		"no encryption on loopback":       {nil, true, nil, "", "", ""},
		"no encryption elsewhere":         {nil, false, nil, "", "", StartTLS},
		"encrypted":                       {[]smtptest.Option{offers}, false, trusted, "", "", ""},
		"a certificate nobody knows":      {[]smtptest.Option{offers}, false, nil, "", "", StartTLS},
		"login":                           {[]smtptest.Option{offers}, false, trusted, "ada", "secret", ""},
		"wrong password":                  {[]smtptest.Option{offers}, false, trusted, "ada", "guess", Auth},
		"login on loopback in the clear":  {[]smtptest.Option{smtptest.WithPlainAuth()}, true, nil, "ada", "secret", ""},
		"login on loopback after TLS":     {[]smtptest.Option{offers}, true, trusted, "ada", "secret", ""},
		"no login offered, nor any TLS":   {nil, true, nil, "ada", "secret", Auth},
		"login never goes out in a clear": {[]smtptest.Option{smtptest.WithPlainAuth()}, false, nil, "ada", "secret", StartTLS},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			srv := smtptest.New(t, test.options...)
			s := server(t, srv.Addr)
			s.Plain, s.TLS, s.Username, s.Password = test.plain, test.tls, test.user, test.pass
			c, err := s.Dial(context.Background())
			if test.phase == "" {
				if err != nil {
					t.Fatal(err)
				}
				c.Close()
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Phase != test.phase || !strings.Contains(err.Error(), srv.Addr) {
				t.Fatalf("error %v, want one at %s that names %s", err, test.phase, srv.Addr)
			}
		})
	}
}

// scripted is a server that says the given lines, one before it hears anything and one after each line it hears.
func scripted(t *testing.T, lines ...string) *SMTP {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		heard := bufio.NewScanner(c)
		for i, line := range lines {
			if i > 0 && !heard.Scan() {
				return
			}
			c.Write([]byte(line))
		}
		for heard.Scan() { // silence until the client has had enough
		}
	})
	s := server(t, l.Addr().String())
	s.Timeouts = quick
	return s
}

func TestDialFailures(t *testing.T) {
	tests := map[string]struct {
		lines []string
		user  string
		want  Error
		words string
	}{
		"refused":           {[]string{"554 5.7.1 go away\r\n"}, "", Error{Phase: Connecting, Code: 554, Enhanced: "5.7.1", Msg: "go away"}, "go away"},
		"busy":              {[]string{"421 too many\r\n"}, "", Error{Phase: Connecting, Code: 421, Msg: "too many", Lost: true}, "too many"},
		"silent":            {nil, "", Error{Phase: Connecting, Lost: true}, "timeout"},
		"no SMTP at all":    {[]string{"HTTP/1.1 400 Bad Request\r\n"}, "", Error{Phase: Connecting, Lost: true}, "HTTP"},
		"EHLO refused":      {[]string{"220 hi\r\n", "550 no\r\n", "550 no\r\n"}, "", Error{Phase: Hello, Code: 550, Msg: "no"}, "no"},
		"silent after EHLO": {[]string{"220 hi\r\n"}, "", Error{Phase: Hello, Lost: true}, "timeout"},
		"odd mechanisms":    {[]string{"220 hi\r\n", "250-hi\r\n250 AUTH GSSAPI\r\n"}, "ada", Error{Phase: Auth, Lost: true}, "GSSAPI"},
		"LOGIN refused": {[]string{"220 hi\r\n", "250-hi\r\n250 AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n", "535 5.7.8 no\r\n"}, "ada",
			Error{Phase: Auth, Code: 535, Enhanced: "5.7.8", Msg: "no"}, "no"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scripted(t, test.lines...)
			s.Username, s.Password = test.user, "secret"
			_, err := s.Dial(context.Background())
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("error %v (%T), want an *Error", err, err)
			}
			test.want.Server = s.Addr()
			if diff := cmp.Diff(test.want, *got, cmpopts.IgnoreFields(Error{}, "Err")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !strings.Contains(err.Error(), test.words) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %q, want %q in it and no password", err, test.words)
			}
		})
	}
}

// Some providers take a password with LOGIN alone.
func TestLogin(t *testing.T) {
	s := scripted(t, "220 hi\r\n", "250-hi\r\n250 AUTH LOGIN XOAUTH2\r\n", "334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n", "235 2.7.0 yes\r\n", "221 bye\r\n")
	s.Username, s.Password = "ada", "secret"
	dial(t, s)
}

func TestParseSMTP(t *testing.T) {
	good := map[string]struct {
		password string
		want     SMTP
	}{
		"smtp://mail.example.org":                {"", SMTP{Host: "mail.example.org", Port: "25"}},
		"smtp://localhost:2525":                  {"", SMTP{Host: "localhost", Port: "2525", Plain: true}},
		"smtp://[::1]":                           {"", SMTP{Host: "::1", Port: "25", Plain: true}},
		"smtp://ada@mail.example.org":            {"secret", SMTP{Host: "mail.example.org", Port: "587", Username: "ada", Password: "secret"}},
		"smtps://ada%40x.org:p%2Fw@mail.example": {"", SMTP{Host: "mail.example", Port: "465", Implicit: true, Username: "ada@x.org", Password: "p/w"}},
	}
	for address, test := range good {
		got, err := ParseSMTP(address, test.password)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		test.want.Timeouts = DefaultTimeouts
		if diff := cmp.Diff(&test.want, got, cmpopts.IgnoreFields(SMTP{}, "TLS")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", address, diff)
		}
	}
	bad := map[string]string{
		"mail.example.org:587":        "",
		"http://mail.example.org":     "",
		"smtp://":                     "",
		"smtp://h/path":               "",
		"smtp://h:hunter2":            "",
		"smtp://ada@mail.example.org": "", // no password
		"smtp://ada:hunter2@h":        "another",
		"smtp://ada:hunter2@h%zz":     "",
	}
	for address, password := range bad {
		if s, err := ParseSMTP(address, password); err == nil {
			t.Errorf("%s is taken for %+v", address, s)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error %q tells the password", address, err)
		}
	}
}
