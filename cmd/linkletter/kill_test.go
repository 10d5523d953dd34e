package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
)

// receiver is a mail server that takes its time, and says when so many points of its dialogues have passed.
type receiver struct {
	*smtptest.Server

	mu   sync.Mutex
	left int
	now  chan struct{}
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{Server: smtptest.New(t)}
	r.SetFault(func(smtptest.Verb, smtptest.Message) error {
		r.mu.Lock()
		if r.left--; r.left == 0 {
			close(r.now)
		}
		r.mu.Unlock()
		time.Sleep(2 * time.Millisecond) // so that a kill finds the sender waiting at every point, behind the dot too
		return nil
	})
	return r
}

// after gives a channel that is closed at the nth point from now.
func (r *receiver) after(n int) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left, r.now = n, make(chan struct{})
	return r.now
}

// accepted is what was accepted for each address.
func (r *receiver) accepted() map[string][]smtptest.Message {
	all := map[string][]smtptest.Message{}
	for _, m := range r.Journal() {
		all[m.To] = append(all[m.To], m)
	}
	return all
}

const (
	sendKills       = 15
	sendConnections = 4
	sendTo          = 150
	maxDoubts       = 3 // a message that fell in doubt so often is not sent again
)

// An issue reaches everybody though the program that sends it is killed again and again: MAIL.md's promise, for both
// policies about messages in doubt.
func TestKilledSenderSkipsNobody(t *testing.T) {
	for _, policy := range []string{"resend", "hold"} {
		t.Run(policy, func(t *testing.T) {
			server := newReceiver(t)
			i := install(t, fmt.Sprintf(`
lists: [{id: tools, source: list.md}]
digests: [{id: weekly, from: "Tools <tools@example.org>"}]
mail: {smtp: "smtp://%s", connections: %d, in_doubt: %s, in_doubt_hold: 1s}
`, server.Addr, sendConnections, policy))
			i.write("list.md", toolList(1))
			i.run("check")
			addresses := []string{"subscribers", "add"}
			for n := range sendTo {
				addresses = append(addresses, fmt.Sprintf("s%d@example.org", n))
			}
			i.run(addresses...)
			i.write("list.md", toolList(3))
			i.run("check")

			a := &account{installation: i, server: server, doubted: map[string]int{}}
			a.sendAndKill()
			a.finish()
			a.verify(policy == "resend")
		})
	}
}

// account follows one issue through the deaths of its sender.
type account struct {
	*installation
	server       *receiver
	unsubscribed []string       // between kills, before a message of theirs could have been accepted
	doubted      map[string]int // how often each address was found between the dot and the recorded reply
}

// sendAndKill kills `digest send` at random points of its dialogues, and now and then at a random moment from its start,
// which may be before the issue is frozen.
func (a *account) sendAndKill() {
	for tries := 0; a.kills < sendKills && tries < 2*sendKills; tries++ {
		if tries%5 == 0 {
			runAndKill(a.installation, time.After(time.Duration(a.rand.IntN(150))*time.Millisecond), "digest", "send")
		} else {
			runAndKill(a.installation, a.server.after(1+a.rand.IntN(40)), "digest", "send")
		}
		committing := a.column(`SELECT s.address FROM delivery d JOIN subscriber s ON s.id = d.subscriber WHERE d.state = 'committing'`)
		if len(committing) > sendConnections {
			a.Errorf("kill %d left %d messages in doubt on %d connections: %q", a.kills, len(committing), sendConnections, committing)
		}
		for _, address := range committing {
			a.doubted[address]++
		}
		a.unsubscribe()
	}
}

// unsubscribe ends the subscription of somebody to whom no message has been finished.
func (a *account) unsubscribe() {
	open := a.column(`SELECT s.address FROM delivery d
		JOIN subscriber s ON s.id = d.subscriber
		JOIN subscription u ON u.subscriber = s.id AND u.state = 'confirmed'
		WHERE d.state IN ('pending', 'claimed') AND d.message IS NULL ORDER BY d.id`)
	if len(open) == 0 {
		return
	}
	address := open[a.rand.IntN(len(open))]
	a.run("subscribers", "remove", address)
	a.unsubscribed = append(a.unsubscribed, address)
}

// finish sends undisturbed until the issue is done; what is in doubt waits for its time.
func (a *account) finish() {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		a.run("digest", "send")
		if a.issue().State == "done" {
			return
		}
	}
	a.Fatalf("after %d kills the issue does not end: %v", a.kills, a.issue())
}

// issue is the only issue there is.
func (a *account) issue() issueRow {
	a.Helper()
	var rows []issueRow
	a.must(json.Unmarshal(a.run("digest", "issues", "--json"), &rows))
	if len(rows) != 1 {
		a.Fatalf("there are %d issues, want one", len(rows))
	}
	return rows[0]
}

func (a *account) verify(resend bool) {
	var shown struct {
		Deliveries map[digest.State]int
		Receipts   []receipt
	}
	a.must(json.Unmarshal(a.run("digest", "show", "1", "--json"), &shown))
	if len(shown.Receipts) != sendTo {
		a.Errorf("`digest show` accounts for %d subscribers, want %d", len(shown.Receipts), sendTo)
	}
	counted, again := map[digest.State]int{}, 0
	accepted := a.server.accepted()
	for _, r := range shown.Receipts {
		counted[r.State]++
		got := accepted[r.Address]
		delete(accepted, r.Address)
		again += max(0, len(got)-1)
		a.verifyCopies(r, got, resend)
	}
	for address := range accepted {
		a.Errorf("%s was mailed and is not accounted for", address)
	}
	if diff := cmp.Diff(counted, shown.Deliveries); diff != "" {
		a.Errorf("the issue's counts (+) are not its receipts' (-):\n%s", diff)
	}
	if again > a.kills*sendConnections {
		a.Errorf("%d messages were accepted again after %d kills on %d connections", again, a.kills, sendConnections)
	}
	if _, err := os.Stat(a.path("data/public/digests/weekly/1/index.html")); err != nil {
		a.Errorf("the issue's page: %v", err)
	}
	a.Logf("%d kills, %d addresses in doubt at some time, %d accepted again, %d unsubscribed meanwhile, in the end %v",
		a.kills, len(a.doubted), again, len(a.unsubscribed), counted)
}

// verifyCopies compares what became of one subscriber's copy with what the server accepted for the address.
func (a *account) verifyCopies(r receipt, got []smtptest.Message, resend bool) {
	if slices.Contains(a.unsubscribed, r.Address) {
		if len(got) > 0 || r.State != digest.Suppressed {
			a.Errorf("%s unsubscribed before a message was finished; the state is %q and %d were accepted", r.Address, r.State, len(got))
		}
		return
	}
	doubts := 1
	if resend {
		doubts = maxDoubts
	}
	switch {
	case r.State == digest.InDoubt: // named, and accepted or not
		if a.doubted[r.Address] < doubts {
			a.Errorf("%s is left in doubt and was found so %d times, want %d at least", r.Address, a.doubted[r.Address], doubts)
		}
	case r.State != digest.Sent || len(got) == 0:
		a.Errorf("%s: the state is %q (%s) and %d were accepted, want it sent", r.Address, r.State, r.Reply, len(got))
	}
	most := 1
	if resend {
		most += a.doubted[r.Address]
	}
	if len(got) > most {
		a.Errorf("%s: %d were accepted, want at most %d: it was in doubt %d times", r.Address, len(got), most, a.doubted[r.Address])
	}
	for _, m := range got {
		if m.ID != got[0].ID || !bytes.Equal(m.Data, got[0].Data) {
			a.Errorf("%s got two different messages:\n%s\n%s", r.Address, got[0].Data, m.Data)
		}
	}
}

// toolList is a list of n entries.
func toolList(n int) string {
	var b strings.Builder
	b.WriteString("# Tools\n\n## By hand\n\n")
	for k := range n {
		fmt.Fprintf(&b, "- [Tool %d](https://example.org/tools/%d) - Does one thing.\n", k, k)
	}
	return b.String()
}

// A feed is whole at any moment, and holds everything once in the end, though every check that writes it is killed.
func TestKilledCheckLeavesWholeFeeds(t *testing.T) {
	const kills = 30
	i := install(t, `
lists: [{id: tools, source: list.md, baseline: 0}]
guard: {max_new: 100}
window: 100
`)
	entries := 1
	i.write("list.md", toolList(entries))
	i.run("check")
	for tries := 0; i.kills < kills && tries < 3*kills; tries++ {
		entries++
		i.write("list.md", toolList(entries))
		i.age()
		ctx, cancel := context.WithCancel(t.Context())
		runAndKill(i, i.written(ctx, i.rand.IntN(13)), "check")
		cancel()
		i.wellFormed()
	}
	i.age()
	i.run("check")
	i.run("publish")
	i.wellFormed()

	var want []string
	for n := 1; n < entries; n++ { // the first is the baseline
		want = append(want, fmt.Sprintf("https://example.org/tools/%d", n))
	}
	slices.Sort(want)
	for _, folder := range []string{"", "tools/", "tools/sections/by-hand/"} {
		for file, got := range i.feeds("data/public/" + folder) {
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("after %d kills, %s%s does not hold every entry once (-want +got):\n%s", i.kills, folder, file, diff)
			}
		}
	}
	i.must(filepath.WalkDir(i.path("data/public"), func(path string, _ fs.DirEntry, err error) error {
		if strings.Contains(path, ".linkletter-new-") {
			t.Errorf("%s was left half written", path)
		}
		return err
	}))
	t.Logf("%d kills, %d entries", i.kills, entries)
}

// age makes the published files old: a file's time moves by a second at least, for which a check right after another
// waits, and what was left half written is swept when nobody can be writing it any more.
func (i *installation) age() {
	i.Helper()
	past := time.Now().Add(-2 * time.Hour)
	i.must(filepath.WalkDir(i.path("data/public"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chtimes(path, past, past)
	}))
}

// written gives a channel that is closed when so many files were written since age, and a moment more has passed; 0: at a
// random moment from now. It watches until ctx ends.
func (i *installation) written(ctx context.Context, files int) <-chan struct{} {
	reached, watch := make(chan struct{}), time.NewTicker(50*time.Microsecond)
	pause := time.Duration(i.rand.IntN(1000)) * time.Microsecond
	if files == 0 {
		pause *= 100
	}
	go func() {
		defer watch.Stop()
		for fresh(i.path("data/public")) < files {
			select {
			case <-ctx.Done():
				return
			case <-watch.C:
			}
		}
		time.Sleep(pause)
		close(reached)
	}()
	return reached
}

// fresh counts the files in a folder and below that were written in the last hour.
func fresh(dir string) int {
	n := 0
	// What comes and goes meanwhile is no matter.
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil && time.Since(info.ModTime()) < time.Hour {
			n++
		}
		return nil
	})
	return n
}

// feeds gives the links of the entries in each of a folder's feeds.
func (i *installation) feeds(folder string) map[string][]string {
	i.Helper()
	var atom struct {
		Entries []struct {
			Links []struct {
				Rel  string `xml:"rel,attr"`
				Href string `xml:"href,attr"`
			} `xml:"link"`
		} `xml:"entry"`
	}
	var rss struct {
		Links []string `xml:"channel>item>link"`
	}
	var js struct {
		Items []struct {
			URL string `json:"url"`
		}
	}
	read := func(file string, decode func([]byte, any) error, into any) {
		b, err := os.ReadFile(i.path(folder + file))
		i.must(err)
		i.must(decode(b, into))
	}
	read("atom.xml", xml.Unmarshal, &atom)
	read("rss.xml", xml.Unmarshal, &rss)
	read("feed.json", json.Unmarshal, &js)
	all := map[string][]string{"rss.xml": rss.Links}
	for _, e := range atom.Entries {
		for _, l := range e.Links {
			if l.Rel == "" || l.Rel == "alternate" {
				all["atom.xml"] = append(all["atom.xml"], l.Href)
			}
		}
	}
	for _, e := range js.Items {
		all["feed.json"] = append(all["feed.json"], e.URL)
	}
	return all
}
