package web

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// settling is how long after a file was written what stands beside it may still come.
	settling = 10 * time.Second
	// lookWhileSettling and lookLater are how long a sidecar that was not there is taken to be missing.
	lookWhileSettling = 100 * time.Millisecond
	lookLater         = time.Minute
)

// representation is a document in one coding. It is made when it is first asked for: most documents are only ever asked for in one.
type representation struct {
	made  atomic.Pointer[[2]variant] // for readers and for browsers; nil: not yet
	again atomic.Int64               // not before this time (Unix, ns) is a missing one looked for again
}

// What an answer is for.
const (
	forReaders = iota
	forBrowsers
)

// variant is one representation of a document (RFC 9110, 3.2).
type variant struct {
	coding    coding
	tag       string      // ETag
	header    http.Header // with 200
	unchanged http.Header // with 304
	body      []byte
}

// variant gives the document in a coding, or nil when it is not to be had so.
func (d *document) variant(c coding, whom int, now time.Time) *variant {
	in := &d.byCoding[c]
	if made := in.made.Load(); made != nil {
		return &made[whom]
	}
	if now.UnixNano() < in.again.Load() {
		return nil
	}
	return d.make(c, whom, now)
}

// make makes a representation, or notes that there is none.
func (d *document) make(c coding, whom int, now time.Time) *variant {
	d.mu.Lock()
	defer d.mu.Unlock()
	in := &d.byCoding[c]
	if made := in.made.Load(); made != nil { // somebody else was faster
		return &made[whom]
	}
	body := d.body
	if c != identity {
		if body = d.code(c); body == nil {
			again := lookLater
			if now.Sub(d.written) < settling {
				again = lookWhileSettling
			}
			in.again.Store(now.Add(again).UnixNano())
			return nil
		}
		d.grew(len(body) + 2048)
	}
	made := &[2]variant{d.describe(c, forReaders, body)}
	if d.negotiated {
		made[forBrowsers] = d.describe(c, forBrowsers, body)
	}
	in.made.Store(made)
	return &made[whom]
}

// code gives the document's bytes in a coding, or nil. Only gzip is made here when nobody did it before: who offers a
// coding at all nearly always offers that.
func (d *document) code(c coding) []byte {
	if d.open != nil || !d.coded {
		return nil
	}
	if coded := d.sidecar(c); coded != nil || c != codingGzip {
		return coded
	}
	if coded := codings[c].Encode(d.body); len(coded) < len(d.body) {
		return coded
	}
	return nil
}

// describe works out the headers of a variant.
func (d *document) describe(c coding, whom int, body []byte) variant {
	content, tag := d.mediaType, d.tag
	if whom == forBrowsers {
		content, tag = "application/xml", tag+pageSuffix // with the feed's own type they would offer to save it
	}
	v := variant{coding: c, tag: `"` + tag + codings[c].suffix + `"`, header: maps.Clone(d.common), body: body}
	v.header["Etag"] = []string{v.tag}
	v.unchanged = maps.Clone(v.header)
	// What describes the bytes themselves is for answers that hold them (RFC 9110, 15.4.5).
	if strings.HasPrefix(content, "text/") || strings.HasSuffix(content, "xml") {
		content += "; charset=utf-8"
	}
	v.header["Content-Type"] = []string{content}
	v.header["Accept-Ranges"] = []string{"bytes"}
	if c != identity {
		v.header["Content-Encoding"] = []string{codings[c].Name}
	}
	if !d.modified.IsZero() {
		v.header["Last-Modified"] = []string{d.modified.UTC().Format(http.TimeFormat)}
	}
	if d.open == nil {
		v.header["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	return v
}

// pageSuffix marks the ETags of what is for browsers.
const pageSuffix = "-page"

// choose picks the variant for a request.
func (d *document) choose(r *http.Request, now time.Time) *variant {
	whom := forReaders
	if d.negotiated && prefersPage(joined(r.Header, "Accept"), d.mediaType) {
		whom = forBrowsers
	}
	if d.coded {
		accept := acceptEncoding(joined(r.Header, "Accept-Encoding"))
		for _, c := range accept.codings[:accept.n] {
			if v := d.variant(c, whom, now); v != nil {
				return v
			}
		}
	}
	return d.variant(identity, whom, now)
}
