package curated

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected files in testdata")

// TestParse reads each testdata/parse/*.md and compares what was made of it with the text beside it.
func TestParse(t *testing.T) {
	for _, file := range glob(t, "testdata/parse/*.md") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src := readFile(t, file)
			golden(t, strings.TrimSuffix(file, ".md")+".txt", describe(src))
		})
	}
}

// describe writes a reading as text.
func describe(src []byte) string {
	var b strings.Builder
	l := Parse(src, Options{})
	fmt.Fprintf(&b, "title: %s\nlinks: %d\n", l.Title, l.Links)
	for _, e := range l.Entries {
		fmt.Fprintf(&b, "\nentry %d: %s\n\turl: %s\n", e.Line, e.Title, e.URL)
		for _, s := range e.Sections {
			fmt.Fprintf(&b, "\tin: %s\n", strings.Join(s, " > "))
		}
		for _, f := range [][2]string{
			{"summary", e.Summary}, {"html", e.SummaryHTML}, {"quote", e.Quote}, {"by", e.Byline},
			{"publication", e.Publication}, {"duration", e.Duration}, {"date", e.Date}, {"marks", strings.Join(e.Marks, " ")},
		} {
			if f[1] != "" && (f[0] != "html" || f[1] != e.Summary) {
				fmt.Fprintf(&b, "\t%s: %s\n", f[0], f[1])
			}
		}
		for _, r := range e.Related {
			fmt.Fprintf(&b, "\trelated: %s <%s>\n", r.Title, r.URL)
		}
	}
	b.WriteByte('\n')
	for _, v := range Explain(src, Options{}) {
		fmt.Fprintf(&b, "%d: %s <%s>: %s\n", v.Line, v.Text, v.URL, v.Rule)
	}
	return b.String()
}

// TestParseResolves reads relative addresses against the page of the list.
func TestParseResolves(t *testing.T) {
	page, err := url.Parse("https://garden.example/docs/list.html")
	if err != nil {
		t.Fatal(err)
	}
	src := "- [A](a.html)\n- [B](/b)\n- [C](//c.example/x)\n- [D](https://d.example)\n- [E](?q=1)\n"
	var got []string
	for _, e := range Parse([]byte(src), Options{Page: page}).Entries {
		got = append(got, e.URL)
	}
	want := []string{
		"https://garden.example/docs/a.html", "https://garden.example/b", "https://c.example/x", "https://d.example",
		"https://garden.example/docs/list.html?q=1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
}

// TestExplainAgrees holds Explain against Parse on all the documents at hand.
func TestExplainAgrees(t *testing.T) {
	for _, file := range append(glob(t, "testdata/parse/*.md"), sharedFiles("seed/history/*.md", "lists/*/*/*.md")...) {
		checkAgreement(t, file, readFile(t, file))
	}
}

// checkAgreement fails unless the entries of Parse are the entry verdicts of Explain.
func checkAgreement(t *testing.T, name string, src []byte) {
	t.Helper()
	seen := make(map[string]bool)
	var want []string
	for _, v := range Explain(src, Options{}) {
		if v.Entry != strings.HasPrefix(v.Rule, "entry: ") {
			t.Errorf("%s:%d: %q says %q, but entry is %v", name, v.Line, v.Text, v.Rule, v.Entry)
		}
		if key := CanonicalURL(v.URL); v.Entry && !seen[key] {
			seen[key] = true
			want = append(want, v.URL)
		}
	}
	var got []string
	for _, e := range Parse(src, Options{}).Entries {
		got = append(got, e.URL)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: entries of Explain and Parse (-explain +parse):\n%s", name, diff)
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no file matches %s: %v", pattern, err)
	}
	return files
}

// sharedFiles gives the real documents beside the repository, where there are any.
func sharedFiles(patterns ...string) []string {
	var out []string
	for _, p := range patterns {
		files, _ := filepath.Glob(filepath.Join("../../../shared", p))
		out = append(out, files...)
	}
	return out
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// golden compares a text with a file, or with -update rewrites the file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(readFile(t, file)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// What a title, a summary or a heading holds can stand in any document, and turns nothing around that stands beside it.
func TestNoText(t *testing.T) {
	const bad = "\u202e\u2066\x01\u0093\ufdd0\ufffe\U0010ffff&#x202e;&#1;"
	e := list("## He"+bad+"ad", "", "- [Ti"+bad+"tle](https://a.example) - Sum"+bad+"mary, *mar"+bad+"ked* \u200fright.").Entries[0]
	want := []string{"Title", "Head", "Summary, marked \u200fright.", "Summary, <em>marked</em> \u200fright."}
	if diff := cmp.Diff(want, []string{e.Title, e.Sections[0][0], e.Summary, e.SummaryHTML}); diff != "" {
		t.Errorf("title, heading and summary (-want +got):\n%s", diff)
	}
}
