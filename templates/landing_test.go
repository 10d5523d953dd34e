package templates

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// How old a page is, and that its list fails, stands there in words for readers, with days that hold without a program.
func TestStaleListsSaySo(t *testing.T) {
	set := load(t)
	day := func(n int) time.Time { return time.Date(2026, time.November, n, 0, 0, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		page ListPage
		want string
	}{
		"good":    {ListPage{Checked: day(22)}, ""},
		"failing": {ListPage{Checked: day(20), Failing: day(21)}, "Not checked since 20 November 2026. The list has not been readable since 21 November 2026; it is tried again and again. What stands here is as of the last good check."},
		"never":   {ListPage{Failing: day(21)}, "Not checked yet. The list has not been readable since 21 November 2026; it is tried again and again."},
		"late":    {ListPage{Checked: day(20), Late: true}, "Not checked since 20 November 2026. The next check is late. What stands here is as of the last good check."},
	} {
		c.page.Site, c.page.ID = site, "x"
		d := page{"list", func(t *Set, w io.Writer) error { return t.List(w, c.page) }}.render(t, set)
		var notices []string
		for _, n := range d.all("div") {
			if attr(n, "class") == "notice" {
				notices = append(notices, strings.Join(strings.Fields(words(n)), " "))
			}
		}
		if got := strings.Join(notices, "|"); got != c.want {
			t.Errorf("%s: notices %q, want %q", name, got, c.want)
		}
		landing := Landing{Site: site, Lists: []ListLink{{ID: "x", Checked: c.page.Checked, Failing: c.page.Failing}}}
		d = page{"landing", func(t *Set, w io.Writer) error { return t.Landing(w, landing) }}.render(t, set)
		front := words(d.one("main"))
		if c.page.Checked.IsZero() != strings.Contains(front, "not checked yet") || c.page.Failing.IsZero() == strings.Contains(front, "not readable since 21 November 2026") {
			t.Errorf("%s: the front page says %q", name, front)
		}
	}
}

func TestBaselineIsNotCalledNews(t *testing.T) {
	set := load(t)
	const line = "The list held these when watching began"
	for name, tt := range map[string]struct {
		list      ListLink
		said, all bool
	}{
		"news":     {ListLink{ID: "x", Newest: entries}, false, true},
		"baseline": {ListLink{ID: "x", Newest: entries, Baseline: true}, true, false},
		"nothing":  {ListLink{ID: "x"}, false, true},
	} {
		d := page{"landing", func(t *Set, w io.Writer) error { return t.Landing(w, Landing{Site: site, Lists: []ListLink{tt.list}}) }}.render(t, set)
		text := words(d.one("main"))
		if got := strings.Contains(text, line); got != tt.said {
			t.Errorf("%s: says that the list held them before: %v, want %v", name, got, tt.said)
		}
		if got := strings.Contains(text, "All news of"); got != tt.all {
			t.Errorf("%s: leads to all news: %v, want %v", name, got, tt.all)
		}
		if got := len(d.all("time")) > 0; got != (name == "news") {
			t.Errorf("%s: dates its entries: %v", name, got)
		}
	}
}

// A front page has a table of its lists when there are several, and is one itself when there are very many.
func TestLandingNamesItsLists(t *testing.T) {
	set := load(t)
	one, brief := ListLink{ID: "x"}, ListLink{ID: "y", Brief: true}
	for name, c := range map[string]struct {
		lists []ListLink
		want  bool
	}{
		"none":      {nil, false},
		"one":       {[]ListLink{one}, false},
		"several":   {[]ListLink{one, {ID: "z"}}, true},
		"very many": {[]ListLink{one, {ID: "z"}, brief}, false},
	} {
		d := page{"landing", func(t *Set, w io.Writer) error { return t.Landing(w, Landing{Site: site, Lists: c.lists}) }}.render(t, set)
		table := slices.ContainsFunc(d.all("nav"), func(n *html.Node) bool { return attr(n, "aria-labelledby") == "lists" })
		link := slices.ContainsFunc(d.all("a"), func(n *html.Node) bool { return attr(n, "href") == "#lists" })
		if table != c.want || link != c.want {
			t.Errorf("%s: a table %t, a link to it %t, want %t", name, table, link, c.want)
		}
	}
}
