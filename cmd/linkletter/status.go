package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"linkletter/feed/digest"
	"linkletter/store"
)

// status is all that is to be seen at a glance.
type status struct {
	Scheduler string         `json:"scheduler"` // who checks and sends now; empty: nobody
	Feed      string         `json:"feed"`
	Lists     []listStatus   `json:"lists"`
	Digests   []digestStatus `json:"digests"`
}

type listStatus struct {
	ID      string       `json:"id"`
	Source  string       `json:"source"`
	Checked *time.Time   `json:"checked"` // null: not yet
	Changed *time.Time   `json:"changed"`
	Next    time.Time    `json:"next"`
	Stale   bool         `json:"stale"` // more than three checks were missed
	Entries int          `json:"entries"`
	Held    []holdStatus `json:"held"`
	Error   string       `json:"error"`
	Since   *time.Time   `json:"error_since"`
}

type holdStatus struct {
	Kind   string    `json:"kind"`
	Reason string    `json:"reason"`
	Count  int       `json:"count"`
	Since  time.Time `json:"since"`
}

type digestStatus struct {
	ID          string    `json:"id"`
	Next        time.Time `json:"next"`
	Waiting     int       `json:"waiting"`     // entries for the next issue
	Subscribers int       `json:"subscribers"` // confirmed
	Last        *issueRow `json:"last_issue"`
	InDoubt     int       `json:"in_doubt"` // deliveries of the last issue
}

func (p *program) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show at a glance whether all is well",
		Long: `Show per list the last check, its entries, what is held and the last error; per digest the
next run, the last issue and what is in doubt. Exit status 3 says that something is held or
in doubt.`,
		Example: "  linkletter status\n  linkletter status --json | jq '.lists[].error'",
		Args:    args(cobra.NoArgs),
		RunE: p.withApp(func(ctx context.Context, a *app, _ []string) error {
			s, err := a.status(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(p.out, s)
			} else {
				err = a.printStatus(p.out, s)
			}
			if err == nil && s.held() {
				return errHeld
			}
			return err
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func (s *status) held() bool {
	for _, l := range s.Lists {
		if len(l.Held) > 0 {
			return true
		}
	}
	for _, d := range s.Digests {
		if d.InDoubt > 0 {
			return true
		}
	}
	return false
}

func (a *app) status(ctx context.Context) (*status, error) {
	s := &status{Lists: []listStatus{}, Digests: []digestStatus{}}
	s.Feed, _ = a.feedAddresses()
	var err error
	if s.Scheduler, err = a.store.Holder(ctx, schedulerLease); err != nil {
		return nil, err
	}
	for _, l := range a.cfg.Lists {
		row, err := a.listStatus(ctx, l)
		if err != nil {
			return nil, err
		}
		s.Lists = append(s.Lists, row)
	}
	counts, err := a.store.SubscriptionCounts(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range a.cfg.Digests {
		row, err := a.digestStatus(ctx, d)
		if err != nil {
			return nil, err
		}
		row.Subscribers = counts[d.ID].Confirmed
		s.Digests = append(s.Digests, row)
	}
	return s, nil
}

func (a *app) listStatus(ctx context.Context, l ListConfig) (listStatus, error) {
	row := listStatus{ID: l.ID, Source: l.Source, Held: []holdStatus{}}
	at, err := parseSchedule(l.Check, a.cfg.location)
	if err != nil {
		return row, err
	}
	row.Next = at.Next(a.now())
	list, err := a.store.List(ctx, l.ID)
	if errors.Is(err, store.ErrNotFound) {
		return row, nil
	}
	if err != nil {
		return row, err
	}
	row.Checked, row.Changed = known(list.Checked), known(list.Changed)
	row.Entries, row.Error, row.Since = list.Counts.Entries, list.Error, known(list.ErrorSince)
	if !list.Checked.IsZero() {
		row.Stale = at.Next(at.Next(at.Next(list.Checked))).Before(a.now())
	}
	for _, h := range list.Holds {
		row.Held = append(row.Held, holdStatus{Kind: string(h.Kind), Reason: h.Reason, Count: h.Count, Since: h.Since})
	}
	return row, nil
}

func (a *app) digestStatus(ctx context.Context, d DigestConfig) (digestStatus, error) {
	row := digestStatus{ID: d.ID}
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
	row.Last, row.InDoubt = &last, issues[0].Counts[digest.InDoubt]
	return row, nil
}

func (a *app) printStatus(w io.Writer, s *status) error {
	p := &printer{w: w}
	p.line("feed       %s", s.Feed)
	if s.Scheduler == "" {
		p.line("scheduler  not running: `linkletter serve` starts it")
	} else {
		p.line("scheduler  %s", s.Scheduler)
	}
	for _, l := range s.Lists {
		p.line("\nlist %s (%s)", l.ID, oneLine(l.Source))
		p.line("  checked  %s%s", a.when(l.Checked, "not yet"), map[bool]string{true: ", which is overdue"}[l.Stale])
		p.line("  changed  %s", a.when(l.Changed, "not yet"))
		p.line("  entries  %d", l.Entries)
		if l.Error != "" {
			p.line("  error    since %s: %s", a.when(l.Since, "now"), oneLine(l.Error))
		}
		for _, h := range l.Held {
			p.line("  held     since %s: %s", a.when(&h.Since, ""), oneLine(h.Reason))
			p.line("           `linkletter check --accept %s` announces it, `--dismiss` knows it in silence", l.ID)
		}
	}
	for _, d := range s.Digests {
		p.line("\ndigest %s", d.ID)
		p.line("  next     %s, %d entries waiting", a.when(&d.Next, ""), d.Waiting)
		p.line("  to       %d subscribers", d.Subscribers)
		if d.Last != nil {
			p.line("  last     #%d, %s, %s: %d sent", d.Last.Number, a.when(&d.Last.Frozen, ""), d.Last.State, d.Last.Deliveries[digest.Sent])
		}
		if d.InDoubt > 0 {
			p.line("  in doubt %d: `linkletter digest show %d --digest %s` names them", d.InDoubt, d.Last.Number, d.ID)
		}
	}
	return p.err
}

// when is a time for people, in the configured zone.
func (a *app) when(t *time.Time, never string) string {
	if t == nil {
		return never
	}
	return t.In(a.cfg.location).Format("2006-01-02 15:04 MST")
}

// printer prints lines and keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
