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

Exit status 3 says that the guard holds something. --accept believes it: new entries are
announced, removals made, an emptied list taken as it is. --dismiss makes the new entries
known in silence.`,
		Example: `  linkletter check
  linkletter check --dry-run resources
  linkletter check --accept resources`,
		RunE: func(cmd *cobra.Command, given []string) error {
			if f.accept && f.dismiss || f.dryRun && (f.accept || f.dismiss) {
				return usageError{errors.New("--dry-run, --accept and --dismiss exclude each other")}
			}
			a, err := p.open(cmd.Context())
			if err != nil {
				return err
			}
			defer a.close()
			ids, err := a.listIDs(given)
			if err != nil {
				return err
			}
			if f.accept || f.dismiss {
				return a.runDecide(cmd.Context(), ids, f.accept, f.asJSON)
			}
			return a.runCheck(cmd.Context(), ids, f.dryRun, f.asJSON)
		},
	}
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what a check would find; store and publish nothing")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "write JSON, an array with an object per list")
	cmd.Flags().BoolVar(&f.accept, "accept", false, "believe what the guard holds")
	cmd.Flags().BoolVar(&f.dismiss, "dismiss", false, "know the new entries that the guard holds, and never announce them")
	return cmd
}

// runCheck checks the lists one after the other. One that fails does not keep the others from being checked.
func (a *app) runCheck(ctx context.Context, ids []string, dryRun, asJSON bool) error {
	results := []*check.Result{}
	var failed error
	held := false
	bar := a.progress("checking")
	for i, id := range ids {
		result, err := a.checkOnce(ctx, id, dryRun)
		if bar != nil {
			bar(i+1, len(ids))
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		results = append(results, result)
		held = held || len(result.Held)+len(result.Standing) > 0
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
	p := &printer{w: w}
	note := ""
	if dryRun {
		note = " (a dry run: nothing was stored)"
	}
	did := r.Taken
	switch {
	case r.Believed > 0:
		p.line("%s: unchanged, %s; %s held before, and stood for three checks: made now", r.List, count(r.Entries, "entry", "entries"),
			count(r.Believed, "removal was", "removals were"))
	case r.Unchanged:
		p.line("%s: unchanged, %s%s", r.List, count(r.Entries, "entry", "entries"), note)
	case r.Baseline:
		p.line("%s: first check, %s known now and none of them is news%s", r.List, count(r.Entries, "entry is", "entries are"), note)
	default:
		p.line("%s: %s; %d announced, %d removed, %d changed%s", r.List, count(r.Entries, "entry", "entries"),
			len(did.Added), len(did.Removed), len(did.Changed), note)
		p.report(did)
	}
	if r.Moved != "" {
		p.line("! the source has moved for good to %s: name that in the configuration", oneLine(r.Moved))
	}
	for _, w := range r.Warnings {
		p.line("! %s", oneLine(w))
	}
	held := r.Standing
	if dryRun {
		held = r.Held
	}
	for _, h := range held {
		p.line("! held (%s): %s", h.Kind, oneLine(h.Reason))
		p.line("  %s", wayOut(r.List, h.Kind))
	}
	return p.err
}

// wayOut says what to do about something that is held.
func wayOut(list string, kind curated.HoldKind) string {
	switch kind {
	case curated.HoldAdded:
		return fmt.Sprintf("`linkletter check --accept %s` announces them, `--dismiss` knows them in silence", list)
	case curated.HoldRemoved:
		return fmt.Sprintf("the third check in a row that says so is believed, and `linkletter check --accept %s` at once", list)
	}
	return fmt.Sprintf("mend the list or its source; if the list was really emptied, `linkletter check --accept %s`", list)
}

// runDecide accepts or dismisses what is held of lists.
func (a *app) runDecide(ctx context.Context, ids []string, accept, asJSON bool) error {
	kind, decide := store.RequestDismiss, a.dismiss
	if accept {
		kind, decide = store.RequestAccept, a.accept
	}
	decisions := []*decision{}
	var holds []string // what is still held, and what to do about it
	var failed error
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
			failed = errors.Join(failed, err)
			continue
		}
		decisions = append(decisions, d)
		list, err := a.store.List(ctx, id)
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, h := range list.Holds {
			holds = append(holds, fmt.Sprintf("! still held (%s): %s\n  %s", h.Kind, oneLine(h.Reason), wayOut(id, h.Kind)))
		}
	}
	if asJSON {
		if err := writeJSON(a.out, decisions); err != nil {
			return errors.Join(failed, err)
		}
	} else {
		p := &printer{w: a.out}
		for _, d := range decisions {
			if d.Announced+d.Dismissed+d.Removed == 0 && len(holds) == 0 {
				p.line("%s: nothing was held", d.List)
				continue
			}
			p.line("%s: %d announced, %d dismissed, %s accepted", d.List, d.Announced, d.Dismissed, count(d.Removed, "removal", "removals"))
		}
		for _, h := range holds {
			p.line("%s", h)
		}
		if p.err != nil {
			return errors.Join(failed, p.err)
		}
	}
	if failed == nil && len(holds) > 0 {
		return errHeld
	}
	return failed
}
