package web

import (
	"bytes"
	"io"
	"os"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"linkletter/cmd/internal/publish"
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

// codingInfo says what published files stand in beside themselves, and what is added to the ETag of a document so coded.
type codingInfo struct {
	*publish.Coding
	suffix string
}

var codings = [codingCount]codingInfo{
	identity:     {&publish.Coding{Name: "identity"}, ""},
	codingBrotli: {publish.Brotli, "-br"},
	codingZstd:   {publish.Zstd, "-zst"},
	codingGzip:   {publish.Gzip, "-gz"},
}

// encodeFast codes what one client alone will get.
func (c coding) encodeFast(body []byte) ([]byte, error) {
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
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// sidecar reads what a file is in a coding from beside it. It is that file's when it has its very time, because two
// publications of one file lie a second apart; that it holds the same is looked at once, as a copied tree may have lost
// its times. Without one, or with one that is no good, it gives nil.
func (c coding) sidecar(root *os.Root, file string, of os.FileInfo, body []byte) []byte {
	name := file + codings[c].Ext
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
	if _, err := io.ReadFull(f, coded); err != nil || !codings[c].Holds(bytes.NewReader(coded), body) {
		return nil
	}
	return coded
}

func isSidecar(info, of os.FileInfo) bool {
	return info.Mode().IsRegular() && info.ModTime().Equal(of.ModTime()) && info.Size() > 0 && info.Size() < of.Size()
}
