package store

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// importHash is the state of a row that only says that an address is suppressed: nothing but its hash is kept.
const importHash SubscriptionState = "suppressed only"

// importKnown is what the store knows of the people in a batch, and what is to be stored of them.
type importKnown struct {
	people   map[string]*importPerson // by key
	sections map[string]importChoice  // by "list/section" or "list"; nil: nobody chose any

	// What is to be stored.
	newPeople     []*importPerson
	suppressions  []*importRow
	subscriptions []importSubscription
}

// importPerson is somebody in a batch.
type importPerson struct {
	id            int64 // 0: has no row yet
	first         *importRow
	suppressed    Reason
	subscriptions []importState
}

// stored says that the person has a row, or will have one.
func (p *importPerson) stored() bool { return p.id != 0 || p.first != nil }

type importState struct {
	digest string
	state  SubscriptionState
	ended  time.Time
}

func (p *importPerson) subscription(digest string) *importState {
	for i := range p.subscriptions {
		if p.subscriptions[i].digest == digest {
			return &p.subscriptions[i]
		}
	}
	return nil
}

// importChoice is a section, or with section 0 a whole list.
type importChoice struct {
	list    string
	section int64
}

// importSubscription is a subscription to store.
type importSubscription struct {
	person  *importPerson
	row     *importRow
	choices []importChoice
	left    bool // they were subscribed, and what they chose goes with that
}

// decide settles what becomes of a row, and notes it in known for the rows behind it and for storing.
func (r *importRow) decide(known *importKnown, now time.Time) {
	choices, err := known.choices(r.Sections)
	if err != nil {
		r.why = err
		return
	}
	p := known.people[r.key]
	if p == nil {
		p = &importPerson{}
		known.people[r.key] = p
	}
	if r.why = r.forbidden(p); r.why != nil {
		return
	}
	r.outcome = importUnchanged
	if r.Suppressed != "" && p.suppressed == "" {
		p.suppressed, r.outcome = r.Suppressed, importChanged
		if r.SuppressedAt.IsZero() {
			r.SuppressedAt = now
		}
		known.suppressions = append(known.suppressions, r)
	}
	if r.State == importHash {
		return
	}
	fresh := !p.stored()
	if r.State != SubscriptionNone && !r.subscribe(known, p, choices, now) {
		return
	}
	if fresh {
		r.outcome, p.first = importAdded, r
		if r.Created.IsZero() {
			r.Created = now
		}
		if r.Joined.IsZero() {
			r.Joined = r.Created
		}
		known.newPeople = append(known.newPeople, p)
	}
}

// forbidden says why nothing may be stored of a row: somebody left, is suppressed or was forgotten.
func (r *importRow) forbidden(p *importPerson) error {
	leaves := r.State == SubscriptionUnsubscribed || r.State == SubscriptionNone
	old := p.subscription(r.Digest)
	switch {
	case r.State == importHash:
		return nil
	case p.suppressed == Left && !p.stored():
		return &SuppressedError{Address: r.Address, Reason: Left}
	case leaves || old != nil && old.state == r.State && p.suppressed == r.Suppressed:
		return nil
	case p.suppressed != "" && (!p.stored() || r.Suppressed != p.suppressed):
		// A row that itself says that they are suppressed gives back what an export held of somebody with several rows.
		return &SuppressedError{Address: r.Address, Reason: p.suppressed}
	case old != nil && !old.ended.IsZero() && old.state != r.State && old.state != SubscriptionConfirmed:
		return &UnsubscribedError{Address: r.Address, Digest: r.Digest, Ended: old.ended}
	}
	return nil
}

// subscribe notes the subscription of a row, unless it says nothing new.
func (r *importRow) subscribe(known *importKnown, p *importPerson, choices []importChoice, now time.Time) bool {
	old, leaves := p.subscription(r.Digest), r.State == SubscriptionUnsubscribed
	if old != nil && (old.state == r.State || old.state == SubscriptionConfirmed && !leaves) {
		return false
	}
	if r.Created.IsZero() {
		r.Created = now
	}
	switch {
	case r.State == SubscriptionConfirmed:
		r.Ended = time.Time{}
		if r.Confirmed.IsZero() {
			r.Confirmed = now
		}
	case leaves && r.Ended.IsZero():
		r.Ended = now
	}
	if old == nil {
		r.outcome = importAdded
		p.subscriptions = append(p.subscriptions, importState{r.Digest, r.State, r.Ended})
	} else {
		r.outcome, choices = importChanged, nil
		old.state, old.ended = r.State, r.Ended
	}
	if leaves {
		choices = nil // who comes back gets everything, unless they choose again
	}
	known.subscriptions = append(known.subscriptions, importSubscription{p, r, choices, leaves && old != nil})
	return true
}

// choices are the sections that a row names.
func (k *importKnown) choices(names []string) ([]importChoice, error) {
	var all []importChoice
	for _, name := range names {
		c, ok := k.sections[name]
		if list, _, below := strings.Cut(name, "/"); !ok && below {
			if _, known := k.sections[list]; known {
				return nil, fmt.Errorf("list %s has no section %q; if it was never checked here, check it first", list, name)
			}
			return nil, fmt.Errorf("there is no list %q, of which a section is chosen", list)
		}
		if !ok {
			return nil, fmt.Errorf("there is no list %q, which is chosen", name)
		}
		if !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all, nil
}
