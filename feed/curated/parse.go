package curated

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Verdict is what the parser made of one link of the document.
type Verdict struct {
	// Line is where the link stands, counted from 1.
	Line int `json:"line"`
	// URL and Text are the link's own.
	URL  string `json:"url"`
	Text string `json:"text"`
	// Entry says that the link is an entry of the list, or a further place of one.
	Entry bool `json:"entry"`
	// Rule says why, in words for the maintainer of the list.
	Rule string `json:"rule"`
}

// Parse reads a list. It accepts any bytes, and takes time linear in them; see Readable for bytes that are no list at all.
func Parse(src []byte, opt Options) *List {
	parts := []*part{wholePart(src, opt.Page)}
	s := shapeOf(parts)
	parts[0].make(s)
	list := assemble(parts, s, make(map[string]int, len(parts[0].resources)))
	list.Links = len(parts[0].out)
	return list
}

// Explain tells for every link of the document, in order, whether it is an entry, and which rule decided. It is the same
// reading that Parse makes.
func Explain(src []byte, opt Options) []Verdict {
	p := wholePart(src, opt.Page)
	d := p.document
	if headingsName(len(p.named), p.groups) {
		d.nameByHeadings(p.named)
	}
	out := make([]Verdict, 0, len(d.links))
	first := make(map[string]int) // the line where a resource stands first
	for i := range d.links {
		l := &d.links[i]
		v := Verdict{
			Line: d.line(l.pos), URL: d.resolve(l.url), Text: d.plain(l.pieces),
			Entry: l.verdict.entry, Rule: l.verdict.String(),
		}
		if key := CanonicalURL(v.URL); v.Entry && first[key] > 0 {
			v.Rule = fmt.Sprintf("entry: one more place of the resource in line %d", first[key])
		} else if v.Entry {
			first[key] = v.Line
		}
		out = append(out, v)
	}
	return out
}

// maxAlso is how many other titles of an address are worth noting.
const maxAlso = 8

// addPlace notes a further place of the entry, and the title that it has there.
func (e *Entry) addPlace(title string, path []string) {
	e.addTitle(title)
	e.addSection(path)
}

func (e *Entry) addTitle(title string) {
	if len(e.Also) < maxAlso && !isGeneric(title) && titleKey(title) != titleKey(e.Title) && !slices.Contains(e.Also, title) {
		e.Also = append(e.Also, title)
	}
}

func (e *Entry) addSection(path []string) {
	if len(e.Sections) < maxPlaces && !slices.ContainsFunc(e.Sections, func(p []string) bool { return slices.Equal(p, path) }) {
		e.Sections = append(e.Sections, path)
	}
}

// resolve makes an address absolute where the list's page is known.
func (d *document) resolve(raw string) string {
	if d.page == nil || hasScheme(raw) {
		return raw
	}
	ref, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return d.page.ResolveReference(ref).String()
}

// hasScheme reports whether an address begins with a scheme (RFC 3986, section 3.1).
func hasScheme(raw string) bool {
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c|0x20 >= 'a' && c|0x20 <= 'z':
		case i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return i > 0 && c == ':'
		}
	}
	return false
}

// outgoing gives the distinct addresses that lead out of the document.
func (d *document) outgoing() []string {
	out := make([]string, 0, len(d.links))
	seen := make(map[string]struct{}, len(d.links))
	for i := range d.links {
		l := &d.links[i]
		if !l.leadsOut() {
			continue
		}
		if seen[l.url] = struct{}{}; len(seen) > len(out) {
			out = append(out, l.url)
		}
	}
	return out
}

// line gives the line of an offset, counted from 1.
func (d *document) line(pos int) int {
	if d.lines == nil {
		d.lines = make([]int, 0, len(d.src)/64+1)
		for i := 0; ; i++ {
			n := strings.IndexByte(d.src[i:], '\n')
			if n < 0 {
				break
			}
			i += n
			d.lines = append(d.lines, i)
		}
	}
	n, _ := slices.BinarySearch(d.lines, pos)
	added, _ := slices.BinarySearch(d.breaks, pos)
	return n - added + 1
}

// validText takes out of a string from the document what no document may hold.
func validText(s string) string {
	if isPrintable(s) {
		return s
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if strings.IndexFunc(s, isNoText) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if isNoText(r) {
			return -1
		}
		return r
	}, s)
}

// isNoText reports what no document may hold (XML 1.0, 2.2, and Unicode's noncharacters; an entity such as &#1; can bring it in),
// and what turns text around up to the end of the paragraph that it is put in (UAX #9), which is another's.
func isNoText(r rune) bool {
	return unicode.IsControl(r) || r&0xFFFE == 0xFFFE || r >= 0xFDD0 && r <= 0xFDEF ||
		r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}
