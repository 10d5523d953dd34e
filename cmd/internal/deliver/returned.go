package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"linkletter/cmd/internal/mailbox"
	"linkletter/feed/digest"
	"linkletter/store"
)

// Receiver accounts for messages that come back, in one pass over a mailbox: what is costly is bounded in each. Its fields are set
// before its methods are called.
type Receiver struct {
	Store   *store.Store
	Keys    digest.Keys
	Bounces digest.BounceAddress // where reports go; empty: to the digests' own addresses, unmarked
	From    []string             // the digests' own addresses, bare
	Limit   store.SoftLimit
	Log     *slog.Logger

	searches int // how often somebody was looked for among all
}

// Receipt is what became of a message.
type Receipt struct {
	// Understood says that the message was for the program alone: nobody else needs to read it.
	Understood bool
	Text       string // what it was, for people
}

// hard are the enhanced codes of reports that mean that there is nobody at the address, and that it will stay so (RFC 3463, 3.2
// and 3.3; 5.1.10 is RFC 7505, 4.2): a bad mailbox, a bad system, bad syntax, moved without a new address, a domain that takes
// no mail, a mailbox that is disabled. A server that sends a report has tried for days or is sure; the others of their kind
// speak of the sender's address, or do not say, and count as soft: a full mailbox, a policy, a route, 5.0.0.
var hard = map[string]bool{"5.1.1": true, "5.1.2": true, "5.1.3": true, "5.1.6": true, "5.1.10": true, "5.2.1": true}

// Receive acts on one message. What it does not understand, and what bears a forged proof, is left to a person. An error says
// that the store cannot take it now: it is to be received again.
func (r *Receiver) Receive(ctx context.Context, m *mailbox.Message) (Receipt, error) {
	switch m.Kind {
	case mailbox.Unsubscribe:
		return r.unsubscribe(ctx, m)
	case mailbox.Delivery, mailbox.Plain, mailbox.Complaint:
	default:
		return Receipt{Text: string(m.Kind)}, nil
	}
	w, err := r.whose(ctx, m)
	if err != nil {
		return Receipt{}, err
	}
	switch {
	case w.forged && !w.proven:
		return Receipt{Text: "a report with a proof that is forged, made with a key that is gone, or of a mail that is not known any more"}, nil
	case w.proven && w.subscriber == 0:
		return Receipt{true, "a report about a mail to the operator, or to an address that is nobody's yet"}, nil
	case w.proven && m.Kind == mailbox.Complaint:
		return r.complaint(ctx, m, w)
	case w.proven:
		return r.bounce(ctx, m, w)
	case m.Kind == mailbox.Plain, !r.mayBeOurs(m):
		return Receipt{Text: "a report that does not prove whose message it is about"}, nil
	}
	return r.unproven(ctx, m)
}

// unsubscribe does what the link does that is in the same message.
func (r *Receiver) unsubscribe(ctx context.Context, m *mailbox.Message) (Receipt, error) {
	subscriber, id, ok := r.Keys.ParseUnsubscribe(m.Token)
	if !ok {
		return Receipt{Text: "a mail that unsubscribes with a token that is not ours"}, nil
	}
	if err := r.leave(ctx, subscriber, id); err != nil {
		return Receipt{}, err
	}
	return Receipt{true, fmt.Sprintf("subscriber %d left %s by mail", subscriber, id)}, nil
}

// leave ends a subscription, or all where no digest is known.
func (r *Receiver) leave(ctx context.Context, subscriber int64, id string) error {
	if subscriber == 0 {
		return nil
	}
	if id != "" {
		return r.Store.Unsubscribe(ctx, subscriber, id)
	}
	return r.Store.UnsubscribeAll(ctx, subscriber)
}

// complaint acts on what somebody thinks of a message that was theirs (RFC 5965, 7.3; opt-out is from RFC 6650's practice).
func (r *Receiver) complaint(ctx context.Context, m *mailbox.Message, w whose) (Receipt, error) {
	switch m.Feedback {
	case "abuse", "fraud", "miscategorized":
		return r.record(ctx, m, w, store.Bounce{Kind: store.BounceComplaint, Reply: m.Feedback, Proven: true})
	case "opt-out", "opt-out-list":
		id := w.digest
		if id == "" && w.issue != 0 {
			var err error
			id, err = r.Store.IssueDigest(ctx, w.issue)
			if err != nil && !errors.Is(err, store.ErrNotFound) { // a store brought back from a copy may not have it
				return Receipt{}, err
			}
		}
		if err := r.leave(ctx, w.subscriber, id); err != nil {
			return Receipt{}, err
		}
		return Receipt{true, fmt.Sprintf("subscriber %d opted out at their provider", w.subscriber)}, nil
	case "not-spam":
		return Receipt{true, "a report that a message is no spam"}, nil
	}
	return Receipt{Text: "feedback of the type " + m.Feedback}, nil
}

// bounce acts on what became of a message that is proven to be a subscriber's. It had one recipient: several are what an alias
// made of it, and that one of them failed says nothing as long as another did not.
func (r *Receiver) bounce(ctx context.Context, m *mailbox.Message, w whose) (Receipt, error) {
	var said mailbox.Recipient // the first that failed, or the first for which there may be somebody
	failed, nobody := 0, 0
	for _, rcpt := range m.Recipients {
		if rcpt.Action != mailbox.Failed {
			continue
		}
		if failed++; failed == 1 || hard[said.Status] && !hard[rcpt.Status] {
			said = rcpt
		}
		if hard[rcpt.Status] {
			nobody++
		}
	}
	if failed == 0 {
		return Receipt{true, fmt.Sprintf("a report that a message to subscriber %d is on its way", w.subscriber)}, nil
	}
	b := store.Bounce{Kind: store.BounceSoft, Status: said.Status, Reply: said.Reply, Proven: true}
	if nobody == len(m.Recipients) {
		b.Kind = store.BounceHard
	}
	return r.record(ctx, m, w, b)
}

// mayBeOurs says that nothing in a report speaks against its being about a message of ours.
func (r *Receiver) mayBeOurs(m *mailbox.Message) bool {
	return m.About.From == "" || slices.ContainsFunc(r.From, func(from string) bool { return strings.EqualFold(from, m.About.From) })
}

// unproven writes down what a report says of addresses, and that is all: anybody can write one about anybody.
func (r *Receiver) unproven(ctx context.Context, m *mailbox.Message) (Receipt, error) {
	receipt := Receipt{Text: "a report about nobody who is known"}
	note := func(addresses []string, b store.Bounce) error {
		for _, key := range keysOf(addresses) {
			id, err := r.Store.SubscriberID(ctx, key)
			if err != nil {
				return err
			}
			if id == 0 {
				continue
			}
			receipt, err = r.record(ctx, m, whose{subscriber: id}, b)
			return err
		}
		return nil
	}
	if m.Kind == mailbox.Complaint {
		err := note(m.About.Recipients, store.Bounce{Kind: store.BounceComplaint, Reply: m.Feedback})
		return receipt, err
	}
	for _, rcpt := range m.Recipients {
		if rcpt.Action != mailbox.Failed {
			continue
		}
		b := store.Bounce{Kind: store.BounceSoft, Status: rcpt.Status, Reply: rcpt.Reply}
		if hard[rcpt.Status] {
			b.Kind = store.BounceHard
		}
		if err := note(rcpt.Addresses, b); err != nil {
			return Receipt{}, err
		}
	}
	return receipt, nil
}

// record gives a report to the store.
func (r *Receiver) record(ctx context.Context, m *mailbox.Message, w whose, b store.Bounce) (Receipt, error) {
	b.Report, b.Subscriber, b.Issue = fmt.Sprintf("%s/%d", m.ID, w.subscriber), w.subscriber, w.issue
	for _, rcpt := range m.Recipients {
		b.Keys = append(b.Keys, keysOf(rcpt.Addresses)...)
	}
	b.Keys = append(b.Keys, keysOf(m.About.Recipients)...)
	became, err := r.Store.RecordBounce(ctx, b, r.Limit)
	if err != nil {
		return Receipt{}, err
	}
	text := fmt.Sprintf("%s about subscriber %d (%s): %s", b.Kind, b.Subscriber, b.Status, became)
	level := slog.LevelDebug
	if became == store.BounceSuppressed {
		level = slog.LevelInfo
	}
	r.Log.Log(ctx, level, "a report", logSubscriber, b.Subscriber, logKind, string(b.Kind), logStatus, b.Status, logBecame, string(became))
	return Receipt{true, text}, nil
}

// keysOf are addresses as the store knows them; what is none is left out.
func keysOf(addresses []string) []string {
	var keys []string
	for _, a := range addresses {
		if _, key, err := store.NormalizeAddress(a); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}
