package publish

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"linkletter/feed"
	"linkletter/feed/curated"
	"linkletter/store"
	"linkletter/templates"
)

// state is a list as the store has it; before its first check that is an empty one.
func (p *Publisher) state(ctx context.Context, l List) (List, *store.List, error) {
	s, err := p.Store.List(ctx, l.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return l, nil, err
	}
	l, s = l.titled(s)
	return l, s, nil
}

// titled is the list with the title that it has, and its state, which is empty where the store knows of none (nil).
func (l List) titled(s *store.List) (List, *store.List) {
	if s == nil {
		s = &store.List{ID: l.ID, Named: l.ID}
	}
	l.Title = cmp.Or(l.Title, s.Title, l.ID)
	return l, s
}

// publishList writes a list's page and feeds, and those of its sections.
func (p *Publisher) publishList(ctx context.Context, t *tree, l List) error {
	l, s, err := p.state(ctx, l)
	if err != nil {
		return err
	}
	entries, err := p.Store.Entries(ctx, l.ID, "")
	if err != nil {
		return err
	}
	sections, err := p.Store.Sections(ctx, l.ID)
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	if err := p.listFiles(ctx, files, l, s, entries, sections); err != nil {
		return err
	}
	members := membership(entries, sections)
	for _, sec := range sections {
		if err := p.sectionFiles(files, l, s, sec, members[sec.Slug]); err != nil {
			return err
		}
	}
	return t.publish(ctx, part{folder: feed.ListDir(l.ID), files: files})
}

func (p *Publisher) listFiles(ctx context.Context, files map[string][]byte, l List, s *store.List, entries []store.Entry, sections []store.Section) error {
	news, old := pick(entries, p.window(), l.Baseline)
	page := templates.ListPage{
		Site:        p.Site,
		ID:          l.ID,
		Title:       l.Title,
		Description: l.Description,
		Page:        l.Page,
		Entries:     len(standing(entries)),
		Checked:     p.day(s.LastGood()),
		Failing:     p.day(s.ErrorSince),
		Late:        p.late(l, s),
		News:        p.days(l, news),
		Lang:        l.Language,
		Rights:      l.Rights,
		Changes:     l.Changes && !s.Began.IsZero(),
	}
	archives, err := p.archives(ctx, l, entries)
	if err != nil {
		return err
	}
	page.Archive = len(archives)
	if len(news) == 0 {
		page.News, page.Baseline = p.days(l, old), true
	}
	for _, h := range s.Holds {
		page.Held = append(page.Held, waits(h))
	}
	for _, sec := range sections {
		page.Sections = append(page.Sections, sectionLink(sec))
	}
	var b bytes.Buffer
	if err := p.Templates.List(&b, page); err != nil {
		return err
	}
	files[feed.PageFile] = b.Bytes()
	if s.Began.IsZero() {
		return nil // a feed has its permanent id from the first good check on
	}
	f := p.listFeed(l, s, "", l.Title, l.subtitle())
	f.Archives = len(archives)
	f.Entries = p.feedEntries(l, slices.Concat(news, old))
	if err := Documents(files, "", f); err != nil {
		return err
	}
	if l.Changes {
		if err := p.changesFile(ctx, files, l, s); err != nil {
			return err
		}
	}
	return p.archiveFiles(files, l, s, archives)
}

// waits says to readers what is held of a list. The guard's own reason is the operator's business, as those of failures are.
func waits(h store.Hold) string {
	what := map[curated.HoldKind][2]string{
		curated.HoldAdded:   {"new entry waits", "new entries wait"},
		curated.HoldRemoved: {"removed entry waits", "removed entries wait"},
	}[h.Kind]
	switch {
	case what[0] == "":
		return "What was found at the last check could not be read as the list; what it held before is shown."
	case h.Count == 1:
		return "1 " + what[0] + " for the maintainer's decision."
	}
	return fmt.Sprintf("%d %s for the maintainer's decision.", h.Count, what[1])
}

// sectionFiles writes nothing about the list as a whole: its other sections would change with it.
func (p *Publisher) sectionFiles(files map[string][]byte, l List, s *store.List, sec store.Section, entries []store.Entry) error {
	news, old := pick(entries, p.window(), l.Baseline)
	folder := strings.TrimPrefix(feed.SectionDir(l.ID, sec.Slug), feed.ListDir(l.ID))
	var b bytes.Buffer
	err := p.Templates.Section(&b, templates.SectionPage{
		Site:    p.Site,
		List:    templates.ListLink{ID: l.ID, Title: l.Title, Description: l.Description},
		Section: sectionLink(sec),
		Path:    sec.Path,
		News:    p.days(l, news),
		Entries: p.pageEntries(l, standing(entries)),
		Lang:    l.Language,
	})
	if err != nil {
		return err
	}
	files[folder+feed.PageFile] = b.Bytes()
	title := l.Title + ": " + feed.Label(sec.Path)
	f := p.listFeed(l, s, folder, title, "What is new in "+title)
	f.Entries = p.feedEntries(l, slices.Concat(news, old))
	return Documents(files, folder, f)
}

func sectionLink(s store.Section) templates.SectionLink {
	return templates.SectionLink{Slug: s.Slug, Label: feed.Label(s.Path), Count: s.Entries, Depth: max(0, len(s.Path)-1)}
}

// membership gives the entries that stand in each section or below it, by slug, in the order of the list.
func membership(entries []store.Entry, sections []store.Section) map[string][]store.Entry {
	slugs := make(map[string]string, len(sections))
	for _, s := range sections {
		slugs[pathKey(s.Path)] = s.Slug
	}
	members := make(map[string][]store.Entry, len(sections))
	for _, e := range entries {
		for _, in := range e.In {
			for depth := 1; depth <= len(in.Path); depth++ {
				slug, ok := slugs[pathKey(in.Path[:depth])]
				all := members[slug]
				if ok && (len(all) == 0 || all[len(all)-1].Ref != e.Ref) {
					members[slug] = append(all, e)
				}
			}
		}
	}
	return members
}

// pathKey is a path of headings as one string; headings hold no control characters.
func pathKey(path []string) string { return strings.Join(path, "\x00") }

// late says that a list should have been checked since its newest check. Why it was not, and why checks fail, is the
// operator's business: reasons may name files and hosts of theirs.
func (p *Publisher) late(l List, s *store.List) bool {
	return l.Late != nil && l.Late(s, p.Now())
}
