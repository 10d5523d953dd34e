package feedtest

import (
	"regexp"
	"strconv"
	"strings"
)

const rssType = "application/rss+xml"

var channelRules = map[string]rule{
	"title": {1, 1}, "link": {1, 1}, "description": {1, 1}, "atom:link": {1, many}, "category": {0, many}, "copyright": {0, 1},
	"docs": {0, 1}, "generator": {0, 1}, "image": {0, 1}, "language": {0, 1}, "lastBuildDate": {0, 1}, "managingEditor": {0, 1}, "pubDate": {0, 1},
	"ttl": {0, 1}, "webMaster": {0, 1}, "item": {0, many},
}

var itemRules = map[string]rule{
	"title": {0, 1}, "link": {0, 1}, "description": {0, 1}, "author": {0, 1}, "dc:creator": {0, many}, "category": {0, many}, "comments": {0, 1},
	"guid": {1, 1}, "pubDate": {0, 1}, "content:encoded": {0, 1},
}

// mailbox is an address with a name as the profile wants it: "a@example.org (A. Author)".
var mailbox = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+ \(.+\)$`)

// RSS finds what is wrong with an RSS 2.0 feed that is published under address.
func RSS(doc []byte, address string) []string {
	r := &report{}
	root := version2(r, doc, "rss")
	if root == nil {
		return r.problems
	}
	children(r, root, map[string]rule{"channel": {1, 1}})
	channel := root.one("channel")
	if channel == nil {
		return r.problems
	}
	attributes(r, channel)
	children(r, channel, channelRules)
	entriesLast(r, channel, "item")
	for _, c := range channel.children {
		if c.Space == "" { // else a link of Atom
			channelElement(r, c)
		}
	}
	feedLinks(r, channel, address, rssType)
	guids := unique{}
	for _, item := range channel.all("item") {
		r.at = "item " + item.value("guid")
		rssItem(r, item)
		if guids.twice(item.value("guid")) {
			r.add("its guid is another's too")
		}
	}
	return r.problems
}

func channelElement(r *report, e *element) {
	name := e.qname()
	if name == "item" || name == "image" {
		if name == "image" {
			image(r, e)
		}
		return
	}
	leaf(r, e)
	if name == "category" {
		attributes(r, e, "domain")
	} else {
		attributes(r, e)
	}
	switch name {
	case "title", "description", "copyright", "category":
		rssText(r, e)
	case "link", "docs":
		addressOf(r, e, false)
	case "language":
		if !language.MatchString(e.text) {
			r.add("language is none: %s", shown(e.text))
		}
	case "lastBuildDate", "pubDate":
		rfc822Date(r, name, e.text)
	case "ttl":
		if n, err := strconv.Atoi(e.text); err != nil || n <= 0 {
			r.add("ttl is no number of minutes: %s", shown(e.text))
		}
	case "managingEditor", "webMaster":
		if !mailbox.MatchString(e.text) {
			r.add("%s is no address with a name: %s", name, shown(e.text))
		}
	}
}

// image has the title and the link of the channel, in RSS as in browsers of old.
func image(r *report, e *element) {
	attributes(r, e)
	children(r, e, map[string]rule{"url": {1, 1}, "title": {1, 1}, "link": {1, 1}, "width": {0, 1}, "height": {0, 1}, "description": {0, 1}})
	for _, c := range e.children {
		leaf(r, c)
		if name := c.qname(); name == "url" || name == "link" {
			addressOf(r, c, false)
		}
	}
}

func rssItem(r *report, item *element) {
	attributes(r, item)
	children(r, item, itemRules)
	if item.one("title") == nil && item.one("description") == nil {
		r.add("it has neither title nor description")
	}
	if item.one("author") != nil && item.one("dc:creator") != nil {
		r.add("author and dc:creator say the same twice")
	}
	described := false
	for _, c := range item.children {
		leaf(r, c)
		switch name := c.qname(); name {
		case "guid":
			attributes(r, c, "isPermaLink")
			guid(r, c)
			continue
		case "category":
			attributes(r, c, "domain")
			rssText(r, c)
			continue
		case "title":
			rssText(r, c)
		case "link", "comments":
			addressOf(r, c, false)
		case "description":
			described = true
			if c.text != "" { // may be empty beside content:encoded
				fragment(r, name, c.text)
			}
		case "content:encoded":
			if !described {
				r.add("content:encoded stands before description, and readers of one element take the last")
			}
			fragment(r, name, c.text)
		case "pubDate":
			rfc822Date(r, name, c.text)
		case "dc:creator":
			if !visible(c.text) {
				r.add("dc:creator names nobody")
			}
		case "author":
			if !mailbox.MatchString(c.text) {
				r.add("author is no address with a name: %s", shown(c.text))
			}
		}
		attributes(r, c)
	}
}

func guid(r *report, e *element) {
	permanent, given := e.attr("isPermaLink")
	switch {
	case given && permanent != "true" && permanent != "false":
		r.add("isPermaLink is neither true nor false: %s", shown(permanent))
	case permanent != "false":
		address(r, "guid", e.text, false)
	case strings.HasPrefix(e.text, "tag:"):
		identifier(r, "guid", e.text)
	case len(e.text) < 9:
		r.add("guid is too short to be unique: %s", shown(e.text))
	}
}

// rssText is a plain text element. RSS never said whether those hold markup. The profile found that readers agree where & and <
// are hexadecimal references; an end tag, validators take for markup all the same.
func rssText(r *report, e *element) {
	name := e.qname()
	if !visible(e.text) {
		r.add("%s holds nothing that can be seen: %s", name, shown(e.text))
	}
	if tag := endTag(e.text); tag != "" {
		r.add("%s is plain text and holds </%s>", name, tag)
	}
	for _, c := range []string{"&", "<"} {
		if n := strings.Count(e.text, c); n > 0 && !strings.Contains(e.raw, "<![CDATA[") && n != strings.Count(strings.ToLower(e.raw), hexadecimal[c]) {
			r.add("%s holds %s as another than a hexadecimal reference: %s", name, c, shown(e.raw))
		}
	}
	if strings.Contains(e.raw, "<![CDATA[") {
		r.add("%s is CDATA, of which readers do not know whether it is markup", name)
	}
}

var hexadecimal = map[string]string{"&": "&#x26;", "<": "&#x3c;"}
