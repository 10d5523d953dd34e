package source_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/source"
)

// told is a history in short: for each revision the first line of its message and its files, and at last the error.
func told(s *source.Source, q source.Query) []string {
	var all []string
	for rev, err := range s.History(context.Background(), q) {
		var line string
		switch {
		case err != nil:
			line = "error: " + strings.TrimPrefix(err.Error(), "reading the history of ")
		case rev.TooLarge != nil:
			line = "too large: " + rev.TooLarge.Where[:strings.LastIndex(rev.TooLarge.Where, " ")]
		default:
			line, _, _ = strings.Cut(rev.Message, "\n")
			for _, f := range rev.Files {
				line += fmt.Sprintf(" %s=%s", f.Path, strings.SplitN(string(f.Bytes), "\n", 2)[0])
			}
			if rev.Rewritten {
				line += " (rewritten)"
			}
		}
		all = append(all, line)
	}
	return all
}

// wantTold holds a history against what it should be.
func wantTold(t *testing.T, q source.Query, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, told(&source.Source{}, q)); diff != "" {
		t.Errorf("%+v (-want +got):\n%s", q, diff)
	}
}

func TestHistoryRev(t *testing.T) {
	r := newRepository(t)
	r.put("README.md", "one", "One")
	r.put("README.md", "two", "Two")
	r.git("tag", "-a", "-m", "A tag", "v2")
	r.put("README.md", "three", "Three")
	r.git("branch", "a/branch")
	r.put("README.md", "four", "Four")
	readme := []string{"README.md"}
	one, two, three := "One README.md=one", "Two README.md=two", "Three README.md=three"
	for rev, want := range map[string][]string{
		"v2": {one, two}, "a/branch": {one, two, three}, r.git("rev-parse", "HEAD~3"): {one}, "HEAD~2": {one, two}, "refs/tags/v2": {one, two},
	} {
		wantTold(t, source.Query{Repository: r.dir, Rev: rev, Files: readme}, want...)
	}
	for _, rev := range []string{"none", "--all", "-n1", "--output=x", "v2..main", "v2 main", "HEAD:README.md", "x\ny", "^main", strings.Repeat("1", 40)} {
		var why *source.HistoryError
		for got, err := range new(source.Source).History(context.Background(), source.Query{Repository: r.dir, Rev: rev, Files: readme}) {
			if got != nil || !errors.As(err, &why) || !errors.Is(err, source.ErrNoRevision) || !strings.Contains(err.Error(), fmt.Sprintf("there is no revision %q", rev)) || why.Hint == "" {
				t.Errorf("%q: got %+v and %v", rev, got, err)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(r.dir, "x")); err == nil {
		t.Error("git wrote a file named by a revision")
	}
}

// Only what came after a known commit is told, and a history that was written anew is told from where both were one.
func TestHistoryAfter(t *testing.T) {
	r := newRepository(t)
	head := func() string { return r.git("rev-parse", "HEAD") }
	readme := []string{"README.md"}
	r.put("README.md", "one", "One")
	one := head()
	r.put("README.md", "two", "Two")
	two := head()
	r.put("other.md", "x", "Other")
	other := head()
	q := func(after string) source.Query { return source.Query{Repository: r.dir, Files: readme, After: after} }
	wantTold(t, q(one), "Two README.md=two")
	wantTold(t, q(two))
	wantTold(t, q(other))

	r.git("checkout", "-q", "-b", "side", one)
	r.put("README.md", "side", "Side")
	side := head()
	r.git("checkout", "-q", "main")
	r.git("merge", "-q", "-s", "ours", "-m", "Merge", "side")
	wantTold(t, q(other)) // nothing changed along the first parents
	wantTold(t, q(side), "Two README.md=two")

	r.git("reset", "-q", "--hard", one)
	r.put("README.md", "TWO", "Two anew")
	r.put("README.md", "three", "Three")
	wantTold(t, q(two), "Two anew README.md=TWO (rewritten)", "Three README.md=three (rewritten)")

	// What was taken back is told as well, though no commit is new.
	r.git("reset", "-q", "--hard", one)
	wantTold(t, q(two), "One README.md=one (rewritten)")
	r.put("other.md", "y", "Another")
	wantTold(t, q(two), "One README.md=one (rewritten)")

	// Nothing in common, or the known commit is gone.
	r.git("checkout", "-q", "--orphan", "new")
	r.put("README.md", "NEW", "New")
	r.put("README.md", "NEWER", "Newer")
	wantTold(t, q(two), "Newer README.md=NEWER (rewritten)")
	for _, gone := range []string{strings.Repeat("1", 40), "--all", "main", "x\ny"} {
		wantTold(t, q(gone), "Newer README.md=NEWER (rewritten)")
	}
	wantTold(t, q(r.git("rev-parse", "HEAD:README.md")), "Newer README.md=NEWER (rewritten)") // no commit at all

	r.git("rm", "-q", "README.md")
	r.git("commit", "-q", "-m", "Remove")
	gone := "error: README.md: it is there no longer"
	wantTold(t, q(r.git("rev-parse", "HEAD~")), gone)
	wantTold(t, q(two), gone)
	last := head()
	wantTold(t, q(last))
	r.put("other.md", "z", "Still gone")
	wantTold(t, q(last), gone)
	r.put("README.md", "back", "Back")
	wantTold(t, q(last), "Back README.md=back")
}

// A merge that keeps an older state leaves no commit after the known one along the first parents, and yet another list.
func TestHistoryAfterAMergeThatTakesBack(t *testing.T) {
	r := newRepository(t)
	r.put("README.md", "one", "One")
	r.put("books/a.md", "a", "A")
	old := r.git("rev-parse", "HEAD")
	r.put("README.md", "two", "Two")
	r.put("books/b.md", "b", "B")
	known := r.git("rev-parse", "HEAD")
	r.git("checkout", "-q", "-b", "back", old)
	r.git("merge", "-q", "-s", "ours", "-m", "Back to one", "main")
	for _, follow := range []bool{false, true} {
		q := source.Query{Repository: r.dir, Files: []string{"README.md"}, After: known, Follow: follow}
		wantTold(t, q, "One README.md=one (rewritten)")
		q.After = old
		wantTold(t, q)
	}
	wantTold(t, source.Query{Repository: r.dir, Files: []string{"books/*.md"}, After: known}, "A books/a.md=a (rewritten)")
	wantTold(t, source.Query{Repository: r.dir, Files: []string{"books/a.md"}, After: known}) // which is as it was
	wantTold(t, source.Query{Repository: r.dir, Files: []string{"books/b.md"}, After: known}, "error: books/b.md: it is there no longer")

	r.git("checkout", "-q", "main")
	r.git("mv", "README.md", "list.md")
	r.git("commit", "-q", "-m", "Rename")
	known = r.git("rev-parse", "HEAD")
	r.git("checkout", "-q", "-b", "further", old)
	r.git("merge", "-q", "-s", "ours", "-m", "Back again", "main")
	wantTold(t, source.Query{Repository: r.dir, Files: []string{"README.md"}, After: known, Follow: true}, "One README.md=one (rewritten)")
}

func TestHistoryAfterAReset(t *testing.T) {
	r := newRepository(t)
	r.put("README.md", "one", "One")
	r.put("README.md", "two", "Two")
	r.put("README.md", "one", "Revert of Two\n\n[silent]")
	wantTold(t, source.Query{Repository: r.dir, Files: []string{"README.md"}},
		"One README.md=one", "Two README.md=two", "Revert of Two README.md=one")
	for rev := range new(source.Source).History(context.Background(), source.Query{Repository: r.dir, Files: []string{"README.md"}, After: r.git("rev-parse", "HEAD~")}) {
		if rev == nil || !rev.Silent() {
			t.Errorf("a silent revert: %+v", rev)
		}
	}
}

func TestHistoryOfSeveralFiles(t *testing.T) {
	r := newRepository(t)
	head := func() string { return r.git("rev-parse", "HEAD") }
	r.put("books/b.md", "b1", "B")
	b := head()
	r.put("books/a.md", "a1", "A")
	r.put("books/notes.txt", "n", "Notes")
	r.put("books/deep/c.md", "c1", "C")
	c := head()
	r.put("books/b.md", "b2", "B again")
	r.git("mv", "books/b.md", "books/d.md")
	r.git("commit", "-q", "-m", "Move")
	r.git("rm", "-q", "books/a.md")
	r.git("commit", "-q", "-m", "No A")
	noA := head()
	r.put("README.md", "r1", "Readme")
	r.git("rm", "-q", "-r", "books")
	r.git("commit", "-q", "-m", "No books")
	r.put("books/e.md", "e1", "E")

	q := func(after string, files ...string) source.Query {
		return source.Query{Repository: r.dir, Files: files, After: after}
	}
	wantTold(t, q("", "books/*.md"), "B books/b.md=b1", "A books/a.md=a1 books/b.md=b1", "B again books/a.md=a1 books/b.md=b2",
		"Move books/a.md=a1 books/d.md=b2", "No A books/d.md=b2", "E books/e.md=e1")
	wantTold(t, q(c, "**/*.md"), "B again books/a.md=a1 books/b.md=b2 books/deep/c.md=c1", "Move books/a.md=a1 books/d.md=b2 books/deep/c.md=c1",
		"No A books/d.md=b2 books/deep/c.md=c1", "Readme README.md=r1 books/d.md=b2 books/deep/c.md=c1", "No books README.md=r1", "E README.md=r1 books/e.md=e1")
	wantTold(t, q(noA, "books/d.md", "README.md"), "Readme README.md=r1 books/d.md=b2", "No books README.md=r1")
	wantTold(t, q(b, "books/[a-b].md"), "A books/a.md=a1 books/b.md=b1", "B again books/a.md=a1 books/b.md=b2", "Move books/a.md=a1",
		"error: books/[a-b].md: it is there no longer")
	wantTold(t, q(strings.Repeat("1", 40), "**/*.md"), "E README.md=r1 books/e.md=e1 (rewritten)")
	wantTold(t, q("", "books/a.md", "books/none.md"), "error: books/a.md, books/none.md: books/none.md: no commit has this file")
	wantTold(t, q("", "books/*.md", "boks/*.md"), "error: books/*.md, boks/*.md: boks/*.md: no commit has this file")
	wantTold(t, q("", "*.txt"), "error: *.txt: no commit has this file")
	wantTold(t, q("", "*", "../*"), "error: *, ../*: it is no path in a repository")
	follow := q("", "*.md")
	follow.Follow = true
	wantTold(t, follow, "error: *.md: only a single file can be followed through renames")

	// As paths from where one is, there are no patterns.
	t.Chdir(filepath.Join(r.dir, "books"))
	wantTold(t, source.Query{Files: []string{"e.md", "../README.md"}, After: noA}, "Readme README.md=r1", "E README.md=r1 books/e.md=e1")
	elsewhere := newRepository(t)
	elsewhere.put("x.md", "x", "X")
	wantTold(t, source.Query{Files: []string{"e.md", filepath.Join(elsewhere.dir, "x.md")}},
		"error: e.md, "+elsewhere.dir+"/x.md: "+elsewhere.dir+"/x.md is in another repository than e.md")
}

// What a revision has not changed is the memory of the one before.
func TestHistorySharesMemory(t *testing.T) {
	r := newRepository(t)
	r.put("a.md", "a", "A")
	r.put("b.md", "b", "B")
	r.git("mv", "b.md", "c.md")
	r.git("commit", "-q", "-m", "Move")
	at := make(map[string]*byte)
	for rev, err := range new(source.Source).History(context.Background(), source.Query{Repository: r.dir, Files: []string{"*.md"}}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range rev.Files {
			if before := at[string(f.Bytes)]; before != nil && before != &f.Bytes[0] {
				t.Errorf("%s: %s is a copy", rev.Message, f.Path)
			}
			at[string(f.Bytes)] = &f.Bytes[0]
		}
	}
}

func TestHistoryPatternsAndOddNames(t *testing.T) {
	r := newRepository(t)
	for _, name := range []string{"l/[x].md", "l/x.md", "l/a*b.md", "l/ab.md", "l/-n1.md", "l/q\"'.md", "l/new\nline.md", "l/\xff\xfe.md", "l/é.md", "l/:(top)x.md", "l/ .md"} {
		if err := os.MkdirAll(filepath.Join(r.dir, "l"), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte("-"), 0o666); err != nil {
			t.Skipf("skipped: the file system does not take %q: %v", name, err)
		}
	}
	r.git("add", "-A")
	r.git("commit", "-q", "-m", "All")
	for pattern, want := range map[string]string{
		"l/[x].md":    "All l/[x].md=- l/x.md=-", // itself as well, as for git
		`l/\[x\].md*`: "All l/[x].md=-",
		`l/a\*b.*`:    "All l/a*b.md=-",
		"l/*.md":      "All l/ .md=- l/-n1.md=- l/:(top)x.md=- l/[x].md=- l/a*b.md=- l/ab.md=- l/new\nline.md=- l/q\"'.md=- l/x.md=- l/é.md=- l/\xff\xfe.md=-",
		"?/-*":        "All l/-n1.md=-",
		"l/:*":        "All l/:(top)x.md=-",
	} {
		got := told(&source.Source{}, source.Query{Repository: r.dir, Files: []string{pattern}})
		if diff := cmp.Diff([]string{want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", pattern, diff)
		}
	}
}

// The limit is one for all files of a list together.
func TestHistoryTooLargeTogether(t *testing.T) {
	r := newRepository(t)
	r.put("a.md", strings.Repeat("a", 40), "A")
	r.put("b.md", strings.Repeat("b", 40), "B")
	r.put("c.md", strings.Repeat("c", 40), "C")
	r.put("c.md", "c", "Less C")
	r.put("a.md", strings.Repeat("A", 101), "More A")
	r.git("rm", "-q", "a.md")
	r.git("commit", "-q", "-m", "No A")
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	got := told(&source.Source{MaxBytes: 100}, source.Query{Repository: r.dir, Files: []string{"*.md"}})
	want := []string{"A a.md=" + a, "B a.md=" + a + " b.md=" + b, "too large: the list as of commit", "Less C a.md=" + a + " b.md=" + b + " c.md=c",
		"too large: a.md as of commit", "No A b.md=" + b + " c.md=c"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHistoryLinks(t *testing.T) {
	r := newRepository(t)
	r.put("docs/list.md", "one", "One")
	for _, origin := range []string{"https://user:secret@github.com/o/r.git", "git@github.com:o/r.git"} {
		r.git("config", "remote.origin.url", origin)
		for _, branch := range []string{"", "main"} {
			for rev, err := range new(source.Source).History(context.Background(), source.Query{Repository: r.dir, Branch: branch, Files: []string{"docs/list.md"}}) {
				if err != nil {
					t.Fatal(err)
				}
				at := "HEAD"
				if branch != "" {
					at = branch
				}
				if want := "https://github.com/o/r/commit/" + rev.Commit; rev.Link != want {
					t.Errorf("link: want %s, got %s", want, rev.Link)
				}
				if want := "https://github.com/o/r/blob/" + at + "/docs/list.md"; rev.Files[0].Page.String() != want {
					t.Errorf("page: want %s, got %s", want, rev.Files[0].Page)
				}
			}
		}
	}
}

// fastImport makes n commits, each of them a line more in README.md, and a file beside it.
func (r *repository) fastImport(n int) {
	r.t.Helper()
	var in, list strings.Builder
	list.WriteString("# A list\n\n")
	for i := range n {
		fmt.Fprintf(&list, "- [Entry %d](https://example.org/%d) - Something.\n", i, i)
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter Ada <ada@example.org> %d +0000\ndata 4\nAdd\n", 1700000000+i)
		fmt.Fprintf(&in, "M 100644 inline README.md\ndata %d\n%s\nM 100644 inline x/%d.txt\ndata 1\nx\n", list.Len(), list.String(), i%7)
	}
	r.gitWith(in.String(), "fast-import", "--quiet")
}

func TestHistoryOf2000Revisions(t *testing.T) {
	r := newRepository(t)
	r.fastImport(2000)
	for _, q := range []source.Query{{Files: []string{"README.md"}}, {Files: []string{"README.md"}, Follow: true}, {Files: []string{"*.md"}}} {
		q.Repository = r.dir
		n, before := 0, 0
		for rev, err := range new(source.Source).History(context.Background(), q) {
			if err != nil {
				t.Fatal(err)
			}
			if size := len(rev.Files[0].Bytes); size <= before || rev.Date.Unix() != int64(1700000000+n) {
				t.Fatalf("revision %d of %v: %d bytes after %d", n, rev.Date, size, before)
			}
			before = len(rev.Files[0].Bytes)
			n++
		}
		if n != 2000 {
			t.Errorf("%+v: %d revisions", q, n)
		}
	}
}
