package templates

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"linkletter/feed/curated"
	"linkletter/feed/digest"
)

// Some mail programs cut a message's HTML off at 102 KB, and the way to leave with it. A reader's own tokens may be longer than
// what stands for them here.
const maxHTML = 99_800

// sizeHTML is how long a message's HTML is on its way, where lines end in two characters.
func sizeHTML(s string) int { return len(s) + strings.Count(s, "\n") }

// How much of a text a mail shows, in characters; the page has it all.
const (
	maxTitle   = 200
	maxSummary = 1000
	maxSubject = 78
)

var errNoteTooLong = errors.New("the editor's note is too long: with it alone the message is over 100 KB, where mail programs cut it off; shorten it")

// issue is an issue as templates see it.
type issue struct {
	Site        Site
	Issue       *digest.Issue
	Unsubscribe string
	Preferences string
	Since       time.Time
	Page, UpTo  string
	Note        note // the editor's
	Groups      []group
	Shown       []group // of Groups, what the HTML of a mail shows
	More        int     // how many items that leaves to the web page
	// SelectedFrom is how many entries the issue has of which the reader gets those that they chose; 0: the reader gets all.
	SelectedFrom int
}

// group is a run of items under one heading.
type group struct {
	List    string // the list's title, on its first group where the issue is about several
	Heading string
	Items   []digest.Item
}

func newIssue(d IssueMail) issue {
	if d.Issue == nil {
		d.Issue = &digest.Issue{}
	}
	v := issue{Site: d.Site, Issue: d.Issue, Unsubscribe: d.Unsubscribe, Preferences: d.Preferences, Since: d.Since, Page: d.Page, UpTo: d.UpTo,
		Note: newNote(d.Note), SelectedFrom: d.SelectedFrom}
	several := false
	for _, g := range d.Issue.Groups {
		several = several || g.List != d.Issue.Groups[0].List
	}
	last := ""
	for i, g := range d.Issue.Groups {
		out := group{Heading: g.Heading, Items: g.Items}
		if several && len(g.Items) > 0 && (i == 0 || g.List != last) && g.Items[0].ListTitle != g.Heading {
			out.List = g.Items[0].ListTitle
		}
		last = g.List
		v.Groups = append(v.Groups, out)
	}
	v.Shown = v.Groups
	return v
}

// first limits what the HTML shows to n items.
func (v issue) first(n int) issue {
	v.Shown, v.More = nil, v.Issue.Len()
	for _, g := range v.Groups {
		g.Items = g.Items[:min(n, len(g.Items))]
		if len(g.Items) == 0 {
			continue
		}
		n -= len(g.Items)
		v.More -= len(g.Items)
		v.Shown = append(v.Shown, g)
	}
	return v
}

// clipped is the issue with long texts shortened: one entry that holds a book must not fill the mail.
func (v issue) clipped() issue {
	groups := make([]group, len(v.Groups))
	for i, g := range v.Groups {
		items := make([]digest.Item, len(g.Items))
		for j, item := range g.Items {
			item.Entry = clipEntry(item.Entry)
			item.AddedBy = clip(item.AddedBy, maxTitle)
			items[j] = item
		}
		g.Items = items
		g.Heading, g.List = clip(g.Heading, maxTitle), clip(g.List, maxTitle)
		groups[i] = g
	}
	v.Groups, v.Shown = groups, groups
	short := *v.Issue
	short.Title = clip(short.Title, maxTitle)
	v.Issue = &short
	return v
}

func clipEntry(e curated.Entry) curated.Entry {
	same := e.Summary == e.Quote
	e.Title = clip(e.Title, maxTitle)
	e.Byline, e.Publication, e.Duration, e.Date = clip(e.Byline, maxTitle), clip(e.Publication, maxTitle), clip(e.Duration, maxTitle), clip(e.Date, maxTitle)
	if s := clip(e.Summary, maxSummary); s != fold(e.Summary) {
		e.Summary, e.SummaryHTML = s, ""
	}
	if s := clip(e.Quote, maxSummary); s != fold(e.Quote) {
		e.Quote, e.QuoteHTML = s, ""
	}
	if same {
		e.Summary = e.Quote
	}
	return e
}

// Preheader is what an inbox shows beside the subject: the first titles, as many as it has room for.
func (v issue) Preheader() string {
	s := ""
	for _, g := range v.Groups {
		for _, item := range g.Items {
			if s != "" {
				s += " · "
			}
			s += clip(item.Title, 60)
			if cells(s) > 140 {
				return s
			}
		}
	}
	return s
}

// Occasion says which issue it is: its number and date, or, without a number, the time it is about.
func (v issue) Occasion() string {
	if v.Issue.Number > 0 {
		return fmt.Sprintf("Issue %d · %s", v.Issue.Number, day(v.Issue.Date))
	}
	return period(v.Since, v.Issue.Date)
}

// period is the time from one day to another, as short as can be: "9–16 November 2026".
func period(from, to time.Time) string {
	first := day(from)
	switch {
	case from.IsZero(), first == day(to):
		return day(to)
	case from.Year() != to.Year():
		return first + " – " + day(to)
	case from.Month() != to.Month():
		return from.Format("2 January") + " – " + day(to)
	}
	return from.Format("2") + "–" + day(to)
}

// IssueMail renders an issue as a message. The text part holds every item; the HTML as many as fit into 100 KB,
// and leads to the issue's page for the others; an issue without a number has no page, and shows all.
func (t *Set) IssueMail(d IssueMail) (Mail, error) {
	v := newIssue(d).clipped()
	n := v.Issue.Len()
	m, err := t.mail("issue", v.first(n))
	for err == nil && sizeHTML(m.HTML) > maxHTML && n > 0 && v.Issue.Number > 0 {
		n /= 2
		m, err = t.mail("issue", v.first(n))
	}
	if err != nil {
		return Mail{}, err
	}
	if sizeHTML(m.HTML) > maxHTML && len(v.Note) > 0 && v.Issue.Number > 0 {
		return Mail{}, errNoteTooLong
	}
	m.Subject = subject(v.Issue)
	return m, nil
}

// subject names the issue and what is in it, in at most 78 characters: "Weekly #12: First title and 4 more".
func subject(i *digest.Issue) string {
	head := clip(cmp.Or(i.Title, i.Digest, "Digest"), 40)
	if i.Number > 0 {
		head += " #" + strconv.Itoa(i.Number)
	}
	var titles []string
	for _, g := range i.Groups {
		for _, item := range g.Items {
			titles = append(titles, item.Title)
		}
	}
	if len(titles) == 0 {
		return head
	}
	tail := ""
	if n := len(titles); n > 1 {
		tail = fmt.Sprintf(" and %d more", n-1)
	}
	return head + ": " + clip(titles[0], maxSubject-cells(head)-cells(tail)-2) + tail
}

// ConfirmationMail renders the message that asks whether a subscription was meant.
func (t *Set) ConfirmationMail(d ConfirmationMail) (Mail, error) {
	m, err := t.mail("confirmation", d)
	if err != nil {
		return Mail{}, err
	}
	m.Subject = fmt.Sprintf("Please confirm: %s", clip(d.Digest.Title, 60))
	return m, nil
}

// Subject names what is asked.
func (d ActMail) Subject() string {
	switch d.Kind {
	case "leave_address", "take_address":
		return "Please confirm: your new address"
	case "data":
		return "Please confirm: a copy of your data"
	case "forget":
		return "Please confirm: forget me"
	}
	return "Please confirm"
}

// ActMail renders the message that asks whether an act was meant.
func (t *Set) ActMail(d ActMail) (Mail, error) {
	m, err := t.mail("act", d)
	if err != nil {
		return Mail{}, err
	}
	m.Subject = d.Subject()
	return m, nil
}

// Mask is an address that whoever knows it recognises, and others cannot write to: the first letter before the @, and what
// follows it.
func Mask(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return "•••"
	}
	_, first := utf8.DecodeRuneInString(address[:at])
	return address[:first] + "•••" + address[at:]
}
