package templates

import (
	"html/template"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"linkletter/feed"
	"linkletter/feed/curated"
)

// summary is what the list says of an entry, as HTML; empty when that is the quote, which is shown as such. Links in it
// get the style, because mail programs ignore style sheets.
func summary(e curated.Entry, style string) template.HTML {
	if e.Quote != "" && e.Summary == e.Quote {
		return ""
	}
	return prose(e.SummaryHTML, e.Summary, style)
}

// quote is an entry's quotation as HTML.
func quote(e curated.Entry, style string) template.HTML {
	return prose(e.QuoteHTML, e.Quote, style)
}

// prose is a text as HTML, from its plain form where there is no other.
func prose(fragment, plain, style string) template.HTML {
	if h := inline(fragment, style); h != "" {
		return h
	}
	return template.HTML(html.EscapeString(plain))
}

// inlineElements are what prose keeps; of others only what they hold is shown.
var inlineElements = map[atom.Atom]bool{
	atom.Abbr: true, atom.B: true, atom.Bdi: true, atom.Br: true, atom.Cite: true, atom.Code: true, atom.Del: true,
	atom.Em: true, atom.I: true, atom.Ins: true, atom.Kbd: true, atom.Mark: true, atom.Q: true, atom.S: true,
	atom.Small: true, atom.Strong: true, atom.Sub: true, atom.Sup: true, atom.U: true, atom.Var: true,
}

// inline makes sanitised HTML fit to stand anywhere in a page or a mail: balanced, without blocks and images, with links
// only where a reader elsewhere can follow them.
func inline(fragment, style string) template.HTML {
	var b strings.Builder
	for _, n := range parse(fragment) {
		writeInline(&b, n, style)
	}
	return template.HTML(b.String())
}

func writeInline(b *strings.Builder, n *html.Node, style string) {
	if n.Type == html.TextNode {
		b.WriteString(html.EscapeString(n.Data))
		return
	}
	if n.Type != html.ElementNode || n.DataAtom == atom.Script || n.DataAtom == atom.Style {
		return
	}
	tag := ""
	if to := linkOf(n); to != "" {
		tag = "a"
		b.WriteString(`<a href="` + html.EscapeString(to) + `"`)
		if style != "" {
			b.WriteString(` style="` + html.EscapeString(style) + `"`)
		}
		b.WriteByte('>')
	} else if inlineElements[n.DataAtom] {
		tag = n.Data
		b.WriteString("<" + tag + ">")
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		writeInline(b, c, style)
	}
	if tag != "" && tag != "br" {
		b.WriteString("</" + tag + ">")
	}
}

// links are the addresses an entry shows beside its own, each once: its related links, then those in its prose. The
// text of a mail lists them, so that nothing is only in its HTML.
func links(e curated.Entry) []curated.Link {
	seen := map[string]bool{feed.CleanURL(e.URL): true, "": true}
	var out []curated.Link
	add := func(title, to string) {
		if to = feed.CleanURL(to); !seen[to] {
			seen[to] = true
			out = append(out, curated.Link{Title: fold(title), URL: to})
		}
	}
	for _, l := range e.Related {
		add(l.Title, l.URL)
	}
	for _, fragment := range []string{e.SummaryHTML, e.QuoteHTML} {
		for _, root := range parse(fragment) {
			for n := range within(root) {
				add(words(n), linkOf(n))
			}
		}
	}
	return out
}

// within is a node and all below it, in document order.
func within(n *html.Node) func(yield func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		if !yield(n) {
			return
		}
		for d := range n.Descendants() {
			if !yield(d) {
				return
			}
		}
	}
}

// parse reads a fragment. One that the parser gives up on, because its elements nest too deep, holds nothing: its plain
// text is shown instead.
func parse(fragment string) []*html.Node {
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragment(strings.NewReader(fragment), body)
	if err != nil {
		return nil
	}
	return nodes
}

// linkOf is the address an <a> leads to, or empty.
func linkOf(n *html.Node) string {
	if n.Type == html.ElementNode && n.DataAtom == atom.A {
		for _, a := range n.Attr {
			if a.Key == "href" {
				return feed.CleanURL(a.Val)
			}
		}
	}
	return ""
}

// words is the text in a node.
func words(n *html.Node) string {
	var b strings.Builder
	for d := range within(n) {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}
