package publish

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"linkletter/feed"
	"linkletter/store"
)

// archiveSize is how many entries a full archive document is about. It never changes, whatever the feed's window is.
const archiveSize = 50

// archive is what an archive document holds. A full one is kept in the store as it was when it became full: titles may be
// reworded and entries removed afterwards, but an archive document does not change (RFC 5005, 4).
type archive struct {
	Title    string
	Subtitle string
	Author   string
	Language string `json:",omitempty"`
	Rights   string `json:",omitempty"`
	Page     string `json:",omitempty"` // where people read the list
	Entries  []feed.Listed
}

// archives gives all archive documents of a list's feed, the oldest first. entries are all that the list ever had. Those
// that became full are kept.
//
// The newest document is never full and never empty: it fills up as news leaves the window of the feed. A full one so has
// a next one from the moment that it is full, and its link to that is there as long as it is.
func (p *Publisher) archives(ctx context.Context, l List, entries []store.Entry) ([]archive, error) {
	kept, err := p.Store.Archives(ctx, l.ID)
	if err != nil {
		return nil, err
	}
	all := make([]archive, len(kept))
	for i, content := range kept {
		if err := json.Unmarshal([]byte(content), &all[i]); err != nil {
			return nil, fmt.Errorf("archive %d of list %s: %w", i+1, l.ID, err)
		}
	}
	waiting := unarchived(entries)
	left := max(0, len(waiting)-p.window())
	if left%archiveSize == 0 && (left > 0 || len(all) > 0) {
		left++ // so that there is a next one
	}
	left = min(left, len(waiting))
	for ; left > archiveSize; left -= archiveSize {
		full := p.newArchive(l, waiting[:archiveSize]) // what left may return, and must not be missing then
		content, err := json.Marshal(full)
		if err != nil {
			return nil, err
		}
		refs := make([]int64, archiveSize)
		for i, e := range waiting[:archiveSize] {
			refs[i] = e.Ref
		}
		if err := p.Store.Archive(ctx, l.ID, len(all)+1, string(content), refs); err != nil {
			return nil, err
		}
		all, waiting = append(all, full), waiting[archiveSize:]
	}
	if left > 0 {
		all = append(all, p.newArchive(l, standing(waiting[:left])))
	}
	return all, nil
}

// unarchived is the news that stands in no full archive document, in the order in which it came. What left the list counts
// too, or the documents would be about other entries than before.
func unarchived(entries []store.Entry) []store.Entry {
	var news []store.Entry
	for _, e := range entries {
		if e.State == store.Announced && e.Archive == 0 {
			news = append(news, e)
		}
	}
	slices.SortFunc(news, func(a, b store.Entry) int {
		return cmp.Or(a.Announced.Compare(b.Announced), a.Published.Compare(b.Published), cmp.Compare(b.Ref, a.Ref))
	})
	return news
}

// newArchive is an archive document of these entries, which come oldest first, without those that are hidden.
func (p *Publisher) newArchive(l List, entries []store.Entry) archive {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e store.Entry) bool { return e.Hidden })
	newestFirst(entries)
	return archive{Title: l.Title, Subtitle: l.subtitle(), Author: p.Site.Title, Language: l.Language, Rights: l.Rights, Page: l.Page,
		Entries: listed(entries)}
}

// archiveFiles adds the archive documents, all at the addresses that the site has now.
func (p *Publisher) archiveFiles(files map[string][]byte, l List, s *store.List, all []archive) error {
	for i, a := range all {
		f := p.listFeed(l, s, "", a.Title, a.Subtitle)
		f.Author, f.Language, f.Rights = a.Author, a.Language, a.Rights
		f.Hub = "" // nothing comes any more
		f.Archive, f.Archives = i+1, len(all)
		for _, e := range a.Entries {
			f.Entries = append(f.Entries, feed.NewEntry(e, a.Title, cmp.Or(a.Page, p.Site.List(l.ID))))
		}
		for file, write := range map[string]func() ([]byte, error){feed.AtomFile: f.Atom, feed.JSONFile: f.JSON} {
			b, err := write()
			if err != nil {
				return fmt.Errorf("writing archive %d of list %s: %w", i+1, l.ID, err)
			}
			files[feed.ArchiveFile(i+1, file)] = b
		}
	}
	return nil
}
