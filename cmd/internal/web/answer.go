package web

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"
)

// answer writes the document as the request wants it. An error comes before anything is written. Nearly all requests ask
// for the whole of it, or name the very variant they have; those two are short cuts past what ServeContent would do.
func (h *handler) answer(w *response, r *http.Request, d *document, now time.Time) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if r.Method == http.MethodOptions && isFeed(d.mediaType) {
			preflight(w)
		}
		allow(w, r, http.MethodGet)
		return nil
	}
	// Other units than bytes are to be ignored, and so is the whole header with HEAD (RFC 9110, 14.2).
	if ranges := r.Header["Range"]; ranges != nil && (r.Method != http.MethodGet || !strings.HasPrefix(ranges[0], "bytes=")) {
		delete(r.Header, "Range")
	}
	v := d.choose(r, now)
	has := func(name string) bool { return r.Header[name] != nil }
	have := r.Header["If-None-Match"]
	switch {
	case d.open != nil, has("Range"), has("If-Match"), has("If-Unmodified-Since"):
		return d.serveContent(w, r, v)
	case len(have) == 1 && have[0] == v.tag:
		maps.Copy(w.Header(), v.unchanged)
		w.WriteHeader(http.StatusNotModified)
		return nil
	case len(have) > 0 && has("A-Im") && h.delta(w, r, d, v):
		return nil
	case len(have) > 0, has("If-Modified-Since"):
		return d.serveContent(w, r, v)
	}
	maps.Copy(w.Header(), v.header)
	w.Write(v.body) // it fails when nobody is there any more
	return nil
}

// serveContent answers requests with any conditions and ranges.
func (d *document) serveContent(w http.ResponseWriter, r *http.Request, v *variant) error {
	var content io.ReadSeeker = bytes.NewReader(v.body)
	if d.open != nil {
		f, err := d.open()
		if err != nil {
			return err
		}
		defer f.Close()
		content = f
	}
	maps.Copy(w.Header(), v.header)
	if r.Header["If-Match"] != nil || r.Header["If-Unmodified-Since"] != nil {
		w.Header().Del("Content-Length") // ServeContent would leave it on a 412, which has no body
	}
	if len(r.Header["If-None-Match"]) > 1 { // ServeContent looks at the first line only
		r.Header.Set("If-None-Match", joined(r.Header, "If-None-Match"))
	}
	http.ServeContent(w, r, "", d.modified, content)
	return nil
}

// preflight tells a browser that a page of any site may ask for a feed, with the headers that spare it what it has
// (https://fetch.spec.whatwg.org/#cors-preflight-request). A day is the longest that any browser remembers it.
func preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD")
	h.Set("Access-Control-Allow-Headers", "A-IM, If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range")
	h.Set("Access-Control-Max-Age", "86400")
}
