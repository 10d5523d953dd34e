package feedtest

import (
	"bytes"
	"html"
	"slices"
	"strings"

	xhtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// allowed are the elements that the content of an entry may hold: text, its structure, and links.
var allowed = set("a abbr b blockquote br cite code dd del dl dt em h1 h2 h3 h4 h5 h6 hr i kbd li ol p pre q s small span strong sub sup time ul")

// forbidden are the other elements of HTML. They run, load, frame, ask or style, or have no place in an entry.
var forbidden = set(`acronym address applet area article aside audio base basefont bdi bdo bgsound big blink body button canvas caption
	center col colgroup command data datalist details dfn dialog dir div embed fieldset figcaption figure font footer form frame frameset
	head header hgroup html iframe image img input ins isindex keygen label legend link listing main map mark marquee math menu menuitem
	meta meter nav nobr noembed noframes noscript object optgroup option output param picture plaintext portal progress rp rt ruby samp
	script search section select slot source strike style summary svg table tbody td template textarea tfoot th thead title tr track tt u
	var video wbr xmp`)

// void are the elements that have no end tag.
var void = set("area base br col embed hr img input link meta param source track wbr")

// inContent are the attributes that an element of an entry's content may have; href must lead to a page or a mailbox.
var inContent = set("href title lang dir rel datetime")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// fragment refuses HTML that is no content of an entry: what could run or load something, relative addresses, and what a strict
// parser would mend.
func fragment(r *report, where, s string) {
	before := len(r.problems)
	badCharacters(r, where, s)
	if strings.TrimSpace(s) == "" {
		r.add("%s is empty", where)
	}
	var tags, open []string
	z := xhtml.NewTokenizer(strings.NewReader(s))
	for {
		kind := z.Next()
		if kind == xhtml.ErrorToken {
			break
		}
		raw := string(z.Raw())
		switch kind {
		case xhtml.TextToken:
			references(r, where, raw)
			if strings.ContainsRune(raw, '<') {
				r.add("%s holds a < that begins no tag", where)
			}
			continue
		case xhtml.CommentToken, xhtml.DoctypeToken:
			r.add("%s holds a comment or a declaration: %s", where, shown(raw))
			continue
		}
		references(r, where, raw)
		t := z.Token()
		if !allowed[t.Data] {
			r.add("%s holds <%s>", where, t.Data)
		}
		if kind == xhtml.EndTagToken {
			tags = append(tags, "</"+t.Data)
			if len(open) == 0 || open[len(open)-1] != t.Data {
				r.add("%s closes <%s>, which is not what was opened last", where, t.Data)
			} else {
				open = open[:len(open)-1]
			}
			continue
		}
		tags = append(tags, "<"+t.Data)
		if !void[t.Data] {
			open = append(open, t.Data)
		}
		contentAttributes(r, where, t)
	}
	for _, name := range open {
		r.add("%s does not close <%s>", where, name)
	}
	if len(r.problems) == before { // else the one says the other
		nesting(r, where, s, tags)
	}
}

func contentAttributes(r *report, where string, t xhtml.Token) {
	for _, a := range t.Attr {
		if !inContent[a.Key] {
			r.add("%s: <%s> has the attribute %s", where, t.Data, a.Key)
		}
		if a.Key == "href" {
			address(r, where+": a link", a.Val, true)
		}
	}
}

// references refuses ampersands that begin no reference, references that are not closed, and those to what is no character.
func references(r *report, where, raw string) {
	for {
		_, rest, found := strings.Cut(raw, "&")
		if !found {
			return
		}
		if raw = rest; rest == "" || strings.ContainsAny(rest[:1], " \t\n<&") {
			continue
		}
		name, _, closed := strings.Cut(rest, ";")
		character := html.UnescapeString("&" + name + ";")
		switch {
		case !closed || character == "&"+name+";":
			r.add("%s holds an ampersand that begins no reference: %s", where, shown("&"+rest))
		case strings.HasPrefix(name, "#"):
			badCharacters(r, where, character)
		}
	}
}

// nesting refuses elements that stand where HTML does not have them: a parser closes, moves or adds something then.
func nesting(r *report, where, s string, tags []string) {
	nodes, err := xhtml.ParseFragment(strings.NewReader(s), &xhtml.Node{Type: xhtml.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		r.add("%s cannot be parsed: %v", where, err)
		return
	}
	var b bytes.Buffer
	for _, n := range nodes {
		if err := xhtml.Render(&b, n); err != nil {
			r.add("%s cannot be rendered: %v", where, err)
			return
		}
	}
	var parsed []string
	for z := xhtml.NewTokenizer(&b); z.Next() != xhtml.ErrorToken; {
		switch t := z.Token(); t.Type {
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			parsed = append(parsed, "<"+t.Data)
		case xhtml.EndTagToken:
			parsed = append(parsed, "</"+t.Data)
		}
	}
	if !slices.Equal(tags, parsed) {
		r.add("%s nests elements as HTML does not: %s", where, shown(s))
	}
}
