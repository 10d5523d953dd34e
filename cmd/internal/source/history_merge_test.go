package source_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/source"
)

// A merge is the work of those whose commits it brings, and silent when they all ask for that.
func TestMergesAreCredited(t *testing.T) {
	r := newRepository(t)
	r.put("README.md", "zero\n", "Begin")
	lines := 0
	branch := func(merge string, commits ...[2]string) {
		r.git("checkout", "-q", "-b", fmt.Sprintf("side%d", lines))
		for _, c := range commits {
			lines++
			r.write("README.md", strings.Repeat("line\n", lines))
			r.git("add", "-A")
			r.git("-c", "user.name="+c[0], "commit", "-q", "--author", c[0]+" <a@example.org>", "-m", c[1])
		}
		r.put("other.md", merge, "Another file, by whoever commits here")
		r.git("checkout", "-q", "main")
		r.git("merge", "-q", "--no-ff", "-m", merge, "@{-1}")
	}
	branch("Merge one", [2]string{"Carol", "Add a line"})
	branch("Merge two of one author", [2]string{"Dan", "Add"}, [2]string{"Dan", "Mend it"})
	branch("Merge what two wrote", [2]string{"Carol", "Add"}, [2]string{"Dan", "Mend it"})
	branch("Merge what is silent", [2]string{"Carol", "Add [silent]"}, [2]string{"Carol", "Mend [Silent]"})
	branch("Merge what is silent in part", [2]string{"Carol", "Add [silent]"}, [2]string{"Carol", "Add another"})
	branch("Merge [silent]", [2]string{"Carol", "Add"})
	var got []string
	for rev, err := range new(source.Source).History(context.Background(), source.Query{Repository: r.dir, Files: []string{"README.md"}}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s by %q, silent %t", rev.Message, rev.Author, rev.Silent()))
	}
	want := []string{
		`Begin by "Ada Lovelace", silent false`,
		`Merge one by "Carol", silent false`,
		`Merge two of one author by "Dan", silent false`,
		`Merge what two wrote by "", silent false`,
		`Merge what is silent by "Carol", silent true`,
		`Merge what is silent in part by "Carol", silent false`,
		`Merge [silent] by "Carol", silent true`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// credited is who is named for each revision of a list.
func credited(t *testing.T, s *source.Source, q source.Query) string {
	t.Helper()
	var got []string
	for rev, err := range s.History(context.Background(), q) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s by %s", rev.Message, rev.Author))
	}
	return strings.Join(got, "; ")
}

// by commits a file on a branch, as somebody.
func (r *repository) by(author, branch, file, text, message string) {
	r.t.Helper()
	r.git("checkout", "-q", branch)
	r.write(file, text)
	r.git("add", "-A")
	r.git("commit", "-q", "--author", author+" <a@example.org>", "-m", message)
}

func TestMergesOfAllShapes(t *testing.T) {
	r := newRepository(t)
	r.git("config", "uploadpack.allowFilter", "true")
	r.put("README.md", listOf("1"), "Begin")
	r.put("books/a.md", "a\n", "Books")
	for _, side := range []string{"b", "c", "d"} {
		r.git("branch", side)
	}
	r.by("Bea", "b", "books/b.md", "b\n", "Add b")
	r.by("Cem", "c", "books/c.md", "c\n", "Add c")
	r.by("Dan", "d", "other.txt", "d\n", "Not of the list")
	r.git("checkout", "-q", "main")
	r.git("merge", "-q", "--no-ff", "-m", "Octopus", "b", "c", "d")

	// A branch that takes in what others did meanwhile is still the work of one.
	r.git("branch", "-f", "b")
	r.by("Eve", "main", "README.md", listOf("2"), "Two")
	r.by("Bea", "b", "README.md", listOf("1", "mine"), "Draft")
	r.git("merge", "-q", "-s", "ours", "-m", "Take in main", "main")
	r.by("Bea", "b", "README.md", listOf("2", "mine"), "Mine")
	r.git("checkout", "-q", "main")
	r.git("merge", "-q", "--no-ff", "-m", "Merge b", "b")

	// One that was renamed on the way.
	r.git("checkout", "-q", "-B", "c")
	r.git("mv", "README.md", "list.md")
	r.git("commit", "-q", "--author", "Cem <c@example.org>", "-m", "Rename")
	r.git("checkout", "-q", "main")
	r.git("merge", "-q", "--no-ff", "-m", "Merge c", "c")
	second := r.git("rev-parse", "HEAD~1")

	lists := "Begin by Ada Lovelace; Two by Eve; Merge b by Bea; Merge c by Cem"
	books := "Books by Ada Lovelace; Octopus by "
	s := &source.Source{Data: t.TempDir()}
	at := source.Repository{Remote: "file://" + filepath.ToSlash(r.dir), Files: []string{"list.md"}}
	c, err := s.Sync(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{r.dir, c.Dir} { // the clone has no file of a side branch
		q := source.Query{Repository: dir, Rev: c.Rev, Files: []string{"list.md"}, Follow: true}
		if got := credited(t, s, q); got != lists {
			t.Errorf("%s: followed: %s", dir, got)
		}
		q.After = second
		if got := credited(t, s, q); got != "Merge c by Cem" {
			t.Errorf("%s: after a commit: %s", dir, got)
		}
		q.After, q.Newest = "", true
		if got := credited(t, s, q); got != "Merge c by Cem" {
			t.Errorf("%s: the newest: %s", dir, got)
		}
		if got := credited(t, s, source.Query{Repository: dir, Rev: c.Rev, Files: []string{"books/*.md"}}); got != books {
			t.Errorf("%s: several files: %s", dir, got)
		}
	}

	// A clone that ends before the side branch does knows nothing of who began it.
	r.git("checkout", "-q", "-b", "long", "main~1")
	for i := range 4 {
		r.by("Fay", "long", "notes.md", strings.Repeat("x\n", i+1), "Write")
	}
	r.git("checkout", "-q", "main")
	r.git("merge", "-q", "--no-ff", "-m", "Merge notes", "long")
	shallow := t.TempDir()
	r.git("clone", "-q", "--depth=2", at.Remote, shallow)
	if got := credited(t, s, source.Query{Repository: shallow, Files: []string{"notes.md"}}); got != "Merge notes by Ada Lovelace" {
		t.Errorf("a shallow clone: %s", got)
	}
	if got := credited(t, s, source.Query{Repository: r.dir, Files: []string{"notes.md"}}); got != "Merge notes by Fay" {
		t.Errorf("the whole: %s", got)
	}
}

// TestManyMerges: all are credited at once.
func TestManyMerges(t *testing.T) {
	r := newRepository(t)
	const n = 1000
	var in strings.Builder
	list := listOf("0")
	fmt.Fprintf(&in, "commit refs/heads/main\nmark :1\ncommitter Ada <a@example.org> 1700000000 +0000\ndata 5\nBegin\nM 100644 inline README.md\ndata %d\n%s\n", len(list), list)
	for i := range n {
		list = listOf(fmt.Sprint(i + 1))
		file := fmt.Sprintf("M 100644 inline README.md\ndata %d\n%s\n", len(list), list)
		fmt.Fprintf(&in, "commit refs/heads/side\nmark :%d\nauthor Carol%d <c@example.org> 1700000000 +0000\ncommitter Ada <a@example.org> 1700000000 +0000\ndata 3\nAdd\nfrom :%d\n%s", 2*i+2, i+1, 2*i+1, file)
		fmt.Fprintf(&in, "commit refs/heads/main\nmark :%d\ncommitter Ada <a@example.org> 1700000000 +0000\ndata 5\nMerge\nfrom :%d\nmerge :%d\n%s", 2*i+3, 2*i+1, 2*i+2, file)
	}
	r.gitWith(in.String(), "fast-import", "--quiet")
	// Each git is counted.
	count := filepath.Join(t.TempDir(), "count")
	gitWrapped(t, "echo >> '"+count+"'")
	i := 0
	for rev, err := range new(source.Source).History(context.Background(), source.Query{Repository: r.dir, Files: []string{"README.md"}}) {
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("Carol%d", i); i > 0 && rev.Author != want {
			t.Fatalf("revision %d is by %q", i, rev.Author)
		}
		i++
	}
	if started, err := os.ReadFile(count); i != n+1 || err != nil || len(started) > 20 {
		t.Errorf("%d revisions by %d gits, %v", i, len(started), err)
	}
}
