package mailer

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	maxLine  = 78  // RFC 5322, 2.1.1: should
	hardLine = 998 // RFC 5322, 2.1.1: must
	// wordBytes is how much text fits into one encoded word of 75 characters (RFC 2047, 2) in base64.
	wordBytes = (75 - len("=?UTF-8?B??=")) / 4 * 3
)

// write appends the field, folded at spaces so that its lines have at most 78 characters where that can be.
func (f field) write(b *bytes.Buffer) error {
	if strings.ContainsFunc(f.body, isControl) {
		return fmt.Errorf("header %s: a line end or control character in %q", f.name, f.body)
	}
	b.WriteString(f.name)
	b.WriteByte(':')
	used := len(f.name) + 1
	for _, word := range strings.Split(f.body, " ") {
		if len(word) > hardLine-1 {
			return fmt.Errorf("header %s: %d characters without a space", f.name, len(word))
		}
		if used+1+len(word) > maxLine && used > 0 {
			b.WriteString("\r\n")
			used = 0
		}
		b.WriteByte(' ')
		b.WriteString(word)
		used += 1 + len(word)
	}
	b.WriteString("\r\n")
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// checkText refuses what cannot stand in a header: above all the line end that would begin another field.
func checkText(what, s string) error {
	if strings.ContainsFunc(s, isControl) || !utf8.ValidString(s) {
		return fmt.Errorf("%s: a line end, control character or invalid UTF-8 in %q", what, s)
	}
	return nil
}

// encodeText is text for an unstructured field: as it is where that is safe, else in encoded words. Text that looks like
// an encoded word is not safe: it would arrive as something else.
func encodeText(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if isASCII(s) && !strings.Contains(s, "=?") && longest(s) < maxLine {
		return s
	}
	return encodeWords(s)
}

// encodePhrase is text as a display name (RFC 5322, 3.2.5).
func encodePhrase(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	switch {
	case !isASCII(s) || strings.Contains(s, "=?") || longest(s) >= maxLine:
		return encodeWords(s)
	case strings.ContainsFunc(s, func(r rune) bool { return r != ' ' && !isAtext(r) }):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	return s
}

// encodeWords is text as encoded words (RFC 2047) of at most 75 characters, none of which splits a character.
func encodeWords(s string) string {
	var words []string
	for len(s) > 0 {
		n := 0
		for n < len(s) {
			_, size := utf8.DecodeRuneInString(s[n:])
			if n+size > wordBytes {
				break
			}
			n += size
		}
		words = append(words, "=?UTF-8?B?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return strings.Join(words, " ")
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// isAtext says whether a character may stand in an atom (RFC 5322, 3.2.3).
func isAtext(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}

// longest is the length of the longest word in s.
func longest(s string) int {
	n := 0
	for word := range strings.SplitSeq(s, " ") {
		n = max(n, len(word))
	}
	return n
}
