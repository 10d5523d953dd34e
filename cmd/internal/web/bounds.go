package web

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Bounds say what clients can take of the program at most. Zero is the default.
type Bounds struct {
	First       time.Duration // from a connection's beginning to the end of its first request's header: 10 seconds
	Idle        time.Duration // from the end of an answer to the end of the next request's header: 1 minute
	Form        time.Duration // for the body of a form: 15 seconds
	Answer      time.Duration // from the end of a header to the end of the answer: 2 minutes, for readers on slow lines
	Stop        time.Duration // for what is being answered when the server stops: 20 seconds
	Connections int           // at the same time; more wait in the system's queue until one ends: 2048
}

const (
	maxHeader = 16 << 10 // a request's header
	maxForm   = 16 << 10 // the body of a form
	// maxChoices is that of the preferences: a thousand chosen sections, each with the longest names.
	maxChoices = 256 << 10
)

// withDefaults fills in the defaults. A connection takes some 20 KB and a file handle, so that 2,048 leave enough of both on the
// smallest machine; one that is silent makes room soon.
func (b Bounds) withDefaults() Bounds {
	return Bounds{
		First:       cmp.Or(b.First, 10*time.Second),
		Idle:        cmp.Or(b.Idle, time.Minute),
		Form:        cmp.Or(b.Form, 15*time.Second),
		Answer:      cmp.Or(b.Answer, 2*time.Minute),
		Stop:        cmp.Or(b.Stop, 20*time.Second),
		Connections: cmp.Or(b.Connections, 2048),
	}
}

// Serve answers for the site on a listener until the context ends, then finishes what it is answering. It closes the
// listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	return s.serve(ctx, l, s.Handler())
}

// ServeOperator answers on a listener of the operator's own: /metrics, /healthz and /readyz.
func (s *Server) ServeOperator(ctx context.Context, l net.Listener) error {
	return s.serve(ctx, l, s.OperatorHandler())
}

func (s *Server) serve(ctx context.Context, l net.Listener, h http.Handler) error {
	bounds := s.Bounds.withDefaults()
	watched := newConns(l, bounds)
	hs := &http.Server{
		Handler:        h,
		MaxHeaderBytes: maxHeader,
		ConnState:      watched.changed,
		ErrorLog:       slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug), // what clients do wrong
	}
	served := make(chan error, 1)
	go func() { served <- hs.Serve(watched) }()
	unwatch := watched.watch()
	defer unwatch()
	select {
	case err := <-served:
		return fmt.Errorf("serving on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), bounds.Stop)
	defer cancel()
	err := hs.Shutdown(stop)
	if err != nil {
		hs.Close()
		err = fmt.Errorf("stopping the web server: %w", err)
	}
	<-served
	return err
}
