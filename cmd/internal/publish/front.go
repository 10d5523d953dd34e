package publish

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"reflect"
	"slices"

	"linkletter/feed"
	"linkletter/store"
	"linkletter/templates"
)

// newest is how many entries of each list the front page shows.
const newest = 5

// mostInFull is how many lists the front page shows with entries: those that changed last, when there are too many for a
// page that people read and that is written anew for each that changes.
const mostInFull = 50

// front is what the root shows of all lists. It is kept from one publication to the next: a list that changed costs no look
// at the others, of which there may be thousands.
type front struct {
	lists  []*frontList // in the order of the landing page
	latest []*frontList // the list that changed last comes first
	byID   map[string]*frontList
	others []string // lists that the store knows and nobody follows any more

	seen map[string]fs.FileInfo // its files, as they were written

	page     bool // the front page has to be written anew
	outlines bool // the OPML file has to be written anew
}

// frontList is one list for the root.
type frontList struct {
	List               // with the title that it has
	place int          // in the configuration
	state *store.List  // as the store has it
	group feed.Outline // in the OPML file; empty before the first good check
	stale bool         // link has to be made anew
	full  bool         // link has entries
	link  templates.ListLink
}

// newFront looks at everything.
func (p *Publisher) newFront(ctx context.Context) (*front, error) {
	known, err := p.Store.Lists(ctx)
	if err != nil {
		return nil, err
	}
	sections, err := p.Store.SectionPaths(ctx)
	if err != nil {
		return nil, err
	}
	f := &front{byID: make(map[string]*frontList, len(p.Lists)), page: true, outlines: true}
	for _, l := range p.Lists {
		l, s := l.titled(known[l.ID])
		item := p.newFrontList(l, s, sections[l.ID])
		item.place = len(f.lists)
		f.lists, f.byID[l.ID] = append(f.lists, item), item
		delete(known, l.ID)
	}
	for id := range known {
		f.others = append(f.others, id)
	}
	slices.Sort(f.others)
	f.latest = slices.Clone(f.lists)
	return f, p.arrange(ctx, f)
}

// updateFront looks at the lists that changed.
func (p *Publisher) updateFront(ctx context.Context, f *front, lists []string) error {
	for _, l := range p.Lists {
		if !slices.Contains(lists, l.ID) {
			continue
		}
		l, s, err := p.state(ctx, l)
		if err != nil {
			return err
		}
		sections, err := p.Store.Sections(ctx, l.ID)
		if err != nil {
			return err
		}
		item := f.byID[l.ID]
		changed := p.newFrontList(l, s, sections)
		f.outlines = f.outlines || !reflect.DeepEqual(changed.group, item.group)
		changed.place, changed.full, changed.link = item.place, item.full, item.link
		*item = *changed
	}
	return p.arrange(ctx, f)
}

// newFrontList is a list whose link is still to be made.
func (p *Publisher) newFrontList(l List, s *store.List, sections []store.Section) *frontList {
	item := &frontList{List: l, state: s, stale: true}
	if s.Began.IsZero() {
		return item
	}
	item.group = feed.Outline{Title: l.Title, Outlines: []feed.Outline{p.outline(l.Title, feed.ListDir(l.ID))}}
	if l.Changes {
		changes := p.outline(l.Title+changesTitle, feed.ListDir(l.ID))
		changes.XMLURL = p.Site.File(feed.ListDir(l.ID) + feed.ChangesFile)
		item.group.Outlines = append(item.group.Outlines, changes)
	}
	for _, sec := range sections {
		item.group.Outlines = append(item.group.Outlines, p.outline(l.Title+": "+feed.Label(sec.Path), feed.SectionDir(l.ID, sec.Slug)))
	}
	return item
}

// sound says that the files of the front are those that were written last: nobody else published, removed or damaged them.
func (f *front) sound(t *tree) bool {
	for name, seen := range f.seen {
		info, err := t.root.Lstat(name)
		if err != nil || !os.SameFile(info, seen) || !info.ModTime().Equal(seen.ModTime()) || info.Size() != seen.Size() {
			return false
		}
	}
	return true
}

// see remembers the files of the front and their sidecars.
func (f *front) see(t *tree) error {
	f.seen = map[string]fs.FileInfo{}
	for _, name := range []string{feed.PageFile, feed.OPMLFile} {
		names := []string{name}
		for _, c := range codings {
			names = append(names, name+c.Ext)
		}
		for _, name := range names {
			info, err := t.root.Lstat(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue // too small to be compressed
			}
			if err != nil {
				return err
			}
			f.seen[name] = info
		}
	}
	return nil
}

// arrange finds out which lists the front page shows in full, and makes the links anew that are stale.
func (p *Publisher) arrange(ctx context.Context, f *front) error {
	slices.SortFunc(f.latest, func(a, b *frontList) int {
		return cmp.Or(b.state.Changed.Compare(a.state.Changed), cmp.Compare(a.place, b.place))
	})
	for i, item := range f.latest {
		if full := i < mostInFull; full != item.full {
			item.full, item.stale = full, true
		}
		if !item.stale {
			continue
		}
		link, err := p.listLink(ctx, item)
		if err != nil {
			return err
		}
		f.page = f.page || !reflect.DeepEqual(link, item.link)
		item.link, item.stale = link, false
	}
	return nil
}

// listLink is a list on the front page. In full it has its news, or, as long as there is none, what it held in the beginning;
// in brief it has nothing that changes with every check.
func (p *Publisher) listLink(ctx context.Context, l *frontList) (templates.ListLink, error) {
	link := templates.ListLink{ID: l.ID, Title: l.Title, Description: l.Description, Lang: l.Language, Failing: p.day(l.state.ErrorSince), Brief: !l.full}
	if !l.full {
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
	link.Entries, link.Checked = l.state.Counts.Entries, p.day(l.state.LastGood())
	link.Newest, link.Baseline = p.pageEntries(l.List, entries), baseline
	return link, nil
}

// landing is the front page.
func (p *Publisher) landing(f *front) templates.Landing {
	page := templates.Landing{Site: p.Site}
	for _, l := range f.lists {
		page.Lists = append(page.Lists, l.link)
	}
	return page
}

// opml names all feeds: those of a list stand in a group with those of its sections.
func (p *Publisher) opml(f *front) ([]byte, error) {
	all := []feed.Outline{p.outline(p.Site.Title, "")}
	for _, l := range f.lists {
		if l.group.Outlines != nil {
			all = append(all, l.group)
		}
	}
	for _, d := range p.Site.Digests {
		all = append(all, p.outline(d.Title, feed.DigestDir(d.ID)))
	}
	return feed.OPML(p.Site.Title, all)
}

func (p *Publisher) outline(title, folder string) feed.Outline {
	return feed.Outline{Title: title, XMLURL: p.Site.File(folder + feed.AtomFile), HTMLURL: p.Site.File(folder)}
}
