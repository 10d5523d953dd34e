package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"linkletter/templates"
)

// personal answers for what is under /-/. GET and HEAD never change anything there: mail scanners follow every link.
func (h *handler) personal(w http.ResponseWriter, r *http.Request, path string) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Robots-Tag", "noindex")
	name, token, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !h.Forms {
		name = ""
	}
	page := map[string]struct {
		get, post func(w http.ResponseWriter, r *http.Request, token string)
	}{
		"subscribe":   {h.signUpForm, h.signUp},
		"confirm":     {h.confirmForm, h.confirm},
		"unsubscribe": {h.unsubscribeForm, h.unsubscribe},
		"preferences": {h.preferencesForm, h.changePreferences},
		"act":         {h.actForm, h.act},
	}[name]
	switch {
	case page.get == nil, (name == "subscribe") != (token == ""):
		h.notFound(w)
	case !allow(w, r, http.MethodGet, http.MethodPost):
	case r.Method == http.MethodPost && name != "subscribe" && name != "unsubscribe" && h.foreign(r):
		h.notice(w, http.StatusForbidden, "Nothing was changed", "This came from a form on another site. Please open the link in your mail, and use the page that it leads to.")
	case r.Method == http.MethodPost:
		// What cannot be bounded so, as in a test without a connection, is bounded by the answer's time.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.Bounds.withDefaults().Form))
		page.post(w, r, token)
	default:
		page.get(w, r, token)
	}
}

// readForm reads the body of a form of ours. Without a problem, which is in words for the reader, r.PostForm has it.
func (h *handler) readForm(w http.ResponseWriter, r *http.Request, limit int64) (status int, problem string) {
	if h.foreign(r) {
		return http.StatusForbidden, "This came from a form on another site. Please use this one."
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	err := r.ParseForm()
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, "That is too long to be what this form asks for. Nothing was changed."
	}
	if err != nil {
		return http.StatusBadRequest, "The form could not be read. Please try again."
	}
	return http.StatusOK, ""
}

// foreign says whether a browser sends the form from another site. Without Sec-Fetch-Site there is nothing to go by:
// our pages send no referrer, so their Origin is null. What slips through ends as a mail that somebody did not ask for,
// within the limits of sign-ups.
func (h *handler) foreign(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Site") != "" && http.NewCrossOriginProtection().Check(r) != nil
}

// digest finds a digest that can be subscribed to.
func (h *handler) digest(id string) *templates.DigestLink {
	i := slices.IndexFunc(h.Site.Digests, func(d templates.DigestLink) bool { return d.ID == id })
	if i < 0 {
		return nil
	}
	return &h.Site.Digests[i]
}
