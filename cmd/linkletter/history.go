package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/source"
	"linkletter/feed/curated"
)

func (p *program) historyCommand() *cobra.Command {
	var q source.Query
	var since string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "history FILE…",
		Short: "Show what each revision of a list in a git repository changed",
		Long: `History replays the versions of a list along the first parents of HEAD, oldest first, and
shows what each added, removed and changed, remembering all earlier ones: what returns
is not new. The first version is the baseline, with all its entries as added. Nothing is
held here; a revision that the guard would hold is marked.

FILE is a path; with --repo it starts at the top of that repository, and may be a pattern:
* and ? stand for all but a slash, ** for folders, [a-z] for one of those characters.
Several files are one list, sorted by path, with the title of each as top section.

--follow looks for the file under the names that it had before; and if it is gone, under
the one it has now. Nothing is fetched. The git program must be installed.`,
		Example: `  linkletter history README.md
  linkletter history README.md --repo ~/src/awesome.git --since 2026-01-01
  linkletter history README.md --rev v2.0 --follow
  linkletter history --repo ~/src/books.git 'books/**/*.md'
  linkletter history README.md --json | jq -r '.commit as $c | .added[] | "\($c) \(.url)"'`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			q.Files = given
			return p.history(cmd.Context(), q, since, asJSON)
		},
	}
	cmd.Flags().StringVar(&q.Repository, "repo", "", "the git work tree or bare repository in `DIR` (default: the one FILE stands in)")
	cmd.Flags().StringVar(&q.Rev, "rev", "", "replay up to `REV`, a branch, a tag or a commit (default: HEAD)")
	cmd.Flags().BoolVar(&q.Follow, "follow", false, "follow the file through renames")
	cmd.Flags().StringVar(&since, "since", "", "show revisions from `DATE` on: 2026-01-31, a time as in RFC 3339, or an age such as 7d or 12h")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON, one object a line")
	return cmd
}

// history replays a history and shows its revisions.
func (p *program) history(ctx context.Context, q source.Query, since string, asJSON bool) error {
	from, ok := parseSince(since, p.now())
	if !ok {
		return usageError{hintError{fmt.Errorf("--since: there is no date %q", since), "write 2026-01-31, 2026-01-31T12:00:00Z, 7d or 12h"}}
	}
	if q.Follow && len(q.Files) > 1 {
		return usageError{hintError{errors.New("--follow: there are several files"), "follow them one by one"}}
	}
	h := history{program: p, show: p.showRevision, since: from}
	if asJSON {
		h.show = p.writeRevision
	}
	// A replay makes far more garbage than it keeps.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	s := &source.Source{}
	for rev, err := range ahead(readings(s.History(ctx, q))) {
		if errors.Is(err, source.ErrGone) && h.begun { // its history is what was asked for
			fmt.Fprintf(p.err, "linkletter: warning: the list is not there any longer as of %s\n", cmp.Or(q.Rev, "HEAD"))
			if !q.Follow && len(q.Files) == 1 {
				fmt.Fprintln(p.err, "  hint: if it was renamed, --follow goes on under its new name")
			}
			break
		}
		if err != nil {
			return explainHistory(err, q)
		}
		if err := h.next(rev); err != nil {
			return err
		}
	}
	if h.begun && !h.shown && !asJSON {
		fmt.Fprintf(p.err, "linkletter: nothing changed since %s; the last revision is commit %.10s of %s\n", since, h.last.Commit, h.last.Date.Format(time.DateOnly))
	}
	return nil
}

// parseSince reads a date, a time or an age; empty is the beginning of time.
func parseSince(s string, now time.Time) (from time.Time, ok bool) {
	if s == "" {
		return time.Time{}, true
	}
	for _, layout := range [...]string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	if days, isDays := strings.CutSuffix(s, "d"); isDays {
		n, err := strconv.ParseUint(days, 10, 16)
		return now.AddDate(0, 0, -int(n)), err == nil
	}
	age, err := time.ParseDuration(s)
	return now.Add(-age), err == nil && age >= 0
}

// revisionReport is one line of history --json.
type revisionReport struct {
	Commit   string    `json:"commit"`
	Date     time.Time `json:"date"`
	Author   string    `json:"author"`
	Baseline bool      `json:"baseline,omitempty"` // the first: all that it holds is in added
	Held     bool      `json:"held,omitempty"`     // the guard would hold it
	Silent   bool      `json:"silent,omitempty"`   // its message asks that nothing is announced
	curated.Report
}

// history is one replay.
type history struct {
	*program
	show   func(*revisionReport) error
	since  time.Time
	memory curated.Memory
	begun  bool
	shown  bool             // something changed since then
	last   *source.Revision // the newest
}

// next takes the next revision in, and shows it.
func (h *history) next(rev *reading) error {
	if rev.Shallow {
		fmt.Fprintf(h.err, "linkletter: warning: this is a shallow clone, whose history begins at commit %.10s; `git fetch --unshallow` gets the rest\n", rev.Commit)
	}
	if large := rev.TooLarge; large != nil {
		fmt.Fprintf(h.err, "linkletter: warning: %s is left out: it is larger than %d MiB\n", large.Where, large.Max>>20)
		return nil
	}
	report := revisionReport{Commit: rev.Commit, Date: rev.Date, Author: rev.Author, Silent: rev.Silent(), Baseline: !h.begun}
	if rev.list == nil {
		report.Report = (&curated.Changes{}).Report()
	} else {
		changes, holds := h.memory.Next(rev.list, curated.DefaultGuard)
		report.Report, report.Held = changes.Report(), len(holds) > 0
	}
	h.begun, h.last = true, rev.Revision
	if rev.Date.Before(h.since) {
		return nil
	}
	h.shown = h.shown || len(report.Added)+len(report.Removed)+len(report.Changed) > 0
	return h.show(&report)
}

// writeRevision writes a revision as one line of JSON.
func (p *program) writeRevision(r *revisionReport) error {
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// showRevision prints a revision for people; one that changed nothing a reader would see is left out.
func (p *program) showRevision(r *revisionReport) error {
	out := &printer{w: p.out}
	var marks string
	for _, m := range [...]struct {
		is   bool
		mark string
	}{{r.Baseline, "  (baseline)"}, {r.Held, "  (the guard would hold this)"}, {r.Silent, "  (silent)"}} {
		if m.is {
			marks += m.mark
		}
	}
	if len(r.Added)+len(r.Removed)+len(r.Changed) == 0 {
		return nil
	}
	out.line("%s  %.10s  %s%s", r.Date.Format(time.DateOnly), r.Commit, oneLine(cmp.Or(r.Author, "unknown")), marks)
	if r.Baseline {
		out.line("  %s", count(len(r.Added), "entry", "entries"))
		return out.err
	}
	return out.report(r.Report)
}
