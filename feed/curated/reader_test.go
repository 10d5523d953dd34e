package curated

import (
	"fmt"
	"net/url"
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

// readParts reads a version of a list in parts, if that can be, whatever the versions before were.
func readParts(r *Reader, src []byte) *List {
	if f := r.files["README.md"]; f != nil {
		f.wholes = 0
	}
	return r.Read([]File{{Path: "README.md", Bytes: src}})
}

// checkVersions reads versions of a list one after the other.
func checkVersions(t *testing.T, name string, versions ...[]byte) {
	t.Helper()
	r := Reader{segment: 1}
	for i, src := range versions {
		checkReading(t, fmt.Sprintf("%s, version %d", name, i), Parse(src, Options{}), readParts(&r, src))
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
	marked := []byte("\ufeff\ufeff# Two marks of byte order\n\n- [A](https://a.example)\n")
	var whole Reader // as it comes: most of the hostile ones are read whole, and what follows them
	for i, src := range slices.Concat([][]byte{marked}, all[:40], [][]byte{marked}) {
		checkReading(t, fmt.Sprintf("document %d, read as it comes", i), Parse(src, Options{}), whole.Read([]File{{Path: "README.md", Bytes: src}}))
	}
	for _, file := range glob(t, "testdata/diff/*.txtar") {
		versions := txtarVersions(t, file)
		checkVersions(t, filepath.Base(file), append(versions, versions[0])...)
	}
}

// Only the part of a list that changed is read again, wherever that is; what is defined or begun elsewhere is no exception.
func TestReaderReadsAgain(t *testing.T) {
	section := func(i int) string {
		return fmt.Sprintf("## Section %d\n\n%s\n- [Entry %d](https://%d.example) - Text of entry %d.\n- [Other %d][%d]\n\n", i, strings.Repeat("Words. ", 40), i, i, i, i, i)
	}
	var b strings.Builder
	b.WriteString("---\ntitle: Workshop\n---\n\n")
	for i := range 20 {
		b.WriteString(section(i))
	}
	b.WriteString("## References\n\n")
	for i := range 20 {
		fmt.Fprintf(&b, "[%d]: https://other.example/%d\n", i, i)
	}
	src := b.String()
	replace := func(old, with string) string { return strings.Replace(src, old, with, 1) }
	tests := []struct {
		name, src string
		want      int
	}{
		{"nothing", src, 0},
		{"a word", replace("Text of entry 7", "Words about entry 7"), 1},
		{"an entry more", replace("- [Other 7]", "- [More](https://more.example)\n- [Other 7]"), 1},
		{"the first section", replace("Text of entry 0", "Words about entry 0"), 1},
		{"the front matter", replace("title: Workshop", "title: A workshop"), 1},
		{"a section less: the next one stands below another", replace(section(7), ""), 1},
		{"a section more", replace(section(7), section(7)+section(77)), 2},
		{"sections that change places", replace(section(7)+section(8), section(8)+section(7)), 3},
		{"a definition", replace("other.example/7\n", "other.example/77\n"), 2},
		{"a definition more", src + "[20]: https://other.example/20\n", 1},
		{"a level", replace("## Section 7", "# Section 7"), 21 - 7},
		{"a mark that covers all below", replace("## Section 7", "<!-- linkletter:ignore-start -->\n\n## Section 7"), 21 - 6},
		{"a fence that is never closed and hides all definitions", replace("Text of entry 7", "Text\n\n```\n"), 8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r Reader
			readParts(&r, []byte(src))
			before := make(map[*part]bool)
			for _, p := range r.files["README.md"].parts {
				before[p] = true
			}
			checkReading(t, tt.name, Parse([]byte(tt.src), Options{}), readParts(&r, []byte(tt.src)))
			again := 0
			for _, p := range r.files["README.md"].parts {
				if !before[p] {
					again++
				}
			}
			if len(before) != 22 || again != tt.want {
				t.Errorf("of %d parts %d were read again, want %d", len(before), again, tt.want)
			}
		})
	}
}

// All that a reading carries over a cut is compared, so each field of a document must stand in one of four groups, of which
// carried is compared as a whole. A field that is none of them could be forgotten.
func TestDocumentFields(t *testing.T) {
	var got []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[document]()) {
		if len(f.Index) == 1 {
			got = append(got, f.Name)
		}
	}
	if diff := cmp.Diff([]string{"source", "carried", "made", "scratch"}, got); diff != "" {
		t.Errorf("fields of a document (-want +got):\n%s", diff)
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
		r := Reader{segment: rapid.SampledFrom([]int{1, minSegment}).Draw(t, "segment")}
		for range rapid.IntRange(2, 6).Draw(t, "versions") {
			readParts(&r, []byte(src))
			src = edit(t, src, lines)
			checkReading(t, fmt.Sprintf("%q", src), Parse([]byte(src), Options{}), readParts(&r, []byte(src)))
		}
	})
}

// A Reader gives what Read gives of several files, some of which change, come and go.
func TestReaderFiles(t *testing.T) {
	page, err := url.Parse("https://list.example/")
	if err != nil {
		t.Fatal(err)
	}
	var all []File
	for i, path := range glob(t, "testdata/parse/*.md") {
		f := File{Path: filepath.Base(path), Bytes: readFile(t, path)}
		if i%3 == 0 {
			f.Page = page
		}
		all = append(all, f)
	}
	rapid.Check(t, func(t *rapid.T) {
		var r Reader
		for range rapid.IntRange(2, 6).Draw(t, "versions") {
			files := rapid.SliceOfN(rapid.SampledFrom(all), 0, 5).Draw(t, "files")
			if n := len(files); n > 1 && rapid.Bool().Draw(t, "swap") {
				files[0].Bytes, files[n-1].Bytes = files[n-1].Bytes, files[0].Bytes
			}
			checkReading(t, fmt.Sprintf("%d files", len(files)), Read(files), r.Read(files))
		}
	})
}

// What a Reader and a Memory gave stays as it was when more is read.
func TestReaderShares(t *testing.T) {
	for _, file := range glob(t, "testdata/diff/*.txtar") {
		var reader Reader
		var memory Memory
		var lists []*List
		var changes []*Changes
		var want []string
		for _, src := range txtarVersions(t, file) {
			l := reader.Read([]File{{Path: "a.md", Bytes: src}, {Path: "b.md", Bytes: src}})
			c, _ := memory.Next(l, DefaultGuard)
			lists, changes, want = append(lists, l), append(changes, c), append(want, fmt.Sprint(*l, *c, c.Report()))
		}
		for i := range want {
			if got := fmt.Sprint(*lists[i], *changes[i], changes[i].Report()); got != want[i] {
				t.Errorf("%s: what was read of version %d changed later", filepath.Base(file), i)
			}
		}
	}
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
