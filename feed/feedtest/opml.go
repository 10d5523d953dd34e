package feedtest

import "strings"

var outlineAttributes = []string{"text", "title", "type", "xmlUrl", "htmlUrl", "description", "language", "version", "created", "category"}

// OPML finds what is wrong with a list of subscriptions.
func OPML(doc []byte) []string {
	r := &report{}
	root := version2(r, doc, "opml")
	if root == nil {
		return r.problems
	}
	children(r, root, map[string]rule{"head": {1, 1}, "body": {1, 1}})
	if head := root.one("head"); head != nil {
		children(r, head, map[string]rule{"title": {1, 1}, "dateCreated": {0, 1}, "dateModified": {0, 1}, "ownerName": {0, 1}, "ownerId": {0, 1}, "docs": {0, 1}})
		for _, c := range head.children {
			leaf(r, c)
			switch name := c.qname(); name {
			case "title", "ownerName":
				label(r, name, c.text)
			case "dateCreated", "dateModified":
				rfc822Date(r, name, c.text)
			case "ownerId", "docs":
				addressOf(r, c, false)
			}
		}
	}
	if body := root.one("body"); body != nil {
		children(r, body, map[string]rule{"outline": {1, many}})
		feeds := unique{}
		for _, o := range body.children {
			outline(r, o, feeds)
		}
	}
	return r.problems
}

// outline looks at a feed or a group of feeds, and at what is in it.
func outline(r *report, e *element, feeds unique) {
	before := r.at
	defer func() { r.at = before }()
	text, _ := e.attr("text")
	r.at = "outline " + shown(text)
	attributes(r, e, outlineAttributes...)
	children(r, e, map[string]rule{"outline": {0, many}})
	label(r, "text", text)
	kind, typed := e.attr("type")
	feed, subscribed := e.attr("xmlUrl")
	title, titled := e.attr("title")
	if titled {
		label(r, "title", title)
	}
	page, paged := e.attr("htmlUrl")
	if paged {
		address(r, "htmlUrl", page, false)
	}
	switch {
	case typed && strings.ToLower(kind) != "rss":
		r.add("its type is %s, want rss", shown(kind))
	case typed && !(subscribed && titled):
		r.add("a subscription needs xmlUrl and title")
	case !typed && (subscribed || titled || paged):
		r.add("it has what belongs to subscriptions, and no type")
	}
	if subscribed {
		address(r, "xmlUrl", feed, true)
		if feeds.twice(feed) {
			r.add("another outline has its feed too: %s", feed)
		}
	}
	for _, o := range e.children {
		outline(r, o, feeds)
	}
}

// label is text of an outline. The specification allows markup in it, so what looks like some is some, and ours is none.
func label(r *report, where, s string) {
	if !visible(s) {
		r.add("%s holds nothing that can be seen: %s", where, shown(s))
	}
	if strings.ContainsRune(s, '<') {
		r.add("%s holds a <: %s", where, shown(s))
	}
	references(r, where, s)
}
