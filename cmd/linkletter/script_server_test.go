package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
)

// listServer serves the files of a script's folder www, in the way that the script says.
type listServer struct {
	dir  string
	done chan struct{} // closed when the script ends: what hangs, ends

	mu       sync.Mutex
	mode     string
	requests []string // how each was answered
}

// serveLists is "lists": starts a server of the folder www, whose address is $LISTS then.
func serveLists(ts *testscript.TestScript, _ bool, _ []string) {
	s := &listServer{dir: ts.MkAbs("www"), done: make(chan struct{}), mode: "good"}
	server := httptest.NewServer(s)
	ts.Defer(func() {
		close(s.done)
		server.Close()
	})
	ts.Setenv("LISTS", server.URL)
	servers.Store(ts, s)
}

var servers sync.Map // the listServer of each script

// answers is "answers MODE": from now on the server answers so; see ServeHTTP.
func answers(ts *testscript.TestScript, _ bool, args []string) {
	s, _ := servers.Load(ts)
	if len(args) != 1 || s == nil {
		ts.Fatalf("usage: lists, and then answers MODE")
	}
	l := s.(*listServer)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mode, l.requests = args[0], nil
}

// answered is "answered STATUS…": how the requests since the last "answers" were answered.
func answered(ts *testscript.TestScript, _ bool, args []string) {
	s, _ := servers.Load(ts)
	l := s.(*listServer)
	l.mu.Lock()
	defer l.mu.Unlock()
	if got, want := strings.Join(l.requests, " "), strings.Join(args, " "); got != want {
		ts.Fatalf("the requests were answered with %q, want %q", got, want)
	}
}

func (s *listServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	mode, nth := s.mode, len(s.requests)
	s.requests = append(s.requests, "")
	s.mu.Unlock()
	recorder := &statusRecorder{ResponseWriter: w}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if nth < len(s.requests) {
			s.requests[nth] = fmt.Sprint(recorder.status)
		}
	}()
	b, err := os.ReadFile(s.dir + "/list.md")
	if err != nil {
		http.Error(recorder, err.Error(), http.StatusInternalServerError)
		return
	}
	s.answer(recorder, r, mode, nth, b)
}

// answer answers in one of the ways of servers.
func (s *listServer) answer(w http.ResponseWriter, r *http.Request, mode string, nth int, b []byte) {
	w.Header().Set("Content-Type", "text/markdown; charset=utf-8")
	switch mode {
	case "good":
		s.file(w, r, b)
	case "gzip", "br", "zstd":
		w.Header().Set("Content-Encoding", mode)
		s.file(w, r, encode(mode, b))
	case "moved", "found":
		status := map[string]int{"moved": http.StatusMovedPermanently, "found": http.StatusFound}[mode]
		if r.URL.Path == "/list.md" {
			http.Redirect(w, r, "/new/list.md", status)
			return
		}
		s.file(w, r, b)
	case "loop":
		http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
	case "page":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!DOCTYPE html><html><body><h1>Our new home</h1></body></html>")
	case "login":
		if r.URL.Path == "/list.md" {
			http.Redirect(w, r, "/users/sign_in", http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!DOCTYPE html><html><body><form method="post"><input type="password" name="password"></form></body></html>`)
	case "json":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"message": "Not here, - [but](https://example.org/there)"}`)
	case "empty":
	case "truncated":
		w.Header().Set("Content-Length", fmt.Sprint(len(b)+1))
		_, _ = w.Write(b)
	case "cut":
		w.Header().Set("Content-Encoding", "gzip")
		packed := encode("gzip", b)
		_, _ = w.Write(packed[:len(packed)/2])
	case "huge":
		_, _ = io.Copy(w, io.LimitReader(endless{}, 4<<20))
	case "bomb":
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.Copy(z, io.LimitReader(endless{}, 1<<30))
	case "flaky":
		if nth < 2 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		s.file(w, r, b)
	case "later":
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	case "unchanged":
		w.WriteHeader(http.StatusNotModified)
	case "private":
		if r.Header.Get("Authorization") != "Bearer s3cret" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		s.file(w, r, b)
	case "elsewhere": // to another host, which must not hear the secret
		if r.Header.Get("Authorization") != "" && strings.HasPrefix(r.Host, "127.") {
			http.Redirect(w, r, "http://localhost:"+portOf(r.Host)+"/list.md", http.StatusFound)
			return
		}
		if r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		s.file(w, r, b)
	case "hang":
		<-s.done
	default:
		var status int
		if _, err := fmt.Sscan(mode, &status); err != nil {
			panic("there is no mode " + mode)
		}
		w.WriteHeader(status)
	}
}

// file answers as a well-behaved server does.
func (s *listServer) file(w http.ResponseWriter, r *http.Request, b []byte) {
	sum := sha256.Sum256(b)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
	http.ServeContent(w, r, "", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), bytes.NewReader(b))
}

func encode(how string, b []byte) []byte {
	var out bytes.Buffer
	var z io.WriteCloser
	switch how {
	case "gzip":
		z = gzip.NewWriter(&out)
	case "br":
		z = brotli.NewWriter(&out)
	case "zstd":
		z, _ = zstd.NewWriter(&out) // without options it cannot fail
	}
	_, _ = z.Write(b) // into memory
	_ = z.Close()
	return out.Bytes()
}

func portOf(host string) string {
	_, port, _ := strings.Cut(host, ":")
	return port
}

// endless is a list without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	line := "- [Anvil](https://example.org/anvil)\n"
	n := 0
	for n+len(line) <= len(p) {
		n += copy(p[n:], line)
	}
	if n == 0 {
		n = copy(p, line)
	}
	return n, nil
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *statusRecorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}
