package check_test

import (
	"context"
	"database/sql"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/check"
	"linkletter/cmd/internal/source"
	"linkletter/feed/curated"
	"linkletter/store"
)

// commitFiles writes files and commits them.
func (r *repository) commitFiles(files map[string]string) {
	r.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(r.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[name]), 0o666); err != nil {
			r.t.Fatal(err)
		}
	}
	r.date = r.date.AddDate(0, 0, 1)
	r.git("add", "-A")
	r.git("commit", "-q", "-m", "Files")
}

// read is what git prints.
func (r *repository) read(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatal(err)
	}
	return string(out)
}

func text(title string, entries ...string) string {
	return "# " + title + "\n\n" + strings.Join(entries, "\n") + "\n"
}

func wantAdded(t *testing.T, r *check.Result, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), names(r.Taken.Added)); diff != "" {
		t.Errorf("announced (-want +got):\n%s", diff)
	}
}

// Vandalism that was reverted before anybody looked leaves nothing behind, and nothing held.
func TestVandalismBetweenTwoChecks(t *testing.T) {
	f, r := gitFixture(t)
	r.commit("Begin", bullets("Anvil", "Bellows")...)
	f.check(t)
	r.commitText("Vandalism", "")
	r.commit("Revert", bullets("Anvil", "Bellows")...)
	for range 2 {
		if got := f.check(t); len(got.Held) > 0 || got.Entries != 2 || !got.Unchanged {
			t.Errorf("a check after it: %+v", got)
		}
	}
	if l, err := f.Store.List(context.Background(), "a"); err != nil || len(l.Holds) > 0 {
		t.Errorf("held: %+v, %v", l.Holds, err)
	}
}

// Another file is another list, which is looked at at once.
func TestOtherFilesAreConfigured(t *testing.T) {
	f, r := gitFixture(t)
	r.commitFiles(map[string]string{"list.md": text("T", bullets("Anvil", "Bellows")...), "other.md": text("O", bullets("Anvil", "Bellows", "Chisel")...)})
	f.check(t)
	f.list.At.Git.Files = []string{"other.md"}
	wantAdded(t, f.check(t), "Chisel")
	if got := f.check(t); !got.Unchanged {
		t.Errorf("the next check: %+v", got)
	}
	f.list.At.Git.Files = []string{"none.md"}
	if got, err := f.Check(context.Background(), f.list); err == nil {
		t.Errorf("a file that is not there: %+v", got)
	}
}

// A program that reads lists in another way reads again what it knows; where that was lost, what is new waits for a person.
func TestAnotherReaderAndALostCommit(t *testing.T) {
	f, r := gitFixture(t)
	r.commit("Begin", bullets("Anvil")...)
	r.commit("More", bullets("Anvil", "Bellows")...)
	f.check(t)
	f.readByAnother(t)
	if got := f.check(t); len(got.Taken.Added)+len(got.Held) > 0 {
		t.Errorf("read again: %+v", got)
	}
	f.readByAnother(t)
	r.git("reset", "-q", "--hard", "HEAD~1")
	r.git("reflog", "expire", "--expire=now", "--all")
	r.git("gc", "-q", "--prune=now")
	r.commit("Another", bullets("Anvil", "Bellows", "Chisel")...)
	if got := f.check(t); len(got.Taken.Added) != 0 || !slices.ContainsFunc(got.Held, func(h curated.Hold) bool { return h.Kind == curated.HoldAdded }) {
		t.Errorf("after the commit was lost: %+v", got)
	}
}

// Several files below a page: the first check and later ones read the same addresses.
func TestSeveralFilesBelowAPage(t *testing.T) {
	f, r := gitFixture(t)
	f.list.At.Git.Files = []string{"*/*.md"}
	f.list.Page, _ = url.Parse("https://example.org/x/")
	a := text("A", "- [Docs](one.html) - All about it.", "- [Guide](two.html) - Too.")
	r.commitFiles(map[string]string{"a/l.md": a, "b/l.md": text("B", "- [PDF](one.html) - Another one.")})
	f.check(t)
	if n := len(standing(t, f)); n != 3 {
		t.Errorf("%d entries, want 3", n)
	}
	r.commitFiles(map[string]string{"a/l.md": a + "- [Extra](e.html) - New.\n"})
	got := f.check(t)
	wantAdded(t, got, "Extra")
	if len(got.Taken.Removed)+len(got.Taken.Changed) > 0 || got.Taken.Added[0].URL != "https://example.org/x/a/e.html" {
		t.Errorf("removed %d, changed %d, the new one is %s", len(got.Taken.Removed), len(got.Taken.Changed), got.Taken.Added[0].URL)
	}
}

// One of several files that is no Markdown does not keep the others from being read, at the first check or later.
func TestOneOfSeveralFilesIsUnreadable(t *testing.T) {
	const page = "<!doctype html><html><body>x</body></html>\n"
	f, r := gitFixture(t)
	f.list.At.Git.Files = []string{"*.md"}
	r.commitFiles(map[string]string{"a.md": text("A", bullets("Anvil", "Bellows")...), "b.md": text("B", bullet("Chisel"))})
	r.commitFiles(map[string]string{"a.md": text("A", bullets("Anvil", "Bellows", "Drill")...), "b.md": page})
	f.check(t)
	dates := map[string]string{}
	for _, e := range standing(t, f) {
		dates[e.Title] = e.Published.Format(time.DateOnly)
	}
	if diff := cmp.Diff(map[string]string{"Anvil": "2026-01-01", "Bellows": "2026-01-01", "Drill": "2026-01-02"}, dates); diff != "" {
		t.Errorf("after the first check (-want +got):\n%s", diff)
	}
	r.commitFiles(map[string]string{"a.md": text("A", bullets("Anvil", "Bellows", "Drill", "Easel")...)})
	wantAdded(t, f.check(t), "Easel")
	r.commitFiles(map[string]string{"b.md": text("B", bullet("Chisel"), bullet("File"))})
	wantAdded(t, f.check(t), "File")
}

// A work tree whose remote is a forge: links are read as those of the file, in its history too.
func TestAWorkTreeOfAForge(t *testing.T) {
	f, r := gitFixture(t)
	r.git("remote", "add", "origin", "https://github.com/ada/tools.git")
	r.commitFiles(map[string]string{"list.md": text("T", "## A", "- [docs](docs/a.md)", "- [link](docs/a2.md)", "## B", "- [docs](docs/b.md)")})
	f.list.At = source.Location{Path: r.dir + "/list.md"}
	f.check(t)
	for _, e := range standing(t, f) {
		if e.Origin.By != "Ada" || e.Published.Month() != time.January || !e.Updated.Equal(e.Published) {
			t.Errorf("%s <%s>: published %v, updated %v, by %q", e.Title, e.URL, e.Published, e.Updated, e.Origin.By)
		}
	}
}

// A history that is there and cannot be read is told.
func TestAWorkTreeThatIsDamaged(t *testing.T) {
	f, r := gitFixture(t)
	r.commit("Begin", bullets("Anvil")...)
	r.commit("More", bullets("Anvil", "Bellows")...)
	blob := strings.TrimSpace(r.read("rev-parse", "HEAD~1:list.md"))
	if err := os.Remove(filepath.Join(r.dir, ".git", "objects", blob[:2], blob[2:])); err != nil {
		t.Fatal(err)
	}
	f.list.At = source.Location{Path: r.dir + "/list.md"}
	got := f.check(t)
	if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "its history cannot be read") || got.Entries != 2 {
		t.Errorf("%d entries, warned of %q", got.Entries, got.Warnings)
	}
}

// A silent revision is its author's decision: it is never held for what it adds.
func TestASilentMassIsNotHeld(t *testing.T) {
	f, r := gitFixture(t)
	r.commit("Begin", bullets("Anvil", "Bellows")...)
	f.check(t)
	r.commit("Import [silent]", append(bullets("Anvil", "Bellows"), numbered("mass", 60)...)...)
	if got := f.check(t); len(got.Held)+len(got.Taken.Added) > 0 || got.Entries != 62 {
		t.Errorf("%d held, %d announced, %d entries", len(got.Held), len(got.Taken.Added), got.Entries)
	}
}

// Who believes that a list was emptied believes nothing of what came since.
func TestBelievingAnEmptiedListIsNoMore(t *testing.T) {
	f, r := gitFixture(t)
	r.commit("Begin", bullets("Anvil", "Bellows")...)
	f.check(t)
	r.commitText("Emptied", "")
	f.check(t)
	r.commit("Spam", numbered("spam", 200)...)
	got, err := f.Believe(context.Background(), f.list)
	if err != nil || len(got.Taken.Added) > 0 || len(got.Held) != 1 || got.Held[0].Count != 200 {
		t.Errorf("announced %d, held %+v, %v", len(got.Taken.Added), got.Held, err)
	}
}

// A new feed has entries, whatever came and went lately: what left takes half of the places at most.
func TestANewFeedIsNotEmpty(t *testing.T) {
	f, r := gitFixture(t)
	f.list.Baseline = 20
	r.commit("Begin", numbered("x", 30)...)
	r.commit("Spam", append(numbered("x", 30), numbered("spam", 25)...)...)
	r.commit("And away", numbered("x", 30)...)
	f.check(t)
	if n := len(feedOf(t, f, "")); n != 10 {
		t.Errorf("%d entries, want 10", n)
	}
}

// A database that is made anew from the same history gives the same feeds: what left makes no room for what was too old, in
// the list's feed and in that of a section.
func TestAFeedMadeAnewIsTheSame(t *testing.T) {
	f, r := gitFixture(t)
	f.list.Baseline = 20
	iron := append([]string{"## Iron", ""}, numbered("iron", 30)...)
	wood := append([]string{"", "## Wood", ""}, numbered("wood", 30)...)
	r.commit("Begin", slices.Concat(iron, wood)...)
	f.check(t)
	r.commit("Add", append(slices.Concat(iron, wood), bullets("Chisel", "Drill")...)...)
	f.check(t)
	r.commit("Remove", append(slices.Concat(iron[:2], iron[10:], wood), bullet("Drill"))...)
	f.check(t)
	anew := newFixture(t)
	anew.list, anew.now = f.list, f.now
	anew.check(t)
	for _, section := range []string{"", "iron", "wood"} {
		if diff := cmp.Diff(idsOf(feedOf(t, f, section)), idsOf(feedOf(t, anew, section))); diff != "" {
			t.Errorf("ids in the feed of section %q (-before +made anew):\n%s", section, diff)
		}
	}
}

func idsOf(entries []store.Entry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, e.ID)
	}
	return all
}

// What was announced last is in the feed, however old its commit.
func TestAnOldCommitComesLast(t *testing.T) {
	f, r := gitFixture(t)
	list := numbered("x", 30)
	r.commit("Begin", list...)
	f.check(t)
	r.date = r.date.AddDate(0, 3, 0)
	for _, name := range []string{"k", "l", "m"} {
		list = append(list, numbered(name, 20)...)
		r.commit("More", list...)
	}
	f.check(t)
	r.date = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	r.commit("A commit that lay about", append(list, bullet("Late"))...)
	wantAdded(t, f.check(t), "Late")
	entries := feedOf(t, f, "")
	if last := entries[len(entries)-1]; len(entries) != 50 || last.Title != "Late" {
		t.Errorf("%d entries, the last one is %s", len(entries), last.Title)
	}
}

// feedOf is the feed of the list, or of a section.
func feedOf(t *testing.T, f *fixture, section string) []store.Entry {
	t.Helper()
	entries, err := f.Store.Feed(context.Background(), store.FeedQuery{Lists: []string{"a"}, Section: section, Window: 50, Baseline: 20})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// readByAnother makes the store say that another version of the program read the list.
func (f *fixture) readByAnother(t *testing.T) {
	t.Helper()
	db, err := sql.Open("sqlite", f.path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE list SET reader = reader - 1`); err != nil {
		t.Fatal(err)
	}
}
