package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProbes(t *testing.T) {
	busy := ""
	s := newSite(t, func(s *site) {
		s.Ready = func(context.Context) error {
			if busy != "" {
				return errors.New(busy)
			}
			return nil
		}
	})
	healthy := func() {
		t.Helper()
		if a := s.get(t, "/healthz"); a.status != 200 || a.body != `{"status":"ok"}`+"\n" || a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("/healthz: %v", a)
		}
	}
	ready := func(status int, body string) {
		t.Helper()
		if a := s.get(t, "/readyz"); a.status != status || a.body != body+"\n" {
			t.Errorf("/readyz: %v, want %d %s", a, status, body)
		}
		healthy()
	}
	ready(200, `{"status":"ok"}`)
	busy = "it is stopping"
	ready(503, `{"reason":"it is stopping","status":"not ready"}`)
	busy = ""
	front := filepath.Join(s.Public, "index.html")
	if err := os.Rename(front, front+"~"); err != nil {
		t.Fatal(err)
	}
	ready(503, `{"reason":"nothing is published yet","status":"not ready"}`)
	if err := os.Rename(front+"~", front); err != nil {
		t.Fatal(err)
	}
	ready(200, `{"status":"ok"}`)
	s.Store.Close()
	ready(503, `{"reason":"the database does not answer","status":"not ready"}`)
	if a := s.post(t, "/-/subscribe", ada); a.status != 500 || !strings.Contains(a.body, "Something went wrong") || strings.Contains(a.body, "sql") {
		t.Errorf("signing up without a store: %v", a)
	}
	if a := s.post(t, "/readyz", nil); a.status != 405 {
		t.Errorf("POST: %v", a)
	}
	// That it changed is said once, whoever asks, and wherever.
	operator := httptest.NewServer(s.OperatorHandler())
	defer operator.Close()
	if a := (&site{url: operator.URL}).get(t, "/readyz"); a.status != 503 {
		t.Errorf("/readyz on the operator's own address: %v", a)
	}
	if n := strings.Count(s.log.String(), "readiness changed"); n != 4 {
		t.Errorf("four changes are logged %d times:\n%s", n, &s.log)
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
