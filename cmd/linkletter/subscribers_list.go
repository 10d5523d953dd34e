package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"linkletter/store"
)

// subscriptionRow is a subscription as --json shows it.
type subscriptionRow struct {
	Address    string     `json:"address"`
	Digest     string     `json:"digest"`
	State      string     `json:"state"`
	Suppressed string     `json:"suppressed"` // why nothing is sent to the address; empty: it may be
	Paused     *time.Time `json:"paused"`     // until when nothing is sent; null: they are not paused
	Sections   []string   `json:"sections"`   // what they chose; empty: everything
	Created    time.Time  `json:"created"`
	Confirmed  *time.Time `json:"confirmed"`
	Ended      *time.Time `json:"ended"`
}

// subscriptionStates are what list --state takes.
var subscriptionStates = []string{"pending", "confirmed", "unsubscribed", "suppressed", "paused"}

func (p *program) subscribersListCommand() *cobra.Command {
	var asJSON bool
	var name, state string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the subscribers and where they stand",
		Long: `List the subscribers and where they stand: a row for each of their subscriptions. One to whom
nothing is sent although they subscribed is shown as suppressed, with the reason, or as paused.`,
		Example: "  linkletter subscribers list --digest weekly --state confirmed",
		Args:    args(cobra.NoArgs),
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, _ []string) error {
			if state != "" && !slices.Contains(subscriptionStates, state) {
				return usageError{hintError{fmt.Errorf("--state: there is no state %q", state), joinNames(subscriptionStates)}}
			}
			write, end := subscriptionLines(p.out)
			if asJSON {
				write, end = jsonRows(p.out)
			}
			err := a.store.Export(ctx, func(r store.Row) error {
				if r.State == store.SubscriptionNone || name != "" && r.Digest != name || state != "" && !a.stands(r, state) {
					return nil
				}
				return write(a.subscriptionRow(r))
			})
			return errors.Join(err, end())
		})),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	cmd.Flags().StringVar(&name, "digest", "", "only those of this `digest`")
	cmd.Flags().StringVar(&state, "state", "", "only those in this `state`: "+strings.Join(subscriptionStates, ", "))
	return cmd
}

// stands says whether a subscription is in a state. Who is suppressed or paused is in that state, and not confirmed.
func (a *app) stands(r store.Row, state string) bool {
	paused := r.Paused.After(a.now())
	switch state {
	case "suppressed":
		return r.Suppressed != ""
	case "paused":
		return paused && r.Suppressed == "" && r.State == store.SubscriptionConfirmed
	case "confirmed":
		return !paused && r.Suppressed == "" && r.State == store.SubscriptionConfirmed
	}
	return string(r.State) == state && r.Suppressed == ""
}

func (a *app) subscriptionRow(r store.Row) subscriptionRow {
	row := subscriptionRow{r.Address, r.Digest, string(r.State), string(r.Suppressed), nil, r.Sections, r.Created, known(r.Confirmed), known(r.Ended)}
	if row.Sections == nil {
		row.Sections = []string{}
	}
	if r.Paused.After(a.now()) {
		row.Paused = &r.Paused
	}
	return row
}

// shown is the state with its reason, in a word or two.
func (r subscriptionRow) shown() string {
	switch {
	case r.Suppressed != "":
		return "suppressed (" + r.Suppressed + ")"
	case r.Paused != nil && r.State == string(store.SubscriptionConfirmed):
		return "paused until " + r.Paused.Format(time.DateOnly)
	}
	return r.State
}

// subscriptionLines gives what writes rows as lines, and what ends that. Widths are fixed: with a million rows nobody waits
// for the longest.
func subscriptionLines(w io.Writer) (write func(subscriptionRow) error, end func() error) {
	return func(r subscriptionRow) error {
		_, err := fmt.Fprintf(w, "%-23s  %-12s  %s  %s\n", r.shown(), r.Digest, r.Created.Format(time.DateOnly), oneLine(r.Address))
		return err
	}, func() error { return nil }
}

// jsonRows gives what writes rows as an array in JSON, one after the other, and what ends it.
func jsonRows(w io.Writer) (write func(subscriptionRow) error, end func() error) {
	before := "[\n  "
	return func(r subscriptionRow) error {
			b, err := json.MarshalIndent(r, "  ", "  ")
			if err != nil {
				return err
			}
			_, err = io.WriteString(w, before+string(b))
			before = ",\n  "
			return err
		}, func() error {
			if before == "[\n  " {
				_, err := io.WriteString(w, "[]\n")
				return err
			}
			_, err := io.WriteString(w, "\n]\n")
			return err
		}
}

// subscriberDetail is all that is known of one address.
type subscriberDetail struct {
	Address       string            `json:"address"`
	Suppressed    string            `json:"suppressed"`
	Known         bool              `json:"known"` // false: at most a hash is kept
	Joined        *time.Time        `json:"joined"`
	Paused        *time.Time        `json:"paused"`
	Subscriptions []subscriptionRow `json:"subscriptions"`
	Deliveries    []deliveryDetail  `json:"deliveries"` // the last
	Bounces       []bounceDetail    `json:"bounces"`    // the last
}

type deliveryDetail struct {
	Digest  string    `json:"digest"`
	Number  int       `json:"number"`
	State   string    `json:"state"`
	Updated time.Time `json:"updated"`
	Reply   string    `json:"reply"`
}

type bounceDetail struct {
	Kind     string    `json:"kind"`
	Proven   bool      `json:"proven"`
	Status   string    `json:"status"`
	Reply    string    `json:"reply"`
	Received time.Time `json:"received"`
}

func (p *program) subscribersShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show ADDRESS",
		Short: "Show all that is known of one address",
		Long: `Show all that is known of one address, however it is written: its subscriptions and choices, whether
and why it is suppressed, and what became of the last mails to it.`,
		Example: "  linkletter subscribers show ada@example.org",
		Args:    args(cobra.ExactArgs(1)),
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, given []string) error {
			d, err := a.subscriberDetail(ctx, given[0])
			if err != nil {
				return fmt.Errorf("%s: %w", oneLine(given[0]), err)
			}
			if asJSON {
				return writeJSON(p.out, d)
			}
			return d.print(p.out)
		})),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

// lastMails is how many deliveries and bounces are shown.
const lastMails = 10

func (a *app) subscriberDetail(ctx context.Context, address string) (*subscriberDetail, error) {
	reason, err := a.store.Suppressed(ctx, address)
	if err != nil {
		return nil, err
	}
	d := &subscriberDetail{Address: address, Suppressed: string(reason), Subscriptions: []subscriptionRow{}, Deliveries: []deliveryDetail{}, Bounces: []bounceDetail{}}
	sub, err := a.store.SubscriberByAddress(ctx, address)
	if errors.Is(err, store.ErrNotFound) {
		if reason == "" {
			err = errors.New("nothing is known of it")
		} else {
			err = nil
		}
		return d, err
	}
	if err != nil {
		return nil, err
	}
	rows, err := a.store.SubscriberRows(ctx, sub.ID)
	if err != nil {
		return nil, err
	}
	d.Known, d.Address, d.Joined = true, sub.Address, known(sub.Created)
	for _, r := range rows {
		row := a.subscriptionRow(r)
		d.Paused = row.Paused
		if r.State != store.SubscriptionNone {
			d.Subscriptions = append(d.Subscriptions, row)
		}
	}
	mails, err := a.store.LastMails(ctx, sub.ID, lastMails)
	if err != nil {
		return nil, err
	}
	for _, m := range mails.Deliveries {
		d.Deliveries = append(d.Deliveries, deliveryDetail{m.Digest, m.Number, string(m.State), m.Updated, m.Reply})
	}
	for _, b := range mails.Bounces {
		d.Bounces = append(d.Bounces, bounceDetail{string(b.Kind), b.Proven, b.Status, b.Reply, b.Received})
	}
	return d, nil
}

func (d *subscriberDetail) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	p := &printer{w: t}
	p.line("address\t%s", oneLine(d.Address))
	switch {
	case d.Suppressed != "":
		p.line("suppressed\t%s: nothing is sent to it", d.Suppressed)
	case d.Paused != nil:
		p.line("paused\tuntil %s", d.Paused.Format(time.DateOnly))
	}
	if !d.Known {
		p.line("subscriber\tno: nothing but a keyed hash of it is kept")
	}
	for _, s := range d.Subscriptions {
		wants := "everything"
		if len(s.Sections) > 0 {
			wants = strings.Join(s.Sections, " ")
		}
		p.line("digest %s\t%s\t%s\t%s", s.Digest, s.State, s.Created.Format(time.DateOnly), wants)
	}
	for _, m := range d.Deliveries {
		p.line("%s #%d\t%s\t%s\t%s", m.Digest, m.Number, m.State, m.Updated.Format(time.DateOnly), oneLine(m.Reply))
	}
	for _, b := range d.Bounces {
		p.line("came back\t%s%s\t%s\t%s", b.Kind, map[bool]string{false: ", not proven"}[b.Proven], b.Received.Format(time.DateOnly), oneLine(strings.TrimSpace(b.Status+" "+b.Reply)))
	}
	return errors.Join(p.err, t.Flush())
}

// known is a time for JSON; one that is not known is null.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
