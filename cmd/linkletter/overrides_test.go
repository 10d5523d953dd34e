package main

import "testing"

func TestNearestTemplate(t *testing.T) {
	for name, want := range map[string]string{
		"mail/isue.txt":     "mail/issue.txt",
		"issue.html":        "mail/issue.html",
		"page/issue.html":   "pages/issue.html",
		"pages/layuot.html": "",
		"pages/layot.html":  "pages/layout.html",
		"mail/notes.txt":    "",
		"pages/test.html":   "",
		"style.css":         "",
	} {
		if got := nearestTemplate(name); got != want {
			t.Errorf("nearestTemplate(%q) = %q, want %q", name, got, want)
		}
	}
}
