package curated

import "strings"

// entry makes the Entry of a draft, whose name is given.
func (d *document) entry(f *draft, name string) Entry {
	l := &d.links[f.link]
	e := Entry{Title: name, URL: d.resolve(validText(l.url)), Line: d.line(l.pos)}
	if e.Title == "" {
		e.Title = e.URL
	}
	e.Title, e.Marks = cutTrailingMarks(e.Title)
	if lead := d.plain(f.lead); lead != "" && !hasWord(lead) {
		marks, _ := leadingMarks(lead)
		e.Marks = append(e.Marks, marks...)
	}
	d.describeEntry(&e, f)
	for i, m := range e.Marks {
		e.Marks[i] = validText(shortcodes(m))
	}
	for _, i := range f.also {
		r := &d.links[i]
		e.Related = append(e.Related, Link{Title: cleanTitle(d.plain(r.pieces)), URL: d.resolve(validText(r.url))})
	}
	return e
}

// name is the title of a draft.
func (d *document) name(f *draft) string {
	if title := cleanTitle(f.named); title != "" {
		return title
	}
	return cleanTitle(d.plain(f.title))
}

// describeEntry fills in what is said of an entry.
func (d *document) describeEntry(e *Entry, f *draft) {
	rest := cutMarks(e, trimClosing(d.at(f.rest)))
	if l := &d.links[f.link]; l.verdict.rule == ruleSource {
		e.Quote, e.QuoteHTML = d.render(unquote(d.at(f.lead)))
	} else if l.verdict.rule == ruleTitled {
		rest = append(d.afterTitle(f), rest...)
	}
	rest = d.dropPlaces(d.dropLinkGroups(rest))
	for _, s := range f.body {
		if len(rest) > 0 && !s.empty() {
			rest = append(rest, piece{kind: softBreak})
		}
		rest = append(rest, d.at(s)...)
	}
	e.Summary, e.SummaryHTML = d.render(trimPieces(cutSigns(e, rest)))
	if len(f.quote) > 0 {
		var quote []piece
		for i, s := range f.quote {
			if i > 0 {
				quote = append(quote, piece{kind: softBreak})
			}
			quote = append(quote, d.at(s)...)
		}
		e.Quote, e.QuoteHTML = d.render(unquote(quote))
	}
	if strings.IndexFunc(e.Summary, isLetterOrDigit) < 0 {
		e.Summary, e.SummaryHTML = e.Quote, e.QuoteHTML // what is left of links and marks says nothing
	}
}

// afterTitle gives what stands between a title and its link; the pieces are the caller's own.
func (d *document) afterTitle(f *draft) []piece {
	ps := d.at(f.lead)
	text := joinPieces(ps)
	i := strings.Index(text, f.named)
	if i < 0 {
		return nil
	}
	out := trimClosing(cutPieces(ps, i+len(f.named)))
	for len(out) > 0 {
		last := &out[len(out)-1]
		if last.text = trimOpening(last.text); last.text != "" {
			break
		}
		out = out[:len(out)-1]
	}
	return out
}
