package feed_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"linkletter/feed"
	"linkletter/feed/curated"
	"linkletter/feed/feedtest"
)

// problems are those of a feed in each format, and of a list of subscriptions with its title.
func problems(t *testing.T, f *feed.Feed) []string {
	t.Helper()
	check := map[string]func(doc []byte, address string) []string{
		feed.AtomFile: feedtest.Atom, feed.RSSFile: feedtest.RSS, feed.JSONFile: feedtest.JSON,
	}
	var all []string
	for _, format := range formats {
		b, err := format.write(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range check[format.file](b, f.Dir+format.file) {
			all = append(all, format.name+": "+p)
		}
	}
	b, err := feed.OPML(f.Title, []feed.Outline{{Title: f.Title, XMLURL: f.Dir + feed.AtomFile, HTMLURL: f.Home}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range feedtest.OPML(b) {
		all = append(all, "OPML: "+p)
	}
	return all
}

func TestValid(t *testing.T) {
	for name, make := range kinds {
		for _, p := range problems(t, make()) {
			t.Errorf("the %s feed: %s", name, p)
		}
	}
}

// FuzzValid reads a list and writes a feed of it, which is valid whatever the list says; name is what its author and the people
// who work on it call themselves and it.
func FuzzValid(f *testing.F) {
	for i, text := range hostileTexts {
		link := hostileLinks[i%len(hostileLinks)]
		f.Add([]byte(fmt.Sprintf("## %[1]s\n\n- [%[1]s](<%[2]s>) - %[1]s by %[1]s [x](%[2]s)\n- [Title](https://h.example/) - **%[1]s** <b>%[1]s</b>\n\n  > %[1]s\n", text, link)), text)
	}
	page, err := url.Parse("https://list.example/docs/")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src []byte, name string) {
		for _, at := range []*url.URL{nil, page} {
			list := curated.Parse(src, curated.Options{Page: at})
			out := sample(0)
			out.Title, out.Subtitle, out.Author, out.Rights = list.Title, name, name, name
			slugs := map[string]bool{}
			for i, e := range list.Entries {
				date := began.Add(time.Duration(-i) * time.Second)
				l := feed.Listed{Entry: e, ID: feed.EntryID("example.org", date, "tools", fmt.Sprint(i)), Published: date, Updated: date,
					Origin: feed.Origin{By: name, Link: name}}
				for _, path := range e.Sections {
					if len(path) > 0 {
						l.Categories = append(l.Categories, feed.Category{Term: feed.Slug(path, slugs), Label: feed.Label(path)})
					}
				}
				out.Entries = append(out.Entries, feed.NewEntry(l, list.Title, ""))
			}
			for _, p := range problems(t, out) {
				t.Error(p)
			}
		}
	})
}
