package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/mailbox"
)

func (p *program) bouncesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bounces",
		Short: "What came back: read a mailbox, take one message from a pipe, list reports",
		Long: `What came back: reports of undelivered messages, complaints, and mails that unsubscribe. A report
that proves whose message it is about suppresses the address at once when there is nobody, or when
somebody complained, and after several for other reasons. What is not understood is left unread.`,
		Example: "  linkletter bounces read\n  linkletter bounces list",
		RunE:    group,
	}
	cmd.AddCommand(p.bouncesListCommand(), p.bouncesReadCommand(), p.bouncesReceiveCommand())
	return cmd
}

func (p *program) bouncesReadCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "read",
		Short:   "Read the configured mailbox now, once; serve does so by itself",
		Example: "  linkletter bounces read",
		Args:    args(cobra.NoArgs),
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, _ []string) error {
			if !a.cfg.readsMail() {
				return errNoMailbox
			}
			tally, err := a.readMailboxNow(ctx)
			_, printed := fmt.Fprintf(p.out, "%s read, %d understood\n", count(tally.Read, "message", "messages"), tally.Understood)
			return errors.Join(err, printed)
		})),
	}
}

func (p *program) bouncesReceiveCommand() *cobra.Command {
	var recipient string
	cmd := &cobra.Command{
		Use:   "receive",
		Short: "Take one message from standard input, for a pipe alias of a mail server",
		Long: `Take one message from standard input, for a pipe alias of a mail server. The address that it came
to is taken from --recipient, from the environment (ORIGINAL_RECIPIENT, RECIPIENT) or from its
header. A message that is not understood is kept in the maildir mailbox.kept. Exit status 0 says
that the message was taken, 75 that the server shall try again: the program cannot take it now.`,
		Example: `  linkletter bounces receive < message.eml
  echo 'bounces: "|/usr/local/bin/linkletter --config /etc/linkletter/config.yaml bounces receive"' >> /etc/aliases`,
		Args: args(cobra.NoArgs),
		RunE: p.withoutTemplates(func(cmd *cobra.Command, _ []string) error {
			given := cmp.Or(recipient, os.Getenv("ORIGINAL_RECIPIENT"), os.Getenv("RECIPIENT"))
			if err := p.receive(cmd.Context(), given); err != nil {
				return againError{err}
			}
			return nil
		}),
	}
	cmd.Flags().StringVar(&recipient, "recipient", "", "the `address` that the message came to")
	return cmd
}

// againError ends a command whose work is to be given to it once more.
type againError struct{ error }

func (e againError) Unwrap() error { return e.error }

// receive takes one message. Whatever goes wrong, be it a mistake in the configuration, the mail server keeps it.
func (p *program) receive(ctx context.Context, recipient string) error {
	a, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	// Only the beginning is read for what it says; the rest is kept with it, or passed over.
	head, err := io.ReadAll(io.LimitReader(p.in, mailbox.MaxSize))
	if err != nil {
		return fmt.Errorf("reading the message: %w", err)
	}
	msg, err := mailbox.Read(bytes.NewReader(head), recipient)
	if err != nil {
		return err
	}
	receipt, err := a.newReceiver().Receive(ctx, msg)
	if err != nil {
		return err
	}
	if !receipt.Understood {
		kept := mailbox.Maildir{Dir: a.cfg.path(a.cfg.Mailbox.Kept)}
		if err := kept.Keep(io.MultiReader(bytes.NewReader(head), p.in), a.now()); err != nil {
			return err
		}
		a.log.Info("a message was not understood and is kept", "what", receipt.Text, "kept", kept.Dir)
		return nil
	}
	a.log.Info("a message was taken", "what", receipt.Text)
	_, err = io.Copy(io.Discard, p.in) // or the server takes the closed pipe for a failure
	return err
}

// bounceRow is a report as --json shows it.
type bounceRow struct {
	Received   time.Time `json:"received"`
	Kind       string    `json:"kind"`   // hard, soft or complaint
	Proven     bool      `json:"proven"` // false: it changed nothing
	Address    string    `json:"address"`
	Digest     string    `json:"digest"` // empty: not known, or a mail that asked for something
	Issue      int       `json:"issue"`
	Status     string    `json:"status"`
	Reply      string    `json:"reply"`
	Score      float64   `json:"score"`      // of the address, now
	Suppressed string    `json:"suppressed"` // why; empty: it may be written to
}

func (p *program) bouncesListCommand() *cobra.Command {
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the newest reports, with the score of each address and what came of it",
		Example: "  linkletter bounces list\n  linkletter bounces list --json | jq '.[] | select(.proven)'",
		Args:    args(cobra.NoArgs),
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, _ []string) error {
			if limit < 1 {
				return usageError{fmt.Errorf("--limit %d: it must be 1 or more", limit)}
			}
			found, err := a.store.Bounces(ctx, limit, a.cfg.Mailbox.HalfLife)
			if err != nil {
				return err
			}
			rows := []bounceRow{}
			t := tabwriter.NewWriter(p.out, 0, 4, 2, ' ', 0)
			for _, b := range found {
				rows = append(rows, bounceRow{b.Received, string(b.Kind), b.Proven, b.Address, b.Digest, b.Number, b.Status, b.Reply, b.Score, string(b.Suppressed)})
				became := fmt.Sprintf("score %.1f of %g", b.Score, a.cfg.Mailbox.SoftLimit)
				switch {
				case b.Suppressed != "":
					became = "suppressed (" + string(b.Suppressed) + ")"
				case !b.Proven:
					became = "unproven, changes nothing"
				}
				if !asJSON {
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", a.when(&b.Received, ""), b.Kind, oneLine(b.Address), became, b.Status, oneLine(b.Reply)) // an error stays, and Flush gives it
				}
			}
			if asJSON {
				return writeJSON(p.out, rows)
			}
			return t.Flush()
		})),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	cmd.Flags().IntVar(&limit, "limit", 50, "how `many` reports")
	return cmd
}
