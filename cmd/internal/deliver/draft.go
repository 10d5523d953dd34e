package deliver

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"html"
	"strings"

	"linkletter/cmd/internal/mailer"
	"linkletter/feed/digest"
	"linkletter/store"
)

// MaxNote is how long an editor's note can be, in bytes.
const MaxNote = 16 << 10

// Note gives a draft an editor's note, Markdown; an empty one removes it. The operator gets the draft anew.
func (d *Deliverer) Note(ctx context.Context, draft int64, note string) error {
	return d.Store.SetNote(ctx, draft, note, d.render)
}

// Redraft renders the drafts anew whose entries were hidden or shown. The operator gets those that changed.
func (d *Deliverer) Redraft(ctx context.Context) error {
	for _, dig := range d.Digests {
		if err := d.Store.Redraft(ctx, dig, d.render); err != nil {
			return err
		}
	}
	return nil
}

// emptied is what a draft reads like that has no entry left. Templates are made for issues that have one.
func emptied(i *digest.Issue) store.Parts {
	const says = "All entries of this draft are hidden or left their lists: there is nothing to send."
	return store.Parts{
		Subject: fmt.Sprintf("%s #%d: nothing is left of it", i.Digest, i.Number),
		Text:    says + "\n",
		HTML:    "<!DOCTYPE html>\n<html lang=\"en\"><body><p>" + says + "</p></body></html>\n",
	}
}

// Approve makes a draft the issue that Run delivers.
func (d *Deliverer) Approve(ctx context.Context, draft int64) error {
	return d.Store.Approve(ctx, draft, d.render)
}

// Drafts mails the drafts that the operator has not seen, and says how many were accepted. What was not stays to be mailed.
// Only the holder of the senders' lease may call it, also while Run is at work: it has a connection of its own.
func (d *Deliverer) Drafts(ctx context.Context) (sent int, err error) {
	drafts, err := d.Store.UntoldDrafts(ctx)
	if err != nil {
		return 0, err
	}
	var failed error
	for _, draft := range drafts {
		if ctx.Err() != nil {
			return sent, context.Cause(ctx)
		}
		if err := d.mailDraft(ctx, draft); err != nil {
			failed = errors.Join(failed, fmt.Errorf("issue %d of digest %s cannot be mailed to the operator: %w", draft.Number, draft.Digest, err))
			continue
		}
		sent++
		failed = errors.Join(failed, d.Store.Told(context.WithoutCancel(ctx), draft))
	}
	return sent, failed
}

// mailDraft sends a draft as its subscribers would get it, with a notice on top.
func (d *Deliverer) mailDraft(ctx context.Context, draft *store.Issue) error {
	to, err := mailer.ParseAddress(d.Operator)
	if err != nil {
		return fmt.Errorf("operator %q: %w", d.Operator, err)
	}
	counts, err := d.Store.SubscriptionCounts(ctx)
	if err != nil {
		return err
	}
	l, err := d.letter(draft.Issue, draft.Note, draft.Parts)
	if err != nil {
		return err
	}
	l.parts = noticed(draft, counts[draft.Digest].Confirmed)
	msg, err := d.compose(l, version(draft.Parts), to.String())
	if err != nil {
		return err
	}
	conn, err := d.Dial(ctx)
	if err != nil {
		return err
	}
	_, err = conn.Deliver(ctx, l.agent, to.String(), msg, func() error { return nil })
	return errors.Join(err, conn.Close())
}

// version stands for the subscriber in a draft's Message-ID, which so is another when the draft reads differently. No
// subscriber has a negative number.
func version(p store.Parts) int64 {
	sum := sha256.Sum256([]byte(p.Subject + "\x00" + p.Text + "\x00" + p.HTML))
	return -1 - int64(binary.BigEndian.Uint64(sum[:])>>1)
}

// noticed is a draft with the notice on top: how many it is for, and what can be done.
func noticed(draft *store.Issue, subscribers int) store.Parts {
	in := fmt.Sprintf(" %d --digest %s", draft.Number, draft.Digest)
	to := fmt.Sprintf("%d subscribers", subscribers)
	if subscribers == 1 {
		to = "1 subscriber"
	}
	intro := "This is a draft. It goes to " + to + ", as it stands below or the sections that they chose of it, but to nobody who is paused, when you approve it; its links to the web work only then:"
	if draft.Len() == 0 {
		intro = "This is a draft, and nothing is left of it. `linkletter entries show URL` brings an entry back; cancel ends the draft:"
	}
	commands := "linkletter digest approve" + in + "\n" +
		"linkletter digest note" + in + " --file note.md     (a note of yours on top)\n" +
		"linkletter entries hide URL          (leaves an entry out)\n" +
		"linkletter digest cancel" + in
	text := intro + "\n\n    " + strings.ReplaceAll(commands, "\n", "\n    ") + "\n\n" + strings.Repeat("=", 72) + "\n\n" + draft.Parts.Text
	notice := `<div style="padding:16px 20px;background:#fff3c4;color:#24211d;font:14px/1.5 sans-serif;">` + html.EscapeString(intro) +
		`<pre style="margin:8px 0 0 0;white-space:pre-wrap;color:#24211d;">` + html.EscapeString(commands) + `</pre></div>`
	body := draft.Parts.HTML
	at := 0 // on top, where there is no body to begin with
	if i := strings.Index(body, "<body"); i >= 0 {
		if end := strings.IndexByte(body[i:], '>'); end >= 0 {
			at = i + end + 1
		}
	}
	return store.Parts{Subject: "[draft] " + draft.Parts.Subject, Text: text, HTML: body[:at] + "\n" + notice + body[at:]}
}
