package curated

import (
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
	var b strings.Builder
	b.Grow(len(s))
	gap := false
	for _, r := range s {
		if r < utf8.RuneSelf {
			if lower := r | 0x20; lower >= 'a' && lower <= 'z' {
				r = lower
			} else if r < '0' || r > '9' {
				gap = b.Len() > 0
				continue
			}
			if gap {
				b.WriteByte(' ')
				gap = false
			}
			b.WriteByte(byte(r))
			continue
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte(' ')
			gap = false
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
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
	s = foldSpace(shortcodes(s))
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
	case '-', '–', '—', '―', '−', ':', '：', '|', '·', '•', ',', ';', '>', '»', '→', '⇒', '/':
		return true
	}
	return false
}

// trimSeparators cuts the separators from the head of a text, and says how many bytes they took.
func trimSeparators(s string) int {
	from := 0
	if len(s) > 0 && s[0] == '.' && (len(s) == 1 || s[1] == ' ') {
		from = 1 // "[title](…). Text"
	}
	for i, r := range s[from:] {
		if !isSeparator(r) && !isSpace(r) {
			return from + i
		}
	}
	return len(s)
}

// formats are what one resource may come in.
var formats = words(`pdf, ps, html, epub, mobi, video, slides, slide deck, slides pdf, audio, mp3, recording, transcript, paper, abstract, abs,
	code, source, source code, poster, bibtex, supplement, talk, article, screenshot, link, here`)

// isFormat reports whether a link's text names one of them.
func isFormat(title string) bool {
	_, ok := formats[foldTitle(title)]
	return ok
}

// genericTitles say, as the formats do, what kind of thing a link leads to, and not what it is.
var genericTitles = words(`
	links, this, this one, videos, website, web site, site, web, web page, webpage, home,
	homepage, home page, official site, official website, demo, live demo, online demo, live, sources, src, github,
	gitlab, github repo, repo, repository, docs, doc, documentation, blog, blog post, post, download, downloads,
	read, read more, more, more info, info, details, go, url, book, youtube, vimeo, watch, listen,
	app store, appstore, itunes, google play, play store, f droid, arxiv, project page, project, page, twitter, wiki,
	review, example, examples, tutorial, mirror, archive, archived, npm, readme,
	announcement, discussion, hn, reddit, forum, medium, dataset, data, model, try it, play, play it now,
	play now, preview, screenshots, clients, changelog, issue, issues, license, api, web archive, part i, part ii, part iii`)

// maxGeneric is longer than any of them.
const maxGeneric = 32

// isGeneric reports whether a link's text names no resource: "PDF", "here", "Part 2", "Screenshot 1", an address.
func isGeneric(title string) bool {
	if len(title) > maxGeneric {
		return false
	}
	f := foldTitle(title)
	if _, ok := genericTitles[f]; ok || isFormat(f) {
		return true
	}
	for _, w := range [...]string{"part ", "screenshot ", "video ", "slides ", "link ", "mirror ", "demo ", "pdf ", "issue ", "chapter "} {
		if n, ok := strings.CutPrefix(f, w); ok && strings.Trim(n, "0123456789") == "" {
			return true
		}
	}
	return f == "" || strings.Trim(f, "0123456789 ") == ""
}

// countWords counts the words of a text.
func countWords(s string) int {
	return len(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '’' }))
}
