package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
)

// look takes the evidence of this moment, when no sender lives, and fails the test for what it says.
func (c *crash) look(final bool) {
	c.Helper()
	before := c.tick()
	old := c.rows
	c.rows = map[letter]row{}
	c.query(c.readDatabase)
	now := c.tick()
	c.looked = before
	for l := range old {
		if _, ok := c.rows[l]; !ok {
			c.Errorf("I1: the row of %s is gone", l)
		}
	}
	committing := 0
	for l, r := range c.rows {
		switch {
		case r.state == digest.Committing:
			committing++
		case r.state == digest.Sent && c.sentBy[l] == 0:
			c.sentBy[l] = now
		case r.state == digest.Failed && strings.HasPrefix(l.address, nobody) && c.deadBy[l.address] == 0:
			c.deadBy[l.address] = now
		}
	}
	if committing > c.evidence.connections {
		c.Errorf("I2: %d messages are in doubt at once on %d connections", committing, c.evidence.connections)
	}
	c.readJournal()
	c.receiver.report(&c.evidence)
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	wrong := c.violations(final)
	for n, v := range wrong {
		if n == 10 {
			c.Errorf("and %d more", len(wrong)-n)
			break
		}
		c.Errorf("after %d kills, %s", c.deaths(), v)
	}
}

// readDatabase reads the issues, their deliveries and what is news.
func (c *crash) readDatabase(db *sql.DB) error {
	tx, err := db.Begin() // one moment
	if err != nil {
		return err
	}
	defer tx.Rollback()
	known := map[letter]issueSeen{}
	for _, i := range c.issues {
		known[letter{i.digest, i.number, ""}] = i
	}
	c.issues = nil
	refs := map[int64]int{} // places in c.issues
	err = eachRow(tx, `SELECT id, digest, number, period, state FROM issue ORDER BY id`, func(rows *sql.Rows) error {
		var ref int64
		i := issueSeen{before: c.looked}
		if err := rows.Scan(&ref, &i.digest, &i.number, &i.period, &i.state); err != nil {
			return err
		}
		if k, ok := known[letter{i.digest, i.number, ""}]; ok {
			i.before, i.seen = k.before, k.seen
		} else {
			i.seen = c.tick()
		}
		refs[ref] = len(c.issues)
		c.issues = append(c.issues, i)
		return nil
	})
	if err != nil {
		return err
	}
	err = eachRow(tx, `SELECT i.issue, e.url FROM issue_entry i JOIN entry e ON e.id = i.entry`, func(rows *sql.Rows) error {
		var ref int64
		var link string
		err := rows.Scan(&ref, &link)
		if err == nil {
			i := &c.issues[refs[ref]]
			i.entries = append(i.entries, link)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = eachRow(tx, `SELECT d.issue, s.address, d.state, d.doubts, d.message IS NOT NULL, d.reply
		FROM delivery d JOIN subscriber s ON s.id = d.subscriber`, func(rows *sql.Rows) error {
		var ref int64
		var address string
		var r row
		err := rows.Scan(&ref, &address, &r.state, &r.doubts, &r.bytes, &r.reply)
		if err == nil {
			i := c.issues[refs[ref]]
			c.rows[letter{i.digest, i.number, address}] = r
		}
		return err
	})
	if err != nil {
		return err
	}
	c.announced = nil
	return eachRow(tx, `SELECT url FROM entry WHERE state = 'announced'`, func(rows *sql.Rows) error {
		var link string
		err := rows.Scan(&link)
		c.announced = append(c.announced, link)
		return err
	})
}

// eachRow calls f with every row of a query.
func eachRow(tx *sql.Tx, query string, f func(*sql.Rows) error) error {
	rows, err := tx.Query(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// readJournal reads what the receiver has accepted since it was read last.
func (c *crash) readJournal() {
	c.Helper()
	entries, end, err := smtptest.ReadJournal(c.path("journal"), c.offset)
	c.must(err)
	c.offset = end
	for _, e := range entries {
		a := accepted{Entry: e}
		said, ok := c.said[e.Sum]
		if !ok {
			said, err = readMail(e.Data)
			c.must(err)
			c.said[e.Sum] = said
		}
		a.letter, a.links = letter{said.digest, said.number, e.To}, said.links
		if said.to != e.To {
			c.Errorf("I2: what is written to %s was sent to %s", said.to, e.To)
		}
		c.accepted = append(c.accepted, a)
		c.world.mu.Lock()
		c.world.oneTime[subscription{e.To, said.digest}] = said.oneClick
		c.world.mu.Unlock()
	}
}

// saidMail is what a message says of itself.
type saidMail struct {
	digest   string
	number   int
	to       string
	links    []string
	oneClick string
}

var (
	archivedAt = regexp.MustCompile(`/digests/([^/>]+)/(\d+)`)
	toolLink   = regexp.MustCompile(`https://example\.org/tools/\d+`)
	clickLink  = regexp.MustCompile(`<(http[^>]+)>`)
)

// readMail reads an issue's message.
func readMail(data []byte) (said saidMail, err error) {
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return said, err
	}
	at := archivedAt.FindStringSubmatch(m.Header.Get("Archived-At"))
	if at == nil {
		return said, fmt.Errorf("no issue in the header Archived-At of:\n%s", data)
	}
	said.digest = at[1]
	said.number, _ = strconv.Atoi(at[2]) // digits
	to, err := mail.ParseAddress(m.Header.Get("To"))
	if err != nil {
		return said, err
	}
	said.to = to.Address
	if click := clickLink.FindStringSubmatch(m.Header.Get("List-Unsubscribe")); click != nil {
		said.oneClick = click[1]
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return said, err
	}
	text, err := multipart.NewReader(m.Body, params["boundary"]).NextPart()
	if err != nil {
		return said, err
	}
	b, err := io.ReadAll(text)
	for _, link := range toolLink.FindAllString(string(b), -1) {
		if !slices.Contains(said.links, link) {
			said.links = append(said.links, link)
		}
	}
	return said, err
}

// account compares what the program says of each issue with the database and the receiver's journal, and looks at what else
// must be whole in the end.
func (c *crash) account() {
	c.Helper()
	for _, i := range c.issues {
		var shown struct {
			Deliveries map[digest.State]int
			Receipts   []receipt
		}
		c.must(json.Unmarshal(c.run("digest", "show", strconv.Itoa(i.number), "--digest", i.digest, "--json"), &shown))
		want, got, counted := map[string]digest.State{}, map[string]digest.State{}, map[digest.State]int{}
		for l, r := range c.rows {
			if l.digest == i.digest && l.number == i.number {
				want[l.address] = r.state
			}
		}
		for _, r := range shown.Receipts {
			got[r.Address] = r.State
			counted[r.State]++
			if part := c.concern(r.Address, i.entries); r.Entries != len(part) && (r.Entries != 0 || len(part) < len(i.entries)) {
				c.Errorf("`digest show` says that %s has %d entries of %s #%d, want %d of %d", r.Address, r.Entries, i.digest, i.number, len(part), len(i.entries))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(shown.Receipts) != len(got) {
			c.Errorf("`digest show` gives %d subscribers of %s #%d, %d of them different (-rows +shown):\n%s", len(shown.Receipts), i.digest, i.number, len(got), diff)
		}
		if diff := cmp.Diff(counted, shown.Deliveries); diff != "" {
			c.Errorf("%s #%d: its counts (+) are not its receipts' (-):\n%s", i.digest, i.number, diff)
		}
		if _, err := os.Stat(c.path(fmt.Sprintf("data/public/digests/%s/%d/index.html", i.digest, i.number))); err != nil {
			c.Errorf("the page of %s #%d: %v", i.digest, i.number, err)
		}
	}
	if got := c.column(`PRAGMA integrity_check`); !slices.Equal(got, []string{"ok"}) {
		c.Errorf("the database: %q", got)
	}
	var want []string
	for n := founded; n < c.world.entries; n++ { // the first were there before the digests began
		want = append(want, fmt.Sprintf("https://example.org/tools/%d", n))
	}
	slices.Sort(c.announced)
	slices.Sort(want)
	if diff := cmp.Diff(want, c.announced); diff != "" {
		c.Errorf("what is news (-list +database):\n%s", diff)
	}
}
