package deliver

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"linkletter/cmd/internal/mailbox"
	"linkletter/store"
)

// whose is the message that a report is about.
type whose struct {
	subscriber int64
	issue      int64  // its row; 0: a mail that asked for something, or not known
	digest     string // where the proof names it
	proven     bool   // the report bears something that only the message had
	forged     bool   // it bears something that looks like it and is not
}

// whose finds out which message a report is about, by what only that message had: the mark of its envelope's sender, its
// Message-ID, its token. The first that is good decides: whoever has one of these can say no more than that their own failed.
func (r *Receiver) whose(ctx context.Context, m *mailbox.Message) (whose, error) {
	w, err := r.byMark(ctx, slices.Concat(m.To, m.About.Senders))
	if err != nil || w.proven || m.Kind == mailbox.Plain { // text for people names anything
		return w, err
	}
	found, err := r.byMessageID(ctx, m)
	if err == nil && !found.proven {
		forged := found.forged
		found = r.byToken(m.About.Unsubscribe)
		found.forged = found.forged || forged
	}
	found.forged = found.forged || w.forged
	return found, err
}

// byMark looks for the mark that an envelope's sender had (VERP): a report comes to it, and may name it.
func (r *Receiver) byMark(ctx context.Context, addresses []string) (w whose, err error) {
	if r.Bounces.Local == "" {
		return w, nil
	}
	keys, err := r.Store.BounceKeys(ctx)
	if err != nil {
		return w, err
	}
	for _, a := range addresses {
		mark, ok := r.Bounces.Mark(a)
		if !ok {
			continue
		}
		issue, subscriber, good := keys.ParseMark(mark)
		if good {
			return whose{subscriber: subscriber, issue: issue, proven: true}, nil
		}
		w.forged = true
	}
	return w, nil
}

var (
	issueID        = regexp.MustCompile(`^<([a-z0-9][a-z0-9._-]{0,62})\.([0-9]{1,9})\.([a-z2-7]{26})@([^@<>\s]+)>$`)
	confirmationID = regexp.MustCompile(`^<confirm\.[a-z2-7]{26}@([^@<>\s]+)>$`)
)

// byMessageID looks for a Message-ID of ours. It does not say who it is for: it is made anew for those it may be for.
func (r *Receiver) byMessageID(ctx context.Context, m *mailbox.Message) (w whose, err error) {
	for _, id := range m.About.MessageIDs {
		var one whose
		if parts := confirmationID.FindStringSubmatch(id); parts != nil {
			one, err = r.byConfirmationID(ctx, id, parts[1])
		} else if parts := issueID.FindStringSubmatch(id); parts != nil {
			one, err = r.byIssueID(ctx, m, id, parts)
		}
		if err != nil || one.proven {
			return one, err
		}
		w.forged = w.forged || one.forged
	}
	return w, nil
}

func (r *Receiver) byIssueID(ctx context.Context, m *mailbox.Message, id string, parts []string) (w whose, err error) {
	number, err := strconv.Atoi(parts[2])
	if err != nil {
		return w, nil
	}
	issue, err := r.Store.IssueRow(ctx, parts[1], number)
	if errors.Is(err, store.ErrNotFound) { // another program's, which numbers its messages too
		return w, nil
	}
	if err != nil {
		return w, err
	}
	ours := func(subscriber int64) bool { return r.Keys.MessageID(parts[1], number, subscriber, parts[4]) == id }
	if ours(0) { // a copy for the operator
		return whose{issue: issue, digest: parts[1], proven: true}, nil
	}
	named := slices.Clone(m.About.Recipients)
	for _, rcpt := range m.Recipients {
		named = append(named, rcpt.Addresses...)
	}
	for _, key := range keysOf(named) {
		subscriber, err := r.Store.SubscriberID(ctx, key)
		if err != nil {
			return w, err
		}
		if subscriber != 0 && ours(subscriber) {
			return whose{subscriber: subscriber, issue: issue, digest: parts[1], proven: true}, nil
		}
	}
	subscriber, err := r.search(func() (int64, error) { return r.Store.Addressees(ctx, issue, ours) })
	if err != nil || subscriber == 0 {
		return whose{forged: true}, err
	}
	return whose{subscriber: subscriber, issue: issue, digest: parts[1], proven: true}, nil
}

// byConfirmationID looks for a mail that asked for something. It is known for two days at most; what comes later without a mark
// is left to a person.
func (r *Receiver) byConfirmationID(ctx context.Context, id, domain string) (w whose, err error) {
	_, err = r.search(func() (int64, error) {
		found, subscriber, err := r.Store.ConfirmationOf(ctx, func(n int64) bool { return r.Keys.ConfirmationID(n, domain) == id })
		w = whose{subscriber: subscriber, proven: found, forged: !found}
		return subscriber, err
	})
	return w, err
}

// maxSearches is how often in one pass somebody is looked for among all subscribers: anybody can write a Message-ID that looks
// like ours. What comes after that is left to a person.
const maxSearches = 100

func (r *Receiver) search(f func() (int64, error)) (int64, error) {
	if r.searches++; r.searches > maxSearches {
		return 0, nil
	}
	return f()
}

// tokenForm finds the token in the addresses of a List-Unsubscribe field: the link's, or the one in the subject.
var tokenForm = regexp.MustCompile(`(?:/-/(?:unsubscribe|preferences)/|unsubscribe(?:%20|\+))([A-Za-z0-9_-]{16,200})`)

// byToken looks for a subscriber's token in the List-Unsubscribe fields of the message. It does not say which issue it was.
func (r *Receiver) byToken(fields []string) (w whose) {
	for _, field := range fields {
		for _, m := range tokenForm.FindAllStringSubmatch(strings.ReplaceAll(field, " ", ""), -1) {
			if subscriber, id, ok := r.Keys.ParseUnsubscribe(m[1]); ok {
				return whose{subscriber: subscriber, digest: id, proven: true}
			}
			w.forged = true
		}
	}
	return w
}
