package templates

import (
	"strings"
	"time"

	"linkletter/feed"
	"linkletter/feed/curated"
	"linkletter/feed/digest"
)

// A newsletter as a reader may get it: two lists, six entries with all that an entry can have.

var site = Site{
	Site:    feed.Site{Base: "https://lists.example.org/new"},
	Title:   "The Reading Room",
	Imprint: "Ada Example\n12 Paper Lane, Printford PF1 2AB",
	Forms:   true,
	Digests: []DigestLink{
		{ID: "weekly", Title: "The Reading Room, weekly", When: "every Monday at 09:00 UTC"},
		{ID: "monthly", Title: "Only the newsletters", When: "on the first of each month at 09:00 UTC"},
	},
}

var sections = []SectionLink{
	{Slug: "readers", Label: "Readers", Count: 41},
	{Slug: "readers-terminal", Label: "Readers › In the terminal", Count: 9, Depth: 1},
	{Slug: "readers-self-hosted", Label: "Readers › On a server of your own", Count: 14, Depth: 1},
	{Slug: "formats", Label: "Formats and standards", Count: 12},
	{Slug: "talks", Label: "Talks and essays", Count: 128},
}

var checked = time.Date(2026, time.November, 22, 15, 4, 0, 0, time.UTC)

var entries = []Entry{
	{
		In: sections[1:2], Published: checked,
		Entry: curated.Entry{
			Title: "Paperboy, a feed reader of four hundred lines", URL: "https://paperboy.example/",
			Summary:     "Reads Atom and RSS in a terminal, keeps what you starred in a plain file, and works with any pager you like. See its manual.",
			SummaryHTML: `Reads Atom and RSS in a terminal, keeps what you starred in a <em>plain file</em>, and works with any <code>$PAGER</code> you like. See its <a href="https://paperboy.example/manual?page=1&amp;all=yes">manual</a>.`,
			Related:     []curated.Link{{Title: "Source", URL: "https://code.example/paperboy"}, {Title: "Discussion", URL: "https://forum.example/t/8817"}},
		},
	},
	{
		In: sections[4:], Published: checked,
		Entry: curated.Entry{
			Title: "Why I Still Send Letters", URL: "https://www.quarterly.example/essays/(letters)_2026",
			Byline: "Rosalind Okafor", Publication: "The Printford Quarterly", Duration: "18 min",
			Summary:   "A feed is a promise kept quietly: you come when you like, and nothing has been rearranged while you were away.",
			Quote:     "A feed is a promise kept quietly: you come when you like, and nothing has been rearranged while you were away.",
			QuoteHTML: `A feed is a promise kept quietly: you come when <strong>you</strong> like, and nothing has been rearranged while you were away.`,
		},
	},
	{
		In: sections[2:3], Published: checked,
		Entry: curated.Entry{
			Title: "静かな購読:フィードで読む一年間の記録と、その間に考えたこと", URL: "https://日記.example/購読/2026",
			Byline:  "森田 葵",
			Summary: "一年間、通知をすべて切ってフィードだけで読んだ人の記録です。何を読み逃し、何を読み逃さなかったのか、月ごとの表と短い感想が添えられています。",
		},
	},
}

var older = []Entry{
	{
		In: sections[3:4], Published: checked.AddDate(0, 0, -3),
		Entry: curated.Entry{
			Title: "كيف تعمل الخلاصات من الداخل", URL: "https://shabaka.example/feeds",
			Summary: "شرح مبسط لصيغتي Atom وRSS مع أمثلة قصيرة وتمارين.",
		},
	},
	{
		In: sections[3:4], Published: checked.AddDate(0, 0, -3),
		Entry: curated.Entry{
			Title:   "https://archive.example/documents/2026/11/a-rather-long-address-that-nobody-gave-a-title-and-that-does-not-break-by-itself.html",
			URL:     "https://archive.example/documents/2026/11/a-rather-long-address-that-nobody-gave-a-title-and-that-does-not-break-by-itself.html",
			Summary: "What changed between the drafts, told by somebody who was in the room.",
			Related: []curated.Link{{Title: "Slides", URL: "https://archive.example/slides.pdf"}, {Title: "Video", URL: "https://archive.example/video?v=1&t=2"}, {Title: "Transcript", URL: "https://archive.example/transcript"}},
		},
	},
	{
		In: sections[4:], Published: checked.AddDate(0, 0, -4),
		Entry: curated.Entry{
			Title: "Letters to a Young Editor", URL: "https://press.example/letters",
			Byline: "Ines Álvarez and Tomáš Novák", Publication: "Press & Paper", Duration: "a weekend",
			Summary:   "Eleven letters about choosing what to send and, harder, what to leave out.",
			Quote:     "Nobody ever cancelled because an issue was short.",
			QuoteHTML: "Nobody ever cancelled because an issue was short.",
		},
	},
}

var news = []Day{
	{Date: checked, Entries: entries},
	{Date: checked.AddDate(0, 0, -3), Entries: older[:2]},
	{Date: checked.AddDate(0, 0, -4), Entries: older[2:]},
}

var lists = []ListLink{
	{
		ID: "feeds", Title: "Feeds and newsletters", Entries: 2559, Checked: checked, Newest: entries,
		Description: "Programs, services and essays for people who read at their own pace.",
	},
	{
		ID: "type", Title: "Awesome Small Presses", Lang: "en-GB", Entries: 1, Checked: checked, Failing: checked.AddDate(0, 0, 1), Newest: older[2:],
		Description: "Printers, binders and the letters they set.",
	},
}

var listPage = ListPage{
	Site: site, ID: "feeds", Title: lists[0].Title, Description: lists[0].Description,
	Page: "https://code.example/lists/feeds", Entries: 2559, Checked: checked, News: news, Sections: sections,
	Held:    []string{"31 new entries wait for the maintainer's decision.", "212 removed entries wait for the maintainer's decision."},
	Failing: checked.AddDate(0, 0, 1),
	Lang:    "en-GB", Changes: true, Archive: 51, Rights: "CC BY-SA 4.0, the people of the Reading Room",
}

var sectionPage = SectionPage{
	Site: site, List: lists[0], Section: sections[2], Lang: "en-GB", Path: []string{"Readers", "On a server of your own"},
	News: []Day{{Date: checked, Entries: entries[2:]}}, Entries: append(append([]Entry{}, older...), entries...),
}

var digestPage = DigestPage{
	Site: site, Digest: site.Digests[0],
	Issues: []IssueLink{
		{Number: 12, Date: checked, Count: 6, Titles: []string{entries[0].Title, entries[1].Title, entries[2].Title, older[0].Title}},
		{Number: 11, Date: checked.AddDate(0, 0, -7), Count: 1, Titles: []string{"A Field Guide to Colophons"}},
	},
}

var issuePage = IssuePage{Site: site, Issue: &digest.Issue{
	Digest: "weekly", Number: 12, Title: site.Digests[0].Title, Date: checked,
	Groups: []digest.Group{
		{List: "feeds", Heading: "Readers › In the terminal", Items: items(lists[0], entries[:1])},
		{List: "feeds", Heading: "Talks and essays", Items: items(lists[0], entries[1:])},
		{List: "feeds", Heading: "Formats and standards", Items: items(lists[0], older[:2])},
		{List: "type", Heading: "Awesome Small Presses", Items: items(lists[1], older[2:])},
	},
}}

var issueMail = IssueMail{Site: site, Issue: issuePage.Issue, Unsubscribe: "@@unsubscribe@@", Preferences: "@@preferences@@"}

var confirmationMail = ConfirmationMail{
	Site: site, Digest: site.Digests[0], Confirm: site.Confirm("dGhlIHRva2VuIG9mIGEgcmVhZGVy.c2lnbmF0dXJl"),
	Expires: checked.AddDate(0, 0, 2),
}

// actMails and actPages are about one act each, with an address that is as long as can be.
var (
	longAddress = strings.Repeat("a", 64) + "@" + strings.Repeat("long-", 12) + "name." + strings.Repeat("example-", 7) + "host.example.org"

	actMails = acts(func(kind string) ActMail {
		return ActMail{Site: site, Kind: kind, Address: "r•••@example.org", Other: longAddress, Link: site.Act("dGhlIHRva2VuIG9mIGEgcmVhZGVy.c2lnbmF0dXJl"), Expires: checked.AddDate(0, 0, 2)}
	})
	actPages = acts(func(kind string) ActPage {
		return ActPage{Site: site, Kind: kind, Address: "reader@example.org", Other: longAddress, Action: "/new/-/act/token"}
	})
)

func acts[T any](of func(kind string) T) map[string]T {
	all := map[string]T{}
	for _, kind := range actKinds {
		all[kind] = of(kind)
	}
	return all
}

var signUp = Form{Site: site, Digests: site.Digests, Action: site.Subscribe()}

var leaving = Form{Site: site, Digest: site.Digests[0], Action: site.Unsubscribe("token"), Address: "reader@example.org",
	Preferences: "/new/-/preferences/token", Pause: PauseDates{From: "2026-11-23", To: "2028-11-22"}}

var choosing = Preferences{
	Site: site, Address: "r•••@example.org", Action: "/new/-/preferences/token",
	Pause: PauseDates{Until: "2027-01-04", Words: "4 January 2027", From: "2026-11-23", To: "2028-11-22"},
	Digests: []DigestChoice{
		{DigestLink: site.Digests[0], Chosen: true, Some: true, Lists: []ListChoice{
			{ID: "feeds", Title: lists[0].Title, Sections: []SectionChoice{
				{Value: "feeds/readers", Name: "Readers", Label: "Readers", Count: 41, Fold: true, Under: []SectionChoice{
					{Value: "feeds/readers-terminal", Name: "In the terminal", Label: "Readers › In the terminal", Count: 9, Chosen: true},
					{Value: "feeds/readers-self-hosted", Name: "On a server of your own", Label: "Readers › On a server of your own", Count: 14},
				}},
				{Value: "feeds/formats", Name: "Formats and standards", Label: "Formats and standards", Count: 12, Chosen: true},
				{Value: "feeds/talks", Name: "المحاضرات", Label: "المحاضرات", Count: 128},
			}},
			{ID: "type", Title: lists[1].Title},
		}},
		{DigestLink: site.Digests[1], Waits: true, Chosen: true},
	},
}

func items(list ListLink, from []Entry) []digest.Item {
	var out []digest.Item
	for _, e := range from {
		out = append(out, digest.Item{Entry: e.Entry, List: list.ID, ListTitle: list.Title, Published: e.Published})
	}
	return out
}
