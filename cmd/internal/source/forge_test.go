package source_test

import (
	"net/url"
	"strings"
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
		{"ssh://git@codeberg.org/o/r.git", "https://codeberg.org/o/r/commit/" + commit, "https://codeberg.org/o/r/src/commit/HEAD/books/a%20b.md"},
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

const gitHubRaw = "https://raw.githubusercontent.com/"

// TestPastedAddresses says what each address stands for: its first raw file, the number of addresses to try, and the page.
// Those that stand for themselves have no page.
func TestPastedAddresses(t *testing.T) {
	sha := "0123456789abcdef0123456789abcdef01234567"
	for _, c := range []struct {
		pasted, raw string
		candidates  int
		page        string
	}{
		// GitHub
		{"https://github.com/o/r", gitHubRaw + "o/r/HEAD/README.md", 7, "https://github.com/o/r/blob/HEAD/README.md"},
		{"https://github.com/o/r/", gitHubRaw + "o/r/HEAD/README.md", 7, "https://github.com/o/r/blob/HEAD/README.md"},
		{"http://www.github.com/o/r.git", gitHubRaw + "o/r/HEAD/README.md", 7, "https://github.com/o/r/blob/HEAD/README.md"},
		{"https://GitHub.com/O/R#readme", gitHubRaw + "O/R/HEAD/README.md", 7, "https://github.com/O/R/blob/HEAD/README.md"},
		{"https://github.com:443/o/r?tab=readme-ov-file#contents", gitHubRaw + "o/r/HEAD/README.md", 7, "https://github.com/o/r/blob/HEAD/README.md"},
		{"https://github.com/o/r/blob/main/lists/a%20b.md?plain=1#L7", gitHubRaw + "o/r/main/lists/a%20b.md", 1, "https://github.com/o/r/blob/main/lists/a%20b.md"},
		{"https://github.com/o/r/blob/feature/x/README.md", gitHubRaw + "o/r/feature/x/README.md", 1, "https://github.com/o/r/blob/feature/x/README.md"},
		{"https://github.com/o/r/blob/" + sha + "/README.md", gitHubRaw + "o/r/" + sha + "/README.md", 1, "https://github.com/o/r/blob/" + sha + "/README.md"},
		{"https://github.com/o/r/raw/main/README.md", gitHubRaw + "o/r/main/README.md", 1, "https://github.com/o/r/blob/main/README.md"},
		{"https://github.com/o/r/raw/refs/heads/main/README.md", gitHubRaw + "o/r/refs/heads/main/README.md", 1, "https://github.com/o/r/blob/main/README.md"},
		{"https://github.com/o/r/tree/main", gitHubRaw + "o/r/main/README.md", 7, "https://github.com/o/r/blob/main/README.md"},
		{"https://github.com/o/r/tree/main/lists/", gitHubRaw + "o/r/main/lists/README.md", 7, "https://github.com/o/r/blob/main/lists/README.md"},
		{"https://raw.githubusercontent.com/o/r/main/README.md", gitHubRaw + "o/r/main/README.md", 1, "https://github.com/o/r/blob/main/README.md"},
		{"http://raw.githubusercontent.com/o/r/refs/heads/main/a.md?token=ABC", gitHubRaw + "o/r/refs/heads/main/a.md?token=ABC", 1, "https://github.com/o/r/blob/main/a.md"},
		{gitHubRaw + "wiki/o/r/Home.md", gitHubRaw + "wiki/o/r/Home.md", 1, ""},
		{"https://github.com/o/r/issues", "https://github.com/o/r/issues", 1, ""},
		{"https://github.com/o", "https://github.com/o", 1, ""},
		{"https://github.com/", "https://github.com/", 1, ""},
		// Gists
		{"https://gist.github.com/u/" + sha, "https://gist.githubusercontent.com/u/" + sha + "/raw", 1, "https://gist.github.com/u/" + sha},
		{"https://gist.github.com/u/" + sha + "/" + sha, "https://gist.githubusercontent.com/u/" + sha + "/raw", 1, "https://gist.github.com/u/" + sha},
		{"https://gist.github.com/u/" + sha + "#file-my-list-md", "https://gist.githubusercontent.com/u/" + sha + "/raw/my-list.md", 1, "https://gist.github.com/u/" + sha},
		{"https://gist.github.com/u/" + sha + "#file-readme-md", "https://gist.githubusercontent.com/u/" + sha + "/raw/README.md", 7, "https://gist.github.com/u/" + sha},
		{"https://gist.github.com/" + sha + ".git", "https://gist.github.com/" + sha + "/raw", 1, "https://gist.github.com/" + sha},
		{"https://gist.githubusercontent.com/u/" + sha + "/raw/" + sha + "/list.md", "https://gist.githubusercontent.com/u/" + sha + "/raw/list.md", 1, "https://gist.github.com/u/" + sha},
		{"https://gist.github.com/discover", "https://gist.github.com/discover", 1, ""},
		// GitLab
		{"https://gitlab.com/g/p", "https://gitlab.com/g/p/-/raw/HEAD/README.md", 7, "https://gitlab.com/g/p/-/blob/HEAD/README.md"},
		{"https://gitlab.com/g/sub/subsub/p.git", "https://gitlab.com/g/sub/subsub/p/-/raw/HEAD/README.md", 7, "https://gitlab.com/g/sub/subsub/p/-/blob/HEAD/README.md"},
		{"https://gitlab.com/g/sub/p/-/blob/main/a/b.md?ref_type=heads&plain=1", "https://gitlab.com/g/sub/p/-/raw/main/a/b.md?ref_type=heads", 1, "https://gitlab.com/g/sub/p/-/blob/main/a/b.md?ref_type=heads"},
		{"https://gitlab.com/g/p/-/raw/main/a.md?inline=false", "https://gitlab.com/g/p/-/raw/main/a.md", 1, "https://gitlab.com/g/p/-/blob/main/a.md"},
		{"https://gitlab.com/g/p/-/tree/main/docs", "https://gitlab.com/g/p/-/raw/main/docs/README.md", 7, "https://gitlab.com/g/p/-/blob/main/docs/README.md"},
		{"https://gitlab.com/g/p/-/tree/main", "https://gitlab.com/g/p/-/raw/main/README.md", 7, "https://gitlab.com/g/p/-/blob/main/README.md"},
		{"https://gitlab.com/g/sub/p/blob/main/a.md", "https://gitlab.com/g/sub/p/-/raw/main/a.md", 1, "https://gitlab.com/g/sub/p/-/blob/main/a.md"},
		{"https://gitlab.com/g/p/raw/main/a.md", "https://gitlab.com/g/p/-/raw/main/a.md", 1, "https://gitlab.com/g/p/-/blob/main/a.md"},
		{"https://gitlab.com/g/p/tree/main", "https://gitlab.com/g/p/-/raw/main/README.md", 7, "https://gitlab.com/g/p/-/blob/main/README.md"},
		{"https://gitlab.com/g/p/-/issues", "https://gitlab.com/g/p/-/issues", 1, ""},
		{"https://gitlab.com/api/v4/projects/1/repository/files/README.md/raw?ref=main", "https://gitlab.com/api/v4/projects/1/repository/files/README.md/raw?ref=main", 1, ""},
		{"https://gitlab.example.org/g/p", "https://gitlab.example.org/g/p/-/raw/HEAD/README.md", 7, "https://gitlab.example.org/g/p/-/blob/HEAD/README.md"},
		{"https://gitlab.example.org/lists/a.md", "https://gitlab.example.org/lists/a.md", 1, ""},
		{"http://code.example.org:8080/g/p/-/blob/main/a.md", "http://code.example.org:8080/g/p/-/raw/main/a.md", 1, "http://code.example.org:8080/g/p/-/blob/main/a.md"},
		// Codeberg, Gitea, Forgejo
		{"https://codeberg.org/o/r", "https://codeberg.org/o/r/raw/branch/HEAD/README.md", 7, "https://codeberg.org/o/r/src/branch/HEAD/README.md"},
		{"https://codeberg.org/o/r/src/branch/main/lists/a.md?display=source", "https://codeberg.org/o/r/raw/branch/main/lists/a.md", 1, "https://codeberg.org/o/r/src/branch/main/lists/a.md"},
		{"https://codeberg.org/o/r/raw/branch/main/a.md", "https://codeberg.org/o/r/raw/branch/main/a.md", 1, "https://codeberg.org/o/r/src/branch/main/a.md"},
		{"https://gitea.com/o/r/src/commit/" + sha + "/a.md", "https://gitea.com/o/r/raw/commit/" + sha + "/a.md", 1, "https://gitea.com/o/r/src/commit/" + sha + "/a.md"},
		{"https://gitea.com/o/r/src/tag/v1/a.md", "https://gitea.com/o/r/raw/tag/v1/a.md", 1, "https://gitea.com/o/r/src/tag/v1/a.md"},
		{"https://codeberg.org/o/r/src/branch/main", "https://codeberg.org/o/r/raw/branch/main/README.md", 7, "https://codeberg.org/o/r/src/branch/main/README.md"},
		{"https://codeberg.org/o/r/src/branch/main/docs", "https://codeberg.org/o/r/raw/branch/main/docs/README.md", 8, "https://codeberg.org/o/r/src/branch/main/docs/README.md"},
		{"https://codeberg.org/o/r/issues/7", "https://codeberg.org/o/r/issues/7", 1, ""},
		{"https://codeberg.org/api/v1/repos/o/r/raw/README.md", "https://codeberg.org/api/v1/repos/o/r/raw/README.md", 1, ""},
		{"https://git.example.org/git/o/r/src/branch/main/a.md", "https://git.example.org/git/o/r/raw/branch/main/a.md", 1, "https://git.example.org/git/o/r/src/branch/main/a.md"},
		{"https://forgejo.example.org/o/r", "https://forgejo.example.org/o/r/raw/branch/HEAD/README.md", 7, "https://forgejo.example.org/o/r/src/branch/HEAD/README.md"},
		// Bitbucket
		{"https://bitbucket.org/w/r/", "https://bitbucket.org/w/r/raw/HEAD/README.md", 7, "https://bitbucket.org/w/r/src/HEAD/README.md"},
		{"https://bitbucket.org/w/r/src/main/a.md", "https://bitbucket.org/w/r/raw/main/a.md", 1, "https://bitbucket.org/w/r/src/main/a.md"},
		{"https://bitbucket.org/w/r/src/main/", "https://bitbucket.org/w/r/raw/main/README.md", 7, "https://bitbucket.org/w/r/src/main/README.md"},
		{"https://bitbucket.org/w/r/src", "https://bitbucket.org/w/r/raw/HEAD/README.md", 7, "https://bitbucket.org/w/r/src/HEAD/README.md"},
		{"https://bitbucket.org/w/r/src/0123456/a.md?at=main&fileviewer=x", "https://bitbucket.org/w/r/raw/main/a.md", 1, "https://bitbucket.org/w/r/src/main/a.md"},
		{"https://bitbucket.org/w/r/raw/main/a.md", "https://bitbucket.org/w/r/raw/main/a.md", 1, "https://bitbucket.org/w/r/src/main/a.md"},
		// Anything else
		{"https://example.org/list.md?x=1#top", "https://example.org/list.md?x=1", 1, ""},
		{"https://example.org/o/r/blob/main/a.md", "https://example.org/o/r/blob/main/a.md", 1, ""},
		{"https://github.example.org/o/r", "https://github.example.org/o/r", 1, ""},
	} {
		raw, page := source.Understand(c.pasted)
		if raw[0] != c.raw || len(raw) != c.candidates || page != c.page {
			t.Errorf("%s:\ngot  %s (%d), page %q\nwant %s (%d), page %q", c.pasted, raw[0], len(raw), page, c.raw, c.candidates, c.page)
		}
	}
}

// FuzzPastedAddresses: whatever is pasted, each address that it stands for is one, names nobody's password, and leads to
// the same host or that host's own for raw files.
func FuzzPastedAddresses(f *testing.F) {
	for _, seed := range []string{"https://github.com/o/r/blob/main/a.md", "https://gist.github.com/u/0123456789#file-a-md", "https://gitlab.com/g/s/p/-/tree/x",
		"https://u:p@codeberg.org/o/r/src/branch/main/%2e%2e/a", "https://bitbucket.org/w/r/src/a/b?at=c", "http://[::1]:80//a//-/blob/x/y", "https://raw.githubusercontent.com/a/b/c/d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pasted string) {
		u, err := url.Parse(pasted)
		if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
			return
		}
		all, _ := source.Understand(pasted)
		if len(all) == 0 {
			t.Fatalf("%q stands for nothing", pasted)
		}
		for _, raw := range all {
			got, err := url.Parse(raw)
			if err != nil || got.User != nil || got.Scheme != "https" && got.Scheme != u.Scheme {
				t.Fatalf("%q stands for %q (%v)", pasted, raw, err)
			}
			host := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
			if to := strings.TrimPrefix(strings.ToLower(got.Hostname()), "www."); to != host && to != map[string]string{"github.com": "raw.githubusercontent.com", "gist.github.com": "gist.githubusercontent.com"}[host] {
				t.Fatalf("%q stands for %q, on another host", pasted, raw)
			}
		}
	})
}
