package feed

import "encoding/xml"

// Outline is a feed in an OPML file, or, without XMLURL, a group of them.
type Outline struct {
	Title    string // plain text
	XMLURL   string // the feed
	HTMLURL  string // the page it is the feed of
	Outlines []Outline
}

type opmlDocument struct {
	XMLName  xml.Name      `xml:"opml"`
	Version  string        `xml:"version,attr"`
	Title    string        `xml:"head>title"`
	Outlines []opmlOutline `xml:"body>outline"`
}

type opmlOutline struct {
	Text     string        `xml:"text,attr"`
	Title    string        `xml:"title,attr,omitempty"`
	Type     string        `xml:"type,attr,omitempty"`
	XMLURL   string        `xml:"xmlUrl,attr,omitempty"`
	HTMLURL  string        `xml:"htmlUrl,attr,omitempty"`
	Outlines []opmlOutline `xml:"outline"`
}

// OPML writes a subscription list (OPML 2.0, http://opml.org/spec2.opml), which feed readers import.
func OPML(title string, outlines []Outline) ([]byte, error) {
	b, err := xml.MarshalIndent(opmlDocument{
		Version:  "2.0",
		Title:    unmarkOutline(first(cleanText(title, maxTitle), "Feeds")),
		Outlines: opmlOutlines(outlines),
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(append([]byte(xml.Header), b...), '\n'), nil
}

// A group has a text only: the other attributes belong to outlines with a type.
func opmlOutlines(all []Outline) []opmlOutline {
	out := make([]opmlOutline, len(all))
	for i, o := range all {
		text := unmarkOutline(first(cleanText(o.Title, maxTitle), CleanURL(o.XMLURL), "…"))
		out[i] = opmlOutline{Text: text, Outlines: opmlOutlines(o.Outlines)}
		if to := CleanURL(o.XMLURL); to != "" {
			out[i].Title, out[i].Type, out[i].XMLURL, out[i].HTMLURL = text, "rss", to, CleanURL(o.HTMLURL)
		}
	}
	return out
}
