package source

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// DefaultHostRate lets 1,000 lists of one host be checked every quarter of an hour, which is 1.1 a second.
	DefaultHostRate = 2
	// hostRequests is how many requests one host answers at once.
	hostRequests = 4
	// maxHosts bounds how many hosts are remembered.
	maxHosts = 4096
)

// hosts is what is known of the servers that are asked, by host and port.
type hosts struct {
	mu sync.Mutex
	by map[string]*host
}

// host is one server.
type host struct {
	rate  *rate.Limiter
	free  chan struct{} // a place for each request at once
	users int           // goroutines that ask it, or wait to
	until time.Time     // it asked not to be asked before
	why   error
}

// enter waits for this request's turn at a host, and gives what to call after it. A host that asked to be left alone is
// not asked: that is a *RetryError.
func (s *Source) enter(ctx context.Context, name string) (leave func(), err error) {
	h := s.hosts.take(name, s.hostRate(), s.now())
	defer func() {
		if err != nil {
			s.hosts.put(h)
		}
	}()
	if err := s.hosts.asks(h, s.now()); err != nil {
		return nil, err
	}
	select {
	case h.free <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	now := s.now()
	turn := h.rate.ReserveN(now, 1)
	if wait := turn.DelayFrom(now); wait > 0 {
		err = s.sleep(ctx, wait)
	}
	if err == nil {
		err = s.hosts.asks(h, s.now()) // another request may have heard in between
	}
	if err != nil {
		turn.CancelAt(s.now())
		<-h.free
		return nil, err
	}
	return func() {
		<-h.free
		s.hosts.put(h)
	}, nil
}

func (s *Source) hostRate() float64 {
	if s.HostRate > 0 {
		return s.HostRate
	}
	return DefaultHostRate
}

// take finds a host, or makes room for it.
func (hs *hosts) take(name string, perSecond float64, now time.Time) *host {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h := hs.by[name]
	if h == nil {
		if hs.by == nil {
			hs.by = map[string]*host{}
		}
		if len(hs.by) >= maxHosts {
			hs.clear(now)
		}
		burst := max(1, int(2*perSecond))
		h = &host{rate: rate.NewLimiter(rate.Limit(perSecond), burst), free: make(chan struct{}, hostRequests)}
		hs.by[name] = h
	}
	h.users++
	return h
}

func (hs *hosts) put(h *host) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h.users--
}

// clear forgets the hosts that nothing is to be remembered of; where that is not enough, all that nobody asks just now.
func (hs *hosts) clear(now time.Time) {
	for _, all := range []bool{false, true} {
		for name, h := range hs.by {
			rested := !h.until.After(now) && h.rate.TokensAt(now) >= float64(h.rate.Burst())
			if h.users == 0 && (all || rested) {
				delete(hs.by, name)
			}
		}
		if len(hs.by) < maxHosts {
			return
		}
	}
}

// asks gives the error of a host that wants to be left alone for now.
func (hs *hosts) asks(h *host, now time.Time) error {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if h.until.After(now) {
		return &RetryError{Err: h.why, After: h.until}
	}
	return nil
}

// spare remembers that a host is not to be asked before a time.
func (hs *hosts) spare(name string, until time.Time, why error) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if h := hs.by[name]; h != nil {
		h.until, h.why = until, why
	}
}
