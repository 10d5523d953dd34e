package mailer

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// List is what an issue's header says about the digest it belongs to.
type List struct {
	ID          string // the digest's; with the From address's domain it makes the List-Id (RFC 2919)
	Title       string
	Unsubscribe string // the subscriber's own link for one click (RFC 8058); https, or http on loopback, or else it is left out
	Loopback    bool   // Unsubscribe is on this machine, where http is as good
	Token       string // in the mailto form of the same (RFC 2369)
	Mailbox     string // where mails of that form go, a bare address; empty: to the From address
	Home        string // the digest's page: what it is and what was in it
	Archived    string // this page (RFC 5064)
	Number      int    // the issue's
}

// senderID is what a Feedback-ID ends in: 5 to 15 characters, the same in every mail of the program.
const senderID = "linkletter"

// noLabel is what a label of a List-Id must not have.
var noLabel = regexp.MustCompile(`[^a-z0-9]+`)

// fields is the list's part of the header, for messages from that sender.
func (l List) fields(from Address) ([]field, error) {
	if err := checkText("title of the digest", l.Title); err != nil {
		return nil, err
	}
	label := strings.Trim(noLabel.ReplaceAllString(strings.ToLower(l.ID), "-"), "-")
	if label == "" {
		return nil, fmt.Errorf("digest %q: its id has no letter or digit, which its List-Id needs", l.ID)
	}
	mailto := "mailto:" + url.PathEscape(from.Local) + "@" + from.Domain
	leave := mailto
	if at := strings.LastIndexByte(l.Mailbox, '@'); at > 0 {
		leave = "mailto:" + url.PathEscape(l.Mailbox[:at]) + l.Mailbox[at:]
	}
	leave = "<" + leave + "?subject=" + url.PathEscape("unsubscribe "+l.Token) + ">"
	oneClick := strings.HasPrefix(l.Unsubscribe, "https://") || l.Loopback && strings.HasPrefix(l.Unsubscribe, "http://")
	if oneClick {
		leave = "<" + l.Unsubscribe + ">, " + leave
	}
	fields := []field{
		{"List-Id", strings.TrimSpace(encodePhrase(l.Title) + " <" + label + "." + from.Domain + ">")},
		{"List-Unsubscribe", leave},
	}
	if oneClick {
		fields = append(fields, field{"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"})
	}
	return append(fields,
		field{"List-Archive", "<" + l.Home + ">"},
		field{"List-Help", "<" + l.Home + ">"},
		field{"List-Owner", "<" + mailto + ">"},
		field{"List-Post", "NO"},
		field{"Archived-At", "<" + l.Archived + ">"},
		field{"Precedence", "list"},
		field{"Feedback-ID", fmt.Sprintf("%d:%s:issue:%s", l.Number, label, senderID)},
	), nil
}
