package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"linkletter/feed"
	"linkletter/store"
)

// probeTimeout is how long the database may take to answer.
const probeTimeout = 5 * time.Second

// Where supervisors ask.
const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

func isProbe(path string) bool { return path == healthPath || path == readyPath }

// prober answers supervisors, on whichever address they ask.
type prober struct {
	store  *store.Store
	ready  func(ctx context.Context) error // may be nil
	tree   *tree
	log    *slog.Logger
	reason atomic.Pointer[string] // why /readyz said no the last time; empty: it said yes; nil: not asked yet
}

// probes gives the server's one prober.
func (s *Server) probes() *prober {
	s.probing.Do(func() {
		s.prober = &prober{store: s.Store, ready: s.Ready, tree: &tree{public: s.Public}, log: s.Log}
	})
	return s.prober
}

// answer answers a supervisor. Whether the process works is one question (/healthz: if not, restart it), whether it can be
// sent requests another (/readyz: if not, wait).
func (p *prober) answer(w *response, r *http.Request, path string) {
	w.kind = kindProbe
	if !allow(w, r, http.MethodGet) {
		return
	}
	answer, status := map[string]string{"status": "ok"}, http.StatusOK
	if path == readyPath {
		reason := ""
		if err := p.notReady(r.Context()); err != nil {
			reason = err.Error()
			answer, status = map[string]string{"status": "not ready", "reason": reason}, http.StatusServiceUnavailable
		}
		if was := p.reason.Swap(&reason); was == nil && reason != "" || was != nil && *was != reason {
			p.log.Info("readiness changed", "ready", reason == "", "reason", reason)
		}
	}
	w.Header()["X-Content-Type-Options"] = nosniff
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(answer) // it fails when nobody is there any more
}

// notReady says in words that everybody may read why the site should not be asked now; nil: it may.
func (p *prober) notReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if err := p.store.Ping(ctx); err != nil {
		if ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
			p.log.Error("the database does not answer", "error", err)
		}
		return errors.New("the database does not answer")
	}
	if p.ready != nil {
		if err := p.ready(ctx); err != nil {
			return err
		}
	}
	if _, _, err := p.tree.stat(feed.PageFile); err != nil {
		return errors.New("nothing is published yet")
	}
	return nil
}
