package feed_test

import (
	"fmt"
	"sync"
	"time"

	"linkletter/feed"
	"linkletter/feed/curated"
)

var began = time.Date(2026, 5, 4, 9, 30, 0, 0, time.UTC)

// sample is a feed as lists make them; n entries, a second apart.
func sample(n int) *feed.Feed {
	f := &feed.Feed{
		ID:         feed.FeedID("example.org", began, "tools/"),
		Title:      "Tools & Workshops",
		Subtitle:   "What is new in Tools & Workshops",
		Author:     "Example",
		Language:   "en",
		Rights:     "CC0",
		Home:       "https://example.org/tools/",
		Dir:        "https://example.org/tools/",
		Hub:        "https://hub.example.org/",
		Icon:       "https://example.org/assets/icon.svg",
		Stylesheet: "https://example.org/assets/feed.css",
		Began:      began,
	}
	for i := range n {
		published := began.Add(time.Duration(n-i) * time.Second)
		e := curated.Entry{
			Title:       fmt.Sprintf("Lathe %d", i),
			URL:         fmt.Sprintf("https://lathe.example.com/%d?a=1&b=2", i),
			Sections:    [][]string{{"Machines", "Turning & milling"}},
			Summary:     "Turns wood, not metal.",
			SummaryHTML: "Turns <em>wood</em>, not metal.",
			Quote:       "It turns.",
			Byline:      "Ada Turner",
			Duration:    "12 min",
			Related:     []curated.Link{{Title: "Slides", URL: "https://lathe.example.com/slides"}},
		}
		l := feed.Listed{
			Entry:      e,
			ID:         feed.EntryID("example.org", published, "tools", e.URL),
			Published:  published,
			Updated:    published,
			Categories: []feed.Category{{Term: "turning-milling", Label: "Machines › Turning & milling"}},
		}
		if i%2 == 0 {
			l.Origin = feed.Origin{By: "Bob & co.", Link: "https://example.com/commit/1"}
		}
		f.Entries = append(f.Entries, feed.NewEntry(l, f.Title, "https://example.com/tools.md"))
	}
	return f
}

// hostileTexts are what a list may hold by accident or on purpose.
var hostileTexts = []string{
	"\x00\x01\x1b[31mred\x7f \u0085\u009b",
	"bad \xff\xfe UTF-8 \xc3( and a lone surrogate \xed\xa0\x80",
	"noncharacters \ufffe \uffff \U0001fffe \ufdd0 and \ufffd",
	"a CDATA end ]]> and its start <![CDATA[",
	"right \u202eto\u202c left \u2066isolated\u2069 \u200fmark",
	"<script>alert(1)</script> & &amp; &#x3c; &nbsp; </b> <!-- --> <?php ?>",
	"line\nbreaks\r\nand\ttabs \u2028 \u2029",
	"AT&T, R&D, a<b>c, x < y && z > w",
	"combining e\u0301\u0301\u0301 \u200d👩\u200d🔧 🏴\U000e0067\U000e0062",
	`quotes " ' and a backslash \ and \u003c`,
	"   ",
	"",
}

var hostileLinks = []string{
	"javascript:alert(1)", " JavaScript:alert(1)", "java\nscript:alert(1)", "data:text/html,<b>x</b>", "vbscript:x", "file:///etc/passwd",
	"//example.com/", "relative/path", "#top", "", "http://", "http:///x", "https://exa mple.com/", "http://[::1]:80/", "http://a\x00b/",
	"https://münchen.example/straße?q=ä#ö", "https://example.com/a b\"c<d>e|f\\g^h`i{j}k[l]m%zz%4#a#b", "https://example.com/\u202egpj.exe",
	"https://user:pass@example.com:8443/", "mailto:a@example.com?subject=a b", "https://example.com/?x=]]>", "https://\xff\xfe/",
	"HTTPS://EXAMPLE.COM/Path",
}

// hostile is a feed in which everything that comes from a list is hostile.
var hostile = sync.OnceValue(func() *feed.Feed {
	f := sample(0)
	f.Title, f.Subtitle, f.Author, f.Rights = hostileTexts[5], hostileTexts[3], hostileTexts[0], hostileTexts[1]
	texts := append([]string{big("x"), big("é "), big("</p>")}, hostileTexts...)
	for i := range max(len(texts), len(hostileLinks)) {
		text, link := texts[i%len(texts)], hostileLinks[i%len(hostileLinks)]
		e := curated.Entry{
			Title: text, URL: link, Summary: text, Quote: text + ".", Byline: text, Publication: text, Duration: text,
			Sections: [][]string{{text, text}, {}, {text}},
			Related:  []curated.Link{{Title: text, URL: link}, {URL: link}},
		}
		f.Entries = append(f.Entries, feed.Entry{
			ID: feed.EntryID("example.org", began, "tools", fmt.Sprint(i)), Title: text, URL: link, Via: link, Author: text, Contributor: text, Summary: text,
			Published: began, Updated: began.Add(time.Duration(i) * time.Second),
			Content:    feed.Content(e, feed.Origin{By: text, Link: link}, text, link),
			Categories: []feed.Category{{Term: text, Label: text}, {Term: "a", Label: text}, {Term: "a", Label: "again"}, {}},
		})
	}
	f.Entries = append(f.Entries, f.Entries[0]) // an id twice
	return f
})

// big is a megabyte of s.
func big(s string) string {
	out := make([]byte, 0, 1<<20)
	for len(out) < 1<<20 {
		out = append(out, s...)
	}
	return string(out)
}
