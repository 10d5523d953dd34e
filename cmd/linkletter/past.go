package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/check"
	"linkletter/cmd/internal/source"
	"linkletter/feed/curated"
)

// pastFlags are how the commands that need no configuration are told of a list in a git checkout.
type pastFlags struct {
	repo, rev       string
	follow          bool
	since, after    string
	page, id, title string
	accept, dismiss []string
}

func (f *pastFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.repo, "repo", "", "the git work tree or bare repository in `DIR` (default: the one that the file stands in)")
	flags.StringVar(&f.rev, "rev", "", "the branch, tag or commit to read (default: HEAD)")
	flags.BoolVar(&f.follow, "follow", true, "follow the file through renames")
	flags.StringVar(&f.page, "page", "", "the `address` where people read the list; relative links start there (default: the file's page, where the origin is a well-known forge)")
	flags.StringVar(&f.id, "id", "", "the list's `name` in permanent ids (default: made from its title)")
	flags.StringArrayVar(&f.accept, "accept", nil, "announce what the guard holds of this `COMMIT`; may be repeated")
	flags.StringArrayVar(&f.dismiss, "dismiss", nil, "what the guard holds of this `COMMIT` is no news; may be repeated")
}

// pastList is a list as the history of its file tells it. Its entries come newest first, those that left it included: what
// leaves must not make room in a feed, or an old entry would turn up there as if it were new.
type pastList struct {
	*check.Past
	id, title string
	since     time.Time          // the news begins; zero: at the beginning
	later     map[string]bool    // the commits whose news it is; nil: all
	page      string             // where people read it, or empty
	news      []*check.PastEntry // what was announced
	first     []*check.PastEntry // what the list began with
	waiting   []*check.PastEntry // what the guard holds, and nobody has decided
	reasons   map[string]string  // why, by commit
}

// readPast replays the history of a list. What it announced before since is left out.
func (p *program) readPast(ctx context.Context, files []string, f *pastFlags) (*pastList, error) {
	since, ok := parseSince(f.since, p.now())
	if !ok {
		return nil, usageError{hintError{fmt.Errorf("--since: there is no date %q", f.since), "write 2026-01-31, 2026-01-31T12:00:00Z, 7d or 12h"}}
	}
	var page *url.URL
	if f.page != "" {
		var err error
		if page, err = url.Parse(f.page); err != nil || page.Host == "" || page.Scheme != "http" && page.Scheme != "https" {
			return nil, usageError{hintError{fmt.Errorf("--page: %q is no web address", f.page), "write the https:// address where people read the list"}}
		}
	}
	if f.id != "" && (!idForm.MatchString(f.id) || isReserved(f.id)) {
		return nil, usageError{hintError{fmt.Errorf("--id: %q cannot be an id", f.id), "use lower-case letters, digits and hyphens"}}
	}
	s := &source.Source{}
	query := source.Query{Repository: f.repo, Rev: f.rev, Files: files}
	query.Follow = f.follow && query.Single()
	past, err := check.Replay(ctx, s.History(ctx, query), curated.DefaultGuard, page, p.now())
	if err != nil {
		return nil, explainHistory(err, query)
	}
	if past.List == nil || len(past.List.Entries) == 0 {
		return nil, hintError{fmt.Errorf("no entries were found in %s", strings.Join(files, ", ")), fmt.Sprintf("`linkletter explain %s` tells why, link by link", files[0])}
	}
	l := &pastList{Past: past, since: since.UTC(), page: f.page}
	if f.after != "" {
		query.After = f.after
		if err := p.readLater(l, s.History(ctx, query)); err != nil {
			return nil, explainHistory(err, query)
		}
	}
	if err := p.judgeShallow(past, l.since); err != nil {
		return nil, err
	}
	if files := past.Head.Files; l.page == "" && len(files) == 1 && files[0].Page != nil {
		l.page = files[0].Page.String()
	}
	named := cmp.Or(past.List.Title, nameOf(past, query))
	l.title, l.id = cmp.Or(f.title, named), cmp.Or(f.id, listID(named))
	p.sortOut(l, f)
	return l, nil
}

// nameOf names a list without a title by its file, or by its folder or repository.
func nameOf(past *check.Past, query source.Query) string {
	home := query.Repository
	if home == "" {
		home = filepath.Dir(query.Files[0])
	}
	switch files := past.Head.Files; {
	case len(files) != 1:
		return cmp.Or(nameOfFolder(home), "List")
	case query.Repository == "": // home is the folder of the file already
		return nameOfFile(path.Base(files[0].Path), home)
	default:
		return nameOfFile(files[0].Path, home)
	}
}

// explainHistory gives an error of a history the hint that it carries, or the one that patterns need.
func explainHistory(err error, query source.Query) error {
	var why *source.HistoryError
	if !errors.As(err, &why) {
		return err
	}
	amiss := func(file string) bool {
		return source.IsPattern(file) && (errors.Is(err, source.ErrNoHistory) || !exists(filepath.Dir(file)))
	}
	if query.Repository == "" && slices.ContainsFunc(query.Files, amiss) {
		return hintError{err, "patterns start at the top of a repository that is named: --repo ."}
	}
	return hintError{err, why.Hint}
}

// readLater notes down the revisions that came after a commit, instead of a date. When a push with force took that commit
// away, nobody can tell what came after it, and the date stays.
func (p *program) readLater(l *pastList, revisions iter.Seq2[*source.Revision, error]) error {
	later := map[string]bool{}
	for rev, err := range revisions {
		if err != nil {
			return err
		}
		if rev.Rewritten {
			fmt.Fprintf(p.err, "linkletter: warning: the history was rewritten: the commit of --after is no part of it, and --since decides\n")
			return nil
		}
		later[rev.Commit] = true
	}
	l.later, l.since = later, time.Time{}
	return nil
}

// judgeShallow refuses a clone in which entries look as if they came with its oldest commit, where those are asked for.
func (p *program) judgeShallow(past *check.Past, since time.Time) error {
	at := past.Shallow
	if at.Commit == "" {
		return nil
	}
	if !since.After(at.Date) {
		return hintError{fmt.Errorf("this is a shallow clone, which begins at commit %.10s of %s: when each entry came cannot be told from it", at.Commit, at.Date.Format(time.DateOnly)),
			"`git fetch --unshallow` gets the rest; in a CI job, check out with the whole history (fetch-depth: 0)"}
	}
	fmt.Fprintf(p.err, "linkletter: warning: this is a shallow clone, which begins at commit %.10s of %s: what left the list before that and returned looks new\n", at.Commit, at.Date.Format(time.DateOnly))
	return nil
}

// sortOut tells news from what is none.
func (p *program) sortOut(l *pastList, f *pastFlags) {
	l.reasons = map[string]string{}
	for _, h := range l.Holds {
		l.reasons[h.Commit] = h.Reason
	}
	p.warnOfUnknown(l, "--accept", f.accept)
	p.warnOfUnknown(l, "--dismiss", f.dismiss)
	for i := range l.Entries {
		e := &l.Entries[i]
		switch {
		case e.Published.Before(l.since), l.later != nil && !l.later[e.Origin.Commit]:
		case e.First:
			l.first = append(l.first, e)
		case e.News(), e.Held && !e.Silent && begins(e.Origin.Commit, f.accept):
			l.news = append(l.news, e)
		case e.Held && !e.Silent && !e.Gone && !begins(e.Origin.Commit, f.dismiss):
			l.waiting = append(l.waiting, e)
		}
	}
	for _, entries := range [][]*check.PastEntry{l.news, l.first, l.waiting} {
		slices.SortFunc(entries, func(a, b *check.PastEntry) int { return b.Published.Compare(a.Published) })
	}
}

// begins reports whether one of the abbreviated commits given names this one.
func begins(commit string, given []string) bool {
	return slices.ContainsFunc(given, func(g string) bool { return len(g) >= 7 && strings.HasPrefix(commit, strings.ToLower(g)) })
}

// warnOfUnknown says that a commit given names nothing that is held.
func (p *program) warnOfUnknown(l *pastList, flag string, given []string) {
	for _, g := range given {
		if !slices.ContainsFunc(l.Holds, func(h check.PastRevision) bool { return begins(h.Commit, []string{g}) }) {
			fmt.Fprintf(p.err, "linkletter: warning: %s %s: nothing is held of a commit that begins so\n", flag, oneLine(g))
		}
	}
}

// heldError ends a command that left out what the guard holds.
type heldError struct{ error }

func (heldError) Is(target error) bool { return target == errHeld }

// held names what was left out: the newest revision, and of the entries that wait those that would be shown. It ends the
// command; nil where nothing is held.
func (p *program) held(l *pastList, shown func(*check.PastEntry) bool) error {
	var commits []string
	counts := map[string]int{}
	for _, e := range l.waiting {
		if c := e.Origin.Commit; shown(e) {
			if counts[c]++; counts[c] == 1 {
				commits = append(commits, c)
			}
		}
	}
	for _, c := range commits {
		fmt.Fprintf(p.err, "linkletter: held: %s of commit %.10s: %s\n", count(counts[c], "entry", "entries"), c, l.reasons[c])
	}
	if n := len(l.LeftOut); n > 0 && l.LeftOut[n-1].Commit == l.Head.Commit {
		last := l.LeftOut[n-1]
		return hintError{heldError{fmt.Errorf("the newest revision, commit %.10s, is not believed: %s", last.Commit, oneLine(last.Reason))},
			"what was written is the list before it; mend the list, or have a look with `linkletter explain`"}
	}
	if len(commits) == 0 {
		return nil
	}
	return hintError{heldError{errors.New("what is held was left out")},
		fmt.Sprintf("`--accept %.10s` announces the entries of that commit, `--dismiss %.10s` says that they are no news", commits[0], commits[0])}
}
