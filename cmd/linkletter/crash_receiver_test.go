package main

import (
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"linkletter/cmd/internal/mailer/smtptest"
)

// crashReceiver is the mail server of a campaign. It misbehaves now and then, says when the sender is where it is to be
// killed, and notes what it saw for the evidence.
type crashReceiver struct {
	*smtptest.Recorder
	crash *crash

	mu      sync.Mutex // guards what follows
	rand    *rand.Rand
	naughty bool // faults may happen
	excuse  bool // something happened for which a run may end badly
	down    bool
	verb    smtptest.Verb // where the trap is; empty: there is none
	left    int           // points of that kind to pass before
	refuse  bool          // what the trap held was not accepted
	sprung  chan struct{} // closed when it holds somebody
	freed   chan struct{} // closed when the sender is dead
	current map[int]string
	dots    []dot
	bodies  map[string]int
	rcpts   map[string][]int64
	lost    int
}

func newCrashReceiver(c *crash) *crashReceiver {
	r := &crashReceiver{crash: c, rand: rand.New(rand.NewPCG(c.rand.Uint64(), 2)), freed: make(chan struct{}),
		current: map[int]string{}, bodies: map[string]int{}, rcpts: map[string][]int64{}}
	r.Recorder = smtptest.Record(c.T, c.path("journal"), c.tick, r.at)
	return r
}

// trap gives a channel that is closed when a message is where a class of kills wants it, one of the next few.
func (r *crashReceiver) trap(class string, rand *rand.Rand) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.freed = make(chan struct{})
	sprung := make(chan struct{})
	r.sprung, r.left, r.refuse = sprung, 1+rand.IntN(12), false
	switch class {
	case beforeDot:
		r.verb = []smtptest.Verb{smtptest.Mail, smtptest.Rcpt, smtptest.Body, smtptest.Body}[rand.IntN(4)]
	case withheld:
		r.verb = smtptest.Done
		if rand.IntN(3) == 0 {
			r.verb, r.refuse = smtptest.Dot, true
		}
	case replySent:
		r.verb = smtptest.Replied
	default:
		r.verb = ""
	}
	return sprung
}

// release lets go whom the trap holds.
func (r *crashReceiver) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.verb = ""; r.freed != nil {
		close(r.freed)
		r.freed = nil
	}
}

// behave lets faults happen from now on; behaveWell ends that.
func (r *crashReceiver) behave()     { r.set(true) }
func (r *crashReceiver) behaveWell() { r.set(false) }

func (r *crashReceiver) set(naughty bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.naughty = naughty; naughty {
		r.excuse = false
	}
}

// excused says that runs may have ended badly since behave.
func (r *crashReceiver) excused() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.excuse
}

// restart brings a dead receiver back.
func (r *crashReceiver) restart() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.down {
		return
	}
	r.crash.must(r.Start())
	r.down = false
}

// at is asked at each point of every dialogue.
func (r *crashReceiver) at(t smtptest.Try) error {
	r.note(t)
	held, refused := r.caught(t.Verb)
	if held != nil {
		<-held
		if refused {
			return smtptest.ErrDrop
		}
		return nil
	}
	if t.Verb == smtptest.Rcpt {
		if err := refusal(t.To); err != nil {
			return err
		}
		r.crash.world.lastMoment(t.To)
	}
	return r.fault(t)
}

// note writes down what the evidence wants to know.
func (r *crashReceiver) note(t smtptest.Try) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch t.Verb {
	case smtptest.Rcpt:
		r.rcpts[t.To] = append(r.rcpts[t.To], r.crash.tick())
		r.current[t.Conn] = t.To
	case smtptest.Body:
		r.bodies[t.To]++
	case smtptest.Dot:
		r.dots = append(r.dots, dot{at: r.crash.tick(), conn: t.Conn})
	}
}

// caught gives what to wait for when the trap springs.
func (r *crashReceiver) caught(v smtptest.Verb) (held <-chan struct{}, refused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v != r.verb {
		return nil, false
	}
	if r.left--; r.left != 0 {
		return nil, false
	}
	refused = r.refuse
	if refused {
		r.lost++
	}
	if v == smtptest.Replied { // the kill comes right after the reply, or a moment later
		time.AfterFunc(time.Duration(r.rand.IntN(2000))*time.Microsecond, func() { close(r.sprung) })
	} else {
		close(r.sprung)
	}
	return r.freed, refused
}

// fault is what goes wrong at a point of the dialogue.
func (r *crashReceiver) fault(t smtptest.Try) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.naughty {
		return nil
	}
	percent := r.rand.IntN(1000)
	busy := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "try later"}
	behind := t.Verb == smtptest.Body || t.Verb == smtptest.Dot || t.Verb == smtptest.Done
	switch {
	case percent < 10 && t.Verb != smtptest.Opened && t.Verb != smtptest.Replied:
		if behind { // the client may have ended the message by now
			r.lost++
		}
		return smtptest.ErrDrop
	case percent < 25 && t.Verb != smtptest.Done && t.Verb != smtptest.Replied:
		if t.Verb == smtptest.Opened {
			r.excuse = true
		}
		return busy
	case percent < 27 && t.Verb == smtptest.Mail:
		r.excuse = true
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 3, 2}, Message: "no mail today"}
	case percent < 30 && !r.down && t.Verb != smtptest.Opened:
		r.excuse, r.down = true, true
		r.lost += crashConnections
		for _, address := range r.current { // of whose message a body may have been on its way
			r.bodies[address]++
		}
		r.Stop()
		return smtptest.ErrDrop
	case percent < 300 && t.Verb == smtptest.Done:
		r.mu.Unlock()
		time.Sleep(time.Duration(percent) * 20 * time.Microsecond)
		r.mu.Lock()
	}
	return nil
}

// The addresses that are refused for good begin so, each in its own way.
const (
	nobody   = "nobody"   // there is no such mailbox
	full     = "full"     // it takes nothing, and may again
	unwanted = "unwanted" // it wants nothing of ours
)

func refusal(address string) error {
	switch {
	case strings.HasPrefix(address, nobody):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	case strings.HasPrefix(address, full):
		return &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 2, 2}, Message: "it is full"}
	case strings.HasPrefix(address, unwanted):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "not wanted here"}
	}
	return nil
}

// report copies what was noted into the evidence.
func (r *crashReceiver) report(e *evidence) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.dots, e.bodies, e.lost = append([]dot(nil), r.dots...), maps.Clone(r.bodies), r.lost
	e.recipients = map[string][]int64{}
	for address, at := range r.rcpts {
		e.recipients[address] = append([]int64(nil), at...)
	}
}
