package feedtest

import (
	"encoding/xml"
	"regexp"
	"strings"
	"time"
)

const atomType = "application/atom+xml"

// relations are the registered relations of links (https://www.iana.org/assignments/link-relations) that validators of feeds
// know, with those that RFC 5005 keeps for the feed itself.
var (
	relations  = set("alternate current describedby enclosure first hub last license next next-archive payment prev-archive previous related replies search self service up via")
	ofFeedOnly = set("current first last next next-archive prev-archive previous self hub")
)

// language is a tag of BCP 47: a language of two or three letters, and subtags.
var language = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$`)

// mediaType is a type and subtype without parameters, which our links do not need.
var mediaType = regexp.MustCompile(`^[a-z0-9.+-]+/[a-z0-9.+-]+$`)

var feedRules = map[string]rule{
	"author": {0, many}, "category": {0, many}, "contributor": {0, many}, "generator": {0, 1}, "icon": {0, 1}, "id": {1, 1},
	"link": {1, many}, "logo": {0, 1}, "rights": {0, 1}, "subtitle": {0, 1}, "title": {1, 1}, "updated": {1, 1}, "entry": {0, many},
	"fh:archive": {0, 1}, "fh:complete": {0, 1},
}

var entryRules = map[string]rule{
	"author": {0, many}, "category": {0, many}, "content": {1, 1}, "contributor": {0, many}, "id": {1, 1}, "link": {0, many},
	"published": {0, 1}, "rights": {0, 1}, "source": {0, 1}, "summary": {0, 1}, "title": {1, 1}, "updated": {1, 1},
}

// Atom finds what is wrong with an Atom feed (RFC 4287) that is published under address.
func Atom(doc []byte, address string) []string {
	r := &report{}
	size(r, doc)
	feed := readXML(r, doc)
	if feed == nil {
		return r.problems
	}
	if feed.Space != atomSpace || feed.Local != "feed" {
		r.add("the root element is %s, no feed of Atom", qname(feed.Name))
		return r.problems
	}
	attributes(r, feed, "xml:lang", "xml:base")
	for _, a := range feed.attrs {
		if qname(a.Name) == "xml:lang" && !language.MatchString(a.Value) {
			r.add("xml:lang is no language: %s", shown(a.Value))
		}
	}
	children(r, feed, feedRules)
	entriesLast(r, feed, "entry")
	identifier(r, "the feed's id", feed.value("id"))
	common(r, feed)
	updated := feedDate(r, feed)
	feedLinks(r, feed, address, atomType)
	for _, name := range []string{"icon", "logo", "generator"} {
		for _, e := range feed.all(name) {
			leaf(r, e)
			if name == "generator" {
				attributes(r, e, "uri", "version")
				plain(r, name, e.text)
			} else {
				addressOf(r, e, true)
			}
		}
	}
	ids, dates := unique{feed.value("id"): true}, unique{}
	newest := time.Time{}
	for _, e := range feed.all("entry") {
		r.at = "entry " + e.value("id")
		t := atomEntry(r, e, feed.one("author") != nil)
		if ids.twice(e.value("id")) {
			r.add("its id is another's too")
		}
		if dates.twice(e.value("updated")) {
			r.add("it was updated in the second that another was: %s", e.value("updated"))
		}
		if t.After(newest) {
			newest = t
		}
	}
	r.at = ""
	if !newest.IsZero() && !updated.Equal(newest) {
		r.add("the feed says it was updated %s, and its newest entry was %s", stamp(updated), stamp(newest))
	}
	return r.problems
}

func stamp(t time.Time) string { return t.Format(time.RFC3339) }

// size is what validators read of a feed, and no reader should be asked for more.
func size(r *report, doc []byte) {
	const most = 5_000_000
	if len(doc) > most {
		r.add("it has %d bytes; validators read %d", len(doc), most)
	}
}

// entriesLast refuses elements of a feed after its entries: readers that stream take it as told by then.
func entriesLast(r *report, feed *element, entry string) {
	seen := false
	for _, c := range feed.children {
		if c.qname() == entry {
			seen = true
		} else if seen {
			r.add("%s stands after entries", c.qname())
		}
	}
}

// common looks at what feeds and entries have alike.
func common(r *report, e *element) {
	for _, c := range e.children {
		switch name := c.qname(); name {
		case "title", "subtitle", "rights", "summary":
			textConstruct(r, c)
		case "author", "contributor":
			person(r, c)
		case "category":
			category(r, c)
		case "id", "updated", "published":
			leaf(r, c)
			attributes(r, c)
			if c.text != strings.TrimSpace(c.text) {
				r.add("%s has white space around it: %s", name, shown(c.text))
			}
		case "fh:archive", "fh:complete":
			attributes(r, c)
			leaf(r, c)
			if c.text != "" {
				r.add("%s is not empty", name)
			}
		}
	}
	terms := unique{}
	for _, c := range e.all("category") {
		if term, _ := c.attr("term"); terms.twice(term) {
			r.add("the category %s stands twice", shown(term))
		}
	}
}

// textConstruct is RFC 4287, 3.1.
func textConstruct(r *report, e *element) {
	attributes(r, e, "type", "xml:lang")
	leaf(r, e)
	switch kind, given := e.attr("type"); {
	case !given || kind == "text":
		plain(r, e.qname(), e.text)
	case kind == "html":
		fragment(r, e.qname(), e.text)
	default:
		r.add("%s has the type %s", e.qname(), shown(kind))
	}
}

// person is RFC 4287, 3.2. Its name cannot say that it is no markup.
func person(r *report, e *element) {
	attributes(r, e)
	children(r, e, map[string]rule{"name": {1, 1}, "uri": {0, 1}, "email": {0, 1}})
	for _, c := range e.children {
		leaf(r, c)
		attributes(r, c)
		switch c.qname() {
		case "name":
			plain(r, e.qname(), c.text)
			if email(c.text) {
				r.add("the name of %s holds an e-mail address: %s", e.qname(), shown(c.text))
			}
		case "uri":
			addressOf(r, c, true)
		case "email":
			if name, host, found := strings.Cut(c.text, "@"); !found || name == "" || !strings.Contains(host, ".") {
				r.add("the e-mail address of %s is none: %s", e.qname(), shown(c.text))
			}
		}
	}
}

func category(r *report, e *element) {
	attributes(r, e, "term", "scheme", "label")
	if len(e.children) > 0 || strings.TrimSpace(e.text) != "" {
		r.add("category is not empty")
	}
	term, _ := e.attr("term")
	if strings.TrimSpace(term) == "" {
		r.add("category has no term")
	}
	if label, given := e.attr("label"); given {
		plain(r, "the label of a category", label)
	}
	if scheme, given := e.attr("scheme"); given {
		address(r, "the scheme of a category", scheme, true)
	}
}

// addressOf is an element that holds an address.
func addressOf(r *report, e *element, brackets bool) { address(r, e.qname(), e.text, brackets) }

func feedDate(r *report, e *element) time.Time { return rfc3339Date(r, "updated", e.value("updated")) }

// feedLinks looks at the links of a feed itself, of which RSS has some too.
func feedLinks(r *report, feed *element, here, kind string) {
	self := 0
	links(r, feed, func(rel, href string, e *element) {
		if rel != "self" {
			return
		}
		self++
		if href != here {
			r.add("the feed says that it is at %s, and it is at %s", href, here)
		}
		if got, _ := e.attr("type"); got != kind {
			r.add("rel=self has the type %s, want %s", shown(got), kind)
		}
	})
	if self != 1 {
		r.add("the feed has %d times rel=self", self)
	}
}

// links looks at the links of a feed or an entry.
func links(r *report, parent *element, each func(rel, href string, e *element)) {
	alternates, once := unique{}, unique{}
	for _, e := range parent.children {
		if e.Name != (xml.Name{Space: atomSpace, Local: "link"}) {
			continue
		}
		attributes(r, e, "href", "rel", "type", "hreflang", "title", "length")
		if len(e.children) > 0 || strings.TrimSpace(e.text) != "" {
			r.add("link is not empty")
		}
		rel, given := e.attr("rel")
		if !given {
			rel = "alternate"
		}
		href, _ := e.attr("href")
		kind, hasType := e.attr("type")
		address(r, "rel="+rel, href, true)
		if !relations[rel] {
			r.add("rel=%s is not registered", rel)
		}
		if hasType && !mediaType.MatchString(kind) {
			r.add("rel=%s has no media type: %s", rel, shown(kind))
		}
		hreflang, _ := e.attr("hreflang")
		switch {
		case rel == "alternate" && alternates.twice(kind+" "+hreflang):
			r.add("there are two rel=alternate of one type and language")
		case ofFeedOnly[rel] && parent.Local == "entry":
			r.add("rel=%s belongs to feeds", rel)
		case ofFeedOnly[rel] && rel != "hub" && once.twice(rel):
			r.add("there are two rel=%s", rel)
		}
		each(rel, href, e)
	}
}

// atomEntry looks at an entry and gives when it was updated.
func atomEntry(r *report, e *element, authored bool) time.Time {
	attributes(r, e, "xml:lang")
	children(r, e, entryRules)
	identifier(r, "its id", e.value("id"))
	common(r, e)
	if !authored && e.one("author") == nil {
		r.add("neither the entry nor the feed has an author")
	}
	links(r, e, func(string, string, *element) {})
	if c := e.one("content"); c != nil {
		attributes(r, c, "type")
		leaf(r, c)
		if kind, _ := c.attr("type"); kind != "html" {
			r.add("content has the type %s, want html", shown(kind))
		}
		fragment(r, "content", c.text)
	}
	updated := rfc3339Date(r, "updated", e.value("updated"))
	if e.one("published") != nil {
		if published := rfc3339Date(r, "published", e.value("published")); published.After(updated) {
			r.add("it was published %s, after it was updated %s", stamp(published), stamp(updated))
		}
	}
	return updated
}
