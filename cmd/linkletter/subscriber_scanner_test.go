package main

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkletter/templates/browsertest"
)

// TestScanner has a robot look at every link of every mail as soon as it comes, as mail servers' scanners do: it gets header and
// page of each, and what these lead to, first with a bare client and then with a browser that runs scripts. Nothing changes, and
// afterwards every link is as good as before.
func TestScanner(t *testing.T) {
	t.Parallel()
	browser := browsertest.Chromium(t)
	c := openClub(t, "")
	r := &robot{club: c, browsing: atBrowser(t, browser, c.base, "robot")}
	const address = "scanned@reader.example"

	c.posts(c.base+"-/subscribe", url.Values{"address": {address}, "digest": {"weekly"}})
	l := r.looksAt(address)
	c.posts(l.link(t, "/-/confirm/"), nil)
	c.standsAs(address, "weekly", "confirmed")

	c.publish("Second", clubSections...)
	c.sentNow("weekly")
	l = r.looksAt(address)
	preferences := l.link(t, "/-/preferences/")
	for _, act := range []string{"data", "address", "forget"} {
		c.posts(preferences, url.Values{"act": {act}, "address": {"elsewhere@reader.example"}})
		l = r.looksAt(address)
		if act == "data" {
			if got := c.posts(l.link(t, "/-/act/"), nil); !strings.Contains(got, address) {
				t.Errorf("the data that was scanned before is %q, want what is stored about %s", got, address)
			}
		}
	}
	c.posts(l.link(t, "/-/act/"), nil)
	if left := c.column(`SELECT address FROM subscriber`); len(left) != 0 {
		t.Errorf("after the scanned link to be forgotten was used, there are subscribers: %q", left)
	}
	r.quiet()
}

// robot is what looks at the links in mails.
type robot struct {
	*club
	*browsing
}

// looksAt waits for the next message and looks at all that it leads to.
func (r *robot) looksAt(address string) mailing {
	t := r.club.T
	t.Helper()
	l := r.received(address)
	// What the server said of the message may be written down meanwhile; who is subscribed to what is the readers' alone.
	people := r.dump("subscriber", "subscription", "choice", "suppression", "bounce")
	if !slices.ContainsFunc(people, func(row string) bool { return strings.Contains(row, "'"+address+"'") }) {
		t.Fatalf("%q: what is compared does not hold %s: %q", l.Subject, address, people)
	}
	pages := r.pages(l)
	if diff := cmp.Diff(people, r.dump("subscriber", "subscription", "choice", "suppression", "bounce")); diff != "" {
		t.Errorf("%q: a robot without scripts changed (-before +after):\n%s", l.Subject, diff)
	}
	r.until("all that was sent is written down", func() bool {
		return len(r.column(`SELECT id FROM confirmation WHERE next IS NOT NULL UNION ALL SELECT id FROM delivery WHERE state <> 'sent'
			UNION ALL SELECT id FROM issue WHERE state <> 'done'`)) == 0
	})
	all := r.column(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'lease' ORDER BY name`)
	before := r.dump(all...)
	r.pages(l)
	for _, page := range pages {
		r.open(page)
	}
	if diff := cmp.Diff(before, r.dump(all...)); diff != "" {
		t.Errorf("%q: a robot with scripts changed (-before +after):\n%s", l.Subject, diff)
	}
	return l
}

// pages asks for the header and the page of each link in a mail that leads to the site, and of each link on those pages, and
// gives those of the mail.
func (r *robot) pages(l mailing) []string {
	t := r.club.T
	t.Helper()
	ours := func(links []string) []string {
		return slices.DeleteFunc(links, func(s string) bool { return !strings.HasPrefix(s, r.club.base) })
	}
	first := ours(l.links())
	if len(first) == 0 {
		t.Errorf("%q has no link to the site", l.Subject)
	}
	seen := map[string]bool{}
	for depth, next := 0, first; depth < 2; depth++ {
		var further []string
		for _, link := range next {
			if seen[link] {
				continue
			}
			seen[link] = true
			for _, method := range []string{http.MethodHead, http.MethodGet} {
				req, err := http.NewRequestWithContext(t.Context(), method, link, nil)
				r.must(err)
				res, err := http.DefaultClient.Do(req)
				r.must(err)
				body, err := io.ReadAll(res.Body)
				res.Body.Close()
				r.must(err)
				if res.StatusCode != http.StatusOK {
					t.Errorf("%s %s: %s", method, link, res.Status)
				}
				if method == http.MethodGet && strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
					for _, href := range hrefs(string(body)) {
						if at, err := res.Request.URL.Parse(href); err == nil {
							at.Fragment = ""
							further = append(further, at.String())
						}
					}
				}
			}
		}
		next = ours(further)
	}
	return first
}

// dump is all rows of tables.
func (c *club) dump(tables ...string) []string {
	c.Helper()
	var all []string
	for _, table := range tables {
		columns := c.column(`SELECT 'quote("' || name || '")' FROM pragma_table_info('` + table + `')`)
		for _, row := range c.column(`SELECT ` + strings.Join(columns, ` || ' ' || `) + ` FROM "` + table + `" ORDER BY 1`) {
			all = append(all, table+" "+row)
		}
	}
	return all
}

// posts sends a form as a browser without anything else does, and gives the answer.
func (c *club) posts(link string, form url.Values) string {
	c.Helper()
	res, err := http.PostForm(link, form)
	c.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	c.must(err)
	if res.StatusCode != http.StatusOK {
		c.Errorf("POST %s: %s\n%s", link, res.Status, body)
	}
	return string(body)
}
