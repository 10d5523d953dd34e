package publish

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"linkletter/feed"
	"linkletter/feed/curated"
	"linkletter/feed/feedtest"
	"linkletter/store"
)

// sharedDir stands beside the repository, or does not.
const sharedDir = "../../../../shared"

// thorough says that there is time for everything: in CI, in the run without the race detector.
func thorough() bool { return !raceDetector && os.Getenv("CI") == "true" }

// unhurried skips a test of what documents hold where everything takes ten times as long: no two goroutines meet in it.
func unhurried(t *testing.T) {
	t.Helper()
	if raceDetector {
		t.Skip("skipped: it is run without the race detector")
	}
}

// need finds a program, or skips the test; where everything has to be there, in CI, that is a failure.
func need(t testing.TB, program string) string {
	t.Helper()
	found, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is needed in CI: %v", program, err)
		}
		t.Skipf("skipped: %v", err)
	}
	return found
}

// take records a reading of a list as a check of it does: relative links are resolved, and a commit may have brought it.
func (w *world) take(list string, markdown []byte, from feed.Origin) {
	w.t.Helper()
	i := slices.IndexFunc(w.Lists, func(l List) bool { return l.ID == list })
	var at *url.URL
	if page := w.Lists[i].Page; page != "" {
		var err error
		if at, err = url.Parse(page); err != nil {
			w.t.Fatal(err)
		}
	}
	before, known, err := w.Store.Known(w.t.Context(), list)
	if err != nil {
		w.t.Fatal(err)
	}
	after := curated.Parse(markdown, curated.Options{Page: at})
	sum := sha256.Sum256(markdown)
	_, err = w.Store.Record(w.t.Context(), store.Reading{
		Before: before, Tag: w.Tag, Hash: hex.EncodeToString(sum[:]), Validators: "{}",
		List: after, Changes: curated.Diff(known, after), Origin: from,
	})
	if err != nil {
		w.t.Fatalf("%s: %v", list, err)
	}
}

// address is where a published file is read.
func (w *world) address(name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return w.Site.Base + "/" + strings.TrimSuffix(strings.Join(parts, "/"), feed.PageFile)
}

// documents are the published files of which some are wanted, by name.
func (w *world) documents(wanted func(name string) bool) map[string][]byte {
	w.t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(w.Dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(w.Dir, file)
		if name = filepath.ToSlash(name); err == nil && wanted(name) {
			all[name], err = os.ReadFile(file)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// problems looks at documents with every check there is, and gives what is wrong, by document. Those of before were looked at.
func (w *world) problems(docs, before map[string][]byte) []string {
	var all []string
	for name, doc := range docs {
		if bytes.Equal(doc, before[name]) {
			continue
		}
		var found []string
		at := w.address(name)
		switch base := path.Base(name); {
		case base == feed.OPMLFile:
			found = feedtest.OPML(doc)
		case base == feed.RSSFile:
			found = feedtest.RSS(doc, at)
		case path.Ext(name) == ".xml":
			found = feedtest.Atom(doc, at)
		case path.Ext(name) == ".json":
			found = feedtest.JSON(doc, at)
		case base == feed.PageFile:
			found = feedtest.Page(doc, at, w.Site.Base)
		}
		for _, p := range found {
			all = append(all, name+": "+p)
		}
	}
	for newest, documents := range w.chains(docs) {
		if len(documents) == 1 && !bytes.Contains(documents[newest], []byte(archiveDir)) {
			continue // it takes reading it again to find that it has no archives
		}
		for _, p := range feedtest.Archives(documents, newest) {
			all = append(all, newest+": "+p)
		}
	}
	slices.Sort(all)
	return all
}

// archiveDir is where the archives of a folder's feeds stand (RFC 5005, 4).
const archiveDir = "archive/"

// chains are the documents of each feed with its archives, all by their addresses, by that of the document to subscribe to.
func (w *world) chains(docs map[string][]byte) map[string]map[string][]byte {
	all := map[string]map[string][]byte{}
	for name, doc := range docs {
		folder, file := path.Split(name)
		if list, isArchive := strings.CutSuffix(folder, "/"+archiveDir); isArchive && !strings.Contains(list, "/") {
			folder, file = list+"/", map[string]string{".xml": feed.AtomFile, ".json": feed.JSONFile}[path.Ext(file)]
		} else if file != feed.AtomFile && file != feed.JSONFile {
			continue
		}
		newest := w.address(folder + file)
		if all[newest] == nil {
			all[newest] = map[string][]byte{}
		}
		all[newest][w.address(name)] = doc
	}
	return all
}

// kept finds archives that were full and changed all the same, from one publication to the next.
func (w *world) kept(before, after map[string][]byte) []string {
	var all []string
	now := w.chains(after)
	for newest, documents := range w.chains(before) {
		if len(documents) > 1 {
			all = append(all, feedtest.Kept(documents, now[newest])...)
		}
	}
	return all
}

// tell fails with the first of the problems.
func tell(t *testing.T, when string, problems []string) {
	t.Helper()
	const most = 20
	for _, p := range problems[:min(most, len(problems))] {
		t.Errorf("%s: %.500s", when, p)
	}
	if len(problems) > most {
		t.Errorf("%s: and %d more problems", when, len(problems)-most)
	}
}

// jing holds Atom documents against the schema of RFC 4287, appendix B, which is not part of this repository. It takes long to
// start, so it gets as many as a command line holds.
func jing(t *testing.T, dir string, names []string) {
	t.Helper()
	program := need(t, "jing")
	schema, err := filepath.Abs(filepath.Join(sharedDir, "data", "atom.rnc"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(schema); err != nil {
		t.Logf("not held against the schema: %v", err)
		return
	}
	for some := range slices.Chunk(names, 1000) {
		cmd := exec.CommandContext(t.Context(), program, append([]string{"-c", schema}, some...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("jing: %v\n%.3000s", err, out)
		}
	}
}

// versions are the texts of a list, one after the other.
type versions struct {
	id    string
	texts [][]byte
}

// sharedLists are the real lists that stand beside the repository: pairs of versions, and the history of the seed.
func sharedLists(t *testing.T) []versions {
	t.Helper()
	pairs, err := filepath.Glob(filepath.Join(sharedDir, "lists", "*", "*", "before.md"))
	if err != nil {
		t.Fatal(err)
	}
	seed, err := filepath.Glob(filepath.Join(sharedDir, "seed", "history", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	if len(pairs) == 0 || len(seed) == 0 {
		t.Skip("skipped: no lists stand beside the repository")
	}
	read := func(file string) []byte {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	all := []versions{{id: "seed"}}
	for _, file := range seed {
		all[0].texts = append(all[0].texts, read(file))
	}
	for _, before := range pairs {
		dir := filepath.Dir(before)
		id := strings.ToLower(filepath.Base(filepath.Dir(dir))) + "-" + filepath.Base(dir)
		all = append(all, versions{id, [][]byte{read(before), read(filepath.Join(dir, "after.md"))}})
	}
	return all
}

// Every feed of every format of every real list is valid, as of its first check and with its news; so are the pages, the feeds of
// several lists together and the list of subscriptions.
func TestRealListsAreValid(t *testing.T) {
	unhurried(t)
	lists := sharedLists(t)
	if !thorough() {
		lists = lists[:len(lists)/16]
	}
	sites := make([][]versions, 3)
	for i, l := range lists {
		site := i % 2
		if len(l.texts) > 2 {
			site = 2
		}
		sites[site] = append(sites[site], l)
	}
	for i, lists := range sites {
		t.Run(fmt.Sprintf("site %d", i), func(t *testing.T) {
			t.Parallel()
			checkSite(t, lists)
		})
	}
}

func checkSite(t *testing.T, lists []versions) {
	w := newWorld(t)
	w.bare = true
	w.Now = func() time.Time { return time.Now().Add(w.ahead) } // nobody waits for a second to pass
	most := 0
	for _, l := range lists {
		w.Lists = append(w.Lists, List{ID: l.id, Page: "https://example.com/" + l.id + "/README.md", Baseline: 20})
		most = max(most, len(l.texts))
	}
	var last map[string][]byte
	for round := range most {
		for _, l := range lists {
			if round < len(l.texts) {
				w.take(l.id, l.texts[round], feed.Origin{})
			}
		}
		w.ahead += time.Hour
		w.publish()
		docs := w.documents(func(string) bool { return true })
		when := fmt.Sprintf("version %d", round+1)
		tell(t, when, w.problems(docs, last))
		tell(t, when, w.kept(last, docs))
		var feeds []string
		for name, doc := range docs {
			if path.Ext(name) == ".xml" && path.Base(name) != feed.RSSFile && !bytes.Equal(doc, last[name]) {
				feeds = append(feeds, name)
			}
		}
		slices.SortFunc(feeds, func(a, b string) int {
			return cmp.Or(strings.Count(a, "/")-strings.Count(b, "/"), strings.Compare(a, b))
		})
		t.Logf("%s: %d files, %d of them Atom", when, len(docs), len(feeds))
		jing(t, w.Dir, feeds[:min(len(feeds), 500)])
		last = docs
	}
}
