package main

import (
	"fmt"
	"io"

	"linkletter/feed/curated"
	"linkletter/feed/digest"
	"linkletter/store"
)

// others are those who do not get the next issue, in words.
func (d digestStatus) others() string {
	said := ""
	for _, c := range []struct {
		n    int
		word string
	}{{d.Pending, "pending"}, {d.Paused, "paused"}, {d.Suppressed, "suppressed"}, {d.Left, "left"}} {
		if c.n > 0 {
			said += fmt.Sprintf(", %d %s", c.n, c.word)
		}
	}
	return said
}

func (a *app) printStatus(w io.Writer, s *status) error {
	p := &printer{w: w}
	p.line("feed       %s", s.Feed)
	if s.Scheduler == "" {
		p.line("scheduler  not running: `linkletter serve` starts it")
	} else {
		p.line("scheduler  %s", s.Scheduler)
	}
	if b := s.Bounces; b != (bounceStatus{}) {
		p.line("bounces    in 30 days %d for good, %d for now, %s; %s suppressed", b.Hard, b.Soft,
			count(b.Complaints, "complaint", "complaints"), count(b.Suppressed, "address is", "addresses are"))
	}
	for _, t := range s.Troubles {
		p.line("%-9s  does not work since %s: %s", t.What, a.when(&t.Since, ""), oneLine(t.Text))
	}
	for _, l := range s.Lists {
		a.printListStatus(p, l)
	}
	for _, d := range s.Digests {
		a.printDigestStatus(p, s, d)
	}
	for id, n := range s.Orphans {
		p.line("\ndigest %s is not in the configuration, and has %s", id, count(n, "subscriber", "subscribers"))
	}
	return p.err
}

func (a *app) printListStatus(p *printer, l listStatus) {
	p.line("\nlist %s (%s)", l.ID, oneLine(l.Source))
	p.line("  checked  %s%s", a.when(l.Checked, "not yet"), map[bool]string{true: ", which is overdue"}[l.Stale])
	p.line("  changed  %s", a.when(l.Changed, "not yet"))
	p.line("  entries  %d", l.Entries)
	p.line("  next     %s", a.when(&l.Next, ""))
	if l.Moved != "" {
		p.line("  moved    for good, to %s: name that as its source", oneLine(l.Moved))
	}
	if l.Error != "" {
		p.line("  error    since %s, %s: %s", a.when(l.Since, "now"), count(l.Failures, "failed check", "failed checks in a row"), oneLine(l.Error))
		p.line("           the last good check: %s; `linkletter check %s` tries at once", a.when(l.Good, "none yet"), l.ID)
	}
	for _, h := range l.Held {
		p.line("  held     since %s: %s", a.when(&h.Since, ""), oneLine(h.Reason))
		p.line("           %s", wayOut(l.ID, curated.HoldKind(h.Kind)))
	}
}

func (a *app) printDigestStatus(p *printer, s *status, d digestStatus) {
	p.line("\ndigest %s", d.ID)
	p.line("  next     %s, %d entries waiting", a.when(&d.Next, ""), d.Waiting)
	p.line("  to       %s%s", count(d.Subscribers, "subscriber", "subscribers"), d.others())
	if d.Last != nil {
		p.line("  last     #%d, %s, %s: %d sent of %d%s", d.Last.Number, a.when(&d.Last.Frozen, ""), d.Last.State, d.Last.Deliveries[digest.Sent], d.Last.To,
			map[bool]string{true: "; their rows are removed, the counts stay"}[d.Last.Pruned > 0])
		p.failed(d.ID, *d.Last)
	}
	for _, i := range d.Open {
		if d.Last != nil && i.Number != d.Last.Number {
			p.failed(d.ID, i)
		}
		p.openIssue(d.ID, i)
		if i.left() && s.Scheduler == "" {
			p.line("  sending  #%d: nobody sends it: start `linkletter serve`, or run `linkletter digest send %s`", i.Number, d.ID)
		}
		if s.Quiet != nil && i.State == string(store.IssueSending) {
			p.line("  quiet    #%d goes on at %s, when the quiet hours are over", i.Number, a.when(s.Quiet, ""))
		}
	}
}

// failed says how many deliveries of an issue failed.
func (p *printer) failed(digestID string, i issueRow) {
	if n := i.Deliveries[digest.Failed]; n > 0 {
		p.line("  failed   #%d: %d failed: `linkletter digest show %d --digest %s --state failed` says why", i.Number, n, i.Number, digestID)
	}
}

// openIssue says what there is to know, and to do, about an issue that is not done.
func (p *printer) openIssue(digestID string, i issueRow) {
	if i.State == string(store.IssueDraft) && i.Entries == 0 {
		p.line("  draft    #%d: all its entries are hidden or left their lists; `linkletter digest cancel %d --digest %s` ends it", i.Number, i.Number, digestID)
	} else if i.State == string(store.IssueDraft) {
		p.line("  draft    #%d: %s; `linkletter digest approve %d --digest %s` sends it", i.Number, count(i.Entries, "entry", "entries"), i.Number, digestID)
	}
	if i.State == string(store.IssuePaused) {
		p.line("  paused   #%d: %s", i.Number, oneLine(i.Reason))
		p.line("           `linkletter digest resume %d --digest %s` goes on", i.Number, digestID)
	}
	if n := i.Deliveries[digest.InDoubt]; n > 0 {
		p.line("  in doubt #%d: %d, which `linkletter digest show %d --digest %s --state in_doubt` names; digest resolve ends it", i.Number, n, i.Number, digestID)
	}
}
