package publish

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// issued is a world with a digest of two lists that has issue 1, which two people are to get.
func issued(t *testing.T) (*world, *store.Issue) {
	t.Helper()
	w := newWorld(t, "tools", "other")
	w.Site.Digests = []templates.DigestLink{{ID: "weekly", Title: "Weekly tools", When: "every Monday"}}
	w.check("tools", tools)
	w.check("other", "# Other\n\n- [Pan](https://pan.example)\n")
	if err := w.Store.BeginDigest(t.Context(), "weekly", []string{"tools", "other"}); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if err := w.Store.AddSubscriber(t.Context(), fmt.Sprintf("reader%d@example.org", i), []string{"weekly"}); err != nil {
			t.Fatal(err)
		}
	}
	w.ahead = time.Hour
	w.check("tools", added)
	w.check("other", "# Other\n\n- [Pan](https://pan.example)\n- [Kettle & pot](https://kettle.example/?a=1&b=2) - Boils <fast>.\n")
	d := digest.Digest{ID: "weekly", Title: "Weekly tools", Lists: []string{"tools", "other"}}
	issue, err := w.Store.Freeze(t.Context(), d, "2026-01-05T09:00:00Z", func(i *digest.Issue) (store.Parts, error) { return store.Parts{Subject: "1"}, nil })
	if err != nil || issue == nil {
		t.Fatalf("no issue: %v", err)
	}
	return w, issue
}

// pages are an issue's page, its digest's index and feed.
var pages = []string{"digests/weekly/1/index.html", "digests/weekly/index.html", "digests/weekly/atom.xml"}

// TestIssuesHavePagesForEver: whatever leaves the configuration, what mails link to stays.
func TestIssuesHavePagesForEver(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, w *world, i *store.Issue){
		"nothing":                 func(*testing.T, *world, *store.Issue) {},
		"a list leaves":           func(_ *testing.T, w *world, _ *store.Issue) { w.Lists = w.Lists[1:] },
		"all lists leave":         func(_ *testing.T, w *world, _ *store.Issue) { w.Lists = nil },
		"the digest leaves":       func(_ *testing.T, w *world, _ *store.Issue) { w.Site.Digests = nil },
		"everything leaves":       func(_ *testing.T, w *world, _ *store.Issue) { w.Site.Digests, w.Lists = nil, nil },
		"another takes its place": func(_ *testing.T, w *world, _ *store.Issue) { w.Site.Digests = []templates.DigestLink{{ID: "monthly"}} },
		"a list is renamed": func(t *testing.T, w *world, _ *store.Issue) {
			if done, err := w.Store.Rename(t.Context(), "tools", "renamed"); err != nil || !done {
				t.Fatal(done, err)
			}
			w.Lists[0].ID = "renamed"
		},
		"the issue is cancelled when one was sent": func(t *testing.T, w *world, i *store.Issue) {
			sendOne(t, w.Store, i)
			if err := w.Store.Cancel(t.Context(), i.Ref, "enough"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, issue := issued(t)
			w.publish()
			before := w.read(pages[0])
			change(t, w, issue)
			for _, from := range []string{"what is there", "an empty folder"} {
				w.publish()
				for _, page := range pages {
					for _, text := range []string{"Fret saw", "kettle.example/?a=1"} {
						if page == pages[1] && strings.HasPrefix(text, "kettle") {
							continue // it names the entries, and leads to the issue
						}
						if !strings.Contains(w.read(page), text) {
							t.Errorf("from %s: %s does not hold %q", from, page, text)
						}
					}
				}
				if got := news(w.read(pages[0])); got != news(before) {
					t.Errorf("from %s: the page reads otherwise:\n%s\nbefore:\n%s", from, got, news(before))
				}
				if ended := strings.Contains(w.read(pages[1]), "This digest has ended"); ended == slices.ContainsFunc(w.Site.Digests, func(d templates.DigestLink) bool { return d.ID == "weekly" }) {
					t.Errorf("from %s: the index says that the digest ended: %v", from, ended)
				}
				if err := os.RemoveAll(w.Dir); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// news is the part of an issue's page that the mail has, too.
func news(page string) string {
	_, after, _ := strings.Cut(page, `<div class="news">`)
	before, _, _ := strings.Cut(after, `<div class="side">`)
	return before
}

// sendOne has one subscriber get an issue.
func sendOne(t *testing.T, s *store.Store, i *store.Issue) {
	t.Helper()
	sender := s.Sender("test", time.Minute)
	claimed, _, err := sender.Claim(t.Context(), 1, time.Minute)
	if err != nil || len(claimed) != 1 || claimed[0].Issue != i.Ref {
		t.Fatalf("claimed %+v, %v", claimed, err)
	}
	if err := sender.Intent(t.Context(), claimed[0], []byte("the message")); err != nil {
		t.Fatal(err)
	}
	if err := sender.Sent(t.Context(), claimed[0].ID, "250 ok")(); err != nil {
		t.Fatal(err)
	}
}

// TestIssuesThatNobodyGotHaveNoPage: drafts, and what was cancelled before.
func TestIssuesThatNobodyGotHaveNoPage(t *testing.T) {
	w, issue := issued(t)
	if err := w.Store.Cancel(t.Context(), issue.Ref, "a mistake"); err != nil {
		t.Fatal(err)
	}
	w.publish()
	if text := w.read("digests/weekly/index.html"); strings.Contains(text, "Fret saw") {
		t.Error("a withdrawn issue is in the index")
	}
	w.Site.Digests = nil
	w.publish()
	if _, err := os.Stat(filepath.Join(w.Dir, "digests/weekly/index.html")); err == nil {
		t.Error("a digest that ended before it had an issue has pages")
	}
}

// TestIssuePageIsTheMail compares the page of an issue with its mail: the same entries, texts and note, and nothing of a
// subscriber.
func TestIssuePageIsTheMail(t *testing.T) {
	w, issue := issued(t)
	const token = "T0KEN-of-a-subscriber"
	mail := templates.IssueMail{Site: w.Site, Issue: issue.Issue, Unsubscribe: w.Site.Unsubscribe(token), Note: "Read **this** first, [there](https://note.example/x)."}
	parts, err := w.Templates.IssueMail(mail)
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	if err := w.Templates.Issue(&page, templates.IssuePage{Site: w.Site, Issue: issue.Issue, Note: mail.Note}); err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`href="([^"]*)"`)
	for _, link := range links.FindAllStringSubmatch(parts.HTML, -1) {
		outside := !strings.HasPrefix(link[1], "https://example.org/news/")
		if outside && !strings.Contains(page.String(), link[0]) {
			t.Errorf("the page does not have the mail's link %s", link[1])
		}
	}
	for _, g := range issue.Groups {
		for _, item := range g.Items {
			title := strings.ReplaceAll(item.Title, "&", "&amp;")
			for where, text := range map[string]string{"mail": parts.HTML, "page": page.String()} {
				if !strings.Contains(text, title) {
					t.Errorf("the %s does not have %q", where, title)
				}
			}
		}
	}
	for _, text := range []string{"first, ", "there", "Boils"} {
		if !strings.Contains(page.String(), text) || !strings.Contains(parts.HTML, text) {
			t.Errorf("%q is not in both the page and the mail", text)
		}
	}
	w.publish()
	for _, name := range pages {
		for _, personal := range []string{token, "-/unsubscribe/", "-/preferences/", "reader0@", "reader1@"} {
			if strings.Contains(w.read(name), personal) || strings.Contains(page.String(), personal) {
				t.Errorf("%s holds %q", name, personal)
			}
		}
	}
	if !strings.Contains(parts.HTML, w.Site.Issue("weekly", 1)) {
		t.Error("the mail does not link to the page")
	}
}

// TestIssueFeedIsValid holds the feed of an ended digest against the schema of RFC 4287.
func TestIssueFeedIsValid(t *testing.T) {
	w, _ := issued(t)
	w.Site.Digests = nil
	w.publish()
	jing(t, w.Dir, []string{pages[2]})
}
