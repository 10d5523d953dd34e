package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/publish"
	"linkletter/store"
)

// wireWait is how long pause and cancel wait for what is on the wire.
const wireWait = 10 * time.Second

func (p *program) digestPauseCommand() *cobra.Command {
	var name, reason string
	cmd := &cobra.Command{
		Use:   "pause N",
		Short: "Stop sending an issue until it is resumed",
		Long: `Stop sending an issue, whichever process sends it: when the command is back, nothing more of it
goes out, but for messages on the wire, which it waits for and counts. digest resume N goes on.`,
		Example: "  linkletter digest pause 12 --reason \"the first link is wrong\"",
		Args:    args(cobra.ExactArgs(1)),
		RunE: p.withoutTemplates(p.withIssue(&name, func(ctx context.Context, a *app, issue *store.Issue) error {
			if err := a.store.Pause(ctx, issue.Ref, reason); err != nil {
				return stateHint(issue, err)
			}
			return a.saidStopped(ctx, issue.Digest, issue.Number)
		})),
	}
	cmd.Flags().StringVar(&name, "digest", "", "the `digest`, where there are several")
	cmd.Flags().StringVar(&reason, "reason", "paused by the operator", "why, for status and digest show")
	return cmd
}

func (p *program) digestResumeCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "resume N",
		Short: "Go on with an issue that was paused",
		Long: `Go on with an issue that was paused, by digest pause or because the mail server refused
most of it: in that case first look at what it said (digest show N) and mend that; what is
refused for itself or its recipient again has failed. A running scheduler goes on by itself;
without one, digest send does.`,
		Example: "  linkletter digest resume 12",
		Args:    args(cobra.ExactArgs(1)),
		RunE: p.withoutTemplates(p.withIssue(&name, func(ctx context.Context, a *app, issue *store.Issue) error {
			if err := a.store.Resume(ctx, issue.Ref); err != nil {
				return stateHint(issue, err)
			}
			_, err := fmt.Fprintf(p.out, "issue %d goes on\n", issue.Number)
			return err
		})),
	}
	cmd.Flags().StringVar(&name, "digest", "", "the `digest`, where there are several")
	return cmd
}

func (p *program) digestCancelCommand() *cobra.Command {
	var name, reason string
	cmd := &cobra.Command{
		Use:   "cancel N",
		Short: "End an issue, or a draft, for good",
		Long: `End an issue, whichever process sends it: what was not sent never is, what is in doubt stays so and
is not tried again, and what is on the wire ends as it ends. When nobody can have got it, its
entries wait for the next issue and its page goes; otherwise they stay in it. A cancelled
issue keeps its number, and cannot be resumed.`,
		Example: "  linkletter digest cancel 12 --reason \"the wrong list\"",
		Args:    args(cobra.ExactArgs(1)),
		RunE: p.withoutTemplates(p.withIssue(&name, func(ctx context.Context, a *app, issue *store.Issue) error {
			if err := a.store.Cancel(ctx, issue.Ref, reason); err != nil {
				return stateHint(issue, err)
			}
			if err := a.saidStopped(ctx, issue.Digest, issue.Number); err != nil {
				return err
			}
			return a.republish(ctx, "digest cancel")
		})),
	}
	cmd.Flags().StringVar(&name, "digest", "", "the `digest`, where there are several")
	cmd.Flags().StringVar(&reason, "reason", "cancelled by the operator", "why, for status and digest show")
	return cmd
}

// stateHint says in which state an issue is that something cannot be done to, and what can.
func stateHint(i *store.Issue, err error) error {
	var wrong *store.WrongStateError
	if !errors.As(err, &wrong) {
		return err
	}
	ended := "it has ended for good: it went to some, and the others do not get its entries"
	if i.Withdrawn {
		ended = "it has ended for good: nobody got it, and what still stands of it waits for the next issue"
	}
	hint := map[store.IssueState]string{
		store.IssueDraft:     fmt.Sprintf("`linkletter digest approve %d --digest %s` sends it, cancel ends it", i.Number, i.Digest),
		store.IssueSending:   fmt.Sprintf("`linkletter digest pause %d --digest %s` stops it", i.Number, i.Digest),
		store.IssuePaused:    fmt.Sprintf("`linkletter digest resume %d --digest %s` goes on with it, cancel ends it", i.Number, i.Digest),
		store.IssueDone:      fmt.Sprintf("it has ended; `linkletter digest show %d --digest %s` says what became of each delivery", i.Number, i.Digest),
		store.IssueCancelled: ended,
	}[wrong.State]
	return hintError{fmt.Errorf("this cannot be done: issue %d of %s is %s", i.Number, i.Digest, wrong.State), hint}
}

// saidStopped waits for what is on the wire of an issue that was stopped, and says where it stands then.
func (a *app) saidStopped(ctx context.Context, digestID string, number int) error {
	var issue *store.Issue
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	wire := 0
	for end := time.Now().Add(wireWait); ; {
		var err error
		if issue, err = a.store.Issue(ctx, digestID, number); err != nil {
			return err
		}
		if wire, err = a.store.OnTheWire(ctx, issue.Ref); err != nil {
			return err
		}
		if wire == 0 || !time.Now().Before(end) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	p := &printer{w: a.out}
	p.line("issue %d of %s is %s: %s", issue.Number, issue.Digest, issue.State, deliveryCounts(issue.Counts))
	if wire > 0 {
		p.line("%s on the wire, and ended by the server's reply or in doubt", count(wire, "message is still", "messages are still"))
	}
	if issue.State != store.IssueCancelled {
		return p.err
	}
	if !issue.Withdrawn {
		p.line("it went to some, or may have: the rest will not get its entries, which wait for no other issue")
		return p.err
	}
	waiting, err := a.waiting(ctx, issue)
	if err != nil {
		return err
	}
	p.line("nobody got it: %s", waits(waiting, issue.Len()))
	return p.err
}

// waiting counts the entries of an issue that the next issue of its digest would hold.
func (a *app) waiting(ctx context.Context, issue *store.Issue) (int, error) {
	d, err := a.digest(issue.Digest)
	if err != nil {
		return 0, err
	}
	next, err := a.store.Candidates(ctx, a.cfg.periodical(d))
	if err != nil {
		return 0, err
	}
	of := map[int64]bool{}
	for _, g := range issue.Groups {
		for _, item := range g.Items {
			of[item.Ref] = true
		}
	}
	n := 0
	for _, item := range next {
		if of[item.Ref] {
			n++
		}
	}
	return n, nil
}

// waits says how many of an issue's entries wait for the next.
func waits(n, of int) string {
	switch n {
	case 0:
		return "none of its entries waits for the next issue: they are hidden or left their lists"
	case of:
		return "its " + count(n, "entry waits", "entries wait") + " for the next issue"
	}
	return fmt.Sprintf("%d of its %d entries wait for the next issue; the others are hidden or left their lists", n, of)
}

// republish rewrites the files, here or where the scheduler is. A command that only sends does not answer, and is not
// waited for: publications wait for each other.
func (a *app) republish(ctx context.Context, command string) error {
	held, err := a.store.Holder(ctx, schedulerLease)
	if err != nil {
		return err
	}
	if held != nil && held.Holder.Command != serveName && !isDead(held.Holder, us(command)) {
		_, err := a.publishAll(ctx)
		return err
	}
	return a.exclusively(ctx, command, store.RequestPublish, "", &publish.Report{}, func(ctx context.Context) error {
		_, err := a.publishAll(ctx)
		return err
	})
}
