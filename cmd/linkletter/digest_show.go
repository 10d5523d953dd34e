package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"linkletter/feed/digest"
	"linkletter/store"
)

func (p *program) digestShowCommand() *cobra.Command {
	var asJSON bool
	var name string
	var states []string
	cmd := &cobra.Command{
		Use:   "show N",
		Short: "Account for every subscriber's copy of one issue",
		Long: `Account for every subscriber's copy of one issue: those in doubt first, which digest resolve ends.
Of a copy for somebody who chose sections it says how many entries it has. The rows of deliveries
that ended longer ago than mail.keep_deliveries are removed; their counts stay.`,
		Example: "  linkletter digest show 12\n  linkletter digest show 12 --state in_doubt,failed\n  linkletter digest show 12 --digest weekly --json",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			only := deliveryStates
			if len(states) > 0 {
				only = nil
			}
			for _, s := range states {
				if !slices.Contains(deliveryStates, digest.State(s)) {
					return usageError{hintError{fmt.Errorf("--state: there is no state %q", s), stateNames()}}
				}
				only = append(only, digest.State(s))
			}
			return p.withoutTemplates(p.withIssue(&name, func(ctx context.Context, a *app, issue *store.Issue) error {
				return a.showIssue(ctx, issue, only, asJSON)
			}))(cmd, given)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	cmd.Flags().StringVar(&name, "digest", "", "the `digest`, where there are several")
	cmd.Flags().StringSliceVar(&states, "state", nil, "only deliveries in these states: "+stateNames())
	return cmd
}

// stateNames are the states of deliveries for people.
func stateNames() string {
	var names []string
	for _, s := range deliveryStates {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// receipt is what became of one subscriber's copy, as --json shows it.
type receipt struct {
	Address  string       `json:"address"`
	State    digest.State `json:"state"`
	Attempts int          `json:"attempts"`
	Updated  time.Time    `json:"updated"`
	Reply    string       `json:"reply"`
	Entries  int          `json:"entries,omitempty"` // of what the subscriber chose; absent: the whole issue
}

func (a *app) showIssue(ctx context.Context, issue *store.Issue, states []digest.State, asJSON bool) error {
	w := &receiptWriter{w: a.out, in: a.cfg.location}
	if asJSON {
		if err := w.begin(rowOf(issue)); err != nil {
			return err
		}
	} else {
		w.table = tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
		if err := a.issueHead(&printer{w: w.table}, issue); err != nil {
			return err
		}
	}
	doubt := func(s digest.State) bool { return s == digest.InDoubt }
	if slices.ContainsFunc(states, doubt) {
		if err := a.eachDelivery(ctx, store.DeliveryQuery{Issue: issue.Ref, States: []digest.State{digest.InDoubt}}, w.write); err != nil {
			return err
		}
	}
	if others := slices.DeleteFunc(slices.Clone(states), doubt); len(others) > 0 {
		if err := a.eachDelivery(ctx, store.DeliveryQuery{Issue: issue.Ref, States: others}, w.write); err != nil {
			return err
		}
	}
	return w.end()
}

// receiptWriter writes receipts one after the other: there may be a million, which are not kept in memory.
type receiptWriter struct {
	w     io.Writer
	in    *time.Location
	table *tabwriter.Writer // nil: as JSON
	n     int
}

// begin writes the issue as JSON, up to its receipts.
func (r *receiptWriter) begin(issue issueRow) error {
	var b bytes.Buffer
	if err := writeJSON(&b, issue); err != nil {
		return err
	}
	_, err := fmt.Fprintf(r.w, "%s,\n  \"receipts\": [", bytes.TrimSuffix(b.Bytes(), []byte("\n}\n")))
	return err
}

func (r *receiptWriter) write(d store.Delivery) error {
	r.n++
	if r.table != nil {
		_, err := fmt.Fprintf(r.table, "%s\t%s\t%s\t%s%s\n", d.State, oneLine(d.Address), d.Updated.In(r.in).Format("2006-01-02 15:04:05"), part(d), oneLine(d.Reply))
		if err == nil && r.n%receiptPage == 0 {
			err = r.table.Flush() // the columns begin anew, which is seen only where they change
		}
		return err
	}
	one, err := json.MarshalIndent(receipt{Address: d.Address, State: d.State, Attempts: d.Attempts, Updated: d.Updated, Reply: d.Reply, Entries: d.Selected}, "    ", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.w, "%s\n    %s", map[bool]string{true: ","}[r.n > 1], one)
	return err
}

// part says what a delivery is of, when it is not the whole issue.
func part(d store.Delivery) string {
	if d.Selection == 0 {
		return ""
	}
	return fmt.Sprintf("(%s chosen) ", count(d.Selected, "entry", "entries"))
}

func (r *receiptWriter) end() error {
	if r.table != nil {
		return r.table.Flush()
	}
	_, err := fmt.Fprint(r.w, "\n  ]\n}\n")
	return err
}

// issueHead says what there is to know of an issue as a whole.
func (a *app) issueHead(p *printer, issue *store.Issue) error {
	p.line("%s\n%s, frozen %s: %s", oneLine(issue.Parts.Subject), issue.State, a.when(&issue.Frozen, ""), deliveryCounts(issue.Counts))
	if issue.Reason != "" {
		p.line("%s", oneLine(issue.Reason))
	}
	if issue.Note != "" {
		p.line("with a note: %s", oneLine(issue.Note))
	}
	if issue.Pruned > 0 {
		p.line("%s removed, as mail.keep_deliveries says", count(issue.Pruned, "of them has its row", "of them have their rows"))
	}
	p.openIssue(issue.Digest, rowOf(issue))
	p.line("")
	return p.err
}

// receiptPage is how many deliveries are in memory.
const receiptPage = 1000

// eachDelivery calls f with every delivery asked for, a page of them in memory.
func (a *app) eachDelivery(ctx context.Context, q store.DeliveryQuery, f func(store.Delivery) error) error {
	for q.Limit = receiptPage; ; {
		rows, err := a.store.Deliveries(ctx, q)
		if err != nil {
			return err
		}
		for _, d := range rows {
			if err := f(d); err != nil {
				return err
			}
			q.After = d.ID
		}
		if len(rows) < q.Limit {
			return nil
		}
	}
}
