package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/mailer"
)

// testFlags are the flags of `linkletter digest send` for looking at an issue before anybody gets it.
type testFlags struct {
	to    []string
	issue int // 0: the next
}

func (f *testFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.to, "test", nil, "send the issue to this `ADDRESS` alone, and store nothing; may be repeated")
	cmd.Flags().IntVar(&f.issue, "issue", 0, "with --test: the issue of this `NUMBER`, a draft or one that was sent, and not the next one")
}

func (f *testFlags) validate(asJSON bool) error {
	if len(f.to) == 0 && f.issue != 0 {
		return usageError{hintError{errors.New("--issue names the issue of a test"), "add --test ADDRESS; an issue that was frozen goes on by itself (`linkletter digest resume` for a paused one)"}}
	}
	if len(f.to) > 0 && asJSON {
		return usageError{errors.New("--json is not for --test")}
	}
	for _, to := range f.to {
		if a, err := mailer.ParseAddress(to); err != nil || a.Name != "" {
			return usageError{hintError{fmt.Errorf("--test %q: not an e-mail address", to), "write it like ada@example.org"}}
		}
	}
	return nil
}

// sendTest mails an issue to the addresses given. Another process may send at the same time: nothing here is shared with it.
func (a *app) sendTest(ctx context.Context, d DigestConfig, f *testFlags) error {
	preview, err := a.preview(ctx, d, f.issue)
	if errors.Is(err, errNothingNew) {
		return hintError{fmt.Errorf("nothing new for %s: there would be no issue to test", d.ID), "--issue N sends one that there is"}
	}
	if err != nil {
		return err
	}
	var failures []error
	a.deliverer.Test(ctx, preview, f.to, func(address, reply string, err error) {
		if err != nil {
			failures = append(failures, fmt.Errorf("the test to %s was not sent: %w", oneLine(address), err))
			return
		}
		fmt.Fprintf(a.out, "%s #%d, a test, to %s: %s\n", d.ID, preview.Issue.Number, oneLine(address), oneLine(reply))
	})
	return errors.Join(failures...)
}

// browse shows a page in a browser, from a file that nobody else can read, and says where that is.
func (p *program) browse(name, html string) error {
	dir, err := os.MkdirTemp("", "linkletter-*")
	if err != nil {
		return fmt.Errorf("showing the issue: %w", err)
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(html), 0o600); err != nil {
		return fmt.Errorf("showing the issue: %w", err)
	}
	fmt.Fprintln(p.out, file)
	command := append(browser(), file)
	cmd := exec.Command(command[0], command[1:]...)
	if err := cmd.Start(); err != nil {
		return hintError{fmt.Errorf("no browser could be started: %w", err), "open the file named above, or set $BROWSER"}
	}
	return cmd.Process.Release() // it may stay open for as long as somebody reads
}

// browser is the command that shows a file: the first in $BROWSER, or the machine's own.
func browser() []string {
	first, _, _ := strings.Cut(os.Getenv("BROWSER"), string(os.PathListSeparator))
	if words := strings.Fields(strings.ReplaceAll(first, "%s", "")); len(words) > 0 {
		return words
	}
	switch runtime.GOOS {
	case "darwin":
		return []string{"open"}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	return []string{"xdg-open"}
}
