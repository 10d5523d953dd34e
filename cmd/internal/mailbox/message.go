package mailbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // subjects and texts in any letters
)

// Kind is what a message is.
type Kind string

const (
	Other       Kind = "other"       // anything else: letters, advertisements, what cannot be read
	AutoReply   Kind = "auto-reply"  // an automatic answer, such as of somebody on holiday (RFC 3834)
	Delivery    Kind = "delivery"    // a report of what became of a message (RFC 3464, RFC 6533)
	Plain       Kind = "plain"       // the same as text for people, as older servers write it
	Complaint   Kind = "complaint"   // a report of what somebody thinks of a message (RFC 5965)
	Unsubscribe Kind = "unsubscribe" // a mail that unsubscribes (RFC 2369)
)

// Message is what one message says. All in it is as the message has it, and may be forged; strings are valid UTF-8 without
// control characters.
type Message struct {
	Kind Kind
	// ID names the message: it is the same when the same message is read again, by another way too.
	ID         string
	To         []string    // the addresses that it came to, as far as it says
	Recipients []Recipient // of Delivery and Plain: what became of the message for whom
	Feedback   string      // of Complaint: its type, in lower case, such as abuse
	Token      string      // of Unsubscribe: what stands behind the word
	About      About       // of Delivery, Plain and Complaint
}

// About is what a report says of the message that it is about.
type About struct {
	Senders     []string // senders of its envelope
	Recipients  []string // of Complaint: whom it was for
	MessageIDs  []string // with their angle brackets
	From        string   // its From field; empty: not known
	Unsubscribe []string // its List-Unsubscribe fields
}

// What is read of a message at most, in octets, and of its parts. A report stands at the beginning of its message, and what it
// is about may be any size.
const (
	MaxSize   = 2 << 20
	maxHeader = 256 << 10 // of a message or a part
	maxPart   = 256 << 10 // of a part that is looked into
	maxParts  = 64        // in all
	maxDepth  = 8         // of parts in parts
	hashed    = 64 << 10  // of the body, in ID
)

// Read reads a message and says what it is. recipients are addresses that it came to, where they are known beside it. Of a
// message that is larger than MaxSize, the rest is not read. The error is the reader's own.
func Read(r io.Reader, recipients ...string) (*Message, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxSize))
	if err != nil {
		return nil, fmt.Errorf("reading a message: %w", err)
	}
	return parse(raw, recipients), nil
}

// envelopeLine is what programs put before a message that they pipe or keep in one file with others.
var envelopeLine = regexp.MustCompile(`\A>?From [^\r\n]*\r?\n`)

// parse says what the bytes of a message are.
func parse(raw []byte, recipients []string) *Message {
	raw = raw[len(envelopeLine.Find(raw)):]
	p := parser{Message: Message{Kind: Other, ID: name(raw)}}
	for _, a := range recipients {
		p.To = append(p.To, addresses(a)...)
	}
	e, err := message.ReadWithOptions(bytes.NewReader(raw), &message.ReadOptions{MaxHeaderBytes: maxHeader})
	if e == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return &p.Message
	}
	p.header(e.Header)
	p.part(e, 0)
	p.decide(e.Header)
	return &p.Message
}

// name makes a message's ID of what no server changes on the way: not of the lines that each puts on top.
func name(raw []byte) string {
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	head, body, _ := bytes.Cut(raw, []byte("\n\n"))
	fields := readFields(head)
	h := sha256.New()
	fmt.Fprintf(h, "%q %q ", fields.first("message-id"), fields.first("date"))
	h.Write(body[:min(len(body), hashed)])
	return hex.EncodeToString(h.Sum(nil))
}

// parser is a message that is being read.
type parser struct {
	Message
	parts    int
	text     string // the first plain text
	status   bool   // there was a delivery's status
	feedback bool   // there was a complaint
}

// arrived are the fields that tell to which address a message came. No RFC knows most of them, and servers write them.
var arrived = []string{"Delivered-To", "X-Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To"}

// header takes from a message's own header to whom it came.
func (p *parser) header(h message.Header) {
	for _, name := range arrived {
		for fields := h.FieldsByKey(name); fields.Next(); {
			p.To = append(p.To, addresses(fields.Value())...)
		}
	}
	p.To = p.To[:min(len(p.To), maxAddresses)]
}

// part looks at one part and those in it. The message that a report is about is not looked into: what it holds is not what
// the report says.
func (p *parser) part(e *message.Entity, depth int) {
	if p.parts++; p.parts > maxParts {
		return
	}
	kind, _, _ := e.Header.ContentType() // what cannot be read is text/plain
	switch kind {
	case "message/delivery-status", "message/global-delivery-status":
		p.deliveryStatus(p.body(e))
	case "message/feedback-report":
		p.feedbackReport(p.body(e))
	case "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers":
		p.returned(readFields(headOf(p.body(e))))
	case "text/plain", "":
		if p.text == "" {
			p.text = string(p.body(e))
		}
	}
	parts := e.MultipartReader()
	if parts == nil || depth == maxDepth {
		return
	}
	for p.parts <= maxParts {
		inner, err := parts.NextPart()
		if inner == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
			return // the end, or what nobody can read
		}
		p.part(inner, depth+1)
	}
}

// body is what can be read of a part: reports are cut, and so are messages that are too large.
func (p *parser) body(e *message.Entity) []byte {
	b, _ := io.ReadAll(io.LimitReader(e.Body, maxPart))
	return b
}

// headOf is a message's header, without its body.
func headOf(msg []byte) []byte {
	msg = bytes.ReplaceAll(msg, []byte("\r\n"), []byte("\n"))
	head, _, _ := bytes.Cut(bytes.TrimLeft(msg, "\n"), []byte("\n\n"))
	return head
}

// returned takes from the header of the message that a report is about what may prove whose it was.
func (p *parser) returned(f fieldList) {
	if p.About.From == "" {
		p.About.From = firstOf(addresses(f.first("from")))
	}
	p.About.Senders = append(p.About.Senders, addresses(f.first("return-path"))...)
	for _, name := range []string{"message-id", "x-original-message-id"} { // the latter by who puts an own one in its place
		p.About.MessageIDs = append(p.About.MessageIDs, messageIDs(f.first(name))...)
	}
	if u := f.first("list-unsubscribe"); u != "" {
		p.About.Unsubscribe = append(p.About.Unsubscribe, u)
	}
}

// decide says what the message is, once all its parts have been seen.
func (p *parser) decide(h message.Header) {
	subject, err := h.Text("Subject")
	if err != nil { // in letters that are not known
		subject = h.Get("Subject")
	}
	token := unsubscribeToken(subject)
	switch {
	case p.status:
		p.Kind = Delivery
	case p.feedback:
		p.Kind = Complaint
	case token != "":
		p.Kind, p.Token = Unsubscribe, token
	case isAutoReply(h):
		p.Kind = AutoReply
	case fromDaemon(h) && p.plainReport():
		p.Kind = Plain
	}
}

// unsubscribeForm is the subject that the List-Unsubscribe field of our messages asks for, as mail programs may change it:
// with the marks of an answer, which have many languages, or a quoted line end.
var unsubscribeForm = regexp.MustCompile(`(?i)\A\s*(?:\pL{1,6}\s*[:：]\s*)*unsubscribe\s+<?([A-Za-z0-9_-]+)>?\s*\z`)

// unsubscribeToken is what stands in a subject behind the word, or nothing.
func unsubscribeToken(subject string) string {
	m := unsubscribeForm.FindStringSubmatch(subject)
	if m == nil || len(m[1]) > maxToken {
		return ""
	}
	return m[1]
}

// maxToken is longer than any token of ours.
const maxToken = 1024

// autoReplies are the marks of automatic answers before RFC 3834.
var autoReplies = []string{"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Autoreply-From", "X-Mail-Autoreply", "X-Vacation"}

// isAutoReply says that a message is an automatic answer (RFC 3834, 5), by its mark or those that were usual before.
func isAutoReply(h message.Header) bool {
	submitted, _, _ := strings.Cut(strings.ToLower(h.Get("Auto-Submitted")), ";")
	if strings.HasPrefix(strings.TrimSpace(submitted), "auto-replied") {
		return !isDaemon(firstOf(addresses(h.Get("From")))) // whose reports some servers call so
	}
	for _, name := range autoReplies {
		if h.Has(name) {
			return true
		}
	}
	return strings.EqualFold(strings.TrimSpace(h.Get("Precedence")), "auto_reply")
}
