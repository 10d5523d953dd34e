package curated

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cutPieces drops n bytes of text from the head of pieces; what is left is a copy.
func cutPieces(ps []piece, n int) []piece {
	for i := range ps {
		size := 0
		switch ps[i].kind {
		case textPiece:
			size = len(ps[i].text)
		case softBreak, hardBreak:
			size = 1
		}
		if size > n {
			out := slices.Clone(ps[i:])
			if ps[i].kind == textPiece {
				out[0].text = out[0].text[n:]
			}
			return out
		}
		n -= size
	}
	return nil
}

// dropLinkGroups drops the brackets that hold nothing but further links: "([Demo](…), [Source](…))".
func (d *document) dropLinkGroups(ps []piece) []piece {
	var out []piece
	for i := 0; i < len(ps); i++ {
		p := ps[i]
		for {
			open := openEnd(&p)
			if open < 0 {
				break
			}
			end := d.groupEnd(ps, i+1)
			if end < 0 {
				break
			}
			if out == nil {
				out = append(make([]piece, 0, len(ps)), ps[:i]...)
			}
			before := p
			before.text = strings.TrimRight(p.text[:open], " ")
			out = append(out, before)
			p, i = ps[end], end // which may open the next group
			p.text = p.text[strings.IndexAny(p.text, ")]")+1:]
		}
		if out != nil {
			out = append(out, p)
		}
	}
	if out == nil {
		return ps
	}
	return out
}

// openEnd gives the offset of the bracket that ends a text outside of links, or -1.
func openEnd(p *piece) int {
	open := strings.LastIndexAny(p.text, "([")
	if p.kind != textPiece || p.link > 0 || open < 0 || strings.TrimSpace(p.text[open+1:]) != "" {
		return -1
	}
	return open
}

// trimClosing drops the brackets and quotation marks at the head of pieces whose other half stands before them.
func trimClosing(ps []piece) []piece {
	from, left := -1, ""
	for i := range ps {
		p := &ps[i]
		if p.kind != textPiece || strings.TrimFunc(p.text, isSpace) == "" {
			continue
		}
		end := closingLen(p.text)
		if p.link > 0 || end == 0 {
			break
		}
		if from, left = i, p.text[end:]; left != "" {
			break
		}
	}
	if from < 0 {
		return ps
	}
	out := slices.Clone(ps[from:])
	out[0].text = left
	return out
}

// closingLen gives the bytes that closing brackets and quotation marks take at the head of a text.
func closingLen(s string) int {
	end := 0
	for i, r := range s {
		if strings.ContainsRune(")]}）】》」»”", r) {
			end = i + utf8.RuneLen(r)
		} else if !isSpace(r) {
			break
		}
	}
	return end
}

// dropPlaces drops the further links that only say where else the entry has a page, with the brackets and separators that
// set them off: what is left is what the list says of it.
func (d *document) dropPlaces(ps []piece) []piece {
	var out []piece
	sentence := false // words that run on into a link: "Tells the hour, [source](…)", "needs Perl and [Go](…)"
	for i := range ps {
		p := ps[i]
		if p.link == 0 && hasWord(p.text) {
			sentence = strings.HasSuffix(strings.TrimRight(p.text, " "), ",") || runsOn(p.text)
		}
		if p.link > 0 && !sentence && d.links[p.link-1].verdict.rule == ruleFurther && isPlace(unbracket(d.label(int(p.link-1)))) {
			if out == nil {
				out = append(make([]piece, 0, len(ps)), ps[:i]...)
			}
			continue
		}
		if out != nil {
			if n := len(out) - 1; n >= 0 && p.kind == textPiece && p.link == 0 && out[n].kind == textPiece && out[n].link == 0 {
				if isSetOff(out[n].text) && isSetOff(p.text) {
					continue
				}
			}
			out = append(out, p)
		}
	}
	if out == nil {
		return ps
	}
	return trimSetOff(out)
}

// isSetOff reports a text of nothing but brackets and separators.
func isSetOff(s string) bool { return strings.TrimFunc(s, isSettingOff) == "" }

func isSettingOff(r rune) bool {
	return strings.ContainsRune("()[]{}（）【】", r) || isSeparator(r) || isSpace(r)
}

// trimSetOff drops the brackets without their other half, and the separators, at both ends of pieces, which are the
// caller's own.
func trimSetOff(ps []piece) []piece {
	for len(ps) > 0 && ps[len(ps)-1].kind != imagePiece && ps[len(ps)-1].link == 0 && isSetOff(ps[len(ps)-1].text) {
		ps = ps[:len(ps)-1]
	}
	for len(ps) > 0 && ps[0].link == 0 && isSetOff(ps[0].text) {
		ps = ps[1:]
	}
	if len(ps) == 0 {
		return nil
	}
	if last := &ps[len(ps)-1]; last.link == 0 {
		last.text = trimOpening(last.text)
	}
	if first := &ps[0]; first.link == 0 {
		first.text = first.text[closingLen(first.text):]
	}
	return ps
}

// groupEnd finds the piece that closes a bracket, where only further links stand before it.
func (d *document) groupEnd(ps []piece, from int) int {
	links := 0
	for i := from; i < len(ps); i++ {
		p := &ps[i]
		switch {
		case p.link > 0:
			if d.links[p.link-1].verdict.rule != ruleFurther {
				return -1
			}
			links++
		case p.kind != textPiece:
		default:
			at := strings.IndexAny(p.text, "()[]")
			if at < 0 {
				if hasWord(p.text) {
					return -1
				}
				continue
			}
			if c := p.text[at]; c == '(' || c == '[' || hasWord(p.text[:at]) || links == 0 {
				return -1
			}
			return i
		}
	}
	return -1
}

// unquote drops the quotation marks around a quotation, and the separator after it.
func unquote(ps []piece) []piece {
	ps = trimPieces(ps)
	for len(ps) > 0 && ps[len(ps)-1].kind != textPiece {
		ps = ps[:len(ps)-1]
	}
	if len(ps) == 0 {
		return nil
	}
	out := slices.Clone(ps)
	first, last := &out[0], &out[len(out)-1]
	last.text = strings.TrimRightFunc(last.text, func(r rune) bool { return isSeparator(r) || isSpace(r) })
	if r, n := utf8.DecodeRuneInString(first.text); strings.ContainsRune(openQuotes, r) && n > 0 {
		if z, m := utf8.DecodeLastRuneInString(last.text); strings.ContainsRune(closeQuotes, z) && len(last.text) >= m {
			if len(out) > 1 || len(last.text) >= n+m {
				last.text = last.text[:len(last.text)-m]
				first.text = first.text[n:]
			}
		}
	}
	return out
}

// trimPieces drops the marks at both ends of a text that only set it off from its link.
func trimPieces(ps []piece) []piece {
	for len(ps) > 0 {
		p := ps[0]
		if p.kind == textPiece && p.link == 0 {
			n := trimSeparators(p.text)
			if n < len(p.text) {
				if n > 0 {
					out := slices.Clone(ps)
					out[0].text = p.text[n:]
					return trimEnd(out)
				}
				break
			}
		} else if p.kind == textPiece {
			break
		}
		ps = ps[1:]
	}
	return trimEnd(ps)
}

func trimEnd(ps []piece) []piece {
	for n := len(ps); n > 0; n-- {
		p := &ps[n-1]
		if p.kind == textPiece && strings.TrimFunc(p.text, unicode.IsSpace) != "" {
			return ps[:n]
		}
	}
	return nil
}
