package curated

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var durationAt = regexp.MustCompile(`^[(\[](\d{1,2}:\d\d(?::\d\d)?|(?:~ ?)?\d[\d.:]* ?(?:h|hr|hrs|hours?|m|min|mins|minutes?|minute read|s|sec|secs|seconds?)(?: \d+ ?(?:m|min|mins|minutes|s|sec)?)?(?: \pL+)?)[)\]]`)

// dateAt finds a date in brackets, or one written as in ISO 8601.
var dateAt = regexp.MustCompile(`^(?:[(\[]((?:(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? )?(?:\d{1,2}, )?(?:19|20)\d\d(?:[-/.]\d{1,2}){0,2})[)\]]|((?:19|20)\d\d-\d\d-\d\d)(?: |$))`)

// cutMarks takes byline, publication, duration and date off the text that follows the link, in whatever order they come.
func cutMarks(e *Entry, rest []piece) []piece {
	for mayMark(rest) {
		text := joinPieces(rest)
		skip := trimSeparators(text)
		head := text[skip:]
		var end int
		switch {
		case e.Byline == "" && (strings.HasPrefix(head, "by ") || strings.HasPrefix(head, "By ")):
			e.Byline, end = cutNames(head, len("by "))
		case e.Publication == "" && strings.HasPrefix(head, "on the "):
			e.Publication, end = cutName(head, len("on the "))
		case e.Publication == "" && strings.HasPrefix(head, "on "):
			e.Publication, end = cutName(head, len("on "))
		case e.Duration == "" && head != "" && (head[0] == '(' || head[0] == '['):
			if m := durationAt.FindStringSubmatch(head); m != nil {
				e.Duration, end = m[1], len(m[0])
			}
		}
		if m := dateAt.FindStringSubmatch(head); end == 0 && e.Date == "" && m != nil {
			e.Date, end = m[1]+m[2], len(m[0])
		}
		if end == 0 {
			break
		}
		rest = cutPieces(rest, skip+end)
	}
	return rest
}

// mayMark reports whether a text may begin with "by …", "on …", "(20 minutes)" or "[2014]"; most do not.
func mayMark(ps []piece) bool {
	for i := range ps {
		if ps[i].kind != textPiece {
			continue
		}
		if t := ps[i].text[trimSeparators(ps[i].text):]; t != "" {
			return strings.IndexByte("bBo([12", t[0]) >= 0
		}
	}
	return false
}

// cutSigns takes the signs off the head of a text: "🆕 - text", or signs alone.
func cutSigns(e *Entry, rest []piece) []piece {
	if !maySign(rest) {
		return rest
	}
	text := joinPieces(rest)
	if counts := countsAt.FindString(text); strings.IndexFunc(counts, isMark) >= 0 {
		return cutPieces(rest, len(counts)) // they say nothing for long
	}
	marks, end := leadingMarks(text)
	e.Marks = append(e.Marks, marks...)
	return cutPieces(rest, end)
}

// countsAt finds counts in brackets before a separator: "(🥇31 · ⭐ 1.1K) - ".
var countsAt = regexp.MustCompile(`^\s*\((?:[^()\pL]|\d[kKmM])*\) *[-–—]`)

// maySign reports whether a text may begin with a sign or with counts; few do.
func maySign(ps []piece) bool {
	for i := range ps {
		if t := strings.TrimLeftFunc(ps[i].text, isSpace); t != "" && ps[i].kind == textPiece {
			r, _ := utf8.DecodeRuneInString(t)
			return isMark(r) || r == '(' || r == ':' && shortcodeLen(t) > 0
		}
	}
	return false
}

// maxName is how many words a person or a publication may be called.
const maxName = 8

// cutName gives the name that begins at an offset, and where it ends; "" and 0 where there is none: a name begins with a
// capital or a digit.
func cutName(s string, from int) (name string, end int) {
	r, _ := utf8.DecodeRuneInString(s[from:])
	end = from + nameEnd(s[from:])
	if !unicode.IsUpper(r) && !unicode.IsDigit(r) && r != '@' || countWords(s[from:end]) > maxName {
		return "", 0
	}
	return cleanTitle(s[from:end]), end
}

// cutNames gives several names: "Ann Lee, Bob Ray and Cid Fox".
func cutNames(s string, from int) (names string, end int) {
	names, end = cutName(s, from)
	for last, stop := names, end; last != ""; {
		joint := nameJoint.FindString(s[stop:])
		if joint == "" {
			break
		}
		if last, stop = cutName(s, stop+len(joint)); last == "" {
			break
		}
		if !strings.HasPrefix(joint, ", ") || strings.HasPrefix(joint, ", and ") {
			end = stop
		}
	}
	if nameJoint.MatchString(s[end:]) && !strings.HasPrefix(s[end:], ", ") {
		return "", 0 // what follows is no name, so this was none
	}
	return cleanTitle(s[from:max(from, end)]), end
}

// nameJoint stands between two names.
var nameJoint = regexp.MustCompile(`^(?:, and |, | and | & )`)

// nameEnd finds the mark, or the word, that ends a name; the stop after an initial does not.
func nameEnd(s string) int {
	for i, r := range s {
		switch r {
		case ',', ';', ':', '(', ')', '[', ']', '|', '–', '—', '<', '=', '>':
			return i
		case '.':
			initial := i > 0 && s[i-1] >= 'A' && s[i-1] <= 'Z' && (i == 1 || s[i-2] == ' ' || s[i-2] == '.')
			if i+1 == len(s) || s[i+1] == ' ' && !initial {
				return i
			}
		case ' ':
			if t := s[i:]; strings.HasPrefix(t, " on ") || strings.HasPrefix(t, " in ") || strings.HasPrefix(t, " - ") ||
				strings.HasPrefix(t, " and ") || strings.HasPrefix(t, " & ") {
				return i
			}
		}
	}
	return len(s)
}
