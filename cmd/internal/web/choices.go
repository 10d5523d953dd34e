package web

import (
	"io"
	"net/http"
	"slices"
	"strings"

	"linkletter/feed"
	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// longList is how many sections a list may have that are all seen at once.
const longList = 40

// desk is the preferences page as it is to be filled in: with what is stored, or with what was sent.
type desk struct {
	token   string
	is      *store.Preferences
	wishes  map[string]store.Wish
	some    []string // digests of which parts are wanted, when the form says so and names none
	until   string   // of the pause, as the field has it
	problem string
}

// known are the digests that somebody can decide about: all that are published, and what they are still subscribed to.
func (h *handler) known(p *store.Preferences) []templates.DigestLink {
	all := slices.Clone(h.Site.Digests)
	for _, n := range p.Subscriptions {
		if h.digest(n.Digest) == nil && n.State == store.SubscriptionConfirmed {
			all = append(all, templates.DigestLink{ID: n.Digest, Title: n.Digest})
		}
	}
	return all
}

// wishesOf is what is stored as if it were wished.
func wishesOf(p *store.Preferences, known []templates.DigestLink) map[string]store.Wish {
	wishes := map[string]store.Wish{}
	for _, d := range known {
		n := p.Subscription(d.ID)
		wishes[d.ID] = store.Wish{
			Subscribed: n.State == store.SubscriptionConfirmed || n.State == store.SubscriptionPending,
			Choices:    p.Choices[d.ID],
		}
	}
	return wishes
}

func (h *handler) preferencesPage(w http.ResponseWriter, r *http.Request, status int, d desk) {
	page, err := h.preferences(r, d)
	if err != nil {
		h.trouble(w, r, err)
		return
	}
	h.page(w, status, func(b io.Writer) error { return h.Templates.Preferences(b, page) })
}

// preferences is the page's data.
func (h *handler) preferences(r *http.Request, d desk) (templates.Preferences, error) {
	page := templates.Preferences{
		Site: h.Site, Address: templates.Mask(d.is.Address), Action: h.prefix + "/-/preferences/" + d.token, Problem: d.problem,
		Silent: silent[d.is.Suppressed], Pause: h.pauseDates(d.until),
	}
	now := h.Now()
	for _, link := range h.known(d.is) {
		n, wish := d.is.Subscription(link.ID), d.wishes[link.ID]
		c := templates.DigestChoice{
			DigestLink: link, Chosen: wish.Subscribed, Some: len(wish.Choices) > 0 || slices.Contains(d.some, link.ID), Ended: h.digest(link.ID) == nil,
		}
		if n.State == store.SubscriptionPending {
			c.Waits = wish.Subscribed && n.Waits(now)
			c.Chosen = c.Chosen && (c.Waits || d.problem != "")
		}
		for _, list := range h.listsOf(link.ID) {
			l, err := h.listChoice(r, link.ID, list, d.is.ID, wish.Choices)
			if err != nil {
				return page, err
			}
			c.Lists = append(c.Lists, l)
		}
		page.Digests = append(page.Digests, c)
	}
	return page, nil
}

// silent says why nothing is sent to an address, by the reason.
var silent = map[store.Reason]string{
	store.Bounced:    "Nothing is sent to you: our mail to this address came back, as if there were nobody. Write to us to be taken up again.",
	store.Complained: "Nothing is sent to you: our mail to this address was marked as unwanted. Write to us to be taken up again.",
	store.Dismissed:  "Nothing is sent to you: we were asked not to write to this address. Write to us to be taken up again.",
}

// periodical is what a digest is made of, or nil when that is not known.
func (h *handler) periodical(id string) *digest.Digest {
	i := slices.IndexFunc(h.Digests, func(d digest.Digest) bool { return d.ID == id })
	if i < 0 {
		return nil
	}
	return &h.Digests[i]
}

// listsOf are the lists of a digest.
func (h *handler) listsOf(id string) []string {
	if d := h.periodical(id); d != nil {
		return d.Lists
	}
	return nil
}

// listChoice is a list of a digest as somebody can choose it, or parts of it.
func (h *handler) listChoice(r *http.Request, id, list string, subscriber int64, choices []store.Choice) (templates.ListChoice, error) {
	title, sections, err := h.Store.ListSections(r.Context(), list, subscriber)
	if err != nil {
		return templates.ListChoice{}, err
	}
	if own := h.periodical(id).ListTitles[list]; own != "" {
		title = own
	}
	l := templates.ListChoice{ID: list, Title: title, Chosen: slices.Contains(choices, store.Choice{List: list})}
	l.Sections = nested(sections, func(s store.Section) templates.SectionChoice {
		return templates.SectionChoice{
			Value: list + "/" + s.Slug, Name: s.Path[len(s.Path)-1], Label: feed.Label(s.Path), Count: s.Entries,
			Chosen: slices.Contains(choices, store.Choice{List: list, Section: s.Slug}), Fold: len(sections) > longList,
		}
	})
	return l, nil
}

// nested stands sections under those that they are part of, each level in the list's order: an entry may stand in two sections,
// and then what is under one does not follow it.
func nested(all []store.Section, show func(store.Section) templates.SectionChoice) []templates.SectionChoice {
	const top = ""
	key := func(path []string) string { return strings.Join(path, "\x00") } // headings hold no control characters
	known := map[string]bool{}
	for _, s := range all {
		known[key(s.Path)] = true
	}
	under := map[string][]store.Section{}
	for _, s := range all {
		n := len(s.Path) - 1
		for n > 0 && !known[key(s.Path[:n])] {
			n--
		}
		under[key(s.Path[:n])] = append(under[key(s.Path[:n])], s)
	}
	var in func(parent string) []templates.SectionChoice
	in = func(parent string) (choices []templates.SectionChoice) {
		for _, s := range under[parent] {
			c := show(s)
			c.Under = in(key(s.Path))
			choices = append(choices, c)
		}
		return choices
	}
	return in(top)
}
