package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

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

// when is a time for people, in the configured zone.
func (a *app) when(t *time.Time, never string) string {
	if t == nil {
		return never
	}
	return t.In(a.cfg.location).Format("2006-01-02 15:04 MST")
}
