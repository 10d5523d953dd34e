package deliver

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"linkletter/cmd/internal/mailer"
	"linkletter/store"
)

// verdict is what a failed try means for the delivery and for the run.
type verdict int

const (
	retry    verdict = iota // not now: the server said so, or the connection broke before the end of the message
	fail                    // never: it was not even tried, because of the address
	reject                  // never, for a reason that is not the address
	refuse                  // never, for what we are, or for a reason that was not said
	suppress                // never: there is nobody at the address
	oversize                // never, for the issue is larger than the server takes: it is the fault alone
	doubt                   // nobody knows
	lose                    // somebody else has the delivery now
	unwanted                // the subscriber left in the last moment; it is recorded
	stopped                 // the issue was paused or cancelled in the last moment; it is recorded
	stop                    // the fault is ours or the server's as a whole: nothing can be sent, and no delivery suffers for it
)

func judge(err error) verdict {
	var e *mailer.Error
	switch {
	case errors.Is(err, store.ErrClaimLost):
		return lose
	case errors.Is(err, store.ErrUnwanted):
		return unwanted
	case errors.Is(err, store.ErrStopped):
		return stopped
	case !errors.As(err, &e):
		return stop
	case e.InDoubt():
		return doubt
	case e.Phase == mailer.Addressing:
		return fail
	case e.Phase == mailer.Size, e.Phase == mailer.Mail && (e.Code == 552 || e.Code >= 500 && e.Class() == "3.4"):
		return oversize
	case e.Temporary():
		return retry
	}
	switch e.Phase {
	case mailer.Rcpt, mailer.Data, mailer.Body, mailer.Dot:
	default:
		return stop
	}
	switch class := e.Class(); {
	case e.Phase == mailer.Rcpt && nobodyThere[class]:
		return suppress
	case class == "", strings.HasPrefix(class, "7."):
		return refuse
	}
	return reject
}

// refusedFor is what the store is told of a server's refusal.
var refusedFor = map[verdict]store.RefusedFor{refuse: store.ForUs, reject: store.ForItself, suppress: store.ForNobody}

// nobodyThere are the classes of a refused recipient that mean that no such mailbox is, and never will be (RFC 3463, 3.2;
// RFC 7505, 4.2). The others of their kind speak of the sender's address, or do not say; a disabled mailbox may come back.
var nobodyThere = map[string]bool{
	"1.1": true, "1.2": true, "1.3": true, "1.6": true, "1.10": true,
}

// backoff is the wait after each failed try. Together they are just under 48 hours; then a delivery is given up.
var backoff = []time.Duration{
	5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour,
	8 * time.Hour, 8 * time.Hour, 8 * time.Hour, 8 * time.Hour, 8 * time.Hour,
}

const (
	// fewestRefusals is how many messages must be refused before it is us that are unwanted: the rest is between a
	// recipient and his provider.
	fewestRefusals = 5
	// maxRefusals is how often one delivery is given another chance; then the refusal was meant for this one.
	maxRefusals = 5
)

// refusals is how one issue fared in one run, to notice when it is us that a server does not want: it may say anything else,
// and a relay that has lost its table of recipients says of each that there is nobody.
type refusals struct {
	last    [50]bool
	next    int
	seen    int   // outcomes that the server decided
	refused int   // of them
	reason  error // the newest refusal
	stopped bool  // the run ends for it
	large   bool  // because messages are larger than the server takes
}

// add notes an outcome, with a reason where the server refused us, and says whether more than half of the last 50 were such.
func (r *refusals) add(reason error) bool {
	if reason != nil {
		r.refused++
		r.reason = reason
	}
	r.last[r.next] = reason != nil
	r.next = (r.next + 1) % len(r.last)
	r.seen++
	n := 0
	for _, refused := range r.last {
		if refused {
			n++
		}
	}
	return n > len(r.last)/2
}

// most says whether more than half of all were refused: a short list is over before 50 outcomes are.
func (r *refusals) most() bool {
	return r.refused >= fewestRefusals && r.refused > r.seen/2
}

// String is the reason of a paused issue.
func (r *refusals) String() string {
	if r.large {
		return fmt.Sprintf("its messages are larger than the server takes: %v", r.reason)
	}
	return fmt.Sprintf("%d of %d messages were refused, more than can be for whom they were for; the last with: %v", r.refused, r.seen, r.reason)
}
