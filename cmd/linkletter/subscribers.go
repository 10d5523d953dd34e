package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"linkletter/store"
)

func (p *program) subscribersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "subscribers",
		Short:   "Who gets the digests: list, show, add, remove, forget, suppress, import, export",
		Example: "  linkletter subscribers list\n  linkletter subscribers import people.csv",
		RunE:    group,
	}
	cmd.AddCommand(p.subscribersListCommand(), p.subscribersShowCommand(), p.subscribersAddCommand(), p.subscribersRemoveCommand(),
		p.subscribersForgetCommand(), p.subscribersSuppressCommand(), p.subscribersUnsuppressCommand(),
		p.subscribersImportCommand(), p.subscribersExportCommand())
	return cmd
}

// withApp opens the app for a command that only needs the store.
func (p *program) withApp(f func(ctx context.Context, a *app, given []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, given []string) error {
		a, err := p.open(cmd.Context())
		if err != nil {
			return err
		}
		defer a.close()
		return f(cmd.Context(), a, given)
	}
}

func (p *program) subscribersAddCommand() *cobra.Command {
	var names []string
	cmd := &cobra.Command{
		Use:   "add ADDRESS…",
		Short: "Subscribe addresses whose consent you have; they are confirmed at once",
		Long: `Subscribe addresses whose consent you have; they are confirmed at once, and nothing is
mailed to ask. Whoever unsubscribed or is suppressed is refused: only they can come back,
with the form.`,
		Example: "  linkletter subscribers add ada@example.org --digest weekly",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, given []string) error {
			ids, err := a.digestIDs(names)
			if err != nil {
				return err
			}
			return each(given, func(address string) error {
				if err := a.store.AddSubscriber(ctx, address, ids); err != nil {
					return err
				}
				_, err := fmt.Fprintf(p.out, "%s subscribed to %s\n", oneLine(address), joinNames(ids))
				return err
			})
		})),
	}
	cmd.Flags().StringSliceVar(&names, "digest", nil, "the `digest`; may be given several times (default: all)")
	return cmd
}

// digestIDs are the digests that flags name; none given are all.
func (a *app) digestIDs(given []string) ([]string, error) {
	var ids []string
	for _, id := range given {
		d, err := a.digest(id)
		if err != nil {
			return nil, err
		}
		ids = append(ids, d.ID)
	}
	if len(given) == 0 {
		for _, d := range a.cfg.Digests {
			ids = append(ids, d.ID)
		}
	}
	if len(ids) == 0 {
		return nil, usageError{fmt.Errorf("%s has no digests to subscribe to", a.cfg.file)}
	}
	return ids, nil
}

// each does something with every address; one that fails, which the error names, does not keep it from the others.
func each(addresses []string, f func(address string) error) error {
	var failed error
	for _, address := range addresses {
		if err := f(address); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", oneLine(address), err))
		}
	}
	return failed
}

func (p *program) subscribersRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "remove ADDRESS…",
		Short:   "Unsubscribe addresses from every digest",
		Example: "  linkletter subscribers remove ada@example.org",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, given []string) error {
			return each(given, func(address string) error {
				err := a.store.RemoveSubscriber(ctx, address)
				if errors.Is(err, store.ErrNotFound) {
					return errors.New("that is no subscriber")
				}
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(p.out, "%s unsubscribed\n", oneLine(address))
				return err
			})
		})),
	}
}
