package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

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
			return (&printer{w: p.out}).entries(list)
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
  linkletter explain --json README.md | jq '.[] | select(.entry | not)'`,
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
			return (&printer{w: p.out}).report(report)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

// fetch gets the Markdown that an argument names, and warns of what is none.
func (p *program) fetch(ctx context.Context, location string) ([]byte, *url.URL, error) {
	got, err := fetchOnce(ctx, location)
	if err != nil {
		return nil, nil, err
	}
	if got.Doubt != "" {
		fmt.Fprintf(p.err, "linkletter: warning: %s\n", got.Doubt)
	}
	return got.Bytes, got.Page, nil
}

// fetchOnce gets what an argument names, with any doubt that it is Markdown.
func fetchOnce(ctx context.Context, location string) (*source.Fetched, error) {
	s := &source.Source{UserAgent: userAgent("")}
	at := source.Locate(location)
	got, err := s.Fetch(ctx, at, "")
	if err != nil {
		return nil, err
	}
	if err := curated.Readable(got.Bytes); err != nil && got.Doubt == "" {
		got.Doubt = fmt.Sprintf("%s: %v", at, err)
	}
	return got, nil
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

// exists says whether a file is there; any other trouble shows when it is opened.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
