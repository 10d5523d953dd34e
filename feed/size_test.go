package feed_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mmcdole/gofeed"

	"linkletter/feed"
)

// A feed of entries that are each as long as one may be stays below what validators read.
func TestLongestFeed(t *testing.T) {
	f := sample(50)
	for i := range f.Entries {
		e := &f.Entries[i]
		e.Title, e.Summary, e.Content = strings.Repeat("&lt;", 75), strings.Repeat("\"&lt", 500), "<p>"+strings.Repeat("<br>", 16_000-i*300)+"</p>"
		e.URL, e.Via = "https://example.com/?"+strings.Repeat("&", 4000), "https://example.com/#"+strings.Repeat("'", 4000)
		for j := range 64 {
			e.Categories = append(e.Categories, feed.Category{Term: fmt.Sprint(j), Label: strings.Repeat("\"", 300)})
		}
	}
	const most = 5_000_000
	for _, format := range formats {
		b, err := format.write(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > most {
			t.Errorf("%s has %d bytes, want at most %d", format.name, len(b), most)
		}
		got, err := gofeed.NewParser().ParseString(string(b))
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Items) != 50 {
			t.Errorf("%s has %d entries, want all", format.name, len(got.Items))
		}
	}
}

// A long entry of a feed that is not too long stays as it is: an issue of a digest may be one.
func TestLongEntry(t *testing.T) {
	f := sample(2)
	f.Entries[0].Content = "<p>" + strings.Repeat("word ", 50_000) + "</p>"
	b, err := f.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), f.Entries[0].Content) {
		t.Errorf("the content of %d bytes is not there; the feed has %d", len(f.Entries[0].Content), len(b))
	}
}
