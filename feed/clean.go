package feed

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// What a feed takes of one text, in characters, and of an address or a fragment of HTML, in bytes. Nothing honest comes
// near; a reader that chokes on a title of a megabyte must not do so because of us.
const (
	maxTitle   = 300
	maxSummary = 2000
	maxURL     = 4096
	maxHTML    = 256 << 10
)

// Validators read 5 MB of a feed. Of one that would be longer, entries that are longer than any honest one are shortened: of a
// hundred thousand entries of real lists, the longest content has 3 KB. Both are in bytes of Atom, the longest format.
const (
	longFeed      = 4 << 20
	longEntry     = 80 << 10
	fewCategories = 8 // that a shortened entry keeps
)

// cleanText makes one line of plain text that every format can hold: white space is folded, what unwanted names is
// dropped, what was encoded twice is decoded, and what is longer than limit characters ends in an ellipsis. It is empty where
// nothing can be seen of it.
func cleanText(s string, limit int) string {
	if plain(s) && len(s) <= limit {
		return s
	}
	for {
		cleaned := foldText(decodeTwice(s), limit)
		if cleaned == s || plain(cleaned) { // what is dropped may have hidden that the rest was encoded twice
			return cleaned
		}
		s = cleaned
	}
}

func foldText(s string, limit int) string {
	if !visible(s) {
		return ""
	}
	var b strings.Builder
	b.Grow(min(len(s), 4*limit))
	space, n := false, 0
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unwanted(r):
			continue
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		if n++; n > limit {
			return clip(b.String(), limit)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plain says that s is printable ASCII without runs of spaces, as nearly every text is.
func plain(s string) bool {
	last := byte(' ')
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c >= 0x7f || c == ' ' && last == ' ' {
			return false
		}
		last = c
	}
	return last != ' '
}

// clip leaves room for an ellipsis and does not leave half a cluster of combining characters before it.
func clip(s string, limit int) string {
	runes := []rune(s)
	end := min(limit-1, len(runes))
	for end > 0 && end < len(runes) && (unicode.Is(unicode.M, runes[end]) || runes[end] == '\u200d' || runes[end-1] == '\u200d') {
		end--
	}
	return strings.TrimRight(string(runes[:end]), " ") + "…"
}

// unwanted names the characters that no feed should carry:
//   - control characters, C1 too, which XML 1.0 (2.2) forbids or discourages, and which feed validators report;
//   - noncharacters, which XML forbids (U+FFFE, U+FFFF) or discourages;
//   - U+FFFD, which is how invalid UTF-8 and lone surrogates arrive here;
//   - bidirectional controls (UAX #9), which turn the rest of a page around.
func unwanted(r rune) bool {
	if ' ' <= r && r <= '~' {
		return false
	}
	return unicode.IsControl(r) || r == utf8.RuneError || r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef ||
		unicode.Is(unicode.Bidi_Control, r)
}

// visible says that some of a text takes ink.
func visible(s string) bool {
	const blank = '\u2800' // of Braille, a symbol without dots
	return strings.ContainsFunc(s, func(r rune) bool {
		return r != blank && r != utf8.RuneError && unicode.IsGraphic(r) &&
			!unicode.In(r, unicode.Z, unicode.M, unicode.Other_Default_Ignorable_Code_Point)
	})
}

// decodeTwice gives the text behind "CafÃ©": UTF-8 that somebody took for Latin 1 and encoded again. No text of a person is
// valid UTF-8 by chance when its characters are taken for bytes and it holds one beyond ASCII.
func decodeTwice(s string) string {
	for strings.Contains(s, "Â") || strings.Contains(s, "Ã") {
		b := make([]byte, 0, len(s))
		for _, r := range s {
			if r > 0xff {
				return s
			}
			b = append(b, byte(r))
		}
		if !utf8.Valid(b) {
			return s
		}
		s = string(b)
	}
	return s
}

// cleanHTML drops from sanitised HTML what unwanted names, line ends apart, and takes the end mark of a CDATA section
// apart: ]]> means the same in HTML as ]]&gt;. Its links lead where CleanURL lets them. HTML cannot be cut, so what is too long
// is dropped whole.
func cleanHTML(s string) string {
	if len(s) > maxHTML {
		return ""
	}
	for {
		cleaned := decodeTwice(strings.Map(wantedInHTML, decodeTwice(s)))
		if cleaned == s {
			break
		}
		s = cleaned
	}
	return cleanLinks(strings.ReplaceAll(s, "]]>", "]]&gt;"))
}

// cleanLinks makes the addresses of links such as a feed may have, and takes away the links that have none. The HTML is ours:
// a link has nothing but an address, and holds no other.
func cleanLinks(s string) string {
	const begin, end = `<a href="`, "</a>"
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, begin)
		raw, after, closed := strings.Cut(rest, `">`)
		if !found || !closed {
			break
		}
		written := html.UnescapeString(raw)
		to := CleanURL(written)
		b.WriteString(before)
		switch {
		case to == written:
			b.WriteString(begin + raw + `">`)
		case to != "":
			b.WriteString(begin + html.EscapeString(to) + `">`)
		default:
			after = strings.Replace(after, end, "", 1)
		}
		s = after
	}
	if b.Len() == 0 {
		return s
	}
	return b.String() + s
}

func wantedInHTML(r rune) rune {
	if r != '\n' && r != '\t' && unwanted(r) {
		return -1
	}
	return r
}

// CleanURL gives an absolute http, https or mailto URI (RFC 3986) in ASCII, as written but for the characters that a URI
// cannot hold. Empty when it is none: a feed never leads to javascript:, data: or a file.
func CleanURL(raw string) string {
	raw = strings.TrimSpace(raw)
	scheme, rest, found := strings.Cut(raw, ":")
	if !found || len(raw) > maxURL {
		return ""
	}
	scheme = strings.ToLower(scheme)
	switch scheme {
	case "mailto":
		if rest == "" {
			return ""
		}
		return "mailto:" + escapeURI(rest)
	case "http", "https":
	default:
		return ""
	}
	rest, found = strings.CutPrefix(rest, "//")
	if !found {
		return ""
	}
	end := strings.IndexAny(rest, `/?#\`)
	if end < 0 {
		end = len(rest)
	}
	authority, ok := cleanAuthority(rest[:end])
	if !ok {
		return ""
	}
	return scheme + "://" + authority + escapeURI(rest[end:])
}

// cleanAuthority checks the part of a URL with the host, and writes an international name in ASCII (RFC 5891).
func cleanAuthority(s string) (string, bool) {
	u, err := url.Parse("https://" + s)
	if err != nil || u.Hostname() == "" || !utf8.ValidString(s) {
		return "", false
	}
	host := u.Hostname()
	for i := range len(host) {
		if host[i] < 0x80 {
			continue
		}
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil {
			return "", false
		}
		u.Host = strings.Replace(u.Host, host, ascii, 1)
		break
	}
	if u.User != nil {
		return u.User.String() + "@" + u.Host, validHost(u.Host)
	}
	return u.Host, validHost(u.Host) || ipLiteral.MatchString(u.Host)
}

// validHost holds what may stand in a host and port.
func validHost(host string) bool {
	for i := range len(host) {
		if !uriByte(host[i]) {
			return false
		}
	}
	return true
}

// ipLiteral is an address of version 6 and a port as validators of feeds know it: no zone, and no part in the form of version 4.
var ipLiteral = regexp.MustCompile(`^\[[0-9A-Fa-f:]+\](:[0-9]*)?$`)

// escapeURI percent-encodes what RFC 3986 does not allow in a path, query or fragment, and stray percent and number signs.
func escapeURI(s string) string {
	fragment := false
	ok := func(i int) bool {
		switch c := s[i]; c {
		case '%':
			return i+2 < len(s) && hexDigit(s[i+1]) && hexDigit(s[i+2])
		case '#':
			first := !fragment
			fragment = true
			return first
		default:
			return uriByte(c)
		}
	}
	var b strings.Builder
	for i := range len(s) {
		if ok(i) {
			b.WriteByte(s[i])
			continue
		}
		const digits = "0123456789ABCDEF"
		b.Write([]byte{'%', digits[s[i]>>4], digits[s[i]&15]})
	}
	return b.String()
}

// uriByte: unreserved and reserved characters of RFC 3986 but for square brackets, which belong into an IP literal only.
func uriByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("-._~:/?#@!$&'()*+,;=%", c) >= 0
}

func hexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
