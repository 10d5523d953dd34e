package digest

import (
	"slices"
	"strings"
	"time"
)

// pathSeparator stands between the headings of a section's path.
const pathSeparator = " › "

// Compose makes an issue of items. The lists come in the order the digest names them; inside a list, the sections come in
// the order in which items first show them, and inside a section the newest item is first. An item stands once, under the
// first section of its entry. Items of lists that the digest does not name are left out.
func Compose(d Digest, number int, period string, date time.Time, items []Item) *Issue {
	if d.Location != nil {
		date = date.In(d.Location)
	}
	issue := &Issue{Digest: d.ID, Number: number, Period: period, Title: d.Title, Date: date}
	for _, list := range d.Lists {
		at := make(map[string]int) // heading → place in issue.Groups
		for _, item := range items {
			if item.List != list {
				continue
			}
			heading := item.heading(len(d.Lists) > 1)
			i, ok := at[heading]
			if !ok {
				i = len(issue.Groups)
				at[heading] = i
				issue.Groups = append(issue.Groups, Group{List: list, Heading: heading})
			}
			issue.Groups[i].Items = append(issue.Groups[i].Items, item)
		}
	}
	for _, g := range issue.Groups {
		slices.SortStableFunc(g.Items, func(a, b Item) int { return b.Published.Compare(a.Published) })
	}
	return issue
}

// heading is what the item stands under; among several lists, what has no heading stands under the list's title.
func (i Item) heading(several bool) string {
	if len(i.Sections) > 0 && len(i.Sections[0]) > 0 {
		return strings.Join(i.Sections[0], pathSeparator)
	}
	if several {
		return i.ListTitle
	}
	return ""
}
