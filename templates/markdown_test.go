package templates

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"pgregory.net/rapid"

	"linkletter/feed/curated"
	"linkletter/feed/digest"
)

// rendered is Markdown as a forge shows it.
func rendered(t *rapid.T, markdown string) *html.Node {
	var b bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(extension.GFM)).Convert([]byte(markdown), &b); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// Whatever a text holds, it shows as itself, in one paragraph without any markup.
func TestMarkdownShowsTextAsItself(t *testing.T) {
	characters := rapid.SampledFrom([]rune("ab12 \t\n\\`*_[]()<>&|~$#@!-+=.:;{}\"'%^/?,é長\u202e\x00\u00a0"))
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(characters, 1, 40, -1).Draw(t, "text")
		got := escapeMarkdown(text)
		for n := range rendered(t, got).Descendants() {
			if n.Type == html.CommentNode || n.Type == html.ElementNode && n.DataAtom != atom.Html && n.DataAtom != atom.Head && n.DataAtom != atom.Body && n.DataAtom != atom.P {
				t.Fatalf("%q became %q, which holds <%s>", text, got, n.Data)
			}
		}
		shown := strings.ReplaceAll(strings.TrimSpace(words(rendered(t, got))), "\u200b", "")
		if want := fold(text); shown != want {
			t.Fatalf("%q became %q, which shows as %q, want %q", text, got, shown, want)
		}
	})
}

// A link leads to where the list says, and its text is no markup.
func TestMarkdownLinks(t *testing.T) {
	for to, want := range map[string]string{
		"https://example.org/a_(b)?c=d&amp;e=*f*": "https://example.org/a_(b)?c=d&amp;e=*f*",
		"https://example.org/?a=1&copy;=2&b":      "https://example.org/?a=1&copy;=2&b",
		"https://example.org/<x>[y]\\z w":         "https://example.org/%3Cx%3E%5By%5D%5Cz%20w",
		"https://example.org/@ada/#1":             "https://example.org/@ada/#1",
	} {
		rapid.Check(t, func(t *rapid.T) {
			doc := rendered(t, markdownLink("a] (b) `*c", to))
			found := ""
			for n := range doc.Descendants() {
				if n.DataAtom == atom.A {
					found = linkOf(n)
					if got := words(n); got != "a] (b) `*c" {
						t.Errorf("the text of a link became %q", got)
					}
				}
			}
			if found != want {
				t.Errorf("%s: the link leads to %s, want %s", to, found, want)
			}
		})
	}
	if got := markdownLink("x", "javascript:alert(1)"); got != "x" {
		t.Errorf("a link to a script: %s", got)
	}
}

func TestIssueMarkdown(t *testing.T) {
	entry := curated.Entry{
		Title: "The *new* saw", URL: "https://saw.example/?a=1&b=2", Byline: "Ada", Duration: "5 min",
		Summary: "1. Cuts wood @home with saw --all, see the manual.", Quote: "It cuts.",
		SummaryHTML: `1. Cuts <em>wood</em> @home with <code>saw --all</code>, see <a href="https://saw.example/manual">the manual</a>.`,
		Related:     []curated.Link{{Title: "Slides", URL: "https://saw.example/slides"}, {Title: "None", URL: "slides.pdf"}},
	}
	to := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	got, err := load(t).IssueMarkdown(IssueMail{
		Since: to.AddDate(0, 0, -7), Page: "https://example.org/tools",
		Issue: &digest.Issue{Title: "New in Tools", Date: to, Groups: []digest.Group{{Heading: "Hand › Saws", Items: []digest.Item{
			{Entry: entry, AddedBy: "bob @ work", AddedIn: "https://example.org/commit/1"},
			{Entry: curated.Entry{Title: "Plain"}},
		}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`**[New in Tools](<https://example.org/tools>)** · 27 October – 3 November 2026 · 2 new entries

## Hand › Saws

- **[The \*new\* saw](<https://saw.example/?a=1&amp;b=2>)** · by Ada · 5 min · [added](<https://example.org/commit/1>) by bob @~ work

  1\. Cuts wood @~home with 'saw --all', see [the manual](<https://saw.example/manual>).

  > It cuts.

  [Slides](<https://saw.example/slides>) · None

- **Plain**
`, "'", "`")
	if diff := cmp.Diff(strings.ReplaceAll(want, "~", "\u200b"), got); diff != "" {
		t.Errorf("the issue as Markdown (-want +got):\n%s", diff)
	}
}

func TestPeriod(t *testing.T) {
	day := func(year int, month time.Month, d int) time.Time {
		return time.Date(year, month, d, 12, 0, 0, 0, time.UTC)
	}
	for _, tt := range []struct {
		from, to time.Time
		want     string
	}{
		{day(2026, 11, 9), day(2026, 11, 16), "9–16 November 2026"},
		{day(2026, 10, 28), day(2026, 11, 3), "28 October – 3 November 2026"},
		{day(2025, 12, 29), day(2026, 1, 5), "29 December 2025 – 5 January 2026"},
		{day(2026, 1, 5), day(2026, 1, 5), "5 January 2026"},
		{time.Time{}, day(2026, 1, 5), "5 January 2026"},
	} {
		if got := period(tt.from, tt.to); got != tt.want {
			t.Errorf("from %v to %v: %s, want %s", tt.from, tt.to, got, tt.want)
		}
	}
}
