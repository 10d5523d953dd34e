package curated

import (
	"html"
	"net/url"
	"strings"
	"unicode/utf8"
)

// render gives pieces as plain text and as inline HTML. The HTML holds strong, em, code, del, a and br, links only to
// http, https and mailto addresses, and text that is escaped: it needs no sanitiser, and a test holds it against one.
func (d *document) render(ps []piece) (plain, markup string) {
	ps = firstPieces(ps)
	plain = validText(shortcodes(foldSpace(joinPieces(ps))))
	if plain == "" {
		return "", ""
	}
	if isPlain(ps) {
		return plain, html.EscapeString(plain)
	}
	w := htmlWriter{document: d}
	for i := range ps {
		w.piece(&ps[i])
	}
	w.set(0, 0)
	return plain, strings.TrimSpace(w.String())
}

// firstPieces gives the pieces that a summary has room for.
func firstPieces(ps []piece) []piece {
	size := 0
	for i := range ps {
		if size += len(ps[i].text); size > maxSummary {
			out := append([]piece(nil), ps[:i+1]...)
			out[i].text = cutText(out[i].text, len(out[i].text)-(size-maxSummary))
			return out
		}
	}
	return ps
}

// isPlain reports whether pieces hold words only.
func isPlain(ps []piece) bool {
	for i := range ps {
		if p := &ps[i]; p.style&^small != 0 || p.link != 0 || p.kind == hardBreak {
			return false
		}
	}
	return true
}

// htmlWriter writes pieces as inline HTML; the tags that are open always close in the order of their opening.
type htmlWriter struct {
	strings.Builder
	*document
	style style
	link  int32
	space bool // white space was just written, or nothing yet
}

var htmlStyles = [...]struct {
	style style
	tag   string
}{{bold, "strong"}, {italic, "em"}, {strike, "del"}, {code, "code"}}

// set opens and closes tags until the style and link are those asked for.
func (w *htmlWriter) set(st style, link int32) {
	st &= bold | italic | strike | code
	if st == w.style && link == w.link {
		return
	}
	for i := len(htmlStyles) - 1; i >= 0; i-- {
		if w.style&htmlStyles[i].style != 0 {
			w.WriteString("</" + htmlStyles[i].tag + ">")
		}
	}
	if link != w.link {
		if w.link != 0 {
			w.WriteString("</a>")
		}
		if link != 0 {
			w.WriteString(`<a href="` + html.EscapeString(w.resolve(validText(w.links[link-1].url))) + `">`)
		}
	}
	for _, s := range htmlStyles {
		if st&s.style != 0 {
			w.WriteString("<" + s.tag + ">")
		}
	}
	w.style, w.link = st, link
}

func (w *htmlWriter) piece(p *piece) {
	switch p.kind {
	case softBreak:
		w.gap()
	case hardBreak:
		w.set(0, 0)
		if w.Len() > 0 {
			w.WriteString("<br>")
			w.space = true
		}
	case textPiece:
		link := p.link
		if link != 0 && !safeURL(w.resolve(w.links[link-1].url)) {
			link = 0
		}
		w.set(p.style, link)
		text := strings.TrimLeftFunc(p.text, isSpace)
		if len(text) < len(p.text) {
			w.gap()
		}
		if text == "" {
			return
		}
		w.WriteString(html.EscapeString(validText(shortcodes(foldSpace(text)))))
		w.space = false
		if r, _ := utf8.DecodeLastRuneInString(text); isSpace(r) {
			w.gap()
		}
	}
}

// gap writes white space unless some stands there.
func (w *htmlWriter) gap() {
	if !w.space && w.Len() > 0 {
		w.WriteByte(' ')
		w.space = true
	}
}

// safeURL reports whether an address may stand in a feed or a mail.
func safeURL(u string) bool {
	p, err := url.Parse(u)
	return err == nil && (p.Scheme == "http" || p.Scheme == "https" || p.Scheme == "mailto")
}
