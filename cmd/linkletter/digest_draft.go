package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/deliver"
	"linkletter/store"
)

func (p *program) digestNoteCommand() *cobra.Command {
	var name, file string
	cmd := &cobra.Command{
		Use:   "note N",
		Short: "Give a draft an editor's note",
		Long: `Give a draft an editor's note, Markdown, which stands on top of the issue in mails, on its page and in
the digest's feed. Another replaces it, and an empty one removes it. The operator gets the draft anew.`,
		Example: "  linkletter digest note 12 --file note.md\n  echo 'Much on *testing* this week.' | linkletter digest note 12",
		Args:    args(cobra.ExactArgs(1)),
		RunE: p.withIssue(&name, func(ctx context.Context, a *app, issue *store.Issue) error {
			note, err := p.readNote(file)
			if err != nil {
				return err
			}
			if err := a.deliverer.Note(ctx, issue.Ref, note); err != nil {
				return stateHint(issue, err)
			}
			if err := a.tellOperator(ctx, "digest note"); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "issue %d of %s has %s\n", issue.Number, issue.Digest, map[bool]string{true: "no note", false: "the note"}[note == ""])
			return err
		}),
	}
	cmd.Flags().StringVar(&name, "digest", "", "the `digest`, where there are several")
	cmd.Flags().StringVar(&file, "file", "-", "the `file` with the note; - is standard input")
	return cmd
}

// readNote reads an editor's note from a file, or from standard input.
func (p *program) readNote(file string) (string, error) {
	in := p.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("reading the note: %w", err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, deliver.MaxNote+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the note: %w", err)
	case len(b) > deliver.MaxNote:
		return "", hintError{fmt.Errorf("the note is longer than %d KiB", deliver.MaxNote>>10), "write a page and link to it"}
	case strings.ToValidUTF8(string(b), "") != string(b) || strings.ContainsRune(string(b), 0):
		return "", hintError{errors.New("the note is no text"), "save it as UTF-8"}
	}
	return strings.TrimSpace(string(b)), nil
}

func (p *program) digestApproveCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "approve N",
		Short: "Send a draft",
		Long: `Send a draft to everybody who is subscribed now, with its note and without the entries that were hidden
or left their lists since. A running scheduler sends it; without one, this command does.`,
		Example: "  linkletter digest approve 12",
		Args:    args(cobra.ExactArgs(1)),
		RunE: p.withIssue(&name, func(ctx context.Context, a *app, issue *store.Issue) error {
			err := a.deliverer.Approve(ctx, issue.Ref)
			if errors.Is(err, store.ErrNothingLeft) {
				return hintError{fmt.Errorf("issue %d of %s: all its entries are hidden or left their lists", issue.Number, issue.Digest),
					fmt.Sprintf("`linkletter digest cancel %d --digest %s` ends it", issue.Number, issue.Digest)}
			}
			if err != nil {
				return stateHint(issue, err)
			}
			return a.sendApproved(ctx, issue)
		}),
	}
	cmd.Flags().StringVar(&name, "digest", "", "the `digest`, where there are several")
	return cmd
}

// sendApproved publishes an issue that was approved and sends it, here or where the scheduler is.
func (a *app) sendApproved(ctx context.Context, issue *store.Issue) error {
	issue, err := a.store.Issue(ctx, issue.Digest, issue.Number)
	if err != nil {
		return err
	}
	sent := &sentIssue{Digest: issue.Digest, Number: issue.Number, Entries: issue.Len(), To: issue.Total()}
	err = a.hereOrThere(ctx, "digest approve", func(ctx context.Context) error {
		if _, err := a.publishAll(ctx); err != nil {
			return err
		}
		summary, err := a.deliver(ctx, a.progress("sending"))
		sent.summarize(summary)
		return err
	}, func(held *store.HeldError) error {
		sent.By = "the running scheduler"
		return a.handOver(ctx, held, store.RequestPublish, "", &struct{}{}) // which wakes its sender too
	})
	if err != nil {
		return err
	}
	return a.printSent(sent)
}

// tellOperator mails drafts that the operator has not seen; a running scheduler does it by itself. That it cannot be done now
// is seen in status, and tried again.
func (a *app) tellOperator(ctx context.Context, command string) error {
	here := func(ctx context.Context) error {
		a.mailDrafts(ctx)
		return nil
	}
	return a.hereOrThere(ctx, command, here, func(*store.HeldError) error { return nil })
}

// mailDrafts mails drafts to the operator, notes whether that can be done, and answers it.
func (a *app) mailDrafts(ctx context.Context) bool {
	_, err := a.deliverer.Drafts(ctx)
	if ctx.Err() != nil {
		return false
	}
	if err = errors.Join(err, a.store.SetTrouble(ctx, store.TroubleDrafts, err)); err != nil {
		a.log.Error("mailing drafts to the operator", logError, err)
	}
	return err == nil
}
