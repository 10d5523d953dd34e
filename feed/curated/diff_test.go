package curated

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestDiff reads the revisions of a list in each testdata/diff/*.txtar, one after the other with the memory of all before,
// and holds what each but the first changed against the want that follows it.
func TestDiff(t *testing.T) {
	for _, file := range glob(t, "testdata/diff/*.txtar") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var memory Memory
			var got, reading string
			for i, f := range ar.Files {
				if f.Name != "want" {
					changes, _ := memory.Next(Parse(f.Data, Options{}), DefaultGuard)
					got, reading = tell(changes), f.Name
					continue
				}
				if diff := cmp.Diff(string(f.Data), got); diff != "" && !*update {
					t.Errorf("changes of %s (-want +got):\n%s", reading, diff)
				}
				ar.Files[i].Data = []byte(got)
			}
			if *update {
				golden(t, file, string(txtar.Format(ar)))
			}
		})
	}
}

// tell writes changes as text.
func tell(c *Changes) string {
	var b strings.Builder
	r := c.Report()
	for _, e := range r.Added {
		fmt.Fprintf(&b, "added %s <%s>\n", e.Title, e.URL)
	}
	for _, e := range r.Removed {
		fmt.Fprintf(&b, "removed %s <%s>\n", e.Title, e.URL)
	}
	for _, x := range r.Changed {
		fmt.Fprintf(&b, "changed %s <%s>: %s\n", x.After.Title, x.After.URL, strings.Join(x.What, ", "))
	}
	return b.String()
}

// list reads a list from lines.
func list(lines ...string) *List { return Parse([]byte(strings.Join(lines, "\n")), Options{}) }

func TestDiffRemembers(t *testing.T) {
	first := list("- [A](https://a.example)", "- [B](https://b.example)")
	known := Remember(first)
	if known[0].Ref != 1 || known[1].Ref != 2 || known[1].Keys[0] != "b.example" {
		t.Fatalf("Remember gave %+v", known)
	}

	left := Diff(known, list("- [A](https://a.example)"))
	if got := tell(left); got != "removed B <https://b.example>\n" {
		t.Fatalf("after B left: %s", got)
	}
	known = advance(known, left)

	back := Diff(known, list("- [A](https://a.example)", "- [B, with a new title](http://www.b.example/)"))
	if got := tell(back); got != "" {
		t.Errorf("after B came back, want nothing to tell, got %s", got)
	}
	if m := back.Entries[1]; !m.Returned() || m.New() || m.Known.Ref != 2 {
		t.Errorf("B is not known to have returned: %+v", m)
	}

	moved := Diff(known, list("- [A](https://elsewhere.example)"))
	known = advance(known, moved)
	if got := tell(moved); got != "changed A <https://elsewhere.example>: url\n" {
		t.Errorf("after A moved: %s", got)
	}
	if got := tell(Diff(known, list("- [Another title](https://a.example)"))); got != "changed Another title <https://a.example>: title, url\n" {
		t.Errorf("after A went back to its first address: %s", got)
	}

	both := Diff(known, list("# X", "- [A](https://a.example)", "# Y", "- [A](https://elsewhere.example)"))
	if got := tell(both); got != "" || len(both.Entries) != 2 {
		t.Errorf("both addresses of A are not two resources, neither of them news: %+v", both.Entries)
	}
	if m := both.Entries[0]; !m.Split || m.News() || both.Entries[1].Known.Ref != 1 {
		t.Errorf("A is not the one at its last address: %+v", both.Entries)
	}
	known = advance(known, both)
	split := Diff(known, list("# X", "- [A](https://third.example)", "# Y", "- [A](https://elsewhere.example)"))
	if got := tell(split); got != "changed A <https://third.example>: url\n" {
		t.Errorf("after the other A moved: %s", got)
	}
}

// TestDiffOfEqualNames compares lists of so many entries of one title, or one text, that it takes minutes where anything is
// quadratic.
func TestDiffOfEqualNames(t *testing.T) {
	const n = 20000
	many := func(host string, name func(i int) (title, summary string)) *List {
		l := &List{Entries: make([]Entry, n)}
		for i := range l.Entries {
			title, summary := name(i)
			l.Entries[i] = Entry{Title: title, URL: fmt.Sprintf("https://%s/%d", host, i), Summary: summary, Sections: [][]string{{"A"}}}
		}
		return l
	}
	const text = "A long description that all entries of this list have in common."
	tests := []struct {
		name         string
		first, later func(i int) (title, summary string)
		added        int
	}{
		{"titles", func(int) (string, string) { return "Same", "" }, func(int) (string, string) { return "Same", "" }, 0},
		{"texts", func(i int) (string, string) { return fmt.Sprint("A", i), text }, func(i int) (string, string) { return fmt.Sprint("B", i), text }, n},
		{"first words", func(i int) (string, string) { return fmt.Sprintf("Same %d a", i), "x" }, func(i int) (string, string) { return fmt.Sprintf("Same %d b", i), "x" }, n},
	}
	for _, tt := range tests {
		var memory Memory
		memory.Next(many("a.example", tt.first), DefaultGuard)
		moved, _ := memory.Next(many("b.example", tt.later), DefaultGuard)
		if got := len(moved.Added()); got != tt.added {
			t.Errorf("%s: %d added, want %d", tt.name, got, tt.added)
		}
		memory.Next(&List{}, DefaultGuard)
		memory.Next(many("c.example", tt.later), DefaultGuard)
	}
}

// TestReportHasNoNull keeps the arrays that programs read from being null.
func TestReportHasNoNull(t *testing.T) {
	r := Diff(nil, list()).Report()
	if r.Added == nil || r.Removed == nil || r.Changed == nil {
		t.Errorf("a null array in %+v", r)
	}
}

func TestGuard(t *testing.T) {
	entries := func(from, to int) []string {
		var out []string
		for i := from; i < to; i++ {
			out = append(out, fmt.Sprintf("- [Entry %d](https://%d.example) - text %d", i, i, i))
		}
		return out
	}
	unread := make([]string, 0, 100)
	for i := range 100 {
		unread = append(unread, fmt.Sprintf("Some prose about [it](https://prose.example/%d).\n", i))
	}
	tests := []struct {
		name          string
		before, after []string
		want          []HoldKind
		reason        string
	}{
		{"nothing new", entries(0, 50), entries(0, 50), nil, ""},
		{"some new", entries(0, 50), entries(0, 75), nil, ""},
		{"many new", entries(0, 50), entries(0, 76), []HoldKind{HoldAdded}, "would announce 26 of 76 entries as new (limit 25)"},
		{"many new in a long list", entries(0, 900), entries(0, 980), nil, ""},
		{"some lost", entries(0, 50), entries(0, 35), nil, ""},
		{"many lost", entries(0, 50), entries(0, 34), []HoldKind{HoldRemoved}, "16 of 50 entries are gone (limit 15)"},
		{"a short list loses half", entries(0, 8), entries(0, 4), nil, ""},
		{"a short list loses all", entries(0, 4), nil, []HoldKind{HoldUnreadable}, "0 entries found where 4 stood; the list became empty or its layout is not understood"},
		{"an empty list stays empty", nil, nil, nil, ""},
		{"a layout not understood", entries(0, 50), append(entries(0, 45), unread...), []HoldKind{HoldRemoved},
			"only 45 of 145 links are read as entries, before it were 50 of 50; part of the layout is not understood"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, after := list(tt.before...), list(tt.after...)
			var kinds []HoldKind
			var reason string
			for _, h := range DefaultGuard.Judge(Counts{len(before.Entries), before.Links}, after, Diff(Remember(before), after)) {
				kinds, reason = append(kinds, h.Kind), h.Reason
			}
			if diff := cmp.Diff(tt.want, kinds); diff != "" {
				t.Errorf("holds (-want +got):\n%s", diff)
			}
			if reason != tt.reason {
				t.Errorf("reason %q, want %q", reason, tt.reason)
			}
		})
	}
}

func TestReadable(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"list", "- [A](https://a.example)", ""},
		{"list with HTML", "<!-- c -->\n<h1>List</h1>\n", ""},
		{"list with a few broken bytes", "caf\xe9 " + strings.Repeat("text ", 20), ""},
		{"text with a byte order mark", "\xef\xbb\xbf# List", ""},
		{"nothing", "", "the document is empty"},
		{"white space", " \n\t\n", "the document is empty"},
		{"page", "<!DOCTYPE html><html><body>", "the document is an HTML page, not Markdown; name the address of the raw file"},
		{"page after a comment", "<!-- saved -->\n<html lang=en>", "the document is an HTML page, not Markdown; name the address of the raw file"},
		{"picture", "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00\x01\xff", 50), "the document is binary: "},
		{"UTF-16", "\xff\xfe#\x00 \x00", "the document is UTF-16, not UTF-8; convert it"},
	}
	for _, tt := range tests {
		err := Readable([]byte(tt.src))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)) {
			t.Errorf("%s: Readable gave %v, want %q", tt.name, err, tt.want)
		}
	}
}
