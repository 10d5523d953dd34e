package web

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// delta answers a reader that says which version of a feed it has, and that it takes a feed of what is new since then, with
// 226 and just that (RFC 3229, with the instance manipulation "feed" that readers ask for: a feed of the same format which
// lacks entries that the reader has). It says false when the whole feed is to be the answer, which is always right: for a
// version that is not remembered, one of another frame, and when nothing can be left out, or nothing is saved by it.
//
// The answer is for this one client, and its URL leads others to something else. A cache that does not know RFC 3229 might
// keep it as it keeps 200 (RFC 9111, 3), so it is told not to. The other way round the whole feed is right for every
// request, so that it needs no Vary: A-IM, which would only make caches keep it twice.
func (h *handler) delta(w http.ResponseWriter, r *http.Request, d *document, v *variant) bool {
	if r.Method != http.MethodGet || d.entries == nil || strings.Contains(v.tag, pageSuffix) || !takesFeed(joined(r.Header, "A-Im")) || !h.unmediated(r) {
		return false
	}
	tags, ok := entityTags(joined(r.Header, "If-None-Match"))
	if !ok || slices.Contains(tags, v.tag) {
		return false // the latter is 304
	}
	contents := make([]string, len(tags))
	for i, tag := range tags {
		contents[i] = contentOf(tag)
	}
	bases, ok := h.versions.all(d.file, contents)
	if !ok || slices.ContainsFunc(bases, func(b version) bool { return b.frame != d.entries.frame }) {
		return false
	}
	// Which of several the reader goes by is not known, or whether a cache added one: only what is in all is left out.
	rest, left := d.entries.without(d.body, func(fingerprint uint64) bool {
		return !slices.ContainsFunc(bases, func(b version) bool {
			_, has := slices.BinarySearch(b.entries, fingerprint)
			return !has
		})
	})
	if left == 0 {
		return false
	}
	body, err := v.coding.encodeFast(rest)
	if err != nil || len(body) >= len(v.body) {
		return false
	}
	header := w.Header()
	maps.Copy(header, v.header) // ETag and Last-Modified are those of the whole feed, which the reader has with this
	delete(header, "Accept-Ranges")
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	header["Cache-Control"] = []string{"no-store"}
	header["IM"] = []string{"feed"}
	header["Delta-Base"] = []string{tags[0]}
	w.WriteHeader(http.StatusIMUsed)
	w.Write(body) // it fails when nobody is there any more
	return true
}

// takesFeed says whether A-IM (RFC 3229, 10.5.3) lists feed.
func takesFeed(header string) bool { return quality(header, "feed") > 0 }

// unmediated says that the versions a request names are those of whoever reads the answer. A cache in between may have put
// its own in their place (RFC 9111, 4.3.1), and its client, which has another, would miss entries. Caches say that they
// are there (RFC 9110, 7.6.3; RFC 8586); a proxy that is trusted is the operator's own.
func (h *handler) unmediated(r *http.Request) bool {
	if r.Header["Cdn-Loop"] != nil {
		return false
	}
	via := joined(r.Header, "Via")
	if via == "" {
		return true
	}
	return !strings.Contains(via, ",") && h.fromProxy(parseAddr(r.RemoteAddr))
}

// entityTags reads a list of entity tags, each with its quotes and without the mark of a weak one: If-None-Match compares
// weakly (RFC 9110, 13.1.2). It is not ok when something else is there, such as *.
func entityTags(header string) (tags []string, ok bool) {
	for {
		header = strings.TrimLeft(header, " \t,")
		if header == "" {
			return tags, len(tags) > 0
		}
		header = strings.TrimPrefix(header, "W/")
		if header == "" || header[0] != '"' {
			return nil, false
		}
		end := strings.IndexByte(header[1:], '"')
		if end < 0 {
			return nil, false
		}
		tags = append(tags, header[:end+2])
		header = header[end+2:]
	}
}

// contentOf is the part of an ETag of ours that stands for the content, whichever variant it is of. What else follows may
// be a web server's in front: Apache adds -gzip.
func contentOf(tag string) string {
	return tag[1:min(1+tagLength, len(tag)-1)]
}
