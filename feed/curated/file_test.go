package curated

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// file makes a file of a list from its lines.
func file(path string, lines ...string) File {
	return File{Path: path, Bytes: []byte(strings.Join(lines, "\n") + "\n")}
}

// outline writes a list of several files as text.
func outline(l *List) []string {
	out := []string{fmt.Sprintf("%q, %d links", l.Title, l.Links)}
	for _, e := range l.Entries {
		places := make([]string, len(e.Sections))
		for i, s := range e.Sections {
			places[i] = strings.Join(s, " > ")
		}
		out = append(out, fmt.Sprintf("%d: %s %s %q <%s>", e.Line, e.Title, places, e.Also, e.URL))
	}
	return out
}

func TestReadFiles(t *testing.T) {
	page, err := url.Parse("https://list.example/books/")
	if err != nil {
		t.Fatal(err)
	}
	relative := file("books/trees.md", "# Trees", "- [Oaks](oaks.html) - Big.")
	relative.Page = page
	tests := []struct {
		name  string
		files []File
		want  []string
	}{
		{"none", nil, []string{`"", 0 links`}},
		{"one is itself", []File{file("README.md", "# Tools", "", "## Hammers", "- [Anvil](https://anvil.example)")},
			[]string{`"Tools", 1 links`, `4: Anvil [Hammers] [] <https://anvil.example>`}},
		{"titles are top sections", []File{
			file("a.md", "# Hammers", "", "## Big", "- [Anvil](https://anvil.example)"),
			file("b.md", "---", "title: Air", "---", "- [Bellows](https://bellows.example)", "# Wood", "- [Chisel](https://chisel.example)"),
		}, []string{`"", 3 links`, `4: Anvil [Hammers > Big] [] <https://anvil.example>`,
			`4: Bellows [Air] [] <https://bellows.example>`, `6: Chisel [Air > Wood] [] <https://chisel.example>`}},
		{"a file without a title has its name", []File{
			file("books/air tools.en.md", "- [Bellows](https://bellows.example)"),
			file(".md", "## Wood", "- [Chisel](https://chisel.example)"),
		}, []string{`"", 2 links`, `1: Bellows [air tools.en] [] <https://bellows.example>`, `2: Chisel [.md > Wood] [] <https://chisel.example>`}},
		{"a resource in two files is one entry, where it stands first", []File{
			file("a.md", "# A", "", "- [Anvil](https://anvil.example) - First.", "- [Drill](https://drill.example)"),
			file("b.md", "# B", "", "## X", "- [The anvil](http://www.anvil.example/) - Second.", "## Y", "- [An anvil](https://anvil.example)"),
			file("c.md", "# A", "", "- [Anvil](https://anvil.example)"),
		}, []string{`"", 3 links`, `3: Anvil [A B > X B > Y] ["The anvil" "An anvil"] <https://anvil.example>`, `4: Drill [A] [] <https://drill.example>`}},
		{"each has its page", []File{file("a.md", "# A", "- [Oaks](oaks.html) - Small."), relative},
			[]string{`"", 2 links`, `2: Oaks [A] [] <oaks.html>`, `2: Oaks [Trees] [] <https://list.example/books/oaks.html>`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, outline(Read(tt.files))); diff != "" {
				t.Errorf("what was read (-want +got):\n%s", diff)
			}
		})
	}
}

// One resource in very many files stands in so many places as any other may.
func TestReadFilesBounded(t *testing.T) {
	files := make([]File, 2*maxPlaces)
	for i := range files {
		files[i] = file(fmt.Sprintf("%d.md", i), fmt.Sprintf("- [Anvil of %s](https://anvil.example)", strings.Repeat("x", i+1)))
	}
	l := Read(files)
	if e := l.Entries[0]; len(l.Entries) != 1 || len(e.Sections) != maxPlaces || len(e.Also) != maxAlso || l.Links != 1 {
		t.Errorf("%d entries, the first of %d sections and %d titles; %d links", len(l.Entries), len(e.Sections), len(e.Also), l.Links)
	}
}
