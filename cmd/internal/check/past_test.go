package check_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/check"
	"linkletter/cmd/internal/source"
	"linkletter/feed/curated"
)

// repository is a git repository of a test; each commit is a day later than the one before, the first on 1 January.
type repository struct {
	t    *testing.T
	dir  string
	date time.Time
}

func newRepository(t *testing.T) *repository {
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
	r := &repository{t: t, dir: t.TempDir(), date: time.Date(2025, 12, 31, 12, 0, 0, 0, time.UTC)}
	r.git("init", "-q", "-b", "main")
	r.git("config", "user.name", "Ada")
	r.git("config", "user.email", "ada@example.org")
	return r
}

func (r *repository) git(args ...string) {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE=2020-01-01T00:00:00Z", "GIT_COMMITTER_DATE="+r.date.Format(time.RFC3339))
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// commit makes the list's next version of lines.
func (r *repository) commit(message string, lines ...string) {
	r.t.Helper()
	r.commitText(message, "# Tools\n\n"+strings.Join(lines, "\n")+"\n")
}

func (r *repository) commitText(message, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, "list.md"), []byte(text), 0o666); err != nil {
		r.t.Fatal(err)
	}
	r.date = r.date.AddDate(0, 0, 1)
	r.git("add", "list.md")
	r.git("commit", "-q", "--allow-empty", "-m", message)
}

var replayed = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)

func (r *repository) replay() *check.Past {
	r.t.Helper()
	return r.replayOn(nil)
}

func (r *repository) replayOn(page *url.URL) *check.Past {
	r.t.Helper()
	s := &source.Source{MaxBytes: 1 << 16}
	past, err := check.Replay(context.Background(), s.History(context.Background(), source.Query{Repository: r.dir, Files: []string{"list.md"}}),
		curated.DefaultGuard, page, replayed)
	if err != nil {
		r.t.Fatal(err)
	}
	return past
}

// lines tells what a past says of each entry: "title published[ updated][ marks]", dates as days and seconds before noon.
func lines(p *check.Past) []string {
	var out []string
	for _, e := range p.Entries {
		s := e.Entry.Title + " " + moment(e.Published)
		if !e.Updated.Equal(e.Published) {
			s += " updated " + moment(e.Updated)
		}
		for _, m := range [...]struct {
			is   bool
			mark string
		}{{e.First, "first"}, {e.Silent, "silent"}, {e.Held, "held"}, {e.Gone, "gone"}} {
			if m.is {
				s += " " + m.mark
			}
		}
		out = append(out, s)
	}
	return out
}

func moment(t time.Time) string {
	noon := t.Truncate(24 * time.Hour).Add(12 * time.Hour)
	s := t.Format("0102")
	if d := noon.Sub(t); d != 0 {
		s += fmt.Sprintf("-%d", int(d.Seconds()))
	}
	return s
}

func wantPast(t *testing.T, p *check.Past, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, lines(p)); diff != "" {
		t.Errorf("the past (-want +got):\n%s", diff)
	}
	seen := map[int64]string{}
	for _, e := range p.Entries {
		for _, d := range []time.Time{e.Published, e.Updated} {
			if other, ok := seen[d.Unix()]; ok && other != e.Entry.Title {
				t.Errorf("%s and %s share the date %v", e.Entry.Title, other, d)
			}
			seen[d.Unix()] = e.Entry.Title
		}
	}
}

const (
	anvil   = "- [Anvil](https://anvil.example/) - Heavy."
	bellows = "- [Bellows](https://bellows.example/) - Loud."
	chisel  = "- [Chisel](https://chisel.example/) - Sharp."
	drill   = "- [Drill](https://drill.example/) - Fast."
)

func TestReplay(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(r *repository)
		want []string
	}{
		{"entries of one commit are dated backwards in the order of the list", func(r *repository) {
			r.commit("Begin", anvil)
			r.commit("More", bellows, anvil, drill, chisel)
		}, []string{"Bellows 0102", "Anvil 0101 first", "Drill 0102-1", "Chisel 0102-2"}},
		{"sorting, reformatting and blank lines change nothing", func(r *repository) {
			r.commit("Begin", anvil, bellows)
			r.commit("More", anvil, bellows, drill)
			r.commit("Sort", drill, bellows, anvil)
			r.commit("Format", "", "## Power", "", strings.ReplaceAll(drill, "- [", "* ["), "", bellows, "", anvil)
		}, []string{"Drill 0102", "Bellows 0101-1 first", "Anvil 0101 first"}},
		{"a change of substance updates, a move to another section does not", func(r *repository) {
			r.commit("Begin", "## A", anvil, bellows, chisel, "## B", drill)
			r.commit("Retitle", "## A", strings.Replace(anvil, "[Anvil]", "[The great anvil]", 1), bellows, chisel, "## B", drill)
			r.commit("Describe, move", "## A", strings.Replace(anvil, "[Anvil]", "[The great anvil]", 1), strings.Replace(bellows, "Loud", "Very noisy indeed", 1), "## B", drill, chisel)
		}, []string{"The great anvil 0101 updated 0102 first", "Bellows 0101-1 updated 0103 first", "Drill 0101-3 first", "Chisel 0101-2 first"}},
		{"what returns keeps its date, what left stays known", func(r *repository) {
			r.commit("Begin", anvil, bellows)
			r.commit("More", anvil, bellows, chisel)
			r.commit("Without", anvil)
			r.commit("Back", anvil, chisel)
		}, []string{"Anvil 0101 first", "Chisel 0102", "Bellows 0101-1 first gone"}},
		{"a revert and its revert", func(r *repository) {
			r.commit("Begin", anvil)
			r.commit("More", anvil, drill)
			r.date = r.date.AddDate(0, 0, 1)
			r.git("revert", "--no-edit", "HEAD")
			r.date = r.date.AddDate(0, 0, 1)
			r.git("revert", "--no-edit", "HEAD")
		}, []string{"Anvil 0101 first", "Drill 0102"}},
		{"silent additions are no news, silent changes move nothing", func(r *repository) {
			r.commit("Begin [silent]", anvil)
			r.commit("Quietly [Silent]", strings.Replace(anvil, "Heavy", "A very heavy thing", 1), bellows)
			r.commit("Loudly", strings.Replace(anvil, "Heavy", "A very heavy thing", 1), bellows, chisel)
		}, []string{"Anvil 0101 first silent", "Bellows 0102 silent", "Chisel 0103"}},
		{"an address that moves there and back", func(r *repository) {
			r.commit("Begin", anvil)
			r.commit("More", anvil, bellows)
			r.commit("There", anvil, strings.Replace(bellows, "bellows.example", "elsewhere.example", 1))
			r.commit("Back", anvil, bellows)
		}, []string{"Anvil 0101 first", "Bellows 0102 updated 0104"}},
		{"a skeleton is no beginning", func(r *repository) {
			r.commit("Begin", "To come.")
			r.commit("Fill", anvil, bellows)
			r.commit("More", anvil, bellows, chisel)
		}, []string{"Anvil 0102 first", "Bellows 0102-1 first", "Chisel 0103"}},
		{"clocks that go backwards, and two commits in one second", func(r *repository) {
			r.commit("Begin", anvil)
			r.date = r.date.AddDate(0, 0, -11)
			r.commit("Earlier", anvil, bellows)
			r.date = r.date.AddDate(0, 0, 9)
			r.commit("The same second as the first", anvil, bellows, chisel)
			r.date = r.date.AddDate(0, 0, -12)
			r.commit("A change before it came", anvil, strings.Replace(bellows, "Loud", "Noisy as can be", 1), chisel)
		}, []string{"Anvil 0101 first", "Bellows 1222", "Chisel 0101-1"}},
		{"an emptied list is not believed, nor a page", func(r *repository) {
			r.commit("Begin", anvil, bellows)
			r.commit("Emptied")
			r.commitText("A page", "<!doctype html>\n<p><a href=\"https://drill.example/\">Drill</a></p>\n")
			r.commit("Back", anvil, bellows, chisel)
			r.commitText("Large", strings.Repeat("x", 1<<16+1))
		}, []string{"Anvil 0101 first", "Bellows 0101-1 first", "Chisel 0104"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRepository(t)
			tt.make(r)
			wantPast(t, r.replay(), tt.want...)
		})
	}
}

// What a clock that is ahead wrote is now; what is years ahead is no date, and the same at every replay.
func TestReplayOfClocksThatAreAhead(t *testing.T) {
	r := newRepository(t)
	r.commit("Begin", anvil)
	r.date = r.date.AddDate(4, 0, 0)
	r.commit("Years ahead", anvil, bellows)
	r.date = replayed.Add(-23 * time.Hour)
	r.commit("An hour ahead", anvil, bellows, chisel)
	got := r.replay().Entries
	if want := time.Date(2026, 1, 1, 11, 59, 59, 0, time.UTC); !got[1].Published.Equal(want) {
		t.Errorf("years ahead: published %v, want that of the commit before it, %v", got[1].Published, want)
	}
	if !got[2].Published.Equal(replayed) {
		t.Errorf("an hour ahead: published %v, want now, %v", got[2].Published, replayed)
	}
}

// A merge brings what its branch added, at its own date.
func TestReplayOfMerges(t *testing.T) {
	r := newRepository(t)
	r.commit("Begin", anvil)
	r.git("switch", "-q", "-c", "branch")
	r.commit("On a branch", anvil, bellows)
	r.commit("Another", anvil, bellows, chisel)
	r.git("switch", "-q", "main")
	r.date = r.date.AddDate(0, 0, 1)
	r.git("merge", "-q", "--no-ff", "-m", "Merge", "branch")
	r.commit("More", anvil, bellows, chisel, drill)
	wantPast(t, r.replay(), "Anvil 0101 first", "Bellows 0104", "Chisel 0104-1", "Drill 0105")
}

// numbered are n entries of a kind.
func numbered(kind string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("- [%s%03d](https://%s%03d.example/)", kind, i, kind, i))
	}
	return out
}

func TestReplayHolds(t *testing.T) {
	r := newRepository(t)
	r.commit("Begin", anvil)
	many := append([]string{anvil}, numbered("Tool", 26)...)
	r.commit("Many", many...)
	r.commit("One more", append(many, bellows)...)
	r.commit("One less", append(many[:26:26], bellows)...)
	r.commit("It is back", append(many, bellows)...)
	r.commit("Many in silence [silent]", append(append(many, bellows), numbered("Part", 26)...)...)
	past := r.replay()
	held, silent, news := 0, 0, []string{}
	for _, e := range past.Entries {
		switch {
		case e.Held:
			held++
		case e.Silent:
			silent++
		case e.News():
			news = append(news, e.Entry.Title+" "+moment(e.Published))
		}
	}
	if held != 25 || silent != 26 {
		t.Errorf("%d are held, %d silent; want 25 and 26", held, silent)
	}
	// Nobody was told of the one that left while it was held: it is new when it comes again.
	if diff := cmp.Diff([]string{"Tool025 0105", "Bellows 0103"}, news); diff != "" {
		t.Errorf("news (-want +got):\n%s", diff)
	}
	if len(past.Holds) != 1 || past.Holds[0].Commit != past.Entries[1].Origin.Commit || !strings.Contains(past.Holds[0].Reason, "26 of 27 entries") {
		t.Errorf("holds: %+v, want the second commit's", past.Holds)
	}
}

// What a past says of where an entry comes from, of its name, and of the history itself.
func TestReplayTellsWhence(t *testing.T) {
	r := newRepository(t)
	r.commit("Begin", anvil, "- [Manual](manual.md) - Of all.")
	r.commit("Move, and pass on", strings.Replace(anvil, "anvil.example", "new.example", 1), "- [Manual](manual.md) - Of all.")
	r.date = r.date.AddDate(0, 0, -1)
	r.commit("The same day", strings.Replace(anvil, "anvil.example", "new.example", 1), "- [Manual](manual.md) - Of all.",
		"- [Something else](https://anvil.example/) - Which has its old address.")
	r.commitText("Broken", "<html>")
	page, err := url.Parse("https://example.org/tools/README")
	if err != nil {
		t.Fatal(err)
	}
	past := r.replayOn(page)
	if e := past.Entries[1]; e.Entry.URL != "https://example.org/tools/manual.md" || e.IDKey != "example.org/tools/manual.md" {
		t.Errorf("a relative link became %s with the key %s", e.Entry.URL, e.IDKey)
	}
	if e := past.Entries[0]; e.Origin.By != "Ada" || len(e.Origin.Commit) != 40 || !e.Origin.Date.Equal(e.Published) || e.IDKey != "anvil.example" {
		t.Errorf("the first entry: %+v", e)
	}
	if past.Began != past.Entries[0].Origin || past.List.Title != "Tools" || past.Shallow.Commit != "" {
		t.Errorf("the past began with %+v, is called %q, shallow at %q", past.Began, past.List.Title, past.Shallow.Commit)
	}
	if len(past.LeftOut) != 1 || past.Head.Commit != past.LeftOut[0].Commit || !strings.Contains(past.LeftOut[0].Reason, "the document is an HTML page") {
		t.Errorf("left out: %+v, head %s", past.LeftOut, past.Head.Commit)
	}
}

// Two entries that one address is passed on between within a day have two ids.
func TestReplayOfAPassedOnAddress(t *testing.T) {
	r := newRepository(t)
	r.commit("Begin", "- [Anvil](https://tool.example/)", bellows)
	r.date = r.date.Add(-23 * time.Hour)
	r.commit("Move", "- [Anvil](https://anvil.example/)", bellows)
	r.date = r.date.Add(-23 * time.Hour)
	r.commit("Pass on", "- [Anvil](https://anvil.example/)", bellows, "- [Whittling for beginners](https://tool.example/)")
	past := r.replay()
	if a, b := past.Entries[0], past.Entries[2]; a.IDKey != "tool.example" || b.IDKey != "tool.example 2" {
		t.Errorf("ids are made of %q and %q (keys %q and %q)", a.IDKey, b.IDKey, a.Keys, b.Keys)
	}
}

func TestReplayOfAShallowClone(t *testing.T) {
	r := newRepository(t)
	r.commit("Begin", anvil)
	r.commit("More", anvil, bellows)
	whole := r.dir
	r.dir = t.TempDir()
	r.git("clone", "-q", "--depth=1", "file://"+filepath.ToSlash(whole), ".")
	past := r.replay()
	if past.Shallow.Commit == "" || past.Shallow != past.Entries[0].Origin {
		t.Errorf("shallow at %+v, want at the second commit", past.Shallow)
	}
}

// An error of the history ends the replay, and so does the end of the context.
func TestReplayFails(t *testing.T) {
	broken := errors.New("broken")
	revisions := iter.Seq2[*source.Revision, error](func(yield func(*source.Revision, error) bool) { yield(nil, broken) })
	if _, err := check.Replay(context.Background(), revisions, curated.DefaultGuard, nil, replayed); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	revisions = func(yield func(*source.Revision, error) bool) { yield(&source.Revision{}, nil) }
	if _, err := check.Replay(ctx, revisions, curated.DefaultGuard, nil, replayed); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

// Along the real history of the list that this project was started for, what people said each revision adds is news of that
// revision's date.
func TestReplayOfTheSeed(t *testing.T) {
	steps := seedSteps(t)
	r := newRepository(t)
	want := map[string]string{}
	for i, step := range steps {
		r.commitText(step.name, step.text)
		for _, address := range step.added {
			want[curated.CanonicalURL(address)] = fmt.Sprintf("%s first=%v", r.date.Format("0102"), i == 0)
		}
	}
	got := map[string]string{}
	for _, e := range r.replay().Entries {
		got[e.IDKey] = fmt.Sprintf("%s first=%v", e.Published.Format("0102"), e.First)
		if e.News() == e.First {
			t.Errorf("%s: news %v, first %v", e.Entry.Title, e.News(), e.First)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("when each entry was added (-want +got):\n%s", diff)
	}
}
