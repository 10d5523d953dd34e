package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/source"
	"linkletter/feed/curated"
)

// repository is a git repository of a test.
type repository struct {
	t   *testing.T
	dir string
	day int
}

// newRepository makes an empty one, out of reach of the settings of whoever runs the test.
func newRepository(t *testing.T, init ...string) *repository {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("git is needed in CI: %v", err)
		}
		t.Skip("skipped: git is not installed")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	r := &repository{t: t, dir: t.TempDir()}
	r.git(append([]string{"init", "-q", "-b", "main"}, init...)...)
	r.git("config", "user.name", "Ada Lovelace")
	r.git("config", "user.email", "ada@example.org")
	r.git("config", "commit.gpgSign", "false")
	return r
}

// git runs git in it, a day later each time, and gives what it printed.
func (r *repository) git(args ...string) string { return r.gitWith("", args...) }

func (r *repository) gitWith(stdin string, args ...string) string {
	r.t.Helper()
	r.day++
	now := fmt.Sprintf("%d +0200", 1767225600+86400*r.day)
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = r.dir, strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE="+now, "GIT_COMMITTER_DATE="+now)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// put writes a file and commits it.
func (r *repository) put(name, text, message string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		r.t.Fatal(err)
	}
	r.git("--literal-pathspecs", "add", "--", name)
	r.git("commit", "-q", "-m", message)
}

// readme is a list of one file.
func readme(text string) []curated.File {
	return []curated.File{{Path: "README.md", Bytes: []byte(text)}}
}

// versions are the texts of a history.
func versions(t *testing.T, s *source.Source, repo, file string) ([]string, error) {
	t.Helper()
	var got []string
	for rev, err := range s.History(context.Background(), source.Query{Repository: repo, Files: []string{file}}) {
		if err != nil {
			return got, err
		}
		got = append(got, string(rev.Files[0].Bytes))
	}
	return got, nil
}

// wantVersions holds a history against the texts that it should have.
func wantVersions(t *testing.T, repo, file string, want ...string) {
	t.Helper()
	got, err := versions(t, &source.Source{}, repo, file)
	if err != nil {
		t.Errorf("history of %s: %v", file, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history of %s (-want +got):\n%s", file, diff)
	}
}

func TestHistory(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		t.Run(format, func(t *testing.T) {
			r := newRepository(t, "--object-format="+format)
			r.put("README.md", "one", "Begin")
			r.put("other.md", "other", "Not the list")
			r.put("README.md", "two", "Add two\n\n:100644 100644 a b M\nIt is [Silent].")
			var got []source.Revision
			for rev, err := range new(source.Source).History(context.Background(), source.Query{Repository: r.dir, Files: []string{"README.md"}}) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, *rev)
			}
			hashes := strings.Fields(r.git("log", "--reverse", "--format=%H", "--", "README.md"))
			at := func(day int) time.Time { return time.Date(2026, 1, 1+day, 0, 0, 0, 0, time.UTC) }
			want := []source.Revision{
				{Commit: hashes[0], Date: at(6), Author: "Ada Lovelace", Message: "Begin", Files: readme("one")},
				{Commit: hashes[1], Date: at(10), Author: "Ada Lovelace", Message: "Add two\n\n:100644 100644 a b M\nIt is [Silent].", Files: readme("two")},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got[0].Silent() || !got[1].Silent() {
				t.Error("[Silent] is not what tells the second from the first")
			}
		})
	}
}

// What git prints must not depend on who runs it, nor on what the repository sets.
func TestHistoryHeedsNoSettings(t *testing.T) {
	r := newRepository(t)
	r.put("a/README.md", "one", "One")
	r.git("mv", "a/README.md", "README.md")
	r.git("commit", "-q", "-m", "Move")
	r.git("checkout", "-q", "-b", "side")
	r.put("README.md", "two\nside", "Side")
	r.git("checkout", "-q", "main")
	r.put("README.md", "two\nmain", "Main")
	r.git("merge", "-q", "-s", "ours", "-m", "Merge", "side")
	r.put("README.md", "three", "Three")
	r.put(".mailmap", "Someone Else <ada@example.org>\n", "A mailmap")
	for name, value := range map[string]string{
		"log.showSignature": "true", "log.showRoot": "false", "log.follow": "true", "log.diffMerges": "combined", "log.mailmap": "true",
		"log.date": "relative", "log.abbrevCommit": "true", "log.decorate": "full", "color.ui": "always", "core.quotePath": "true",
		"core.abbrev": "4", "core.pager": "false", "diff.renames": "copies", "diff.noprefix": "true", "diff.relative": "true",
		"diff.external": "false", "diff.orderFile": "/nowhere", "diff.submodule": "log", "format.pretty": "oneline", "format.notes": "*",
		"i18n.logOutputEncoding": "UTF-16", "gpg.program": "false", "core.fsmonitor": "false",
	} {
		r.git("config", name, value)
	}
	other := newRepository(t)
	for name, value := range map[string]string{
		"GIT_DIR": other.dir, "GIT_WORK_TREE": other.dir, "GIT_OBJECT_DIRECTORY": other.dir, "GIT_CEILING_DIRECTORIES": "/",
		"GIT_PREFIX": "a/", "GIT_LITERAL_PATHSPECS": "1", "GIT_ICASE_PATHSPECS": "1", "GIT_NAMESPACE": "x", "GIT_SHALLOW_FILE": "/nowhere",
		"GIT_EXTERNAL_DIFF": "false", "GIT_DIFF_OPTS": "-u0", "GIT_PAGER": "false", "GIT_TRACE": "1", "GIT_DEFAULT_HASH": "sha256",
		"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de",
	} {
		t.Setenv(name, value)
	}
	wantVersions(t, r.dir, "README.md", "one", "two\nmain", "three")
	wantVersions(t, "", filepath.Join(r.dir, "README.md"), "one", "two\nmain", "three")
	for rev := range new(source.Source).History(context.Background(), source.Query{Repository: r.dir, Files: []string{"README.md"}}) {
		if rev != nil && rev.Author != "Ada Lovelace" {
			t.Errorf("the author is %q", rev.Author)
		}
	}
}

func TestHistoryFileNames(t *testing.T) {
	r := newRepository(t)
	names := []string{"--output=x", "-", ":(glob)*", ":!x", "*.md", "[a]?.md", "a b'\"\\.md", "new\nline.md", "ünïcode.md", "sub/deep/README.md", "a..b"}
	for _, name := range names {
		r.put(name, name, "Add a file")
	}
	bare := filepath.Join(t.TempDir(), "bare")
	r.git("clone", "-q", "--bare", r.dir, bare)
	for _, name := range names {
		as := strings.Replace(name, "*", `\*`, 1) // from the top of a repository, it is a pattern otherwise
		wantVersions(t, r.dir, as, name)
		wantVersions(t, bare, as, name)
		wantVersions(t, "", filepath.Join(r.dir, name), name)
	}
	wantVersions(t, r.dir, "./sub//deep/../deep/README.md", "sub/deep/README.md")
	wantVersions(t, filepath.Join(r.dir, "sub"), "sub/deep/README.md", "sub/deep/README.md") // from the top, wherever DIR is
	t.Chdir(filepath.Join(r.dir, "sub"))
	wantVersions(t, "", "deep/README.md", "sub/deep/README.md")
	wantVersions(t, "", "../a..b", "a..b")
	wantVersions(t, "", "../*.md", "*.md")
	t.Chdir("deep")
	wantVersions(t, "", "README.md", "sub/deep/README.md")
}

// Versions stand along the first parents of HEAD, while the file is a file.
func TestHistoryShapes(t *testing.T) {
	tests := []struct {
		name string
		make func(r *repository)
		want []string
		gone bool
	}{
		{name: "deleted and added again", make: func(r *repository) {
			r.put("README.md", "one", "One")
			r.git("rm", "-q", "README.md")
			r.git("commit", "-q", "-m", "Remove")
			r.put("README.md", "one", "Add again")
		}, want: []string{"one", "one"}},
		{name: "deleted", make: func(r *repository) {
			r.put("README.md", "one", "One")
			r.git("rm", "-q", "README.md")
			r.git("commit", "-q", "-m", "Remove")
		}, want: []string{"one"}, gone: true},
		{name: "a link for a while", make: func(r *repository) {
			r.put("README.md", "one", "One")
			r.git("rm", "-q", "README.md")
			if err := os.Symlink("other.md", filepath.Join(r.dir, "README.md")); err != nil {
				r.t.Skip(err)
			}
			r.git("add", "README.md")
			r.git("commit", "-q", "-m", "Link")
			r.git("rm", "-q", "README.md")
			r.put("README.md", "two", "Two")
		}, want: []string{"one", "two"}},
		{name: "a folder before", make: func(r *repository) {
			r.put("README.md/README.md", "in a folder", "A folder")
			r.git("rm", "-q", "-r", "README.md")
			r.put("README.md", "one", "One")
		}, want: []string{"one"}},
		{name: "executable", make: func(r *repository) {
			r.put("README.md", "one", "One")
			r.git("update-index", "--chmod=+x", "README.md")
			r.git("commit", "-q", "-m", "Mode")
		}, want: []string{"one", "one"}},
		{name: "a merge", make: func(r *repository) {
			r.put("README.md", "one", "One")
			r.git("checkout", "-q", "-b", "side")
			r.put("README.md", "two", "Two")
			r.put("README.md", "three", "Three")
			r.git("checkout", "-q", "main")
			r.put("other.md", "other", "Other")
			r.git("merge", "-q", "--no-ff", "-m", "Merge", "side")
		}, want: []string{"one", "three"}},
		{name: "an octopus", make: func(r *repository) {
			r.put("README.md", "one\n\n\n\n\n\nend\n", "One")
			for i, text := range []string{"ONE\n\n\n\n\n\nend\n", "one\n\n\n\n\n\nEND\n"} {
				r.git("checkout", "-q", "-b", fmt.Sprint("side", i), "main")
				r.put("README.md", text, "Side")
			}
			r.git("checkout", "-q", "main")
			r.put("other.md", "other", "Other")
			r.git("merge", "-q", "-m", "Merge", "side0", "side1")
		}, want: []string{"one\n\n\n\n\n\nend\n", "ONE\n\n\n\n\n\nEND\n"}},
		{name: "empty", make: func(r *repository) { r.put("README.md", "", "Empty") }, want: []string{""}},
		{name: "any bytes", make: func(r *repository) { r.put("README.md", "\x00\xff\n\x00:", "Bytes") }, want: []string{"\x00\xff\n\x00:"}},
		{name: "a detached head", make: func(r *repository) {
			r.put("README.md", "one", "One")
			r.put("README.md", "two", "Two")
			r.git("checkout", "-q", "--detach", "HEAD~")
		}, want: []string{"one"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRepository(t)
			tt.make(r)
			got, err := versions(t, &source.Source{}, r.dir, "README.md")
			if diff := cmp.Diff(tt.want, got); diff != "" || errors.Is(err, source.ErrGone) != tt.gone || !tt.gone && err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// What a commit says is whatever somebody's program wrote.
func TestHistoryOddCommits(t *testing.T) {
	r := newRepository(t)
	tests := []struct {
		name, author, committer, message string
		want                             source.Revision
	}{
		{"invalid UTF-8", "Zo\xeb <z@example.org> 1700000000 +0000", "Z <z@example.org> 1700000000 +0000", "caf\xe9 \x01\x1b[31m [SILENT]\n",
			source.Revision{Author: "Zo\uFFFD", Date: time.Unix(1700000000, 0).UTC(), Message: "caf\uFFFD \x01\x1b[31m [SILENT]"}},
		{"Latin-1 that says so", "Zo\xeb <z@example.org> 1700000000 +0000", "Z <z@example.org> 1700000000 +0000\nencoding ISO-8859-1", "caf\xe9\n",
			source.Revision{Author: "Zoë", Date: time.Unix(1700000000, 0).UTC(), Message: "café"}},
		{"a NUL", "Z <z@example.org> 1700000000 +0000", "Z <z@example.org> 1700000000 +0000", "before\x00:after\n",
			source.Revision{Author: "Z", Date: time.Unix(1700000000, 0).UTC(), Message: "before"}},
		{"nothing", " <> 0 +0000", " <> 0 +0000", "", source.Revision{Date: time.Unix(0, 0).UTC()}},
		{"no date", "Z <z@example.org>", "Z <z@example.org>", "x\n", source.Revision{Author: "Z", Date: time.Unix(0, 0).UTC(), Message: "x"}},
		{"a date far off", "Z <z@example.org> 1 +0000", "Z <z@example.org> 999999999999999 +0000", "x\n",
			source.Revision{Author: "Z", Date: time.Unix(0, 0).UTC(), Message: "x"}},
	}
	for i, tt := range tests {
		blob := r.gitWith(tt.name, "hash-object", "-w", "--stdin")
		tree := r.gitWith(fmt.Sprintf("100644 blob %s\tREADME.md\n", blob), "mktree")
		raw := "tree " + tree + "\n"
		if i > 0 {
			raw += "parent " + r.git("rev-parse", "HEAD") + "\n"
		}
		raw += "author " + tt.author + "\ncommitter " + tt.committer + "\n\n" + tt.message
		commit := r.gitWith(raw, "hash-object", "-w", "-t", "commit", "--literally", "--stdin")
		r.git("update-ref", "HEAD", commit)
		tests[i].want.Commit, tests[i].want.Files = commit, readme(tt.name)
	}
	i := 0
	for rev, err := range new(source.Source).History(context.Background(), source.Query{Repository: r.dir, Files: []string{"README.md"}}) {
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&tests[i].want, rev); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tests[i].name, diff)
		}
		i++
	}
	if i != len(tests) {
		t.Errorf("%d of %d commits", i, len(tests))
	}
}

func TestHistoryErrors(t *testing.T) {
	r := newRepository(t)
	empty := newRepository(t)
	r.put("docs/README.md", "one", "One")
	if err := os.Symlink("docs/README.md", filepath.Join(r.dir, "README.md")); err != nil {
		t.Skip(err)
	}
	r.git("add", "README.md")
	r.git("commit", "-q", "-m", "Link")
	r.git("update-index", "--add", "--cacheinfo", "160000,"+r.git("rev-parse", "HEAD")+",module")
	r.git("commit", "-q", "-m", "Submodule")
	nowhere := t.TempDir()
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(nowhere))
	tests := []struct{ repo, file, want, hint string }{
		{r.dir, "none.md", "no commit has this file", "name it as it stands"},
		{r.dir, "readme.md", "no commit has this file", "upper and lower case"},
		{r.dir, "docs", "it is a folder", "the Markdown file itself"},
		{r.dir, ".", "it is a folder", "the Markdown file itself"},
		{"", r.dir, "not in a git repository", "name a git work tree"},
		{"", filepath.Join(r.dir, "docs"), "it is a folder", "the Markdown file itself"},
		{r.dir, "README.md", "it is a symbolic link", "the file that it points to"},
		{r.dir, "module", "no commit has this file", ""},
		{r.dir, "../x.md", "no path in a repository", "top of the repository"},
		{r.dir, filepath.Join(r.dir, "docs/README.md"), "no path in a repository", "top of the repository"},
		{"", filepath.Join(r.dir, "gone", "README.md"), "there is no folder", "name its repository with --repo"},
		{filepath.Join(r.dir, "gone"), "README.md", "there is no folder", "name a git work tree"},
		{filepath.Join(r.dir, "docs/README.md"), "README.md", "there is no folder", "name a git work tree"},
		{nowhere, "README.md", "not in a git repository", "name a git work tree"},
		{empty.dir, "README.md", "does not have any commits yet", "commit the list first"},
	}
	for _, tt := range tests {
		got, err := versions(t, &source.Source{}, tt.repo, tt.file)
		if err == nil || !strings.Contains(err.Error(), tt.want) || len(got) > 0 {
			t.Errorf("%s in %q: want an error with %q, got %v and %q", tt.file, tt.repo, tt.want, err, got)
		}
		var why *source.HistoryError
		if errors.As(err, &why) != (tt.hint != "" || strings.HasPrefix(tt.want, "no commit")) || why != nil && !strings.Contains(why.Hint, tt.hint) {
			t.Errorf("%s in %q: want a hint with %q, got %#v", tt.file, tt.repo, tt.hint, why)
		}
		if errors.Is(err, source.ErrNoHistory) != (tt.want == "no commit has this file") {
			t.Errorf("%s in %q: ErrNoHistory is not told right: %v", tt.file, tt.repo, err)
		}
	}
	t.Setenv("PATH", nowhere)
	if _, err := versions(t, &source.Source{}, r.dir, "README.md"); err == nil || !strings.Contains(err.Error(), "git program is not installed") {
		t.Errorf("without git: %v", err)
	}
}

func TestHistoryTooLarge(t *testing.T) {
	r := newRepository(t)
	r.put("README.md", "one", "One")
	r.put("README.md", strings.Repeat("x", 101), "Large")
	large := r.git("rev-parse", "HEAD")
	r.put("README.md", "two", "Two")
	var got []string
	for rev, err := range (&source.Source{MaxBytes: 100}).History(context.Background(), source.Query{Repository: r.dir, Files: []string{"README.md"}}) {
		if err != nil {
			t.Fatal(err)
		}
		if rev.TooLarge != nil {
			got = append(got, rev.TooLarge.Where)
			continue
		}
		got = append(got, string(rev.Files[0].Bytes))
	}
	if diff := cmp.Diff([]string{"one", "README.md as of commit " + large, "two"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Nothing is fetched, and what is missing or broken is an error that names the commit.
func TestHistoryOfHalfARepository(t *testing.T) {
	r := newRepository(t)
	r.put("README.md", "one", "One")
	r.put("README.md", "two", "Two")
	old, head := r.git("rev-parse", "HEAD~"), r.git("rev-parse", "HEAD")
	r.git("config", "uploadpack.allowFilter", "true")
	parent := t.TempDir()
	clone := func(name string, args ...string) string {
		to := filepath.Join(parent, name)
		r.git(append(append([]string{"clone", "-q"}, args...), "file://"+r.dir, to)...)
		return to
	}

	shallow := clone("shallow", "--depth=1")
	for rev, err := range new(source.Source).History(context.Background(), source.Query{Repository: shallow, Files: []string{"README.md"}}) {
		if err != nil || rev.Commit != head || !rev.Shallow || string(rev.Files[0].Bytes) != "two" {
			t.Errorf("a shallow clone: %+v, %v", rev, err)
		}
	}
	for rev, err := range new(source.Source).History(context.Background(), source.Query{Repository: clone("deep", "--depth=9"), Files: []string{"README.md"}}) {
		if err != nil || rev.Shallow {
			t.Errorf("a clone with all commits: %+v, %v", rev, err)
		}
	}
	partial := clone("partial", "--filter=blob:none")
	if got, err := versions(t, &source.Source{}, partial, "README.md"); err == nil || !strings.Contains(err.Error(), old) || len(got) > 0 {
		t.Errorf("a partial clone: want an error with %s, got %q and %v", old, got, err)
	}

	blob := r.git("rev-parse", "HEAD:README.md")
	path := filepath.Join(r.dir, ".git", "objects", blob[:2], blob[2:])
	for _, damage := range []func() error{
		func() error { os.Chmod(path, 0o666); return os.WriteFile(path, []byte("garbage"), 0o666) },
		func() error { return os.Remove(path) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		got, err := versions(t, &source.Source{}, r.dir, "README.md")
		var why *source.HistoryError
		if !errors.As(err, &why) || !strings.Contains(err.Error(), head) || !strings.Contains(err.Error(), blob) || len(got) != 1 {
			t.Errorf("a damaged repository: want one version and an error with commit and object, got %q and %v", got, err)
		}
	}
}

// Whoever has enough, or must stop, leaves no git behind.
func TestHistoryEnds(t *testing.T) {
	r := newRepository(t)
	for i := range 3 {
		r.put("README.md", fmt.Sprint(i), "Again")
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var last error
	n := 0
	for _, err := range new(source.Source).History(ctx, source.Query{Repository: r.dir, Files: []string{"README.md"}}) {
		n++
		cancel()
		last = err
	}
	if n != 2 || !errors.Is(last, context.Canceled) {
		t.Errorf("after one version and a cancel: %d, %v", n, last)
	}
	for range new(source.Source).History(ctx, source.Query{Repository: r.dir, Files: []string{"README.md"}}) {
		break
	}
	again, cancelAgain := context.WithCancel(context.Background())
	defer cancelAgain()
	for range new(source.Source).History(again, source.Query{Repository: r.dir, Files: []string{"README.md"}}) {
		cancelAgain()
		break
	}
	children, err := exec.Command("ps", "-o", "comm=", "--ppid", fmt.Sprint(os.Getpid())).Output()
	if err != nil {
		t.Skip("skipped: ps cannot tell the children: ", err)
	}
	if bytes.Contains(children, []byte("git")) {
		t.Errorf("these are left:\n%s", children)
	}
}
