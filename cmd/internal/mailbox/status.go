package mailbox

import (
	"regexp"
	"strconv"
	"strings"
)

// Action is what became of a message for a recipient (RFC 3464, 2.3.3).
type Action string

const (
	Failed    Action = "failed"
	Delayed   Action = "delayed" // the server goes on trying
	Delivered Action = "delivered"
	Relayed   Action = "relayed"  // to a server that reports nothing
	Expanded  Action = "expanded" // to several recipients
)

// Recipient is what a report says about one recipient.
type Recipient struct {
	Addresses []string // as the message had it, and what it became on the way
	Action    Action
	// Status is the enhanced code (RFC 3463), the most exact that the report has; "5.0.0" where it only says that it failed.
	Status string
	Reply  string // what the server said, on one line
}

// maxRecipients is how many recipients of one report are looked at, and maxReply how much of a server's words is kept.
const (
	maxRecipients = 100
	maxReply      = 500
)

// deliveryStatus reads the fields of a report (RFC 3464, 2): a group about the message, and one for each recipient.
func (p *parser) deliveryStatus(body []byte) {
	for _, f := range readGroups(body) {
		// A server may leave the group about the message out, or the empty line behind it.
		if f.first("original-envelope-id") != "" {
			p.About.Senders = append(p.About.Senders, addresses(f.first("original-envelope-id"))...)
			p.About.MessageIDs = append(p.About.MessageIDs, messageIDs(f.first("original-envelope-id"))...)
		}
		p.About.MessageIDs = append(p.About.MessageIDs, messageIDs(f.first("x-original-message-id"))...) // by Gmail
		r := Recipient{Action: Action(strings.ToLower(firstWord(f.first("action")))), Reply: clean(f.first("diagnostic-code"), maxReply)}
		for _, name := range []string{"original-recipient", "final-recipient", "x-actual-recipient"} {
			if a := typedAddress(f.first(name)); a != "" {
				r.Addresses = append(r.Addresses, a)
			}
		}
		if len(r.Addresses) == 0 && f.first("action") == "" && f.first("status") == "" || len(p.Recipients) == maxRecipients {
			continue
		}
		p.status = true
		r.Status = bestStatus(f.first("status"), r.Reply)
		if r.Action == "" {
			r.Action = actionOf(r.Status)
		}
		p.Recipients = append(p.Recipients, r)
	}
}

func firstWord(s string) string { return firstOf(strings.Fields(s)) }

// actionOf is what a report means that does not say it.
func actionOf(status string) Action {
	switch {
	case strings.HasPrefix(status, "2"):
		return Delivered
	case strings.HasPrefix(status, "4"):
		return Delayed
	}
	return Failed
}

// typedAddress reads an address with its type, such as "rfc822; ada@example.org" (RFC 3464, 2.3.1) or "utf-8;
// j\x{F6}rg@example.org" (RFC 6533, 3). An address that is of another type, or none, is empty.
func typedAddress(s string) string {
	kind, address, ok := strings.Cut(s, ";")
	if !ok {
		kind, address = "rfc822", s // some servers forget it
	}
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "rfc822":
	case "utf-8":
		address = unescape(address)
	default:
		return ""
	}
	return firstOf(addresses(address))
}

// unicodeForm is a character in an address of type utf-8 that goes over a wire of seven bits (RFC 6533, 3: EmbeddedUnicodeChar).
var unicodeForm = regexp.MustCompile(`\\x\{([0-9A-Fa-f]{2,6})\}`)

func unescape(s string) string {
	return unicodeForm.ReplaceAllStringFunc(s, func(m string) string {
		n, err := strconv.ParseUint(m[3:len(m)-1], 16, 32)
		if err != nil || n > 0x10ffff {
			return m
		}
		return string(rune(n))
	})
}

var (
	// statusForm is an enhanced code (RFC 3463, 2).
	statusForm = regexp.MustCompile(`(?:^|[^0-9.])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:$|[^0-9.]|\.(?:$|[^0-9]))`)
	// codeForm is a server's reply code (RFC 5321, 4.2.1).
	codeForm = regexp.MustCompile(`(?:^|[\s;:#(<])([245])[0-5][0-9](?:$|[\s\-;:#),.>])`)
)

// enhanced is the first enhanced code in a text, or nothing.
func enhanced(s string) string {
	m := statusForm.FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	return m[1]
}

// bestStatus is the most exact status that a report has: its own may only say that it failed, and the server that refused the
// message may have said why.
func bestStatus(status, reply string) string {
	own, said := enhanced(status), enhanced(reply)
	switch {
	case own == "" && said == "":
		if m := codeForm.FindStringSubmatch(reply); m != nil {
			return m[1] + ".0.0"
		}
		return ""
	case own == "", generic(own) && said != "" && !generic(said) && said[0] == own[0]:
		return said
	}
	return own
}

// generic says that a status says nothing but yes, later or no.
func generic(status string) bool { return strings.HasSuffix(status, ".0.0") }

// feedbackReport reads what a mailbox provider passes on of a complaint (RFC 5965, 3).
func (p *parser) feedbackReport(body []byte) {
	f := readFields(body)
	kind := strings.ToLower(firstWord(f.first("feedback-type")))
	if kind == "" {
		return
	}
	p.feedback, p.Feedback = true, kind
	for _, name := range []string{"original-mail-from", "original-envelope-id"} {
		p.About.Senders = append(p.About.Senders, addresses(f.first(name))...)
	}
	for _, name := range []string{"original-rcpt-to", "removal-recipient"} {
		for _, value := range f[name] {
			p.About.Recipients = append(p.About.Recipients, addresses(value)...)
		}
	}
	p.About.Recipients = p.About.Recipients[:min(len(p.About.Recipients), maxRecipients)]
}
