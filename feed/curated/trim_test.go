package curated

import (
	"strings"
	"testing"
)

func TestTrimClosing(t *testing.T) {
	tests := []struct {
		name string
		ps   []piece
		want string
	}{
		{"nothing to drop", []piece{{text: " - text"}}, " - text"},
		{"a bracket", []piece{{text: ") - text"}}, " - text"},
		{"several", []piece{{text: "] )"}, {text: "» text"}}, " text"},
		{"a link", []piece{{text: ")"}, {text: ") text", link: 1}}, ") text"},
		{"after a break", []piece{{kind: softBreak}, {text: ") text"}}, " text"},
	}
	for _, tt := range tests {
		before := joinPieces(tt.ps)
		if got := joinPieces(trimClosing(tt.ps)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if after := joinPieces(tt.ps); after != before {
			t.Errorf("%s: the document's own pieces became %q", tt.name, after)
		}
	}
}

// TestTrimLinks reads summaries of which further links are dropped.
func TestTrimLinks(t *testing.T) {
	for src, want := range map[string]string{
		"Text. ([Demo](http://d), [Source](http://s)) MIT":    "Text. MIT",
		"Text. ([Demo](http://d)) ([Source](http://s)) `MIT`": "Text. MIT",
		"Needs [Perl](http://p) and [Go](http://g).":          "Needs Perl and Go.",
		"Saves water. [Docs](http://d)":                       "Saves water.",
	} {
		if got := Parse([]byte("- [Abc](http://b.example) - "+src+"\n"), Options{}).Entries[0].Summary; got != want {
			t.Errorf("%s: summary %q, want %q", src, got, want)
		}
	}
}

// TestTrimHostile reads items that end the program, or take minutes, where each bracket or link looks at all the others.
func TestTrimHostile(t *testing.T) {
	const n = 50_000
	const item = "- [abc](http://b.example) "
	for _, src := range []string{
		item + strings.Repeat(")", 20*n),
		item + strings.Repeat(")", n) + strings.Repeat("[x](y) ", n),
		item + "[pdf](http://p.example) " + strings.Repeat("word [lmn](http://u.example) ", n),
		item + strings.Repeat("[pdf](http://p.example) ", n),
		"|a|b|\n|-|-|\n|" + strings.Repeat("[abc](http://b.example) ", n) + "|[x](http://y.example)|\n",
	} {
		if got := Parse([]byte(src), Options{}); len(got.Entries) != 1 {
			t.Errorf("%.60q…: %d entries, want 1", src, len(got.Entries))
		}
	}
}
