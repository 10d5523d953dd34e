package store_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"linkletter/feed/digest"
	"linkletter/store"
)

// headings are the sections that lists of the model have entries under, as standsIn has them.
var headings = []string{"Tools", "Tools/Saws", "Tools/Saws/Fret", "Wood", "Wood/Oak", "Steel"}

// person is a subscriber of the model.
type person struct {
	id      int64
	address string
	left    bool // unsubscribed or suppressed
	paused  time.Time
	choices []string // "a", "a/Tools/Saws"; none: everything
}

// thing is an entry of the model.
type thing struct {
	list, title string
	in          []string // headings that it stands under
	hidden      bool
}

// wanted says that one of these choices holds the entry.
func (e thing) wanted(choices []string) bool {
	return len(choices) == 0 || slices.ContainsFunc(choices, func(choice string) bool {
		list, path, part := strings.Cut(choice, "/")
		return list == e.list && (!part || slices.ContainsFunc(e.in, func(in string) bool { return in == path || strings.HasPrefix(in, path+"/") }))
	})
}

// audience is a world of lists and subscribers, in the store and as a few lines of Go know it.
type audience struct {
	*testing.T
	s      *store.Store
	c      *clock
	people []*person
	things []*thing
	news   []*thing // in no issue yet
}

func newAudience(t *testing.T) *audience {
	w := &audience{T: t}
	w.s, w.c = newStore(t)
	for _, list := range both.Lists {
		for n, h := range headings {
			w.things = append(w.things, &thing{list: list, title: fmt.Sprintf("Old%s%d", list, n), in: []string{h}})
		}
	}
	w.check()
	do(t, w.s.BeginDigest(context.Background(), both.ID, both.Lists))
	for n := range 6 {
		address := fmt.Sprintf("s%d@example.org", n)
		w.people = append(w.people, &person{id: reader(t, w.s, address), address: address})
	}
	return w
}

// check reads the lists as they are now.
func (w *audience) check() {
	w.c.t = w.c.t.Add(time.Hour)
	for _, list := range both.Lists {
		var sections []string
		for _, h := range headings {
			line := h + ":"
			for _, e := range w.things {
				if e.list == list && slices.Contains(e.in, h) {
					line += " " + e.title
				}
			}
			sections = append(sections, line)
		}
		checkListOf(w.T, w.s, list, standsIn(sections...), lenient, func(*store.Reading) {})
	}
	w.c.t = w.c.t.Add(time.Hour)
}

// add draws new entries.
func (w *audience) add(t *rapid.T) {
	for range rapid.IntRange(1, 4).Draw(t, "new entries") {
		e := &thing{
			list:  rapid.SampledFrom(both.Lists).Draw(t, "list"),
			title: fmt.Sprintf("New%d", len(w.things)),
			in:    rapid.SliceOfNDistinct(rapid.SampledFrom(headings), 1, 3, rapid.ID).Draw(t, "sections"),
		}
		w.things, w.news = append(w.things, e), append(w.news, e)
	}
	w.check()
}

// change draws what people and the operator do.
func (w *audience) change(t *rapid.T) {
	ctx := context.Background()
	parts := slices.Clone(both.Lists)
	for _, list := range both.Lists {
		for _, h := range headings {
			parts = append(parts, list+"/"+h)
		}
	}
	for _, p := range w.people {
		switch rapid.SampledFrom([]string{"stay", "stay", "choose", "choose", "all", "pause", "leave"}).Draw(t, p.address) {
		case "choose":
			p.choices = rapid.SliceOfNDistinct(rapid.SampledFrom(parts), 1, 5, rapid.ID).Draw(t, "choices")
		case "all":
			p.choices = nil
		case "pause":
			p.paused = w.c.t.Add(time.Duration(rapid.IntRange(-1, 8).Draw(t, "hours")) * time.Hour)
		case "leave":
			if !p.left && rapid.Bool().Draw(t, "really") {
				p.left = true
				if rapid.Bool().Draw(t, "suppressed") {
					do(w.T, w.s.Suppress(ctx, p.address, rapid.SampledFrom([]store.Reason{store.Bounced, store.Left}).Draw(t, "reason")))
				} else {
					do(w.T, w.s.Unsubscribe(ctx, p.id, both.ID))
				}
			}
		}
		if !p.left {
			wants(w.T, w.s, p.id, p.paused, p.choices...)
		}
	}
	for _, e := range w.news {
		if rapid.IntRange(0, 4).Draw(t, "hidden") == 0 {
			e.hidden = !e.hidden
			_, err := w.s.Hide(ctx, e.list, "https://example.org/"+strings.ToLower(e.title), e.hidden)
			do(w.T, err)
		}
	}
}

// issue freezes one, and compares who gets what.
func (w *audience) issue(t *rapid.T, period string) {
	ctx := context.Background()
	d := both
	d.Approve = rapid.Bool().Draw(t, "approve")
	i := freeze(w.T, w.s, d, period)
	in := slices.DeleteFunc(slices.Clone(w.news), func(e *thing) bool { return e.hidden })
	if (i == nil) != (len(in) == 0) {
		t.Fatalf("issue %+v of %d entries", i, len(in))
	}
	if i == nil {
		return
	}
	if d.Approve {
		w.c.t = w.c.t.Add(time.Hour)
		w.change(t)
		in = slices.DeleteFunc(in, func(e *thing) bool { return e.hidden })
		if len(in) == 0 {
			do(w.T, w.s.Cancel(ctx, i.Ref, "nothing is left"))
			return
		}
		do(w.T, w.s.Approve(ctx, i.Ref, func(*digest.Issue, string) (store.Parts, error) { return store.Parts{}, nil }))
		i = issueOf(w.T, w.s, i.Number)
	}
	w.news = slices.DeleteFunc(w.news, func(e *thing) bool { return slices.Contains(in, e) })

	want := map[string][]string{}
	for _, p := range w.people {
		if p.left || p.paused.After(w.c.t) {
			continue
		}
		for _, e := range in {
			if e.wanted(p.choices) {
				want[p.address] = append(want[p.address], e.title)
			}
		}
	}
	all := map[string][]string{}
	for address, titles := range got(w.T, w.s, i) {
		switch {
		case titles == "all":
			for _, e := range in {
				all[address] = append(all[address], e.title)
			}
		case len(strings.Fields(titles)) == len(in):
			t.Errorf("%s gets a selection of all entries: %s", address, titles)
			fallthrough
		default:
			all[address] = strings.Fields(titles)
		}
	}
	for _, of := range slices.Collect(maps.Values(all)) {
		slices.Sort(of)
	}
	for _, of := range slices.Collect(maps.Values(want)) {
		slices.Sort(of)
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Fatalf("issue %d, entries by subscriber (-want +got):\n%s", i.Number, diff)
	}
}

// Whatever people choose, and when: each gets of an issue exactly what is in it and in their choice.
func TestEverybodyGetsWhatTheyChose(t *testing.T) {
	store.Careless(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := newAudience(t)
		for n := range rapid.IntRange(1, 4).Draw(rt, "issues") {
			w.add(rt)
			w.change(rt)
			w.issue(rt, fmt.Sprintf("p%d", n))
			w.c.t = w.c.t.Add(time.Hour)
		}
		do(t, w.s.Close())
	})
}
