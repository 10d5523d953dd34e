package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"linkletter/store"
)

func (p *program) subscribersSuppressCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "suppress ADDRESS…",
		Short: "Never write to addresses again, whether they are known or not",
		Long: `Never write to addresses again, whether they are known or not. What is kept of one that is not known
is a keyed hash: no import and no sign-up brings it back. Mails that wait are not sent.`,
		Example: "  linkletter subscribers suppress ada@example.org",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, given []string) error {
			return each(given, func(address string) error {
				before, err := a.store.Suppressed(ctx, address)
				if err != nil {
					return err
				}
				if err := a.store.Suppress(ctx, address, store.Dismissed); err != nil {
					return err
				}
				said := "suppressed"
				if before != "" {
					said = fmt.Sprintf("was suppressed already (%s)", before)
				}
				_, err = fmt.Fprintf(p.out, "%s %s\n", oneLine(address), said)
				return err
			})
		})),
	}
}

func (p *program) subscribersUnsuppressCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "unsuppress ADDRESS…",
		Short: "Write to addresses again that bounced or that you suppressed",
		Long: `Write to addresses again that bounced or that you suppressed; their subscriptions are as they were.
Who complained and who left is not yours to bring back. Somebody who was forgotten can sign up with
the form. Somebody who called a mail spam told their provider so, which counts every further mail
against all that you send; if they ask you to be written to, let them sign up with another address.`,
		Example: "  linkletter subscribers unsuppress ada@example.org",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, given []string) error {
			return each(given, func(address string) error {
				reason, err := a.store.Unsuppress(ctx, address)
				if err != nil {
					return explainUnsuppress(err)
				}
				_, err = fmt.Fprintf(p.out, "%s may be written to again (was suppressed: %s)\n", oneLine(address), reason)
				return err
			})
		})),
	}
}

// explainUnsuppress says what is to be done where the operator may not decide.
func explainUnsuppress(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return errors.New("that is not suppressed")
	}
	suppressed, ok := errors.AsType[*store.SuppressedError](err)
	if !ok {
		return err
	}
	if suppressed.Reason == store.Complained {
		return hintError{errors.New("they called a mail of yours spam; only they can come back"),
			"another mail would count against all that you send; if they ask for it, let them sign up with another address"}
	}
	return hintError{errors.New("they left and were forgotten; only they can come back"), "they can sign up with the form"}
}
