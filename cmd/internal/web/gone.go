package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"linkletter/feed"
	"linkletter/store"
)

// movedList answers for a path below a list that has another id now: the same is at the same place below that. It does so
// whether or not there are still files below the old one.
func (h *handler) movedList(w *response, r *http.Request, name string) bool {
	if len(h.Formerly) == 0 {
		return false
	}
	old, rest, _ := strings.Cut(name[1:], "/")
	id, ok := h.Formerly[old]
	if !ok {
		return false
	}
	if allow(w, r, http.MethodGet) {
		w.Header().Set("Access-Control-Allow-Origin", "*") // a reader that is a web page follows it too
		w.Header().Set("Cache-Control", caching)
		redirect(w, r, h.prefix+"/"+feed.ListDir(id)+rest)
	}
	return true
}

// missing answers for what is not in the tree. A feed reader that is told 410 stops asking for good; one that is told 404
// may come back.
func (h *handler) missing(w *response, r *http.Request, name string) {
	if !allow(w, r, http.MethodGet) {
		return
	}
	id, _, _ := strings.Cut(name[1:], "/")
	if !h.gone(r, id) {
		h.notFound(w)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	h.notice(w, http.StatusGone, "No longer followed", "This list is no longer followed here, and its feeds have ended.")
}

// gone says whether there was a list of an id and is none any more. It has to be sure: the configuration names lists, but
// not this one; the store has seen it; and its page is not in the tree.
func (h *handler) gone(r *http.Request, id string) bool {
	page, ok := fileOf("/" + feed.ListDir(id))
	if !ok || len(h.Lists) == 0 || slices.Contains(h.Lists, id) {
		return false
	}
	if _, _, err := h.tree.stat(page); !missing(err) {
		return false
	}
	l, err := h.Store.List(r.Context(), id)
	if err != nil && !errors.Is(err, store.ErrNotFound) && r.Context().Err() == nil {
		h.Log.Error("looking for a list that may be gone", "error", err)
	}
	return err == nil && !l.Began.IsZero()
}
