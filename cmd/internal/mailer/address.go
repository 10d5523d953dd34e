package mailer

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Address is a mailbox as it goes over the wire.
type Address struct {
	Name   string // display name, or empty
	Local  string // the part before the @, quoted where it must be
	Domain string // in A-labels (RFC 5890), lower case
}

// maxLocal and maxAddress are RFC 5321's limits (4.5.3.1).
const (
	maxLocal   = 64
	maxAddress = 254
)

var errAddress = errors.New("not an e-mail address")

// ParseAddress reads a mailbox (RFC 5322, 3.4): an address with or without a display name. An internationalised domain
// becomes A-labels.
func ParseAddress(s string) (Address, error) {
	if err := checkText("address", s); err != nil {
		return Address{}, err
	}
	parsed, err := mail.ParseAddress(s)
	if err != nil {
		return Address{}, fmt.Errorf("%w: %s", errAddress, strings.TrimPrefix(err.Error(), "mail: "))
	}
	at := strings.LastIndexByte(parsed.Address, '@')
	a := Address{Name: parsed.Name, Local: quoteLocal(parsed.Address[:at])}
	a.Domain, err = idna.Lookup.ToASCII(parsed.Address[at+1:])
	if err != nil || a.Domain == "" {
		return Address{}, fmt.Errorf("%w: the domain %q cannot be", errAddress, parsed.Address[at+1:])
	}
	if len(a.Local) > maxLocal || len(a.String()) > maxAddress {
		return Address{}, fmt.Errorf("%w: too long", errAddress)
	}
	return a, nil
}

// String is the bare address, as in MAIL and RCPT.
func (a Address) String() string { return a.Local + "@" + a.Domain }

// UTF8 says that the address can only be written to with SMTPUTF8 (RFC 6531).
func (a Address) UTF8() bool { return !isASCII(a.Local) }

// header is the mailbox as a header field has it.
func (a Address) header() string {
	if a.Name == "" {
		return a.String()
	}
	return encodePhrase(a.Name) + " <" + a.String() + ">"
}

// quoteLocal is a local part as a dot-atom, or else as a quoted string (RFC 5322, 3.4.1).
func quoteLocal(s string) string {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool { return r < utf8.RuneSelf && !isAtext(r) }) {
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
		}
	}
	return s
}
