package templates

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed/curated"
	"linkletter/feed/digest"
)

var hostile = curated.Entry{
	Title:       `<script>alert("x")</script> {{.Site}} &amp; '"` + "\u202egnp.exe " + strings.Repeat("long", 2500),
	URL:         "javascript:alert(1)",
	Summary:     "plain",
	SummaryHTML: `<p>one <script>alert(2)</script><a href="javascript:alert(3)" onclick="x()">two</a> <img src="https://t.example/p.gif"> <a href="/relative">three</a> <a href="https://ok.example/?a=1&amp;b='">four</a><em>open`,
	Quote:       `</blockquote></main><h1>`,
	Byline:      `"><svg onload=alert(4)>`,
	Related:     []curated.Link{{Title: "<b>", URL: "data:text/html,x"}, {Title: "mail", URL: "mailto:a@example.org"}},
}

func TestHostileTextStaysText(t *testing.T) {
	set := load(t)
	list := ListPage{
		Site: site, ID: "x", Title: hostile.Title, Description: hostile.Title, Page: hostile.URL,
		Held: []string{hostile.Title}, News: []Day{{Entries: []Entry{{Entry: hostile, AddedBy: hostile.Byline, AddedIn: hostile.URL}}}},
	}
	issue := &digest.Issue{Digest: "x", Title: hostile.Title, Groups: []digest.Group{
		{Heading: hostile.Title, Items: []digest.Item{{Entry: hostile, AddedBy: hostile.Byline, AddedIn: hostile.URL}}},
	}}
	m, err := set.IssueMail(IssueMail{Site: site, Issue: issue})
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]document{
		"list":  page{"list", func(t *Set, w io.Writer) error { return t.List(w, list) }}.render(t, set),
		"issue": page{"issue", func(t *Set, w io.Writer) error { return t.Issue(w, IssuePage{Site: site, Issue: issue}) }}.render(t, set),
		"mail":  read(t, m.HTML),
	} {
		t.Run(name, func(t *testing.T) {
			d.t = t
			for _, tag := range []string{"script", "svg", "img", "b"} {
				if n := len(d.all(tag)); n > 0 {
					t.Errorf("%d <%s>, want none", n, tag)
				}
			}
			if got := words(d.one("h1")); !strings.HasPrefix(got, `<script>alert("x")</script> {{.Site}} &amp; '"`) {
				t.Errorf("heading %.80q", got)
			}
			var prose []string
			for _, a := range d.all("a") {
				to := attr(a, "href")
				if !strings.HasPrefix(to, site.Base) && !strings.HasPrefix(to, "#") && to != "" {
					prose = append(prose, to)
				}
			}
			if diff := cmp.Diff([]string{"https://ok.example/?a=1&b='", "mailto:a@example.org"}, prose); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
			for n := range within(d.root) {
				for _, a := range n.Attr {
					if strings.HasPrefix(a.Key, "on") {
						t.Errorf("<%s %s>", n.Data, a.Key)
					}
				}
			}
		})
	}
}

// A list whose page is not known may hold relative links, which lead nowhere from here.
func TestLinksToNowhereAreText(t *testing.T) {
	set := load(t)
	e := curated.Entry{Title: "Manual", URL: "docs/manual.md", Related: []curated.Link{{Title: "Chapter", URL: "docs/1.md"}, {URL: "docs/2.md"}}}
	issue := &digest.Issue{Digest: "x", Groups: []digest.Group{{Items: []digest.Item{{Entry: e}}}}}
	m, err := set.IssueMail(IssueMail{Site: site, Issue: issue, Unsubscribe: "@@unsubscribe@@"})
	if err != nil {
		t.Fatal(err)
	}
	list := page{"list", func(t *Set, w io.Writer) error {
		return t.List(w, ListPage{Site: site, News: []Day{{Entries: []Entry{{Entry: e}}}}})
	}}
	for name, d := range map[string]document{"page": list.render(t, set), "mail": read(t, m.HTML)} {
		for _, a := range d.all("a") {
			if attr(a, "href") == "" {
				t.Errorf("%s: <a> without href around %q", name, words(a))
			}
		}
		for _, want := range []string{"Manual", "Chapter", "docs/2.md"} {
			if !strings.Contains(words(d.one("body")), want) {
				t.Errorf("%s: %q is missing", name, want)
			}
		}
	}
}
