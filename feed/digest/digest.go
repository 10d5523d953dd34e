package digest

import (
	"time"

	"linkletter/feed/curated"
)

// Digest is a periodical of what is new in some lists.
type Digest struct {
	ID    string
	Title string
	Lists []string // ids, in the order of the issue
	From  string   // RFC 5322 mailbox
	// ListTitles are the lists' titles by id, as the operator words them; a list without one goes by its own.
	ListTitles map[string]string
	MinEntries int            // fewer wait for the next issue; at least 1
	Approve    bool           // an issue waits as a draft until the operator approves it
	Location   *time.Location // whose day an issue is dated by; nil is UTC
}

// Item is an announced entry as an issue may take it.
type Item struct {
	curated.Entry
	Ref       int64  // the store's
	ID        string // the entry's permanent id
	List      string // id
	ListTitle string
	Published time.Time
	// AddedBy names who added it to the list, and AddedIn is the address of the commit; both empty where that is not known.
	AddedBy, AddedIn string
}

// Group is a run of items under one heading of one list.
type Group struct {
	List    string // id
	Heading string // "Outer › Inner"; the list's title where there are several lists and no heading
	Items   []Item
}

// Issue is one numbered number of a digest, frozen: what it says never changes.
type Issue struct {
	Digest string
	Number int
	Period string // the scheduled time it stands for, RFC 3339
	Title  string // the digest's
	Host   string // of its Message-IDs: a sender's address that changes must not change them
	Date   time.Time
	Groups []Group
}

// Len counts the issue's items.
func (i *Issue) Len() int {
	n := 0
	for _, g := range i.Groups {
		n += len(g.Items)
	}
	return n
}

// Select is an issue with only those of its items that are of these entries, by their Ref. What is not in it is passed over.
func Select(i *Issue, entries []int64) *Issue {
	wanted := make(map[int64]bool, len(entries))
	for _, ref := range entries {
		wanted[ref] = true
	}
	selected := *i
	selected.Groups = nil
	for _, g := range i.Groups {
		var items []Item
		for _, item := range g.Items {
			if wanted[item.Ref] {
				items = append(items, item)
			}
		}
		if len(items) > 0 {
			selected.Groups = append(selected.Groups, Group{List: g.List, Heading: g.Heading, Items: items})
		}
	}
	return &selected
}

// State is how far a delivery is.
type State string

// A delivery goes pending → claimed → committing → sent, or ends as one of the others.
const (
	Pending    State = "pending"
	Claimed    State = "claimed"    // somebody works on it, under a lease
	Committing State = "committing" // the intent is on disk: the final dot may have been sent
	Sent       State = "sent"       // the server's reply is on disk
	Deferred   State = "deferred"   // to be tried again
	Failed     State = "failed"     // never accepted
	Suppressed State = "suppressed" // unsubscribed, paused or suppressed before it was sent
	InDoubt    State = "in_doubt"   // interrupted between the dot and the reply
	Cancelled  State = "cancelled"  // the operator ended the issue before it was sent
)
