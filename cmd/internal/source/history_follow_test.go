package source_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/source"
)

// listOf is a list of our own that is long enough for git to know it again.
func listOf(first string, more ...string) string {
	lines := []string{first, ""}
	for _, tool := range strings.Fields("anvil bellows chisel drill easel file gauge hammer iron jig knife lathe mallet nail") {
		lines = append(lines, "- ["+tool+"](https://example.org/"+tool+") - Of use in a workshop.")
	}
	return strings.Join(append(lines, more...), "\n") + "\n"
}

// commit records what stands in the work tree.
func (r *repository) commit(message string) {
	r.t.Helper()
	r.git("add", "-A")
	r.git("commit", "-q", "-m", message)
}

func (r *repository) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		r.t.Fatal(err)
	}
}

func TestHistoryFollow(t *testing.T) {
	tests := []struct {
		name string
		make func(r *repository)
		file string
		want []string
	}{
		{"a rename", func(r *repository) {
			r.put("README.md", listOf("1"), "One")
			r.git("mv", "README.md", "list.md")
			r.commit("Rename")
			r.put("list.md", listOf("2"), "Two")
		}, "list.md", []string{"One README.md=1", "Rename list.md=1", "Two list.md=2"}},
		{"by the name it had", func(r *repository) {
			r.put("a.md", listOf("1"), "One")
			r.git("mv", "a.md", "b.md")
			r.commit("Rename")
			r.git("mv", "b.md", "c.md")
			r.commit("Rename again")
			r.put("c.md", listOf("2"), "Two")
		}, "a.md", []string{"One a.md=1", "Rename b.md=1", "Rename again c.md=1", "Two c.md=2"}},
		{"a folder", func(r *repository) {
			r.put("docs/old/list.md", listOf("1"), "One")
			r.put("docs/old/other.md", listOf("other", "more"), "Other")
			r.git("mv", "docs/old", "content")
			r.commit("Rename")
		}, "content/list.md", []string{"One docs/old/list.md=1", "Rename content/list.md=1"}},
		{"upper and lower case", func(r *repository) {
			r.put("README.md", listOf("1"), "One")
			r.git("mv", "README.md", "readme.md")
			r.commit("Rename")
		}, "README.md", []string{"One README.md=1", "Rename readme.md=1"}},
		{"with an edit", func(r *repository) {
			r.put("README.md", listOf("1"), "One")
			r.git("mv", "README.md", "list.md")
			r.write("list.md", listOf("2", "- [Oar](https://example.org/oar)"))
			r.commit("Rename and edit")
		}, "list.md", []string{"One README.md=1", "Rename and edit list.md=2"}},
		{"there and back", func(r *repository) {
			r.put("README.md", listOf("1"), "One")
			r.git("mv", "README.md", "list.md")
			r.commit("There")
			r.put("list.md", listOf("2"), "Two")
			r.git("mv", "list.md", "README.md")
			r.commit("Back")
		}, "README.md", []string{"One README.md=1", "There list.md=1", "Two list.md=2", "Back README.md=2"}},
		{"in a merge", func(r *repository) {
			r.put("README.md", listOf("1"), "One")
			r.git("checkout", "-q", "-b", "side")
			r.git("mv", "README.md", "list.md")
			r.commit("Rename aside")
			r.put("list.md", listOf("2"), "Two aside")
			r.git("checkout", "-q", "main")
			r.put("other.md", "x", "Other")
			r.git("merge", "-q", "--no-ff", "-m", "Merge", "side")
			r.put("list.md", listOf("3"), "Three")
		}, "list.md", []string{"One README.md=1", "Merge list.md=2", "Three list.md=3"}},
		{"a copy is not followed", func(r *repository) {
			r.put("README.md", listOf("1"), "One")
			r.put("copy.md", listOf("1"), "Copy")
			r.put("copy.md", listOf("2"), "Two")
		}, "copy.md", []string{"Copy copy.md=1", "Two copy.md=2"}},
		{"deleted and back", func(r *repository) {
			r.put("README.md", listOf("1"), "One")
			r.git("rm", "-q", "README.md")
			r.commit("Remove")
			r.put("README.md", listOf("1"), "Back")
		}, "README.md", []string{"One README.md=1", "Back README.md=1"}},
		{"the name was another's", func(r *repository) {
			r.put("list.md", listOf("other"), "Another list")
			r.git("mv", "list.md", "archive.md")
			r.commit("Away")
			r.put("list.md", "# Quite\n\nanother text, without anything of the first\n", "New")
		}, "list.md", []string{"New list.md=# Quite"}},
		{"the name is another's now", func(r *repository) {
			r.put("README.md", listOf("1"), "One")
			r.git("mv", "README.md", "list.md")
			r.commit("Rename")
			r.put("README.md", "# What this is\n", "A new readme")
			r.put("list.md", listOf("2"), "Two")
		}, "list.md", []string{"One README.md=1", "Rename list.md=1", "Two list.md=2"}},
		{"a stub was left", func(r *repository) {
			r.put("README.md", listOf("1"), "One")
			r.write("docs/list.md", listOf("1"))
			r.write("README.md", "# Moved\n\nSee docs/list.md.\n")
			r.commit("Move, and leave a stub")
			r.put("docs/list.md", listOf("2"), "Two")
		}, "docs/list.md", []string{"One README.md=1", "Move, and leave a stub docs/list.md=1", "Two docs/list.md=2"}},
		{"a stub was left, and gave way again", func(r *repository) {
			r.put("README.md", listOf("1"), "One")
			r.write("docs/list.md", listOf("1"))
			r.write("README.md", "# Moved\n\nSee docs/list.md.\n")
			r.commit("Move, and leave a stub")
			r.put("docs/list.md", listOf("2"), "Two")
			r.put("README.md", "# Moved\n\nSee there.\n", "Another stub")
			r.git("mv", "-f", "docs/list.md", "README.md")
			r.commit("Back")
			r.put("README.md", listOf("3"), "Three")
		}, "README.md", []string{"One README.md=1", "Move, and leave a stub docs/list.md=1", "Two docs/list.md=2", "Back README.md=2", "Three README.md=3"}},
		{"a small file that grows is the same", func(r *repository) {
			r.put("README.md", "# A list\n", "Begin")
			r.put("old.txt", "an old text that goes\n", "Old")
			r.git("rm", "-q", "old.txt")
			r.write("README.md", listOf("1"))
			r.commit("Fill")
		}, "README.md", []string{"Begin README.md=# A list", "Fill README.md=1"}},
		{"a link took the place", func(r *repository) {
			r.put("README.md", listOf("1"), "One")
			r.git("mv", "README.md", "list.md")
			if err := os.Symlink("list.md", filepath.Join(r.dir, "README.md")); err != nil {
				r.t.Skip(err)
			}
			r.commit("Link")
			r.put("list.md", listOf("2"), "Two")
		}, "README.md", []string{"One README.md=1", "Link list.md=1", "Two list.md=2"}},
		{"a file took the place of a link", func(r *repository) {
			r.put("docs/list.md", listOf("1"), "One")
			if err := os.Symlink("docs/list.md", filepath.Join(r.dir, "README.md")); err != nil {
				r.t.Skip(err)
			}
			r.commit("Link")
			r.git("rm", "-q", "README.md")
			r.git("mv", "docs/list.md", "README.md")
			r.commit("File")
		}, "README.md", []string{"One docs/list.md=1", "File README.md=1"}},
		{"gone", func(r *repository) {
			r.put("README.md", listOf("1"), "One")
			r.git("rm", "-q", "README.md")
			r.commit("Remove")
		}, "README.md", []string{"One README.md=1", "error: README.md: it is there no longer"}},
		{"odd names", func(r *repository) {
			r.put("-a\n\"b\".md", listOf("1"), "One")
			r.git("mv", "--", "-a\n\"b\".md", ":(top)\tc.md")
			r.commit("Rename")
		}, ":(top)\tc.md", []string{"One -a\n\"b\".md=1", "Rename :(top)\tc.md=1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRepository(t)
			tt.make(r)
			wantTold(t, source.Query{Repository: r.dir, Files: []string{tt.file}, Follow: true}, tt.want...)
			// What came after a commit is the rest of all, whatever the name was there.
			all := r.git("rev-list", "--first-parent", "--reverse", "HEAD")
			for after := range strings.FieldsSeq(all) {
				got := told(&source.Source{}, source.Query{Repository: r.dir, Files: []string{tt.file}, Follow: true, After: after})
				if len(got) > len(tt.want) || len(got) > 0 && cmp.Diff(tt.want[len(tt.want)-len(got):], got) != "" {
					t.Errorf("after %s: got %q, which is not the end of %q", r.git("log", "-1", "--format=%s", after), got, tt.want)
				}
			}
		})
	}
}

func TestHistoryFollowRewritten(t *testing.T) {
	r := newRepository(t)
	r.put("README.md", listOf("1"), "One")
	r.put("README.md", listOf("2"), "Two")
	two := r.git("rev-parse", "HEAD")
	r.git("reset", "-q", "--hard", "HEAD~")
	r.git("mv", "README.md", "list.md")
	r.commit("Rename")
	r.put("list.md", listOf("3"), "Three")
	q := source.Query{Repository: r.dir, Files: []string{"README.md"}, Follow: true, After: two}
	wantTold(t, q, "Rename list.md=1 (rewritten)", "Three list.md=3 (rewritten)")
	q.After = strings.Repeat("1", 40)
	wantTold(t, q, "Three list.md=3 (rewritten)")
}

// The name that a file is asked for by may be one that it does not have yet in an older state that came back.
func TestHistoryFollowTakenBack(t *testing.T) {
	r := newRepository(t)
	r.put("README.md", listOf("1"), "One")
	old := r.git("rev-parse", "HEAD")
	r.git("mv", "README.md", "list.md")
	r.commit("Rename")
	r.put("list.md", listOf("2"), "Two")
	known := r.git("rev-parse", "HEAD")
	q := source.Query{Repository: r.dir, Files: []string{"list.md"}, Follow: true, After: known}
	r.git("checkout", "-q", "-b", "back", old)
	wantTold(t, q, "One README.md=1 (rewritten)")
	r.git("merge", "-q", "-s", "ours", "-m", "Back", "main")
	wantTold(t, q, "One README.md=1 (rewritten)")
	r.put("README.md", listOf("3"), "Three")
	wantTold(t, q, "Three README.md=3")

	// Another file of a name that was once the list's is not the list.
	r.git("checkout", "-q", "main")
	r.git("rm", "-q", "list.md")
	r.put("README.md", "Nothing is here any more.\n", "Another file")
	wantTold(t, q, "error: list.md: it is there no longer")
}

// On histories that grew elsewhere, a followed file has the commits that git log --follow has; git follows copies
// as well, which is not wanted.
func TestHistoryFollowsAsGit(t *testing.T) {
	repositories, _ := filepath.Glob(os.Getenv("LINKLETTER_HISTORIES") + "/*.git")
	if os.Getenv("LINKLETTER_HISTORIES") == "" || len(repositories) == 0 {
		t.Skip("skipped: LINKLETTER_HISTORIES names no folder with bare repositories")
	}
	for _, dir := range repositories {
		files, err := exec.Command("git", "-C", dir, "ls-tree", "-r", "-z", "--name-only", "HEAD").Output()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for file := range strings.SplitSeq(strings.TrimSuffix(string(files), "\x00"), "\x00") {
			if n++; n > 60 || strings.ContainsAny(file, "*?[") {
				continue
			}
			log, err := exec.Command("git", "-C", dir, "log", "--follow", "--first-parent", "--diff-merges=first-parent", "-M", "--diff-filter=AMRT", "--raw", "--format=%H", "--", file).Output()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for rev, err := range new(source.Source).History(t.Context(), source.Query{Repository: dir, Files: []string{file}, Follow: true}) {
				if err != nil {
					t.Logf("%s %s: %v", dir, file, err)
					break
				}
				got = append([]string{rev.Commit}, got...)
			}
			var want []string
			for line := range strings.SplitSeq(string(log), "\n") {
				if fields := strings.Fields(line); len(fields) > 4 && fields[4][0] == 'C' {
					break
				} else if line != "" && line[0] != ':' {
					want = append(want, line)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %s (-git +got):\n%s", dir, file, diff)
			}
		}
	}
}
