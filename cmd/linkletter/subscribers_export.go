package main

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"
)

func (p *program) subscribersExportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export [FILE]",
		Short: "Write all subscribers as CSV, to a file or standard output; import reads it",
		Long: `Write all subscribers as CSV, to a file or standard output: a row for each of their subscriptions,
with what they chose, their pause, and why they are suppressed. Imported into an empty database with
the same configuration it gives the same again, but for what cannot travel: those who were forgotten
are known by keyed hashes alone. backup takes them along, too.

Addresses and texts are written as they are. A spreadsheet takes what begins with = + - or @ for a
formula: open the file there as text, or not at all, before you import it again.`,
		Example: "  linkletter subscribers export people.csv",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, given []string) (err error) {
			out := p.out
			if len(given) == 1 {
				// People's addresses are nobody else's business on this machine.
				f, opening := os.OpenFile(given[0], os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
				if opening != nil {
					return opening
				}
				defer func() { err = errors.Join(err, f.Close()) }()
				out = f
			}
			w, err := newSubscriberWriter(out)
			if err != nil {
				return err
			}
			if err := errors.Join(a.store.Export(ctx, w.Write), w.Close()); err != nil {
				return err
			}
			hashes, err := a.store.OrphanSuppressions(ctx)
			if err != nil || hashes == 0 {
				return err
			}
			said := &printer{w: p.err}
			said.line("linkletter: %s suppressed whom only a keyed hash stands for: no file can hold them; `linkletter backup` takes them along", count(hashes, "address is", "addresses are"))
			return said.err
		})),
	}
}
