package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"linkletter/feed"
)

// probeTimeout is how long the database may take to answer.
const probeTimeout = 5 * time.Second

// Where supervisors ask.
const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

func isProbe(path string) bool { return path == healthPath || path == readyPath }

// probe answers a supervisor. Whether the process works is one question (/healthz: if not, restart it), whether it can be
// sent requests another (/readyz: if not, wait).
func (h *handler) probe(w *response, r *http.Request, path string) {
	w.kind = kindProbe
	if !allow(w, r, http.MethodGet) {
		return
	}
	answer, status := map[string]string{"status": "ok"}, http.StatusOK
	if path == readyPath {
		reason := ""
		if err := h.notReady(r.Context()); err != nil {
			reason = err.Error()
			answer, status = map[string]string{"status": "not ready", "reason": reason}, http.StatusServiceUnavailable
		}
		if was := h.reason.Swap(&reason); was == nil && reason != "" || was != nil && *was != reason {
			h.Log.Info("readiness changed", "ready", reason == "", "reason", reason)
		}
	}
	w.Header()["X-Content-Type-Options"] = nosniff
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(answer)
}

// notReady says in words that everybody may read why the site should not be asked now; nil: it may.
func (h *handler) notReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if err := h.Store.Ping(ctx); err != nil {
		if ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
			h.Log.Error("the database does not answer", "error", err)
		}
		return errors.New("the database does not answer")
	}
	if h.Ready != nil {
		if err := h.Ready(ctx); err != nil {
			return err
		}
	}
	if _, _, err := h.tree.stat(feed.PageFile); err != nil {
		return errors.New("nothing is published yet")
	}
	return nil
}
