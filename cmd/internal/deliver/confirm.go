package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"linkletter/cmd/internal/mailer"
	"linkletter/store"
	"linkletter/templates"
)

// Confirmations sends the confirmation mails that are due, and says how many were accepted. An error says that nothing can
// be sent at all; what was not sent is tried again later. Only the holder of the senders' lease may call it.
func (d *Deliverer) Confirmations(ctx context.Context) (sent int, err error) {
	var conn Conn
	defer func() {
		if conn != nil {
			conn.Close() // all its messages have had their replies
		}
	}()
	for ctx.Err() == nil {
		due, err := d.Store.DueConfirmations(ctx, batch, retryAfter)
		if err != nil || len(due) == 0 {
			return sent, err
		}
		for _, c := range due {
			if conn == nil {
				if conn, err = d.Dial(ctx); err != nil {
					conn = nil
					return sent, fmt.Errorf("confirmation mails cannot be sent; check the server and the settings under \"mail\": %w", err)
				}
			}
			good, err := d.confirm(ctx, conn, c)
			if err != nil && !good {
				conn.Close()
				conn = nil
			}
			switch v := judge(err); {
			case err == nil:
				sent++
				err = d.Store.ConfirmationSent(context.WithoutCancel(ctx), c.ID)
			case v == stop:
				return sent, fmt.Errorf("confirmation mails cannot be sent: %w", err)
			default:
				d.Log.Warn("a confirmation mail was not accepted", "confirmation", c.ID, "error", err)
				err = d.Store.ConfirmationFailed(context.WithoutCancel(ctx), c.ID, err.Error(), v == fail || v == suppress)
			}
			if err != nil {
				return sent, err
			}
		}
	}
	return sent, context.Cause(ctx)
}

// retryAfter is when a confirmation mail is tried again; the store gives it up with its link.
func retryAfter(attempts int) time.Duration { return backoff[min(attempts, len(backoff)-1)] }

// confirm sends one confirmation mail; good says that the connection is fit for another.
func (d *Deliverer) confirm(ctx context.Context, conn Conn, c store.Confirmation) (good bool, err error) {
	dig, err := d.digest(c.Digest)
	if err != nil {
		return true, notSendable(err)
	}
	from, err := mailer.ParseAddress(dig.From)
	if err != nil {
		return true, fmt.Errorf("digest %s: from %q: %w", dig.ID, dig.From, err)
	}
	link := templates.DigestLink{ID: dig.ID, Title: dig.Title}
	for _, l := range d.Site.Digests {
		if l.ID == dig.ID {
			link = l
		}
	}
	m, err := d.Templates.ConfirmationMail(templates.ConfirmationMail{
		Site: d.Site, Digest: link, Expires: c.Expires,
		Confirm: d.Site.Confirm(d.Keys.Confirm(c.Subscriber, c.Digest, c.Nonce, c.Expires)),
	})
	if err != nil {
		return true, fmt.Errorf("rendering a confirmation mail: %w", err)
	}
	msg, err := mailer.Compose(mailer.Message{
		From: dig.From, To: c.Address, Subject: m.Subject, Text: m.Text, HTML: m.HTML,
		Date:      c.Expires.Add(-store.ConfirmationTime), // when they signed up: the same on every try
		MessageID: d.Keys.ConfirmationID(c.ID, from.Domain),
	})
	if err != nil {
		return true, notSendable(err)
	}
	_, err = conn.Deliver(ctx, from.String(), c.Address, msg, func() error { return nil })
	var e *mailer.Error
	return errors.As(err, &e) && !e.Lost, err
}

// notSendable is the verdict on a message that no server has seen.
func notSendable(err error) error { return &mailer.Error{Phase: mailer.Addressing, Err: err} }
