package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"linkletter/store"
)

const (
	// importLog is how long an import works before it says in a line how far it is, where there is no bar.
	importLog = 10 * time.Second
	// mostRefusals is how many refused rows a terminal shows.
	mostRefusals = 20
)

func (p *program) subscribersImportCommand() *cobra.Command {
	var name, refused string
	var dry bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Take subscribers in from a CSV file; - is standard input",
		Long: `Take subscribers in from a CSV file (UTF-8; separated by comma, semicolon or tab) whose first
row names the columns: address and, if you like, those that export writes; others are passed over.

Nobody who left, is suppressed or was forgotten is subscribed again, and importing a file twice
changes nothing: after an interruption, run the same command again. What somebody chose here
stays: sections and a pause are taken for those who are new. Each row that is not taken in is
reported with its reason. With --refused it is kept as it was, so that it can be mended there
and that file be imported.`,
		Example: "  linkletter subscribers import people.csv --digest weekly --refused refused.csv\n  linkletter subscribers import people.csv --dry-run",
		Args:    args(cobra.ExactArgs(1)),
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, given []string) error {
			return a.importSubscribers(ctx, given[0], name, refused, dry)
		})),
	}
	cmd.Flags().StringVar(&name, "digest", "", "the `digest` of rows that name none (default: the only one)")
	cmd.Flags().StringVar(&refused, "refused", "", "write the rows not taken in, with reasons, as CSV to this new `file` instead of standard error")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would become of the rows, and store nothing")
	return cmd
}

// subscriberImport is an import on its way.
type subscriberImport struct {
	*app
	path    string
	size    int
	counter *countingReader
	rows    *subscriberReader
	refused *refusalFile // nil: standard error
	printed *printer
	hidden  int // refused rows that a terminal does not show
	bar     func(done, total, rows int)
	logged  time.Time
}

func (a *app) importSubscribers(ctx context.Context, path, name, refusedFile string, dry bool) (err error) {
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
	i := &subscriberImport{app: a, path: path, size: size, counter: &countingReader{r: in}, printed: &printer{w: a.err},
		bar: a.rowProgress("importing"), logged: a.now()}
	if i.rows, err = newSubscriberReader(i.counter, name); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if refusedFile != "" {
		if i.refused, err = newRefusalFile(refusedFile, i.rows, name); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, i.refused.Close()) }()
	}
	lists := make([]string, len(a.cfg.Lists))
	for n, l := range a.cfg.Lists {
		lists[n] = l.ID
	}
	done, err := a.store.Import(ctx, store.Import{Digests: ids, Lists: lists, Dry: dry, Next: i.rows.Next, Refused: i.refuse, Progress: i.progress})
	if i.bar != nil {
		i.bar(size, size, done.Read)
	}
	return errors.Join(i.say(done, dry, ctx.Err() != nil), err)
}

// refuse reports a row that is not taken in.
func (i *subscriberImport) refuse(r store.Refusal) {
	switch {
	case i.refused != nil:
		i.refused.add(r)
	case i.bar != nil && i.hidden >= mostRefusals:
		i.hidden++
	default:
		if i.bar != nil {
			i.hidden++
		}
		i.printed.line("%s:%d: %s: %s", i.path, r.Row.Line, oneLine(fmt.Sprintf("%.200s", r.Row.Address)), oneLine(r.Why.Error()))
	}
}

// progress says how far the import is; what was refused until now is on the disk when it returns.
func (i *subscriberImport) progress(done store.ImportReport) error {
	if i.bar != nil {
		i.bar(int(i.counter.n.Load()), i.size, done.Read)
	} else if now := i.now(); now.Sub(i.logged) >= importLog {
		i.logged = now
		share := ""
		if i.size > 0 {
			share = fmt.Sprintf(" (%d %%)", 100*i.counter.n.Load()/int64(i.size))
		}
		i.printed.line("linkletter: importing %s: %s%s", i.path, count(done.Read, "row", "rows"), share)
	}
	if i.refused == nil {
		return nil
	}
	return i.refused.Sync()
}

// say says what became of the rows.
func (i *subscriberImport) say(done store.ImportReport, dry, interrupted bool) error {
	if i.hidden > mostRefusals {
		i.printed.line("%d more rows are refused; --refused FILE writes all of them to a file", i.hidden-mostRefusals)
	}
	before := ""
	switch {
	case dry:
		before = "dry run, nothing is stored: "
	case interrupted:
		before = "interrupted; the same command goes on: "
	}
	_, err := fmt.Fprintf(i.out, "%s%s: %d added, %d changed, %d unchanged, %d refused\n", before, count(done.Read, "row", "rows"), done.Added, done.Changed, done.Unchanged, done.Refused)
	return errors.Join(i.printed.err, err)
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
	n atomic.Int64
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}
