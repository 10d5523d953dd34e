package main

import (
	"testing"
)

// guest is one who lives through it all, with the mail that comes to them.
type guest struct {
	*browsing
	address string
}

// TestSubscriberLife lives the life of three subscribers from the form to being forgotten, by clicking what pages and mails
// show: one whose browser runs no scripts, one whose browser does, and one without a mouse.
func TestSubscriberLife(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	c := openClub(t, "")
	var guests []*guest
	for _, name := range []string{"plain", "scripted", "keyboard"} {
		g := &guest{atBrowser(t, browser, c.base, name), name + "@reader.example"}
		g.keyboard = name == "keyboard"
		if name == "plain" {
			g.withoutScripts()
		}
		guests = append(guests, g)
	}
	each := func(step func(c *club, g *guest)) {
		t.Helper()
		for _, g := range guests {
			step(c, g)
		}
	}
	each(signsUp)
	each(confirms)
	c.publish("Second", clubSections...)
	c.sentNow("weekly")
	each(getsAll)
	each(leavesByTheBody)
	each(comesBack)
	each(leavesByTheButton)
	c.publish("Last", clubSections...)
	c.sentNow("weekly")
	each(func(c *club, g *guest) { c.nothing(g.address); g.quiet() })
}

// signsUp fills in the form of the front page's link, which has the first digest ticked.
func signsUp(c *club, g *guest) {
	g.open(c.base + "-/subscribe")
	g.reads("Subscribe by e-mail")
	g.fill("#address", g.address)
	g.press("Subscribe")
	g.reads("Look into your mailbox")
	c.standsAs(g.address, "weekly pending")
}

// confirms opens the link of the mail and presses its button; afterwards the link says how things are.
func confirms(c *club, g *guest) {
	l := c.received(g.address)
	link := l.link(g, "/-/confirm/")
	if l.Header.Get("List-Unsubscribe-Post") != "" {
		g.Errorf("%q offers one click to leave what nobody has joined", l.Subject)
	}
	g.open(link)
	g.reads("Confirm your subscription", "The Weekly")
	c.standsAs(g.address, "weekly pending")
	g.press("Yes, subscribe me")
	g.reads("You are subscribed", "The Weekly")
	c.standsAs(g.address, "weekly confirmed")
	g.open(link)
	g.reads("You are subscribed")
}

// getsAll wants the whole issue, with a page of its own.
func getsAll(c *club, g *guest) {
	l := c.received(g.address)
	c.holds(l, "Second of Iron", "Second of Wood", "Second of Poems", "Second of Travel")
	g.open(l.link(g, "/weekly/1/"))
	g.reads("The Weekly")
}

// leavesByTheBody opens the link at the end of the newest mail, and presses the button there.
func leavesByTheBody(c *club, g *guest) {
	g.open(c.newest(g.address).link(g, "/-/unsubscribe/"))
	g.reads("Unsubscribe", "The Weekly")
	c.standsAs(g.address, "weekly confirmed")
	g.press("Unsubscribe")
	g.reads("You are unsubscribed", "The Weekly")
	c.standsAs(g.address, "weekly unsubscribed")
}

// comesBack signs up and confirms anew, as one who left may.
func comesBack(c *club, g *guest) {
	signsUp(c, g)
	confirms(c, g)
}

// leavesByTheButton does what the mail program's button does, in one of its two forms each.
func leavesByTheButton(c *club, g *guest) {
	link := c.newestIssue(g.address).unsubscribe(g, "http")
	for range 2 { // a second time is no error
		c.oneClick(link, g.keyboard)
		c.standsAs(g.address, "weekly unsubscribed")
	}
}
