package main

import (
	"context"
	"fmt"
	"time"

	"linkletter/cmd/internal/deliver"
	"linkletter/cmd/internal/mailbox"
	"linkletter/cmd/internal/mailer"
	"linkletter/store"
)

// newReceiver makes what accounts for messages that come back, from the configuration.
func (a *app) newReceiver() *deliver.Receiver {
	r := &deliver.Receiver{
		Store: a.store, Keys: a.keys, Bounces: a.cfg.bounces, Log: a.log,
		Limit: store.SoftLimit{Score: a.cfg.Mailbox.SoftLimit, HalfLife: a.cfg.Mailbox.HalfLife},
	}
	for _, d := range a.cfg.Digests {
		if from, err := mailer.ParseAddress(d.From); err == nil { // validated when the configuration was read
			r.From = append(r.From, from.String())
		}
	}
	return r
}

// readMailbox looks at what is new in the configured mailbox.
func (a *app) readMailbox(ctx context.Context) (mailbox.Tally, error) {
	r := a.newReceiver()
	handle := func(ctx context.Context, m *mailbox.Message) (bool, error) {
		receipt, err := r.Receive(ctx, m)
		if err == nil {
			a.log.Debug("a message came", "understood", receipt.Understood, "what", receipt.Text)
		}
		return receipt.Understood, err
	}
	server, err := a.cfg.imap()
	if err != nil {
		return mailbox.Tally{}, err
	}
	if server == nil {
		dir := mailbox.Maildir{Dir: a.cfg.path(a.cfg.Mailbox.Maildir), Delete: a.cfg.Mailbox.Delete}
		return dir.Read(ctx, handle)
	}
	from, err := a.store.MailboxPosition(ctx, server.Name())
	if err != nil {
		return mailbox.Tally{}, err
	}
	return server.Read(ctx, mailbox.Position{Validity: from.Validity, Last: from.Last}, handle, func(p mailbox.Position) error {
		return a.store.SetMailboxPosition(context.WithoutCancel(ctx), store.MailboxPosition{Mailbox: server.Name(), Validity: p.Validity, Last: p.Last})
	})
}

// readMailboxNow reads the mailbox and notes how that went, for status.
func (a *app) readMailboxNow(ctx context.Context) (mailbox.Tally, error) {
	tally, err := a.readMailbox(ctx)
	if ctx.Err() != nil {
		return tally, context.Cause(ctx)
	}
	if err != nil {
		err = fmt.Errorf("what came back cannot be read: %w", err)
	}
	if noting := a.store.SetTrouble(ctx, store.TroubleMailbox, err); noting != nil {
		return tally, noting
	}
	return tally, err
}

// readMailWhenDue reads the mailbox now and every so often, until the context ends.
func (a *app) readMailWhenDue(ctx context.Context) {
	tick := time.NewTicker(a.cfg.Mailbox.Every)
	defer tick.Stop()
	for {
		func() {
			var ignored error // recovered has logged it
			defer a.recovered(&ignored)
			tally, err := a.readMailboxNow(ctx)
			switch {
			case ctx.Err() != nil:
			case err != nil:
				a.log.Error("reading the mailbox", logError, err)
			case tally.Read > 0:
				a.log.Info("the mailbox was read", "messages", tally.Read, "understood", tally.Understood)
			}
		}()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
