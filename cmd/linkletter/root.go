package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitHeld   = 3
	exitAgain  = 75 // sysexits.h's EX_TEMPFAIL: a mail server tries again
)

// errHeld ends a command that did its work but found something held.
var errHeld = errors.New("something waits for a decision; `linkletter status` says what")

// usageError is a mistake in how the command was called.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// hintError carries what to do next, which is printed on a line of its own.
type hintError struct {
	error
	hint string
}

func (e hintError) Unwrap() error { return e.error }

// program is what every command has: the streams, the clock and the global flags.
type program struct {
	in         io.Reader
	out, err   io.Writer
	now        func() time.Time
	configFile string
	logLevel   string
	logJSON    bool

	noTemplates bool // the command makes no page and no mail: a mistake in a template does not stop it
}

// run is the whole program but for the process around it. It answers the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{in: stdin, out: stdout, err: stderr, now: time.Now}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	return p.report(err)
}

// report prints errors, each with its hint, and picks the exit code.
func (p *program) report(err error) int {
	var config *ConfigError
	for _, one := range apart(err) {
		fmt.Fprintln(p.err, "linkletter:", one)
		var hint hintError
		switch {
		case errors.As(one, &config):
			if config.Hint != "" {
				fmt.Fprintln(p.err, "  hint:", config.Hint)
			}
		case errors.As(one, &hint):
			fmt.Fprintln(p.err, "  hint:", hint.hint)
		}
	}
	var usage usageError
	var again againError
	switch {
	case errors.As(err, &again):
		return exitAgain
	case config != nil:
		return exitUsage
	case errors.Is(err, errHeld):
		return exitHeld
	case errors.As(err, &usage):
		return exitUsage
	}
	return exitFailed
}

// apart gives the errors that were joined, in their order. An error that says more than those it is made of is one.
func apart(err error) []error {
	var parts []error
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		parts = joined.Unwrap()
	}
	if len(parts) == 0 || errors.Join(parts...).Error() != err.Error() {
		return []error{err}
	}
	var all []error
	for _, e := range parts {
		all = append(all, apart(e)...)
	}
	return all
}

// root is the command without a name, which holds all others.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "linkletter",
		Short: "A feed and an e-mail digest of what is new in a curated Markdown list",
		Long: `Linkletter watches curated Markdown lists (an awesome-list README, a page of external
resources), publishes what is new in them as Atom, RSS and JSON feeds, and mails a
digest of it to subscribers.`,
		Example: `  linkletter init       # write a commented config.yaml for the list in this folder
  linkletter serve      # watch, publish, mail and answer the web, until stopped`,
		SilenceErrors: true,
		SilenceUsage:  true,
		// An unknown command is a mistake, not a wish for help.
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			problem := fmt.Errorf("there is no command %q", args[0])
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				return usageError{hintError{problem, fmt.Sprintf("did you mean `linkletter %s`?", near[0])}}
			}
			return usageError{hintError{problem, "`linkletter --help` lists them"}}
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	root.PersistentFlags().StringVar(&p.configFile, "config", "config.yaml", "the configuration `file`")
	root.PersistentFlags().StringVar(&p.logLevel, "log-level", "", "what is logged on standard error: debug, info, warn or error (default: info for serve, else warn)")
	root.PersistentFlags().BoolVar(&p.logJSON, "log-json", false, "log in JSON, a line each")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{hintError{err, fmt.Sprintf("`%s --help` shows its flags", cmd.CommandPath())}}
	})
	root.AddCommand(
		p.initCommand(), p.serveCommand(), p.checkCommand(), p.publishCommand(), p.statusCommand(),
		p.parseCommand(), p.explainCommand(), p.diffCommand(), p.historyCommand(), p.feedCommand(),
		p.digestCommand(), p.entriesCommand(), p.subscribersCommand(), p.bouncesCommand(), p.backupCommand(), p.doctorCommand(), p.versionCommand(),
	)
	return root
}

// args makes a mistake in the number of arguments a usage error with the way out.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if err := check(cmd, given); err != nil {
			return usageError{hintError{err, fmt.Sprintf("usage: %s", cmd.UseLine())}}
		}
		return nil
	}
}

// group refuses what is no subcommand of a command that only holds others.
func group(cmd *cobra.Command, given []string) error {
	if len(given) == 0 {
		return cmd.Help()
	}
	return usageError{hintError{fmt.Errorf("%s has no command %q", cmd.CommandPath(), given[0]), fmt.Sprintf("`%s --help` lists them", cmd.CommandPath())}}
}
