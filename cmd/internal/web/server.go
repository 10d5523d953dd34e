package web

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
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

	// TrustedProxies are the peers whose X-Forwarded-For says who the client is. Peers on a Unix socket are trusted as soon
	// as there are any.
	TrustedProxies []netip.Prefix

	Wake func() // called after a sign-up that a mail is to be sent for; may be nil
	Now  func() time.Time
	Log  *slog.Logger
}

// Limits of a connection. A reader on a slow line gets two minutes for a document.
const (
	headerTimeout   = 10 * time.Second
	readTimeout     = 30 * time.Second
	writeTimeout    = 2 * time.Minute
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 20 * time.Second
	maxHeader       = 16 << 10
	maxForm         = 16 << 10
)

// Serve answers on a listener until the context ends, then finishes what it is answering, for at most 20 seconds. It
// closes the listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	hs := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug), // what clients do wrong
	}
	served := make(chan error, 1)
	go func() { served <- hs.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := hs.Shutdown(stop)
	if err != nil {
		hs.Close()
		err = fmt.Errorf("stopping the web server: %w", err)
	}
	<-served
	return err
}

// Handler answers requests under the path of the site's base address, and /healthz at the root.
func (s *Server) Handler() http.Handler {
	h := &handler{Server: s, tree: &tree{public: s.Public}, cache: newCache()}
	if base, err := url.Parse(s.Site.Base); err == nil {
		h.prefix = strings.TrimSuffix(base.Path, "/")
		h.origin = base.Scheme + "://" + base.Host
	}
	h.policy = policy(h.origin)
	return h
}

// handler is a Server at work.
type handler struct {
	*Server
	tree   *tree
	cache  *cache
	prefix string // path of the base address, without a trailing slash
	origin string // of the base address
	policy string // Content-Security-Policy of what a browser renders
}

// policy is the Content-Security-Policy of everything a browser renders: our style sheet, icon and forms, and nothing else.
// The site's own origin is named because a page may be read under another name of the server (127.0.0.1), and refers to the
// style sheet and the icon by their addresses; forms are sent to where their page was read.
func policy(origin string) string {
	own := strings.TrimSpace("'self' " + origin)
	return "default-src 'none'; style-src " + own + "; img-src " + own + "; form-action 'self'" +
		"; base-uri 'none'; frame-ancestors 'none'"
}

func (h *handler) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w := &response{ResponseWriter: rw}
	defer h.recover(w, r)
	w.Header()["X-Content-Type-Options"] = nosniff
	path, ok := strings.CutPrefix(r.URL.Path, h.prefix)
	switch {
	case r.URL.Path == "/healthz", ok && path == "/healthz":
		h.health(w, r)
	case ok && path == "" && h.prefix != "":
		redirect(w, r, h.prefix+"/")
	case !ok || !strings.HasPrefix(path, "/"):
		h.notFound(w)
	case path == "/-" || strings.HasPrefix(path, "/-/"):
		h.personal(w, r, strings.TrimPrefix(path, "/-"))
	default:
		h.file(w, r, path)
	}
}

var nosniff = []string{"nosniff"}

// response remembers whether an answer was begun.
type response struct {
	http.ResponseWriter
	begun bool
}

func (w *response) WriteHeader(status int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recover answers for a handler that panicked, so that one broken request does not end the program.
func (h *handler) recover(w *response, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p) // net/http's own way to drop a connection
	}
	h.Log.Error("answering a request panicked", "method", r.Method, "path", h.loggable(r), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if w.begun {
		panic(http.ErrAbortHandler) // so that the client can tell that the rest is missing
	}
	h.failed(w)
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
	w.Header().Set("Location", to.String())
	w.WriteHeader(http.StatusMovedPermanently)
}

// health says whether the program can work: 200, or 503 with the reason in the log.
func (h *handler) health(w http.ResponseWriter, r *http.Request) {
	if !allow(w, r, http.MethodGet) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	err := h.Store.Ping(ctx)
	answer, status := map[string]string{"status": "ok"}, http.StatusOK
	if err != nil {
		h.Log.Error("the health check failed", "error", err)
		answer["status"], status = "failed", http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(answer)
}

// allow says whether a request has one of the methods, and answers 405 when it does not. Where GET is allowed HEAD is too.
func allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if slices.Contains(methods, r.Method) || r.Method == http.MethodHead && slices.Contains(methods, http.MethodGet) {
		return true
	}
	all := strings.Replace(strings.Join(methods, ", "), http.MethodGet, http.MethodGet+", "+http.MethodHead, 1)
	w.Header().Set("Allow", all)
	http.Error(w, "this address answers "+all+" only", http.StatusMethodNotAllowed)
	return false
}
