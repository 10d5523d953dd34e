package templates

import (
	"fmt"
	"strings"

	"linkletter/feed/curated"
	"linkletter/feed/digest"
)

// letters are issues as they may come, by name: what a mail has to look right for.
func letters() map[string]IssueMail {
	with := func(groups ...digest.Group) IssueMail {
		return IssueMail{Site: site, Unsubscribe: site.Unsubscribe("dGhlIHRva2VuIG9mIGEgcmVhZGVy"),
			Preferences: site.Preferences("dGhlIHRva2VuIG9mIGEgcmVhZGVy"), Issue: &digest.Issue{
				Digest: "weekly", Number: 12, Title: site.Digests[0].Title, Date: checked, Groups: groups,
			}}
	}
	group := func(heading string, from ...Entry) digest.Group {
		return digest.Group{List: "feeds", Heading: heading, Items: items(lists[0], from)}
	}
	one := with(group("Readers › In the terminal", entries[0]))
	twelve := with(
		group("Readers › In the terminal", entries[0], numbered(4)[3]),
		group("Talks and essays", append(append([]Entry{}, entries[1:]...), numbered(8)[5:]...)...),
		digest.Group{List: "type", Heading: "Awesome Small Presses", Items: items(lists[1], append(append([]Entry{}, older...), numbered(2)...))},
	)
	twelve.Issue.Groups[0].Items[0].AddedBy = "Nadia Petrov"
	twelve.Note = editorsNote
	some := with(group("Talks and essays", entries[1:]...))
	some.SelectedFrom = 12
	hundreds := with()
	for i := range 20 {
		hundreds.Issue.Groups = append(hundreds.Issue.Groups, group(fmt.Sprintf("Section %d", i+1), numbered(15)...))
	}
	long := with(group(longTitle, strangeEntries[0], Entry{Entry: curated.Entry{
		Title: longWord, URL: "https://long.example/" + strings.Repeat("x", 1200), Summary: longWord, Byline: longWord,
	}}))
	long.Issue.Title = longTitle
	scripts := with(group("أدوات › القراءة › في المتصفح", strangeEntries[1], older[0]), group("道具 › 閲覧 › 端末で使うもの", strangeEntries[2], entries[2]))
	scripts.Issue.Title = "قائمة مختارة من قارئات الخلاصات"
	scripts.Note = "هذا العدد قصير.\n\n- أول\n- ثان\n\n今週は短いです。"
	return map[string]IssueMail{"one": one, "twelve": twelve, "some": some, "hundreds": hundreds, "long": long, "scripts": scripts, "strange": with(group("Odd", strangeEntries...))}
}
