package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"linkletter/cmd/internal/check"
	"linkletter/cmd/internal/deliver"
	"linkletter/cmd/internal/mailer"
	"linkletter/feed/digest"
	"linkletter/templates"
)

// previewFlags are the flags of `linkletter digest preview`.
type previewFlags struct {
	pastFlags
	format, from, to string
	files            []string
	browser          bool
	issue            int // 0: the next
}

// previewFormats are what an issue can be written as.
var previewFormats = []string{"text", "html", "markdown", "eml", "json"}

func (p *program) digestPreviewCommand() *cobra.Command {
	f := &previewFlags{}
	cmd := &cobra.Command{
		Use:   "preview [DIGEST]",
		Short: "Show the next issue as it would be sent now, or that of a list in a git checkout",
		Long: `Show the next issue as it would be sent now, or with --issue a draft or one that was sent;
nothing is stored. As eml it is the message as it goes over the wire, signed; its links
unsubscribe nobody. ` + "`linkletter digest send --test ADDRESS`" + ` mails it.

With --file it needs no configuration and no database: it is the issue of what was added to
a list in a git checkout since a date, as its history tells (see ` + "`linkletter feed --help`" + `),
with nobody to unsubscribe. What the guard holds is left out and named, and the exit status
is 3. With nothing new it says so on standard error and writes nothing.

As Markdown it may be pasted into a release, a discussion or an issue: what entries say shows
as itself, mentions nobody and refers to nothing there. A comment at its end names the
commit that it goes up to, for --after next time.`,
		Example: `  linkletter digest preview
  linkletter digest preview --browser
  linkletter digest preview --issue 12 --format html weekly
  linkletter digest preview --format eml weekly > issue.eml
  linkletter digest preview --file README.md --since 7d --format markdown`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if !slices.Contains(previewFormats, f.format) {
				return usageError{hintError{fmt.Errorf("--format: there is no format %q", f.format), "text, html, markdown, eml or json"}}
			}
			if f.browser && cmd.Flags().Changed("format") {
				return usageError{errors.New("a browser shows HTML: --browser goes with no --format")}
			}
			if f.browser {
				f.format = "html"
			}
			if len(f.files) == 0 {
				return p.withDigest(func(ctx context.Context, a *app, d DigestConfig) error {
					return a.previewIssue(ctx, d, f)
				})(cmd, given)
			}
			if len(given) > 0 || cmd.Flags().Changed("issue") || f.to != "" {
				return usageError{errors.New("a file has no digest, and so no --issue and no --to: name one or the other")}
			}
			return p.previewPast(cmd.Context(), f)
		},
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "text", "text, html, markdown, eml (the whole message) or json")
	flags.BoolVar(&f.browser, "browser", false, "show the HTML in a browser: $BROWSER, or the one this machine opens pages with")
	flags.IntVar(&f.issue, "issue", 0, "the issue of this `NUMBER`, a draft or one that was sent, and not the next one")
	flags.StringVar(&f.to, "to", "", "the `address` that an eml message is to (default: the digest's own)")
	flags.StringArrayVar(&f.files, "file", nil, "the issue of the list in this `FILE` of a git checkout; may be repeated; the flags below are for it alone")
	flags.StringVar(&f.since, "since", "7d", "what was added from `DATE` on: 2026-01-31, a time as in RFC 3339, or an age such as 7d or 12h")
	flags.StringVar(&f.after, "after", "", "what was added after this `COMMIT`, in full, whatever its date; --since is for when it is empty or lost")
	flags.StringVar(&f.title, "title", "", "what the issue is called (default: New in, and the list's title)")
	flags.StringVar(&f.from, "from", "", "the `mailbox` that an eml message is from, and goes to")
	return cmd
}

// previewIssue shows the next issue of a digest, or the one asked for.
func (a *app) previewIssue(ctx context.Context, d DigestConfig, f *previewFlags) error {
	preview, err := a.preview(ctx, d, f.issue)
	if errors.Is(err, errNothingNew) {
		_, err := fmt.Fprintf(a.err, "linkletter: nothing new for %s: there would be no issue\n", d.ID)
		return err
	}
	if err != nil {
		return err
	}
	if f.to != "" {
		if _, err := mailer.ParseAddress(f.to); err != nil {
			return usageError{fmt.Errorf("--to %q: %w", f.to, err)}
		}
	}
	if f.format == "eml" {
		msg, err := preview.Message(f.to)
		if err != nil {
			return err
		}
		_, err = a.out.Write(msg)
		return err
	}
	m := templates.Mail(preview.Parts)
	if f.browser {
		return a.browse(fmt.Sprintf("%s-%d.html", d.ID, preview.Issue.Number), m.HTML)
	}
	return a.writeIssue(f.format, a.templates, templates.IssueMail{Site: a.site, Issue: preview.Issue, Note: preview.Note}, m)
}

// errNothingNew says that there is no next issue.
var errNothingNew = errors.New("nothing new: there would be no issue")

// preview gives the issue of that number, or, for 0, the next one.
func (a *app) preview(ctx context.Context, d DigestConfig, number int) (*deliver.Preview, error) {
	if number != 0 {
		issue, err := a.issue(ctx, d.ID, number)
		if err != nil {
			return nil, err
		}
		return a.deliverer.PreviewIssue(issue)
	}
	preview, err := a.deliverer.Preview(ctx, d.ID)
	if err == nil && preview == nil {
		err = errNothingNew
	}
	return preview, err
}

// writeIssue writes an issue that is rendered already, or renders it as what is no message.
func (p *program) writeIssue(format string, set *templates.Set, d templates.IssueMail, m templates.Mail) (err error) {
	switch format {
	case "text":
		_, err = fmt.Fprint(p.out, m.Text)
	case "html":
		_, err = fmt.Fprint(p.out, m.HTML)
	case "json":
		err = writeJSON(p.out, d.Issue)
	case "markdown":
		var text string
		if text, err = set.IssueMarkdown(d); err == nil {
			_, err = fmt.Fprint(p.out, text)
		}
	}
	return err
}

// previewPast shows the issue of what was added to a list in a git checkout.
func (p *program) previewPast(ctx context.Context, f *previewFlags) error {
	if f.format == "eml" && f.from == "" {
		return usageError{hintError{errors.New("a message is from somebody"), `name the mailbox: --from "Links <links@example.org>"`}}
	}
	set, err := templates.Load(nil)
	if err != nil {
		return fmt.Errorf("loading the templates: %w", err)
	}
	title := f.title
	f.title = "" // the flag names the issue, not the list
	l, err := p.readPast(ctx, f.files, &f.pastFlags)
	if err != nil {
		return err
	}
	if title == "" {
		title = "New in " + l.title
	}
	now := p.now().UTC()
	d := templates.IssueMail{Issue: composePast(l, title, now), Since: l.begins(), Page: l.page, UpTo: l.Head.Commit}
	if d.Issue.Len() == 0 {
		fmt.Fprintf(p.err, "linkletter: nothing new in %s\n", oneLine(l.title))
	} else if err := p.writePast(f, set, d); err != nil {
		return err
	}
	return p.held(l, func(*check.PastEntry) bool { return true })
}

// begins is when the time began that an issue of the news is about.
func (l *pastList) begins() time.Time {
	if n := len(l.news); l.later != nil && n > 0 {
		return l.news[n-1].Published
	}
	return l.since
}

// composePast makes the issue of a list's news.
func composePast(l *pastList, title string, now time.Time) *digest.Issue {
	news := map[*check.PastEntry]bool{}
	for _, e := range l.news {
		news[e] = true
	}
	var items []digest.Item
	for i := range l.Entries { // in the order of the list, and so of its sections
		if e := &l.Entries[i]; news[e] && !e.Gone {
			items = append(items, digest.Item{Entry: e.Entry, List: l.id, ListTitle: l.title,
				Published: e.Published, AddedBy: e.Origin.Name(), AddedIn: e.Origin.Link})
		}
	}
	return digest.Compose(digest.Digest{ID: l.id, Title: title, Lists: []string{l.id}}, 0, "", now, items)
}

func (p *program) writePast(f *previewFlags, set *templates.Set, d templates.IssueMail) error {
	m, err := set.IssueMail(d)
	if err != nil {
		return err
	}
	if f.browser {
		return p.browse("issue.html", m.HTML)
	}
	if f.format != "eml" {
		return p.writeIssue(f.format, set, d, m)
	}
	from, err := mailer.ParseAddress(f.from)
	if err != nil {
		return usageError{fmt.Errorf("--from %q: %w", f.from, err)}
	}
	host := from.String()[strings.LastIndexByte(from.String(), '@')+1:]
	sum := sha256.Sum256([]byte(m.HTML))
	message, err := mailer.Compose(mailer.Message{From: f.from, To: from.String(), Subject: m.Subject, Date: d.Issue.Date,
		MessageID: "<" + hex.EncodeToString(sum[:16]) + "@" + host + ">", Text: m.Text, HTML: m.HTML})
	if err != nil {
		return err
	}
	_, err = p.out.Write(message)
	return err
}
