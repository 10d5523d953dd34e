package templates

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Error is what is wrong with one template.
type Error struct {
	Path    string // "mail/issue.txt"
	Line    int    // from 1; 0: the file as a whole
	Problem string
	Unknown bool // Path is the name of none; Names lists those there are
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("template %s: %s", e.Path, e.Problem)
	}
	return fmt.Sprintf("template %s:%d: %s", e.Path, e.Line, e.Problem)
}

// Originals holds the embedded templates, to start one's own from: files may be changed, and those that are not may be
// taken out.
func Originals() fs.FS { return embedded }

// Names are the paths of all templates.
func Names() []string {
	var names []string
	for _, dir := range folders() {
		files, err := embedded.ReadDir(dir)
		if err != nil {
			panic(err) // the folder is compiled in
		}
		for _, f := range files {
			names = append(names, dir+"/"+f.Name())
		}
	}
	return names
}

func folders() []string { return []string{"mail", "pages"} }

// onlyTemplates refuses files that would take no template's place: it is a misspelt name, and the operator's words would
// never be seen. Those that are nobody's templates are passed over.
func onlyTemplates(overrides fs.FS) error {
	known := Names()
	top, err := fs.ReadDir(overrides, ".")
	if err != nil {
		return fmt.Errorf("reading the folder of templates: %w", err)
	}
	for _, f := range top {
		if passedOver(f.Name()) {
			continue
		}
		if !slices.Contains(folders(), f.Name()) {
			return &Error{Path: f.Name(), Problem: "there is no template of this name", Unknown: true}
		}
		inside, err := fs.ReadDir(overrides, f.Name())
		if err != nil {
			return &Error{Path: f.Name(), Problem: fmt.Sprintf("it cannot be read as a folder: %v", err)}
		}
		for _, f2 := range inside {
			path := f.Name() + "/" + f2.Name()
			if !passedOver(f2.Name()) && !slices.Contains(known, path) {
				return &Error{Path: path, Problem: "there is no template of this name", Unknown: true}
			}
		}
	}
	return nil
}

// passedOver recognises hidden files, those that editors leave behind, and what a folder says about itself.
func passedOver(name string) bool {
	for _, start := range []string{".", "README", "LICENSE"} {
		if strings.HasPrefix(name, start) {
			return true
		}
	}
	for _, end := range []string{"~", ".bak", ".orig", ".swp", ".swo", ".tmp"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// placed is how text/template and html/template say where something is wrong.
var placed = regexp.MustCompile(`(?s)template: ?((?:mail|pages)/[a-z]+\.[a-z]+):(\d+)(?::\d+)?: (.*)$`)

// located is an error of a template library as an Error; path is the template that was at work, for when it does not say.
func located(path string, err error) error {
	if m := placed.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[2])
		return &Error{Path: m[1], Line: line, Problem: m[3]}
	}
	return &Error{Path: path, Problem: err.Error()}
}

// inspectMail looks into the trial of a mail for what must be in each. path is the mail's, without its ending.
func (t *Set) inspectMail(path, name string, m Mail) error {
	link, what := trialMail.Unsubscribe, "the reader's way to leave, {{.Unsubscribe}}, without which no issue may be sent"
	switch name {
	case "confirmation":
		link, what = trialConfirmation.Confirm, "the link that confirms, {{.Confirm}}"
	case "act":
		link, what = trialAct.Link, "the link that confirms, {{.Link}}, for every kind of act"
	}
	if !strings.Contains(m.Text, link) {
		return &Error{Path: path + ".txt", Problem: "it does not hold " + what}
	}
	settings := trialMail.Preferences
	linked, only, choosing := false, "", name != "issue"
	doc, err := html.Parse(strings.NewReader(m.HTML))
	if err != nil {
		return &Error{Path: path + ".html", Problem: err.Error()}
	}
	for n := range within(doc) {
		if n.DataAtom != atom.A {
			continue
		}
		to := attribute(n, "href")
		linked, choosing = linked || to == link, choosing || to == settings
		if !strings.Contains(m.Text, to) && !strings.HasPrefix(to, "#") {
			only = to
		}
	}
	switch {
	case !linked:
		return &Error{Path: path + ".html", Problem: "it has no link that is " + what}
	case only != "":
		t.warn("%s.html has a link that %s.txt has not, so readers of plain text miss it: %s", path, path, only)
	}
	if !choosing || name == "issue" && !strings.Contains(m.Text, settings) {
		t.warn("%s.txt or %s.html does not hold the reader's own settings ({{.Preferences}}): they can leave, but not choose sections or pause", path, path)
	}
	for _, part := range []struct{ ending, says string }{{".txt", m.Text}, {".html", words(doc)}} {
		if !strings.Contains(part.says, trialSite.Imprint) {
			t.warn("%s%s does not show the imprint ({{.Site.Imprint}}), which the law of many countries asks for in every message", path, part.ending)
		}
	}
	return nil
}

// inspectPage does so with a page.
func (t *Set) inspectPage(path, name, page string) error {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return &Error{Path: path, Problem: err.Error()}
	}
	if name == "notice" && !strings.Contains(words(doc), trialSite.Imprint) {
		t.warn("pages/layout.html does not show the imprint ({{.Site.Imprint}}), which the law of many countries asks for")
	}
	fields, needed := formFields[name]
	if !needed {
		return nil
	}
	form := posted(doc, trialForm.Action)
	if form == nil {
		return &Error{Path: path, Problem: "it has no form that is posted to {{.Action}}, so its button does nothing"}
	}
	for _, field := range fields {
		if !hasField(form, field) {
			return &Error{Path: path, Problem: fmt.Sprintf("its form has no field with the name %q", field)}
		}
	}
	return nil
}

// formFields are the pages that are forms, and the names of the fields that each must have.
var formFields = map[string][]string{"subscribe": {"digest", "address"}, "confirm": nil, "unsubscribe": nil, "act": nil,
	"preferences": {"act", "shown", "digest", "part.weekly", "pause"}}

// posted is the form of a page that is posted to an address, or nil.
func posted(doc *html.Node, action string) *html.Node {
	for n := range within(doc) {
		if n.DataAtom == atom.Form && strings.EqualFold(attribute(n, "method"), "post") && attribute(n, "action") == action {
			return n
		}
	}
	return nil
}

func hasField(form *html.Node, name string) bool {
	for n := range within(form) {
		if attribute(n, "name") == name {
			return true
		}
	}
	return false
}

func (t *Set) warn(format string, args ...any) {
	t.Warnings = append(t.Warnings, fmt.Sprintf(format, args...))
}
