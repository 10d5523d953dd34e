package mailer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/smtp"
	"net/textproto"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-mail/mail/v2"
)

// Conn is an open connection to an SMTP server. One message at a time goes over it.
type Conn struct {
	server *SMTP
	raw    *bounded // under TLS, where there is TLS
	client *smtp.Client
	lost   bool

	mu       sync.Mutex // guards the deadline, which the end of a context moves from another goroutine
	deadline time.Time
	hurried  bool // the context has ended: only the grace is left
	shielded bool // the dot went out: the reply is waited for, whatever happens
}

var _ mail.SendCloser = (*Conn)(nil)

// blockSize is how much of a body is sent under one deadline.
const blockSize = 32 << 10

// Deliver sends one message to one recipient and gives the server's reply. from and to are bare addresses.
//
// beforeDot is called when all but the end of the message is out. Up to there nothing can have been accepted; from there
// on everything may have been. When it fails, the message is abandoned and the connection closed. The end of ctx
// abandons what is before the dot after a short grace; what is behind it is waited for.
//
// Errors are of type *Error, or beforeDot's own. After an error the connection is ready for the next message, unless the
// error says that it is lost.
func (c *Conn) Deliver(ctx context.Context, from, to string, msg []byte, beforeDot func() error) (string, error) {
	stop := context.AfterFunc(ctx, c.hurry)
	defer stop()
	mailCmd, rcptCmd, err := c.envelope(from, to)
	if err != nil {
		return "", &Error{Server: c.server.Addr(), Phase: Addressing, Err: err}
	}
	declared, err := c.size(len(msg))
	if err != nil {
		return "", &Error{Server: c.server.Addr(), Phase: Size, Err: err}
	}
	mailCmd += declared
	if c.lost {
		return "", c.fail(Mail, errors.New("the connection was lost before"))
	}
	if err := c.begin(mailCmd, rcptCmd); err != nil {
		return "", err
	}
	if err := c.write(transparent(msg)); err != nil {
		return "", c.fail(Body, err)
	}
	c.shield(true)
	defer c.shield(false)
	if err := beforeDot(); err != nil {
		c.abandon()
		return "", err
	}
	return c.dot()
}

// envelope is the two commands that begin a transaction.
func (c *Conn) envelope(from, to string) (mailCmd, rcptCmd string, err error) {
	sender, err := ParseAddress(from)
	if err != nil {
		return "", "", fmt.Errorf("sender %q: %w", from, err)
	}
	rcpt, err := ParseAddress(to)
	if err != nil {
		return "", "", fmt.Errorf("recipient %q: %w", to, err)
	}
	mailCmd, rcptCmd = "MAIL FROM:<"+sender.String()+">", "RCPT TO:<"+rcpt.String()+">"
	if sender.UTF8() || rcpt.UTF8() {
		if !c.offers("SMTPUTF8") {
			return "", "", fmt.Errorf("%s: the server does not take addresses with such characters before the @ (SMTPUTF8)", rcpt)
		}
		mailCmd += " SMTPUTF8"
		if c.offers("8BITMIME") {
			mailCmd += " BODY=8BITMIME" // RFC 6531, 3.6: the header is not 7-bit
		}
	}
	return mailCmd, rcptCmd, nil
}

// size declares how large a message is, where the server wants to know (RFC 1870). One that is larger than it takes is not
// begun.
func (c *Conn) size(n int) (parameter string, err error) {
	offered, most := c.client.Extension("SIZE")
	if !offered {
		return "", nil
	}
	if limit, err := strconv.Atoi(most); err == nil && limit > 0 && n > limit {
		return "", fmt.Errorf("the message has %d octets, and the server takes %d at most (SIZE)", n, limit)
	}
	return fmt.Sprintf(" SIZE=%d", n), nil
}

// step is a command, how long its reply may take, and the digit that it must begin with.
type step struct {
	phase  Phase
	limit  time.Duration
	expect int
	line   string
}

// begin opens a transaction up to its body: one command after the other, or all at once where the server takes that
// (PIPELINING, RFC 2920), which spares two of three waits.
func (c *Conn) begin(mailCmd, rcptCmd string) error {
	if n := c.client.Text.R.Buffered(); n > 0 { // it would be taken for the reply to this message's first command
		said, _ := c.client.Text.R.Peek(min(n, maxReply))
		return c.fail(Mail, fmt.Errorf("the server said unasked: %q", said))
	}
	t := c.server.Timeouts
	steps := []step{{Mail, t.Command, 2, mailCmd}, {Rcpt, t.Command, 2, rcptCmd}, {Data, t.Data, 3, "DATA"}}
	together := 1
	if c.offers("PIPELINING") {
		together = len(steps)
	}
	for group := range slices.Chunk(steps, together) {
		if err := c.say(group); err != nil {
			return c.fail(group[0].phase, err)
		}
		for i, s := range group {
			c.within(s.limit)
			if _, _, err := readReply(&c.client.Text.Reader, s.expect); err != nil {
				return c.fail(s.phase, err, group[i+1:]...)
			}
		}
	}
	return nil
}

// say sends commands in one piece.
func (c *Conn) say(group []step) error {
	c.within(group[0].limit)
	w := c.client.Text.W
	for _, s := range group {
		w.WriteString(s.line) // an error stays, and Flush gives it
		w.WriteString("\r\n")
	}
	return w.Flush()
}

// transparent is a message as it goes over the wire (RFC 5321, 4.5.2), without the line that ends it.
func transparent(msg []byte) []byte {
	lines := bytes.Count(msg, []byte("\r\n"))
	plain := bytes.HasSuffix(msg, []byte("\r\n")) && bytes.Count(msg, []byte("\n")) == lines
	if plain && !bytes.HasPrefix(msg, []byte(".")) && !bytes.Contains(msg, []byte("\n.")) {
		return msg // as nearly all are, and ready to go out
	}
	var b bytes.Buffer // writing to it cannot fail
	w := textproto.NewWriter(bufio.NewWriter(&b)).DotWriter()
	w.Write(msg)
	w.Close()
	return bytes.TrimSuffix(b.Bytes(), []byte(".\r\n"))
}

// write sends the body but not its end.
func (c *Conn) write(body []byte) error {
	for block := range slices.Chunk(body, blockSize) {
		c.within(c.server.Timeouts.Block)
		if _, err := c.client.Text.W.Write(block); err != nil {
			return err
		}
	}
	return c.client.Text.W.Flush()
}

// dot ends the message and reads what became of it.
func (c *Conn) dot() (string, error) {
	c.within(c.server.Timeouts.Dot)
	_, err := c.client.Text.W.WriteString(".\r\n")
	if err == nil {
		err = c.client.Text.W.Flush()
	}
	if err == nil {
		var code int
		var text string
		if code, text, err = readReply(&c.client.Text.Reader, 2); err == nil {
			return reply(code, text), nil
		}
	}
	failure := c.fail(Dot, err)
	failure.DotSent = true
	return "", failure
}

// fail ends a transaction that failed, so that the next can begin: with RSET, or, where that is not possible, by closing
// the connection. unheard are the commands whose replies are still to come.
func (c *Conn) fail(phase Phase, err error, unheard ...step) *Error {
	e := explain(c.server.Addr(), phase, err)
	if !e.Lost {
		e.Lost = !c.hear(unheard)
	}
	if !e.Lost {
		c.within(c.server.Timeouts.Command)
		e.Lost = c.client.Reset() != nil
	}
	if e.Lost {
		c.abandon()
	}
	return e
}

// hear reads the replies to commands that went out with one that was refused, and says whether the dialogue can go on. When
// the server now waits for a message, it cannot: ending it would deliver an empty one to whoever was accepted (RFC 2920, 3.1).
func (c *Conn) hear(unheard []step) bool {
	for _, s := range unheard {
		c.within(s.limit)
		code, _, err := anyReply(&c.client.Text.Reader)
		if err != nil || code/100 == 3 || code == 421 {
			return false
		}
	}
	return true
}

// abandon closes the connection in the middle of whatever it was doing.
func (c *Conn) abandon() {
	c.lost = true
	c.raw.Close()
}

// Send delivers a message that go-mail has composed to each recipient, in a transaction of its own. A message that
// cannot be written is not sent at all.
func (c *Conn) Send(from string, to []string, msg io.WriterTo) error {
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return fmt.Errorf("writing the message: %w", err)
	}
	for _, rcpt := range to {
		if _, err := c.Deliver(context.Background(), from, rcpt, b.Bytes(), func() error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// Close says QUIT and closes the connection. All messages have had their reply: what the server says to it does not matter.
func (c *Conn) Close() error {
	if c.lost {
		return nil
	}
	c.lost = true
	c.within(c.server.Timeouts.Grace)
	if err := c.client.Quit(); err != nil {
		return c.raw.Close()
	}
	return nil
}

func (c *Conn) offers(extension string) bool {
	ok, _ := c.client.Extension(extension)
	return ok
}

// within gives what comes next so much time.
func (c *Conn) within(limit time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hurried && !c.shielded {
		limit = min(limit, c.server.Timeouts.Grace)
	}
	c.raw.left.Store(maxHeard)
	c.set(time.Now().Add(limit))
}

// hurry is called when the context has ended.
func (c *Conn) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hurried = true
	if end := time.Now().Add(c.server.Timeouts.Grace); !c.shielded && end.Before(c.deadline) {
		c.set(end)
	}
}

func (c *Conn) shield(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shielded = on
}

func (c *Conn) set(deadline time.Time) {
	c.deadline = deadline
	// It fails only on a closed connection, which the next read or write will say.
	_ = c.raw.SetDeadline(deadline)
}
