package feed

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"linkletter/feed/curated"
)

// SectionPaths gives every path of headings that entries stand under, the headings above each included, in the list's order.
func SectionPaths(l *curated.List) [][]string {
	var paths [][]string
	seen := map[string]bool{}
	for _, e := range l.Entries {
		for _, path := range e.Sections {
			for depth := 1; depth <= len(path); depth++ {
				if key := strings.Join(path[:depth], "\x00"); !seen[key] { // headings hold no control characters
					seen[key] = true
					paths = append(paths, path[:depth])
				}
			}
		}
	}
	return paths
}

// maxSlug is the most bytes of a slug: it is a file name, of which most systems take 255.
const maxSlug = 120

// Slug makes an address for a section from its heading, with those above it, or a number, where that is taken.
func Slug(path []string, taken map[string]bool) string {
	slug := slugify(path[len(path)-1])
	for _, heading := range slices.Backward(path[:len(path)-1]) {
		if !taken[slug] {
			return slug
		}
		slug = cut(slugify(heading)+"-"+slug, maxSlug)
	}
	base := slug
	for n := 2; taken[slug]; n++ {
		slug = fmt.Sprintf("%s-%d", base, n)
	}
	return slug
}

// device is a file name that Windows keeps for itself.
var device = regexp.MustCompile(`^(con|prn|aux|nul|(com|lpt)[0-9])$`)

// slugify is a heading in lower case with a hyphen for each run of anything but letters and digits. It is composed (Unicode's
// normal form C): a slug is in permanent ids, of which there must be one way only to write each, and file systems differ in how
// they take the other.
func slugify(heading string) string {
	var b strings.Builder
	gap := false
	for _, c := range norm.NFC.String(strings.ToLower(heading)) {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteRune(c)
	}
	if b.Len() == 0 {
		return "section"
	}
	if device.MatchString(b.String()) {
		return "section-" + b.String()
	}
	return cut(b.String(), maxSlug)
}

// cut shortens a string to so many bytes, at the end of a rune.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for !utf8.RuneStart(s[most]) {
		most--
	}
	return strings.TrimRight(s[:most], "-")
}
