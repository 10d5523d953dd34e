package templates

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"testing"

	"linkletter/templates/browsertest"
)

var styleSheet = regexp.MustCompile(`(?s)<style>.*?</style>`)

// TestF9MailsInABrowser opens mails as programs show them: on a telephone and at a desk, by day and by night, with their style
// sheet and without, as some programs drop it. Nothing scrolls sideways, nothing is loaded, and axe-core, where it is, finds
// all of it readable (WCAG 2.2 A and AA, contrast among them).
func TestF9MailsInABrowser(t *testing.T) {
	set := load(t)
	mails := map[string]string{}
	for name, d := range letters() {
		m, err := set.IssueMail(d)
		if err != nil {
			t.Fatal(err)
		}
		checkMail(t, m)
		mails[name] = m.HTML
	}
	m, err := set.ConfirmationMail(confirmationMail)
	if err != nil {
		t.Fatal(err)
	}
	mails["confirmation"] = m.HTML
	for kind, d := range actMails {
		if m, err = set.ActMail(d); err != nil {
			t.Fatal(err)
		}
		mails[kind] = m.HTML
	}
	others := map[string]http.HandlerFunc{}
	for name, html := range mails {
		for name, html := range map[string]string{name: html, name + "-bare": styleSheet.ReplaceAllString(html, "")} {
			others[name] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				fmt.Fprint(w, html)
			}
		}
	}
	axe, _ := os.ReadFile(os.Getenv("AXE")) // TestAccessibility sees to it that it is there in CI
	browser := browsertest.Chromium(t)
	base := serve(t, nil, others)
	for name := range mails {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTab(t, browser, base)
			for _, document := range []string{name, name + "-bare"} {
				b.open(document)
				if axe != nil {
					ask[bool](b, string(axe)+"; true")
				}
				for _, w := range []int64{375, 640} {
					b.width(w)
					for _, s := range []string{"light", "dark"} {
						when := fmt.Sprintf("%s, %d px, %s", document, w, s)
						b.media("", prefers(s))
						b.checkFits(when)
						if axe == nil || name != "twelve" && name != "scripts" && name != "confirmation" {
							continue // it takes seconds, and finds nothing that it does not find in these
						}
						for _, v := range ask[[]string](b, auditMail) {
							t.Errorf("%s: %s", when, v)
						}
					}
				}
			}
			b.quiet()
		})
	}
}

// auditMail leaves out what is about pages.
const auditMail = `(async () => {
	const found = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21aa"], preload: false, resultTypes: ["violations"]})
	return found.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + " (" + n.any.concat(n.all, n.none).map(c => c.message).join("; ") + ")").join(", "))
})()`
