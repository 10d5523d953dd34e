package web

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// conns are the connections of a server: no more than there are slots, and none that stays in one state for longer than its
// bound. net/http has deadlines for that, which it sets several times a request, with a look at the clock and a change of
// the system's timers each time; that was a fifteenth of all the work. Here a request costs two stores, and who is late is
// looked for now and then.
type conns struct {
	net.Listener
	slots  chan struct{}
	bounds Bounds
	step   time.Duration // how often they are looked at
	steps  atomic.Int64  // how often they were

	mu     sync.Mutex
	all    map[*conn]bool
	once   sync.Once
	closed chan struct{} // when nothing is accepted any more
}

// conn is what is known of a connection.
type conn struct {
	end   func() error
	since atomic.Int64 // the step in which its state changed, and the state in the lowest byte
}

func (c *conn) known() *conn { return c }

// A connection stays of the system's kind for the server, which ends its own half first of one that sent too much.
type (
	tcpConn struct {
		*net.TCPConn
		*conn
	}
	unixConn struct {
		*net.UnixConn
		*conn
	}
	otherConn struct {
		net.Conn
		*conn
	}
)

func newConns(l net.Listener, bounds Bounds) *conns {
	return &conns{
		Listener: l, bounds: bounds, step: max(time.Millisecond, min(bounds.First, bounds.Idle, bounds.Answer, 8*time.Second)/8),
		slots: make(chan struct{}, bounds.Connections), all: map[*conn]bool{}, closed: make(chan struct{}),
	}
}

func (l *conns) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	k := &conn{end: c.Close}
	l.note(k, http.StateNew)
	l.mu.Lock()
	l.all[k] = true
	l.mu.Unlock()
	switch c := c.(type) {
	case *net.TCPConn:
		return &tcpConn{c, k}, nil
	case *net.UnixConn:
		return &unixConn{c, k}, nil
	}
	return &otherConn{c, k}, nil
}

func (l *conns) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// changed is told by the server what becomes of a connection.
func (l *conns) changed(c net.Conn, state http.ConnState) {
	k := c.(interface{ known() *conn }).known()
	if state != http.StateClosed && state != http.StateHijacked {
		l.note(k, state)
		return
	}
	l.mu.Lock()
	delete(l.all, k)
	l.mu.Unlock()
	<-l.slots
}

// note keeps in one word in which step a connection came into a state, and which one.
func (l *conns) note(k *conn, state http.ConnState) {
	k.since.Store((l.steps.Load() << 8) | int64(state))
}

// noted gives what note kept.
func (c *conn) noted() (step int64, state http.ConnState) {
	since := c.since.Load()
	return since >> 8, http.ConnState(since & 0xff)
}

// watch ends connections that are late, until the function it gives is called.
func (l *conns) watch() (end func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(l.step)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				l.endLate(l.steps.Add(1))
			}
		}
	}()
	return func() {
		close(ended)
		<-done
	}
}

// endLate closes the connections whose state began so long ago that their bound is surely over. The server notices.
func (l *conns) endLate(now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range l.all {
		since, state := k.noted()
		bound := l.bounds.Answer
		switch state {
		case http.StateNew:
			bound = l.bounds.First
		case http.StateIdle:
			bound = l.bounds.Idle
		}
		// A step may have ended right after the state began, so one of them does not count.
		if time.Duration(now-since-1)*l.step >= bound {
			k.end() // that it was closed meanwhile is as well
		}
	}
}
