package curated

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/text"
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
	d := read(src, opt)
	list := &List{Title: d.title(), Entries: make([]Entry, 0, len(d.drafts))}
	lone := d.loneTitle()

	at := make(map[string]int, len(d.drafts))
	for i := range d.drafts {
		f := &d.drafts[i]
		key := CanonicalURL(d.resolve(d.links[f.link].url))
		path := below(lone, f.path)
		if seen, ok := at[key]; ok {
			list.Entries[seen].addPlace(d.name(f), path)
			continue
		}
		at[key] = len(list.Entries)
		e := d.entry(f)
		e.Sections = [][]string{path}
		list.Entries = append(list.Entries, e)
	}
	list.Links = d.outgoing()
	return list
}

// Explain tells for every link of the document, in order, whether it is an entry, and which rule decided. It is the same
// reading that Parse makes.
func Explain(src []byte, opt Options) []Verdict {
	d := read(src, opt)
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

// read makes the one reading behind Parse and Explain.
func read(src []byte, opt Options) *document {
	p := prepare(src)
	d := &document{raw: p.out, src: string(p.out), breaks: p.breaks, page: opt.Page, frontTitle: p.title}
	d.pieces = make([]piece, 0, len(d.src)/24)
	links := bytes.Count(d.raw, []byte("](")) + bytes.Count(d.raw, []byte("<a "))
	d.links, d.drafts = make([]link, 0, links), make([]draft, 0, links)
	d.blocks(markdown.Parse(text.NewReader(d.raw)))
	d.closeDraft()
	d.drafts = slices.DeleteFunc(d.drafts, func(f draft) bool { return !d.links[f.link].verdict.entry })
	d.nameByHeadings()
	return d
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

// outgoing counts the distinct addresses that lead out of the document.
func (d *document) outgoing() int {
	seen := make(map[string]struct{}, len(d.links))
	for i := range d.links {
		if d.links[i].leadsOut() {
			seen[d.links[i].url] = struct{}{}
		}
	}
	return len(seen)
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

// isNoText reports what no document may hold (XML 1.0, 2.2): an entity such as &#1; can bring it in.
func isNoText(r rune) bool { return unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF }
