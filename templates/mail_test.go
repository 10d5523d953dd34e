package templates

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"linkletter/feed/curated"
	"linkletter/feed/digest"
)

// many is an issue of n entries.
func many(n, summary int) IssueMail {
	d := IssueMail{Site: site, Unsubscribe: "@@unsubscribe@@", Issue: &digest.Issue{Digest: "weekly", Number: 1, Title: "Weekly"}}
	g := digest.Group{List: "feeds", Heading: "Talks"}
	for i := range n {
		g.Items = append(g.Items, digest.Item{Entry: curated.Entry{
			Title:   fmt.Sprintf("Talk %d", i+1),
			URL:     fmt.Sprintf("https://talks.example/%d", i+1),
			Summary: strings.Repeat("word ", summary),
		}})
	}
	d.Issue.Groups = []digest.Group{g}
	return d
}

func TestF6F9MailsAreSound(t *testing.T) {
	set := load(t)
	issue := func(d IssueMail) func() (Mail, error) { return func() (Mail, error) { return set.IssueMail(d) } }
	hostileIssue := many(0, 0)
	hostileIssue.Issue.Groups = []digest.Group{{Heading: hostile.Title, Items: []digest.Item{{Entry: hostile}}}}
	ownLink := issueMail
	ownLink.Unsubscribe = site.Unsubscribe("a-token") + "?a=1&b=(2)"
	mails := map[string]func() (Mail, error){
		"issue":        issue(issueMail),
		"own link":     issue(ownLink),
		"hostile":      issue(hostileIssue),
		"many":         issue(many(900, 30)),
		"empty":        issue(many(0, 0)),
		"zero":         issue(IssueMail{}),
		"confirmation": func() (Mail, error) { return set.ConfirmationMail(confirmationMail) },
		"unconfirmed":  func() (Mail, error) { return set.ConfirmationMail(ConfirmationMail{}) },
		"act":          func() (Mail, error) { return set.ActMail(ActMail{}) },
	}
	for kind, d := range actMails {
		mails[kind] = func() (Mail, error) { return set.ActMail(d) }
	}
	for name, render := range mails {
		t.Run(name, func(t *testing.T) {
			m, err := render()
			if err != nil {
				t.Fatal(err)
			}
			checkMail(t, m)
		})
	}
}

// checkMail checks what holds of every mail.
func checkMail(t *testing.T, m Mail) {
	t.Helper()
	if n := utf8.RuneCountInString(m.Subject); n == 0 || n > 78 || strings.ContainsFunc(m.Subject, func(r rune) bool { return r < ' ' }) {
		t.Errorf("subject of %d characters: %q", n, m.Subject)
	}
	if len(m.HTML) > 100_000 {
		t.Errorf("%d bytes of HTML", len(m.HTML))
	}
	d := read(t, m.HTML)
	if attr(d.one("html"), "lang") == "" || words(d.one("title")) == "" || !strings.Contains(m.HTML, "prefers-color-scheme: dark") {
		t.Error("no language, title or dark mode")
	}
	for _, tag := range []string{"script", "link", "img", "form", "iframe", "object"} {
		if len(d.all(tag)) > 0 {
			t.Errorf("<%s> in a mail", tag)
		}
	}
	for _, table := range d.all("table") {
		if attr(table, "role") != "presentation" {
			t.Error("a screen reader would read the layout out as a table")
		}
	}
	for _, a := range d.all("a") {
		if to := attr(a, "href"); !strings.Contains(m.Text, to) {
			t.Errorf("only in the HTML: %s", to)
		}
	}
	for line := range strings.Lines(m.Text) {
		line = strings.TrimRight(line, "\n")
		if n := utf8.RuneCountInString(line); n > columns && !strings.Contains(line, "://") && strings.Contains(strings.TrimSpace(line), " ") {
			t.Errorf("a line of %d characters: %q", n, line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("spaces at the end of %q", line)
		}
	}
	if !strings.HasSuffix(m.Text, "\n") || strings.HasPrefix(m.Text, "\n") || strings.Contains(m.Text, "\n\n\n") {
		t.Errorf("stray empty lines:\n%s", m.Text)
	}
}

func TestMailTextHasNoMarkup(t *testing.T) {
	set := load(t)
	for _, d := range []IssueMail{issueMail, many(3, 5)} {
		m, err := set.IssueMail(d)
		if err != nil {
			t.Fatal(err)
		}
		if left := regexp.MustCompile(`</?\w+|&\w+;|\{\{|<no value>|%!`).FindString(strings.ReplaceAll(m.Text, "v=1&t=2", "")); left != "" {
			t.Errorf("%q is left in:\n%s", left, m.Text)
		}
	}
}

// A sender renders an issue once and puts each subscriber's link in the mark's place.
func TestUnsubscribeMarkSurvives(t *testing.T) {
	set := load(t)
	m, err := set.IssueMail(issueMail)
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{"@@unsubscribe@@", "@@preferences@@"} {
		if strings.Count(m.HTML, `href="`+mark+`"`) != 1 || strings.Count(m.Text, "\n"+mark+"\n") != 1 {
			t.Errorf("want %s once in each part:\n%s\n%s", mark, m.Text, m.HTML)
		}
	}
}

func TestIssueMailShowsAllThatFits(t *testing.T) {
	set := load(t)
	m, err := set.IssueMail(many(5, 5))
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]string{"HTML": m.HTML, "text": m.Text} {
		if n := strings.Count(part, "https://talks.example/"); n != 5 {
			t.Errorf("the %s shows %d items, want all 5", name, n)
		}
	}
	if got := moreLink(t, m, site.Issue("weekly", 1)); got != "" {
		t.Errorf("it ends with %q, though nothing is left out", got)
	}
}

// moreLink is what the last link to the web page says, beside "View in browser" at the top.
func moreLink(t *testing.T, m Mail, web string) string {
	var said string
	for _, a := range read(t, m.HTML).all("a") {
		if attr(a, "href") == web && words(a) != "View in browser" {
			said = words(a)
		}
	}
	return said
}

func TestF8UnderTheLimit(t *testing.T) {
	set := load(t)
	m, err := set.IssueMail(many(900, 30))
	if err != nil {
		t.Fatal(err)
	}
	shown := strings.Count(m.HTML, `href="https://talks.example/`)
	if want := fmt.Sprintf("And %d more on the web", 900-shown); shown < 50 || moreLink(t, m, site.Issue("weekly", 1)) != want {
		t.Errorf("%d items in %d bytes, then %q", shown, len(m.HTML), moreLink(t, m, site.Issue("weekly", 1)))
	}
}

func TestSubject(t *testing.T) {
	titled := func(title string, titles ...string) *digest.Issue {
		i := &digest.Issue{Title: title, Number: 12}
		for _, s := range titles {
			i.Groups = append(i.Groups, digest.Group{Items: []digest.Item{{Entry: curated.Entry{Title: s}}}})
		}
		return i
	}
	for _, tt := range []struct {
		issue *digest.Issue
		want  string
	}{
		{titled("Weekly", "One", "Two", "Three"), "Weekly #12: One and 2 more"},
		{titled("Weekly", "One"), "Weekly #12: One"},
		{titled("Weekly"), "Weekly #12"},
		{titled("Weekly", "=?utf-8?q?x?="), "Weekly #12: =?utf-8?q?x?="},
		{titled("Weekly", "One\r\nBcc: all@example.org\u202e"), "Weekly #12: One Bcc: all@example.org"},
		{
			titled("Weekly", "A title that goes on and on, as titles of talks are wont to do, until the inbox cuts it", "Two"),
			"Weekly #12: A title that goes on and on, as titles of talks are… and 1 more",
		},
		{
			titled("A digest whose name is long enough to fill a subject by itself", "A title that is long, too", "Two"),
			"A digest whose name is long enough to… #12: A title that is long… and 1 more",
		},
	} {
		if got := subject(tt.issue); got != tt.want {
			t.Errorf("subject\n got %q\nwant %q", got, tt.want)
		}
	}
}

func TestIssueNamesListsWhereThereAreSeveral(t *testing.T) {
	named := func(d IssueMail) []string {
		var out []string
		for _, g := range newIssue(d).Groups {
			out = append(out, g.List)
		}
		return out
	}
	if got := fmt.Sprintf("%q", named(issueMail)); got != `["Feeds and newsletters" "" "" ""]` {
		t.Errorf("two lists, the second headed by its own name: %s", got)
	}
	if got := fmt.Sprintf("%q", named(many(2, 1))); got != `[""]` {
		t.Errorf("one list: %s", got)
	}
}

func TestF9Preheader(t *testing.T) {
	set := load(t)
	m, err := set.IssueMail(issueMail)
	if err != nil {
		t.Fatal(err)
	}
	var first *html.Node
	for n := range within(read(t, m.HTML).one("body")) {
		if n.Data == "div" {
			first = n
			break
		}
	}
	if first == nil || !strings.Contains(attr(first, "style"), "display:none") || !strings.HasPrefix(words(first), entries[0].Title) {
		t.Errorf("want the titles in a hidden element at the start of the body:\n%.2000s", m.HTML)
	}
}

// The imprint stands in both parts of every mail, and on every page; where there is none, nothing stands in its place.
func TestF10Imprint(t *testing.T) {
	set := load(t)
	for _, imprint := range []string{"Ada Example\n12 Paper Lane, Printford PF1 2AB", ""} {
		own := site
		own.Imprint = imprint
		d, c := issueMail, confirmationMail
		d.Site, c.Site = own, own
		issue, err := set.IssueMail(d)
		if err != nil {
			t.Fatal(err)
		}
		confirmation, err := set.ConfirmationMail(c)
		if err != nil {
			t.Fatal(err)
		}
		var page bytes.Buffer
		if err := set.Notice(&page, Notice{Site: own, Title: "Done"}); err != nil {
			t.Fatal(err)
		}
		for name, part := range map[string]string{
			"issue's text": issue.Text, "issue's HTML": issue.HTML, "confirmation's text": confirmation.Text,
			"confirmation's HTML": confirmation.HTML, "page": page.String(),
		} {
			for _, line := range []string{"Ada Example", "12 Paper Lane, Printford PF1 2AB"} {
				if has := strings.Contains(part, line); has != (imprint != "") {
					t.Errorf("imprint %q: the %s has %q: %v", imprint, name, line, has)
				}
			}
		}
	}
}

// Who gets a selection is told so, of how many it is, and where the rest is; its subject and numbers are of what is in it.
func TestIssueMailOfASelection(t *testing.T) {
	set := load(t)
	whole, err := set.IssueMail(many(12, 5))
	if err != nil {
		t.Fatal(err)
	}
	d := many(3, 5)
	d.SelectedFrom = 12
	m, err := set.IssueMail(d)
	if err != nil {
		t.Fatal(err)
	}
	checkMail(t, m)
	web := site.Issue("weekly", 1)
	if m.Subject != "Weekly #1: Talk 1 and 2 more" || moreLink(t, m, web) != "The whole issue" {
		t.Errorf("subject %q, link %q", m.Subject, moreLink(t, m, web))
	}
	const says = "These are the sections that you chose, 3 of 12 new entries. The whole issue is on the web."
	for name, part := range map[string]string{"text": m.Text, "HTML": words(read(t, m.HTML).one("body"))} {
		if part = strings.Join(strings.Fields(part), " "); !strings.Contains(part, says) || !strings.Contains(part, "· 3 new entries") {
			t.Errorf("the %s does not say so:\n%s", name, part)
		}
	}
	if strings.Contains(whole.Text+whole.HTML, "that you chose") {
		t.Errorf("the whole issue says that it is chosen:\n%s", whole.Text)
	}
}
