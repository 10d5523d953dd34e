package digest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed/curated"
)

func TestCompose(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 3, 2, hour, 0, 0, 0, time.UTC) }
	item := func(list, title string, hour int, section ...string) Item {
		return Item{Entry: curated.Entry{Title: title, Sections: [][]string{section}}, List: list, ListTitle: "The " + list, Published: at(hour)}
	}
	items := []Item{
		item("b", "b1", 1, "Books"),
		item("a", "a1", 1, "Tools", "Fast"),
		item("a", "a2", 2, "Talks"),
		item("a", "a3", 3, "Tools", "Fast"),
		item("a", "a4", 4),
		item("c", "c1", 1, "Elsewhere"),
	}
	type group struct {
		List, Heading string
		Titles        []string
	}
	tests := map[string]struct {
		lists []string
		want  []group
	}{
		"one list": {[]string{"a"}, []group{
			{"a", "Tools › Fast", []string{"a3", "a1"}}, {"a", "Talks", []string{"a2"}}, {"a", "", []string{"a4"}},
		}},
		"several lists, in the digest's order": {[]string{"b", "a"}, []group{
			{"b", "Books", []string{"b1"}},
			{"a", "Tools › Fast", []string{"a3", "a1"}}, {"a", "Talks", []string{"a2"}}, {"a", "The a", []string{"a4"}},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := Digest{ID: "weekly", Title: "Weekly", Lists: test.lists}
			issue := Compose(d, 7, "2026-03-02T09:00:00Z", at(9), items)
			var got []group
			n := 0
			for _, g := range issue.Groups {
				var titles []string
				for _, i := range g.Items {
					titles = append(titles, i.Title)
					n++
				}
				got = append(got, group{g.List, g.Heading, titles})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			issue.Groups = nil
			want := &Issue{Digest: "weekly", Number: 7, Period: "2026-03-02T09:00:00Z", Title: "Weekly", Date: at(9)}
			if diff := cmp.Diff(want, issue); diff != "" {
				t.Errorf("issue (-want +got):\n%s", diff)
			}
			if n != (&Issue{Groups: Compose(d, 7, "", at(9), items).Groups}).Len() {
				t.Errorf("Len does not count the %d items", n)
			}
		})
	}
}

// An issue made on Monday morning in Auckland is Monday's, though it is Sunday in Greenwich.
func TestComposeDatesByTheDigestsDay(t *testing.T) {
	auckland := time.FixedZone("NZDT", 13*60*60)
	date := time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)
	issue := Compose(Digest{ID: "weekly", Location: auckland}, 1, "", date, nil)
	if got := issue.Date.Format("Monday 2 January"); got != "Monday 2 March" || !issue.Date.Equal(date) {
		t.Errorf("dated %v, want Monday 2 March", issue.Date)
	}
}
