package publish

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"time"

	"linkletter/feed"
	"linkletter/store"
	"linkletter/templates"
)

// began dates the ids of what has no birth of its own in the store: the feed of all lists, and those of digests. The
// first check of the oldest list would not do, because that list may be removed, and an id never changes.
var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// newest is how many entries of each list the front page shows.
const newest = 5

// mostInFull is how many lists the front page shows with entries.
const mostInFull = 50

// publishRoot writes what is about all lists together.
func (p *Publisher) publishRoot(ctx context.Context, t *tree) error {
	files := map[string][]byte{"robots.txt": p.robots()}
	lists := map[string]List{}
	landing := templates.Landing{Site: p.Site}
	outlines := []feed.Outline{p.outline(p.Site.Title, "")}
	known, err := p.Store.Lists(ctx)
	if err != nil {
		return err
	}
	sections, err := p.Store.SectionPaths(ctx)
	if err != nil {
		return err
	}
	inFull := p.inFull(known)
	for _, l := range p.Lists {
		s := known[l.ID]
		if s == nil {
			s = &store.List{ID: l.ID}
		}
		l.Title = cmp.Or(l.Title, s.Title, l.ID)
		lists[l.ID] = l
		link, err := p.listLink(ctx, l, s, inFull(l.ID))
		if err != nil {
			return err
		}
		landing.Lists = append(landing.Lists, link)
		if !s.Began.IsZero() {
			outlines = append(outlines, p.listOutlines(l, sections[l.ID]))
		}
	}
	for _, d := range p.Site.Digests {
		outlines = append(outlines, p.outline(d.Title, feed.DigestDir(d.ID)))
	}
	var page bytes.Buffer
	if err := p.Templates.Landing(&page, landing); err != nil {
		return err
	}
	files[feed.PageFile] = page.Bytes()
	opml, err := feed.OPML(p.Site.Title, outlines)
	if err != nil {
		return fmt.Errorf("writing %s: %w", feed.OPMLFile, err)
	}
	files[feed.OPMLFile] = opml
	if err := p.rootFeed(ctx, files, lists); err != nil {
		return err
	}
	if err := addAssets(files); err != nil {
		return err
	}
	return t.publish(ctx, part{"", files})
}

// inFull says which lists the front page shows with entries: all, or those that changed last, when there are too many for
// a page that people read and that is written anew for each that changes.
func (p *Publisher) inFull(known map[string]*store.List) func(id string) bool {
	if len(p.Lists) <= mostInFull {
		return func(string) bool { return true }
	}
	changed := func(l List) time.Time {
		if s := known[l.ID]; s != nil {
			return s.Changed
		}
		return time.Time{}
	}
	lists := slices.Clone(p.Lists)
	slices.SortStableFunc(lists, func(a, b List) int { return changed(b).Compare(changed(a)) })
	full := map[string]bool{}
	for _, l := range lists[:mostInFull] {
		full[l.ID] = true
	}
	return func(id string) bool { return full[id] }
}

// listLink is a list on the front page. In full it has its news, or, as long as there is none, what it held in the
// beginning.
func (p *Publisher) listLink(ctx context.Context, l List, s *store.List, full bool) (templates.ListLink, error) {
	link := templates.ListLink{
		ID:          l.ID,
		Title:       l.Title,
		Description: l.Description,
		Entries:     s.Counts.Entries,
		Checked:     p.day(s.LastGood()),
		Failing:     p.day(s.ErrorSince),
		Brief:       !full,
	}
	if !full {
		return link, nil
	}
	entries, err := p.Store.Feed(ctx, store.FeedQuery{Lists: []string{l.ID}, Window: newest, Baseline: min(l.Baseline, newest)})
	if err != nil {
		return templates.ListLink{}, err
	}
	baseline := len(entries) > 0 && entries[0].State == store.Baseline // news comes first
	if !baseline {
		entries = slices.DeleteFunc(entries, func(e store.Entry) bool { return e.State == store.Baseline })
	}
	link.Newest, link.Baseline = p.pageEntries(l, entries), baseline
	return link, nil
}

// rootFeed adds the feed of all lists together.
func (p *Publisher) rootFeed(ctx context.Context, files map[string][]byte, lists map[string]List) error {
	q := store.FeedQuery{Window: p.window()}
	for _, l := range p.Lists {
		q.Lists = append(q.Lists, l.ID)
		q.Baseline = max(q.Baseline, l.Baseline)
	}
	entries, err := p.Store.Feed(ctx, q)
	if err != nil {
		return err
	}
	f := p.newFeed("", p.Site.Title, "What is new in all lists")
	f.ID, f.Began = feed.FeedID(p.Tag, began, "/"), began
	f.Language, f.Rights = p.Language, p.Rights
	if err := p.apart(ctx, entries); err != nil {
		return err
	}
	for _, e := range entries {
		f.Entries = append(f.Entries, p.feedEntries(lists[e.List], []store.Entry{e})...)
	}
	return Documents(files, "", f)
}

// apart gives entries the dates that they have in the feed of all lists, of which no two are the same: those of one list never
// are, but lists are checked at the same time.
func (p *Publisher) apart(ctx context.Context, entries []store.Entry) error {
	dates, err := p.Store.Apart(ctx, entries)
	if err != nil {
		return err
	}
	var taken feed.Dates
	for _, date := range dates {
		taken.Take(date)
	}
	for i := range entries {
		e := &entries[i]
		if e.Updated.Equal(e.Published) {
			e.Updated = dates[e.Ref]
		} else {
			e.Updated = taken.Give(e.Updated)
		}
		e.Published = dates[e.Ref]
	}
	return nil
}

// listOutlines is a list's group in the OPML file: its own feed and those of its sections.
func (p *Publisher) listOutlines(l List, sections []store.Section) feed.Outline {
	group := feed.Outline{Title: l.Title, Outlines: []feed.Outline{p.outline(l.Title, feed.ListDir(l.ID))}}
	for _, s := range sections {
		group.Outlines = append(group.Outlines, p.outline(l.Title+": "+feed.Label(s.Path), feed.SectionDir(l.ID, s.Slug)))
	}
	return group
}

func (p *Publisher) outline(title, folder string) feed.Outline {
	return feed.Outline{Title: title, XMLURL: p.Site.File(folder + feed.AtomFile), HTMLURL: p.Site.File(folder)}
}

// robots keeps crawlers from what needs the program (RFC 9309); it is heard only where the tree is a host's root.
func (p *Publisher) robots() []byte {
	prefix := ""
	if u, err := url.Parse(p.Site.Base); err == nil {
		prefix = u.EscapedPath()
	}
	return []byte("User-agent: *\nDisallow: " + prefix + "/-/\n")
}

// addAssets adds what pages and feeds refer to.
func addAssets(files map[string][]byte) error {
	assets := templates.Assets()
	return fs.WalkDir(assets, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files["assets/"+path], err = fs.ReadFile(assets, path)
		return err
	})
}
