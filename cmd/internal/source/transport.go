package source

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// Timeouts bound the phases of one request. What is 0 has its default.
type Timeouts struct {
	Connect time.Duration // finding the host and connecting to it; 15 s
	TLS     time.Duration // the handshake; 15 s
	Header  time.Duration // from the request to the beginning of the answer; 30 s
	Idle    time.Duration // between two pieces of the body; 30 s
	Total   time.Duration // all requests of one fetch, without the waiting in between; 2 min
}

func (t Timeouts) orDefault() Timeouts {
	for _, d := range []struct {
		at    *time.Duration
		value time.Duration
	}{{&t.Connect, 15 * time.Second}, {&t.TLS, 15 * time.Second}, {&t.Header, 30 * time.Second}, {&t.Idle, 30 * time.Second}, {&t.Total, 2 * time.Minute}} {
		if *d.at <= 0 {
			*d.at = d.value
		}
	}
	return t
}

// NewTransport makes the connections that lists are fetched over: certificates verified, proxies from the environment
// (HTTP_PROXY, HTTPS_PROXY, NO_PROXY), HTTP/2 where the server has it.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: time.Minute, ControlContext: refuseInside} // a watch ends it earlier; this one ends what nobody waits for any more
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    time.Minute,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second}, // a dead connection is noticed
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    hostRequests,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		DisableCompression:     true, // decode does it, with limits
	}
}

// roundTrip makes a request; outwards says that it may only go to the internet.
func (s *Source) roundTrip(r *http.Request, outwards bool) (*http.Response, error) {
	s.once.Do(func() {
		if s.own = s.Transport; s.own == nil {
			s.own = NewTransport()
		}
		s.outward = outward(s.own)
	})
	if outwards {
		return s.outward.RoundTrip(r)
	}
	return s.own.RoundTrip(r)
}

// watch ends a request that stands still, and says in which phase it did.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	end    context.CancelFunc
	limits Timeouts

	mu     sync.Mutex
	timer  *time.Timer
	remote net.Addr // of the connection; a proxy's, where there is one
	over   bool
}

// watchOver begins a request. left is what the fetch has left of its time.
func watchOver(ctx context.Context, limits Timeouts, left time.Duration, host string) *watch {
	w := &watch{limits: limits}
	ctx, w.end = context.WithTimeoutCause(ctx, left, fmt.Errorf("it was not done within %s, the most that a fetch may take", limits.Total))
	ctx, w.cancel = context.WithCancelCause(ctx)
	w.phase(limits.Connect, fmt.Errorf("connecting to %s took longer than %s", host, limits.Connect))
	w.ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeStart: func() {
			w.phase(limits.TLS, fmt.Errorf("the TLS handshake with %s took longer than %s", host, limits.TLS))
		},
		GotConn: func(got httptrace.GotConnInfo) {
			w.mu.Lock()
			w.remote = got.Conn.RemoteAddr()
			w.mu.Unlock()
			w.phase(limits.Header, fmt.Errorf("%s did not begin to answer within %s", host, limits.Header))
		},
	})
	return w
}

// body is to be called whenever a piece of the body came.
func (w *watch) body() {
	w.phase(w.limits.Idle, fmt.Errorf("nothing came for %s in the middle of the answer", w.limits.Idle))
}

func (w *watch) phase(limit time.Duration, why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	if w.timer != nil {
		w.timer.Stop()
	}
	w.timer = time.AfterFunc(limit, func() { w.cancel(why) })
}

// public reports whether the answer came from an address of the internet, and not of this machine or its network.
func (w *watch) public() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return isPublic(w.remote)
}

// stop ends the watch; the connection is free for the next request.
func (w *watch) stop() {
	w.mu.Lock()
	w.over = true
	w.timer.Stop()
	w.mu.Unlock()
	w.cancel(nil)
	w.end()
}
