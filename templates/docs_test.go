package templates

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"linkletter/feed/curated"
	"linkletter/feed/digest"
)

// documented are the types that templates see, by their heading in docs/templates.md.
var documented = map[string]reflect.Type{
	"Issue":               reflect.TypeFor[issue](),
	"Issue's own":         reflect.TypeFor[*digest.Issue](),
	"Group":               reflect.TypeFor[group](),
	"Entry of an issue":   reflect.TypeFor[digest.Item](),
	"Paragraph":           reflect.TypeFor[noteBlock](),
	"Entry":               reflect.TypeFor[curated.Entry](),
	"Link":                reflect.TypeFor[curated.Link](),
	"Confirmation":        reflect.TypeFor[ConfirmationMail](),
	"Act":                 reflect.TypeFor[ActMail](),
	"Act's page":          reflect.TypeFor[ActPage](),
	"Landing page":        reflect.TypeFor[Landing](),
	"List in short":       reflect.TypeFor[ListLink](),
	"List page":           reflect.TypeFor[ListPage](),
	"Day":                 reflect.TypeFor[Day](),
	"Entry of a page":     reflect.TypeFor[Entry](),
	"Section":             reflect.TypeFor[SectionLink](),
	"Section page":        reflect.TypeFor[SectionPage](),
	"Digest page":         reflect.TypeFor[DigestPage](),
	"Issue in short":      reflect.TypeFor[IssueLink](),
	"Form":                reflect.TypeFor[Form](),
	"Dates of a pause":    reflect.TypeFor[PauseDates](),
	"Preferences":         reflect.TypeFor[Preferences](),
	"Choice of a digest":  reflect.TypeFor[DigestChoice](),
	"Choice of a list":    reflect.TypeFor[ListChoice](),
	"Choice of a section": reflect.TypeFor[SectionChoice](),
	"Notice":              reflect.TypeFor[Notice](),
	"Site":                reflect.TypeFor[Site](),
	"Digest":              reflect.TypeFor[DigestLink](),
}

// docs/templates.md names every file, field and function, and none that is not.
func TestDocumentationIsTrue(t *testing.T) {
	b, err := os.ReadFile("../docs/templates.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, part := range regexp.MustCompile(`(?m)^##+ `).Split(string(b), -1)[1:] {
		heading, text, _ := strings.Cut(part, "\n")
		parts[heading] = text
	}
	for heading, of := range documented {
		want := members(of)
		if entry := documented["Entry"]; heading == "Entry of an issue" || heading == "Entry of a page" {
			want = slices.DeleteFunc(want, func(name string) bool { return slices.Contains(members(entry), name) })
		}
		if heading == "Choice of a digest" {
			want = slices.DeleteFunc(want, func(name string) bool { return slices.Contains(members(documented["Digest"]), name) })
		}
		compare(t, heading, want, regexp.MustCompile("`\\.([A-Z][A-Za-z]*)").FindAllStringSubmatch(parts[heading], -1))
	}
	functions := []string{}
	for _, of := range []map[string]any{commonFuncs, htmlFuncs, textFuncs, markdownFuncs} {
		for name := range of {
			functions = append(functions, name)
		}
	}
	compare(t, "Functions", functions, regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(parts["Functions"], -1))
	compare(t, "The files", Names(), regexp.MustCompile("`((?:mail|pages)/[^`]+)`").FindAllStringSubmatch(parts["The files"], -1))
}

func members(of reflect.Type) []string {
	var names []string
	for i := range of.NumMethod() {
		names = append(names, of.Method(i).Name)
	}
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	for _, f := range reflect.VisibleFields(of) {
		if !f.Anonymous && f.IsExported() {
			names = append(names, f.Name)
		}
	}
	return names
}

func compare(t *testing.T, heading string, want []string, found [][]string) {
	t.Helper()
	var got []string
	for _, m := range found {
		got = append(got, m[1])
	}
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("docs/templates.md, %q, does not name %s", heading, name)
		}
	}
	for _, name := range got {
		if !slices.Contains(want, name) {
			t.Errorf("docs/templates.md, %q, names %s, which does not exist", heading, name)
		}
	}
}
