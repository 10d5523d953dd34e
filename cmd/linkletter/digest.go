package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"linkletter/feed/digest"
	"linkletter/store"
)

func (p *program) digestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "digest",
		Short:   "The next issue, those that were sent, and who got them",
		Example: "  linkletter digest preview\n  linkletter digest issues",
		RunE:    group,
	}
	cmd.AddCommand(p.digestPreviewCommand(), p.digestSendCommand(), p.digestIssuesCommand(), p.digestShowCommand())
	return cmd
}

func (p *program) digestPreviewCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "preview [DIGEST]",
		Short: "Show the next issue as it would be sent now; nothing is stored",
		Example: `  linkletter digest preview
  linkletter digest preview --format html > issue.html
  linkletter digest preview --format eml weekly > issue.eml`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: p.withDigest(func(ctx context.Context, a *app, d DigestConfig) error {
			preview, err := a.deliverer.Preview(ctx, d.ID)
			if err != nil {
				return err
			}
			if preview == nil {
				_, err := fmt.Fprintf(p.err, "linkletter: nothing new for %s: there would be no issue\n", d.ID)
				return err
			}
			switch format {
			case "text":
				_, err = fmt.Fprint(p.out, preview.Parts.Text)
			case "html":
				_, err = fmt.Fprint(p.out, preview.Parts.HTML)
			case "eml":
				_, err = p.out.Write(preview.Message)
			case "json":
				err = writeJSON(p.out, preview.Issue)
			default:
				return usageError{hintError{fmt.Errorf("--format: there is no format %q", format), "text, html, eml or json"}}
			}
			return err
		}),
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, html, eml (the whole message) or json")
	return cmd
}

func (p *program) digestSendCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "send [DIGEST]",
		Short: "Make the next issue now and send it to every subscriber",
		Long: `Make the next issue now and send it to every subscriber. With nothing new there is no issue;
deliveries that an interrupted run left are finished either way. While a scheduler runs on
the same database, it is asked to send.`,
		Example: "  linkletter digest send weekly",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: p.withDigest(func(ctx context.Context, a *app, d DigestConfig) error {
			if err := a.prepare(); err != nil {
				return err
			}
			sent := &sentIssue{}
			err := a.exclusively(ctx, "digest send", store.RequestSend, d.ID, sent, func(ctx context.Context) error {
				made, err := a.sendNow(ctx, d.ID)
				if err != nil {
					return err
				}
				*sent = *made
				return a.deliver(ctx, a.progress("sending", sent.To))
			})
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(p.out, sent)
			}
			if sent.Number == 0 {
				_, err = fmt.Fprintf(p.out, "%s: nothing new, no issue\n", d.ID)
				return err
			}
			_, err = fmt.Fprintf(p.out, "%s #%d: %d entries to %d subscribers; `linkletter digest show %d` accounts for each\n",
				d.ID, sent.Number, sent.Entries, sent.To, sent.Number)
			return err
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func (p *program) digestIssuesCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "issues [DIGEST]",
		Short:   "List the issues, newest first, and to how many each went",
		Example: "  linkletter digest issues --json weekly",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: p.withDigest(func(ctx context.Context, a *app, d DigestConfig) error {
			issues, err := a.store.Issues(ctx, d.ID, -1)
			if err != nil {
				return err
			}
			if asJSON {
				rows := []issueRow{}
				for _, i := range issues {
					rows = append(rows, rowOf(i))
				}
				return writeJSON(p.out, rows)
			}
			t := tabwriter.NewWriter(p.out, 0, 4, 2, ' ', 0)
			fmt.Fprintln(t, "ISSUE\tFROZEN\tSTATE\tENTRIES\tSENT\tOF\tSUBJECT")
			for _, i := range issues {
				fmt.Fprintf(t, "%d\t%s\t%s\t%d\t%d\t%d\t%s\n", i.Number, i.Frozen.In(a.cfg.location).Format("2006-01-02 15:04"),
					i.State, i.Len(), i.Counts[digest.Sent], i.Total(), oneLine(i.Parts.Subject))
			}
			return t.Flush()
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

// issueRow is an issue as --json shows it.
type issueRow struct {
	Digest     string               `json:"digest"`
	Number     int                  `json:"number"`
	Frozen     time.Time            `json:"frozen"`
	State      string               `json:"state"`
	Entries    int                  `json:"entries"`
	Subject    string               `json:"subject"`
	Deliveries map[digest.State]int `json:"deliveries"`
}

func rowOf(i *store.Issue) issueRow {
	return issueRow{Digest: i.Digest, Number: i.Number, Frozen: i.Frozen, State: string(i.State),
		Entries: i.Len(), Subject: i.Parts.Subject, Deliveries: i.Counts}
}

func (p *program) digestShowCommand() *cobra.Command {
	var asJSON bool
	var name string
	cmd := &cobra.Command{
		Use:     "show N",
		Short:   "Account for every subscriber's copy of one issue",
		Example: "  linkletter digest show 12\n  linkletter digest show 12 --digest weekly --json",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			number, err := strconv.Atoi(given[0])
			if err != nil {
				return usageError{fmt.Errorf("%q is not the number of an issue", given[0])}
			}
			return p.withDigest(func(ctx context.Context, a *app, d DigestConfig) error {
				return a.showIssue(ctx, d, number, asJSON)
			})(cmd, nonEmpty(name))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	cmd.Flags().StringVar(&name, "digest", "", "the `digest`, where there are several")
	return cmd
}

func (a *app) showIssue(ctx context.Context, d DigestConfig, number int, asJSON bool) error {
	issue, err := a.store.Issue(ctx, d.ID, number)
	if errors.Is(err, store.ErrNotFound) {
		return hintError{fmt.Errorf("digest %s has no issue %d", d.ID, number), "`linkletter digest issues` lists them"}
	}
	if err != nil {
		return err
	}
	rows := []receipt{}
	t := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	if !asJSON {
		fmt.Fprintf(a.out, "%s\n%s, frozen %s\n\n", oneLine(issue.Parts.Subject), issue.State, issue.Frozen.In(a.cfg.location).Format("2006-01-02 15:04 MST"))
	}
	err = a.eachDelivery(ctx, issue.Ref, func(d store.Delivery) error {
		if asJSON {
			rows = append(rows, receipt{Address: d.Address, State: d.State, Attempts: d.Attempts, Updated: d.Updated, Reply: d.Reply})
			return nil
		}
		_, err := fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", d.State, oneLine(d.Address), d.Updated.In(a.cfg.location).Format("2006-01-02 15:04:05"), oneLine(d.Reply))
		return err
	})
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.out, struct {
			issueRow
			Receipts []receipt `json:"receipts"`
		}{rowOf(issue), rows})
	}
	return t.Flush()
}

// receipt is what became of one subscriber's copy, as --json shows it.
type receipt struct {
	Address  string       `json:"address"`
	State    digest.State `json:"state"`
	Attempts int          `json:"attempts"`
	Updated  time.Time    `json:"updated"`
	Reply    string       `json:"reply"`
}

// eachDelivery calls f with every delivery of an issue, a page of them in memory.
func (a *app) eachDelivery(ctx context.Context, issue int64, f func(store.Delivery) error) error {
	const page = 1000
	for after := int64(0); ; {
		rows, err := a.store.Deliveries(ctx, store.DeliveryQuery{Issue: issue, After: after, Limit: page})
		if err != nil {
			return err
		}
		for _, d := range rows {
			if err := f(d); err != nil {
				return err
			}
			after = d.ID
		}
		if len(rows) < page {
			return nil
		}
	}
}

// withDigest opens the app and finds the digest that the first argument names.
func (p *program) withDigest(f func(ctx context.Context, a *app, d DigestConfig) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, given []string) error {
		a, err := p.open(cmd.Context())
		if err != nil {
			return err
		}
		defer a.close()
		id := ""
		if len(given) > 0 {
			id = given[0]
		}
		d, err := a.digest(id)
		if err != nil {
			return err
		}
		return f(cmd.Context(), a, d)
	}
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
