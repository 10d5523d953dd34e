package deliver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"linkletter/cmd/internal/mailer"
	"linkletter/feed/digest"
	"linkletter/store"
)

// Preview is an issue as subscribers will get it, or got it, for somebody who wants to see it first.
type Preview struct {
	Issue *digest.Issue
	Note  string      // the editor's, Markdown; may be empty
	Parts store.Parts // with the links of somebody who is nobody's subscriber
	d     *Deliverer
	*letter
}

// Preview composes the next issue of a digest and stores nothing. It gives nil when there is nothing new.
func (d *Deliverer) Preview(ctx context.Context, id string) (*Preview, error) {
	dig, err := d.digest(id)
	if err != nil {
		return nil, err
	}
	items, err := d.Store.Candidates(ctx, dig)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	last, err := d.Store.Issues(ctx, id, 1)
	if err != nil {
		return nil, err
	}
	number := 1
	if len(last) > 0 {
		number += last[0].Number
	}
	now := d.Now().UTC().Truncate(time.Second)
	issue := digest.Compose(dig, number, now.Format(time.RFC3339), now, items)
	l, _, err := d.proof(issue, "")
	if err != nil {
		return nil, fmt.Errorf("previewing digest %s: %w", id, err)
	}
	return d.preview(l, ""), nil
}

// PreviewIssue is an issue of the store's, a draft or one that was sent, as it was rendered.
func (d *Deliverer) PreviewIssue(i *store.Issue) (*Preview, error) {
	l, err := d.letter(i.Issue, i.Note, i.Parts)
	if err != nil {
		return nil, fmt.Errorf("previewing issue %d of digest %s: %w", i.Number, i.Digest, err)
	}
	return d.preview(l, i.Note), nil
}

func (d *Deliverer) preview(l *letter, note string) *Preview {
	return &Preview{Issue: l.issue, Note: note, Parts: l.personal(d.Keys.Unsubscribe(0, l.issue.Digest)), d: d, letter: l}
}

// Message is what a subscriber with that address would get, signed, but for what is personal: its Message-ID is of its own,
// so that no mailbox takes it for a copy of the real one or the other way round, and its links unsubscribe nobody. An empty
// address is the digest's own.
func (p *Preview) Message(address string) ([]byte, error) {
	if address == "" {
		address = p.agent
	}
	nobody := -1 - rand.Int64() // no subscriber has a number below zero
	return p.d.compose(p.letter, nobody, address)
}

// Test sends an issue to addresses, each of which gets a message of its own, and tells report of each what the server said
// or what went wrong. It needs no lease and stores nothing.
func (d *Deliverer) Test(ctx context.Context, p *Preview, addresses []string, report func(address, reply string, err error)) {
	var conn Conn
	hangUp := func() {
		if conn != nil {
			conn.Close()
			conn = nil
		}
	}
	defer func() { hangUp() }()
	for _, address := range addresses {
		reply, err := func() (string, error) {
			msg, err := p.Message(address)
			if err != nil {
				return "", err
			}
			if conn == nil {
				opened, err := d.Dial(ctx)
				if err != nil {
					return "", fmt.Errorf("check the server and the settings under \"mail\": %w", err)
				}
				conn = opened
			}
			return conn.Deliver(ctx, p.agent, address, msg, func() error { return nil })
		}()
		var e *mailer.Error
		if err != nil && (!errors.As(err, &e) || e.Lost) {
			hangUp()
		}
		report(address, reply, err)
	}
}
