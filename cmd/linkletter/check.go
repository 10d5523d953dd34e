package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

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

// runCheck checks the lists, as many at once as may be. One that fails does not keep the others from being checked.
func (a *app) runCheck(ctx context.Context, ids []string, dryRun, asJSON bool) error {
	outcomes, err := a.checkAll(ctx, ids, dryRun)
	results := []*check.Result{}
	failed, held := err, false
	for _, o := range outcomes {
		if o.err != nil {
			failed = errors.Join(failed, o.err)
		} else if o.result != nil {
			results = append(results, o.result)
			held = held || len(o.result.Held)+len(o.result.Standing) > 0
		}
	}
	if err := a.printResults(results, asJSON, dryRun); err != nil {
		return errors.Join(failed, err)
	}
	if failed == nil && held {
		return errHeld
	}
	return failed
}

// checkAll checks lists here or where the scheduler runs, and gives the outcomes in their order.
func (a *app) checkAll(ctx context.Context, ids []string, dryRun bool) ([]outcome, error) {
	outcomes := make([]outcome, len(ids))
	bar, done := a.progress("checking"), 0
	var mu sync.Mutex // of bar and done
	each := func(f func(id string) (*check.Result, error)) error {
		var all errgroup.Group
		all.SetLimit(a.cfg.Checks.AtOnce + queue) // there are places for no more than at_once
		for i, id := range ids {
			if o := outcomes[i]; o.result != nil || o.err != nil && !errors.Is(o.err, errGone) {
				continue // by a scheduler that is gone
			}
			all.Go(func() error {
				o := &outcomes[i]
				o.result, o.err = f(id)
				if errors.Is(o.err, errGone) {
					return errGone
				}
				mu.Lock()
				defer mu.Unlock()
				if done++; bar != nil {
					bar(done, len(ids))
				}
				return nil
			})
		}
		return all.Wait()
	}
	if dryRun {
		return outcomes, each(func(id string) (*check.Result, error) { return a.dryRun(ctx, id) })
	}
	err := a.hereOrThere(ctx, "check", func(ctx context.Context) error {
		return each(func(id string) (*check.Result, error) { return a.checkList(ctx, id) })
	}, func(held *store.HeldError) error {
		return each(func(id string) (*check.Result, error) {
			result := &check.Result{}
			if err := a.handOver(ctx, held, store.RequestCheck, id, result); err != nil {
				return nil, err
			}
			return result, nil
		})
	})
	return outcomes, err
}

// knownAs is the id under which the store knows a list: the one it has, or, until somebody works on the store, a former one.
func knownAs(l ListConfig, lists map[string]*store.List) string {
	if lists[l.ID] == nil || lists[l.ID].Began.IsZero() {
		for _, old := range l.Formerly {
			if lists[old] != nil {
				return old
			}
		}
	}
	return l.ID
}

// dryRun finds what a check would find. It may take as long, and is given up like one.
func (a *app) dryRun(ctx context.Context, id string) (*check.Result, error) {
	list, err := a.list(id)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", id, err)
	}
	lists, err := a.store.Lists(ctx)
	if err != nil {
		return nil, err
	}
	list.ID = knownAs(*a.watched[id].config, lists)
	result, err := a.perform(ctx, &watched{}, list, false, a.checker.DryRun)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", id, err)
	}
	result.List = id
	l, err := a.store.List(ctx, list.ID)
	if errors.Is(err, store.ErrNotFound) {
		return result, nil
	} else if err != nil {
		return nil, err
	}
	unread := slices.ContainsFunc(result.Held, func(h curated.Hold) bool { return h.Kind == curated.HoldUnreadable })
	for _, h := range l.Holds {
		// A check that reads the list ends the other holds, or finds them again.
		if h.Kind == curated.HoldAdded || h.Kind == curated.HoldRemoved && (result.Unchanged || unread) {
			result.Standing = append(result.Standing, curated.Hold{Kind: h.Kind, Reason: h.Reason, Count: h.Count})
		}
	}
	return result, nil
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
		held = slices.Concat(r.Held, r.Standing)
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
	return fmt.Sprintf("mend the list or its source: the next check that can read it goes on by itself; `linkletter check --accept %s` is for a list that was emptied on purpose", list)
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
