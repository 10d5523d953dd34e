package templates

import (
	"bytes"
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

func TestLoadOverrides(t *testing.T) {
	notice := func(text string) fs.FS { return fstest.MapFS{"pages/notice.html": {Data: []byte(text)}} }
	for _, tt := range []struct {
		name      string
		overrides fs.FS
		want      string // in the error
	}{
		{"none", nil, ""},
		{"another", notice(`{{define "title"}}t{{end}}{{define "main"}}<h1>Ours: {{.Title}}</h1>{{end}}`), ""},
		{"broken", notice("{{define \"main\"}}\n{{if}}\n{{end}}"), "pages/notice.html:2"},
		{"misspelt", notice("{{define \"title\"}}{{end}}\n{{define \"main\"}}\n{{.Titel}}{{end}}"), "pages/notice.html:3"},
		{"misspelt in a range", fstest.MapFS{"mail/issue.txt": {Data: []byte("a\n{{range .Groups}}{{range .Items}}{{.Titel}}{{end}}{{end}}")}}, "mail/issue.txt:2"},
		{"unsafe place", notice("{{define \"title\"}}{{end}}{{define \"main\"}}<a {{.Title}}<b>{{end}}"), "the notice page"},
		{"unknown function", fstest.MapFS{"mail/issue.html": {Data: []byte("{{nosuch}}")}}, "mail/issue.html:1"},
		{"misspelt in an empty issue", edited(t, "mail/issue.txt", "{{range .Groups}}", "{{range .Groups}}{{else}}{{.Titel}}"), "mail/issue.txt:"},
		{"misspelt in the layout", edited(t, "pages/layout.html", "{{.Site.Root}}", "{{.Site.Rot}}"), "pages/layout.html:"},
		{"no such name", fstest.MapFS{"mail/isue.txt": {}}, "template mail/isue.txt: there is no template of this name"},
		{"left behind by editors", fstest.MapFS{"mail/issue.txt~": {}, "mail/issue.txt.bak": {}, "mail/issue.html.orig": {}, "pages/list.html.swp": {},
			"pages/list.html.swo": {}, "pages/list.html.tmp": {}, "mail/.issue.txt": {}, "README.md": {}, "LICENSE": {}, "mail/README": {},
			"pages/notice.html": {Data: []byte(`{{define "title"}}t{{end}}{{define "main"}}Ours: {{.Title}}{{end}}`)}}, ""},
		{"nearly left behind", fstest.MapFS{"mail/issue.txt.new": {}}, "template mail/issue.txt.new: there is no template of this name"},
		{"in no folder", fstest.MapFS{"issue.txt": {}}, "template issue.txt: there is no"},
		{"a file for a folder", fstest.MapFS{"mail": {}}, "template mail: it cannot be read as a folder"},
		{"no way to leave in the text", edited(t, "mail/issue.txt", "{{.Unsubscribe}}\n", "here\n"), "template mail/issue.txt: it does not hold the reader's way to leave"},
		{"no way to leave in the HTML", edited(t, "mail/issue.html", "<a {{verbatim .Unsubscribe}}", "<a href=\"#\""), "template mail/issue.html: it has no link that is the reader's way to leave"},
		{"no link in the confirmation", edited(t, "mail/confirmation.txt", "{{.Confirm}}", ""), "template mail/confirmation.txt: it does not hold the link that confirms"},
		{"no link in the mail about one act", edited(t, "mail/act.txt", "{{.Link}}", `{{if ne .Kind "forget"}}{{.Link}}{{end}}`), "template mail/act.txt: it does not hold the link that confirms"},
		{"no button for one act", edited(t, "pages/act.html", `method="post"`, `{{if ne .Kind "data"}}method="post"{{end}}`), "template pages/act.html: it has no form"},
		{"no form", edited(t, "pages/confirm.html", "method=\"post\"", ""), "template pages/confirm.html: it has no form"},
		{"no field", edited(t, "pages/layout.html", "name=\"address\"", ""), "template pages/subscribe.html: its form has no field with the name \"address\""},
		{"incomplete", notice(`{{define "title"}}t{{end}}`), "main"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set, err := Load(tt.overrides)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("got the error %v, want one that names %s", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := set.Notice(&b, Notice{Site: site, Title: "Done"}); err != nil {
				t.Fatal(err)
			}
			if ours := strings.Contains(b.String(), "Ours: Done"); ours != (tt.overrides != nil) {
				t.Errorf("the override is shown: %v", ours)
			}
		})
	}
}

// edited is a folder of overrides that holds one of the embedded templates, changed.
func edited(t *testing.T, path, old, replacement string) fs.FS {
	t.Helper()
	b, err := fs.ReadFile(Originals(), path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(b), old, replacement, 1)
	if text == string(b) {
		t.Fatalf("%s has no %q", path, old)
	}
	return fstest.MapFS{path: {Data: []byte(text)}, ".hidden": {}, "mail/.hidden": {}}
}

func TestLoadWarns(t *testing.T) {
	for _, tt := range []struct {
		name      string
		overrides fs.FS
		want      string
	}{
		{"the originals", Originals(), ""},
		{"no imprint in the text", edited(t, "mail/issue.txt", "{{range lines .}}{{wrap \"\" .}}{{end}}", ""), "mail/issue.txt does not show the imprint"},
		{"no imprint in the HTML", edited(t, "mail/layout.html", "<br>{{.}}{{end}}</p>\n</td>", "{{end}}</p>\n</td>"), "mail/confirmation.html does not show the imprint"},
		{"no imprint on pages", edited(t, "pages/layout.html", "{{.}}</span>", "</span>"), "pages/layout.html does not show the imprint"},
		{"no settings in the text", edited(t, "mail/issue.txt", "{{with .Preferences}}", "{{with .Note}}"), "mail/issue.txt or mail/issue.html does not hold the reader's own settings"},
		{"no settings in the HTML", edited(t, "mail/issue.html", "{{verbatim .}} style=\"color:#94321f;\">Preferences", "href=\"#\">Preferences"), "does not hold the reader's own settings"},
		{"a link in the HTML alone", edited(t, "mail/issue.html", "</body>", "<a href=\"https://us.example/\">us</a></body>"), "mail/issue.html has a link that mail/issue.txt has not, so readers of plain text miss it: https://us.example/"},
	} {
		set, err := Load(tt.overrides)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := strings.Join(set.Warnings, "\n"); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: warnings\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestAssets(t *testing.T) {
	for _, name := range []string{"style.css", "feed.css", "icon.svg"} {
		b, err := fs.ReadFile(Assets(), name)
		if err != nil {
			t.Error(err)
		}
		if regexp.MustCompile(`@import|url\(`).Match(b) {
			t.Errorf("%s loads something", name)
		}
	}
}

// WCAG 2.2, 1.4.3: text has a contrast of at least 4.5:1; 1.4.11: what one types into is seen by an edge of 3:1.
func TestContrast(t *testing.T) {
	for _, name := range []string{"style.css", "feed.css"} {
		b, err := fs.ReadFile(Assets(), name)
		if err != nil {
			t.Fatal(err)
		}
		light, dark, _ := strings.Cut(string(b), "prefers-color-scheme: dark")
		checkContrast(t, name+" in light", light)
		checkContrast(t, name+" in the dark", dark)
	}
}

func checkContrast(t *testing.T, where, css string) {
	t.Helper()
	colour := func(name string) float64 {
		m := regexp.MustCompile(`--` + name + `: #([0-9a-f]{6})`).FindStringSubmatch(css)
		if m == nil {
			t.Fatalf("%s: no colour --%s", where, name)
		}
		return luminance(t, m[1])
	}
	for _, tt := range []struct {
		text, ground string
		want         float64
	}{
		{"ink", "paper", 4.5}, {"ink", "wash", 4.5}, {"quiet", "paper", 4.5}, {"quiet", "wash", 4.5},
		{"accent", "paper", 4.5}, {"accent", "wash", 4.5}, {"edge", "paper", 3},
	} {
		if tt.text == "edge" && !strings.HasPrefix(where, "style.css") {
			continue // one types into pages only
		}
		a, g := colour(tt.text), colour(tt.ground)
		if got := (max(a, g) + 0.05) / (min(a, g) + 0.05); got < tt.want {
			t.Errorf("%s: %s on %s has a contrast of %.2f, want %.1f", where, tt.text, tt.ground, got, tt.want)
		}
	}
}

// luminance is the relative luminance of a colour (WCAG 2.2), by its six hex digits.
func luminance(t *testing.T, hex string) float64 {
	v, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	channel := func(shift uint) float64 {
		c := float64(v>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}
