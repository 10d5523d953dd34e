package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	crashConnections = 3
	// patience is more than any command needs; one that takes longer hangs.
	patience = 60 * time.Second
)

// crash is one campaign under way.
type crash struct {
	*installation
	campaign
	evidence
	clock    atomic.Int64
	receiver *crashReceiver
	world    *world
	died     map[string]int      // kills, by class
	freeze   time.Duration       // at most so long after the database was locked for an issue comes the kill
	watch    func()              // ends the watch for that
	looked   int64               // when the database was last looked at, or a little before
	offset   int64               // how far the journal was read
	said     map[string]saidMail // by the SHA-256 of messages
	froze    int                 // issues when the last kill while freezing was prepared
	port     int                 // of serve
}

// tick is the next number of the order of things.
func (c *crash) tick() int64 { return c.clock.Add(1) }

// carryOut kills until there were enough, of every class one, lets the rest be sent in peace, and gives how many there were of each class.
func (c *crash) carryOut() map[string]int {
	misses := 0
	for n := 0; c.deaths() < c.campaign.kills || c.unmet() != ""; n++ {
		c.world.prepare()
		before := c.deaths()
		c.round(c.classes[n%len(c.classes)])
		c.look(false)
		if c.Failed() {
			c.FailNow() // the first thing that is wrong says most
		}
		if c.deaths() == before {
			misses++
		}
		if misses > 50+2*c.campaign.kills || n > 50+4*c.campaign.kills {
			c.Fatalf("%d runs ended before they could be killed, and %d did not; no kill fell %q", misses, c.deaths(), c.unmet())
		}
	}
	c.finish()
	c.look(true)
	c.account()
	again := 0
	for _, got := range c.byLetter() {
		again += len(got) - 1
	}
	c.Logf("%d kills, %d connections broken behind a body; %d issues, %d copies, %d accepted, %d of them again",
		c.deaths(), c.lost, len(c.issues), len(c.rows), len(c.accepted), again)
	return c.died
}

// unmet is a class of which there was no kill yet, in a campaign long enough for all.
func (c *crash) unmet() string {
	for _, class := range c.classes {
		if c.died[class] == 0 && c.campaign.kills >= len(c.classes) {
			return class
		}
	}
	return ""
}

func (c *crash) deaths() int {
	n := 0
	for _, of := range c.died {
		n += of
	}
	return n
}

// round is one life of the sender.
func (c *crash) round(class string) {
	c.receiver.behave()
	signal := c.receiver.trap(class, c.rand)
	var second, importer *child
	switch class {
	case atRandom:
		signal = after(c.moment())
	case freezing:
		signal = c.locked()
	case importing:
		importer = c.world.importMore()
		if c.rand.IntN(2) == 0 {
			importer.doom(after(c.moment() / 2))
		}
		signal = after(c.moment())
	case unsubbing:
		signal = after(c.moment())
		c.world.unsubscribe(3)
	case secondStart:
		signal = after(c.moment())
	}
	if class != freezing && c.rand.IntN(3) == 0 {
		c.world.disturb()
	}
	sender := c.sender()
	if class == secondStart {
		second = c.start("digest", "send", "weekly")
		c.watch = c.guard(sender)
	}
	dead := sender.killedAt(signal)
	if c.watch != nil {
		c.watch()
		c.watch = nil
	}
	c.receiver.release()
	c.receiver.behaveWell()
	if second != nil {
		if dead && c.rand.IntN(2) == 0 && second.killedAt(after(time.Duration(c.rand.IntN(150))*time.Millisecond)) {
			c.died[secondStart]++
			c.evidence.kills++
		}
		second.mayFail(c.receiver.excused, "begun the work")
	}
	c.world.settle()
	if importer != nil {
		if importer.wait(); killed(importer.err) {
			c.died[importing]++
		} else {
			c.world.imported(importer)
		}
	}
	if dead {
		c.died[class]++
		c.evidence.kills++
	} else {
		sender.mayFail(c.receiver.excused)
	}
	c.receiver.restart()
}

// guard fails the test when another process works on the database while one that had the right to lives and was not
// killed. The function it gives ends that.
func (c *crash) guard(p *child) (end func()) {
	ctx, cancel := context.WithCancel(c.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for had := false; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
			holders := c.column(`SELECT pid FROM lease WHERE name = 'scheduler'`)
			here := len(holders) == 1 && holders[0] == strconv.Itoa(p.cmd.Process.Pid)
			if had && !here && p.lives() {
				c.Errorf("linkletter %q works on the database no more, and was not asked to stop: %q do", p.args, holders)
				return
			}
			had = had || here
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// moment is a random one of a sender's life, most of which is its start.
func (c *crash) moment() time.Duration {
	most := 400 * time.Millisecond
	if c.serve {
		most = 900 * time.Millisecond
	}
	if raceDetector {
		most *= 4
	}
	return time.Duration(c.rand.Int64N(int64(most)))
}

func after(d time.Duration) <-chan struct{} {
	c := make(chan struct{})
	time.AfterFunc(d, func() { close(c) })
	return c
}

// sender starts the process that freezes and sends.
func (c *crash) sender() *child {
	if c.serve {
		return c.start("serve")
	}
	name := "weekly"
	if c.rand.IntN(3) == 0 && len(c.world.digests) > 1 {
		name = "monthly"
	}
	return c.start("digest", "send", name)
}

// finish sends undisturbed until all issues are done.
func (c *crash) finish() {
	c.receiver.behaveWell()
	for end := time.Now().Add(2 * patience); ; time.Sleep(100 * time.Millisecond) {
		c.world.prepare()
		for _, name := range c.world.digests {
			c.run("digest", "send", name)
		}
		open := c.column(`SELECT digest || ' ' || number || ' ' || state FROM issue WHERE state <> 'done'`)
		if len(open) == 0 && c.world.issued() {
			return
		}
		if time.Now().After(end) {
			c.Fatalf("after %d kills the issues do not end: %q", c.deaths(), open)
		}
	}
}

// child is the program as a process of its own.
type child struct {
	crash  *crash
	args   []string
	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan struct{}
	asked  atomic.Bool // to end, in whatever way
	err    error       // once it has ended
	at     int64       // when that was, or a little later
}

func (c *crash) start(args ...string) *child {
	c.Helper()
	p := &child{crash: c, args: args, cmd: c.linkletter(args...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	c.must(p.cmd.Start())
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
		p.at = c.tick()
	}()
	return p
}

// killedAt kills the process when the signal comes, and says whether it was in time. Who sends well and never ends is asked
// to when it has had time for much.
func (p *child) killedAt(signal <-chan struct{}) bool {
	enough := time.After(10 * time.Second)
	if p.args[0] == "serve" {
		enough = time.After(4 * time.Second)
	}
	select {
	case <-p.ended:
		return false
	case <-signal:
	case <-enough:
		if p.args[0] == "serve" {
			p.asked.Store(true)
			_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended just now
		}
		p.wait()
		return false
	}
	p.asked.Store(true)
	_ = p.cmd.Process.Kill() // the same
	p.wait()
	return killed(p.err)
}

// lives says that the process runs, and nobody has done anything to end it.
func (p *child) lives() bool {
	select {
	case <-p.ended:
		return false
	default:
		return !p.asked.Load()
	}
}

// doom kills the process when the signal comes, and does not wait for that.
func (p *child) doom(signal <-chan struct{}) {
	go func() {
		select {
		case <-p.ended:
		case <-signal:
			_ = p.cmd.Process.Kill() // it may have ended just now
		}
	}()
}

func killed(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
}

// wait gives how the process ended.
func (p *child) wait() error {
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // for its goroutines
		<-p.ended
		p.crash.Errorf("linkletter %q hangs:\n%s", p.args, &p.output)
	}
	return p.err
}

// mayFail fails the test for a process that ended badly, unless the receiver gave it reason to, or it says one of these things.
func (p *child) mayFail(excused func() bool, words ...string) {
	p.crash.Helper()
	if err := p.wait(); err == nil || killed(err) || excused() {
		return
	}
	for _, w := range words {
		if bytes.Contains(p.output.Bytes(), []byte(w)) {
			return
		}
	}
	p.crash.Errorf("linkletter %q, after %d kills: %v\n%s", p.args, p.crash.deaths(), p.err, &p.output)
}

func newCrash(t *testing.T, p campaign, r *rand.Rand) *crash {
	c := &crash{
		installation: &installation{T: t, dir: t.TempDir(), rand: r},
		campaign:     p,
		evidence: evidence{policy: p.policy, connections: crashConnections, bodies: map[string]int{}, recipients: map[string][]int64{},
			wishes: map[subscription]*wish{}, chosen: map[string]string{}, hopeless: map[string]bool{}, rows: map[letter]row{}, sentBy: map[letter]int64{}, deadBy: map[string]int64{}},
		died: map[string]int{}, said: map[string]saidMail{},
	}
	c.receiver = newCrashReceiver(c)
	c.port = freePort(t)
	every := `"0 0 1 1 *"`
	if p.serve {
		every = `"@every 1s"`
	}
	c.world = &world{crash: c, digests: []string{"weekly", "monthly"}}
	if p.classes[0] == freezing {
		c.world.digests = []string{"weekly"}
	}
	digests := "  - {id: archive, from: \"Tools <tools@example.org>\", schedule: \"0 0 1 1 *\"}\n"
	for _, d := range c.world.digests {
		digests += fmt.Sprintf("  - {id: %s, from: \"Tools <tools@example.org>\", schedule: %s}\n", d, every)
	}
	c.write("config.yaml", fmt.Sprintf(`
base_url: http://127.0.0.1:%[1]d
listen: 127.0.0.1:%[1]d
lists: [{id: tools, source: list.md, baseline: 0, check: "@every 1s"}]
checks: {jitter: 0s}
guard: {max_new: 100000}
digests:
%[2]s
mail: {smtp: "smtp://%[3]s", connections: %[4]d, per_connection: 9, in_doubt: %[5]s, in_doubt_hold: 1s}
`, c.port, digests, c.receiver.Addr, crashConnections, p.policy))
	c.world.found()
	return c
}
