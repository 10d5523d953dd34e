package publish

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"linkletter/feed"
	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// titles is how many entries a digest's index names of each issue.
const titles = 5

// endedDigests are those that had issues and are not configured any more. Their pages stay, for mails link to them.
func (p *Publisher) endedDigests(ctx context.Context) ([]templates.DigestLink, error) {
	known, err := p.Store.IssuedDigests(ctx)
	if err != nil {
		return nil, err
	}
	var ended []templates.DigestLink
	for _, d := range known {
		if !slices.ContainsFunc(p.Site.Digests, func(l templates.DigestLink) bool { return l.ID == d.ID }) {
			ended = append(ended, templates.DigestLink{ID: d.ID, Title: cmp.Or(d.Title, d.ID)})
		}
	}
	return ended, nil
}

// publishDigest writes the pages of a digest's issues, its index of them and its feed.
func (p *Publisher) publishDigest(ctx context.Context, t *tree, d templates.DigestLink, ended bool) error {
	issues, err := p.Store.Issues(ctx, d.ID, math.MaxInt32)
	if err != nil {
		return err
	}
	issues = slices.DeleteFunc(issues, func(i *store.Issue) bool { return !i.Public() })
	files := map[string][]byte{}
	index := templates.DigestPage{Site: p.Site, Digest: d, Ended: ended}
	f := p.newFeed(feed.DigestDir(d.ID), d.Title, "The issues of "+d.Title)
	f.ID, f.Began, f.Language = feed.FeedID(p.Tag, began, feed.DigestDir(d.ID)), began, p.Language
	for i, issue := range issues {
		folder := feed.IssueDir(d.ID, issue.Number)
		var b bytes.Buffer
		if err := p.Templates.Issue(&b, templates.IssuePage{Site: p.Site, Issue: issue.Issue, Note: issue.Note}); err != nil {
			return err
		}
		files[strings.TrimPrefix(folder, feed.DigestDir(d.ID))+feed.PageFile] = b.Bytes()
		index.Issues = append(index.Issues, issueLink(issue.Issue))
		if i < p.window() {
			f.Entries = append(f.Entries, feed.Entry{
				ID:        feed.FeedID(p.Tag, issue.Date, folder),
				Title:     fmt.Sprintf("%s, issue %d", d.Title, issue.Number),
				URL:       p.Site.File(folder),
				Published: issue.Date,
				Updated:   issue.Date,
				Summary:   strings.Join(issueLink(issue.Issue).Titles, " · "),
				Content:   templates.NoteHTML(issue.Note) + issueContent(issue.Issue),
			})
		}
	}
	var b bytes.Buffer
	if err := p.Templates.Digest(&b, index); err != nil {
		return err
	}
	files[feed.PageFile] = b.Bytes()
	if files[feed.AtomFile], err = f.Atom(); err != nil {
		return fmt.Errorf("writing %s: %w", feed.AtomFile, err)
	}
	return t.publish(ctx, part{folder: feed.DigestDir(d.ID), files: files})
}

func issueLink(i *digest.Issue) templates.IssueLink {
	link := templates.IssueLink{Number: i.Number, Date: i.Date, Count: i.Len()}
	for _, g := range i.Groups {
		for _, item := range g.Items {
			if len(link.Titles) < titles {
				link.Titles = append(link.Titles, item.Title)
			}
		}
	}
	return link
}

// issueContent is an issue as HTML for a feed.
func issueContent(i *digest.Issue) string {
	var b strings.Builder
	for _, g := range i.Groups {
		b.WriteString("<h2>" + feed.Link("", g.Heading) + "</h2>")
		for _, item := range g.Items {
			b.WriteString("<h3>" + feed.Link(item.URL, item.Title) + "</h3>" + feed.Content(item.Entry, feed.Origin{By: item.AddedBy, Link: item.AddedIn}, item.ListTitle, ""))
		}
	}
	return b.String()
}
