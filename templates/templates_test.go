package templates

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// page is a page to be rendered, by the name of its template.
type page struct {
	name  string
	write func(t *Set, w io.Writer) error
}

// full is every page on realistic data.
var full = []page{
	{"landing", func(t *Set, w io.Writer) error { return t.Landing(w, Landing{Site: site, Lists: lists}) }},
	{"list", func(t *Set, w io.Writer) error { return t.List(w, listPage) }},
	{"section", func(t *Set, w io.Writer) error { return t.Section(w, sectionPage) }},
	{"digest", func(t *Set, w io.Writer) error { return t.Digest(w, digestPage) }},
	{"issue", func(t *Set, w io.Writer) error { return t.Issue(w, issuePage) }},
	{"subscribe", func(t *Set, w io.Writer) error { return t.Subscribe(w, signUp) }},
	{"confirm", func(t *Set, w io.Writer) error { return t.Confirm(w, leaving) }},
	{"preferences", func(t *Set, w io.Writer) error { return t.Preferences(w, choosing) }},
	{"saved", func(t *Set, w io.Writer) error { return t.Saved(w, choosing) }},
	{"unsubscribe", func(t *Set, w io.Writer) error { return t.Unsubscribe(w, leaving) }},
	{"leave_address", func(t *Set, w io.Writer) error { return t.Act(w, actPages["leave_address"]) }},
	{"take_address", func(t *Set, w io.Writer) error { return t.Act(w, actPages["take_address"]) }},
	{"data", func(t *Set, w io.Writer) error { return t.Act(w, actPages["data"]) }},
	{"forget", func(t *Set, w io.Writer) error { return t.Act(w, actPages["forget"]) }},
	{"notice", func(t *Set, w io.Writer) error {
		return t.Notice(w, Notice{Site: site, Title: "Done", Text: "You are subscribed."})
	}},
}

func load(t *testing.T) *Set {
	t.Helper()
	set, err := Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestSamples writes all pages and mails to the folder $SAMPLES, to be looked at in a browser.
func TestSamples(t *testing.T) {
	dir := os.Getenv("SAMPLES")
	if dir == "" {
		t.Skip("SAMPLES names no folder to write to")
	}
	set := load(t)
	write := func(name string, b []byte) {
		b = bytes.ReplaceAll(b, []byte(site.File("assets/")), []byte("assets/"))
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Error(err)
		}
	}
	for _, p := range slices.Concat(full, extremes) {
		var b bytes.Buffer
		if err := p.write(set, &b); err != nil {
			t.Error(err)
		}
		write(p.name+".html", b.Bytes())
	}
	issue, err := set.IssueMail(issueMail)
	if err != nil {
		t.Fatal(err)
	}
	confirmation, err := set.ConfirmationMail(confirmationMail)
	if err != nil {
		t.Fatal(err)
	}
	mails := map[string]Mail{"issue-mail": issue, "confirmation-mail": confirmation}
	for kind, d := range actMails {
		if mails["act-mail-"+kind], err = set.ActMail(d); err != nil {
			t.Fatal(err)
		}
	}
	for name, d := range letters() {
		if mails["letter-"+name], err = set.IssueMail(d); err != nil {
			t.Fatal(err)
		}
	}
	for name, m := range mails {
		write(name+".html", []byte(m.HTML))
		write(name+".txt", fmt.Appendf(nil, "Subject: %s\n\n%s", m.Subject, m.Text))
	}
	if err := os.CopyFS(filepath.Join(dir, "assets"), Assets()); err != nil {
		t.Error(err)
	}
}
