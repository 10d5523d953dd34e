package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"linkletter/store"
)

func (p *program) subscribersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "subscribers",
		Short:   "Who gets the digests: list, add, remove, import, export",
		Example: "  linkletter subscribers list\n  linkletter subscribers import people.csv",
		RunE:    group,
	}
	cmd.AddCommand(p.subscribersListCommand(), p.subscribersAddCommand(), p.subscribersRemoveCommand(),
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

// subscriptionRow is a subscription as --json shows it.
type subscriptionRow struct {
	Address   string     `json:"address"`
	Digest    string     `json:"digest"`
	State     string     `json:"state"`
	Created   time.Time  `json:"created"`
	Confirmed *time.Time `json:"confirmed"`
	Ended     *time.Time `json:"ended"`
}

func (p *program) subscribersListCommand() *cobra.Command {
	var asJSON bool
	var name string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the subscribers and where they stand",
		Example: "  linkletter subscribers list --digest weekly",
		Args:    args(cobra.NoArgs),
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, _ []string) error {
			rows := []subscriptionRow{}
			t := tabwriter.NewWriter(p.out, 0, 4, 2, ' ', 0)
			err := a.store.Subscribers(ctx, store.SubscriberFilter{Digest: name}, func(s store.Subscriber) error {
				for _, n := range s.Subscriptions {
					if name != "" && n.Digest != name {
						continue
					}
					state := n.State
					if s.Suppressed != "" {
						state = store.SubscriptionSuppressed
					}
					if asJSON {
						rows = append(rows, subscriptionRow{s.Address, n.Digest, string(state), n.Created, known(n.Confirmed), known(n.Ended)})
						continue
					}
					if _, err := fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", state, n.Digest, oneLine(s.Address), n.Created.Format(time.DateOnly)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(p.out, rows)
			}
			return t.Flush()
		})),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	cmd.Flags().StringVar(&name, "digest", "", "only those of this `digest`")
	return cmd
}

// known is a time for JSON; one that is not known is null.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
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

func (p *program) subscribersImportCommand() *cobra.Command {
	var name, refusedFile string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Take subscribers in from a CSV file; - is standard input",
		Long: `Take subscribers in from a CSV file (UTF-8; separated by comma, semicolon or tab) whose first
row names the columns: address and, if you like, digest, state, created, confirmed, ended.
Nobody who unsubscribed or is suppressed is subscribed again, and importing a file twice
changes nothing. Each row that is not taken in is reported with its reason.`,
		Example: "  linkletter subscribers import people.csv --digest weekly --refused refused.txt",
		Args:    args(cobra.ExactArgs(1)),
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, given []string) error {
			return a.importSubscribers(ctx, given[0], name, refusedFile)
		})),
	}
	cmd.Flags().StringVar(&name, "digest", "", "the `digest` of rows that name none (default: the only one)")
	cmd.Flags().StringVar(&refusedFile, "refused", "", "write the rows not taken in, with reasons, to this `file` instead of standard error")
	return cmd
}

func (a *app) importSubscribers(ctx context.Context, path, name, refusedFile string) (err error) {
	if name != "" || len(a.cfg.Digests) == 1 {
		d, err := a.digest(name)
		if err != nil {
			return err
		}
		name = d.ID
	}
	ids, err := a.digestIDs(nil)
	if err != nil {
		return err
	}
	in, size, err := a.openInput(path)
	if err != nil {
		return err
	}
	defer in.Close()
	counter := &countingReader{r: in}
	rows, err := newSubscriberReader(counter, name)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	refused := &printer{w: a.err}
	if refusedFile != "" {
		f, opening := os.Create(refusedFile)
		if opening != nil {
			return fmt.Errorf("--refused: %w", opening)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		refused.w = f
	}
	bar := a.progress("importing")
	done, err := a.store.Import(ctx, store.Import{
		Digests: ids,
		Next:    rows.Next,
		Progress: func(store.ImportReport) {
			if bar != nil {
				bar(counter.n, size)
			}
		},
		Refused: func(r store.Refusal) { refused.line("%s:%d: %s: %v", path, r.Row.Line, oneLine(r.Row.Address), r.Why) },
	})
	_, printed := fmt.Fprintf(a.out, "%s: %d added, %d changed, %d unchanged, %d refused\n", count(done.Read, "row", "rows"), done.Added, done.Changed, done.Unchanged, done.Refused)
	return errors.Join(err, refused.err, printed)
}

// openInput opens a file, or standard input for "-", and tells its size where it has one.
func (p *program) openInput(path string) (io.ReadCloser, int, error) {
	if path == "-" {
		return io.NopCloser(p.in), 0, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, int(info.Size()), nil
}

// countingReader counts what was read, for the progress bar.
type countingReader struct {
	r io.Reader
	n int
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}

func (p *program) subscribersExportCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "export [FILE]",
		Short:   "Write all subscribers as CSV, to a file or standard output; import reads it",
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
			return errors.Join(a.store.Export(ctx, w.Write), w.Close())
		})),
	}
}
