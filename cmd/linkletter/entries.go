package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"linkletter/store"
)

func (p *program) entriesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "entries",
		Short:   "What stands in the lists, and what is hidden of it",
		Example: "  linkletter entries list\n  linkletter entries hide https://example.org/mistake",
		RunE:    group,
	}
	cmd.AddCommand(p.entriesListCommand(), p.entriesHideCommand(true), p.entriesHideCommand(false))
	return cmd
}

// entryRow is an entry as --json shows it.
type entryRow struct {
	List   string `json:"list"`
	State  string `json:"state"` // baseline, announced, silent or quarantined
	Hidden bool   `json:"hidden"`
	Title  string `json:"title"`
	URL    string `json:"url"`
}

func rowOfEntry(e store.Entry) entryRow {
	return entryRow{List: e.List, State: string(e.State), Hidden: e.Hidden, Title: e.Title, URL: e.URL}
}

func (p *program) entriesListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list [LIST…]",
		Short:   "List the entries that stand, in the order of their lists",
		Example: "  linkletter entries list resources\n  linkletter entries list --json",
		RunE: p.withoutTemplates(p.withApp(func(ctx context.Context, a *app, given []string) error {
			ids, err := a.listIDs(given)
			if err != nil {
				return err
			}
			rows := []entryRow{}
			for _, id := range ids {
				entries, err := a.store.Entries(ctx, id, "")
				if err != nil {
					return err
				}
				for _, e := range entries {
					if !e.Gone {
						rows = append(rows, rowOfEntry(e))
					}
				}
			}
			if asJSON {
				return writeJSON(p.out, rows)
			}
			t := tabwriter.NewWriter(p.out, 0, 4, 2, ' ', 0)
			for _, r := range rows {
				state := r.State
				if r.Hidden {
					state = "hidden"
				}
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", r.List, state, oneLine(r.URL), oneLine(r.Title))
			}
			return t.Flush()
		})),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func (p *program) entriesHideCommand(hide bool) *cobra.Command {
	command, made := "entries show", "shown"
	if hide {
		command, made = "entries hide", "hidden"
	}
	var list string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "hide URL",
		Short: "Take an entry out of feeds, pages and coming issues",
		Long: `Take an entry out of feeds, pages and coming issues, and of drafts, which the operator gets anew: everywhere
that it stands, or in one list. What was sent is sent, and full archives of a feed never change. It stays hidden
whatever becomes of it in the list; entries show brings it back. Files are written anew at once.`,
		Example: "  linkletter entries hide https://example.org/mistake\n  linkletter entries hide https://example.org/mistake --list tools",
		Args:    args(cobra.ExactArgs(1)),
		RunE: p.withApp(func(ctx context.Context, a *app, given []string) error {
			if list != "" {
				if err := a.known(list); err != nil {
					return err
				}
			}
			entries, err := a.store.Hide(ctx, list, given[0], hide)
			if errors.Is(err, store.ErrNotFound) {
				return a.noEntry(ctx, list, given[0])
			}
			if err != nil {
				return err
			}
			if err := a.deliverer.Redraft(ctx); err != nil {
				return err
			}
			if err := a.republish(ctx, command); err != nil {
				return err
			}
			untold, err := a.store.UntoldDrafts(ctx)
			if err != nil {
				return err
			}
			if len(untold) > 0 {
				if err := a.tellOperator(ctx, command); err != nil {
					return err
				}
			}
			rows := []entryRow{}
			pr := &printer{w: p.out}
			for _, e := range entries {
				rows = append(rows, rowOfEntry(e))
				if !asJSON {
					pr.line("%s: %s is %s", e.List, oneLine(e.Title), made)
				}
			}
			if asJSON {
				return writeJSON(p.out, rows)
			}
			return pr.err
		}),
	}
	if !hide {
		cmd.Use, cmd.Short, cmd.Long = "show URL", "Bring an entry back that was hidden", "Bring an entry back that was hidden, where feeds and coming issues have room for it, and to the draft it was in."
		cmd.Example = "  linkletter entries show https://example.org/mistake"
	}
	cmd.Flags().StringVar(&list, "list", "", "only in this `list`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

// noEntry says that nothing stands under an address, and what nearly does.
func (a *app) noEntry(ctx context.Context, list, address string) error {
	var given []string
	if list != "" {
		given = []string{list}
	}
	ids, err := a.listIDs(given)
	if err != nil {
		return err
	}
	want, _ := url.Parse(address)
	nearest, best := "", 0
	for _, id := range ids {
		entries, err := a.store.Entries(ctx, id, "")
		if err != nil {
			return err
		}
		for _, e := range entries {
			u, err := url.Parse(e.URL)
			if err != nil || want == nil || u.Host != want.Host || e.Gone {
				continue
			}
			if n := 1 + common(u.Path, want.Path); n > best {
				nearest, best = e.URL, n
			}
		}
	}
	hint := "`linkletter entries list` shows them"
	if nearest != "" {
		hint = fmt.Sprintf("did you mean %s? %s", oneLine(nearest), hint)
	}
	return hintError{fmt.Errorf("no entry stands under %s", address), hint}
}

// common is how long the beginning is that two strings share.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
