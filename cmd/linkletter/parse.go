package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/source"
	"linkletter/feed/curated"
)

func (p *program) parseCommand() *cobra.Command {
	var asJSON bool
	var page string
	cmd := &cobra.Command{
		Use:   "parse FILE|URL",
		Short: "Show the entries of a list",
		Example: `  linkletter parse README.md
  linkletter parse --json https://example.org/list.md | jq '.entries | length'`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			list, err := p.readList(cmd.Context(), given[0], page)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(p.out, list)
			}
			return printEntries(p.out, list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	cmd.Flags().StringVar(&page, "page", "", "the `address` where people read the list; relative links start there")
	return cmd
}

func (p *program) explainCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain FILE|URL",
		Short: "Say for every link whether it is an entry, and which rule decided",
		Example: `  linkletter explain README.md
  linkletter explain README.md | grep -v entry`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			src, at, err := p.fetch(cmd.Context(), given[0])
			if err != nil {
				return err
			}
			verdicts := curated.Explain(src, curated.Options{Page: at})
			if asJSON {
				return writeJSON(p.out, verdicts)
			}
			return printVerdicts(p.out, verdicts)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func (p *program) diffCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff BEFORE AFTER",
		Short: "Show what changed between two versions of a list",
		Example: `  linkletter diff old/README.md README.md
  linkletter diff --json before.md after.md | jq '.added[].url'`,
		Args: args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, given []string) error {
			before, err := p.readList(cmd.Context(), given[0], "")
			if err != nil {
				return err
			}
			after, err := p.readList(cmd.Context(), given[1], "")
			if err != nil {
				return err
			}
			report := curated.Diff(curated.Remember(before), after).Report()
			if asJSON {
				return writeJSON(p.out, report)
			}
			return printReport(p.out, report)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

// fetch gets the Markdown that an argument names.
func (p *program) fetch(ctx context.Context, location string) ([]byte, *url.URL, error) {
	s := &source.Source{UserAgent: userAgent("")}
	got, err := s.Fetch(ctx, location, "")
	if err != nil {
		return nil, nil, err
	}
	return got.Bytes, got.Page, nil
}

// readList fetches and parses the list that an argument names.
func (p *program) readList(ctx context.Context, location, page string) (*curated.List, error) {
	src, at, err := p.fetch(ctx, location)
	if err != nil {
		return nil, err
	}
	if page != "" {
		if at, err = url.Parse(page); err != nil {
			return nil, usageError{fmt.Errorf("--page: %w", err)}
		}
	}
	return curated.Parse(src, curated.Options{Page: at}), nil
}

// userAgent names the program, and the site it works for, to the servers it asks.
func userAgent(base string) string {
	if base == "" {
		return "linkletter/" + version
	}
	return "linkletter/" + version + " (+" + base + ")"
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printEntries lists entries by section, as people read them.
func printEntries(w io.Writer, l *curated.List) error {
	var b strings.Builder
	if l.Title != "" {
		fmt.Fprintf(&b, "%s\n", oneLine(l.Title))
	}
	section := "\x00"
	for _, e := range l.Entries {
		if s := sectionLabel(e.Sections[0]); s != section {
			section = s
			fmt.Fprintf(&b, "\n%s\n", oneLine(s))
		}
		fmt.Fprintf(&b, "  %s\n    %s\n", oneLine(e.Title), oneLine(e.URL))
	}
	fmt.Fprintf(&b, "\n%d entries among %d links\n", len(l.Entries), l.Links)
	_, err := io.WriteString(w, b.String())
	return err
}

func printVerdicts(w io.Writer, verdicts []curated.Verdict) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, v := range verdicts {
		kind := "-"
		if v.Entry {
			kind = "entry"
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\n", v.Line, kind, oneLine(v.Rule), oneLine(v.URL))
	}
	return t.Flush()
}

func printReport(w io.Writer, r curated.Report) error {
	var b strings.Builder
	for _, e := range r.Added {
		fmt.Fprintf(&b, "+ %s  %s\n", oneLine(e.Title), oneLine(e.URL))
	}
	for _, e := range r.Removed {
		fmt.Fprintf(&b, "- %s  %s\n", oneLine(e.Title), oneLine(e.URL))
	}
	for _, c := range r.Changed {
		fmt.Fprintf(&b, "~ %s  %s  (%s)\n", oneLine(c.After.Title), oneLine(c.After.URL), strings.Join(c.What, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// sectionLabel is a path of headings in one line.
func sectionLabel(path []string) string { return strings.Join(path, " › ") }

// oneLine takes out what could move a terminal's cursor or break a line: a list's text is a stranger's.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			return ' '
		}
		return c
	}, s)
}

// exists says whether a file is there; any other trouble shows when it is opened.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
