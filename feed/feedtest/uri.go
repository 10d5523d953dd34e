package feedtest

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// tagURI is RFC 4151, 2.1, with a host name as its authority and a day as its date.
var tagURI = regexp.MustCompile(`^tag:[a-z0-9]([a-z0-9.-]*[a-z0-9])?,\d{4}-\d{2}-\d{2}:[0-9a-zA-Z;/?:@&=+$.\-_!~*'()%,]*$`)

// uriCharacters are those of RFC 3986 without square brackets, which the host alone may hold.
const uriCharacters = "-._~:/?#@!$&'()*+,;=%"

// address refuses what is no absolute URI (RFC 3986) of a page or a mailbox. brackets allows an IP literal of version 6 as its
// host, which RSS validators do not.
func address(r *report, where, s string, brackets bool) {
	u, err := url.Parse(s)
	switch {
	case s == "":
		r.add("%s is no address: it is empty", where)
		return
	case err != nil:
		r.add("%s is no address: %v", where, err)
		return
	}
	rest := s
	switch u.Scheme {
	case "http", "https":
		if u.Hostname() == "" || !strings.HasPrefix(s[len(u.Scheme):], "://") {
			r.add("%s has no host: %s", where, shown(s))
		}
		if literal := literal(s); brackets && literal != "" {
			rest = strings.Replace(s, literal, "", 1)
		}
	case "mailto":
		if u.Opaque == "" {
			r.add("%s leads to no mailbox: %s", where, shown(s))
		}
	case "":
		r.add("%s is relative: %s", where, shown(s))
	default:
		r.add("%s is no address of a page: %s", where, shown(s))
	}
	if at := strings.IndexFunc(rest, notURI); at >= 0 {
		c, _ := utf8.DecodeRuneInString(rest[at:])
		r.add("%s holds %q, which no URI can: %s", where, c, shown(s))
	}
	stray(r, where, s)
}

// literal is the [host] of an address of version 6 without anything else in its authority.
func literal(s string) string {
	_, rest, _ := strings.Cut(s, "://")
	end := strings.IndexByte(rest, ']')
	if !strings.HasPrefix(rest, "[") || end < 0 || strings.Trim(rest[1:end], "0123456789abcdefABCDEF:") != "" {
		return ""
	}
	return rest[:end+1]
}

func notURI(c rune) bool {
	return !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.ContainsRune(uriCharacters, c))
}

// stray refuses a percent sign that encodes nothing, and a second number sign.
func stray(r *report, where, s string) {
	for i := range len(s) {
		if s[i] == '%' && !isEncoded(s[i:]) {
			r.add("%s has a percent sign that encodes nothing: %s", where, shown(s))
		}
	}
	if strings.Count(s, "#") > 1 {
		r.add("%s has two fragments: %s", where, shown(s))
	}
}

func isEncoded(s string) bool {
	const hex = "0123456789abcdefABCDEF"
	return len(s) > 2 && strings.IndexByte(hex, s[1]) >= 0 && strings.IndexByte(hex, s[2]) >= 0
}

// identifier refuses what is no tag URI in its canonical form: readers compare ids character by character, so there must be one
// way only to write each.
func identifier(r *report, where, s string) {
	if !tagURI.MatchString(s) {
		r.add("%s is no tag URI: %s", where, shown(s))
		return
	}
	stray(r, where, s)
	if decoded, err := url.PathUnescape(s); err == nil {
		if !norm.NFC.IsNormalString(decoded) {
			r.add("%s is not in Unicode's normal form C: %s", where, shown(s))
		}
		if strings.ToUpper(encoded(s)) != encoded(s) {
			r.add("%s has a percent-encoding in lower case: %s", where, shown(s))
		}
	}
}

// encoded is all that is percent-encoded in an address.
func encoded(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if s[i] == '%' && isEncoded(s[i:]) {
			b.WriteString(s[i : i+3])
		}
	}
	return b.String()
}
