package feedtest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// linked is what a document of a feed says of its place among the feed's archives.
type linked struct {
	archive             bool
	current, prev, next string
	entries             map[string]string // when each was updated, by id
}

// Archives finds what is wrong with how the documents of one feed, by their addresses, are linked (RFC 5005, 4): from newest, the
// document that people subscribe to, every other must be found, each once, and each must lead back. Documents of JSON Feed have
// links in the one direction only.
func Archives(files map[string][]byte, newest string) []string {
	r := &report{}
	docs := map[string]linked{}
	for _, where := range slices.Sorted(maps.Keys(files)) {
		r.at = where
		docs[where] = place(r, files[where])
	}
	r.at = newest
	subscription, ok := docs[newest]
	if !ok {
		r.add("the document to subscribe to is missing")
		return r.problems
	}
	if subscription.archive || subscription.next != "" {
		r.add("the document to subscribe to says that it is an archive")
	}
	isJSON := json.Valid(files[newest])
	seen, archived := unique{newest: true}, map[string]string{}
	for newer, at := newest, subscription.prev; at != ""; newer, at = at, docs[at].prev {
		r.at = newer
		doc, ok := docs[at]
		switch {
		case !ok:
			r.add("it leads to an archive that is not there: %s", at)
		case seen.twice(at):
			r.add("it leads back to %s", at)
			ok = false
		}
		if !ok {
			break
		}
		r.at = at
		if !isJSON {
			leadsBack(r, doc, newer, newest)
		}
		for id, updated := range doc.entries {
			if archived[id] == updated {
				r.add("a newer archive has %s as well, as of %s", id, updated)
			}
			archived[id] = updated
		}
	}
	r.at = ""
	for _, where := range slices.Sorted(maps.Keys(files)) {
		if !seen[where] {
			r.add("no document leads to %s", where)
		}
	}
	return r.problems
}

// leadsBack holds what an archive of Atom says of its place against where it was found.
func leadsBack(r *report, doc linked, newer, newest string) {
	if !doc.archive {
		r.add("it does not say that it is an archive")
	}
	if doc.current != newest {
		r.add("rel=current is %s, want %s", shown(doc.current), newest)
	}
	if want := newer; newer == newest {
		if doc.next != "" && doc.next != newest {
			r.add("it is the newest archive, and rel=next-archive leads to %s", doc.next)
		}
	} else if doc.next != want {
		r.add("rel=next-archive is %s, want %s", shown(doc.next), want)
	}
}

// Kept finds archives that changed or went from one publication to the next, though they were full: another had come after them.
// Both are all documents of one feed by their addresses.
func Kept(before, after map[string][]byte) []string {
	r := &report{}
	followed := map[string]bool{} // by an archive
	for _, doc := range before {
		if l := place(&report{}, doc); l.archive {
			followed[l.prev] = true
		}
	}
	for _, where := range slices.Sorted(maps.Keys(before)) {
		now, there := after[where]
		switch r.at = where; {
		case !followed[where]:
		case !there:
			r.add("a full archive is gone")
		case !bytes.Equal(now, before[where]):
			r.add("a full archive changed")
		}
	}
	return r.problems
}

// place reads what a document says of its place.
func place(r *report, doc []byte) linked {
	l := linked{entries: map[string]string{}}
	if json.Valid(doc) {
		var feed struct {
			NextURL string `json:"next_url"`
			Items   []struct {
				ID       string `json:"id"`
				Modified string `json:"date_modified"`
			} `json:"items"`
		}
		if err := json.Unmarshal(doc, &feed); err != nil {
			r.add("it is no JSON feed")
		}
		l.prev = feed.NextURL
		for _, item := range feed.Items {
			l.entries[item.ID] = item.Modified
		}
		return l
	}
	feed := readXML(r, doc)
	if feed == nil {
		return l
	}
	l.archive = feed.one("fh:archive") != nil
	for _, e := range feed.all("link") {
		rel, _ := e.attr("rel")
		href, _ := e.attr("href")
		switch rel {
		case "current":
			l.current = href
		case "prev-archive":
			l.prev = href
		case "next-archive":
			l.next = href
		}
	}
	for _, e := range feed.all("entry") {
		l.entries[e.value("id")] = e.value("updated")
	}
	return l
}
