package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"linkletter/feed"
)

const (
	// maxKept is how large a file may be to be held in memory; nothing that Linkletter writes comes near.
	maxKept = 8 << 20
	// minZipped is the size below which compression saves nothing on the wire.
	minZipped = 256
	// caching lets a reader keep a document for five minutes, and show it for an hour more while it asks anew.
	caching = "public, max-age=300, stale-while-revalidate=3600"
)

// The variants of a document, by what is set in their index: feeds for browsers have another media type.
const (
	variantGzip = 1 << iota
	variantPage
	variantCount
)

// document is one file as it is answered with. Everything that is the same for all requests is worked out once.
type document struct {
	modified   time.Time // zero: not to be told
	mediaType  string    // without parameters
	zipped     bool      // there are gzip variants
	negotiated bool      // there are variants for browsers
	variants   [variantCount]variant
	open       func() (*os.File, error) // for a file too large to be held; nil for all others

	once sync.Once
	err  error
}

// variant is one representation of a document (RFC 9110, 3.2).
type variant struct {
	tag       string      // ETag
	header    http.Header // with 200
	unchanged http.Header // with 304
	body      []byte
}

// size is what the document takes in memory.
func (d *document) size() int64 {
	return int64(len(d.variants[0].body) + len(d.variants[variantGzip].body) + 2048)
}

// load reads the file and makes the variants.
func (d *document) load(root *os.Root, file, policy string, now time.Time) error {
	f, err := root.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	// What is read is what was opened: the file may have been replaced since it was looked up.
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.ModTime().After(now) { // RFC 9110, 8.8.2.1: Last-Modified is never later than Date
		d.modified = info.ModTime()
	}
	if info.Size() > maxKept {
		return d.loadLarge(root, file, f, policy)
	}
	body, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	d.mediaType = mediaType(file, body)
	sum := sha256.Sum256(body)
	tag := base64.RawURLEncoding.EncodeToString(sum[:16])
	var zipped []byte
	if len(body) >= minZipped && compressible(d.mediaType) {
		if zipped = compress(body); len(zipped) < len(body) {
			d.zipped = true
		}
	}
	d.negotiated = d.mediaType == feed.AtomType || d.mediaType == feed.RSSType
	for i := range d.variants {
		v := &d.variants[i]
		v.body = body
		if i&variantGzip != 0 {
			v.body = zipped
		}
		d.describe(i, tag, policy)
		v.header["Content-Length"] = []string{strconv.Itoa(len(v.body))}
	}
	return nil
}

// loadLarge prepares a file that is read again for each answer.
func (d *document) loadLarge(root *os.Root, file string, f *os.File, policy string) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	d.mediaType = mediaType(file, nil)
	d.open = func() (*os.File, error) { return root.Open(file) }
	d.describe(0, base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:16]), policy)
	return nil
}

// describe works out the headers of a variant.
func (d *document) describe(i int, tag, policy string) {
	v, content, vary := &d.variants[i], d.mediaType, ""
	if i&variantPage != 0 {
		content, tag = "application/xml", tag+"-page"
	}
	h := http.Header{"Cache-Control": {caching}, "X-Content-Type-Options": nosniff}
	if i&variantGzip != 0 {
		tag += "-gz"
	}
	v.tag = `"` + tag + `"`
	h["Etag"] = []string{v.tag}
	if d.zipped {
		vary = "Accept-Encoding"
	}
	if d.negotiated {
		vary = strings.TrimPrefix(vary+", Accept", ", ")
	}
	if vary != "" {
		h["Vary"] = []string{vary}
	}
	if isFeed(d.mediaType) {
		h["Access-Control-Allow-Origin"] = []string{"*"}
	}
	if rendered(d.mediaType) {
		h["Content-Security-Policy"] = []string{policy}
	}
	v.unchanged = maps.Clone(h)
	// What describes the bytes themselves is for answers that hold them (RFC 9110, 15.4.5).
	if strings.HasPrefix(content, "text/") || strings.HasSuffix(content, "xml") {
		content += "; charset=utf-8"
	}
	h["Content-Type"] = []string{content}
	h["Accept-Ranges"] = []string{"bytes"}
	if i&variantGzip != 0 {
		h["Content-Encoding"] = []string{"gzip"}
	}
	if !d.modified.IsZero() {
		h["Last-Modified"] = []string{d.modified.UTC().Format(http.TimeFormat)}
	}
	v.header = h
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression) // once per content
	if err != nil {
		panic(err) // the level is a constant
	}
	z.Write(body) // a Buffer never fails
	z.Close()
	return b.Bytes()
}

const typeOPML = "text/x-opml"

// types are the media types of the files that a tree holds, by extension. The system's table, which differs between
// machines, is asked for the others only.
var types = map[string]string{
	".html": "text/html", ".css": "text/css", ".txt": "text/plain", ".xml": "application/xml", ".json": "application/json",
	".opml": typeOPML, ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".js": "text/javascript",
	".gz": "application/gzip", ".webmanifest": "application/manifest+json",
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
