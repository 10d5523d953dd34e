package feedtest

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// badCharacters refuses what XML lets pass and readers stumble over: C1 controls, which are Windows-1252 taken for Latin 1;
// U+FFFD, which stands for what somebody could not decode; noncharacters; bidirectional controls (UAX #9), which turn the text
// around them; and UTF-8 that was taken for Latin 1 and encoded again.
func badCharacters(r *report, where, s string) {
	for _, c := range s {
		switch {
		case c == utf8.RuneError:
			r.add("%s holds U+FFFD, or bytes that are no UTF-8", where)
		case unicode.IsControl(c) && c != '\n' && c != '\t':
			r.add("%s holds the control character %U", where, c)
		case c&0xfffe == 0xfffe || c >= 0xfdd0 && c <= 0xfdef:
			r.add("%s holds the noncharacter %U", where, c)
		case unicode.Is(unicode.Bidi_Control, c):
			r.add("%s holds the bidirectional control %U", where, c)
		}
	}
	if encodedTwice(s) {
		r.add("%s is UTF-8 that was encoded twice: %s", where, shown(s))
	}
}

// encodedTwice says that the characters of s, as bytes, are UTF-8 with letters of Latin 1.
func encodedTwice(s string) bool {
	var b []byte
	latin := false
	for _, c := range s {
		if c > 0xff {
			return false
		}
		latin = latin || len(b) > 0 && c >= 0x80 && c <= 0xbf && (b[len(b)-1] == 0xc2 || b[len(b)-1] == 0xc3)
		b = append(b, byte(c))
	}
	return latin && utf8.Valid(b)
}

// plain refuses plain text that is empty or that a reader would take for markup.
func plain(r *report, where, s string) {
	if strings.TrimSpace(s) == "" {
		r.add("%s is empty", where)
	} else if !visible(s) {
		r.add("%s holds nothing that can be seen: %s", where, shown(s))
	}
	if tag := endTag(s); tag != "" {
		r.add("%s is plain text and holds </%s>", where, tag)
	}
	if ref := reference(s); ref != "" {
		r.add("%s is plain text and holds %s, which looks like a reference", where, ref)
	}
}

// visible says that a text holds something that takes ink.
func visible(s string) bool {
	return strings.ContainsFunc(s, func(c rune) bool {
		return unicode.IsGraphic(c) && !unicode.In(c, unicode.Z, unicode.M, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point)
	})
}

// endTag is the name of the first end tag of an HTML element in a text that is no markup.
func endTag(s string) string {
	for {
		_, rest, found := strings.Cut(s, "</")
		if !found {
			return ""
		}
		n := strings.IndexFunc(rest, notWord)
		if n > 0 && rest[n] == '>' && (allowed[strings.ToLower(rest[:n])] || forbidden[strings.ToLower(rest[:n])]) {
			return rest[:n]
		}
		s = rest
	}
}

// reference is the first thing in a text that a reader would decode as a reference, with a semicolon or without: &lt, &#38,
// and all that is no word of letters alone, such as the &1 of Q&1A.
func reference(s string) string {
	for {
		_, rest, found := strings.Cut(s, "&")
		if !found {
			return ""
		}
		name := strings.TrimPrefix(rest, "#")
		n := strings.IndexFunc(name, notWord)
		if n < 0 {
			n = len(name)
		}
		name = rest[:len(rest)-len(name)+n]
		letters := !strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsLetter(c) })
		if n > 0 && (!letters || html.UnescapeString("&"+name+";") != "&"+name+";") {
			return "&" + name
		}
		s = rest
	}
}

func notWord(c rune) bool { return c != '_' && !unicode.IsLetter(c) && !unicode.IsNumber(c) }

// email says that a text holds an address in angle brackets.
func email(s string) bool {
	for {
		_, rest, found := strings.Cut(s, "<")
		if !found {
			return false
		}
		inside, _, closed := strings.Cut(rest, ">")
		if name, host, at := strings.Cut(inside, "@"); closed && at && name != "" && strings.Contains(host, ".") && !strings.ContainsAny(inside, " <") {
			return true
		}
		s = rest
	}
}
