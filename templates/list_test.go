package templates

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed/curated"
)

// list is the page of a list.
func list(d ListPage) page {
	return page{"list", func(t *Set, w io.Writer) error { return t.List(w, d) }}
}

func section(d SectionPage) page {
	return page{"section", func(t *Set, w io.Writer) error { return t.Section(w, d) }}
}

// hrefs are the addresses of all links in the main part.
func (d document) hrefs() []string {
	var out []string
	for n := range within(d.one("main")) {
		if n.Data == "a" {
			out = append(out, attr(n, "href"))
		}
	}
	return out
}

func TestFeedOfChangesAndArchive(t *testing.T) {
	set := load(t)
	dir := site.List("x")
	for name, tt := range map[string]struct {
		page      ListPage
		announced []string // beyond the three of every list
		linked    []string // likewise
	}{
		"neither": {ListPage{}, nil, nil},
		"changes": {ListPage{Changes: true}, []string{dir + "changes.xml"}, []string{dir + "changes.xml"}},
		"archive": {ListPage{Archive: 12}, nil, []string{dir + "archive/12.xml"}},
		"both":    {ListPage{Changes: true, Archive: 1}, []string{dir + "changes.xml"}, []string{dir + "archive/1.xml", dir + "changes.xml"}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.page.Site, tt.page.ID, tt.page.Title = site, "x", "List"
			d := list(tt.page).render(t, set)
			three := []string{dir + "atom.xml", dir + "rss.xml", dir + "feed.json"}
			if diff := cmp.Diff(append(three, tt.announced...), d.rel("alternate")); diff != "" {
				t.Errorf("announced feeds (-want +got):\n%s", diff)
			}
			var got []string
			for _, to := range d.hrefs() {
				if strings.HasPrefix(to, dir) {
					got = append(got, to)
				}
			}
			if diff := cmp.Diff(append(three, tt.linked...), got); diff != "" {
				t.Errorf("links to feeds (-want +got):\n%s", diff)
			}
			titles := map[string]bool{}
			for _, l := range d.all("link") {
				if attr(l, "rel") == "alternate" {
					titles[attr(l, "title")] = true
				}
			}
			if want := 3 + len(tt.announced); len(titles) != want {
				t.Errorf("the feeds have the titles %v, want %d different ones", titles, want)
			}
		})
	}
}

// What a list says is marked with its language, what the page says is not; without one there is no attribute, because an
// empty one would mean that the language is unknown (HTML, 3.2.6.2).
func TestLanguageOfLists(t *testing.T) {
	set := load(t)
	e := Entry{Entry: curated.Entry{Title: "Titel", Summary: "Worum es geht"}, Published: checked, AddedBy: "Ada", In: sections[:1]}
	pages := func(lang string) map[string]page {
		link := ListLink{ID: "x", Title: "Liste", Description: "Beschreibung", Lang: lang, Newest: []Entry{e}}
		alone := Landing{Site: site, Lists: []ListLink{link}}
		both := Landing{Site: site, Lists: []ListLink{link, {ID: "y", Title: "Other"}}}
		news := []Day{{Date: checked, Entries: []Entry{e}}}
		return map[string]page{
			"landing of one": {"landing", func(t *Set, w io.Writer) error { return t.Landing(w, alone) }},
			"landing":        {"landing", func(t *Set, w io.Writer) error { return t.Landing(w, both) }},
			"list":           list(ListPage{Site: site, ID: "x", Title: "Liste", Description: "Beschreibung", Lang: lang, News: news, Sections: sections[:1]}),
			"section": section(SectionPage{Site: site, List: link, Section: sections[0], Path: []string{"Aussen", "Innen"}, Lang: lang,
				News: news, Entries: []Entry{e}}),
		}
	}
	for name, p := range pages("de") {
		d := p.render(t, set)
		for n := range within(d.one("body")) {
			text := strings.TrimSpace(n.Data)
			if n.FirstChild != nil || text == "" {
				continue
			}
			lang := ""
			for up := n.Parent; up != nil && lang == ""; up = up.Parent {
				lang = attr(up, "lang")
			}
			want := "en"
			switch text {
			case "Titel", "Worum es geht", "Liste", "Beschreibung", "Aussen", "Innen", "Readers":
				want = "de"
			}
			if lang != want {
				t.Errorf("%s: %q is marked as %q, want %q", name, text, lang, want)
			}
		}
		if !strings.Contains(words(d.one("main")), "Titel") {
			t.Errorf("%s: the entry is missing", name)
		}
	}
	for name, p := range pages("") {
		var b bytes.Buffer
		if err := p.write(set, &b); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), `lang=""`) {
			t.Errorf("%s: an empty language", name)
		}
	}
}

func TestEntriesCanBeLinkedTo(t *testing.T) {
	set := load(t)
	with := Entry{Entry: curated.Entry{Title: "One"}, Anchor: "e-0123456789abcdef"}
	without := Entry{Entry: curated.Entry{Title: "Two"}}
	both := []Entry{with, without}
	for name, p := range map[string]page{
		"list": list(ListPage{Site: site, ID: "x", News: []Day{{Entries: both}}}),
		// What is new in a section stands in it, too, and an id stands once.
		"section": section(SectionPage{Site: site, News: []Day{{Entries: both}}, Entries: both}),
	} {
		d := p.render(t, set)
		var got []string
		for _, n := range d.all("article") {
			for _, a := range n.Attr {
				if a.Key == "id" {
					got = append(got, a.Val+" "+strings.TrimSpace(words(n)))
				}
			}
		}
		if diff := cmp.Diff([]string{"e-0123456789abcdef One"}, got); diff != "" {
			t.Errorf("%s: anchors (-want +got):\n%s", name, diff)
		}
	}
}

func TestRightsOfLists(t *testing.T) {
	set := load(t)
	for _, rights := range []string{"", "CC BY-SA 4.0 <b>"} {
		d := list(ListPage{Site: site, ID: "x", Rights: rights}).render(t, set)
		got := ""
		for _, p := range d.all("p") {
			if attr(p, "class") == "rights" {
				got += words(p)
			}
		}
		if got != rights {
			t.Errorf("the page says %q of rights, want %q", got, rights)
		}
	}
}
