package templates

import "io"

// Preferences is the page where a subscriber decides what they get, and the one that says what they get from then on.
type Preferences struct {
	Site    Site
	Address string // masked
	Action  string // where the forms are sent: a path
	Problem string // what was wrong with what was sent
	Silent  string // why nothing is sent to the address at all; empty: it is
	Limited bool   // on the page that answers: a mail could not be sent now
	Digests []DigestChoice
	Pause   PauseDates
}

// PauseDates are what a field for the end of a pause needs, as dates (2026-03-02).
type PauseDates struct {
	Until    string // chosen; empty: no pause
	Words    string // the same for people; empty where Until is not a date
	From, To string // what can be chosen
}

// DigestChoice is a digest that one can choose.
type DigestChoice struct {
	DigestLink
	Chosen bool
	Waits  bool // for the subscriber, who was sent a mail with a link
	Ended  bool // it is not published any more
	Some   bool // only parts of it are chosen
	Lists  []ListChoice
}

// Choosable says whether there is more to choose than all or nothing.
func (d DigestChoice) Choosable() bool {
	return len(d.Lists) > 1 || len(d.Lists) == 1 && len(d.Lists[0].Sections) > 0
}

// Parts are the names of the parts that are chosen, outermost sections only.
func (d DigestChoice) Parts() (names []string) {
	for _, l := range d.Lists {
		if l.Chosen {
			names = append(names, l.Title)
			continue
		}
		names = append(names, chosen(l.Sections)...)
	}
	return names
}

func chosen(sections []SectionChoice) (names []string) {
	for _, s := range sections {
		if s.Chosen {
			names = append(names, s.Label)
		} else {
			names = append(names, chosen(s.Under)...)
		}
	}
	return names
}

// ListChoice is a list of a digest. What stands in its field is its id.
type ListChoice struct {
	ID, Title string
	Chosen    bool // the whole list
	Sections  []SectionChoice
}

// Within says how many sections of the list are chosen.
func (l ListChoice) Within() int { return len(chosen(l.Sections)) }

// SectionChoice is a section that one can choose.
type SectionChoice struct {
	Value  string // LIST/SLUG
	Name   string // the heading
	Label  string // "Outer › Inner"
	Count  int    // entries standing in it
	Chosen bool
	Fold   bool // what stands under it is folded away, because the list is long
	Under  []SectionChoice
}

// Within says how many sections under this one are chosen.
func (s SectionChoice) Within() int { return len(chosen(s.Under)) }

// Preferences writes the page where a subscriber decides what they get.
func (t *Set) Preferences(w io.Writer, d Preferences) error { return t.page(w, "preferences", d) }

// Saved writes the page that says what a subscriber gets from now on.
func (t *Set) Saved(w io.Writer, d Preferences) error { return t.page(w, "saved", d) }
