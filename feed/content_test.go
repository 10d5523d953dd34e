package feed_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"linkletter/feed"
	"linkletter/feed/curated"
)

func TestContent(t *testing.T) {
	for _, tt := range []struct {
		name, page, want string
		entry            curated.Entry
		from             feed.Origin
	}{
		{
			name: "everything", page: "https://example.com/list",
			entry: curated.Entry{
				Summary: "Cuts wood.", SummaryHTML: "Cuts <em>wood</em>.", Quote: "It cuts.", QuoteHTML: "It <b>cuts</b>.",
				Byline: "Ada", Publication: "Saw Weekly", Duration: "5 min",
				Related:  []curated.Link{{Title: "Slides & notes", URL: "https://example.com/s?a&b"}, {URL: "https://example.com/x"}},
				Sections: [][]string{{"Tools", "Saws"}, {"Wood"}},
			},
			from: feed.Origin{By: "Bob\u202e \n<Builder>", Link: "https://example.com/commit/1"},
			want: `<p>Cuts <em>wood</em>.</p><blockquote><p>It <b>cuts</b>.</p></blockquote><p>by Ada · Saw Weekly · 5 min</p>` +
				`<ul><li><a href="https://example.com/s?a&amp;b">Slides &amp; notes</a></li><li><a href="https://example.com/x">https://example.com/x</a></li></ul>` +
				`<p><a href="https://example.com/commit/1">Added</a> to <a href="https://example.com/list">My list</a> › Tools › Saws, Wood by Bob &lt;Builder&gt;</p>`,
		},
		{
			name:  "only a quote",
			entry: curated.Entry{Summary: "It cuts.", SummaryHTML: "It cuts.", Quote: "It cuts.", QuoteHTML: "It cuts.", Sections: [][]string{{}}},
			want:  `<blockquote><p>It cuts.</p></blockquote><p>Added to My list</p>`,
		},
		{
			name: "plain texts are escaped, bad links dropped", page: "javascript:x",
			entry: curated.Entry{
				Summary: "a <b> c", Byline: "<i>", Sections: [][]string{{"<u>"}},
				Related: []curated.Link{{Title: "x", URL: "javascript:alert(1)"}},
			},
			from: feed.Origin{Link: "javascript:x"},
			want: `<p>a &lt;b&gt; c</p><p>by &lt;i&gt;</p><p>Added to My list › &lt;u&gt;</p>`,
		},
	} {
		if got := feed.Content(tt.entry, tt.from, "My list", tt.page); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// Nothing a list says becomes markup of its own.
func TestContentOfHostileEntries(t *testing.T) {
	allowed := []string{"html", "head", "body", "p", "blockquote", "ul", "li", "a"}
	for _, e := range hostile().Entries {
		doc, err := html.Parse(strings.NewReader(e.Content))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type == html.CommentNode || n.Type == html.ElementNode && !slices.Contains(allowed, n.Data) {
				t.Errorf("content of %.40q holds <%s>", e.Title, n.Data)
			}
			for _, a := range n.Attr {
				if a.Key != "href" || !strings.HasPrefix(a.Val, "http") && !strings.HasPrefix(a.Val, "mailto:") {
					t.Errorf("content of %.40q holds %s=%q", e.Title, a.Key, a.Val)
				}
			}
		}
	}
}
