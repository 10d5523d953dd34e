package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// toolsPage is where people read the list that the readers follow; relative links in it start there.
const toolsPage = "https://lists.example.org/tools/README.md"

// resource is an entry of that list.
type resource struct {
	title, url, summary string
	manual              string // a relative link in its summary
	shelf               *shelf
}

// address is where a reader has to end up who follows the entry's link, manual likewise.
func (r *resource) address() string { return absolute(r.url) }

func absolute(url string) string {
	if strings.Contains(url, "://") {
		return url
	}
	return strings.TrimSuffix(toolsPage, "README.md") + url
}

// shelf is a section of the list.
type shelf struct {
	name      string
	resources []*resource
	table     bool // it is written as one
}

// library is the list, and how its maintainer writes it.
type library struct {
	rand              *rand.Rand
	shelves           []*shelf
	made              int
	bullet, separator string
	newline           string
	loose, references bool        // blank lines between entries; addresses at the end
	framed            bool        // with contents, licence and the like around it
	newest            []*resource // what feeds show, and before it what they showed; some may be gone
	away              *resource
}

// newLibrary is a list of so many entries.
func newLibrary(rand *rand.Rand, entries int) *library {
	l := &library{rand: rand, bullet: "-", separator: " - ", newline: "\n"}
	for _, name := range []string{"Iron", "Wood", "Glass", "Thread"} {
		l.shelves = append(l.shelves, &shelf{name: name})
	}
	for i := range entries {
		s := l.shelves[i*len(l.shelves)/entries]
		s.resources = append(s.resources, l.make(s))
	}
	l.newest = slices.Clone(l.shelves[0].resources[:min(20, len(l.shelves[0].resources))])
	slices.Reverse(l.newest) // entries of one check are dated in the order of the list, the first one last
	return l
}

var trades = []string{"Anvil", "Bellows", "Chisel", "Drill", "Easel", "File", "Gouge", "Hammer", "Jig", "Kiln", "Lathe", "Mallet", "Plane", "Rasp", "Saw", "Tongs"}

// make writes the next resource; each fourth is a page beside the list, others are on http: or have a host of their own.
func (l *library) make(s *shelf) *resource {
	l.made++
	n, trade := l.made, trades[l.made%len(trades)]
	r := &resource{title: fmt.Sprintf("%s of workshop %d", trade, n), shelf: s}
	name := fmt.Sprintf("%s-%d", strings.ToLower(trade), n)
	r.url = []string{"https://" + name + ".example/", "http://tools.example.org/" + name, "https://tools.example.net/" + name + "/", "guides/" + name + ".html"}[n%4]
	r.manual = "manuals/" + name + ".html"
	r.summary = fmt.Sprintf("What number %d is for, with [its manual](%s).", n, r.manual)
	return r
}

// add puts a new resource on some shelf.
func (l *library) add() *resource {
	s := l.shelves[l.rand.IntN(len(l.shelves))]
	r := l.make(s)
	s.resources = slices.Insert(s.resources, l.rand.IntN(len(s.resources)+1), r)
	l.newest = append(l.newest, r)
	return r
}

// pick takes a resource: as often one that the list's feed shows as one of the first of a section, or any.
func (l *library) pick() *resource {
	s := l.shelves[l.rand.IntN(len(l.shelves))]
	n := len(s.resources)
	switch l.rand.IntN(4) {
	case 0:
		n = min(n, 20)
	case 1, 2:
		newest := l.newest[max(0, len(l.newest)-20):]
		if r := newest[l.rand.IntN(len(newest))]; slices.Contains(r.shelf.resources, r) {
			return r
		}
	}
	return s.resources[l.rand.IntN(n)]
}

// some does something to several resources.
func (l *library) some(f func(*resource)) {
	for range 3 {
		f(l.pick())
	}
}

// remove takes a resource off its shelf.
func (l *library) remove(r *resource) *resource {
	r.shelf.resources = slices.DeleteFunc(r.shelf.resources, func(one *resource) bool { return one == r })
	return r
}

// put puts it on a shelf.
func (l *library) put(r *resource, s *shelf) {
	r.shelf = s
	s.resources = slices.Insert(s.resources, l.rand.IntN(min(len(s.resources), 20)), r)
}

// another is some other shelf.
func (l *library) another(than *shelf) *shelf {
	i := slices.Index(l.shelves, than)
	return l.shelves[(i+1+l.rand.IntN(len(l.shelves)-1))%len(l.shelves)]
}

const awayOrBack = "an entry away, or back"

// edit is what maintainers do to a list that adds nothing to it.
type edit struct {
	name string
	do   func(l *library)
	// moves says that entries stand in another section then: to who follows that section alone they may be new. renames says
	// that a section has another heading, of which a database that is made anew makes another address.
	moves, renames bool
}

// draw takes so many edits in random order: two that take an entry away and bring it back, and others, each once.
func (l *library) draw(n int) []edit {
	all := slices.Clone(edits)
	i := slices.IndexFunc(all, func(e edit) bool { return e.name == awayOrBack })
	returns := all[i]
	all = slices.Delete(all, i, i+1)
	shuffle := func() { l.rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] }) }
	shuffle()
	all = append(all[:n-2], returns, returns)
	shuffle()
	return all
}

// edits are all of them.
var edits = []edit{
	{name: "http becomes https", do: func(l *library) {
		for _, r := range l.shelves[l.rand.IntN(len(l.shelves))].resources {
			r.url = strings.Replace(r.url, "http:", "https:", 1)
		}
	}},
	{name: "other titles", do: func(l *library) { l.some(func(r *resource) { r.title = "The " + r.title + ", revised" }) }},
	{name: "sorted", do: func(l *library) {
		slices.SortFunc(l.pick().shelf.resources, func(a, b *resource) int { return strings.Compare(a.title, b.title) })
	}},
	{name: "sorted the other way", do: func(l *library) { slices.Reverse(l.pick().shelf.resources) }},
	{name: "a section renamed", do: func(l *library) { l.pick().shelf.name += " and more" }, renames: true},
	{name: "white space", do: func(l *library) { l.loose = !l.loose }},
	{name: "other words", do: func(l *library) {
		l.some(func(r *resource) { r.summary = "In other words: " + strings.ToLower(r.summary[:1]) + r.summary[1:] })
	}},
	{name: "an entry less", do: func(l *library) { l.remove(l.pick()) }},
	{name: "another one less", do: func(l *library) { l.remove(l.pick()) }},
	{name: awayOrBack, do: func(l *library) {
		if l.away == nil {
			l.away = l.remove(l.pick())
			return
		}
		l.put(l.away, l.away.shelf)
		l.away = nil
	}},
	{name: "a slash at the end", do: func(l *library) {
		l.some(func(r *resource) {
			if short, ok := strings.CutSuffix(r.url, "/"); ok {
				r.url = short
			} else if !strings.HasSuffix(r.url, ".html") {
				r.url += "/"
			}
		})
	}},
	{name: "campaign parameters", do: func(l *library) {
		l.some(func(r *resource) {
			if !strings.Contains(r.url, "?") {
				r.url += "?utm_source=list&utm_medium=readme"
			}
		})
	}},
	{name: "moved to another section", do: func(l *library) {
		r := l.remove(l.pick())
		l.put(r, l.another(r.shelf))
	}, moves: true},
	{name: "another bullet", do: func(l *library) { l.bullet = map[string]string{"-": "*", "*": "+", "+": "1.", "1.": "-"}[l.bullet] }},
	{name: "another separator", do: func(l *library) {
		l.separator = map[string]string{" - ": " — ", " — ": ": ", ": ": " - "}[l.separator]
	}},
	{name: "www.", do: func(l *library) {
		l.some(func(r *resource) {
			if !strings.Contains(r.url, "://www.") {
				r.url = strings.Replace(r.url, "://", "://www.", 1)
			}
		})
	}},
	{name: "in two sections", do: func(l *library) {
		r := l.pick()
		s := l.another(r.shelf)
		s.resources = append(s.resources, r)
	}, moves: true},
	{name: "another address", do: func(l *library) {
		r := l.pick()
		r.url = fmt.Sprintf("https://moved.example.com/%d", l.rand.IntN(1_000_000))
	}},
	{name: "sections in another order", do: func(l *library) {
		l.rand.Shuffle(len(l.shelves), func(i, j int) { l.shelves[i], l.shelves[j] = l.shelves[j], l.shelves[i] })
	}},
	{name: "other line ends", do: func(l *library) { l.newline = map[string]string{"\n": "\r\n", "\r\n": "\n"}[l.newline] }},
	{name: "contents and a licence", do: func(l *library) { l.framed = !l.framed }},
	{name: "addresses at the end", do: func(l *library) { l.references = !l.references }},
	{name: "a table", do: func(l *library) { s := l.pick().shelf; s.table = !s.table }},
}

// String is the list as its maintainer writes it now.
func (l *library) String() string {
	var b, end strings.Builder
	b.WriteString("# Tools of the trade\n\nWhat we work with, and [why](https://example.org/why) we do.\n\n")
	if l.framed {
		b.WriteString("[![builds](https://ci.example.org/badge.svg)](https://ci.example.org/)\n\n## Contents\n\n")
		for _, s := range l.shelves {
			fmt.Fprintf(&b, "- [%s](#%s)\n", s.name, strings.ReplaceAll(strings.ToLower(s.name), " ", "-"))
		}
		b.WriteString("\n")
		end.WriteString("## License\n\n- [CC0](https://creativecommons.example/zero)\n\n## Contributing\n\nRead [how](CONTRIBUTING.md).\n\n")
	}
	for _, s := range l.shelves {
		fmt.Fprintf(&b, "## %s\n\n", s.name)
		if s.table {
			b.WriteString("| Tool | What it is |\n| --- | --- |\n")
		}
		for _, r := range s.resources {
			link := fmt.Sprintf("[%s](%s)", r.title, r.url)
			if l.references {
				link = fmt.Sprintf("[%s][%s]", r.title, r.manual)
				fmt.Fprintf(&end, "[%s]: %s\n", r.manual, r.url)
			}
			switch {
			case s.table:
				fmt.Fprintf(&b, "| %s | %s |\n", link, r.summary)
			case l.loose:
				fmt.Fprintf(&b, "%s  %s%s%s  \n\n", l.bullet, link, l.separator, r.summary)
			default:
				fmt.Fprintf(&b, "%s %s%s%s\n", l.bullet, link, l.separator, r.summary)
			}
		}
		b.WriteString("\n")
	}
	return strings.ReplaceAll(b.String()+end.String(), "\n", l.newline)
}
