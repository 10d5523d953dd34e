package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/check"
	"linkletter/feed/curated"
	"linkletter/store"
)

func (p *program) checkCommand() *cobra.Command {
	var f struct{ dryRun, asJSON, accept, dismiss bool }
	cmd := &cobra.Command{
		Use:   "check [LIST…]",
		Short: "Check lists now: find what is new, remember and publish it",
		Long: `Check lists now: find what is new, remember it and rewrite the feeds. The first check of a
list is its baseline: nothing of it is news. While a scheduler runs on the same database,
it is asked to do the check.

Exit status 3 says that the guard holds something: nothing of that is announced until
--accept (it is news) or --dismiss (it is known, in silence).`,
		Example: `  linkletter check
  linkletter check --dry-run resources
  linkletter check --accept resources`,
		RunE: func(cmd *cobra.Command, given []string) error {
			a, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer a.close()
			ids, err := a.listIDs(given)
			if err != nil {
				return err
			}
			switch {
			case f.accept || f.dismiss:
				return a.runDecide(cmd.Context(), ids, f.accept, f.asJSON)
			default:
				return a.runCheck(cmd.Context(), ids, f.dryRun, f.asJSON)
			}
		},
	}
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what a check would find; store and publish nothing")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "write JSON, an array with an object per list")
	cmd.Flags().BoolVar(&f.accept, "accept", false, "announce what the guard holds")
	cmd.Flags().BoolVar(&f.dismiss, "dismiss", false, "know what the guard holds, and never announce it")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "accept", "dismiss")
	return cmd
}

// runCheck checks the lists one after the other. One that fails does not keep the others from being checked.
func (a *app) runCheck(ctx context.Context, ids []string, dryRun, asJSON bool) error {
	results := []*check.Result{}
	var failed error
	held := false
	bar := a.progress("checking", len(ids))
	for i, id := range ids {
		result, err := a.checkOnce(ctx, id, dryRun)
		bar(i+1, len(ids))
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		results = append(results, result)
		held = held || len(result.Held) > 0
	}
	if err := a.printResults(results, asJSON, dryRun); err != nil {
		return errors.Join(failed, err)
	}
	if failed == nil && held {
		return errHeld
	}
	return failed
}

func (a *app) checkOnce(ctx context.Context, id string, dryRun bool) (*check.Result, error) {
	list, err := a.list(id)
	if err != nil {
		return nil, err
	}
	if dryRun {
		result, err := a.checker.DryRun(ctx, list)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", id, err)
		}
		return result, nil
	}
	result := &check.Result{}
	err = a.exclusively(ctx, "check", store.RequestCheck, id, result, func(ctx context.Context) error {
		done, err := a.checkList(ctx, id)
		if done != nil {
			*result = *done
		}
		return err
	})
	return result, err
}

func (a *app) printResults(results []*check.Result, asJSON, dryRun bool) error {
	if asJSON {
		return writeJSON(a.out, results)
	}
	for _, r := range results {
		if err := printResult(a.out, r, dryRun); err != nil {
			return err
		}
	}
	return nil
}

func printResult(w io.Writer, r *check.Result, dryRun bool) error {
	would := ""
	if dryRun {
		would = " (a dry run: nothing was stored)"
	}
	var err error
	switch {
	case r.Unchanged:
		_, err = fmt.Fprintf(w, "%s: unchanged, %d entries%s\n", r.List, r.Entries, would)
	case r.Baseline:
		_, err = fmt.Fprintf(w, "%s: first check, %d entries are known now and none of them is news%s\n", r.List, r.Entries, would)
	default:
		_, err = fmt.Fprintf(w, "%s: %d entries; %d announced, %d removed, %d changed%s\n",
			r.List, r.Entries, len(r.Announced()), len(r.Report.Removed), len(r.Report.Changed), would)
		if err == nil {
			err = printReport(w, r.Report)
		}
	}
	for _, h := range r.Held {
		if err == nil {
			_, err = fmt.Fprintf(w, "! held (%s): %s\n", h.Kind, oneLine(h.Reason))
		}
	}
	return err
}

// runDecide accepts or dismisses what is held of lists.
func (a *app) runDecide(ctx context.Context, ids []string, accept, asJSON bool) error {
	kind, decide := store.RequestDismiss, a.dismiss
	if accept {
		kind, decide = store.RequestAccept, a.accept
	}
	decisions := []*decision{}
	unreadable := false
	for _, id := range ids {
		d := &decision{}
		err := a.exclusively(ctx, "check", kind, id, d, func(ctx context.Context) error {
			done, err := decide(ctx, id)
			if done != nil {
				*d = *done
			}
			return err
		})
		if err != nil {
			return err
		}
		decisions = append(decisions, d)
		list, err := a.store.List(ctx, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		for _, h := range heldOf(list) {
			unreadable = unreadable || h.Kind == curated.HoldUnreadable
		}
	}
	if asJSON {
		if err := writeJSON(a.out, decisions); err != nil {
			return err
		}
	} else {
		for _, d := range decisions {
			if _, err := fmt.Fprintf(a.out, "%s: %d announced, %d dismissed, %d removals accepted\n", d.List, d.Announced, d.Dismissed, d.Removed); err != nil {
				return err
			}
		}
	}
	if unreadable {
		return hintError{errHeld, "a list that could not be read stays held until it can: mend it or its source"}
	}
	return nil
}

// heldOf is what is held of a list that may never have been checked.
func heldOf(l *store.List) []store.Hold {
	if l == nil {
		return nil
	}
	return l.Holds
}
