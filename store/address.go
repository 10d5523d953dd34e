package store

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Length limits of an address in octets (RFC 5321, 4.5.3.1).
const (
	maxLocalPart = 64
	maxAddress   = 254 // a path of 256 without its angle brackets
)

// domains maps an internationalised domain to A-labels (RFC 5891) and checks it as a host name.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true))

// NormalizeAddress reads one bare address (RFC 5322 addr-spec, RFC 6531 for other letters). address is what to write to,
// its domain in A-labels; key is the same for all ways to write one person's address. Quoted local parts and address
// literals, which no reader has and few servers take, are refused. The error says what is wrong, for the person who typed it.
func NormalizeAddress(s string) (address, key string, err error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return "", "", errors.New("there is no address")
	case len(s) > 2*maxAddress: // a domain may get shorter yet; nothing else needs a closer look
		return "", "", fmt.Errorf("the address is longer than %d characters", maxAddress)
	case !utf8.ValidString(s):
		return "", "", errors.New("the address is not UTF-8 text")
	case strings.ContainsFunc(s, unseen):
		return "", "", errors.New("the address holds a space or a character that cannot be seen")
	}
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return "", "", errors.New("the address has no @")
	}
	// A letter is written in one way (RFC 6532, 3.1).
	local, domain := norm.NFC.String(s[:at]), s[at+1:]
	if len(local) > maxLocalPart {
		return "", "", fmt.Errorf("the part before the @ is longer than %d characters", maxLocalPart)
	}
	domain, err = normalizeDomain(domain)
	if err != nil {
		return "", "", err
	}
	address = local + "@" + domain
	if len(address) > maxAddress {
		return "", "", fmt.Errorf("the address is longer than %d characters", maxAddress)
	}
	// net/mail takes comments, names and quotes off; what comes back unchanged had none.
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Name != "" || parsed.Address != address {
		return "", "", errors.New("the part before the @ is not one that mail can be sent to")
	}
	return address, strings.Map(lower, address), nil
}

func normalizeDomain(domain string) (string, error) {
	if domain == "" {
		return "", errors.New("nothing follows the @")
	}
	ascii, err := domains.ToASCII(domain)
	if err != nil {
		return "", fmt.Errorf("%q is not the name of a mail domain", domain)
	}
	if !strings.Contains(ascii, ".") && ascii != "localhost" {
		return "", fmt.Errorf("%q is not a whole domain (like example.org)", domain)
	}
	return ascii, nil
}

// unseen finds what could end a header line or make two addresses look alike.
func unseen(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// lower is a letter in lower case. İ stays what it is: it is another mailbox than i's, which would be somebody else's.
func lower(r rune) rune {
	small := unicode.ToLower(r)
	if r >= utf8.RuneSelf && small < utf8.RuneSelf {
		return r
	}
	return small
}
