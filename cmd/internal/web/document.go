package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"linkletter/cmd/internal/publish"
	"linkletter/feed"
)

const (
	// maxKept is how large a file may be to be held in memory; nothing that Linkletter writes comes near.
	maxKept = 8 << 20
	// caching lets a reader keep a document for five minutes, and show it for an hour more while it asks anew (RFC 5861).
	caching = "public, max-age=300, stale-while-revalidate=3600"
)

// document is one file as it is answered with. Everything that is the same for all requests is worked out once.
type document struct {
	file       string
	modified   time.Time // zero: not to be told
	written    time.Time // the file's own time
	mediaType  string    // without parameters
	kind       kind
	negotiated bool        // there are variants for browsers
	coded      bool        // it may be compressed
	tag        string      // stands for the content; every ETag begins with it
	common     http.Header // of every answer with it, 304 too
	body       []byte
	entries    *outline                    // of a feed: where its entries are; nil: not known
	byCoding   [codingCount]representation // made when asked for
	open       func() (*os.File, error)    // for a file too large to be held; nil for all others
	sidecar    func(coding) []byte         // reads a coded form from the tree; nil: there is none
	grew       func(bytes int)             // tells the cache what was added

	once sync.Once
	err  error
	mu   sync.Mutex // of what is added to byCoding
}

// load reads the file.
func (h *handler) load(d *document, root *os.Root, file string, now time.Time) error {
	f, err := root.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	d.file = file
	// What is read is what was opened: the file may have been replaced since it was looked up.
	info, err := f.Stat()
	if err != nil {
		return err
	}
	d.written = info.ModTime()
	if !d.written.After(now) { // RFC 9110, 8.8.2.1: Last-Modified is never later than Date
		d.modified = d.written
	}
	if info.Size() > maxKept {
		sum := sha256.New()
		if _, err := io.Copy(sum, f); err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		d.tag = tagOf(sum.Sum(nil))
		d.open = func() (*os.File, error) { return root.Open(file) }
		d.mediaType = mediaType(file, nil)
		d.kind, d.common = kindOf(file, d.mediaType), h.common(d, file)
		return nil
	}
	if d.body, err = io.ReadAll(f); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	sum := sha256.Sum256(d.body)
	d.tag = tagOf(sum[:])
	d.mediaType = mediaType(file, d.body)
	d.negotiated = d.mediaType == feed.AtomType || d.mediaType == feed.RSSType
	d.coded = len(d.body) >= publish.MinCoded && compressible(d.mediaType)
	d.sidecar = func(c coding) []byte { return c.sidecar(root, file, info, d.body) }
	d.kind, d.common = kindOf(file, d.mediaType), h.common(d, file)
	if d.entries = newOutline(d.mediaType, d.body, h.versions.seed); d.entries != nil {
		h.versions.remember(file, d.tag, d.entries)
	}
	return nil
}

// tagOf makes the beginning of ETags of a SHA-256: half of it tells all contents apart that there will ever be.
func tagOf(sum []byte) string { return base64.RawURLEncoding.EncodeToString(sum[:16]) }

// tagLength is how long that is.
const tagLength = 22

// size is what the document takes in memory, as it is.
func (d *document) size() int64 { return int64(len(d.body) + 2048) }

// common works out the headers that all answers with a document have.
func (h *handler) common(d *document, file string) http.Header {
	header := http.Header{"Cache-Control": {caching}, "X-Content-Type-Options": nosniff}
	var vary []string
	if d.coded {
		vary = append(vary, "Accept-Encoding")
	}
	if d.negotiated {
		vary = append(vary, "Accept")
	}
	if vary != nil {
		header["Vary"] = []string{strings.Join(vary, ", ")}
	}
	if isFeed(d.mediaType) {
		// Readers that are web pages may read feeds, and see what they need to ask for less the next time.
		header["Access-Control-Allow-Origin"] = []string{"*"}
		header["Access-Control-Expose-Headers"] = []string{"ETag, Link, IM, Delta-Base"}
		if d.mediaType != typeOPML {
			header["Link"] = h.links(file)
		}
	}
	if rendered(d.mediaType) {
		header["Content-Security-Policy"] = []string{h.policy}
	}
	return header
}

// links are what WebSub wants to know of a feed without reading it (https://www.w3.org/TR/websub/, 4): its permanent
// address and, where there is one, its hub.
func (h *handler) links(file string) []string {
	links := []string{"<" + feed.CleanURL(h.Site.File(file)) + `>; rel="self"`}
	if h.Hub != "" {
		links = append([]string{"<" + h.Hub + `>; rel="hub"`}, links...)
	}
	return links
}

const typeOPML = "text/x-opml"

// types are the media types of the files that a tree holds, by extension. The system's table, which differs between
// machines, is asked for the others only.
var types = map[string]string{
	".html": "text/html", ".css": "text/css", ".txt": "text/plain", ".xml": "application/xml", ".json": "application/json",
	".opml": typeOPML, ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".js": "text/javascript",
	".gz": "application/gzip", ".zst": "application/zstd", ".webmanifest": "application/manifest+json",
}

// mediaType is a file's media type without parameters. A feed is known by what it is, whatever it is called.
func mediaType(file string, body []byte) string {
	ext := strings.ToLower(path.Ext(file))
	switch {
	case ext == ".xml":
		switch rootElement(body) {
		case xml.Name{Space: "http://www.w3.org/2005/Atom", Local: "feed"}:
			return feed.AtomType
		case xml.Name{Local: "rss"}:
			return feed.RSSType
		}
	case path.Base(file) == feed.JSONFile, ext == ".json" && bytes.Contains(body[:min(len(body), 512)], []byte("jsonfeed.org/version/")):
		return feed.JSONType
	}
	if t, ok := types[ext]; ok {
		return t
	}
	if t, _, err := mime.ParseMediaType(mime.TypeByExtension(ext)); err == nil {
		return t
	}
	return "application/octet-stream"
}

// rootElement is the name of an XML document's outermost element; empty when there is none.
func rootElement(body []byte) xml.Name {
	for d := xml.NewDecoder(bytes.NewReader(body)); ; {
		token, err := d.Token()
		if err != nil {
			return xml.Name{}
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Name
		}
	}
}

func isFeed(mediaType string) bool {
	return mediaType == feed.AtomType || mediaType == feed.RSSType || mediaType == feed.JSONType || mediaType == typeOPML
}

func compressible(mediaType string) bool {
	return strings.HasPrefix(mediaType, "text/") || strings.HasSuffix(mediaType, "xml") || strings.HasSuffix(mediaType, "json")
}

// rendered says whether a browser shows documents of the type as pages, which could hold scripts.
func rendered(mediaType string) bool {
	return mediaType == "text/html" || strings.HasSuffix(mediaType, "xml")
}
