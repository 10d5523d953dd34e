package publish

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"linkletter/feed"
	"linkletter/store"
	"linkletter/templates"
)

// began dates the ids of what has no birth of its own in the store: the feed of all lists, and those of digests. The
// first check of the oldest list would not do, because that list may be removed, and an id never changes.
var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// publishRoot writes what is about all lists together, after the named lists changed; without names, anything may have.
func (p *Publisher) publishRoot(ctx context.Context, t *tree, lists []string) error {
	f := p.front
	p.front = nil // should this fail, the next one looks at everything
	var err error
	if f == nil || len(lists) == 0 || !f.sound(t) {
		f, err = p.newFront(ctx)
	} else {
		err = p.updateFront(ctx, f, lists)
	}
	if err != nil {
		return err
	}
	root := part{files: map[string][]byte{"robots.txt": p.robots()}}
	if err := p.frontFiles(t, f, &root); err != nil {
		return err
	}
	if err := p.rootFeed(ctx, f, root.files); err != nil {
		return err
	}
	if err := addAssets(root.files); err != nil {
		return err
	}
	if err := t.publish(ctx, root); err != nil {
		return err
	}
	if err := f.see(t); err != nil {
		return err
	}
	f.page, f.outlines = false, false
	p.front = f
	return nil
}

// frontFiles adds the front page and the OPML file; they stay when nothing that they show changed.
func (p *Publisher) frontFiles(t *tree, f *front, root *part) error {
	if f.page {
		var page bytes.Buffer
		if err := p.Templates.Landing(&page, p.landing(f)); err != nil {
			return err
		}
		root.files[feed.PageFile] = page.Bytes()
	} else {
		root.stay = append(root.stay, feed.PageFile)
	}
	if f.outlines {
		b, err := p.opml(f)
		if err != nil {
			return fmt.Errorf("writing %s: %w", feed.OPMLFile, err)
		}
		root.files[feed.OPMLFile] = b
	} else {
		root.stay = append(root.stay, feed.OPMLFile)
	}
	return nil
}

// rootFeed adds the feed of all lists together.
func (p *Publisher) rootFeed(ctx context.Context, f *front, files map[string][]byte) error {
	q := store.FeedQuery{Window: p.window(), Without: f.others}
	for _, l := range p.Lists {
		q.Baseline = max(q.Baseline, l.Baseline)
	}
	entries, err := p.Store.Feed(ctx, q)
	if err != nil {
		return err
	}
	all := p.newFeed("", p.Site.Title, "What is new in all lists")
	all.ID, all.Began = feed.FeedID(p.Tag, began, "/"), began
	all.Language, all.Rights = p.Language, p.Rights
	if err := p.Store.Apart(ctx, entries); err != nil {
		return err
	}
	for _, e := range entries {
		if l := f.byID[e.List]; l != nil { // else it was followed by another process only just now
			all.Entries = append(all.Entries, p.feedEntries(l.List, []store.Entry{e})...)
		}
	}
	return Documents(files, "", all)
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
