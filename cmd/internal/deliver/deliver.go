package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"linkletter/cmd/internal/mailer"
	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// Conn is an open way for messages to leave: a connection to a server, or a folder. Deliver calls beforeDot when all but
// the end of the message is out, and does not end it when that fails. A failure that says something about the recipient
// or about another try is a *mailer.Error; any other ends the run.
type Conn interface {
	Deliver(ctx context.Context, from, to string, msg []byte, beforeDot func() error) (reply string, err error)
	Close() error
}

// Attribute keys of the log.
const (
	logSubscriber = "subscriber"
	logError      = "error"
	logKind       = "kind"   // of a report
	logStatus     = "status" // RFC 3463
	logBecame     = "became" // what the report did
)

// Deliverer freezes issues and delivers them. Its fields are set before its methods are called.
type Deliverer struct {
	Store     *store.Store
	Templates *templates.Set
	Keys      digest.Keys
	Site      templates.Site
	Digests   []digest.Digest
	Operator  string                    // the mailbox that drafts are sent to
	Signers   map[string]mailer.Signers // by digest: who sign its messages
	// Bounces is where reports about messages go, with a mark for each; without one they go to the digest's own address.
	Bounces digest.BounceAddress
	Dial    func(ctx context.Context) (Conn, error)
	// Connections is how many are open at once; at least 1.
	Connections int
	// PerConnection is how many messages go over one before it is opened anew; 0: any number.
	PerConnection int
	// Rate bounds how many messages are begun in a second, over all connections; nil: nothing does.
	Rate *rate.Limiter
	// PerDomain is how many messages are on their way to one receiving domain at once; 0: any number.
	PerDomain int
	// Quiet is when no issue goes out. Confirmation mails do: somebody waits for them.
	Quiet QuietHours
	// Hold is how long a message in doubt waits before it is sent again, longer than a server takes to answer (the dot's
	// timeout). 0: it is never sent again, and stays in doubt for the operator to see.
	Hold time.Duration
	Now  func() time.Time
	Log  *slog.Logger
}

// DefaultHold is longer than RFC 5321 lets a server take for its reply to a message.
const DefaultHold = 15 * time.Minute

// Freeze makes the next issue of a digest for a period, the scheduled time it stands for. It gives nil when there is
// nothing to send or the period has its issue already. Run delivers it.
func (d *Deliverer) Freeze(ctx context.Context, id, period string) (*store.Issue, error) {
	dig, err := d.digest(id)
	if err != nil {
		return nil, err
	}
	if err := d.Store.BeginDigest(ctx, id, dig.Lists); err != nil {
		return nil, err
	}
	return d.Store.Freeze(ctx, dig, period, func(i *digest.Issue) (store.Parts, error) { return d.render(i, "") })
}

// render makes an issue's parts, which are sure to make a message.
func (d *Deliverer) render(i *digest.Issue, note string) (store.Parts, error) {
	if i.Len() == 0 {
		return emptied(i), nil
	}
	l, _, err := d.proof(i, note)
	if err != nil {
		return store.Parts{}, err
	}
	return l.parts, nil
}

// returnPath is the sender that a message to a subscriber has on its envelope, where reports about it go. issue is the
// store's row, and 0 of a confirmation mail; from is the digest's own address.
func (d *Deliverer) returnPath(keys digest.BounceKeys, from string, issue, subscriber int64) string {
	if d.Bounces.Local == "" {
		return from
	}
	return d.Bounces.For(keys.Mark(issue, subscriber))
}

// pace waits until another message may be begun. It fails when the context ends before.
func (d *Deliverer) pace(ctx context.Context) error {
	if d.Rate == nil {
		return nil
	}
	return d.Rate.Wait(ctx)
}

// errNotConfigured says that a digest has gone from the configuration.
var errNotConfigured = errors.New("it is not in the configuration")

// digest finds a digest by its id.
func (d *Deliverer) digest(id string) (digest.Digest, error) {
	for _, dig := range d.Digests {
		if dig.ID == id {
			return dig, nil
		}
	}
	return digest.Digest{}, fmt.Errorf("digest %q: %w", id, errNotConfigured)
}
