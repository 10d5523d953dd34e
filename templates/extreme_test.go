package templates

import (
	"fmt"
	"io"
	"strings"

	"linkletter/feed/curated"
)

// Pages as they may come, too: much of everything, nearly nothing, other scripts, words that do not end, and what is said
// when there is no page.

var longWord = strings.Repeat("Donaudampfschifffahrtsgesellschaft", 8)

var longTitle = "On the keeping of lists: " + strings.Repeat("what to take in, what to leave out, and whom to ask about either; ", 12) + longWord

var strangeEntries = []Entry{
	{
		In: []SectionLink{{Slug: "long", Label: longTitle}}, Published: checked, AddedBy: longWord, AddedIn: "https://code.example/commit/1",
		Entry: curated.Entry{
			Title: longTitle, URL: "https://" + strings.Repeat("sub.", 30) + "example.org/" + longWord, Summary: longTitle,
			Byline: longTitle, Publication: longWord, Quote: longTitle,
			Related: []curated.Link{{URL: "https://related.example/" + longWord}, {Title: longTitle, URL: "https://related.example/"}},
		},
	},
	{
		In: []SectionLink{{Slug: "مواقع", Label: "أدوات › القراءة › في المتصفح"}}, Published: checked,
		Entry: curated.Entry{
			Title: "قائمة مختارة من قارئات الخلاصات المجانية", URL: "https://مثال.example/قائمة", Byline: "ليلى حداد",
			Summary:     "برامج تقرأ Atom وRSS دون حساب، مع تعليقات قصيرة.",
			SummaryHTML: `برامج تقرأ <code>Atom</code> و<code>RSS</code> دون حساب، مع <a href="https://مثال.example/تعليق">تعليقات قصيرة</a>.`,
			Quote:       "الخلاصة وعد هادئ.",
		},
	},
	{
		In: []SectionLink{{Slug: "道具", Label: "道具 › 閲覧 › 端末で使うもの"}}, Published: checked, AddedBy: "森田 葵",
		Entry: curated.Entry{
			Title: strings.Repeat("購読の記録と考察", 20), URL: "https://日記.example/", Summary: strings.Repeat("長い説明文が続きます。", 30), Quote: strings.Repeat("静かな約束。", 20),
		},
	},
	{In: sections, Published: checked, Entry: curated.Entry{Title: "A", URL: "https://a.example"}},
	{Published: checked, Entry: curated.Entry{Title: "An address that leads nowhere", URL: "docs/manual.md"}},
}

var deepSections = []SectionLink{
	{Slug: "a", Label: "Reading", Count: 12345},
	{Slug: "b", Label: "Reading › " + longTitle, Count: 1036, Depth: 1},
	{Slug: "c", Label: "Reading › In › The terminal", Count: 900, Depth: 2},
	{Slug: "d", Label: "Reading › In › The terminal › " + longWord, Count: 12, Depth: 3},
	{Slug: "e", Label: "القراءة", Count: 7},
	{Slug: "f", Label: "القراءة › في المتصفح", Count: 3, Depth: 1},
	{Slug: "g", Label: strings.Repeat("道具と閲覧", 12), Count: 1},
}

// numbered are n entries that differ.
func numbered(n int) []Entry {
	out := make([]Entry, n)
	for i := range out {
		out[i] = entries[i%len(entries)]
		out[i].Title = fmt.Sprintf("%s, part %d", out[i].Title, i+1)
		out[i].Anchor = fmt.Sprintf("e-%016x", i)
	}
	return out
}

// crowded is a front page of many lists, on a site of many digests.
func crowded() Landing {
	d := Landing{Site: site}
	for i := range 30 {
		l := lists[i%2]
		l.ID, l.Title, l.Brief = fmt.Sprintf("list-%d", i), fmt.Sprintf("%s, %d", l.Title, i), i >= 8
		d.Lists = append(d.Lists, l)
	}
	d.Lists[1].Title, d.Lists[1].Description = longTitle, longTitle
	d.Lists[2].Newest, d.Lists[2].Baseline = strangeEntries, true
	d.Lists[3].Newest = nil
	d.Site.Digests = nil
	for i := range 12 {
		d.Site.Digests = append(d.Site.Digests, DigestLink{ID: fmt.Sprintf("digest-%d", i), Title: fmt.Sprintf("The Reading Room, part %d", i), When: "every day at 09:00 UTC"})
	}
	d.Site.Digests[3].Title = longTitle
	return d
}

var extremes = []page{
	{"landing-many", func(t *Set, w io.Writer) error { return t.Landing(w, crowded()) }},
	{"landing-none", func(t *Set, w io.Writer) error { return t.Landing(w, Landing{Site: site}) }},
	{"list-strange", list(ListPage{
		Site: site, ID: "strange", Title: longTitle, Description: longTitle, Page: "https://code.example/lists/strange", Entries: 12345,
		Checked: checked, Late: true, News: []Day{{Date: checked, Entries: strangeEntries}}, Sections: deepSections, Rights: longTitle,
	}).write},
	{"list-rtl", list(ListPage{
		Site: site, ID: "خلاصات", Title: "قائمة مختارة من قارئات الخلاصات", Description: "برامج ومقالات لمن يقرأ على مهل.", Lang: "ar", Entries: 2,
		Checked: checked, News: []Day{{Date: checked, Entries: append(strangeEntries[1:2:2], older[0])}}, Sections: deepSections[4:6], Changes: true,
	}).write},
	{"list-one", list(ListPage{
		Site: site, ID: "one", Title: "One", Entries: 1, Checked: checked, News: []Day{{Date: checked, Entries: numbered(1)}}, Baseline: true,
	}).write},
	{"list-none", list(ListPage{Site: site, ID: "none", Title: "None yet"}).write},
	{"section-many", section(SectionPage{
		Site: site, List: lists[1], Section: deepSections[3], Lang: "en-GB", Path: []string{"Reading", longTitle, "The terminal", longWord},
		News: []Day{{Date: checked, Entries: numbered(9)}}, Entries: append(numbered(300), strangeEntries...),
	}).write},
	{"digest-none", func(t *Set, w io.Writer) error { return t.Digest(w, DigestPage{Site: site, Digest: site.Digests[0]}) }},
	{"subscribe-wrong", func(t *Set, w io.Writer) error {
		return t.Subscribe(w, Form{Site: site, Digests: crowded().Site.Digests[:5], Action: signUp.Action, Address: longWord, Problem: "This is no e-mail address: " + longWord})
	}},
	{"notice-missing", func(t *Set, w io.Writer) error {
		return t.Notice(w, Notice{Site: site, Title: "Not found", Text: "There is nothing at this address."})
	}},
	{"notice-gone", func(t *Set, w io.Writer) error {
		return t.Notice(w, Notice{Site: site, Title: "Gone", Text: "This list is no longer followed."})
	}},
	{"notice-failed", func(t *Set, w io.Writer) error {
		return t.Notice(w, Notice{Site: site, Title: "Something went wrong", Text: "It is our fault. Please try again in a while."})
	}},
	{"notice-long", func(t *Set, w io.Writer) error {
		return t.Notice(w, Notice{Site: site, Title: longTitle, Text: longTitle + " " + longTitle})
	}},
}
