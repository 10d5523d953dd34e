package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"linkletter/cmd/internal/mailer"
	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// confirmationBatch is how many confirmation mails are taken at once; a crash puts off so many.
const confirmationBatch = 8

// Confirmations sends the confirmation mails that are due, and says how many were accepted. An error says that nothing can
// be sent at all; what was not sent is due at once again. Only the holder of the senders' lease may call it, also while Run
// is at work: somebody waits for each of these, and a long issue must not stand before them. It has a connection of its own.
func (d *Deliverer) Confirmations(ctx context.Context) (sent int, err error) {
	marks, err := d.Store.BounceKeys(ctx)
	if err != nil {
		return 0, err
	}
	c := confirmer{Deliverer: d, marks: marks}
	defer c.hangUp() // all its messages have had their replies
	for ctx.Err() == nil {
		due, err := d.Store.DueConfirmations(ctx, confirmationBatch, retryAfter)
		if err != nil || len(due) == 0 {
			return c.sent, err
		}
		if untried, err := c.sendAll(ctx, due); err != nil {
			return c.sent, errors.Join(err, d.Store.ReleaseConfirmations(context.WithoutCancel(ctx), untried))
		}
	}
	return c.sent, context.Cause(ctx)
}

// confirmer is one call of Confirmations.
type confirmer struct {
	*Deliverer
	marks digest.BounceKeys
	conn  Conn // nil: none is open
	begun int  // messages on it
	sent  int
}

func (c *confirmer) hangUp() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// sendAll sends one mail after another. An error says that nothing can be sent, and comes with those that were not tried.
func (c *confirmer) sendAll(ctx context.Context, due []store.Confirmation) (untried []store.Confirmation, err error) {
	for i := 0; i < len(due); i++ {
		mail := due[i]
		if ctx.Err() != nil {
			return due[i:], context.Cause(ctx)
		}
		if err := c.pace(ctx); err != nil {
			return due[i:], err
		}
		if c.PerConnection > 0 && c.begun >= c.PerConnection {
			c.hangUp()
		}
		if c.conn == nil {
			conn, err := c.Dial(ctx)
			if err != nil {
				return due[i:], fmt.Errorf("confirmation mails cannot be sent; check the server and the settings under \"mail\": %w", err)
			}
			c.conn, c.begun = conn, 0
		}
		c.begun++
		good, err := c.confirm(ctx, mail)
		if err != nil && !good {
			c.hangUp()
		}
		if hadEnough(err, c.begun) && ctx.Err() == nil {
			i-- // over another connection
			continue
		}
		record := context.WithoutCancel(ctx)
		switch v := judge(err); {
		case err == nil:
			c.sent++
			err = c.Store.ConfirmationSent(record, mail.ID)
		case ctx.Err() != nil && v != doubt: // not the server's fault, nor the recipient's
			return due[i:], context.Cause(ctx)
		case v == stop:
			return due[i:], fmt.Errorf("confirmation mails cannot be sent: %w", err)
		default:
			c.Log.Warn("a confirmation mail was not accepted", "confirmation", mail.ID, logError, err)
			err = c.Store.ConfirmationFailed(record, mail.ID, err.Error(), v == fail || v == reject || v == refuse || v == suppress || v == oversize)
		}
		if err != nil {
			return due[i+1:], err
		}
	}
	return nil, nil
}

// retryAfter is when a confirmation mail is tried again; the store gives it up with its link.
func retryAfter(attempts int) time.Duration { return backoff[min(attempts, len(backoff)-1)] }

// confirm sends one confirmation mail; good says that the connection is fit for another.
func (c *confirmer) confirm(ctx context.Context, mail store.Confirmation) (good bool, err error) {
	dig, err := c.asking(mail)
	if err != nil {
		return true, notSendable(err)
	}
	from, err := mailer.ParseAddress(dig.From)
	if err != nil {
		return true, fmt.Errorf("digest %s: from %q: %w", dig.ID, dig.From, err)
	}
	m, err := c.question(mail, dig)
	if err != nil {
		return true, fmt.Errorf("rendering a confirmation mail: %w", err)
	}
	msg, err := mailer.Compose(mailer.Message{
		From: dig.From, To: mail.Address, Subject: m.Subject, Text: m.Text, HTML: m.HTML,
		Date:      mail.Expires.Add(-store.ConfirmationTime), // when it was asked for: the same on every try
		MessageID: c.Keys.ConfirmationID(mail.ID, from.Domain),
	})
	if err != nil {
		return true, notSendable(err)
	}
	if msg, err = c.Signers[dig.ID].Sign(msg); err != nil {
		return true, err
	}
	about := mail.Subscriber
	if mail.Address != mail.From { // what happens to it says nothing about the subscriber's address
		about = 0
	}
	_, err = c.conn.Deliver(ctx, c.returnPath(c.marks, from.String(), 0, about), mail.Address, msg, func() error { return nil })
	var e *mailer.Error
	return errors.As(err, &e) && !e.Lost, err
}

// asking is the digest in whose name a mail asks: the one it is about, or, of an act, one that the subscriber knows.
func (c *confirmer) asking(mail store.Confirmation) (digest.Digest, error) {
	dig, err := c.digest(mail.Digest)
	if err != nil && mail.Kind != "" && len(c.Digests) > 0 {
		return c.Digests[0], nil
	}
	return dig, err
}

// question renders a confirmation mail.
func (c *confirmer) question(mail store.Confirmation, dig digest.Digest) (templates.Mail, error) {
	if mail.Kind == "" {
		link := templates.DigestLink{ID: dig.ID, Title: dig.Title}
		for _, l := range c.Site.Digests {
			if l.ID == dig.ID {
				link = l
			}
		}
		return c.Templates.ConfirmationMail(templates.ConfirmationMail{
			Site: c.Site, Digest: link, Expires: mail.Expires,
			Confirm: c.Site.Confirm(c.Keys.Confirm(mail.Subscriber, mail.Digest, mail.Nonce, mail.Expires)),
		})
	}
	return c.Templates.ActMail(templates.ActMail{
		Site: c.Site, Kind: string(mail.Kind), Address: templates.Mask(mail.From), Other: mail.Other, Expires: mail.Expires,
		Link: c.Site.Act(c.Keys.Act(mail.ID, mail.Nonce, mail.Expires)),
	})
}

// notSendable is the verdict on a message that no server has seen.
func notSendable(err error) error { return &mailer.Error{Phase: mailer.Addressing, Err: err} }
