package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"linkletter/feed"
	"linkletter/store"
	"linkletter/templates"
)

// defaultWindow is how many entries a feed holds when Window does not say.
const defaultWindow = 50

// Publisher writes the static tree. Its fields are set before the first call and not changed after; Site.Digests are the
// digests that appear, beside which it publishes those that had issues once. Lists, Site.Digests and Window may be empty.
type Publisher struct {
	Dir       string // where the tree is written; made when missing
	Site      templates.Site
	Tag       string // host in ids that the store does not keep: those of the feed of all lists and of digests
	Hub       string // WebSub hub that feeds name, or empty
	Language  string // BCP 47, of the feed of all lists; empty: not said
	Rights    string // of the feed of all lists; empty: not said
	Lists     []List // in the order of the landing page
	Store     *store.Store
	Templates *templates.Set
	Window    int            // most entries of a feed; 0: 50
	Location  *time.Location // whose days pages speak of; nil: UTC. Feeds do not depend on it
	Now       func() time.Time
	Log       *slog.Logger

	bare bool // without sidecars, which take most of the time where there are thousands of files

	mu    sync.Mutex // of front, and for file systems without locks
	front *front     // nil: nothing is known
}

// List is a list as it is configured.
type List struct {
	ID          string
	Title       string // empty: the document's own
	Description string
	Page        string // where people read it, or empty
	Baseline    int    // entries a feed starts with while there is less news
	Language    string // BCP 47, of its texts; empty: not said
	Rights      string // who may do what with its texts; empty: not said
	Changes     bool   // it has a feed of what is removed and changed
	// Late says that the list should have been checked by now, given what is known of it; nil: nobody can tell.
	Late func(l *store.List, now time.Time) bool
}

// subtitle says what a list's feed is, after its own title.
func (l List) subtitle() string { return cmp.Or(l.Description, "What is new in "+l.Title) }

// Report counts files.
type Report struct {
	Written, Unchanged, Removed int
	// Changed are the files that were written, by their slash-separated paths in the tree.
	Changed []string `json:"-"`
	// Failed is what went wrong, by list; what concerns them all stands under "".
	Failed map[string]error `json:"-"`
}

// Publish writes what the named lists changed: their files and the root's. Without names it writes everything, the
// digests too, and removes the files of lists and sections that are gone; so it does when it finds the tree without
// its manifest or without the folder of a list or a digest: for the first time, or because somebody removed it. It may be
// called by several goroutines and processes at once; each waits for the one before it.
//
// A part that cannot be published does not keep the others from it; the error joins what went wrong, and the report
// counts what was done all the same.
func (p *Publisher) Publish(ctx context.Context, lists ...string) (Report, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, err := openTree(ctx, p.Dir, p.Now)
	if err != nil {
		return Report{}, err
	}
	defer t.close()
	t.bare = p.bare
	failed := map[string]error{"": p.known(lists)}
	whole, err := t.whole()
	if err != nil {
		return Report{}, err
	}
	if !whole {
		lists = nil
	}
	var ended []templates.DigestLink
	if len(lists) == 0 {
		if ended, err = p.endedDigests(ctx); err != nil {
			return Report{}, err
		}
		// All folders at once: for each by itself, the root's manifest would be written as often as there are lists.
		failed[""] = errors.Join(failed[""], t.sweep(), t.claim(slices.Sorted(maps.Keys(p.folders(ended)))...))
	}
	for _, l := range p.Lists {
		if len(lists) == 0 || slices.Contains(lists, l.ID) {
			if err := p.publishList(ctx, t, l); err != nil {
				failed[l.ID] = fmt.Errorf("publishing list %s: %w", l.ID, err)
			}
		}
	}
	if len(lists) == 0 {
		for _, d := range p.Site.Digests {
			if err := p.publishDigest(ctx, t, d, false); err != nil {
				failed[""] = errors.Join(failed[""], fmt.Errorf("publishing digest %s: %w", d.ID, err))
			}
		}
		for _, d := range ended {
			if err := p.publishDigest(ctx, t, d, true); err != nil {
				failed[""] = errors.Join(failed[""], fmt.Errorf("publishing digest %s, which ended: %w", d.ID, err))
			}
		}
		failed[""] = errors.Join(failed[""], t.keepOnly(p.folders(ended)))
	}
	if err := p.publishRoot(ctx, t, lists); err != nil {
		failed[""] = errors.Join(failed[""], fmt.Errorf("publishing the front page and the feed of all lists: %w", err))
	}
	p.Log.Debug("published the static tree", "written", t.report.Written, "unchanged", t.report.Unchanged, "removed", t.report.Removed)
	t.report.Failed = failed
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(failed)) {
		errs = append(errs, failed[id])
	}
	return t.report, errors.Join(errs...)
}

// known refuses names of lists that are not configured.
func (p *Publisher) known(lists []string) error {
	for _, id := range lists {
		if !slices.ContainsFunc(p.Lists, func(l List) bool { return l.ID == id }) {
			return fmt.Errorf("there is no list %s", id)
		}
	}
	return nil
}

// folders are the parts that the configuration asks for, and those of digests that ended.
func (p *Publisher) folders(ended []templates.DigestLink) map[string]bool {
	keep := map[string]bool{}
	for _, l := range p.Lists {
		keep[feed.ListDir(l.ID)] = true
	}
	for _, d := range slices.Concat(p.Site.Digests, ended) {
		keep[feed.DigestDir(d.ID)] = true
	}
	return keep
}

func (p *Publisher) window() int {
	if p.Window > 0 {
		return p.Window
	}
	return defaultWindow
}

// Documents adds the feed to files in the formats that are named by their usual files, all where none is, in a folder
// relative to theirs.
func Documents(files map[string][]byte, folder string, f *feed.Feed, only ...string) error {
	for _, d := range []struct {
		file  string
		write func() ([]byte, error)
	}{{feed.AtomFile, f.Atom}, {feed.RSSFile, f.RSS}, {feed.JSONFile, f.JSON}} {
		if len(only) > 0 && !slices.Contains(only, d.file) {
			continue
		}
		b, err := d.write()
		if err != nil {
			return fmt.Errorf("writing %s of %q: %w", d.file, f.Title, err)
		}
		files[folder+d.file] = b
	}
	return nil
}

// listFeed is a feed of a list, still without entries; below is its place below that of the list.
func (p *Publisher) listFeed(l List, s *store.List, below, title, subtitle string) *feed.Feed {
	f := p.newFeed(feed.ListDir(l.ID)+below, title, subtitle)
	f.ID, f.Began = feed.FeedID(s.Tag, s.Began, feed.ListDir(s.Named)+below), s.Began
	f.Language, f.Rights = l.Language, l.Rights
	return f
}

// newFeed is a feed of the site, still without an id and entries; folder is its place in the tree.
func (p *Publisher) newFeed(folder, title, subtitle string) *feed.Feed {
	return &feed.Feed{
		Title:      title,
		Subtitle:   subtitle,
		Author:     p.Site.Title,
		Home:       p.Site.File(folder),
		Dir:        p.Site.File(folder),
		Hub:        p.Hub,
		Icon:       p.Site.File("assets/icon.svg"),
		Stylesheet: p.Site.File("assets/feed.css"),
	}
}
