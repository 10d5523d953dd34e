package source

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// acceptEncoding are the codings that decode knows.
	acceptEncoding = "gzip, br, zstd"
	// maxCodings is how many may lie upon each other.
	maxCodings = 3
	// maxWindow bounds the memory that a zstd answer asks for (RFC 9659, section 3).
	maxWindow = 8 << 20
	// slack is how much longer than the list its encoded form may be.
	slack = 64 << 10
)

// codings are the Content-Encoding of an answer, in the order in which they were applied (RFC 9110, section 8.4).
func codings(h http.Header) []string {
	var all []string
	for c := range strings.SplitSeq(strings.Join(h.Values("Content-Encoding"), ","), ",") {
		if c = strings.ToLower(strings.TrimSpace(c)); c != "" && c != "identity" {
			all = append(all, strings.TrimPrefix(c, "x-"))
		}
	}
	return all
}

// decode undoes codings. No step gives more than max bytes and some slack: small answers may hold very large ones. done is
// to be called when all is read.
func decode(r io.Reader, codings []string, max int64, large error) (decoded io.Reader, done func(), err error) {
	var open []func()
	done = func() {
		for _, f := range open {
			f()
		}
	}
	if len(codings) > maxCodings {
		return nil, nil, fmt.Errorf("more than %d codings upon each other", maxCodings)
	}
	for _, coding := range slices.Backward(codings) {
		in := bufio.NewReader(r)
		if _, err := in.Peek(1); err == io.EOF {
			return in, done, nil // nothing at all is coded as nothing, whatever the server says
		} else if err != nil {
			done()
			return nil, nil, err
		}
		var out io.Reader
		switch coding {
		case "gzip":
			out, err = gzip.NewReader(in)
		case "br":
			out = brotli.NewReader(in)
		case "zstd":
			var d *zstd.Decoder
			d, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
			if err == nil {
				open = append(open, d.Close)
			}
			out = d
		default:
			err = fmt.Errorf("%q was not asked for", coding)
		}
		if err != nil {
			done()
			return nil, nil, err
		}
		r = &limited{r: out, left: max + slack, err: large}
	}
	return r, done, nil
}
