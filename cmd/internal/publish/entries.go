package publish

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"linkletter/feed"
	"linkletter/store"
	"linkletter/templates"
)

// pick takes what a feed holds from all the entries that a list or section ever had: see store.Feed, which it spares for each
// section.
func pick(entries []store.Entry, window, baseline int) (news, old []store.Entry) {
	for _, e := range entries {
		switch e.State {
		case store.Announced:
			news = append(news, e)
		case store.Baseline:
			old = append(old, e)
		}
	}
	slices.SortFunc(news, func(a, b store.Entry) int {
		return cmp.Or(b.Announced.Compare(a.Announced), b.Published.Compare(a.Published), cmp.Compare(a.Ref, b.Ref))
	})
	newestFirst(old)
	news, old = Fill(news, old, window, baseline)
	newestFirst(news)
	return standing(news), standing(old)
}

// standing are those of the entries that did not leave the list, and are not hidden.
func standing(entries []store.Entry) []store.Entry {
	gone := func(e store.Entry) bool { return e.Gone || e.Hidden }
	if !slices.ContainsFunc(entries, gone) {
		return entries
	}
	return slices.DeleteFunc(slices.Clone(entries), gone)
}

// Fill takes what a feed holds, each newest first: news, and what stood in the list already as long as there is less news
// than baseline. Both are all that there ever was, so that what was too old for a feed does not come into it when something
// leaves the list.
func Fill[E any](news, old []E, window, baseline int) ([]E, []E) {
	news = news[:min(len(news), window)]
	fill := max(0, min(baseline, window)-len(news))
	return news, old[:min(len(old), fill)]
}

func newestFirst(entries []store.Entry) {
	slices.SortFunc(entries, func(a, b store.Entry) int {
		return cmp.Or(b.Published.Compare(a.Published), cmp.Compare(a.Ref, b.Ref))
	})
}

// feedEntries are entries as a feed has them.
func (p *Publisher) feedEntries(l List, entries []store.Entry) []feed.Entry {
	page := cmp.Or(l.Page, p.Site.List(l.ID))
	out := make([]feed.Entry, len(entries))
	for i, e := range listed(entries) {
		out[i] = feed.NewEntry(e, l.Title, page)
	}
	return out
}

// listed is what is known of entries in their list.
func listed(entries []store.Entry) []feed.Listed {
	out := make([]feed.Listed, len(entries))
	for i, e := range entries {
		out[i] = feed.Listed{Entry: e.Entry, ID: e.ID, Published: e.Published, Updated: e.Updated, Origin: e.Origin}
		for _, in := range e.In {
			out[i].Categories = append(out[i].Categories, feed.Category{Term: in.Slug, Label: feed.Label(in.Path)})
		}
	}
	return out
}

// pageEntries are entries as a page has them.
func (p *Publisher) pageEntries(l List, entries []store.Entry) []templates.Entry {
	out := make([]templates.Entry, len(entries))
	for i, e := range entries {
		out[i] = templates.Entry{Entry: e.Entry, Published: p.local(e.Published), List: l.ID, ListTitle: l.Title, Anchor: anchor(e.ID),
			AddedBy: e.Origin.Name(), AddedIn: e.Origin.Link}
		for _, in := range e.In {
			if len(in.Path) > 0 {
				out[i].In = append(out[i].In, templates.SectionLink{Slug: in.Slug, Label: feed.Label(in.Path), Depth: len(in.Path) - 1})
			}
		}
	}
	return out
}

// anchor is the last part of an entry's permanent id, by which it can be linked to in a page.
func anchor(id string) string { return "e-" + id[strings.LastIndexByte(id, '/')+1:] }

// days groups entries, newest first, by the day they were published.
func (p *Publisher) days(l List, entries []store.Entry) []templates.Day {
	var all []templates.Day
	for _, e := range p.pageEntries(l, entries) {
		date := p.day(e.Published)
		if len(all) == 0 || !all[len(all)-1].Date.Equal(date) {
			all = append(all, templates.Day{Date: date})
		}
		last := &all[len(all)-1]
		last.Entries = append(last.Entries, e)
	}
	return all
}

// local is a time as pages name it; the zero time stays zero.
func (p *Publisher) local(t time.Time) time.Time {
	if p.Location == nil {
		return t.UTC()
	}
	return t.In(p.Location)
}

// day is the day a time is of, as its midnight in UTC; the zero time stays zero.
func (p *Publisher) day(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	year, month, day := p.local(t).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}
