package templates

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sparse is every page with nothing filled in.
var sparse = []page{
	{"landing", func(t *Set, w io.Writer) error { return t.Landing(w, Landing{}) }},
	{"list", func(t *Set, w io.Writer) error { return t.List(w, ListPage{}) }},
	{"section", func(t *Set, w io.Writer) error { return t.Section(w, SectionPage{}) }},
	{"digest", func(t *Set, w io.Writer) error { return t.Digest(w, DigestPage{}) }},
	{"issue", func(t *Set, w io.Writer) error { return t.Issue(w, IssuePage{}) }},
	{"subscribe", func(t *Set, w io.Writer) error { return t.Subscribe(w, Form{}) }},
	{"confirm", func(t *Set, w io.Writer) error { return t.Confirm(w, Form{}) }},
	{"preferences", func(t *Set, w io.Writer) error { return t.Preferences(w, Preferences{}) }},
	{"saved", func(t *Set, w io.Writer) error { return t.Saved(w, Preferences{}) }},
	{"unsubscribe", func(t *Set, w io.Writer) error { return t.Unsubscribe(w, Form{}) }},
	{"act", func(t *Set, w io.Writer) error { return t.Act(w, ActPage{}) }},
	{"notice", func(t *Set, w io.Writer) error { return t.Notice(w, Notice{}) }},
}

func TestPagesAreSound(t *testing.T) {
	set := load(t)
	for kind, pages := range map[string][]page{"full": full, "sparse": sparse} {
		for _, p := range pages {
			t.Run(kind+"/"+p.name, func(t *testing.T) {
				d := p.render(t, set)
				if got := attr(d.one("html"), "lang"); got != "en" {
					t.Errorf("language %q, want en", got)
				}
				d.one("main")
				for _, tag := range []string{"h1", "title"} {
					if kind == "full" && strings.TrimSpace(words(d.one(tag))) == "" {
						t.Errorf("<%s> is empty", tag)
					}
				}
				if d.meta("viewport") == "" {
					t.Error("no viewport")
				}
				for _, tag := range []string{"script", "style", "iframe", "img"} {
					if n := len(d.all(tag)); n > 0 {
						t.Errorf("%d <%s>, want none", n, tag)
					}
				}
				d.checkIDs()
				d.checkLabels()
				d.checkHeadings()
			})
		}
	}
}

func TestPagesAnnounceTheirFeeds(t *testing.T) {
	set := load(t)
	feedsOf := func(dir string) []string { return []string{dir + "atom.xml", dir + "rss.xml", dir + "feed.json"} }
	for _, tt := range []struct {
		page, canonical string
		feeds           []string
	}{
		{"landing", site.Root(), feedsOf(site.Root())},
		{"list", site.List("feeds"), append(feedsOf(site.List("feeds")), site.List("feeds")+"changes.xml")},
		{"section", site.Section("feeds", "readers-self-hosted"), feedsOf(site.Section("feeds", "readers-self-hosted"))},
		{"digest", site.Digest("weekly"), feedsOf(site.Digest("weekly"))[:1]},
		{"issue", site.Issue("weekly", 12), feedsOf(site.Digest("weekly"))[:1]},
		{"subscribe", site.Subscribe(), feedsOf(site.Root())},
	} {
		t.Run(tt.page, func(t *testing.T) {
			i := slices.IndexFunc(full, func(p page) bool { return p.name == tt.page })
			d := full[i].render(t, set)
			if diff := cmp.Diff(tt.feeds, d.rel("alternate")); diff != "" {
				t.Errorf("feeds (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{tt.canonical}, d.rel("canonical")); diff != "" {
				t.Errorf("canonical (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{site.File("assets/style.css")}, d.rel("stylesheet")); diff != "" {
				t.Errorf("style sheet (-want +got):\n%s", diff)
			}
			if got := d.meta("og:title"); got != words(d.one("title")) {
				t.Errorf("og:title %q differs from the title", got)
			}
			if got := d.meta("og:image"); got != site.File("assets/icon.png") {
				t.Errorf("og:image %q", got)
			}
			if d.meta("og:url") != tt.canonical || d.meta("og:description") == "" {
				t.Errorf("og:url %q, og:description %q", d.meta("og:url"), d.meta("og:description"))
			}
		})
	}
}

func TestQuoteIsShownOnce(t *testing.T) {
	set := load(t)
	for _, p := range full {
		if p.name != "list" && p.name != "issue" {
			continue
		}
		text := words(p.render(t, set).one("main"))
		if n := strings.Count(text, "A feed is a promise kept quietly"); n != 1 {
			t.Errorf("%s: the quote stands %d times, want once", p.name, n)
		}
	}
}
