package source_test

import (
	"testing"

	"linkletter/cmd/internal/source"
)

func TestPagesOfRemotes(t *testing.T) {
	commit := "0123456789abcdef0123456789abcdef01234567"
	for _, c := range []struct{ remote, commit, file string }{
		{"https://github.com/o/r", "https://github.com/o/r/commit/" + commit, "https://github.com/o/r/blob/HEAD/books/a%20b.md"},
		{"https://github.com/o/r.git", "https://github.com/o/r/commit/" + commit, "https://github.com/o/r/blob/HEAD/books/a%20b.md"},
		{"https://user:secret@www.github.com/o/r.git/", "https://github.com/o/r/commit/" + commit, "https://github.com/o/r/blob/HEAD/books/a%20b.md"},
		{"git@github.com:o/r.git", "https://github.com/o/r/commit/" + commit, "https://github.com/o/r/blob/HEAD/books/a%20b.md"},
		{"ssh://git@ssh.github.com:443/o/r.git", "https://github.com/o/r/commit/" + commit, "https://github.com/o/r/blob/HEAD/books/a%20b.md"},
		{"git@gitlab.com:g/sub/p.git", "https://gitlab.com/g/sub/p/-/commit/" + commit, "https://gitlab.com/g/sub/p/-/blob/HEAD/books/a%20b.md"},
		{"https://gitlab.example.org:8443/g/p.git", "https://gitlab.example.org:8443/g/p/-/commit/" + commit, "https://gitlab.example.org:8443/g/p/-/blob/HEAD/books/a%20b.md"},
		{"ssh://git@codeberg.org/o/r.git", "https://codeberg.org/o/r/commit/" + commit, "https://codeberg.org/o/r/src/branch/HEAD/books/a%20b.md"},
		{"git@bitbucket.org:o/r.git", "https://bitbucket.org/o/r/commits/" + commit, "https://bitbucket.org/o/r/src/HEAD/books/a%20b.md"},
		{"https://git.example.org/o/r.git", "", ""},
		{"https://github.com/o", "", ""},
		{"/srv/git/github.com/o/r.git", "", ""},
		{"../r", "", ""},
		{`C:\lists\r`, "", ""},
		{"file:///github.com/o/r", "", ""},
		{"", "", ""},
	} {
		if got := source.CommitPage(c.remote, commit); got != c.commit {
			t.Errorf("commit page of %s: %q, want %q", c.remote, got, c.commit)
		}
		got := ""
		if page := source.FilePage(c.remote, "HEAD", "books/a b.md"); page != nil {
			got = page.String()
		}
		if got != c.file {
			t.Errorf("page of a file of %s: %q, want %q", c.remote, got, c.file)
		}
	}
	if got := source.CommitPage("git@github.com:o/r", "not a commit"); got != "" {
		t.Errorf("a commit page for no commit: %q", got)
	}
	if got := source.FilePage("https://codeberg.org/o/r", commit, "a.md").String(); got != "https://codeberg.org/o/r/src/commit/"+commit+"/a.md" {
		t.Errorf("page at a commit: %q", got)
	}
}
