package publish

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Beside each file stands what it is compressed, so that web servers need not do that for each reader. Brotli's highest
// levels take seconds for a large page and save a hundredth.
const (
	minCoded    = 256 // bytes; below, nothing is saved on the wire
	brotliLevel = 6
)

// coding is a content coding (RFC 9110, 8.4.1) in which a file also stands: in a sidecar, whose name has its extension.
type coding struct {
	ext string
	// encode compresses; two runs on the same bytes give the same.
	encode func(content []byte) []byte
	reader func(io.Reader) (io.Reader, error)
}

var codings = []*coding{
	{".gz", // RFC 1952
		func(content []byte) []byte {
			return through(content, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestCompression) })
		},
		func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{".br", // RFC 7932
		func(content []byte) []byte {
			return through(content, func(w io.Writer) (io.WriteCloser, error) { return brotli.NewWriterLevel(w, brotliLevel), nil })
		},
		func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil }},
	{".zst", // RFC 8878
		func(content []byte) []byte { return zstdEncoder().EncodeAll(content, nil) },
		func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) }},
}

// zstdEncoder is made once, for making one takes longer than most files do. Browsers take windows of 8 MiB at most (RFC 9659).
var zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithWindowSize(4<<20), zstd.WithEncoderConcurrency(2))
	if err != nil {
		panic(err) // the options are constants
	}
	return e
})

// compressible are the extensions of files that have sidecars.
const compressible = " .html .css .txt .xml .json .opml .svg "

// codings are those in which a file with this content also stands.
func (t *tree) codings(name string, content []byte) []*coding {
	if t.bare || len(content) < minCoded || !strings.Contains(compressible, " "+path.Ext(name)+" ") {
		return nil
	}
	return append([]*coding(nil), codings...)
}

// isSidecar says that a name of the tree is that of a file's sidecar.
func isSidecar(name string) bool {
	for _, c := range codings {
		if bare, ok := strings.CutSuffix(name, c.ext); ok && strings.Contains(compressible, " "+path.Ext(bare)+" ") {
			return true
		}
	}
	return false
}

// through gives what a writer makes of the content.
func through(content []byte, writer func(io.Writer) (io.WriteCloser, error)) []byte {
	var b bytes.Buffer
	w, err := writer(&b)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(fmt.Sprintf("compressing: %v", err)) // the options are constants, and a Buffer never fails
	}
	return b.Bytes()
}

// holds says that a sidecar is that of this content.
func (c *coding) holds(sidecar, content []byte) bool {
	r, err := c.reader(bytes.NewReader(sidecar))
	if err != nil {
		return false
	}
	got, err := io.ReadAll(io.LimitReader(r, int64(len(content))+1))
	return err == nil && bytes.Equal(got, content)
}
