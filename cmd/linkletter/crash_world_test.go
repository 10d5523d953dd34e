package main

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"linkletter/store"
)

const (
	crowd       = 45   // subscribers at the start
	freezeCrowd = 1200 // the same where an issue shall take a while to freeze
	founded     = 2    // entries of the list then, one in each section
	padding     = 1500 // rows of an import that concern nobody, so that it takes a while
)

// world is what happens around the sender, and remembers what was answered for and when.
type world struct {
	crash   *crash
	digests []string
	entries int // in the list, of which the first (founded) are no news
	people  int // that there ever were
	pending []importedRow

	racing sync.WaitGroup // commands beside the sender; begun by the test's own goroutine
	busy   sync.RWMutex   // held for reading while somebody unsubscribes in the last moment

	mu      sync.Mutex // guards what follows
	rand    *rand.Rand
	here    []string                // addresses that may be subscribed
	wishes  map[subscription]*wish  // the evidence's
	oneTime map[subscription]string // addresses of one-click unsubscription, from mails
}

// importedRow is a row of a file of subscribers.
type importedRow struct{ address, digest, state string }

// found makes the installation: a list, and people who subscribed.
func (w *world) found() {
	c := w.crash
	w.rand, w.wishes, w.oneTime = rand.New(rand.NewPCG(c.rand.Uint64(), 3)), c.wishes, map[subscription]string{}
	w.entries = founded
	c.write("list.md", crashList(w.entries))
	c.run("check")
	var rows []importedRow
	size := crowd
	if c.classes[0] == freezing {
		size = freezeCrowd
	}
	for range size {
		rows = append(rows, w.newcomer()...)
	}
	for _, how := range []string{nobody, full, unwanted} {
		c.hopeless[how+"@example.net"] = true
		rows = append(rows, importedRow{how + "@example.net", "weekly", "confirmed"})
	}
	w.pending = rows
	importer := w.importMore()
	c.must(importer.wait())
	w.imported(importer)
	w.choose()
}

// The sections of the list: an entry's number decides in which it stands.
const even, odd = "Even", "Odd"

// crashList is a list of n entries in two sections.
func crashList(n int) string {
	b := strings.Builder{}
	b.WriteString("# Tools\n")
	for first, heading := range []string{even, odd} {
		fmt.Fprintf(&b, "\n## %s\n\n", heading)
		for k := first; k < n; k += 2 {
			fmt.Fprintf(&b, "- [Tool %d](https://example.org/tools/%d) - Does one thing.\n", k, k)
		}
	}
	return b.String()
}

// choose lets some of those who are there choose sections for good, and pause for good.
func (w *world) choose() {
	c := w.crash
	w.mu.Lock()
	defer w.mu.Unlock()
	c.query(func(db *sql.DB) error {
		for n := 1; n <= w.people; n++ {
			address := fmt.Sprintf("s%d@example.net", n)
			section := []string{even, odd, "", "", "", ""}[n%6] // 3: the whole list, chosen as such
			if n%6 <= 1 || n%6 == 3 {
				_, err := db.Exec(`INSERT INTO choice (subscriber, digest, list, section) SELECT s.id, n.digest, 'tools',
					coalesce((SELECT id FROM section WHERE path = json_array(?2)), 0)
					FROM subscriber s JOIN subscription n ON n.subscriber = s.id WHERE s.address = ?1`, address, section)
				if err != nil {
					return err
				}
				c.chosen[address] = section
			}
			if n%15 != 7 {
				continue
			}
			if _, err := db.Exec(`UPDATE subscriber SET paused = ? WHERE address = ?`, farAway.Unix(), address); err != nil {
				return err
			}
			for _, s := range w.all(address) {
				if wish := w.wishes[s]; wish != nil {
					wish.leaving, wish.left = c.tick(), c.tick()
				}
			}
		}
		return nil
	})
}

// farAway is when pauses end.
var farAway = time.Date(2126, 1, 1, 0, 0, 0, 0, time.UTC)

// pause keeps everything from an address, for end.
func (w *world) pause(address string) func() (int64, bool) {
	return func() (int64, bool) {
		ctx := w.crash.Context()
		s, err := store.Open(ctx, w.crash.path("data/linkletter.db"), time.Now)
		if err != nil {
			w.crash.Errorf("pausing %s: %v", address, err)
			return 0, false
		}
		defer s.Close()
		who, err := s.SubscriberByAddress(ctx, address)
		if err == nil {
			err = s.PauseSubscriber(ctx, who.ID, farAway)
		}
		if errors.Is(err, store.ErrNotFound) { // it was never taken in
			return 0, false
		}
		if err != nil {
			w.crash.Errorf("pausing %s: %v", address, err)
		}
		return w.crash.tick(), err == nil
	}
}

// newcomer is somebody who subscribes to a digest or two.
func (w *world) newcomer() []importedRow {
	w.people++
	address := fmt.Sprintf("s%d@example.net", w.people)
	rows := []importedRow{{address, "weekly", "confirmed"}}
	if len(w.digests) > 1 {
		switch w.people % 3 {
		case 0:
			rows[0].digest = "monthly"
		case 1:
			rows = append(rows, importedRow{address, "monthly", "confirmed"})
		}
	}
	return rows
}

// prepare sees to it that there is something to freeze or to send, while no sender runs. Time passes: what was put off for
// minutes is due.
func (w *world) prepare() {
	c := w.crash
	var open, news int
	c.query(func(db *sql.DB) error {
		now := time.Now().Unix()
		if _, err := db.Exec(`UPDATE delivery SET next = ?1 WHERE next > ?1 + 2 AND state IN ('deferred', 'in_doubt')`, now); err != nil {
			return err
		}
		if _, err := db.Exec(`UPDATE issue SET state = 'sending', reason = '' WHERE state = 'paused'`); err != nil {
			return err
		}
		err := db.QueryRow(`SELECT count(*) FROM delivery WHERE state IN ('pending', 'claimed', 'deferred')`).Scan(&open)
		if err != nil {
			return err
		}
		return db.QueryRow(`SELECT count(*) FROM entry e WHERE state = 'announced' AND NOT EXISTS (SELECT 1 FROM issue_entry i WHERE i.entry = e.id)`).Scan(&news)
	})
	c.age()
	if news > 0 || open > 15 && c.classes[0] != freezing || c.deaths() >= c.campaign.kills {
		return
	}
	w.grow()
	if !c.serve {
		c.run("check")
	}
}

// grow adds entries to the list.
func (w *world) grow() {
	w.entries += 1 + w.crash.rand.IntN(3)
	w.crash.write("list.md", crashList(w.entries))
}

// issued says that all that is news is in an issue of each digest.
func (w *world) issued() bool {
	left := 0
	w.crash.query(func(db *sql.DB) error {
		return db.QueryRow(`SELECT count(*) FROM entry e, digest d WHERE e.state = 'announced' AND NOT EXISTS (
			SELECT 1 FROM issue_entry i WHERE i.entry = e.id AND i.digest = d.id) AND d.id <> 'archive'`).Scan(&left)
	})
	return left == 0
}

// disturb lets something else happen beside the sender.
func (w *world) disturb() {
	c := w.crash
	switch c.rand.IntN(4) {
	case 0: // the list changes, between issues or in the middle of one
		w.grow()
		checker := c.start("check")
		w.racing.Go(func() { checker.mayFail(never, "begun the work") })
	case 1:
		w.unsubscribe(1)
	default:
		rows := append(w.newcomer(), w.newcomer()...)
		name := rows[0].digest
		rows = slices.DeleteFunc(rows, func(r importedRow) bool { return r.digest != name })
		args := []string{"subscribers", "add", "--digest", name}
		for _, r := range rows {
			args = append(args, r.address)
		}
		w.begin(rows)
		adder := c.start(args...)
		w.racing.Go(func() {
			adder.mayFail(never)
			w.done(rows, adder.at)
		})
	}
}

func never() bool { return false }

// unsubscribe lets some people leave within the next moments: with one click where the web server runs and they have had a
// mail, else through the operator.
func (w *world) unsubscribe(n int) {
	for range n {
		w.mu.Lock()
		address, ok := w.leaver()
		wait := time.Duration(w.rand.Int64N(int64(w.crash.moment()) + 1))
		w.mu.Unlock()
		if !ok {
			return
		}
		w.racing.Go(func() {
			time.Sleep(wait)
			w.leave(address)
		})
	}
}

// leaver takes somebody out of those who may be subscribed. w.mu is held.
func (w *world) leaver() (string, bool) {
	if len(w.here) < 10 {
		return "", false
	}
	n := w.rand.IntN(len(w.here))
	address := w.here[n]
	w.here = append(w.here[:n], w.here[n+1:]...)
	return address, true
}

// lastMoment lets a recipient leave, at times, after the message was claimed and before its RCPT is answered.
func (w *world) lastMoment(address string) {
	w.busy.RLock() // before mu, for whoever has this one wants that one, and settle waits for them
	defer w.busy.RUnlock()
	w.mu.Lock()
	leaves := w.rand.IntN(25) == 0 && len(w.here) > 10
	n := -1
	for k, a := range w.here {
		if a == address {
			n = k
		}
	}
	if leaves = leaves && n >= 0; leaves {
		w.here = append(w.here[:n], w.here[n+1:]...)
	}
	w.mu.Unlock()
	if leaves {
		w.leave(address)
	}
}

// leave unsubscribes an address from all digests, or from those it had mails of, or lets it be suppressed, or pauses it for good.
func (w *world) leave(address string) {
	w.mu.Lock()
	how := w.rand.IntN(5)
	clicks := map[string]string{}
	for _, d := range w.digests {
		if link := w.oneTime[subscription{address, d}]; link != "" && w.crash.serve {
			clicks[d] = link
		}
	}
	w.mu.Unlock()
	switch {
	case how == 0:
		w.end(w.all(address), w.pause(address))
	case how <= 2:
		name := "suppress-" + address + ".csv"
		w.crash.write(name, "address,digest,state\n"+address+",archive,suppressed\n")
		w.end(w.all(address), w.command("subscribers", "import", name))
	case len(clicks) > 0:
		for d, link := range clicks {
			w.end([]subscription{{address, d}}, w.click(link))
		}
	default:
		w.end(w.all(address), w.command("subscribers", "remove", address))
	}
}

// command runs the program, for end.
func (w *world) command(args ...string) func() (int64, bool) {
	return func() (int64, bool) {
		p := w.crash.start(args...)
		err := p.wait()
		// An address that was never taken in is no subscriber.
		if err != nil && !strings.Contains(p.output.String(), "no subscriber") {
			w.crash.Errorf("linkletter %q: %v\n%s", p.args, err, &p.output)
		}
		return p.at, err == nil
	}
}

// click is RFC 8058's one click. It is unanswered when the server was killed meanwhile; one that is not there yet is asked
// again for a while.
func (w *world) click(link string) func() (int64, bool) {
	return func() (int64, bool) {
		for range 20 {
			res, err := http.PostForm(link, url.Values{"List-Unsubscribe": {"One-Click"}})
			switch {
			case err == nil:
				res.Body.Close()
				if res.StatusCode != http.StatusOK {
					w.crash.Errorf("one click on %s: %s", link, res.Status)
				}
				return w.crash.tick(), res.StatusCode == http.StatusOK
			case !errors.Is(err, syscall.ECONNREFUSED):
				return 0, false
			}
			time.Sleep(20 * time.Millisecond)
		}
		return 0, false
	}
}

// end notes when subscriptions were asked to end, and when that was answered for.
func (w *world) end(of []subscription, f func() (at int64, ok bool)) {
	begun := w.crash.tick()
	w.mu.Lock()
	for _, s := range of {
		if wish := w.wishes[s]; wish != nil && wish.leaving == 0 {
			wish.leaving = begun
		}
	}
	w.mu.Unlock()
	at, ok := f()
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range of {
		if wish := w.wishes[s]; wish != nil && wish.left == 0 {
			wish.left = at
		}
	}
}

// begin notes what rows are about to bring.
func (w *world) begin(rows []importedRow) {
	at := w.crash.tick()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range rows {
		for _, s := range w.concerned(r) {
			known := w.wishes[s]
			switch {
			case known == nil && r.state == "confirmed":
				w.wishes[s] = &wish{joining: at}
			case known != nil && r.state != "confirmed" && known.leaving == 0:
				known.leaving = at
			}
		}
	}
}

// done notes that the rows are in the database.
func (w *world) done(rows []importedRow, at int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range rows {
		for _, s := range w.concerned(r) {
			known := w.wishes[s]
			switch {
			case known == nil:
			case r.state != "confirmed" && known.left == 0:
				known.left = at
			case r.state == "confirmed" && known.joined == 0:
				known.joined = at
				if !w.crash.hopeless[r.address] {
					w.here = append(w.here, r.address)
				}
			}
		}
	}
}

// suppressed is the row of an address that is not to be written to. It is of a digest that never appears, so that the
// subscriptions to the others stay as they are.
func suppressed(address string) importedRow { return importedRow{address, "archive", "suppressed"} }

// concerned are the subscriptions that a row is about.
func (w *world) concerned(r importedRow) []subscription {
	if r.state != "suppressed" {
		return []subscription{{r.address, r.digest}}
	}
	return w.all(r.address)
}

// all are the subscriptions that an address may have.
func (w *world) all(address string) []subscription {
	var all []subscription
	for _, d := range w.digests {
		all = append(all, subscription{address, d})
	}
	return all
}

// importMore begins to import what a killed import left undone, or some more people.
func (w *world) importMore() *child {
	if w.pending == nil {
		for range 8 {
			w.pending = append(w.pending, w.newcomer()...)
		}
		w.mu.Lock()
		if address, ok := w.leaver(); ok { // as another program knows it, of one digest or the address as a whole
			for _, d := range w.digests {
				w.pending = append(w.pending, importedRow{address, d, "unsubscribed"})
			}
		}
		if address, ok := w.leaver(); ok {
			w.pending = append(w.pending, suppressed(address))
		}
		for s, wish := range w.wishes { // who left is not subscribed again, whatever a file says
			if wish.joined != 0 && wish.left != 0 {
				w.pending = append(w.pending, importedRow{s.address, s.digest, "confirmed"})
			}
		}
		w.mu.Unlock()
	}
	w.begin(w.pending)
	var b strings.Builder
	b.WriteString("address,digest,state\nnonsense,weekly,confirmed\n")
	for n := range padding {
		fmt.Fprintf(&b, "p%d@example.net,archive,confirmed\n", n)
	}
	for _, r := range w.pending {
		fmt.Fprintf(&b, "%s,%s,%s\n", r.address, r.digest, r.state)
	}
	w.crash.write("people.csv", b.String())
	return w.crash.start("subscribers", "import", "people.csv")
}

// imported notes that an import has come to its end.
func (w *world) imported(p *child) {
	if p.err != nil {
		w.crash.Errorf("linkletter %q: %v\n%s", p.args, p.err, &p.output)
		return
	}
	w.done(w.pending, p.at)
	w.pending = nil
}

// settle waits for all that goes on beside the sender.
func (w *world) settle() {
	w.racing.Wait()
	w.busy.Lock()
	defer w.busy.Unlock()
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
