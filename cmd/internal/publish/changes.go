package publish

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"linkletter/feed"
	"linkletter/store"
)

// changesTitle follows the list's title in that of its feed of changes.
const changesTitle = ": changes and removals"

// changesFile adds the feed of what was removed from a list and changed in it.
func (p *Publisher) changesFile(ctx context.Context, files map[string][]byte, l List, s *store.List) error {
	changes, err := p.Store.Changes(ctx, l.ID, p.window())
	if err != nil {
		return err
	}
	f := p.listFeed(l, s, "", l.Title+changesTitle, "What was removed from "+l.Title+", and what changed in it")
	named := feed.ListDir(s.Named) + "changes/" // part of permanent ids
	f.ID, f.File = feed.FeedID(s.Tag, s.Began, named), feed.ChangesFile
	for _, c := range changes {
		f.Entries = append(f.Entries, feed.NewChangeEntry(feed.Change{
			ID: feed.FeedID(s.Tag, c.At, named+strconv.FormatInt(c.Ref, 10)),
			At: c.At, Kind: c.Kind, What: c.What, Before: c.Before, After: c.After,
		}, l.Title, cmp.Or(l.Page, p.Site.List(l.ID))))
	}
	b, err := f.Atom()
	if err != nil {
		return fmt.Errorf("writing %s of list %s: %w", feed.ChangesFile, l.ID, err)
	}
	files[feed.ChangesFile] = b
	return nil
}
