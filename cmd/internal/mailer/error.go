package mailer

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"
)

// Phase is where in a dialogue with a server something went wrong.
type Phase string

// The phases of a dialogue, in their order.
const (
	Connecting Phase = "connecting" // up to and with the greeting
	Hello      Phase = "EHLO"
	StartTLS   Phase = "STARTTLS"
	Auth       Phase = "AUTH"
	Addressing Phase = "addressing" // before anything was said: the address cannot be written to over this server
	Size       Phase = "size"       // the same: the message is larger than the server takes
	Mail       Phase = "MAIL"
	Rcpt       Phase = "RCPT"
	Data       Phase = "DATA"
	Body       Phase = "body"
	Dot        Phase = "end of the message"
)

// Error is why a message was not delivered, and what that means for another try.
type Error struct {
	Server   string // host:port
	Phase    Phase
	Code     int    // the server's reply (RFC 5321, 4.2); 0: there was none
	Enhanced string // its enhanced code (RFC 3463), such as "5.1.1"; empty: none
	Msg      string // its text
	DotSent  bool   // the end of the message went out
	Lost     bool   // the connection is of no use any more
	Err      error  // what broke, where there was no reply
}

func (e *Error) Error() string {
	if e.Code == 0 {
		return fmt.Sprintf("%s: %s: %v", e.Server, e.Phase, e.Err)
	}
	return fmt.Sprintf("%s: %s: %s", e.Server, e.Phase, e.Reply())
}

func (e *Error) Unwrap() error { return e.Err }

// Reply is the server's reply in one line.
func (e *Error) Reply() string { return reply(e.Code, strings.TrimSpace(e.Enhanced+" "+e.Msg)) }

// Temporary says that the same may work later: the server said so (4xx), or the connection broke before the message ended.
func (e *Error) Temporary() bool {
	return e.Code >= 400 && e.Code < 500 || e.Code == 0 && e.Phase != Addressing && e.Phase != Size && !e.InDoubt()
}

// InDoubt says that the message may have been accepted: its end went out, and no reply said what became of it.
func (e *Error) InDoubt() bool { return e.DotSent && e.Code < 400 }

// Class is the enhanced code's subject and detail, "1.1" of "5.1.1"; empty without one.
func (e *Error) Class() string {
	_, class, _ := strings.Cut(e.Enhanced, ".")
	return class
}

// maxReply bounds what is kept of a server's words.
const maxReply = 500

// reply is a server's reply in one line, cut where it goes on and on.
func reply(code int, text string) string {
	line := strings.ToValidUTF8(strings.Join(strings.Fields(fmt.Sprintf("%d %s", code, text)), " "), "?")
	if len(line) > maxReply {
		line = strings.ToValidUTF8(line[:maxReply], "") + "…"
	}
	return line
}

// explain makes an Error of what a dialogue failed with.
func explain(server string, phase Phase, err error) *Error {
	e := &Error{Server: server, Phase: phase, Err: err}
	var said *textproto.Error
	if !errors.As(err, &said) {
		e.Lost = true
		return e
	}
	e.Code, e.Msg, e.Err = said.Code, said.Msg, nil
	e.Lost = said.Code == 421 // RFC 5321, 3.8: the server closes the connection
	if code, rest, _ := strings.Cut(said.Msg, " "); isEnhanced(code) {
		e.Enhanced, e.Msg = code, rest
	}
	return e
}

// isEnhanced recognises class.subject.detail (RFC 3463, 2).
func isEnhanced(s string) bool {
	parts := strings.Split(s, ".")
	if len(parts) != 3 || len(parts[0]) != 1 {
		return false
	}
	for _, p := range parts {
		if p == "" || len(p) > 3 || strings.Trim(p, "0123456789") != "" {
			return false
		}
	}
	return true
}
