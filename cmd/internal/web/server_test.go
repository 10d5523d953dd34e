package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestHealth(t *testing.T) {
	s := newSite(t, nil)
	if a := s.get(t, "/healthz"); a.status != 200 || a.body != `{"status":"ok"}`+"\n" || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", a)
	}
	s.Store.Close()
	if a := s.get(t, "/healthz"); a.status != 503 || strings.Contains(a.body, "sql") {
		t.Errorf("without its store: %v", a)
	}
	if a := s.post(t, "/-/subscribe", ada); a.status != 500 || !strings.Contains(a.body, "Something went wrong") || strings.Contains(a.body, "sql") {
		t.Errorf("signing up without a store: %v", a)
	}
}

func TestPanic(t *testing.T) {
	s := newSite(t, func(s *site) { s.Wake = func() { panic("a bug") } })
	if a := s.post(t, "/-/subscribe", ada); a.status != 500 || !strings.Contains(a.body, "Something went wrong") {
		t.Errorf("%v, want a page and 500", a)
	}
	if !strings.Contains(s.log.String(), "a bug") {
		t.Errorf("the log says %q", s.log.String())
	}
	if a := s.get(t, "/atom.xml"); a.status != 200 {
		t.Errorf("the next request: %v", a)
	}
	// Once an answer has begun, cutting it off is all that can tell the client.
	h := &handler{Server: s.Server}
	cut := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := &response{ResponseWriter: rw}
		defer h.recover(w, r)
		io.WriteString(w, strings.Repeat("x", 1<<16))
		panic("half way")
	}))
	defer cut.Close()
	res, err := client.Get(cut.URL)
	if err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	if err == nil {
		t.Error("half an answer looks like a whole one")
	}
}

func TestServeEndsGracefully(t *testing.T) {
	s := newSite(t, nil)
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	// A sign-up takes a moment; the signal to stop comes while it is answered.
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := ada.Encode()
	fmt.Fprintf(conn, "POST /-/subscribe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Content-Length: %d\r\n\r\n%s", len(body), body)
	for s.woken.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	stop()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 200 {
		t.Errorf("what was being answered: %v, %v", res, err)
	}
	if err := <-served; err != nil {
		t.Errorf("stopping: %v", err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("it still listens")
	}
}

func TestServeLimits(t *testing.T) {
	s := newSite(t, nil)
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+"/atom.xml", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Long", strings.Repeat("x", 2*maxHeader))
	if a := do(t, r); a.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long header: %v", a)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
