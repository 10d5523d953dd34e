package templates

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"linkletter/feed/curated"
	"linkletter/feed/digest"
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
	{"unsubscribe", func(t *Set, w io.Writer) error { return t.Unsubscribe(w, Form{}) }},
	{"notice", func(t *Set, w io.Writer) error { return t.Notice(w, Notice{}) }},
}

// document is a rendered page or mail.
type document struct {
	t    *testing.T
	root *html.Node
}

func read(t *testing.T, source string) document {
	t.Helper()
	if strings.Contains(source, "ZgotmplZ") {
		t.Errorf("a value stands where it is unsafe:\n%s", source)
	}
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	return document{t, root}
}

func (p page) render(t *testing.T, set *Set) document {
	t.Helper()
	var b bytes.Buffer
	if err := p.write(set, &b); err != nil {
		t.Fatal(err)
	}
	return read(t, b.String())
}

// all are the elements of a name.
func (d document) all(tag string) []*html.Node {
	var out []*html.Node
	for n := range within(d.root) {
		if n.Type == html.ElementNode && n.Data == tag {
			out = append(out, n)
		}
	}
	return out
}

// one is the only element of a name.
func (d document) one(tag string) *html.Node {
	d.t.Helper()
	found := d.all(tag)
	if len(found) != 1 {
		d.t.Fatalf("there are %d <%s>, want 1", len(found), tag)
	}
	return found[0]
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// rel are the addresses of the <link>s of one relation.
func (d document) rel(rel string) []string {
	var out []string
	for _, n := range d.all("link") {
		if attr(n, "rel") == rel {
			out = append(out, attr(n, "href"))
		}
	}
	return out
}

// meta is the content of the <meta> of a name or property.
func (d document) meta(name string) string {
	for _, n := range d.all("meta") {
		if attr(n, "name") == name || attr(n, "property") == name {
			return attr(n, "content")
		}
	}
	return ""
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

// checkIDs wants every id once, and each reference to one to lead somewhere.
func (d document) checkIDs() {
	d.t.Helper()
	seen := map[string]int{}
	var refs []string
	for n := range within(d.root) {
		if id := attr(n, "id"); id != "" {
			seen[id]++
		}
		for _, key := range []string{"for", "aria-labelledby", "aria-describedby"} {
			if ref := attr(n, key); ref != "" {
				refs = append(refs, ref)
			}
		}
		if to, ok := strings.CutPrefix(attr(n, "href"), "#"); ok {
			refs = append(refs, to)
		}
	}
	for id, n := range seen {
		if n > 1 {
			d.t.Errorf("id %q stands %d times", id, n)
		}
	}
	for _, ref := range refs {
		if seen[ref] == 0 {
			d.t.Errorf("nothing has the id %q", ref)
		}
	}
}

// checkLabels wants a label on everything a reader fills in, and the trap for robots out of everybody's way.
func (d document) checkLabels() {
	d.t.Helper()
	labels := map[string]bool{}
	inside := map[*html.Node]bool{}
	for _, l := range d.all("label") {
		labels[attr(l, "for")] = true
		for n := range within(l) {
			inside[n] = true
		}
	}
	for _, in := range d.all("input") {
		if attr(in, "type") != "hidden" && !inside[in] && !labels[attr(in, "id")] {
			d.t.Errorf("the field %q has no label", attr(in, "name"))
		}
		if attr(in, "name") == "website" && (attr(in, "tabindex") != "-1" || attr(in, "autocomplete") != "off") {
			d.t.Error("the trap is in the way of people")
		}
	}
}

// checkHeadings wants no level left out.
func (d document) checkHeadings() {
	d.t.Helper()
	level := 0
	for n := range within(d.root) {
		if n.Type == html.ElementNode && len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
			next := int(n.Data[1] - '0')
			if next > level+1 {
				d.t.Errorf("<%s>%s follows a heading of level %d", n.Data, words(n), level)
			}
			level = next
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

// A token in an address must reach neither a search engine nor the sites a page links to.
func TestPagesWithTokensAreKeptPrivate(t *testing.T) {
	set := load(t)
	for _, p := range full {
		if p.name != "confirm" && p.name != "unsubscribe" {
			continue
		}
		d := p.render(t, set)
		if d.meta("robots") != "noindex" || d.meta("referrer") != "no-referrer" {
			t.Errorf("%s: robots %q, referrer %q", p.name, d.meta("robots"), d.meta("referrer"))
		}
		form := d.one("form")
		if attr(form, "method") != "post" || attr(form, "action") != leaving.Action || len(d.all("button")) != 1 {
			t.Errorf("%s: want one button that posts to %s", p.name, leaving.Action)
		}
	}
}

func TestSignUp(t *testing.T) {
	set := load(t)
	static := listPage
	static.Site.Forms = false
	one := digestPage
	for name, tt := range map[string]struct {
		page    page
		digests []string
	}{
		"several digests": {full[1], []string{"weekly", "monthly"}},
		"a digest's page": {page{"digest", func(t *Set, w io.Writer) error { return t.Digest(w, one) }}, []string{"weekly"}},
		"static host":     {page{"list", func(t *Set, w io.Writer) error { return t.List(w, static) }}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := tt.page.render(t, set)
			var got []string
			for _, in := range d.all("input") {
				if attr(in, "name") == "digest" {
					got = append(got, attr(in, "value"))
				}
			}
			if diff := cmp.Diff(tt.digests, got); diff != "" {
				t.Errorf("digests (-want +got):\n%s", diff)
			}
			if tt.digests == nil && len(d.all("form")) > 0 {
				t.Error("a form where no program answers")
			}
			for _, form := range d.all("form") {
				if attr(form, "action") != "/new/-/subscribe" {
					t.Errorf("the form goes to %q", attr(form, "action"))
				}
			}
		})
	}
}

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
		"issue": page{"issue", func(t *Set, w io.Writer) error { return t.Issue(w, IssuePage{site, issue}) }}.render(t, set),
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
