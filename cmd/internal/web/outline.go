package web

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"hash/maphash"
	"io"

	"linkletter/feed"
)

// outline says where in a feed its entries are, so that some can be left out and every other byte stays as it is.
type outline struct {
	frame   uint64 // fingerprint of what entries inherit from: all up to the end of the tag that they are in
	entries []entrySpan
	listed  bool // they are elements of a JSON array, and what is between two goes with the second
}

// entrySpan is the place of one entry. What changes in any byte of it has another fingerprint.
type entrySpan struct {
	start, end  int
	fingerprint uint64
}

// newOutline reads a feed. It gives nil for what it does not understand to the end: of such a document nothing is left out.
func newOutline(mediaType string, body []byte, seed maphash.Seed) *outline {
	var o *outline
	frame := 0
	switch mediaType {
	case feed.AtomType:
		o, frame = xmlOutline(body, xml.Name{Space: "http://www.w3.org/2005/Atom", Local: "feed"}, xml.Name{Space: "http://www.w3.org/2005/Atom", Local: "entry"})
	case feed.RSSType:
		o, frame = xmlOutline(body, xml.Name{Local: "rss"}, xml.Name{Local: "channel"}, xml.Name{Local: "item"})
	case feed.JSONType:
		o = jsonOutline(body)
	}
	if o == nil {
		return nil
	}
	o.frame = maphash.Bytes(seed, body[:frame])
	for i, e := range o.entries {
		o.entries[i].fingerprint = maphash.Bytes(seed, body[e.start:e.end])
	}
	return o
}

// xmlOutline finds the elements at the end of path, which begins with the outermost one. frame is where the tag of those
// around them ends.
func xmlOutline(body []byte, path ...xml.Name) (o *outline, frame int) {
	o = &outline{}
	in := 0      // how many elements of path are open
	outside := 0 // how many other elements are open, in all or in the innermost of path
	began := 0
	for d := xml.NewDecoder(bytes.NewReader(body)); ; {
		at := int(d.InputOffset())
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if frame == 0 {
				return nil, 0
			}
			return o, frame
		}
		if err != nil {
			return nil, 0
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, 0 // a document type may declare what entries refer to
		case xml.StartElement:
			switch {
			case outside > 0 || in == len(path) || t.Name != path[in]:
				outside++
				continue
			case in == len(path)-1:
				began = at
			case in == len(path)-2 && frame > 0:
				return nil, 0 // two of what entries are in
			case in == len(path)-2:
				frame = int(d.InputOffset())
			}
			in++
		case xml.EndElement:
			if outside > 0 {
				outside--
				continue
			}
			if in == len(path) {
				o.entries = append(o.entries, entrySpan{start: began, end: int(d.InputOffset())})
			}
			in--
		}
	}
}

// jsonOutline finds the elements of the array items in the outermost object.
func jsonOutline(body []byte) *outline {
	o := &outline{}
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil
		}
		if key != "items" {
			var other json.RawMessage
			if d.Decode(&other) != nil {
				return nil
			}
			continue
		}
		if o.listed { // twice
			return nil
		}
		if t, err := d.Token(); err != nil || t != json.Delim('[') {
			return nil
		}
		o.listed = true
		for d.More() {
			var item json.RawMessage
			if d.Decode(&item) != nil {
				return nil
			}
			end := int(d.InputOffset())
			o.entries = append(o.entries, entrySpan{start: end - len(item), end: end})
		}
		if _, err := d.Token(); err != nil {
			return nil
		}
	}
	if _, err := d.Token(); err != nil { // the object's end
		return nil
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || !o.listed {
		return nil
	}
	return o
}

// without is the document without the entries that are held already, and how many those are.
func (o *outline) without(body []byte, held func(fingerprint uint64) bool) (rest []byte, left int) {
	if o.listed {
		return o.elementsWithout(body, held)
	}
	at := 0
	for _, e := range o.entries {
		if held(e.fingerprint) {
			rest = append(rest, body[at:e.start]...)
			at = e.end
			left++
		}
	}
	return append(rest, body[at:]...), left
}

// elementsWithout does the same with elements of an array, whose commas go too.
func (o *outline) elementsWithout(body []byte, held func(fingerprint uint64) bool) (rest []byte, left int) {
	if len(o.entries) == 0 {
		return body, 0
	}
	first, last := o.entries[0], o.entries[len(o.entries)-1]
	rest = append(rest, body[:first.start]...)
	some := false
	for i, e := range o.entries {
		switch {
		case held(e.fingerprint):
			left++
			continue
		case some:
			rest = append(rest, body[o.entries[i-1].end:e.start]...)
		}
		rest = append(rest, body[e.start:e.end]...)
		some = true
	}
	return append(rest, body[last.end:]...), left
}
