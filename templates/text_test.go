package templates

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed/curated"
)

func TestWrap(t *testing.T) {
	for _, tt := range []struct{ name, prefix, text, want string }{
		{"nothing", "  ", " \n ", ""},
		{"white space", "  ", "one\n\ttwo   three", "  one two three\n"},
		{
			"quote", "  > ", strings.Repeat("nine char ", 9),
			"  > nine char nine char nine char nine char nine char nine char nine char\n  > nine char nine char\n",
		},
		{"wide", "", strings.Repeat("字", 39), strings.Repeat("字", 38) + "\n字\n"},
		{"no bracket at a line's start", "", strings.Repeat("字", 38) + "。", strings.Repeat("字", 37) + "\n字。\n"},
		{
			"address", "", strings.Repeat("a", 70) + " https://example.org/" + strings.Repeat("b-/", 40) + " end",
			strings.Repeat("a", 70) + "\nhttps://example.org/" + strings.Repeat("b-/", 40) + "\nend\n",
		},
		{"control", "", "a\x00b\u202ec\x1b[31m", "abc[31m\n"},
		{"joined emoji", "", strings.Repeat("👩‍🔬", 30), strings.Repeat("👩‍🔬", 25) + "\n" + strings.Repeat("👩‍🔬", 5) + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, wrap(tt.prefix, tt.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestClip(t *testing.T) {
	for _, tt := range []struct {
		s    string
		n    int
		want string
	}{
		{"short", 10, "short"},
		{"exactly 10", 10, "exactly 10"},
		{"cut between words", 14, "cut between…"},
		{"no comma, before", 10, "no comma…"},
		{"unbrokenunbroken", 10, "unbrokenu…"},
		{"字字字字字字", 8, "字字字…"},
		{"e\u0301e\u0301e\u0301e\u0301", 5, "e\u0301e\u0301…"},
		{"", 5, ""},
	} {
		if got := clip(tt.s, tt.n); got != tt.want {
			t.Errorf("clip(%q, %d) = %q, want %q", tt.s, tt.n, got, tt.want)
		}
	}
}

func TestInline(t *testing.T) {
	for _, tt := range []struct{ name, fragment, style, want string }{
		{"text", "a &lt;b&gt; & c", "", "a &lt;b&gt; &amp; c"},
		{"emphasis", "<em>a</em> <code>b</code><br>", "", "<em>a</em> <code>b</code><br>"},
		{"attributes", `<em class="x" onclick="y">a</em>`, "", "<em>a</em>"},
		{"link", `<a href="https://example.org/?a&amp;b" rel="x">a</a>`, "color:red;", `<a href="https://example.org/?a&amp;b" style="color:red;">a</a>`},
		{"link to nowhere", `<a href="#top"><b>a</b></a>`, "", "<b>a</b>"},
		{"blocks", "<p>a</p><div>b</div>", "", "ab"},
		{"unclosed", "<em>a <strong>b", "", "<em>a <strong>b</strong></em>"},
		{"script", "a<script>b</script><style>c</style>", "", "a"},
	} {
		if got := string(inline(tt.fragment, tt.style)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestProseThatCannotBeReadIsShownPlain(t *testing.T) {
	deep := strings.Repeat("<em>", 2000) + "deep"
	if got := string(summary(curated.Entry{Summary: "a < b", SummaryHTML: deep}, "")); got != "a &lt; b" {
		t.Errorf("got %.80s", got)
	}
}

func TestLinks(t *testing.T) {
	got := links(curated.Entry{
		URL:         "https://example.org/",
		SummaryHTML: `<a href="https://example.org/">itself</a>, <a href="https://example.org/b">a  <em>b</em></a>, <a href="ftp://example.org/">old</a>`,
		QuoteHTML:   `<a href="mailto:a@example.org">A</a>`,
		Related:     []curated.Link{{Title: "Slides", URL: "https://example.org/s"}, {Title: "Again", URL: "https://example.org/s"}},
	})
	want := []curated.Link{
		{Title: "Slides", URL: "https://example.org/s"},
		{Title: "a b", URL: "https://example.org/b"},
		{Title: "A", URL: "mailto:a@example.org"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTidy(t *testing.T) {
	if diff := cmp.Diff("a\n\n  b\n", tidy("\n\na  \n \n\n\n  b\t\n\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
