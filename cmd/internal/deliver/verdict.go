package deliver

import (
	"errors"
	"strings"
	"time"

	"linkletter/cmd/internal/mailer"
	"linkletter/store"
)

// verdict is what a failed try means for the delivery and for the run.
type verdict int

const (
	retry    verdict = iota // not now: the server said so, or the connection broke before the end of the message
	fail                    // never, for a reason that is not the address
	suppress                // never: there is nobody at the address
	doubt                   // nobody knows
	lose                    // somebody else has the delivery now
	stop                    // the fault is ours or the server's as a whole: nothing can be sent, and no delivery suffers for it
)

func judge(err error) verdict {
	var e *mailer.Error
	switch {
	case errors.Is(err, store.ErrClaimLost):
		return lose
	case !errors.As(err, &e):
		return stop
	case e.InDoubt():
		return doubt
	case e.Phase == mailer.Addressing:
		return fail
	case e.Temporary():
		return retry
	}
	switch e.Phase {
	case mailer.Rcpt:
		if unknownUser(e) {
			return suppress
		}
		return fail
	case mailer.Data, mailer.Body, mailer.Dot:
		return fail
	}
	return stop
}

// unknownUser says whether a refusal of the recipient means that there is no such mailbox (RFC 3463, 3.2 and 3.3), rather
// than that our message is not wanted.
func unknownUser(e *mailer.Error) bool {
	switch class := e.Class(); class {
	case "": // a server without enhanced codes
		return e.Code == 550
	case "1.7", "1.8": // the sender's address
		return false
	case "2.1": // disabled
		return true
	default:
		return strings.HasPrefix(class, "1.")
	}
}

// isPolicy says that a message was refused for what we are, not for whom it was for (RFC 3463, 3.8).
func isPolicy(err error) bool {
	var e *mailer.Error
	return errors.As(err, &e) && e.Code >= 500 && strings.HasPrefix(e.Class(), "7.")
}

// backoff is the wait after each failed try. Together they are just under 48 hours; then a delivery is given up.
var backoff = []time.Duration{
	5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour,
	8 * time.Hour, 8 * time.Hour, 8 * time.Hour, 8 * time.Hour, 8 * time.Hour,
}

// refusals remembers the last outcomes, to notice when it is us that a server does not want.
type refusals struct {
	last [50]bool
	next int
	seen int
}

// add notes an outcome and says whether more than half of the last 50 were refusals for policy.
func (r *refusals) add(policy bool) bool {
	r.last[r.next] = policy
	r.next = (r.next + 1) % len(r.last)
	r.seen++
	n := 0
	for _, p := range r.last {
		if p {
			n++
		}
	}
	return n > len(r.last)/2
}
