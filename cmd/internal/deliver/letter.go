package deliver

import (
	"fmt"
	"strconv"
	"strings"

	"linkletter/cmd/internal/mailer"
	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// letter is an issue ready to be addressed.
type letter struct {
	issue  *digest.Issue
	note   string // the editor's, Markdown
	parts  store.Parts
	mark   string         // in the parts, where a subscriber's token goes
	from   string         // as the header has it
	agent  string         // the bare address
	series *mailer.Series // composes the copies
}

func (d *Deliverer) letter(issue *digest.Issue, note string, parts store.Parts) (*letter, error) {
	dig, err := d.digest(issue.Digest)
	if err != nil {
		return nil, err
	}
	from, err := mailer.ParseAddress(dig.From)
	if err != nil {
		return nil, fmt.Errorf("digest %s: from %q: %w", dig.ID, dig.From, err)
	}
	l := &letter{issue: issue, note: note, parts: parts, mark: d.mark(issue), from: dig.From, agent: from.String()}
	l.series = mailer.NewSeries(func(id, token string) mailer.Message { return d.message(l, id, token) })
	return l, nil
}

// mail is an issue as its template gets it, with a mark where its reader's token goes.
func (d *Deliverer) mail(i *digest.Issue, note string) templates.IssueMail {
	mark := d.mark(i)
	return templates.IssueMail{Site: d.Site, Issue: i, Note: note, Unsubscribe: d.Site.Unsubscribe(mark), Preferences: d.Site.Preferences(mark)}
}

// proof renders an issue and its editor's note (Markdown), once for all subscribers, with a mark where their token goes, and
// composes a copy to the digest's own address: what cannot be a message is found out before the issue is frozen, and not at
// each subscriber's expense. It settles the issue's Host.
func (d *Deliverer) proof(i *digest.Issue, note string) (*letter, []byte, error) {
	m, err := d.Templates.IssueMail(d.mail(i, note))
	if err != nil {
		return nil, nil, err
	}
	l, err := d.letter(i, note, store.Parts(m))
	if err != nil {
		return nil, nil, err
	}
	i.Host = l.agent[strings.LastIndexByte(l.agent, '@')+1:]
	msg, err := d.compose(l, 0, l.agent)
	if err != nil {
		return nil, nil, err
	}
	// A selection has a sentence more. All entries are the largest of them.
	if _, err = d.selected(l, refs(i)); err != nil {
		return nil, nil, fmt.Errorf("as those get it who chose sections: %w", err)
	}
	return l, msg, nil
}

// mark stands in an issue's parts for a subscriber's token. Nobody can guess it, so nobody can put it into an entry and
// have readers' tokens sent to himself.
func (d *Deliverer) mark(i *digest.Issue) string {
	return d.Keys.Hash("mark", i.Digest+"/"+strconv.Itoa(i.Number))
}

// personal is the issue's parts with one subscriber's token in them.
func (l *letter) personal(token string) store.Parts {
	return store.Parts{
		Subject: l.parts.Subject,
		Text:    strings.ReplaceAll(l.parts.Text, l.mark, token),
		HTML:    strings.ReplaceAll(l.parts.HTML, l.mark, token),
	}
}

// compose makes one subscriber's copy of an issue. It depends on nothing but its arguments and the configuration: made
// again, it is the same but for the time of its signatures.
func (d *Deliverer) compose(l *letter, subscriber int64, address string) ([]byte, error) {
	id := d.Keys.MessageID(l.issue.Digest, l.issue.Number, subscriber, l.issue.Host)
	msg, err := l.series.Compose(address, id, d.Keys.Unsubscribe(subscriber, l.issue.Digest))
	if err != nil {
		return nil, err
	}
	return d.Signers[l.issue.Digest].Sign(msg)
}

// message is a copy of an issue but for whom it is to.
func (d *Deliverer) message(l *letter, id, token string) mailer.Message {
	parts := l.personal(token)
	return mailer.Message{
		From:      l.from,
		Subject:   parts.Subject,
		Date:      l.issue.Date,
		MessageID: id,
		Text:      parts.Text,
		HTML:      parts.HTML,
		List: &mailer.List{
			ID:          l.issue.Digest,
			Title:       l.issue.Title,
			Number:      l.issue.Number,
			Unsubscribe: d.Site.Unsubscribe(token),
			Loopback:    d.Site.Local(),
			Token:       token,
			Mailbox:     d.Bounces.Unmarked(),
			Home:        d.Site.Digest(l.issue.Digest),
			Archived:    d.Site.Issue(l.issue.Digest, l.issue.Number),
		},
	}
}
