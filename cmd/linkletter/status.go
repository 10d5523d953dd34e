package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"linkletter/feed/curated"
	"linkletter/feed/digest"
	"linkletter/store"
)

// status is all that is to be seen at a glance.
type status struct {
	Scheduler string         `json:"scheduler"` // who checks and sends now; empty: nobody
	Feed      string         `json:"feed"`
	Troubles  []trouble      `json:"troubles"`
	Lists     []listStatus   `json:"lists"`
	Digests   []digestStatus `json:"digests"`
	Bounces   bounceStatus   `json:"bounces"`
	Quiet     *time.Time     `json:"quiet_until"` // when issues go out again; null: they do
	Orphans   map[string]int `json:"orphans"`     // subscribers by digest, of digests that are not configured
}

// trouble is something that is wrong beside the lists.
type trouble struct {
	What  string    `json:"what"` // mail, drafts, confirmations, mailbox, publish or hub
	Text  string    `json:"text"`
	Since time.Time `json:"since"`
}

// bounceStatus is what came back in the last 30 days, and how many addresses are never written to.
type bounceStatus struct {
	Hard       int `json:"hard"`
	Soft       int `json:"soft"`
	Complaints int `json:"complaints"`
	Suppressed int `json:"suppressed"`
}

// bounceWindow is how far back status looks.
const bounceWindow = 30 * 24 * time.Hour

type listStatus struct {
	ID       string       `json:"id"`
	Source   string       `json:"source"`
	Checked  *time.Time   `json:"checked"` // the newest check, whatever it found; null: not yet
	Good     *time.Time   `json:"good"`    // the newest that succeeded
	Changed  *time.Time   `json:"changed"`
	Next     time.Time    `json:"next"`  // when the schedule tries it again
	Stale    bool         `json:"stale"` // it should have been tried by now, and twice again
	Moved    string       `json:"moved"` // where the source says that it is for good; empty: where it is configured
	Entries  int          `json:"entries"`
	Held     []holdStatus `json:"held"`
	Error    string       `json:"error"`
	Since    *time.Time   `json:"error_since"`
	Failures int          `json:"failures"` // in a row
}

type holdStatus struct {
	Kind   string    `json:"kind"`
	Reason string    `json:"reason"`
	Count  int       `json:"count"`
	Since  time.Time `json:"since"`
}

type digestStatus struct {
	ID          string     `json:"id"`
	Next        time.Time  `json:"next"`
	Waiting     int        `json:"waiting"`     // entries for the next issue
	Subscribers int        `json:"subscribers"` // who get the next issue
	Pending     int        `json:"pending"`     // signed up, and did not confirm
	Paused      int        `json:"paused"`      // confirmed, until a date
	Suppressed  int        `json:"suppressed"`  // confirmed, and never written to
	Left        int        `json:"left"`
	Last        *issueRow  `json:"last_issue"`
	Open        []issueRow `json:"open_issues"` // drafts, being sent, paused, or with deliveries in doubt
}

func (p *program) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show at a glance whether all is well",
		Long: `Show per list the last check and the next, its entries, what is held, since when it fails and
why; per digest the next run, the last issue and what is in doubt. Exit status 3 says that
something waits for you to decide, 1 that something does not work.`,
		Example: "  linkletter status\n  linkletter status --json | jq '.lists[].error'",
		Args:    args(cobra.NoArgs),
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, _ []string) error {
			s, err := a.status(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(p.out, s)
			} else {
				err = a.printStatus(p.out, s)
			}
			switch {
			case err != nil:
				return err
			case s.broken():
				return errors.New("not all is well")
			case s.held():
				return errHeld
			}
			return nil
		})),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

// left says that deliveries of an issue that is being sent wait for somebody who sends them.
func (i issueRow) left() bool {
	n := 0
	for _, state := range []digest.State{digest.Pending, digest.Claimed, digest.Committing, digest.Deferred, digest.InDoubt} {
		n += i.Deliveries[state]
	}
	return i.State == string(store.IssueSending) && n > 0
}

func (s *status) held() bool {
	for _, l := range s.Lists {
		if len(l.Held) > 0 {
			return true
		}
	}
	for _, d := range s.Digests {
		for _, i := range d.Open {
			if i.left() && s.Scheduler == "" {
				return true
			}
			// What is in doubt of an issue that is being sent is sent again by itself.
			ended := i.State == string(store.IssueDone) || i.State == string(store.IssueCancelled)
			if i.State == string(store.IssuePaused) || i.State == string(store.IssueDraft) || ended && i.Number == d.Last.Number {
				return true
			}
		}
	}
	return false
}

// broken says that something does not work.
func (s *status) broken() bool {
	for _, l := range s.Lists {
		if l.Error != "" {
			return true
		}
	}
	return len(s.Troubles) > 0
}

func (a *app) status(ctx context.Context) (*status, error) {
	s := &status{Lists: []listStatus{}, Digests: []digestStatus{}, Troubles: []trouble{}}
	s.Feed, _ = a.feedAddresses()
	holder, err := a.store.Holder(ctx, schedulerLease)
	if err != nil {
		return nil, err
	}
	if holder != nil && !isDead(holder.Holder, us("status")) {
		s.Scheduler = holder.Holder.String()
	}
	if now := a.now(); a.cfg.quiet.Until(now) != now {
		s.Quiet = known(a.cfg.quiet.Until(now))
	}
	troubles, err := a.store.Troubles(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range troubles {
		s.Troubles = append(s.Troubles, trouble{t.What, t.Text, t.Since})
	}
	if s.Orphans, err = a.orphans(ctx); err != nil {
		return nil, err
	}
	lists, err := a.store.Lists(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range a.cfg.Lists {
		s.Lists = append(s.Lists, a.listStatus(l, lists[knownAs(l, lists)]))
	}
	bounces, err := a.store.BounceCounts(ctx, a.now().Add(-bounceWindow))
	if err != nil {
		return nil, err
	}
	s.Bounces = bounceStatus(bounces)
	counts, err := a.store.Standings(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range a.cfg.Digests {
		row, err := a.digestStatus(ctx, d)
		if err != nil {
			return nil, err
		}
		c := counts[d.ID]
		row.Subscribers, row.Pending, row.Paused, row.Suppressed, row.Left = c.Confirmed, c.Pending, c.Paused, c.Suppressed, c.Left
		s.Digests = append(s.Digests, row)
	}
	return s, nil
}

// orphans counts the subscribers of digests that are not configured: nothing is sent to them.
func (a *app) orphans(ctx context.Context) (map[string]int, error) {
	counts, err := a.store.SubscriptionCounts(ctx)
	if err != nil {
		return nil, err
	}
	orphans := map[string]int{}
	for id, n := range counts {
		if !slices.ContainsFunc(a.cfg.Digests, func(d DigestConfig) bool { return d.ID == id }) && n.Confirmed > 0 {
			orphans[id] = n.Confirmed
		}
	}
	return orphans, nil
}

// listStatus is a list as it is known; nil: it was never checked.
func (a *app) listStatus(l ListConfig, list *store.List) listStatus {
	row := listStatus{ID: l.ID, Source: l.Source.String(), Held: []holdStatus{}}
	w, now := a.watched[l.ID], a.now()
	if row.Next = w.next(list); !row.Next.After(now) {
		row.Next = w.at.Next(now) // what was missed is made when serve starts
	}
	if list == nil {
		return row
	}
	row.Checked, row.Good, row.Changed = known(list.Checked), known(list.LastGood()), known(list.Changed)
	row.Entries, row.Error, row.Since, row.Failures = list.Counts.Entries, list.Error, known(list.ErrorSince), list.Failures
	row.Stale, row.Moved = w.overdue(list, now), list.Moved
	for _, h := range list.Holds {
		row.Held = append(row.Held, holdStatus{Kind: string(h.Kind), Reason: h.Reason, Count: h.Count, Since: h.Since})
	}
	return row
}

func (a *app) digestStatus(ctx context.Context, d DigestConfig) (digestStatus, error) {
	row := digestStatus{ID: d.ID, Open: []issueRow{}}
	at, err := parseSchedule(d.Schedule, a.cfg.location)
	if err != nil {
		return row, err
	}
	row.Next = at.Next(a.now())
	waiting, err := a.store.Candidates(ctx, a.cfg.periodical(d))
	if err != nil {
		return row, err
	}
	row.Waiting = len(waiting)
	issues, err := a.store.Issues(ctx, d.ID, 1)
	if err != nil || len(issues) == 0 {
		return row, err
	}
	last := rowOf(issues[0])
	row.Last = &last
	open, err := a.store.OpenIssues(ctx, d.ID)
	for _, i := range open {
		row.Open = append(row.Open, rowOf(i))
	}
	return row, err
}

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
	for _, d := range s.Digests {
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
	for id, n := range s.Orphans {
		p.line("\ndigest %s is not in the configuration, and has %s", id, count(n, "subscriber", "subscribers"))
	}
	return p.err
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

// when is a time for people, in the configured zone.
func (a *app) when(t *time.Time, never string) string {
	if t == nil {
		return never
	}
	return t.In(a.cfg.location).Format("2006-01-02 15:04 MST")
}
