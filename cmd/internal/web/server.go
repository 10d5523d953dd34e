package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// Server answers for one site. Its fields are set before the first request and not changed afterwards.
type Server struct {
	Public    string // folder of the static tree; it may come into being later
	Site      templates.Site
	Store     *store.Store
	Templates *templates.Set
	Keys      digest.Keys
	Forms     bool               // answer under /-/; without, all there is 404
	Limits    store.SignUpLimits // of sign-ups
	Digests   []digest.Digest    // what those of Site are made of, for who chooses from it
	Location  *time.Location     // whose days a pause counts in; nil is UTC
	Bounds    Bounds             // of connections

	Lists    []string          // ids of the lists that there are; empty: not known, and none is taken for gone
	Formerly map[string]string // ids that lists had before, and have now
	Hub      string            // address of the WebSub hub that is told of what changes; empty: none

	// TrustedProxies are the peers whose X-Forwarded-For says who the client is. Peers on a Unix socket are trusted as soon
	// as there are any.
	TrustedProxies []netip.Prefix

	// Ready says in words for everybody why this process should not be asked now, beside what the server sees itself: that
	// the database answers and the tree is there. Nil: it always may.
	Ready   func(ctx context.Context) error
	Metrics *Metrics // nil: nothing is counted

	Wake func() // called after a sign-up that a mail is to be sent for; may be nil
	Now  func() time.Time
	Log  *slog.Logger

	probing sync.Once
	prober  *prober // of all handlers
}

// Handler answers requests under the path of the site's base address, and those of supervisors at the root too.
func (s *Server) Handler() http.Handler {
	probes := s.probes()
	h := &handler{Server: s, probes: probes, tree: probes.tree, cache: newCache(), versions: newVersions()}
	origin := ""
	if base, err := url.Parse(s.Site.Base); err == nil {
		h.prefix = strings.TrimSuffix(base.Path, "/")
		origin = base.Scheme + "://" + base.Host
	}
	h.policy = policy(origin)
	return h
}

// handler is a Server at work.
type handler struct {
	*Server
	probes   *prober
	tree     *tree
	cache    *cache
	versions *versions
	prefix   string // path of the base address, without a trailing slash
	policy   string // Content-Security-Policy of what a browser renders
}

// policy is the Content-Security-Policy of everything a browser renders: our style sheet, icon and forms, and nothing else.
// The site's own origin is named because a page may be read under another name of the server (127.0.0.1), and refers to the
// style sheet and the icon by their addresses; forms are sent to where their page was read. Nothing of ours connects to
// anything, but tools that judge a page fetch the site's robots.txt from within it.
func policy(origin string) string {
	own := strings.TrimSpace("'self' " + origin)
	return "default-src 'none'; style-src " + own + "; img-src " + own + "; connect-src 'self'; form-action 'self'" +
		"; base-uri 'none'; frame-ancestors 'none'"
}

func (h *handler) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	now := h.Now()
	w := &response{ResponseWriter: rw}
	if h.Metrics != nil {
		defer func() { h.Metrics.observe(w, r.Method, h.Now().Sub(now)) }()
	}
	defer h.recover(w, r)
	path, ok := strings.CutPrefix(r.URL.Path, h.prefix)
	switch {
	case isProbe(r.URL.Path):
		h.probes.answer(w, r, r.URL.Path)
	case ok && isProbe(path):
		h.probes.answer(w, r, path)
	case ok && path == "" && h.prefix != "":
		redirect(w, r, h.prefix+"/")
	case !ok || !strings.HasPrefix(path, "/"):
		h.notFound(w)
	case path == "/-" || strings.HasPrefix(path, "/-/"):
		w.kind = kindForm
		h.personal(w, r, strings.TrimPrefix(path, "/-"))
	default:
		h.file(w, r, path, now)
	}
}

// nosniff is X-Content-Type-Options of every answer: the media type is the one that is said.
var nosniff = []string{"nosniff"}

// response remembers what is answered.
type response struct {
	http.ResponseWriter
	kind   kind
	status int // 0: the answer has not begun
	bytes  int // of the body
}

func (w *response) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += n
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recover answers for a handler that panicked, so that one broken request does not end the program.
func (h *handler) recover(w *response, r *http.Request) {
	if p := recover(); p != nil {
		h.panicked(p, w, r.Method, h.loggable(r))
		h.failed(w)
	}
}

// panicked says in the log that a request could not be answered, and drops the connection when there is a part of an answer.
func (s *Server) panicked(p any, w *response, method, path string) {
	if p == http.ErrAbortHandler {
		panic(p) // net/http's own way to drop a connection
	}
	s.Log.Error("answering a request panicked", "method", method, "path", path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler) // so that the client can tell that the rest is missing
	}
}

// loggable is a request's path without the token that lets whoever reads the log act for a subscriber.
func (h *handler) loggable(r *http.Request) string {
	path := strings.TrimPrefix(r.URL.Path, h.prefix)
	if rest, ok := strings.CutPrefix(path, "/-/"); ok {
		name, _, _ := strings.Cut(rest, "/")
		return "/-/" + name
	}
	return path
}

// redirect sends the reader to another path of this server.
func redirect(w http.ResponseWriter, r *http.Request, path string) {
	to := url.URL{Path: path, RawQuery: r.URL.RawQuery}
	w.Header()["X-Content-Type-Options"] = nosniff
	w.Header().Set("Location", to.String())
	w.WriteHeader(http.StatusMovedPermanently)
}

// allow says whether a request has one of the methods, and answers it when it does not: OPTIONS with what there is, others
// with 405. Where GET is allowed HEAD is too.
func allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if slices.Contains(methods, r.Method) || r.Method == http.MethodHead && slices.Contains(methods, http.MethodGet) {
		return true
	}
	all := strings.Replace(strings.Join(methods, ", "), http.MethodGet, http.MethodGet+", "+http.MethodHead, 1)
	w.Header()["X-Content-Type-Options"] = nosniff
	w.Header().Set("Allow", all+", "+http.MethodOptions)
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return false
	}
	http.Error(w, "this address answers "+all+" only", http.StatusMethodNotAllowed)
	return false
}
