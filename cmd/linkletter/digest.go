package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/deliver"
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
	cmd.AddCommand(p.digestPreviewCommand(), p.digestSendCommand(), p.digestIssuesCommand(), p.digestShowCommand(),
		p.digestApproveCommand(), p.digestNoteCommand(),
		p.digestPauseCommand(), p.digestResumeCommand(), p.digestCancelCommand(), p.digestResolveCommand())
	return cmd
}

func (p *program) digestSendCommand() *cobra.Command {
	var asJSON bool
	test := &testFlags{}
	cmd := &cobra.Command{
		Use:   "send [DIGEST]",
		Short: "Make the next issue now and send it to every subscriber",
		Long: `Make the next issue now and send it to every subscriber; of a digest that asks for approval, make
a draft, which the operator gets and digest approve sends. With nothing new there is no issue;
deliveries that an interrupted run left are finished either way, those in doubt when their
time has come. While a scheduler runs on the same database, it is asked to send.

With --test it goes to the addresses named and to nobody else, as subscribers will get it but
for a Message-ID of its own and links that unsubscribe nobody. Nothing is stored.`,
		Example: "  linkletter digest send weekly\n  linkletter digest send --test ada@example.org weekly",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: p.withDigest(func(ctx context.Context, a *app, d DigestConfig) error {
			if err := test.validate(asJSON); err != nil {
				return err
			}
			if err := a.prepare(); err != nil {
				return err
			}
			if len(test.to) > 0 {
				return a.sendTest(ctx, d, test)
			}
			sent := &sentIssue{}
			err := a.exclusively(ctx, "digest send", store.RequestSend, d.ID, sent, func(ctx context.Context) error {
				made, err := a.sendNow(ctx, d.ID)
				if err != nil {
					return err
				}
				*sent = *made
				a.mailDrafts(ctx)
				summary, err := a.deliver(ctx, a.progress("sending"))
				sent.summarize(summary)
				return errors.Join(err, a.pruneBriefly(ctx))
			})
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(p.out, sent)
			}
			if err := a.printSent(sent); err != nil {
				return err
			}
			return a.reportPaused(ctx, d.ID)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	test.add(cmd)
	return cmd
}

// sentIssue is what `digest send` prints.
type sentIssue struct {
	Digest   string     `json:"digest"`
	Number   int        `json:"number"` // 0: nothing new, no issue
	Entries  int        `json:"entries"`
	To       int        `json:"to"`        // subscribers
	Draft    bool       `json:"draft"`     // it waits for approval
	GoesOn   []string   `json:"goes_on"`   // issues that were being sent before, as "weekly #3"
	By       string     `json:"by"`        // who delivers it; empty: this command did
	Sent     int        `json:"sent"`      // by this run, an older issue's included
	Deferred int        `json:"deferred"`  // the server asked to try again
	Failed   int        `json:"failed"`    // never accepted
	InDoubt  int        `json:"in_doubt"`  // interrupted between the end of the message and the reply
	Next     *time.Time `json:"try_again"` // when there is something to try again
}

func (s *sentIssue) summarize(d deliver.Summary) {
	s.Sent, s.Deferred, s.Failed, s.InDoubt, s.Next = d.Sent, d.Deferred, d.Failed, d.InDoubt+d.Recovered, known(d.Next)
}

// reportPaused says of a digest's issues that wait for the operator, and ends the command so.
func (a *app) reportPaused(ctx context.Context, id string) error {
	open, err := a.store.OpenIssues(ctx, id)
	if err != nil {
		return err
	}
	p := &printer{w: a.out}
	paused := false
	for _, i := range open {
		if i.State == store.IssuePaused || i.State == store.IssueDraft {
			paused = true
			p.openIssue(id, rowOf(i))
		}
	}
	if p.err == nil && paused {
		return errHeld
	}
	return p.err
}

func (a *app) printSent(s *sentIssue) error {
	p := &printer{w: a.out}
	quiet := a.cfg.quiet.Until(a.now())
	isQuiet := quiet.After(a.now())
	for _, issue := range s.GoesOn {
		p.line("%s goes on%s", issue, map[bool]string{true: " at " + a.when(&quiet, "") + ", after the quiet hours"}[isQuiet])
	}
	if s.Number == 0 && len(s.GoesOn) > 0 {
		p.line("%s: nothing else is new", s.Digest)
	} else if s.Number == 0 {
		p.line("%s: nothing new, no issue", s.Digest)
	} else if s.Draft {
		p.line("%s #%d: a draft of %s", s.Digest, s.Number, count(s.Entries, "entry", "entries"))
	} else {
		p.line("%s #%d: %s to %s; `linkletter digest show %d --digest %s` accounts for each", s.Digest, s.Number,
			count(s.Entries, "entry", "entries"), count(s.To, "subscriber", "subscribers"), s.Number, s.Digest)
	}
	if isQuiet && s.Number > 0 && !s.Draft {
		p.line("%s #%d goes on at %s, after the quiet hours", s.Digest, s.Number, a.when(&quiet, ""))
	} else if s.By != "" && s.Number > 0 && !s.Draft {
		p.line("being sent by %s; `linkletter status` shows how far it is", s.By)
	} else if s.Sent+s.Deferred+s.Failed+s.InDoubt > 0 {
		p.line("%d sent, %d deferred, %d failed, %d in doubt", s.Sent, s.Deferred, s.Failed, s.InDoubt)
	}
	if s.Next != nil {
		p.line("to be tried again from %s on: by `linkletter serve`, or the next `linkletter digest send`", a.when(s.Next, ""))
	}
	return p.err
}

func (p *program) digestIssuesCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "issues [DIGEST]",
		Short:   "List the issues, newest first, and to how many each went",
		Example: "  linkletter digest issues --json weekly",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: p.withoutTemplates(p.withDigest(func(ctx context.Context, a *app, d DigestConfig) error {
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
			removed := 0
			for _, i := range issues {
				removed += i.Pruned
				fmt.Fprintf(t, "%d\t%s\t%s\t%d\t%d\t%d\t%s\n", i.Number, i.Frozen.In(a.cfg.location).Format("2006-01-02 15:04"),
					i.State, i.Len(), i.Counts[digest.Sent], i.Total(), oneLine(i.Parts.Subject))
			}
			if removed > 0 {
				fmt.Fprintf(t, "The rows of %s are removed, as mail.keep_deliveries says; the counts stay.\n", count(removed, "delivery", "deliveries"))
			}
			return t.Flush()
		})),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

// deliveryStates are the states of deliveries in the order in which they are named.
var deliveryStates = []digest.State{digest.Sent, digest.InDoubt, digest.Failed, digest.Suppressed, digest.Cancelled, digest.Deferred,
	digest.Committing, digest.Claimed, digest.Pending}

// deliveryCounts says how many deliveries are in which state.
func deliveryCounts(counts map[digest.State]int) string {
	var all []string
	for _, state := range deliveryStates {
		if n := counts[state]; n > 0 {
			all = append(all, fmt.Sprintf("%d %s", n, strings.ReplaceAll(string(state), "_", " ")))
		}
	}
	if len(all) == 0 {
		return "no deliveries"
	}
	return strings.Join(all, ", ")
}

// issueRow is an issue as --json shows it.
type issueRow struct {
	Digest     string               `json:"digest"`
	Number     int                  `json:"number"`
	Frozen     time.Time            `json:"frozen"`
	State      string               `json:"state"`
	Entries    int                  `json:"entries"`
	To         int                  `json:"to"`
	Subject    string               `json:"subject"`
	Reason     string               `json:"reason,omitempty"` // why it is paused or cancelled
	Note       string               `json:"note,omitempty"`   // the editor's, Markdown
	Pruned     int                  `json:"pruned"`           // of the deliveries, those whose rows were removed
	Deliveries map[digest.State]int `json:"deliveries"`
}

func rowOf(i *store.Issue) issueRow {
	return issueRow{Digest: i.Digest, Number: i.Number, Frozen: i.Frozen, State: string(i.State),
		Entries: i.Len(), To: i.Total(), Subject: i.Parts.Subject, Reason: i.Reason,
		Note: i.Note, Pruned: i.Pruned, Deliveries: i.Counts}
}

// withIssue opens the app and finds the issue that the argument numbers, of the digest that *name names.
func (p *program) withIssue(name *string, f func(ctx context.Context, a *app, issue *store.Issue) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, given []string) error {
		number, err := strconv.Atoi(given[0])
		if err != nil {
			return usageError{fmt.Errorf("%q is not the number of an issue", given[0])}
		}
		return p.withDigest(func(ctx context.Context, a *app, d DigestConfig) error {
			issue, err := a.issue(ctx, d.ID, number)
			if err != nil {
				return err
			}
			return f(ctx, a, issue)
		})(cmd, nonEmpty(*name))
	}
}

// issue finds an issue by its number.
func (a *app) issue(ctx context.Context, digestID string, number int) (*store.Issue, error) {
	issue, err := a.store.Issue(ctx, digestID, number)
	if errors.Is(err, store.ErrNotFound) {
		return nil, hintError{fmt.Errorf("digest %s has no issue %d", digestID, number), "`linkletter digest issues` lists them"}
	}
	return issue, err
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
