package main

import (
	"fmt"
	"slices"
	"strings"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
	"linkletter/store"
)

// maxDoubts is how often a message may fall in doubt; after that it is not sent again, and is the operator's to judge.
const maxDoubts = 3

// evidence is all that is known of a campaign of kills: what the receiver wrote down, what the test did itself and when,
// and what stands in the database. Its checks know nothing of how the program works, but for the meaning of the states.
//
// Times are numbers of one order that receiver and test share; 0: never.
type evidence struct {
	policy      string // resend or hold
	connections int
	kills       int // of processes that may have been sending
	lost        int // connections that the receiver broke after the end of a message, or in whatever they were doing

	accepted   []accepted
	dots       []dot
	bodies     map[string]int     // by address: how often some of a message had come
	recipients map[string][]int64 // by address: when each RCPT came
	wishes     map[subscription]*wish
	chosen     map[string]string // by address: the section that somebody chose, before the first issue; empty: the whole list
	hopeless   map[string]bool   // addresses that the receiver refuses for good

	rows      map[letter]row
	issues    []issueSeen
	announced []string         // the addresses of the entries that are news, as the database has them
	sentBy    map[letter]int64 // when a copy was first found to be sent
	deadBy    map[string]int64 // when an address was first found to be suppressed for what the receiver said
}

// letter is one subscriber's copy of one issue.
type letter struct {
	digest  string
	number  int
	address string
}

func (l letter) String() string { return fmt.Sprintf("%s #%d to %s", l.digest, l.number, l.address) }

// accepted is what the receiver accepted: the journal's entry, and what its message says of itself.
type accepted struct {
	smtptest.Entry
	letter
	links []string // of entries, in its text
}

// dot is the end of a message, which has come as a whole; whether it was accepted is another matter.
type dot struct {
	at   int64
	conn int
}

// subscription is somebody's to a digest.
type subscription struct{ address, digest string }

// wish is when a subscription was asked for and ended, and when that was answered for.
type wish struct{ joining, joined, leaving, left int64 }

// row is a delivery in the database.
type row struct {
	state  digest.State
	doubts int  // those that are over; one that is committing is in one more
	bytes  bool // its message is kept
	reply  string
}

func (r row) inDoubt() int {
	if r.state == digest.Committing {
		return r.doubts + 1
	}
	return r.doubts
}

// issueSeen is an issue in the database, and when it was surely not there yet, and was.
type issueSeen struct {
	digest       string
	number       int
	period       string
	state        store.IssueState
	entries      []string // their addresses
	before, seen int64
}

// violations are what speaks against the promise, each with the invariant's number. Before the end, some of what will have
// to be is not yet.
func (e *evidence) violations(final bool) []string {
	var all []string
	for _, check := range []struct {
		id string
		f  func(final bool) []string
	}{
		{"I1", e.skipped}, {"I2", e.copies}, {"I3", e.needless}, {"I4", e.unwanted}, {"I5", e.unaccounted}, {"I6", e.parted},
	} {
		for _, v := range check.f(final) {
			all = append(all, check.id+": "+v)
		}
	}
	return all
}

func (e *evidence) byLetter() map[letter][]accepted {
	all := map[letter][]accepted{}
	for _, a := range e.accepted {
		all[a.letter] = append(all[a.letter], a)
	}
	return all
}

// wish is what is known of a subscription.
func (e *evidence) wish(address, digest string) wish {
	if w := e.wishes[subscription{address, digest}]; w != nil {
		return *w
	}
	return wish{}
}

// concern are those of an issue's entries that are in what somebody chose.
func (e *evidence) concern(address string, entries []string) []string {
	section := e.chosen[address]
	if section == "" {
		return entries
	}
	return slices.DeleteFunc(slices.Clone(entries), func(link string) bool {
		return strings.ContainsAny(link[len(link)-1:], "02468") != (section == even)
	})
}

// skipped is I1: every issue has a row for whoever was surely subscribed and chose something that is in it, and for nobody who
// surely was not or did not; in the end each
// of them was accepted, or is named with a reason that is true.
func (e *evidence) skipped(final bool) []string {
	var all []string
	numbered := map[subscription]issueSeen{} // by digest and number
	for _, i := range e.issues {
		numbered[subscription{fmt.Sprint(i.number), i.digest}] = i
		for s, w := range e.wishes {
			if s.digest != i.digest || e.hopeless[s.address] {
				continue
			}
			_, there := e.rows[letter{i.digest, i.number, s.address}]
			was := w.joined != 0 && w.joined < i.before && (w.leaving == 0 || w.leaving > i.seen)
			wasNot := w.joining > i.seen || w.left != 0 && w.left < i.before
			if len(e.concern(s.address, i.entries)) == 0 {
				if there && len(i.entries) > 0 {
					all = append(all, fmt.Sprintf("%s #%d has a row for %s, who chose nothing that is in it", i.digest, i.number, s.address))
				}
				continue
			}
			if was && !there {
				all = append(all, fmt.Sprintf("%s #%d has no row for %s, who was subscribed", i.digest, i.number, s.address))
			}
			if wasNot && there {
				all = append(all, fmt.Sprintf("%s #%d has a row for %s, who was not subscribed", i.digest, i.number, s.address))
			}
		}
	}
	got := e.byLetter()
	for l, r := range e.rows {
		i, ok := numbered[subscription{fmt.Sprint(l.number), l.digest}]
		if !ok {
			all = append(all, fmt.Sprintf("%s: there is no such issue", l))
		}
		if !final {
			continue
		}
		if i.state != store.IssueDone {
			all = append(all, fmt.Sprintf("%s #%d is not done in the end, but %s", l.digest, l.number, i.state))
		}
		if why := e.unfinished(l, r, len(got[l])); why != "" {
			all = append(all, fmt.Sprintf("%s: %s; the state is %q (%s), accepted %d times", l, why, r.state, r.reply, len(got[l])))
		}
	}
	return all
}

// unfinished says why a row cannot be how a delivery ends.
func (e *evidence) unfinished(l letter, r row, accepted int) string {
	switch r.state {
	case digest.Sent:
		if accepted == 0 {
			return "it is said to be sent"
		}
	case digest.InDoubt:
		if e.policy == "resend" && r.doubts < maxDoubts {
			return fmt.Sprintf("it is left in doubt, and was so %d times, of %d that there are", r.doubts, maxDoubts)
		}
		if r.doubts == 0 {
			return "it is in doubt for no reason"
		}
	case digest.Suppressed:
		if e.wish(l.address, l.digest).leaving == 0 && !e.hopeless[l.address] {
			return "nobody unsubscribed"
		}
	case digest.Failed:
		if !e.hopeless[l.address] {
			return "the receiver never refused the address"
		}
	default:
		return "it is not finished"
	}
	return ""
}

// copies is I2: what was accepted twice is the same message to the last byte, was in doubt for each time but the first, and
// there are no more of them than connections that were killed or broken.
func (e *evidence) copies(bool) []string {
	var all []string
	owner := map[string]letter{} // by Message-ID
	again, doubts := 0, 0
	for l, got := range e.byLetter() {
		again += len(got) - 1
		for _, a := range got {
			if other, ok := owner[a.ID]; ok && other != l || a.ID == "" {
				all = append(all, fmt.Sprintf("%s and %s have one Message-ID, %q", l, other, a.ID))
			}
			owner[a.ID] = l
			if a.ID != got[0].ID || a.Sum != got[0].Sum {
				all = append(all, fmt.Sprintf("%s came as two messages: %s (SHA-256 %s) and %s (%s)", l, got[0].ID, got[0].Sum, a.ID, a.Sum))
			}
		}
		if most := e.rows[l].inDoubt() + 1; len(got) > most {
			all = append(all, fmt.Sprintf("%s was accepted %d times, and in doubt %d times", l, len(got), most-1))
		}
		if e.policy == "hold" && len(got) > 1 {
			all = append(all, fmt.Sprintf("%s was accepted %d times, though what is in doubt is held", l, len(got)))
		}
	}
	for _, r := range e.rows {
		doubts += r.inDoubt()
	}
	if most := e.kills*e.connections + e.lost; again > most || doubts > most {
		all = append(all, fmt.Sprintf("%d were accepted again and %d doubts arose, by %d kills of %d connections and %d that broke",
			again, doubts, e.kills, e.connections, e.lost))
	}
	return all
}

// needless is I3: nothing is sent again that was not in doubt. A message is recorded as sent when its connection ends another
// after it, for the record rides on that one's intent; so much the receiver sees by itself.
func (e *evidence) needless(final bool) []string {
	var all []string
	next := map[int][]int64{} // by connection: when messages ended
	for _, d := range e.dots {
		next[d.conn] = append(next[d.conn], d.at)
	}
	for l, got := range e.byLetter() {
		for n, a := range got {
			recorded := slices.ContainsFunc(next[a.Conn], func(at int64) bool { return at > a.At })
			if recorded && n < len(got)-1 {
				all = append(all, fmt.Sprintf("%s was accepted again, though its connection had ended another message after it", l))
			}
			if by := e.sentBy[l]; by != 0 && a.Begun > by {
				all = append(all, fmt.Sprintf("%s was accepted again, though it was found to be sent before", l))
			}
		}
	}
	if !final { // some of what was sent may be on its way to the receiver's eyes
		return all
	}
	doubts := map[string]int{}
	for l, r := range e.rows {
		doubts[l.address] += r.inDoubt()
	}
	for address, n := range doubts {
		if n > e.bodies[address] {
			all = append(all, fmt.Sprintf("%s was in doubt %d times, and a message's body came %d times", address, n, e.bodies[address]))
		}
	}
	return all
}

// unwanted is I4: whoever was answered that they are unsubscribed is not mailed when RCPT is answered after that, for the
// intent comes later still; and an address that the receiver does not know is not named to it again.
func (e *evidence) unwanted(bool) []string {
	var all []string
	for _, a := range e.accepted {
		w := e.wish(a.letter.address, a.digest)
		if w.left != 0 && a.Begun > w.left {
			all = append(all, fmt.Sprintf("%s was mailed, at %d, after it was unsubscribed, at %d", a.letter, a.Begun, w.left))
		}
		if w.joining == 0 {
			all = append(all, fmt.Sprintf("%s was mailed, and never subscribed", a.letter))
		}
	}
	for address, by := range e.deadBy {
		for _, at := range e.recipients[address] {
			if at > by {
				all = append(all, fmt.Sprintf("%s was tried, at %d, after it was suppressed, at %d", address, at, by))
			}
		}
	}
	return all
}

// unaccounted is I5: what is recorded as sent was accepted, and what was accepted is recorded as sent or is in doubt.
func (e *evidence) unaccounted(final bool) []string {
	var all []string
	got := e.byLetter()
	for l, r := range e.rows {
		if r.state == digest.Sent && len(got[l]) == 0 {
			all = append(all, fmt.Sprintf("%s is recorded as sent, and was never accepted", l))
		}
	}
	for l := range got {
		r, ok := e.rows[l]
		knows := r.state == digest.Sent || r.inDoubt() > 0 || r.bytes && !final
		if !ok || !knows {
			all = append(all, fmt.Sprintf("%s was accepted, and is recorded as %q, never in doubt", l, r.state))
		}
	}
	return all
}

// parted is I6: per digest, the entries partition into issues, which are numbered one by one and have a period each; and the
// messages hold just the entries of their issue that their reader chose.
func (e *evidence) parted(final bool) []string {
	var all []string
	holders := map[subscription][]int{} // of entries, by address and digest: the numbers of issues
	periods := map[subscription]int{}
	entries := map[letter][]string{}
	count := map[string]int{}
	for _, i := range slices.SortedFunc(slices.Values(e.issues), func(a, b issueSeen) int { return a.number - b.number }) {
		if count[i.digest]++; i.number != count[i.digest] {
			all = append(all, fmt.Sprintf("%s has an issue %d where %d comes next", i.digest, i.number, count[i.digest]))
		}
		if periods[subscription{i.period, i.digest}]++; periods[subscription{i.period, i.digest}] > 1 {
			all = append(all, fmt.Sprintf("%s has two issues for %s", i.digest, i.period))
		}
		if len(i.entries) == 0 {
			all = append(all, fmt.Sprintf("%s #%d is empty", i.digest, i.number))
		}
		for _, entry := range i.entries {
			holders[subscription{entry, i.digest}] = append(holders[subscription{entry, i.digest}], i.number)
		}
		entries[letter{i.digest, i.number, ""}] = slices.Sorted(slices.Values(i.entries))
	}
	for at, numbers := range holders {
		if len(numbers) > 1 {
			all = append(all, fmt.Sprintf("%s is in the issues %v of %s", at.address, numbers, at.digest))
		}
	}
	for name := range count {
		for _, entry := range e.announced {
			if final && len(holders[subscription{entry, name}]) == 0 {
				all = append(all, fmt.Sprintf("%s is in no issue of %s", entry, name))
			}
		}
	}
	for _, a := range e.accepted {
		want := e.concern(a.letter.address, entries[letter{a.digest, a.number, ""}])
		if got := slices.Sorted(slices.Values(a.links)); !slices.Equal(got, want) {
			all = append(all, fmt.Sprintf("%s holds %s, and of its issue their reader chose %s", a.letter, strings.Join(got, " "), strings.Join(want, " ")))
		}
	}
	return all
}
