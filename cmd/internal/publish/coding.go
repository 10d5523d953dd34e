package publish

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// MinCoded is the size in bytes below which compression saves nothing on the wire.
const MinCoded = 256

const (
	brotliLevel = 6       // the highest levels take seconds for a large page and save a hundredth
	maxWindow   = 8 << 20 // what a client must be able to remember of a zstd answer (RFC 9659, 3)
)

// Coding is a content coding (RFC 9110, 8.4.1) in which a file also stands beside itself, so that web servers need not
// compress it for each reader.
type Coding struct {
	Name   string                      // in Content-Encoding
	Ext    string                      // what the name of the sidecar has more than the file's
	Encode func(content []byte) []byte // compresses; two runs on the same bytes give the same
	decode func(io.Reader) (io.ReadCloser, error)
}

// The codings of sidecars.
var (
	Brotli = &Coding{"br", ".br", // RFC 7932
		func(content []byte) []byte {
			return through(content, &brotliWriters)
		},
		func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(brotli.NewReader(r)), nil }}
	Zstd = &Coding{"zstd", ".zst", // RFC 8878
		func(content []byte) []byte { return zstdEncoder().EncodeAll(content, nil) },
		func(r io.Reader) (io.ReadCloser, error) {
			z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
			if err != nil {
				return nil, err
			}
			return z.IOReadCloser(), nil
		}}
	Gzip = &Coding{"gzip", ".gz", // RFC 1952
		func(content []byte) []byte {
			return through(content, &gzipWriters)
		},
		func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }}
)

var codings = []*Coding{Brotli, Zstd, Gzip}

// zstdEncoder is made once, for making one takes longer than most files do. Browsers take windows of 8 MiB at most (RFC 9659).
var zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithWindowSize(4<<20), zstd.WithEncoderConcurrency(2))
	if err != nil {
		panic(err) // the options are constants
	}
	return e
})

// compressible are the extensions of files that have sidecars.
var compressible = []string{".html", ".css", ".txt", ".xml", ".json", ".opml", ".svg"}

// codingsOf are those in which a file with this content also stands.
func (t *tree) codingsOf(name string, content []byte) []*Coding {
	if t.bare || len(content) < MinCoded || !slices.Contains(compressible, path.Ext(name)) {
		return nil
	}
	return slices.Clone(codings) // of which the caller strikes out what is there already
}

// isSidecar says that a name of the tree is that of a file's sidecar.
func isSidecar(name string) bool {
	return slices.ContainsFunc(codings, func(c *Coding) bool {
		bare, ok := strings.CutSuffix(name, c.Ext)
		return ok && slices.Contains(compressible, path.Ext(bare))
	})
}

// writer compresses what is written to it.
type writer interface {
	io.WriteCloser
	Reset(to io.Writer)
}

// Writers are used again, for making one takes longer than most files do.
var (
	brotliWriters = sync.Pool{New: func() any { return brotli.NewWriterLevel(nil, brotliLevel) }}
	gzipWriters   = sync.Pool{New: func() any {
		w, err := gzip.NewWriterLevel(nil, gzip.BestCompression)
		if err != nil {
			panic(err) // the level is a constant
		}
		return w
	}}
)

// through gives what a writer makes of the content.
func through(content []byte, writers *sync.Pool) []byte {
	var b bytes.Buffer
	w := writers.Get().(writer)
	defer writers.Put(w)
	w.Reset(&b)
	_, err := w.Write(content)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(fmt.Sprintf("compressing: %v", err)) // a Buffer never fails
	}
	return b.Bytes()
}

// Holds says whether a sidecar is the content so coded, in a form that every client can read. It reads no further than
// where they differ.
func (c *Coding) Holds(sidecar io.Reader, content []byte) bool {
	r, err := c.decode(sidecar)
	if err != nil {
		return false
	}
	defer r.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if !bytes.HasPrefix(content, buf[:n]) {
			return false
		}
		content = content[n:]
		if err != nil {
			return err == io.EOF && len(content) == 0
		}
	}
}
