package source

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// answer is what a server said to one request.
type answer struct {
	status int
	header http.Header
	body   []byte // decoded; only where the status says that it is the list
	public bool   // it came from an address of the internet
}

// ask makes one request, when it is its turn; outwards says that it may only go to the internet. left is the time that the
// fetch has left; ask takes from it.
func (s *Source) ask(ctx context.Context, at *url.URL, header http.Header, outwards bool, left *time.Duration) (*answer, error) {
	leave, err := s.enter(ctx, originOf(at))
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", shown(at), err)
	}
	defer leave()
	began := time.Now()
	defer func() { *left -= time.Since(began) }()
	w := watchOver(ctx, s.Timeouts.orDefault(), *left, at.Hostname())
	defer w.stop()
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("fetching %s: the address is none that can be asked", shown(at))
	}
	req.Header = header
	res, err := s.roundTrip(req, outwards)
	if err != nil {
		return nil, unanswered(ctx, w, at, err)
	}
	defer res.Body.Close()
	a := &answer{status: res.StatusCode, header: res.Header, public: w.public()}
	if res.StatusCode == http.StatusOK || res.StatusCode == http.StatusNonAuthoritativeInfo {
		a.body, err = s.body(ctx, w, res, at)
		return a, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 8<<10)) // so that the connection may serve again
	return a, nil
}

// unanswered says why there is no answer.
func unanswered(ctx context.Context, w *watch, at *url.URL, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	} else if cause := context.Cause(w.ctx); cause != nil {
		err = cause
	} else {
		err = connectionError(at, err)
	}
	return fmt.Errorf("fetching %s: %w", shown(at), err)
}

// connectionError says what an error of the network means, and whether it may pass.
func connectionError(at *url.URL, err error) error {
	var (
		cert    *tls.CertificateVerificationError
		alert   tls.AlertError
		record  tls.RecordHeaderError
		noHost  *net.DNSError
		isPlain = strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") // net/http has no name for it
	)
	switch {
	case errors.As(err, &cert):
		return fmt.Errorf("the certificate of %s is not trusted (%w): mend it there; an authority of your own belongs into the system's certificates, or into a file that SSL_CERT_FILE names", at.Hostname(), cert.Err)
	case errors.As(err, &alert):
		return fmt.Errorf("%s and linkletter find no common way to speak TLS: %w", at.Hostname(), err)
	case errors.As(err, &record) || isPlain:
		return fmt.Errorf("%s does not speak TLS there: write http:// if that is meant", at.Host)
	case errors.As(err, &noHost) && noHost.IsNotFound:
		return fmt.Errorf("there is no host %s: check how it is written", noHost.Name)
	case strings.Contains(err.Error(), "malformed"), strings.Contains(err.Error(), "bad Content-Length"): // the error goes on with what came, which may be long, and anything
		return passing{error: fmt.Errorf("what %s answers is no HTTP", at.Host)}
	}
	return passing{error: err}
}

// body reads an answer's body, decoded.
func (s *Source) body(ctx context.Context, w *watch, res *http.Response, at *url.URL) ([]byte, error) {
	where := shown(at)
	large := &TooLargeError{Where: where, Max: s.maxBytes()}
	in := &wire{r: res.Body, w: w}
	w.body()
	capped := &limited{r: in, left: s.maxBytes() + slack, err: large}
	coded := codings(res.Header)
	r, done, err := decode(capped, coded, s.maxBytes(), large)
	var b []byte
	if err == nil {
		defer done()
		b, err = io.ReadAll(&limited{r: r, left: s.maxBytes(), err: large})
	}
	if err == nil {
		_, err = io.Copy(io.Discard, capped) // whether the answer ends where it said it would
	}
	switch {
	case err == nil:
		return b, nil
	case errors.Is(err, large):
		return nil, large
	case context.Cause(w.ctx) != nil:
		return nil, unanswered(ctx, w, at, err)
	case in.err != nil || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, passing{error: fmt.Errorf("fetching %s: the answer broke off after %d bytes", where, in.n)}
	}
	return nil, fmt.Errorf("fetching %s: the answer cannot be decoded (Content-Encoding %q): %w", where, strings.Join(coded, ", "), err)
}

// wire is a body as it comes.
type wire struct {
	r   io.Reader
	w   *watch
	n   int64
	err error // other than its end
}

func (b *wire) Read(p []byte) (int, error) {
	if err := b.w.ctx.Err(); err != nil { // what is buffered already would be decoded on and on
		return 0, err
	}
	n, err := b.r.Read(p)
	if b.n += int64(n); n > 0 {
		b.w.body()
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}
