package feed

import (
	"encoding/xml"
	"html"
	"strings"
	"time"

	"github.com/gorilla/feeds"
)

const (
	dublinCore = "http://purl.org/dc/elements/1.1/"
	rssContent = "http://purl.org/rss/1.0/modules/content/"
	rssDocs    = "https://www.rssboard.org/rss-specification"
	// Minutes a reader may keep the feed: most lists change a few times a month.
	rssTTL = 60
)

type rssDocument struct {
	feeds.RssFeedXml
	Atom       string      `xml:"xmlns:atom,attr"`
	DublinCore string      `xml:"xmlns:dc,attr"`
	Channel    *rssChannel `xml:"channel"`

	stylesheet string
}

type rssChannel struct {
	feeds.RssFeed
	Title       rssText    `xml:"title"`
	Description rssText    `xml:"description"`
	Copyright   *rssText   `xml:"copyright"`
	Links       []atomLink `xml:"atom:link"`
	Items       []*rssItem `xml:"item"`
}

type rssItem struct {
	feeds.RssItem
	Title      rssText           `xml:"title"`
	Link       string            `xml:"link,omitempty"`
	Creator    string            `xml:"dc:creator,omitempty"`
	Categories []rssText         `xml:"category"`
	Content    *feeds.RssContent // after description, as readers of one element want it
}

// rssText is a plain text element. RSS never said whether those hold markup; the RSS Advisory Board's profile
// (https://www.rssboard.org/rss-profile#data-types-characterdata) found that readers agree on & and < only when they
// are written as hexadecimal references. Validators take an end tag for markup even so.
type rssText struct {
	XML string `xml:",innerxml"`
}

var hexReferences = strings.NewReplacer("&", "&#x26;", "<", "&#x3C;", ">", "&#x3E;")

func newRSSText(s string) rssText { return rssText{hexReferences.Replace(unmarkEndTags(s))} }

// RSS writes the feed as RSS 2.0 by the profile of the RSS Advisory Board.
func (f *Feed) RSS() ([]byte, error) {
	f = f.prepare()
	c := &rssChannel{
		RssFeed: feeds.RssFeed{
			Link:          first(f.Home, f.Dir),
			Language:      f.Language,
			LastBuildDate: rssDate(f.Updated()),
			Generator:     generator,
			Docs:          rssDocs,
			Ttl:           rssTTL,
		},
		Title:       newRSSText(f.Title),
		Description: newRSSText(first(f.Subtitle, f.Title)),
		Items:       make([]*rssItem, len(f.Entries)),
	}
	if f.Rights != "" {
		rights := newRSSText(f.Rights)
		c.Copyright = &rights
	}
	for _, l := range atomLinks(f, RSSFile, RSSType) {
		if l.Rel != "alternate" { // the channel's link
			c.Links = append(c.Links, l)
		}
	}
	for i := range f.Entries {
		c.Items[i] = newRSSItem(&f.Entries[i])
	}
	return writeXML(&rssDocument{
		RssFeedXml: feeds.RssFeedXml{Version: "2.0", ContentNamespace: rssContent},
		Atom:       atomNamespace,
		DublinCore: dublinCore,
		Channel:    c,
		stylesheet: f.Stylesheet,
	})
}

func newRSSItem(e *Entry) *rssItem {
	item := &rssItem{
		RssItem: feeds.RssItem{
			Description: html.EscapeString(e.Summary), // HTML, unlike the plain text elements
			Guid:        &feeds.RssGuid{Id: e.ID, IsPermaLink: "false"},
			PubDate:     rssDate(e.Published),
		},
		Title:   newRSSText(e.Title),
		Link:    rssLink(e),
		Creator: e.Author,
		Content: &feeds.RssContent{Content: e.Content},
	}
	for _, c := range e.Categories {
		item.Categories = append(item.Categories, newRSSText(c.Label))
	}
	return item
}

// rssLink is where an item leads. Validators of RSS know no IP literals (RFC 3986, 3.2.2), so there is none in brackets.
func rssLink(e *Entry) string {
	for _, to := range []string{e.URL, e.Via} {
		if !strings.Contains(to, "[") {
			return to
		}
	}
	return ""
}

// rssDate is a date of RFC 822, 5, with the four-digit year of RFC 1123, 5.2.14.
func rssDate(t time.Time) string { return t.Format(time.RFC1123Z) }

// FeedXml is what feeds.WriteXML calls.
func (r *rssDocument) FeedXml() any { return r }

// MarshalXML writes the stylesheet instruction before the document.
func (r *rssDocument) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	type bare rssDocument // without this method
	if err := writeStylesheet(e, r.stylesheet); err != nil {
		return err
	}
	return e.Encode((*bare)(r))
}
