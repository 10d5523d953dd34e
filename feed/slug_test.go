package feed_test

import (
	"strings"
	"testing"

	"linkletter/feed"
)

func TestSlug(t *testing.T) {
	taken := map[string]bool{}
	for _, tt := range []struct {
		path []string
		want string
	}{
		{[]string{"Saws & planes"}, "saws-planes"},
		{[]string{"Saws, planes!"}, "saws-planes-2"},
		{[]string{"Hand", "Saws & planes"}, "hand-saws-planes"},
		{[]string{"../../etc"}, "etc"},
		{[]string{"."}, "section"},
		{[]string{"index.html"}, "index-html"},
		{[]string{"CON"}, "section-con"},
		{[]string{"com1"}, "section-com1"},
		{[]string{"Console"}, "console"},
		{[]string{"Sa\u0308gen"}, "sägen"},
		{[]string{"\u1112\u1161\u11ab"}, "한"},
		{[]string{"\uf900\u212b\u212a"}, "\u8c48åk"},
		{[]string{"\x00\u202e"}, "section-2"},
		{[]string{strings.Repeat("é", 300)}, strings.Repeat("é", 60)},
	} {
		got := feed.Slug(tt.path, taken)
		if got != tt.want {
			t.Errorf("Slug(%q) = %q, want %q", tt.path, got, tt.want)
		}
		taken[got] = true
	}
}
