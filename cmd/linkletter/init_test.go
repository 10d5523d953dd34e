package main

import (
	"net/url"
	"path/filepath"
	"testing"
)

// A list without a title has the name of its file, and a README that of what it is the README of.
func TestNamesOfListsWithoutATitle(t *testing.T) {
	for address, want := range map[string]string{
		"https://github.com/ada/tools":                              "tools",
		"https://github.com/ada/tools.git#readme":                   "tools",
		"https://github.com/ada/tools/blob/main/README.md":          "tools",
		"https://raw.githubusercontent.com/ada/tools/main/books.md": "books",
		"https://example.org/links/readme.markdown":                 "links",
		"https://example.org/README.md":                             "example.org",
		"https://example.org":                                       "example.org",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := nameOfAddress(u); got != want {
			t.Errorf("%s is called %q, want %q", address, got, want)
		}
	}
	root := t.TempDir()
	for _, c := range []struct{ file, home, want string }{
		{"books.md", "tools", "books"},
		{"README.md", "tools", "tools"},
		{"Readme.md", "tools.git", "tools"},
		{"README.md", "tools/.git", "tools"},
		{"docs/README.md", "tools.git", "docs"},
	} {
		if got := nameOfFile(c.file, filepath.Join(root, filepath.FromSlash(c.home))); got != c.want {
			t.Errorf("%s in %s is called %q, want %q", c.file, c.home, got, c.want)
		}
	}
}
