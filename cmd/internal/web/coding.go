package web

import (
	"bytes"
	"io"
	"os"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// coding is a content coding (RFC 9110, 8.4.1).
type coding int

// The codings, those that are preferred when the client does not care first.
const (
	identity coding = iota
	codingBrotli
	codingZstd
	codingGzip
	codingCount
)

// codingInfo says what a coding is called in headers, what is added to an ETag, and what to the name of the file that
// holds a document so coded beside the document's own.
type codingInfo struct{ name, suffix, ext string }

var codings = [codingCount]codingInfo{
	identity:     {name: "identity"},
	codingBrotli: {"br", "-br", ".br"},     // RFC 7932
	codingZstd:   {"zstd", "-zst", ".zst"}, // RFC 8878
	codingGzip:   {"gzip", "-gz", ".gz"},   // RFC 1952
}

// quickly codes what one client alone will get.
func (c coding) quickly(body []byte) ([]byte, error) {
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch c {
	case codingBrotli:
		w = brotli.NewWriterLevel(&b, brotli.BestSpeed)
	case codingZstd:
		w, err = zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	case codingGzip:
		w, err = gzip.NewWriterLevel(&b, gzip.BestSpeed)
	default:
		return body, nil
	}
	if err != nil {
		return nil, err
	}
	return written(w, body, &b)
}

// thoroughly is gzip for everybody who asks for the content.
func thoroughly(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	return written(w, body, &b)
}

func written(w io.WriteCloser, body []byte, b *bytes.Buffer) ([]byte, error) {
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// codes says whether coded bytes are those of body.
func (c coding) codes(coded, body []byte) bool {
	var r io.Reader
	switch c {
	case codingBrotli:
		r = brotli.NewReader(bytes.NewReader(coded))
	case codingZstd:
		z, err := zstd.NewReader(bytes.NewReader(coded), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return false
		}
		defer z.Close()
		r = z
	case codingGzip:
		z, err := gzip.NewReader(bytes.NewReader(coded))
		if err != nil {
			return false
		}
		r = z
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if !bytes.HasPrefix(body, buf[:n]) {
			return false
		}
		body = body[n:]
		if err != nil {
			return err == io.EOF && len(body) == 0
		}
	}
}

// maxWindow is what a client must be able to remember of a zstd answer (RFC 9659, 3). What needs more is not for the web.
const maxWindow = 8 << 20

// sidecar reads the coded form of a file that stands beside it. It is that file's when it has its very time, because two
// publications of one file lie a second apart; that it holds the same is looked at once, as a copied tree may have lost
// its times. Without one, or with one that is no good, it gives nil.
func (c coding) sidecar(root *os.Root, file string, of os.FileInfo, body []byte) []byte {
	name := file + codings[c].ext
	info, err := root.Stat(name)
	if err != nil || !isSidecar(info, of) {
		return nil
	}
	f, err := root.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil || !isSidecar(info, of) {
		return nil
	}
	coded := make([]byte, info.Size())
	if _, err := io.ReadFull(f, coded); err != nil || !c.codes(coded, body) {
		return nil
	}
	return coded
}

func isSidecar(info, of os.FileInfo) bool {
	return info.Mode().IsRegular() && info.ModTime().Equal(of.ModTime()) && info.Size() > 0 && info.Size() < of.Size()
}
