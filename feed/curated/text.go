package curated

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	emoji "github.com/yuin/goldmark-emoji/definition"
)

// foldSpace trims a text and makes every run of white space one space; no-break spaces are white space.
func foldSpace(s string) string {
	if s = strings.TrimFunc(s, isSpace); isFolded(s) {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, isSpace), " ")
}

// isPrintable reports whether a text is printable ASCII; for most texts that answers quickly what is asked of each character.
func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// isFolded reports whether the only white space of a text is single spaces.
func isFolded(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		switch c := s[i]; {
		case c == ' ' && s[i+1] == ' ' || c < ' ':
			return false
		case c < 0xC2:
		// The lead bytes of all white space outside of ASCII; 0xE2 leads dashes and quotation marks too.
		case c == 0xE2 && i+2 < len(s) && (s[i+1] > 0x81 || s[i+1] == 0x80 && s[i+2] > 0x8B && s[i+2] < 0xA8):
		case c == 0xC2 || c == 0xE1 || c == 0xE2 || c == 0xE3 || c == 0xEF:
			return false
		}
	}
	return true
}

// isSpace reports white space, and the marks that take no room.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' }

// foldTitle makes the form in which two titles are compared: letters and digits in lower case, and one space between words.
func foldTitle(s string) string {
	var buf [128]byte
	return string(appendFold(buf[:0], s))
}

// appendFold appends the folded form of a title.
func appendFold(b []byte, s string) []byte {
	gap := false
	for _, r := range s {
		lower := r | 0x20
		switch {
		case lower >= 'a' && lower <= 'z':
			r = lower
		case r >= '0' && r <= '9':
		case r < utf8.RuneSelf || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r):
			gap = len(b) > 0
			continue
		default:
			r = unicode.ToLower(r)
		}
		if gap {
			b = append(b, ' ')
			gap = false
		}
		b = utf8.AppendRune(b, r)
	}
	return b
}

// hasWord reports whether a text says something: it has a letter outside of emoji shortcodes.
func hasWord(s string) bool {
	for i := 0; i < len(s); {
		if s[i] == ':' {
			if n := shortcodeLen(s[i:]); n > 0 {
				i += n
				continue
			}
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if unicode.IsLetter(r) {
			return true
		}
		i += n
	}
	return false
}

// shortcodeLen gives the length of an emoji shortcode such as ":book:" at the head of a text.
func shortcodeLen(s string) int {
	for i := 1; i < len(s) && i < 40; i++ {
		switch c := s[i]; {
		case c == ':' && i > 1:
			return i + 1
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '+' || c == '-':
		default:
			return 0
		}
	}
	return 0
}

// shortcodes resolves the emoji shortcodes of a text.
func shortcodes(s string) string {
	i := strings.IndexByte(s, ':')
	if i < 0 || strings.IndexByte(s[i+1:], ':') < 0 {
		return s
	}
	var b strings.Builder
	for i >= 0 {
		b.WriteString(s[:i])
		s = s[i:]
		n := shortcodeLen(s)
		if n > 0 {
			if e, ok := emoji.Github().Get(s[1 : n-1]); ok && e.IsUnicode() {
				b.WriteString(string(e.Unicode))
				s = s[n:]
				i = strings.IndexByte(s, ':')
				continue
			}
		}
		b.WriteByte(':')
		s = s[1:]
		i = strings.IndexByte(s, ':')
	}
	b.WriteString(s)
	return b.String()
}

// cleanTitle makes a title of a text: shortcodes resolved, white space folded, trailing separators gone.
func cleanTitle(s string) string {
	s = unbracket(foldSpace(shortcodes(s)))
	for {
		r, n := utf8.DecodeLastRuneInString(s)
		head := strings.TrimRight(s[:len(s)-n], " ")
		// A colon or comma clings to the word before it; another mark may be part of a name: "Option<T>", "and/".
		clings := strings.ContainsRune(":：,;", r)
		if n == 0 || !isSeparator(r) || !clings && len(head) == len(s)-n {
			return validText(cutText(s, maxTitle))
		}
		s = head
	}
}

// unbracket takes off brackets around a whole title: "[Title]", as "[[Title]](…)" has it.
func unbracket(s string) string {
	for len(s) > 2 && s[0] == '[' && strings.IndexByte(s, ']') == len(s)-1 {
		s = strings.TrimSpace(s[1 : len(s)-1])
	}
	return s
}

// cutText gives the first bytes of a text, up to a whole character.
func cutText(s string, size int) string {
	if len(s) <= size {
		return s
	}
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return strings.TrimRightFunc(s[:size], isSpace)
}

// isSeparator reports a mark that stands between a link and what is said of it.
func isSeparator(r rune) bool {
	switch r {
	case '-', '–', '—', '―', '−', '－', ':', '：', '|', '｜', '·', '•', ',', '，', '、', ';', '；', '>', '→', '⇒', '/':
		return true
	}
	return false
}

// trimSeparators cuts the separators from the head of a text, and says how many bytes they took.
func trimSeparators(s string) int {
	from := 0
	if s != "" && s[0] == '.' && (len(s) == 1 || s[1] == ' ') {
		from = 1 // "[title](…). Text"
	} else if strings.HasPrefix(s, "。") {
		from = len("。")
	}
	for i, r := range s[from:] {
		if !isSeparator(r) && !isSpace(r) || r == ':' && shortcodeLen(s[from+i:]) > 0 {
			return from + i
		}
	}
	return len(s)
}

// trimOpening drops the brackets and quotation marks that open, and the separators, at the end of a text.
func trimOpening(s string) string {
	return strings.TrimRightFunc(s, func(r rune) bool { return isSpace(r) || isSeparator(r) || strings.ContainsRune("([（【《「«", r) })
}

// figureAt finds a count such as "1,204" or "3.4k".
var figureAt = regexp.MustCompile(`^\d[\d.,]*[kKmM]?\b`)

// leadingMarks gives the marks at the head of a text, and the bytes they take; none where words follow without a
// separator, which are a sentence that begins with a sign.
func leadingMarks(s string) (marks []string, end int) {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch code := shortcodeLen(s[i:]); {
		case isSpace(r):
			i += n
			continue
		case r == ':' && code > 0:
			n = code
		case !isMark(r):
			if isSeparator(r) {
				return marks, i
			}
			if count := figureAt.FindString(s[i:]); count != "" && len(marks) > 0 {
				marks = marks[:len(marks)-1] // a count of stars says nothing for long
				i += len(count)
				continue
			}
			return nil, 0
		}
		if at := len(marks) - 1; at >= 0 && (joinsMark(r) || isFlagHalf(r) && len(marks[at]) == n && isFlagHalf(firstRune(marks[at]))) {
			marks[at] += s[i : i+n]
		} else {
			marks = append(marks, s[i:i+n])
		}
		i += n
	}
	return marks, len(s)
}

// cutTrailingMarks takes the signs off the end of a title, as long as words are left.
func cutTrailingMarks(title string) (words string, marks []string) {
	words = title
	for {
		r, n := utf8.DecodeLastRuneInString(words)
		if n == 0 || r == '*' || !isMark(r) && r != ' ' {
			break
		}
		words = words[:len(words)-n]
	}
	if words = strings.TrimRight(words, " "); len(words) == len(title) || !hasLabel(words) {
		return title, nil
	}
	marks, _ = leadingMarks(title[len(words):])
	return words, marks
}

// isFlagHalf reports one of the two signs that make a flag.
func isFlagHalf(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// joinsMark reports a sign that only alters the one before it: a variation selector, a joiner, a skin tone.
func joinsMark(r rune) bool {
	return r == 0xFE0F || r == 0x200D || r == 0x20E3 || r >= 0x1F3FB && r <= 0x1F3FF
}

// isMark reports a sign that says something of an entry and is no word: an emoji, a star, a dagger.
func isMark(r rune) bool {
	return r == '*' || r == '†' || r == '‡' || joinsMark(r) || r >= 0x2190 && unicode.Is(unicode.So, r)
}

// isFormat reports whether a link's text names a form of the resource: "PDF", "video".
func isFormat(title string) bool { return formats[foldTitle(title)] }

// maxGeneric is more bytes than a generic title has.
const maxGeneric = 32

// isGeneric reports whether a link's text names no resource: "PDF", "here", "Part 2", "Spring 2020", an address.
func isGeneric(title string) bool {
	if len(title) > maxGeneric {
		return false
	}
	var buf [2 * maxGeneric]byte
	b := appendFold(buf[:0], title)
	if len(b) == 0 || genericTitles[string(b)] || formats[string(b)] {
		return true
	}
	if isDigit(b[len(b)-1]) {
		return isNumbered(string(b))
	}
	return (bytes.HasSuffix(b, []byte(" here")) || bytes.HasPrefix(b, []byte("this "))) && countWords(title) <= 4
}

// isNumbered reports whether a folded title says only which of several a link leads to.
func isNumbered(f string) bool {
	word, _, _ := strings.Cut(f, " ")
	switch number := f[len(word):]; {
	case strings.Trim(f, "0123456789 ") == "":
		return true
	case strings.Trim(number, "0123456789 ") != "" || number == "":
		return false
	}
	switch word {
	case "part", "screenshot", "video", "slides", "link", "mirror", "demo", "pdf", "issue", "chapter":
		return true
	case "spring", "summer", "autumn", "fall", "winter":
		return len(f) == len(word)+len(" 2020")
	}
	return false
}

// isPlace reports whether a link's text says where something has a page, and not what it is.
func isPlace(title string) bool {
	return socialSites[foldTitle(title)] || isGeneric(title)
}

// isNumber reports a label of digits alone: a place in a series, or the name of what is called so.
func isNumber(label string) bool { return label != "" && strings.Trim(label, "0123456789") == "" }

// countWords counts the words of a text.
func countWords(s string) int {
	return len(strings.FieldsFunc(s, func(r rune) bool { return !isLetterOrDigit(r) && r != '\'' && r != '’' }))
}
