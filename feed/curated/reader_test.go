package curated

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// checkReading fails unless a Reader gives what Parse gives.
func checkReading(t interface {
	Helper()
	Fatalf(string, ...any)
}, name string, want, got *List) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Fatalf("%s: a Reader gives something else than Parse (-parse +reader):\n%s", name, cmp.Diff(want, got, cmp.AllowUnexported(List{})))
	}
}

// checkVersions reads versions of a list one after the other.
func checkVersions(t *testing.T, name string, versions ...[]byte) {
	t.Helper()
	var r Reader
	for i, src := range versions {
		checkReading(t, fmt.Sprintf("%s, version %d", name, i), Parse(src, Options{}), r.Read([]File{{Path: "README.md", Bytes: src}}))
	}
}

// A Reader gives what Parse gives, for all documents at hand, read in any order.
func TestReader(t *testing.T) {
	var all [][]byte
	for _, file := range append(glob(t, "testdata/parse/*.md"), sharedFiles("seed/history/*.md", "lists/*/*/*.md")...) {
		all = append(all, readFile(t, file))
	}
	for _, a := range hostile(40) {
		all = append(all, []byte(a.src))
	}
	checkVersions(t, "all documents", all...)
	slices.Reverse(all)
	checkVersions(t, "all documents, the last first", all...)
	for _, file := range glob(t, "testdata/diff/*.txtar") {
		versions := txtarVersions(t, file)
		checkVersions(t, filepath.Base(file), append(versions, versions[0])...)
	}
}

// A Reader gives what Parse gives after any edit of a few lines.
func TestReaderEdits(t *testing.T) {
	var docs, lines []string
	for _, file := range glob(t, "testdata/parse/*.md") {
		src := string(readFile(t, file))
		docs = append(docs, src)
		lines = append(lines, strings.SplitAfter(src, "\n")...)
	}
	whole := strings.Join(docs, "\n")
	lines = append(lines, "```\n", "~~~\n", "<!--\n", "-->\n", "<div align=center>\n", "</div>\n", "<details>\n", "</details>\n", "<pre>\n", "> ", "  ",
		"# One\n", "## Two\n", "### [Three](https://three.example)\n", "###Four\n", "<!-- linkletter:ignore-start -->\n", "<!-- linkletter:ignore-end -->\n",
		"[a]: https://a.example\n", "[a]\n", "[^1]: note\n", "<<<<<<< x\n", "=======\n", ">>>>>>> x\n", "---\n", "\n", "\r\n", "\xff\x00\n", "# ![logo](x.png)\n", "<table>\n")
	rapid.Check(t, func(t *rapid.T) {
		src := rapid.SampledFrom(append(docs, whole)).Draw(t, "document")
		var r Reader
		for range rapid.IntRange(2, 6).Draw(t, "versions") {
			r.Read([]File{{Path: "README.md", Bytes: []byte(src)}})
			src = edit(t, src, lines)
			checkReading(t, fmt.Sprintf("%q", src), Parse([]byte(src), Options{}), r.Read([]File{{Path: "README.md", Bytes: []byte(src)}}))
		}
	})
}

// edit inserts, deletes, replaces or moves a line.
func edit(t *rapid.T, src string, lines []string) string {
	doc := strings.SplitAfter(src, "\n")
	at := rapid.IntRange(0, len(doc)-1).Draw(t, "at")
	line := rapid.SampledFrom(lines).Draw(t, "line")
	switch rapid.IntRange(0, 3).Draw(t, "edit") {
	case 0:
		doc = slices.Insert(doc, at, line)
	case 1:
		doc = slices.Delete(doc, at, at+1)
	case 2:
		doc[at] = line
	default:
		to := rapid.IntRange(0, len(doc)-1).Draw(t, "to")
		doc[at], doc[to] = doc[to], doc[at]
	}
	return strings.Join(doc, "")
}

// FuzzReader reads one document after another, and the two in one.
func FuzzReader(f *testing.F) {
	var before []byte
	seedFuzz(f, func(src []byte) {
		f.Add(before, src)
		before = src
	})
	f.Fuzz(func(t *testing.T, before, after []byte) {
		checkVersions(t, "input", before, after,
			slices.Concat(before, []byte("\n"), after), slices.Concat(after, []byte("\n# One\n"), before), slices.Concat(before, []byte("\n# One\n"), after))
	})
}
