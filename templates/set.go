package templates

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"io/fs"
	"maps"
	"slices"
	texttemplate "text/template"
)

//go:embed pages mail
var embedded embed.FS

//go:embed assets
var assets embed.FS

// trial is what a template is tried on when it is loaded: one of everything first, then what has next to nothing, so that
// every branch of a template is seen.
type trial []any

// The pages by the name of their file.
var pages = map[string]trial{
	"landing":     {trialLanding, Landing{}},
	"list":        {trialList, ListPage{}},
	"section":     {trialSection, SectionPage{}},
	"digest":      {trialDigest, DigestPage{}},
	"issue":       {newIssue(trialMail), newIssue(IssueMail{})},
	"subscribe":   {trialForm, Form{}},
	"confirm":     {trialForm, Form{}},
	"unsubscribe": {trialForm, Form{}},
	"act":         trialGates(),
	"preferences": {trialPreferences, Preferences{}},
	"saved":       {trialPreferences, Preferences{}},
	"notice":      {trialNotice, Notice{}},
}

// The mails likewise, each a text and an HTML twin.
var mails = map[string]trial{
	"issue":        {newIssue(trialMail), newIssue(trialMail).first(0), newIssue(IssueMail{})},
	"confirmation": {trialConfirmation, ConfirmationMail{}},
	"act":          trialActs(),
}

// markdowns are what is written as Markdown too.
var markdowns = map[string]trial{"issue": {newIssue(trialMail), newIssue(IssueMail{})}}

// Set is the parsed templates. It may be used by several goroutines at once.
type Set struct {
	pages map[string]*htmltemplate.Template
	mails map[string]twins

	markdowns map[string]*texttemplate.Template

	// Warnings are what may be meant but seldom is, in templates of the operator's own: sentences for a log.
	Warnings []string
}

// twins are one mail as text and as HTML.
type twins struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

// Assets holds the files that pages and feeds refer to, to be published as assets/: style.css for pages, feed.css for
// feeds opened in a browser, icon.svg and, for those who take no SVG (link previews, telephones), icon.png.
func Assets() fs.FS {
	sub, err := fs.Sub(assets, "assets")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return sub
}

// Load parses the embedded templates. A file in overrides, which may be nil, takes the place of the embedded one of the
// same path (pages/list.html, mail/issue.txt). Each template is tried, because a misspelt field or an unsafe place for a
// value shows only then, and what must not be missing from a message is looked for. What is wrong with a template is an
// *Error.
func Load(overrides fs.FS) (*Set, error) {
	if overrides != nil {
		if err := onlyTemplates(overrides); err != nil {
			return nil, err
		}
	}
	src := source{overrides}
	t := &Set{pages: map[string]*htmltemplate.Template{}, mails: map[string]twins{}, markdowns: map[string]*texttemplate.Template{}}
	for _, load := range []func(source) error{t.loadPages, t.loadMails, t.loadMarkdowns} {
		if err := load(src); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// telling says whether trial i of n has all that the template must show: the first, and, where each act has words of its own,
// all but the last, which has next to nothing.
func telling(name string, i, n int) bool { return i == 0 || name == "act" && i < n-1 }

func (t *Set) loadPages(src source) error {
	layout, err := src.html("pages/layout.html", htmltemplate.New("").Funcs(htmlFuncs))
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		path := "pages/" + name + ".html"
		base, err := layout.Clone()
		if err != nil {
			return fmt.Errorf("copying the page layout: %w", err)
		}
		if t.pages[name], err = src.html(path, base); err != nil {
			return err
		}
		for i, data := range pages[name] {
			var b bytes.Buffer
			if err := t.page(&b, name, data); err != nil {
				return located(path, err)
			}
			if !telling(name, i, len(pages[name])) {
				continue
			}
			if err := t.inspectPage(path, name, b.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Set) loadMails(src source) (err error) {
	layout, err := src.html("mail/layout.html", htmltemplate.New("").Funcs(htmlFuncs))
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(mails)) {
		path := "mail/" + name
		var m twins
		if m.text, err = src.text(path+".txt", textFuncs); err != nil {
			return err
		}
		base, err := layout.Clone()
		if err != nil {
			return fmt.Errorf("copying the mails' layout: %w", err)
		}
		if m.html, err = src.html(path+".html", base); err != nil {
			return err
		}
		t.mails[name] = m
		for i, data := range mails[name] {
			made, err := t.mail(name, data)
			if err != nil {
				return located(path, err)
			}
			if !telling(name, i, len(mails[name])) {
				continue
			}
			if err := t.inspectMail(path, name, made); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Set) loadMarkdowns(src source) (err error) {
	for _, name := range slices.Sorted(maps.Keys(markdowns)) {
		path := "mail/" + name + ".md"
		if t.markdowns[name], err = src.text(path, markdownFuncs); err != nil {
			return err
		}
		for _, data := range markdowns[name] {
			if _, err := t.markdown(name, data); err != nil {
				return located(path, err)
			}
		}
	}
	return nil
}

// source reads template files: the overriding one, else the embedded one.
type source struct{ overrides fs.FS }

func (s source) read(path string) (string, error) {
	if s.overrides != nil {
		b, err := fs.ReadFile(s.overrides, path)
		if err == nil {
			return string(b), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("reading the template %s: %w", path, err)
		}
	}
	b, err := embedded.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading the embedded template: %w", err)
	}
	return string(b), nil
}

func (s source) html(path string, base *htmltemplate.Template) (*htmltemplate.Template, error) {
	text, err := s.read(path)
	if err != nil {
		return nil, err
	}
	t, err := base.New(path).Parse(text)
	if err != nil {
		return nil, located(path, err)
	}
	return t, nil
}

func (s source) text(path string, funcs texttemplate.FuncMap) (*texttemplate.Template, error) {
	text, err := s.read(path)
	if err != nil {
		return nil, err
	}
	t, err := texttemplate.New(path).Funcs(funcs).Parse(text)
	if err != nil {
		return nil, located(path, err)
	}
	return t, nil
}

// page writes a page, or nothing of it when it fails.
func (t *Set) page(w io.Writer, name string, data any) error {
	var b bytes.Buffer
	if err := t.pages[name].ExecuteTemplate(&b, "page", data); err != nil {
		return fmt.Errorf("rendering the %s page: %w", name, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// mail renders both parts of a mail; the subject is left to the caller.
func (t *Set) mail(name string, data any) (Mail, error) {
	var text, html bytes.Buffer
	if err := t.mails[name].text.Execute(&text, data); err != nil {
		return Mail{}, fmt.Errorf("rendering the text of the %s mail: %w", name, err)
	}
	if err := t.mails[name].html.Execute(&html, data); err != nil {
		return Mail{}, fmt.Errorf("rendering the HTML of the %s mail: %w", name, err)
	}
	return Mail{Text: tidy(text.String()), HTML: html.String()}, nil
}

// markdown renders a mail as Markdown.
func (t *Set) markdown(name string, data any) (string, error) {
	var b bytes.Buffer
	if err := t.markdowns[name].Execute(&b, data); err != nil {
		return "", fmt.Errorf("rendering the %s as Markdown: %w", name, err)
	}
	return tidy(b.String()), nil
}

// Landing writes the front page.
func (t *Set) Landing(w io.Writer, d Landing) error { return t.page(w, "landing", d) }

// List writes a list's page.
func (t *Set) List(w io.Writer, d ListPage) error { return t.page(w, "list", d) }

// Section writes the page of one section of a list.
func (t *Set) Section(w io.Writer, d SectionPage) error { return t.page(w, "section", d) }

// Digest writes a digest's index of issues.
func (t *Set) Digest(w io.Writer, d DigestPage) error { return t.page(w, "digest", d) }

// Issue writes an issue as a page.
func (t *Set) Issue(w io.Writer, d IssuePage) error {
	return t.page(w, "issue", newIssue(IssueMail{Site: d.Site, Issue: d.Issue, Note: d.Note}))
}

// Subscribe writes the sign-up form.
func (t *Set) Subscribe(w io.Writer, d Form) error { return t.page(w, "subscribe", d) }

// Confirm writes the page a confirmation mail leads to: one button, because following a link must change nothing.
func (t *Set) Confirm(w io.Writer, d Form) error { return t.page(w, "confirm", d) }

// Unsubscribe writes the page an unsubscribe link leads to, with its one button.
func (t *Set) Unsubscribe(w io.Writer, d Form) error { return t.page(w, "unsubscribe", d) }

// Act writes the page whose button does what a mail asked about.
func (t *Set) Act(w io.Writer, d ActPage) error { return t.page(w, "act", d) }

// Notice writes a page that only says something.
func (t *Set) Notice(w io.Writer, d Notice) error { return t.page(w, "notice", d) }
