package feed

import (
	"html"
	"strings"
	"unicode"
)

// Names, labels and outlines are plain text that nothing can say that of. Readers take some of it for markup all the same, and
// validators warn of it; so what looks like a tag stands in ‹such brackets› there, and an ampersand that would begin a reference
// stands by itself.

// unmarkName is for names of people and labels of categories (RFC 4287, 3.2.1 and 4.2.2.3). An address in angle brackets is taken
// for one to write to.
func unmarkName(s string) string {
	return unmark(s, func(rest string) bool {
		inside, _, closed := strings.Cut(rest, ">")
		return rest != "" && (letter(rest[0]) || strings.IndexByte("/!?", rest[0]) >= 0 || closed && strings.Contains(inside, "@"))
	}, likeReference)
}

// unmarkOutline is for OPML, whose texts may be markup.
func unmarkOutline(s string) string {
	return unmark(s, func(string) bool { return true }, func(string) bool { return true })
}

// unmarkEndTags is for RSS, where hexadecimal references say the rest.
func unmarkEndTags(s string) string {
	return unmark(s, func(rest string) bool {
		name, isEnd := strings.CutPrefix(rest, "/")
		n := strings.IndexFunc(name, notWord)
		return isEnd && n > 0 && name[n] == '>'
	}, func(string) bool { return false })
}

// unmark asks whether what follows a < is a tag, and whether what follows an &, where no space does, is a reference.
func unmark(s string, tag, ref func(rest string) bool) string {
	if !strings.ContainsAny(s, "<&") {
		return s
	}
	var b strings.Builder
	open := false
	for i := range len(s) {
		rest := s[i+1:]
		switch c := s[i]; {
		case c == '<' && tag(rest):
			b.WriteString("‹")
			open = true
		case c == '>' && open:
			b.WriteString("›")
			open = false
		case c == '&' && rest != "" && rest[0] != ' ' && ref(rest):
			if i > 0 && s[i-1] != ' ' {
				b.WriteByte(' ')
			}
			b.WriteString("& ")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// likeReference says that a reader may decode what follows an ampersand: a number, the name of a character, with a semicolon or
// without, or whatever is no word of letters alone.
func likeReference(rest string) bool {
	n := strings.IndexFunc(rest, notWord)
	if n < 0 {
		n = len(rest)
	}
	word := rest[:n]
	return rest[0] == '#' || strings.ContainsFunc(word, func(c rune) bool { return !unicode.IsLetter(c) }) ||
		html.UnescapeString("&"+word) != "&"+word || html.UnescapeString("&"+word+";") != "&"+word+";"
}

func notWord(c rune) bool { return c != '_' && !unicode.IsLetter(c) && !unicode.IsNumber(c) }
