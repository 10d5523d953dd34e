package mailbox

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fieldList are the fields of a header, or of a group of them in a report, by their names in lower case.
type fieldList map[string][]string

// How many there can be, and how long.
const (
	maxFields    = 500
	maxValue     = 4000
	maxAddresses = 50
)

// first is a field's first value; empty: there is none.
func (f fieldList) first(name string) string { return firstOf(f[name]) }

func firstOf(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// readFields reads fields, a line each and those that follow with a space. The library's reader ends at the first line that
// is none, and these come from servers of all ages, are cut in the middle, and quote each other.
func readFields(block []byte) fieldList {
	f := fieldList{}
	name, value, n := "", "", 0
	keep := func() {
		if name != "" && n < maxFields {
			f[name] = append(f[name], clean(value, maxValue))
			n++
		}
		name = ""
	}
	for line := range bytes.Lines(block) {
		text := strings.TrimRight(string(line), "\r\n")
		if text != "" && (text[0] == ' ' || text[0] == '\t') {
			if len(value) < maxValue {
				value += " " + strings.TrimSpace(text)
			}
			continue
		}
		keep()
		if key, rest, ok := strings.Cut(text, ":"); ok {
			name, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(rest)
		}
	}
	keep()
	return f
}

// readGroups reads groups of fields, which an empty line ends (RFC 3464, 2.1).
func readGroups(body []byte) []fieldList {
	body = bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))
	var all []fieldList
	for group := range bytes.SplitSeq(body, []byte("\n\n")) {
		if f := readFields(group); len(f) > 0 {
			all = append(all, f)
		}
	}
	return all
}

// clean is text that can be shown on one line: valid UTF-8 of at most n octets, without control characters.
func clean(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r == utf8.RuneError:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "")
	}
	return strings.TrimSpace(s)
}

// addressForm finds addresses in anything: all kinds of servers write them, with and without angle brackets, names and
// comments. Quoted local parts, which no subscriber has, are not found.
var addressForm = regexp.MustCompile(`[^\s<>"(),;:@\[\]\\]+@[^\s<>"(),;:@\\]+`)

// addresses are those in a text.
func addresses(s string) []string {
	var all []string
	for _, a := range addressForm.FindAllString(clean(s, maxValue), maxAddresses) {
		all = append(all, strings.TrimRight(a, ".'"))
	}
	return all
}

var messageIDForm = regexp.MustCompile(`<[^<>\s]+>`)

// messageIDs are the Message-IDs in a text, with their angle brackets.
func messageIDs(s string) []string {
	return messageIDForm.FindAllString(clean(s, maxValue), maxAddresses)
}
