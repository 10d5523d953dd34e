package feedtest

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestRefuses holds each kind of document against those in testdata: the good one has no problems, and every other is the good
// one with a fault, of which exactly the problems are found that it names.
func TestRefuses(t *testing.T) {
	for file, check := range map[string]func(doc []byte) []string{
		"atom.txtar": func(doc []byte) []string { return Atom(doc, "https://example.org/saws/atom.xml") },
		"rss.txtar":  func(doc []byte) []string { return RSS(doc, "https://example.org/saws/rss.xml") },
		"json.txtar": func(doc []byte) []string { return JSON(doc, "https://example.org/saws/feed.json") },
		"opml.txtar": OPML,
		"page.txtar": func(doc []byte) []string {
			return Page(doc, "https://example.org/site/saws/", "https://example.org/site")
		},
	} {
		ar, err := txtar.ParseFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		good := string(ar.Files[0].Data)
		if problems := check([]byte(good)); len(problems) > 0 {
			t.Errorf("%s: the good document has problems:\n%s", file, strings.Join(problems, "\n"))
		}
		for _, f := range ar.Files[1:] {
			bad, want := fault(t, good, f)
			got := check([]byte(bad))
			for _, w := range want {
				if !slices.ContainsFunc(got, func(g string) bool { return strings.Contains(g, w) }) {
					t.Errorf("%s, %s: nobody says %q", file, f.Name, w)
				}
			}
			for _, g := range got {
				if !slices.ContainsFunc(want, func(w string) bool { return strings.Contains(g, w) }) {
					t.Errorf("%s, %s: unexpected: %s", file, f.Name, g)
				}
			}
		}
	}
}

// fault carries out the edits of a case: every line after "- " is replaced by those after "+ " that follow it, and "- *" takes
// all that is left. What comes after "? " is part of a problem.
func fault(t *testing.T, good string, f txtar.File) (bad string, want []string) {
	t.Helper()
	bad = good
	var from, to string
	replace := func() {
		switch {
		case from == "*":
			bad, from = "", ""
			return
		case from == "":
			return
		case !strings.Contains(bad, from+"\n"):
			t.Fatalf("%s: there is no line %q", f.Name, from)
		}
		bad = strings.Replace(bad, from+"\n", to, 1)
		from, to = "", ""
	}
	for line := range strings.Lines(string(f.Data)) {
		sign, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch sign {
		case "-":
			replace()
			from = rest
		case "+":
			if rest != "" {
				to += unescape(t, rest) + "\n"
			}
		case "?":
			want = append(want, rest)
		default:
			t.Fatalf("%s: what is %q?", f.Name, line)
		}
	}
	replace()
	if len(want) == 0 || bad == good {
		t.Fatalf("%s changes nothing, or expects nothing", f.Name)
	}
	return bad, want
}

// unescape reads \u0001 and the like.
func unescape(t *testing.T, s string) string {
	t.Helper()
	if !strings.Contains(s, `\`) {
		return s
	}
	out, err := strconv.Unquote(`"` + strings.ReplaceAll(s, `"`, `\"`) + `"`)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return out
}

func TestSize(t *testing.T) {
	doc := append([]byte(`<?xml version="1.0" encoding="UTF-8"?><!--`), make([]byte, 5_000_000)...)
	if got := Atom(doc, ""); len(got) == 0 || got[0] != "it has 5000042 bytes; validators read 5000000" {
		t.Errorf("of a document of five megabytes: %.100q", got)
	}
	if got, want := shown(strings.Repeat("é", 100)), strconv.Quote(strings.Repeat("é", 80)+"…"); got != want {
		t.Errorf("a long value is shown as %s, want %s", got, want)
	}
}
