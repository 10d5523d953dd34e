package feed

import (
	"bytes"
	"encoding/xml"
	"html"
	"net/url"
	"time"

	"github.com/gorilla/feeds"
)

// The media types of the documents, and of pages.
const (
	AtomType = "application/atom+xml"
	RSSType  = "application/rss+xml"
	JSONType = "application/feed+json"
	htmlType = "text/html"
)

const (
	atomNamespace    = "http://www.w3.org/2005/Atom"
	historyNamespace = "http://purl.org/syndication/history/1.0"
	generator        = "Linkletter"
)

// gorilla/feeds' structs lack what Atom readers and validators ask for. Embedding one and declaring a field of the same
// XML name shadows it, because encoding/xml lets the less deeply nested field win. Entries come last: validators want a
// feed's own elements before them.
type atomFeed struct {
	feeds.AtomFeed
	Lang      string       `xml:"xml:lang,attr,omitempty"`
	Title     atomText     `xml:"title"`
	Subtitle  *atomText    `xml:"subtitle"`
	Rights    *atomText    `xml:"rights"`
	Generator string       `xml:"generator"`
	History   string       `xml:"xmlns:fh,attr,omitempty"`
	Archive   *struct{}    `xml:"fh:archive"` // RFC 5005, 4: its entries are no news
	Links     []atomLink   `xml:"link"`
	Entries   []*atomEntry `xml:"entry"`

	stylesheet string
}

type atomEntry struct {
	feeds.AtomEntry
	Title      atomText       `xml:"title"`
	Summary    *atomText      `xml:"summary"`
	Links      []atomLink     `xml:"link"`
	Categories []atomCategory `xml:"category"`
}

// atomText is a text construct (RFC 4287, 3.1).
type atomText struct {
	Type string `xml:"type,attr,omitempty"`
	Text string `xml:",chardata"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomCategory struct {
	Term  string `xml:"term,attr"`
	Label string `xml:"label,attr"`
}

// Atom writes the feed as Atom (RFC 4287).
func (f *Feed) Atom() ([]byte, error) {
	f = f.prepare()
	a := &atomFeed{
		AtomFeed: feeds.AtomFeed{
			Xmlns:   atomNamespace,
			Id:      f.ID,
			Updated: atomDate(f.Updated()),
			Icon:    f.Icon,
			Author:  &feeds.AtomAuthor{AtomPerson: feeds.AtomPerson{Name: unmarkName(f.Author)}},
		},
		Lang:       f.Language,
		Title:      newAtomText(f.Title),
		Subtitle:   optionalText(f.Subtitle),
		Rights:     optionalText(f.Rights),
		Generator:  generator,
		Links:      append(atomLinks(f, AtomFile, AtomType), archiveLinks(f)...),
		Entries:    make([]*atomEntry, len(f.Entries)),
		stylesheet: f.Stylesheet,
	}
	if f.Archive > 0 {
		a.History, a.Archive = historyNamespace, &struct{}{}
	}
	for i := range f.Entries {
		a.Entries[i] = newAtomEntry(&f.Entries[i])
	}
	return writeXML(a)
}

func newAtomEntry(e *Entry) *atomEntry {
	a := &atomEntry{
		AtomEntry: feeds.AtomEntry{
			Id:        e.ID,
			Published: atomDate(e.Published),
			Updated:   atomDate(e.Updated),
			Content:   &feeds.AtomContent{Content: e.Content, Type: "html"},
		},
		Title:   newAtomText(e.Title),
		Summary: optionalText(e.Summary),
	}
	if e.Author != "" {
		a.Author = &feeds.AtomAuthor{AtomPerson: feeds.AtomPerson{Name: unmarkName(e.Author)}}
	}
	if e.Contributor != "" {
		a.Contributor = &feeds.AtomContributor{AtomPerson: feeds.AtomPerson{Name: unmarkName(e.Contributor)}}
	}
	if e.URL != "" {
		a.Links = append(a.Links, atomLink{Rel: "alternate", Href: e.URL})
	}
	if e.Via != "" {
		a.Links = append(a.Links, atomLink{Rel: "via", Href: e.Via})
	}
	for _, c := range e.Categories {
		a.Categories = append(a.Categories, atomCategory{Term: c.Term, Label: unmarkName(c.Label)})
	}
	return a
}

// atomLinks are the links of a feed itself, of which RSS takes all but the alternate one.
func atomLinks(f *Feed, file, mediaType string) []atomLink {
	links := []atomLink{{Rel: "self", Type: mediaType, Href: f.address(file)}}
	if f.Home != "" {
		links = append(links, atomLink{Rel: "alternate", Type: htmlType, Href: f.Home})
	}
	if f.Hub != "" {
		links = append(links, atomLink{Rel: "hub", Href: f.Hub})
	}
	return links
}

// archiveLinks lead from a feed to its newest archive document, and from each of those on to the one before and the one
// after (RFC 5005, 4).
func archiveLinks(f *Feed) []atomLink {
	var links []atomLink
	add := func(rel, file string) {
		links = append(links, atomLink{Rel: rel, Type: AtomType, Href: CleanURL(f.Dir + file)})
	}
	if f.Archive > 0 {
		add("current", AtomFile)
	}
	if before := f.archiveBefore(); before > 0 {
		add("prev-archive", ArchiveFile(before, AtomFile))
	}
	if f.Archive > 0 && f.Archive < f.Archives {
		add("next-archive", ArchiveFile(f.Archive+1, AtomFile))
	}
	return links
}

// archiveBefore is the archive document that holds what came before this one; 0: none.
func (f *Feed) archiveBefore() int {
	if f.Archive > 0 {
		return f.Archive - 1
	}
	return f.Archives
}

// newAtomText is plain text. Text that a careless reader would take for markup ("The <video> element") goes out as
// escaped HTML, which says the same to everybody.
func newAtomText(s string) atomText {
	if looksLikeHTML(s) {
		return atomText{Type: "html", Text: html.EscapeString(s)}
	}
	return atomText{Text: s}
}

func optionalText(s string) *atomText {
	if s == "" {
		return nil
	}
	t := newAtomText(s)
	return &t
}

// address is where the document stands: under the name that its format has, or a name of its own.
func (f *Feed) address(file string) string {
	if f.Archive > 0 {
		return CleanURL(f.Dir + ArchiveFile(f.Archive, file))
	}
	return CleanURL(f.Dir + first(url.PathEscape(f.File), file))
}

func atomDate(t time.Time) string { return t.Format(time.RFC3339) }

// FeedXml is what feeds.WriteXML calls.
func (a *atomFeed) FeedXml() any { return a }

// MarshalXML writes the stylesheet instruction before the feed.
func (a *atomFeed) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	type bare atomFeed // without this method
	if err := writeStylesheet(e, a.stylesheet); err != nil {
		return err
	}
	return e.Encode((*bare)(a))
}

// writeStylesheet lets a browser show the feed as a page (https://www.w3.org/TR/xml-stylesheet/).
func writeStylesheet(e *xml.Encoder, href string) error {
	if href != "" {
		pi := xml.ProcInst{Target: "xml-stylesheet", Inst: []byte(`type="text/css" href="` + html.EscapeString(href) + `"`)}
		if err := e.EncodeToken(xml.CharData("\n")); err != nil {
			return err
		}
		if err := e.EncodeToken(pi); err != nil {
			return err
		}
	}
	return e.EncodeToken(xml.CharData("\n"))
}

func writeXML(x feeds.XmlFeed) ([]byte, error) {
	var b bytes.Buffer
	if err := feeds.WriteXML(x, &b); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
