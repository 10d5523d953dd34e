package mailer

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/go-mail/mail/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"linkletter/cmd/internal/mailer/smtptest"
)

// quick are timeouts for tests of silence.
var quick = Timeouts{
	Connect: time.Second, Greeting: 100 * time.Millisecond, Command: 100 * time.Millisecond, Data: 100 * time.Millisecond,
	Block: 100 * time.Millisecond, Dot: 100 * time.Millisecond, Grace: 20 * time.Millisecond,
}

func server(t *testing.T, addr string) *SMTP {
	t.Helper()
	s, err := ParseSMTP("smtp://"+addr, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func dial(t *testing.T, s *SMTP) *Conn {
	t.Helper()
	c, err := s.Dial(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func agree() error { return nil }

var letter = []byte("Subject: x\r\nMessage-ID: <1@example.org>\r\n\r\n.dot\r\n..\r\nend\r\n")

func TestDeliver(t *testing.T) {
	srv := smtptest.New(t)
	c := dial(t, server(t, srv.Addr))
	for range 2 {
		accepted := -1
		reply, err := c.Deliver(context.Background(), "from@example.org", "ada@bücher.example", letter, func() error {
			accepted = len(srv.Journal())
			return nil
		})
		if err != nil || !strings.HasPrefix(reply, "250 ") {
			t.Fatalf("reply %q, error %v", reply, err)
		}
		if accepted != len(srv.Journal())-1 {
			t.Error("the message was accepted before the dot")
		}
	}
	want := smtptest.Message{From: "from@example.org", To: "ada@xn--bcher-kva.example", ID: "<1@example.org>", Data: letter}
	if diff := cmp.Diff([]smtptest.Message{want, want}, srv.Journal()); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
	if n := srv.Connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func refusal(code int, a, b, c int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{a, b, c}, Message: text}
}

// D4, D5, D7: what each failure is, and that the connection serves the next message or says that it cannot.
func TestD4DeliverFailures(t *testing.T) {
	tests := map[string]struct {
		at    smtptest.Verb
		fault error
		want  Error
	}{
		"MAIL 4xx":          {smtptest.Mail, refusal(451, 4, 3, 0, "later"), Error{Phase: Mail, Code: 451, Enhanced: "4.3.0", Msg: "later"}},
		"MAIL 5xx":          {smtptest.Mail, refusal(550, 5, 7, 1, "not you"), Error{Phase: Mail, Code: 550, Enhanced: "5.7.1", Msg: "not you"}},
		"RCPT 4xx":          {smtptest.Rcpt, refusal(450, 4, 2, 1, "grey"), Error{Phase: Rcpt, Code: 450, Enhanced: "4.2.1", Msg: "grey"}},
		"RCPT 5xx":          {smtptest.Rcpt, refusal(550, 5, 1, 1, "nobody"), Error{Phase: Rcpt, Code: 550, Enhanced: "5.1.1", Msg: "nobody"}},
		"RCPT 421":          {smtptest.Rcpt, refusal(421, 4, 3, 2, "bye"), Error{Phase: Rcpt, Code: 421, Enhanced: "4.3.2", Msg: "bye", Lost: true}},
		"dot 4xx":           {smtptest.Dot, refusal(452, 4, 3, 1, "full"), Error{Phase: Dot, Code: 452, Enhanced: "4.3.1", Msg: "full", DotSent: true}},
		"dot 5xx":           {smtptest.Dot, refusal(554, 5, 6, 0, "ugly"), Error{Phase: Dot, Code: 554, Enhanced: "5.6.0", Msg: "ugly", DotSent: true}},
		"drop at MAIL":      {smtptest.Mail, smtptest.ErrDrop, Error{Phase: Mail, Lost: true}},
		"drop at RCPT":      {smtptest.Rcpt, smtptest.ErrDrop, Error{Phase: Rcpt, Lost: true}},
		"drop after dot":    {smtptest.Dot, smtptest.ErrDrop, Error{Phase: Dot, Lost: true, DotSent: true}},
		"drop when done":    {smtptest.Done, smtptest.ErrDrop, Error{Phase: Dot, Lost: true, DotSent: true}},
		"silence at MAIL":   {smtptest.Mail, smtptest.ErrSilence, Error{Phase: Mail, Lost: true}},
		"silence at RCPT":   {smtptest.Rcpt, smtptest.ErrSilence, Error{Phase: Rcpt, Lost: true}},
		"silence after dot": {smtptest.Dot, smtptest.ErrSilence, Error{Phase: Dot, Lost: true, DotSent: true}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := smtptest.New(t)
			srv.SetFault(func(v smtptest.Verb, m smtptest.Message) error {
				if v == test.at && m.From == "bad@example.org" {
					return test.fault
				}
				return nil
			})
			s := server(t, srv.Addr)
			s.Timeouts = quick
			c := dial(t, s)
			_, err := c.Deliver(context.Background(), "bad@example.org", "ada@example.org", letter, agree)
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("error %v (%T), want an *Error", err, err)
			}
			test.want.Server = srv.Addr
			if diff := cmp.Diff(test.want, *got, cmpopts.IgnoreFields(Error{}, "Err")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if want := got.Code/100 == 4 || got.Code == 0 && !got.DotSent; got.Temporary() != want {
				t.Errorf("temporary: %v, want %v", got.Temporary(), want)
			}
			if want := got.Code == 0 && got.DotSent; got.InDoubt() != want {
				t.Errorf("in doubt: %v, want %v", got.InDoubt(), want)
			}
			if _, err = c.Deliver(context.Background(), "good@example.org", "ada@example.org", letter, agree); (err != nil) != got.Lost {
				t.Errorf("the next message: %v; the connection is lost: %v", err, got.Lost)
			}
		})
	}
}

// A big message whose connection breaks in the middle was not accepted, and its dot never went out.
func TestDropInTheBody(t *testing.T) {
	srv := smtptest.New(t)
	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		if v == smtptest.Body {
			return smtptest.ErrDrop
		}
		return nil
	})
	big := append(bytes.Repeat([]byte(strings.Repeat("x", 70)+"\r\n"), 400_000), letter...)
	_, err := dial(t, server(t, srv.Addr)).Deliver(context.Background(), "a@example.org", "b@example.org", big, func() error {
		t.Error("the dot was about to go out")
		return nil
	})
	var e *Error
	if !errors.As(err, &e) || e.Phase != Body || e.DotSent || !e.Temporary() || !e.Lost {
		t.Fatalf("error %+v, want a lost connection in the body", err)
	}
}

// A message whose intent cannot be recorded is not accepted by anybody.
func TestD2NoIntentNoDot(t *testing.T) {
	srv := smtptest.New(t)
	broken := errors.New("disk full")
	c := dial(t, server(t, srv.Addr))
	if _, err := c.Deliver(context.Background(), "a@example.org", "b@example.org", letter, func() error { return broken }); !errors.Is(err, broken) {
		t.Fatalf("error %v, want %v", err, broken)
	}
	dial(t, server(t, srv.Addr)).Close() // the server has seen the first connection's end
	if got := srv.Journal(); len(got) != 0 {
		t.Errorf("%d messages accepted", len(got))
	}
}

// The end of the context ends what is before the dot, and waits for what is behind it.
func TestD7Context(t *testing.T) {
	tests := map[string]struct {
		at    smtptest.Verb
		fault error
		phase Phase // of the error; empty: none
	}{
		"before the dot": {smtptest.Rcpt, smtptest.ErrSilence, Rcpt},
		"after the dot":  {smtptest.Dot, nil, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			srv := smtptest.New(t)
			s := server(t, srv.Addr)
			s.Timeouts.Grace = 20 * time.Millisecond
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
				if v != test.at {
					return nil
				}
				cancel()
				time.Sleep(5 * s.Timeouts.Grace)
				return test.fault
			})
			_, err := dial(t, s).Deliver(ctx, "a@example.org", "b@example.org", letter, agree)
			var e *Error
			if errors.As(err, &e); test.phase == "" && err != nil || test.phase != "" && (e == nil || e.Phase != test.phase || e.DotSent) {
				t.Fatalf("error %v, want it at %q", err, test.phase)
			}
		})
	}
}

func TestA6SMTPUTF8(t *testing.T) {
	with, without := smtptest.New(t, smtptest.WithUTF8()), smtptest.New(t)
	c := dial(t, server(t, with.Addr))
	for _, to := range []string{"ада@example.org", "ada@example.org"} {
		if _, err := c.Deliver(context.Background(), "a@example.org", to, letter, agree); err != nil {
			t.Fatal(err)
		}
	}
	if got := with.Journal(); !got[0].UTF8 || got[1].UTF8 {
		t.Errorf("SMTPUTF8 asked for: %v, %v; want it for the first alone", got[0].UTF8, got[1].UTF8)
	}
	c = dial(t, server(t, without.Addr))
	_, err := c.Deliver(context.Background(), "a@example.org", "ада@example.org", letter, agree)
	var e *Error
	if !errors.As(err, &e) || e.Phase != Addressing || e.Temporary() || e.Lost {
		t.Fatalf("error %v, want a permanent one of the address", err)
	}
	if _, err := c.Deliver(context.Background(), "a@example.org", "ada@example.org", letter, agree); err != nil {
		t.Errorf("the next message: %v", err)
	}
}

// DATA itself may be refused, and nothing was sent then.
func TestDataRefused(t *testing.T) {
	s := scripted(t, "220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "250 ok\r\n", "451 4.7.1 slow down\r\n", "250 reset\r\n", "221 bye\r\n")
	_, err := dial(t, s).Deliver(context.Background(), "a@example.org", "b@example.org", letter, func() error {
		t.Error("the dot was about to go out")
		return nil
	})
	var e *Error
	if !errors.As(err, &e) || e.Phase != Data || !e.Temporary() || e.Lost {
		t.Fatalf("error %+v, want a temporary one at DATA", err)
	}
}

// RFC 2920: the replies to commands that went out together are told apart, and one of them that was refused leaves a
// connection that either waits for the next message or is closed. Never is a message ended that nobody was accepted for.
func TestPipelining(t *testing.T) {
	const hello, ok, bad, after = "250-hi\r\n250 PIPELINING\r\n", "250 ok\r\n", "503 5.5.1 not now\r\n", "250 reset\r\n"
	const refused = "550 5.1.1 nobody\r\n"
	tests := map[string]struct {
		replies []string // to MAIL, RCPT, DATA, and what comes then
		want    Error
	}{
		"MAIL refused":                 {[]string{"451 4.3.0 later\r\n", bad, bad, after}, Error{Phase: Mail, Code: 451, Enhanced: "4.3.0", Msg: "later"}},
		"RCPT refused":                 {[]string{ok, refused, bad, after}, Error{Phase: Rcpt, Code: 550, Enhanced: "5.1.1", Msg: "nobody"}},
		"DATA refused":                 {[]string{ok, ok, refused, after}, Error{Phase: Data, Code: 550, Enhanced: "5.1.1", Msg: "nobody"}},
		"RCPT refused, DATA taken":     {[]string{ok, refused, "354 go on\r\n", ok, ok}, Error{Phase: Rcpt, Code: 550, Enhanced: "5.1.1", Msg: "nobody", Lost: true}},
		"RCPT refused, then lost":      {[]string{ok, refused}, Error{Phase: Rcpt, Code: 550, Enhanced: "5.1.1", Msg: "nobody", Lost: true}},
		"RCPT refused, then shut down": {[]string{ok, refused, "421 bye\r\n"}, Error{Phase: Rcpt, Code: 550, Enhanced: "5.1.1", Msg: "nobody", Lost: true}},
		"shut down at MAIL":            {[]string{"421 4.3.2 bye\r\n"}, Error{Phase: Mail, Code: 421, Enhanced: "4.3.2", Msg: "bye", Lost: true}},
		"lost after RCPT":              {[]string{ok, ok}, Error{Phase: Data, Lost: true}},
		"RSET refused after a refusal": {[]string{ok, refused, bad, "421 bye\r\n"}, Error{Phase: Rcpt, Code: 550, Enhanced: "5.1.1", Msg: "nobody", Lost: true}},
		"a reply of several lines":     {[]string{"250-well\r\n250 ok\r\n", "550-5.1.1 no\r\n550 5.1.1 body\r\n", bad, after}, Error{Phase: Rcpt, Code: 550, Enhanced: "5.1.1", Msg: "no\n5.1.1 body"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, append([]string{"220 hi\r\n", hello}, test.replies...)...)
			c := dial(t, s)
			_, err := c.Deliver(context.Background(), "a@example.org", "b@example.org", letter, func() error {
				t.Error("the dot was about to go out")
				return nil
			})
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("error %v (%T), want an *Error", err, err)
			}
			test.want.Server = s.Addr()
			if diff := cmp.Diff(test.want, *got, cmpopts.IgnoreFields(Error{}, "Err")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What goes over the wire ends every line in CRLF and has no line that could be taken for the end (RFC 5321, 4.5.2).
func TestTransparent(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\nb\r\n":        "a\r\nb\r\n",
		"a\r\n.\r\n..b\r\n": "a\r\n..\r\n...b\r\n",
		".a\r\n":            "..a\r\n",
		"a":                 "a\r\n",
		"a\n.\nb":           "a\r\n..\r\nb\r\n",
		"a\r\n.\nQUIT\r\n":  "a\r\n..\r\nQUIT\r\n",
		"":                  "\r\n",
	} {
		if got := string(transparent([]byte(in))); got != want {
			t.Errorf("%q goes out as %q, want %q", in, got, want)
		}
	}
}

// A message composed with go-mail goes the same way, each recipient alone.
func TestSend(t *testing.T) {
	srv := smtptest.New(t)
	m := mail.NewMessage()
	m.SetHeader("From", "from@example.org")
	m.SetHeader("To", "one@example.org", "two@example.org")
	m.SetBody("text/plain", "hello")
	if err := mail.Send(dial(t, server(t, srv.Addr)), m); err != nil {
		t.Fatal(err)
	}
	var to []string
	for _, got := range srv.Journal() {
		to = append(to, got.To)
	}
	if diff := cmp.Diff([]string{"one@example.org", "two@example.org"}, to); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
