package feedtest

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"unicode"

	xhtml "golang.org/x/net/html"
)

// onPages are the elements that a page may hold beside those of content: its frame, its structure, and forms without scripts.
var onPages = set(`article aside bdi body button details dfn div fieldset figcaption figure footer form head header html img input label legend
	link main mark meta nav output section summary table tbody td tfoot th thead title tr var wbr caption col colgroup option select search`)

// pageAttributes are those that neither run nor load nor style anything. What loads is looked at one by one.
var pageAttributes = set(`action alt autocomplete charset checked class cols colspan content datetime dir disabled for headers height hidden href id
	inputmode lang maxlength media method min minlength max name open pattern placeholder property rel required role rows rowspan scope selected
	sizes spellcheck src tabindex title translate type value width`)

// loads are the relations of <link> that fetch something.
var loads = set("stylesheet icon preload modulepreload prefetch manifest apple-touch-icon")

// Page finds what could do harm in a page under address, in a browser that is told to forbid nothing: what runs, loads something
// that is not of the site, which is all under base, sends something elsewhere, or leads to what is no page.
func Page(doc []byte, address, base string) []string {
	r := &report{}
	root, err := xhtml.Parse(bytes.NewReader(doc))
	here, err2 := url.Parse(address)
	if err != nil || err2 != nil {
		r.add("it cannot be parsed: %v %v", err, err2)
		return r.problems
	}
	p := &page{report: r, here: here, base: base}
	for n := range root.Descendants() {
		switch n.Type {
		case xhtml.TextNode:
			pageText(r, "<"+n.Parent.Data+">", n.Data)
		case xhtml.CommentNode:
			r.add("there is a comment: %s", shown(n.Data))
		case xhtml.ElementNode:
			p.element(n)
		}
	}
	return r.problems
}

type page struct {
	*report
	here *url.URL
	base string
}

func (p *page) element(n *xhtml.Node) {
	if n.Namespace != "" {
		p.add("<%s> is of %s", n.Data, n.Namespace)
		return
	}
	if !allowed[n.Data] && !onPages[n.Data] {
		p.add("it holds <%s>", n.Data)
		return
	}
	rel := ""
	for _, a := range n.Attr {
		if a.Key == "rel" {
			rel = a.Val
		}
	}
	for _, a := range n.Attr {
		where := "<" + n.Data + " " + a.Key + ">"
		pageText(p.report, where, a.Val)
		if !pageAttributes[a.Key] && !strings.HasPrefix(a.Key, "aria-") && !strings.HasPrefix(a.Key, "data-") || a.Namespace != "" {
			p.add("<%s> has the attribute %s", n.Data, a.Key)
			continue
		}
		switch a.Key {
		case "src", "action":
			p.own(where, a.Val)
		case "href":
			if n.Data == "link" && slices.ContainsFunc(strings.Fields(rel), func(w string) bool { return loads[w] }) {
				p.own(where, a.Val)
			} else {
				p.leads(where, a.Val)
			}
		}
	}
}

// own refuses an address that is not of the site.
func (p *page) own(where, raw string) {
	u, err := p.here.Parse(raw)
	if err != nil || !strings.HasPrefix(u.String(), p.base+"/") {
		p.add("%s is not of the site: %s", where, shown(raw))
	}
}

// leads refuses an address that is neither a page's nor a mailbox.
func (p *page) leads(where, raw string) {
	if u, err := p.here.Parse(raw); err != nil {
		p.add("%s is no address: %v", where, err)
	} else if u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto" {
		p.add("%s is no address of a page: %s", where, shown(raw))
	}
}

// pageText refuses what HTML forbids in text, and what turns text around up to the end of its paragraph. Marks that only say how
// a word runs are no harm there.
func pageText(r *report, where, s string) {
	for _, c := range s {
		if unicode.IsControl(c) && !unicode.IsSpace(c) || c&0xfffe == 0xfffe || c >= 0xfdd0 && c <= 0xfdef || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 {
			r.add("%s holds %U", where, c)
		}
	}
}
