package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/check"
	"linkletter/cmd/internal/publish"
	"linkletter/feed"
)

// feedFlags are the flags of `linkletter feed`.
type feedFlags struct {
	pastFlags
	format, output, base, tag string
	window                    int
}

func (p *program) feedCommand() *cobra.Command {
	f := &feedFlags{}
	cmd := &cobra.Command{
		Use:   "feed FILE…",
		Short: "Write the feed of the newest additions to a list in a git checkout",
		Long: `Write the feed of the newest additions to a list in a git checkout. It needs no
configuration and no database: when each entry came, and who added it, is read from the
history of FILE, as ` + "`history`" + ` shows it. Two runs on one history give the same bytes.

The feed holds the newest additions, as far as they still stand in the list; as long as
there are fewer than 20, entries that the list began with fill it up. Commits that say
[silent] announce nothing. What the guard holds is left out and named, and the exit status
is 3: --accept or --dismiss decides.

Entries have permanent ids, made from --tag (a host name you own; default: the host of
--base-url), the day, --id and the entry's first address (a relative one starts at --page):
keep these flags as they are. They are the ids that ` + "`serve`" + ` gives for the same history.

FILE is a path; with --repo it starts at the top of that repository, and may be a pattern
such as 'books/*.md'. Several files make one list. The whole history must be there: in a CI
job, check out with fetch-depth: 0. The git program must be installed.`,
		Example: `  linkletter feed README.md > atom.xml
  linkletter feed README.md --output public --base-url https://links.example.org --id links
  linkletter feed README.md --format json --since 30d`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error { return p.feed(cmd.Context(), given, f) },
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.title, "title", "", "the feed's title (default: the list's)")
	flags.StringVar(&f.since, "since", "", "only additions from `DATE` on: 2026-01-31, a time as in RFC 3339, or an age such as 30d")
	flags.StringVar(&f.format, "format", "", "atom, rss or json (default: atom; in a folder, all of them)")
	flags.StringVar(&f.output, "output", "", "write to `FILE`, or, into a folder, atom.xml, rss.xml and feed.json (default: standard output)")
	flags.StringVar(&f.base, "base-url", "", "the public `address` of the folder that the feed will stand in")
	flags.StringVar(&f.tag, "tag", "", "whose ids: a `host` name you own (default: that of --base-url)")
	flags.IntVar(&f.window, "window", 50, "most entries")
	return cmd
}

// feedFiles are the documents by the name of their format.
var feedFiles = map[string]string{"atom": feed.AtomFile, "rss": feed.RSSFile, "json": feed.JSONFile}

// feed writes the feed of a list's newest additions.
func (p *program) feed(ctx context.Context, files []string, f *feedFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	l, err := p.readPast(ctx, files, &f.pastFlags)
	if err != nil {
		return err
	}
	site := feed.Site{Base: f.base}
	if f.tag == "" {
		f.tag = site.Host()
	}
	if f.id == "" || isLocal(f.tag) {
		fmt.Fprintf(p.err, "linkletter: warning: the entries' ids are not final, for want of --base-url (or --tag) and --id: they are made from %s and %s now, and readers take an entry with another id for a new one\n", f.tag, l.id)
	}
	if err := p.writeFeed(ctx, f, newPastFeed(l, f)); err != nil {
		return err
	}
	return p.held(l, func(e *check.PastEntry) bool {
		return len(l.news) < f.window || e.Published.After(l.news[f.window-1].Published)
	})
}

// check looks at the flags that are not the history's, and fills in what they leave open.
func (f *feedFlags) check() error {
	if _, ok := feedFiles[f.format]; !ok && f.format != "" {
		return usageError{hintError{fmt.Errorf("--format: there is no format %q", f.format), "atom, rss or json"}}
	}
	if f.window < 1 {
		return usageError{fmt.Errorf("--window: a feed holds one entry at least")}
	}
	if f.base == "" {
		f.base = "http://localhost"
	}
	if f.base = strings.TrimRight(f.base, "/"); !isSite(f.base) {
		return usageError{hintError{fmt.Errorf("--base-url: %q is not the address of a folder", f.base), "write it like https://links.example.org or https://example.org/links"}}
	}
	if f.tag != "" && !tagForm.MatchString(f.tag) {
		return usageError{hintError{fmt.Errorf("--tag: %q is not a host name", f.tag), "name a host you own, in lower case: links.example.org"}}
	}
	return nil
}

// isSite says that an address can be that of a folder of feeds.
func isSite(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

// newPastFeed is the feed of a list's newest additions.
func newPastFeed(l *pastList, f *feedFlags) *feed.Feed {
	old := l.first
	if f.since != "" {
		old = nil // who asks what came since a day does not want to be told what was there
	}
	news, old := publish.Fill(l.news, old, f.window, defaultBaseline)
	out := &feed.Feed{
		ID:       feed.FeedID(f.tag, l.Began.Date, feed.ListDir(l.id)),
		Title:    l.title,
		Subtitle: "What is new in " + l.title,
		Home:     l.page,
		Dir:      feed.Site{Base: f.base}.Root(),
		Began:    l.Began.Date,
	}
	slugs := sectionSlugs(l)
	for _, e := range slices.Concat(news, old) {
		if e.Gone {
			continue
		}
		listed := feed.Listed{
			Entry:     e.Entry,
			ID:        feed.EntryID(f.tag, e.Published, l.id, e.IDKey),
			Published: e.Published,
			Updated:   e.Updated,
			Origin:    e.Origin,
		}
		for _, path := range e.Entry.Sections {
			listed.Categories = append(listed.Categories, feed.Category{Term: slugs[feed.Label(path)], Label: feed.Label(path)})
		}
		out.Entries = append(out.Entries, feed.NewEntry(listed, l.title, l.page))
	}
	return out
}

// sectionSlugs are the slugs of the list's sections, by their labels, as a store that begins now would make them.
func sectionSlugs(l *pastList) map[string]string {
	slugs, taken := map[string]string{}, map[string]bool{}
	for _, path := range feed.SectionPaths(l.List) {
		slug := feed.Slug(path, taken)
		slugs[feed.Label(path)], taken[slug] = slug, true
	}
	return slugs
}

// writeFeed writes the documents to where they are wanted.
func (p *program) writeFeed(ctx context.Context, f *feedFlags, out *feed.Feed) error {
	dir, name := f.place()
	var only []string
	if format := f.format; format != "" {
		only = []string{feedFiles[format]}
	} else if name != "" {
		only = []string{usualFile(name)}
	}
	out.File = name
	files := map[string][]byte{}
	if err := publish.Documents(files, "", out, only...); err != nil {
		return err
	}
	switch {
	case f.output == "":
		_, err := p.out.Write(files[only[0]])
		return err
	case name != "":
		files = map[string][]byte{name: files[only[0]]}
	}
	return publish.WriteFiles(ctx, dir, files, p.now)
}

// usualFile is the document that a file is taken for by its name.
func usualFile(name string) string {
	for _, file := range feedFiles {
		if name == file {
			return file
		}
	}
	return feed.AtomFile
}

// place is the folder that is written to, and the one file in it, which is empty for the usual ones. A folder is there, or
// has a name that ends in a slash or has no extension.
func (f *feedFlags) place() (dir, name string) {
	if f.output == "" {
		return "", cmp.Or(feedFiles[f.format], feed.AtomFile)
	}
	info, err := os.Stat(f.output)
	if err == nil && info.IsDir() || strings.HasSuffix(f.output, "/") || err != nil && filepath.Ext(f.output) == "" {
		return f.output, ""
	}
	return filepath.Dir(f.output), filepath.Base(f.output)
}
