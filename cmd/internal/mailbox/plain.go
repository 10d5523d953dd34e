package mailbox

import (
	"regexp"
	"strings"

	"github.com/emersion/go-message"
)

// daemons are the names that mail servers write under.
var daemons = []string{"mailer-daemon", "postmaster", "mdaemon", "mailerdaemon", "mail-daemon", "double-bounce"}

// isDaemon says that an address is a mail server's own.
func isDaemon(address string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	for _, d := range daemons {
		if local == d {
			return true
		}
	}
	return false
}

// fromDaemon says that a message comes from a mail server: by its name, for automatic answers too have no sender to report to.
func fromDaemon(h message.Header) bool {
	if returns := h.Get("Return-Path"); returns != "" && len(addresses(returns)) > 0 && !isDaemon(firstOf(addresses(returns))) {
		return false
	}
	from := h.Get("From")
	return isDaemon(firstOf(addresses(from))) || isDaemon(firstWord(from))
}

var (
	// qmailForm is how qmail begins (QSBMF, by D. J. Bernstein: a paragraph that begins with "Hi. This is the", then one for
	// each recipient that begins with the address in angle brackets and a colon).
	qmailForm = regexp.MustCompile(`\AHi\. This is `)
	// failureForm are words that say in a report for people that the message did not get through.
	failureForm = regexp.MustCompile(`(?i)\b(undeliver|could ?n[o']t be delivered|not (?:be )?delivered|delivery (?:to|has failed|failed|failure|error)|permanent (?:fatal )?error|returned mail|failed (?:permanently|recipient|address)|user unknown|unknown user|no such user|mailbox (?:full|unavailable|not found))`)
	delayForm   = regexp.MustCompile(`(?i)\b(delayed|will (?:be retried|keep trying|continue)|still trying|no action is required|warning message only)`)
)

// plainReport reads a report that is text for people, and says whether it is one. It says little about whom: that is for the
// address it came to.
func (p *parser) plainReport() bool {
	text := strings.TrimSpace(strings.ReplaceAll(p.text, "\r\n", "\n"))
	said := text[:min(len(text), maxReply*8)] // what it is about may follow, and speak of anything
	for _, end := range []string{"\n--- Below this line", "\n------ This is a copy", "\n   ----- Original message", "\n----- Original message", "\n   ----- Unsent message"} {
		said, _, _ = strings.Cut(said, end)
	}
	if !qmailForm.MatchString(said) && !failureForm.MatchString(said) || delayForm.MatchString(said) {
		return false
	}
	r := Recipient{Action: Failed}
	for paragraph := range strings.SplitSeq(said, "\n\n") {
		address, reply, ok := strings.Cut(strings.TrimSpace(paragraph), ">:")
		if ok && strings.HasPrefix(address, "<") && qmailForm.MatchString(said) {
			r.Addresses, r.Reply = addresses(address), clean(reply, maxReply)
			break
		}
	}
	if r.Reply == "" {
		r.Reply = clean(sentence(said), maxReply)
	}
	r.Status = bestStatus("", r.Reply)
	if r.Status == "" {
		r.Status = bestStatus("", said)
	}
	if r.Status == "" || r.Status[0] == '2' {
		r.Status = "5.0.0"
	}
	p.Recipients = []Recipient{r}
	return true
}

// sentence is the line of a text with a server's reply in it, or all of it.
func sentence(text string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if enhanced(line) != "" || codeForm.MatchString(line) {
			return line
		}
	}
	return text
}
