package feed

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/gorilla/feeds"
)

// jsonFeed always has items: a feed without entries is one with none, not one that does not say.
type jsonFeed struct {
	feeds.JSONFeed
	Items []*feeds.JSONItem `json:"items"`
}

// JSON writes the feed as JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/).
func (f *Feed) JSON() ([]byte, error) {
	f = f.prepare()
	j := &jsonFeed{
		JSONFeed: feeds.JSONFeed{
			Version:     "https://jsonfeed.org/version/1.1",
			Title:       f.Title,
			Language:    f.Language,
			HomePageUrl: f.Home,
			FeedUrl:     f.address(JSONFile),
			Description: f.Subtitle,
			Icon:        f.Icon,
			Authors:     []*feeds.JSONAuthor{{Name: f.Author}},
		},
		Items: make([]*feeds.JSONItem, len(f.Entries)),
	}
	if f.Hub != "" {
		j.Hubs = []*feeds.JSONHub{{Type: "WebSub", Url: f.Hub}}
	}
	if before := f.archiveBefore(); before > 0 {
		j.NextUrl = CleanURL(f.Dir + ArchiveFile(before, JSONFile))
	}
	for i := range f.Entries {
		j.Items[i] = newJSONItem(&f.Entries[i])
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // it is no script in a page, and half its size is markup
	e.SetIndent("", "  ")
	if err := e.Encode(j); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func newJSONItem(e *Entry) *feeds.JSONItem {
	item := &feeds.JSONItem{
		Id:            e.ID,
		Url:           e.URL,
		ExternalUrl:   e.URL,
		Title:         e.Title,
		ContentHTML:   e.Content,
		Summary:       e.Summary,
		PublishedDate: &e.Published,
		ModifiedDate:  &e.Updated,
	}
	if e.Author != "" {
		item.Authors = []*feeds.JSONAuthor{{Name: e.Author}}
	}
	for _, c := range e.Categories {
		if !slices.Contains(item.Tags, c.Label) {
			item.Tags = append(item.Tags, c.Label)
		}
	}
	return item
}
