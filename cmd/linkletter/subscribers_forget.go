package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"linkletter/store"
)

func (p *program) subscribersForgetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "forget ADDRESS…",
		Short: "Delete all that is stored about addresses, for good",
		Long: `Delete all that is stored about addresses, for good: subscriptions, choices, which issues were
sent to them, what came back. Issues keep their counts. What stays is a keyed hash of each
address, so that no import and no add brings it back; only they themselves can, with the form.
An address that is not known leaves its hash, too.

The database's files are rewritten, so that no old copies are left in them. Backups, the mail
server's logs and the web server's are yours to see to.`,
		Example: "  linkletter subscribers forget ada@example.org",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, given []string) error {
			failed := each(given, func(address string) error {
				known, err := a.store.ForgetAddress(ctx, address)
				if err != nil {
					return err
				}
				done := "forgotten"
				if !known {
					done = "not known; kept as one that is not to be added"
				}
				_, err = fmt.Fprintf(p.out, "%s %s\n", oneLine(address), done)
				return err
			})
			_, err := a.store.Cleanse(ctx)
			if errors.Is(err, store.ErrInUse) {
				_, err = fmt.Fprintln(p.err, "linkletter: the database is in use, so old copies stay in its files until serve rewrites them, within a day, or this is run again")
			}
			return errors.Join(failed, err)
		})),
	}
}
