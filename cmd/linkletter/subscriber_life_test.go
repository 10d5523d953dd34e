package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"linkletter/templates/browsertest"
)

// guest is one who lives through it all, with the mail that comes to them.
type guest struct {
	*browsing
	address string
	before  string // the address that they had
}

// TestSubscriberLife lives the life of three subscribers from the form to being forgotten, by clicking what pages and mails
// show: one whose browser runs no scripts, one whose browser does, and one without a mouse.
func TestSubscriberLife(t *testing.T) {
	t.Parallel()
	browser := browsertest.Chromium(t)
	c := openClub(t, "")
	var guests []*guest
	for _, name := range []string{"plain", "scripted", "keyboard"} {
		g := &guest{browsing: atBrowser(t, browser, c.base, name), address: name + "@reader.example"}
		g.keyboard = name == "keyboard"
		if name == "plain" {
			g.withoutScripts()
		}
		guests = append(guests, g)
	}
	each := func(steps ...func(c *club, g *guest)) {
		t.Helper()
		for _, step := range steps {
			for _, g := range guests {
				step(c, g)
			}
		}
	}
	send := func(name, digest string) {
		t.Helper()
		c.publish(name, clubSections...)
		c.sentNow(digest)
	}
	gets := func(titles ...string) func(*club, *guest) {
		return func(c *club, g *guest) { c.holds(c.received(g.address), titles...) }
	}

	each(signsUp, confirms)
	send("Second", "weekly")
	each(getsAll, chooses)
	send("Third", "weekly")
	each(gets("Third of Iron"))
	c.sentNow("reading")
	each(gets("Second of Poems", "Second of Travel", "Third of Poems", "Third of Travel"), pauses) // its first issue
	send("Fourth", "weekly")
	each(getsNothing, awakes)
	send("Fifth", "weekly")
	each(gets("Fifth of Iron"), moves, getsData)
	each(leavesByTheBody, comesBack, leavesByTheButton, comesBack, leavesByMail, comesBack)
	send("Sixth", "weekly")
	each(func(c *club, g *guest) { c.received(g.address) }, isForgotten)
	send("Last", "weekly")
	// What was deleted leaves the files when they are rewritten, which this command does at once and serve in time.
	c.run("subscribers", "suppress", "other@reader.example")
	c.until("they are rewritten", func() bool {
		c.run("subscribers", "forget", "other@reader.example")
		return len(c.column(`SELECT name FROM setting WHERE name = 'unclean'`)) == 0
	})
	each(getsNothing, func(c *club, g *guest) {
		c.leavesNoTrace(g.name + "@reader.example")
		g.quiet()
	})
}

// signsUp fills in the form, which has the first digest ticked.
func signsUp(c *club, g *guest) {
	g.open(c.base + "-/subscribe")
	g.reads("Subscribe by e-mail")
	g.fill("#address", g.address)
	g.press("Subscribe")
	g.reads("Look into your mailbox")
	c.standsAs(g.address, "weekly", "pending")
}

func confirms(c *club, g *guest) { confirmsOf(c, g, "weekly", "The Weekly") }

// confirmsOf opens the link of the mail and presses its button; afterwards the link says how things are.
func confirmsOf(c *club, g *guest, digest, title string) {
	l := c.received(g.address)
	link := l.link(g, "/-/confirm/")
	if l.Header.Get("List-Unsubscribe-Post") != "" {
		g.Errorf("%q offers one click to leave what nobody has joined", l.Subject)
	}
	g.open(link)
	g.reads("Confirm your subscription", title)
	c.standsAs(g.address, digest, "pending")
	g.press("Yes, subscribe me")
	g.reads("You are subscribed", title)
	c.standsAs(g.address, digest, "confirmed")
	g.open(link)
	g.reads("You are subscribed")
}

// getsAll wants the whole issue, with a page of its own.
func getsAll(c *club, g *guest) {
	l := c.received(g.address)
	c.holds(l, "Second of Iron", "Second of Wood", "Second of Poems", "Second of Travel")
	g.open(l.link(g, "/weekly/1/"))
	if got := ask[string](g.browsing, `document.body.innerText`); !strings.Contains(got, "Second of Travel") || strings.Contains(got, g.address) {
		g.Errorf("the issue's page:\n%s", got)
	}
}

func getsNothing(c *club, g *guest) { c.nothing(g.address) }

// preferences goes where the newest issue's link and the page behind it lead.
func preferences(c *club, g *guest) {
	g.open(c.newestIssue(g.address, g.before).link(g, "/-/unsubscribe/"))
	g.reads("Unsubscribe")
	g.press("Choose sections and digests")
	g.reads("Your preferences")
	if got := ask[string](g.browsing, `document.body.innerText`); strings.Contains(got, g.address) {
		g.Errorf("%s: whoever has the mail is shown the address:\n%s", g.name, got)
	}
}

// chooses takes one section of the first digest, and all of the second, which is asked for by mail.
func chooses(c *club, g *guest) {
	preferences(c, g)
	g.toggle(`[name="want.weekly"][value="some"]`)
	g.unfold("Sections of Tools")
	g.toggle(`[name="part.weekly"][value="tools/iron"]`)
	g.toggle(`[name="digest"][value="reading"]`)
	g.press("Save")
	g.reads("Saved", "Only 1 part", "Iron", "Not yet: it begins with the link")
	c.standsAs(g.address, "weekly", "confirmed")
	confirmsOf(c, g, "reading", "Only Books")
}

// pauses asks for a pause until the end of next year, in the order in which Chromium's date field wants it here.
func pauses(c *club, g *guest) {
	preferences(c, g)
	year := time.Now().UTC().Year() + 1
	g.fill("#pause", fmt.Sprintf("1231%d", year))
	g.press("Save")
	g.reads("Saved", fmt.Sprintf("Nothing is sent before 31 December %d.", year))
}

// awakes is the pause's end. The program's clock is the machine's, so that instead the end is moved into the past.
func awakes(c *club, g *guest) {
	if got := c.column(fmt.Sprintf(`UPDATE subscriber SET paused = 1 WHERE key = '%s' AND paused > unixepoch() RETURNING address`, g.address)); len(got) != 1 {
		g.Errorf("%s: was not paused", g.name)
	}
}

// asks presses a button of the preferences that is confirmed by mail, and opens the mail's link.
func asks(c *club, g *guest, says, heading string) (link string) {
	g.press(says)
	g.reads("Look into your mailbox")
	link = c.received(g.address).link(g, "/-/act/")
	g.open(link)
	g.reads(heading)
	return link
}

// moves changes the address: the old one is asked, then the new one.
func moves(c *club, g *guest) {
	preferences(c, g)
	there := "new-" + g.address
	g.fill("#address", there)
	used := asks(c, g, "Change address", "Change your address")
	g.press("Yes, ask the new address")
	g.reads("Now look into your other mailbox")
	g.open(c.received(there).link(g, "/-/act/"))
	g.reads("Take your mail here", there)
	c.standsAs(g.address, "weekly", "confirmed")
	g.press("Yes, take it here")
	g.reads("Your address has changed", there)
	c.standsAs(there, "weekly", "confirmed")
	g.open(used)
	g.reads("This link is used up")
	g.address, g.before = there, g.address
}

// getsData downloads the file, which says who it is about and what they chose.
func getsData(c *club, g *guest) {
	preferences(c, g)
	asks(c, g, "Download my data", "What is stored about you")
	b := g.download("Get the file")
	var data map[string]any
	if err := json.Unmarshal(b, &data); err != nil || !bytes.Contains(b, []byte(g.address)) || !bytes.Contains(b, []byte("iron")) {
		g.Errorf("%s: the file (%v):\n%s", g.name, err, b)
	}
}

// leavesByTheBody opens the link at the end of the newest issue, and presses the button there.
func leavesByTheBody(c *club, g *guest) {
	g.open(c.newestIssue(g.address, g.before).link(g, "/-/unsubscribe/"))
	g.reads("Unsubscribe", "The Weekly")
	c.standsAs(g.address, "weekly", "confirmed")
	g.press("Unsubscribe")
	g.reads("You are unsubscribed", "The Weekly")
	c.standsAs(g.address, "weekly", "unsubscribed")
}

// comesBack signs up and confirms anew, as one who left may.
func comesBack(c *club, g *guest) {
	signsUp(c, g)
	confirms(c, g)
}

// leavesByTheButton does what the mail program's button does, in both forms, of which the second changes nothing more.
func leavesByTheButton(c *club, g *guest) {
	link := c.newestIssue(g.address, g.before).unsubscribe(g, "http")
	for _, multi := range []bool{g.keyboard, !g.keyboard} {
		c.oneClick(link, multi)
		c.standsAs(g.address, "weekly", "unsubscribed")
	}
}

// leavesByMail writes the message that the mailto form asks for, which a pipe gives to the program.
func leavesByMail(c *club, g *guest) {
	to, err := url.Parse(c.newestIssue(g.address, g.before).unsubscribe(g, "mailto"))
	c.must(err)
	cmd := c.linkletter("bounces", "receive")
	cmd.Stdin = strings.NewReader(fmt.Sprintf("From: %s\nTo: %s\nSubject: %s\nMessage-ID: <%s@reader.example>\n\n", g.address, to.Opaque, to.Query().Get("subject"), g.name))
	if out, err := cmd.CombinedOutput(); err != nil {
		g.Errorf("%s: bounces receive: %v\n%s", g.name, err, out)
	}
	c.standsAs(g.address, "weekly", "unsubscribed")
}

// isForgotten is the end.
func isForgotten(c *club, g *guest) {
	old := c.newestIssue(g.address, g.before).link(g, "/-/unsubscribe/")
	preferences(c, g)
	asks(c, g, "Forget me", "Forget me")
	g.press("Yes, forget me")
	g.reads("You are forgotten")
	g.open(old)
	g.reads("Unsubscribe")
}
