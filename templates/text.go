package templates

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// columns is how wide the text of a mail is, with room for a "> " in the 78 of RFC 5322, 2.1.1.
const columns = 76

// wrap folds white space and breaks text into lines of at most 76 columns where Unicode allows it (UAX #14), each after
// the prefix. Addresses are kept whole. Nothing gives nothing; otherwise each line ends in a newline.
func wrap(prefix, text string) string {
	var b, line strings.Builder
	room := columns - cells(prefix)
	used := 0
	flush := func() {
		if used > 0 {
			b.WriteString(prefix + strings.TrimRight(line.String(), " ") + "\n")
		}
		line.Reset()
		used = 0
	}
	for _, piece := range pieces(fold(text)) {
		if used > 0 && used+cells(strings.TrimRight(piece, " ")) > room {
			flush()
		}
		line.WriteString(piece)
		used += cells(piece)
	}
	flush()
	return b.String()
}

// pieces cuts text where a line may end; the spaces stay behind each piece.
func pieces(text string) []string {
	var out []string
	for word := range strings.SplitAfterSeq(text, " ") {
		if strings.Contains(word, "://") {
			out = append(out, word)
			continue
		}
		for state := -1; word != ""; {
			var piece string
			piece, word, _, state = uniseg.FirstLineSegmentInString(word, state)
			out = append(out, piece)
		}
	}
	return out
}

// cells is how much of a line s takes: the columns of a terminal, or its characters where those are more (combining
// marks), so that counting either way finds lines short enough.
func cells(s string) int {
	n := 0
	for state := -1; s != ""; {
		var cluster string
		var width int
		cluster, s, width, state = uniseg.FirstGraphemeClusterInString(s, state)
		n += max(width, utf8.RuneCountInString(cluster))
	}
	return n
}

// clip shortens s to at most n cells, at a word where one ends in its second half, and says so with an ellipsis.
func clip(s string, n int) string {
	s = fold(s)
	if cells(s) <= n {
		return s
	}
	used, end, word := 0, 0, 0
	for rest, state := s, -1; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used += cells(cluster); used > n-1 {
			break
		}
		if cluster == " " && used > n/2 {
			word = end
		}
		end += len(cluster)
	}
	if word > 0 {
		end = word
	}
	return strings.TrimRightFunc(s[:end], func(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) }) + "…"
}

// fold makes one line of text: runs of white space become a space, and what printable drops goes.
func fold(s string) string { return strings.Join(strings.Fields(printable(s)), " ") }

// printable drops control characters, which could end a header or turn the rest of a line around (UAX #9); white space
// becomes spaces.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
}

// underline is a line of c as long as the heading it stands under.
func underline(c, heading string) string {
	return strings.Repeat(c, min(columns, max(3, cells(fold(heading)))))
}

// tidy ends text in one newline and takes out what templates leave behind: spaces at line ends, runs of empty lines.
func tidy(text string) string {
	var b strings.Builder
	empty := true // none at the start
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" {
			empty = true
			continue
		}
		if empty && b.Len() > 0 {
			b.WriteByte('\n')
		}
		empty = false
		b.WriteString(line + "\n")
	}
	return b.String()
}
