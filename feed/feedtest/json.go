package feedtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// jsonVersion is what a feed of JSON Feed 1.1 says it is.
const jsonVersion = "https://jsonfeed.org/version/1.1"

// The members of JSON Feed 1.1 that our feeds use; members whose names begin with an underscore are extensions.
var (
	jsonFeedMembers = set("version title home_page_url feed_url description user_comment next_url icon favicon authors language expired hubs items")
	jsonItemMembers = set("id url external_url title content_html content_text summary image banner_image date_published date_modified authors tags language")
)

// object is a JSON object of which the members are looked at one by one.
type object map[string]any

// JSON finds what is wrong with a JSON feed (https://www.jsonfeed.org/version/1.1/) that is published under address.
func JSON(doc []byte, address string) []string {
	r := &report{}
	size(r, doc)
	if !utf8.Valid(doc) {
		r.add("it is not UTF-8")
	}
	twiceNamed(r, doc)
	feed, ok := decode(r, doc)
	if !ok {
		return r.problems
	}
	members(r, feed, jsonFeedMembers)
	if v := feed.text(r, "version"); v != jsonVersion {
		r.add("version is %s, want %s", shown(v), jsonVersion)
	}
	if plainText(r, feed, "title"); feed["title"] == nil {
		r.add("it lacks title")
	}
	for _, name := range []string{"description", "user_comment"} {
		plainText(r, feed, name)
	}
	feed.addresses(r, "home_page_url", "feed_url", "next_url", "icon", "favicon")
	if self := feed.text(r, "feed_url"); self != address {
		r.add("the feed says that it is at %s, and it is at %s", self, address)
	} else if feed["next_url"] == self {
		r.add("next_url leads to the feed itself")
	}
	jsonAuthors(r, feed)
	jsonLanguage(r, feed)
	for _, hub := range feed.objects(r, "hubs") {
		if hub.text(r, "type") == "" {
			r.add("a hub has no type")
		}
		hub.addresses(r, "url")
		if hub["url"] == nil {
			r.add("a hub has no url")
		}
	}
	if _, ok := feed["items"].([]any); !ok {
		r.add("items is no array")
	}
	ids := unique{}
	for _, item := range feed.objects(r, "items") {
		id := item.text(r, "id")
		r.at = "item " + id
		jsonItem(r, item)
		if ids.twice(id) {
			r.add("its id is another's too")
		}
	}
	return r.problems
}

// decode reads one object and nothing after it.
func decode(r *report, doc []byte) (object, bool) {
	d := json.NewDecoder(bytes.NewReader(doc))
	var feed object
	if err := d.Decode(&feed); err != nil || feed == nil {
		r.add("it is no JSON object: %v", err)
		return nil, false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		r.add("there is something after the feed")
	}
	return feed, true
}

// twiceNamed refuses members of one object that have one name, of which each reader takes another.
func twiceNamed(r *report, doc []byte) {
	d := json.NewDecoder(bytes.NewReader(doc))
	type level struct {
		names unique // nil in an array
		value bool   // a value comes next
	}
	var stack []level
	for {
		token, err := d.Token()
		if err != nil {
			return // decode tells what
		}
		last := len(stack) - 1
		if name, ok := token.(string); ok && last >= 0 && stack[last].names != nil && !stack[last].value {
			if stack[last].names.twice(name) {
				r.add("an object has two members %s", shown(name))
			}
			stack[last].value = true
			continue
		}
		if last >= 0 {
			stack[last].value = false
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{names: unique{}})
		case json.Delim('['):
			stack = append(stack, level{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:last]
		}
	}
}

// members refuses members that the standard does not know, and what is there without saying anything.
func members(r *report, o object, known map[string]bool) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if !known[name] && !strings.HasPrefix(name, "_") {
			r.add("the member %s is none of JSON Feed", shown(name))
		}
		if o[name] == nil {
			r.add("%s is null", name)
		}
	}
}

// text is a member that has to be a string, where it is there.
func (o object) text(r *report, name string) string {
	v, ok := o[name]
	s, isText := v.(string)
	if ok && !isText {
		r.add("%s is no string: %v", name, v)
	}
	return s
}

// objects is a member that has to be an array of objects, where it is there.
func (o object) objects(r *report, name string) []object {
	all, _ := o[name].([]any)
	if o[name] != nil && all == nil {
		r.add("%s is no array", name)
	}
	var out []object
	for _, v := range all {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		} else {
			r.add("%s holds what is no object: %v", name, v)
		}
	}
	return out
}

func (o object) addresses(r *report, names ...string) {
	for _, name := range names {
		if _, ok := o[name]; ok {
			address(r, name, o.text(r, name), true)
		}
	}
}

// plainText is a member that holds text for people. JSON Feed says of its texts that they are plain, so markup needs no care.
func plainText(r *report, o object, name string) {
	if _, ok := o[name]; !ok {
		return
	}
	s := o.text(r, name)
	badCharacters(r, name, s)
	if !visible(s) {
		r.add("%s holds nothing that can be seen: %s", name, shown(s))
	}
}

func jsonAuthors(r *report, o object) {
	for _, a := range o.objects(r, "authors") {
		plainText(r, a, "name")
		a.addresses(r, "url", "avatar")
		if a["name"] == nil && a["url"] == nil && a["avatar"] == nil {
			r.add("an author is nobody")
		}
	}
}

func jsonLanguage(r *report, o object) {
	if _, ok := o["language"]; ok && !language.MatchString(o.text(r, "language")) {
		r.add("language is none: %s", shown(fmt.Sprint(o["language"])))
	}
}

func jsonItem(r *report, item object) {
	members(r, item, jsonItemMembers)
	identifier(r, "id", item.text(r, "id"))
	for _, name := range []string{"title", "summary", "content_text"} {
		plainText(r, item, name)
	}
	item.addresses(r, "url", "external_url", "image", "banner_image")
	jsonAuthors(r, item)
	jsonLanguage(r, item)
	if _, ok := item["content_html"]; ok {
		fragment(r, "content_html", item.text(r, "content_html"))
	} else if _, ok := item["content_text"]; !ok {
		r.add("it has neither content_html nor content_text")
	}
	var dates [2]time.Time
	for i, name := range []string{"date_published", "date_modified"} {
		if _, ok := item[name]; ok {
			dates[i] = rfc3339Date(r, name, item.text(r, name))
		}
	}
	if !dates[1].IsZero() && dates[0].After(dates[1]) {
		r.add("it was published %s, after it was modified %s", stamp(dates[0]), stamp(dates[1]))
	}
	tags, given := item["tags"].([]any)
	if item["tags"] != nil && !given {
		r.add("tags is no array")
	}
	seen := unique{}
	for _, tag := range tags {
		s, ok := tag.(string)
		badCharacters(r, "a tag", s)
		if !ok || !visible(s) {
			r.add("a tag is none: %v", tag)
		} else if seen.twice(s) {
			r.add("the tag %s stands twice", shown(s))
		}
	}
}
