package web

import (
	"bytes"
	"io"
	"net/http"

	"linkletter/templates"
)

// trouble answers for what is nobody's fault but ours.
func (h *handler) trouble(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil { // else nobody waits for the answer any more
		h.Log.Error("answering a request failed", "path", h.loggable(r), "error", err)
	}
	h.failed(w)
}

func (h *handler) failed(w http.ResponseWriter) {
	clear(w.Header()) // of what the answer would have been
	w.Header().Set("Cache-Control", "no-store")
	h.notice(w, http.StatusInternalServerError, "Something went wrong", "It is our fault. Please try again in a while.")
}

func (h *handler) notFound(w http.ResponseWriter) {
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-cache")
	}
	h.notice(w, http.StatusNotFound, "Not found", "There is nothing at this address.")
}

func (h *handler) notice(w http.ResponseWriter, status int, title, text string) {
	n := templates.Notice{Site: h.Site, Title: title, Text: text}
	h.page(w, status, func(b io.Writer) error { return h.Templates.Notice(b, n) })
}

// noticeTo is notice for somebody whose token it is: it leads to their preferences.
func (h *handler) noticeTo(w http.ResponseWriter, token, title, text string) {
	n := templates.Notice{Site: h.Site, Title: title, Text: text, Preferences: h.prefix + "/-/preferences/" + token}
	h.page(w, http.StatusOK, func(b io.Writer) error { return h.Templates.Notice(b, n) })
}

// page answers with a page, whole or not at all.
func (h *handler) page(w http.ResponseWriter, status int, render func(io.Writer) error) {
	var b bytes.Buffer
	if err := render(&b); err != nil {
		h.Log.Error("rendering a page failed", "error", err)
		http.Error(w, "Something went wrong.", http.StatusInternalServerError)
		return
	}
	w.Header()["X-Content-Type-Options"] = nosniff
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", h.policy)
	w.Header().Set("Referrer-Policy", "no-referrer") // addresses hold tokens
	w.WriteHeader(status)
	w.Write(b.Bytes()) // it fails when nobody is there any more
}
