package web

import (
	"io"
	"net/http"

	"linkletter/templates"
)

// leaving reads an unsubscribe link, which works for ever, even if its digest does not appear any more. A forged one is
// answered like any address that does not exist.
func (h *handler) leaving(w http.ResponseWriter, token string) (subscriber int64, d *templates.DigestLink) {
	subscriber, id, ok := h.Keys.ParseUnsubscribe(token)
	if !ok {
		h.notFound(w)
		return 0, nil
	}
	if d = h.digest(id); d == nil {
		d = &templates.DigestLink{ID: id, Title: id}
	}
	return subscriber, d
}

// unsubscribeForm offers to leave, and what is less than that. Its other buttons post to the preferences: what is posted
// to this address leaves, whatever it says.
func (h *handler) unsubscribeForm(w http.ResponseWriter, _ *http.Request, token string) {
	_, d := h.leaving(w, token)
	if d == nil {
		return
	}
	form := templates.Form{
		Site: h.Site, Digest: *d, Action: h.prefix + "/-/unsubscribe/" + token, Preferences: h.prefix + "/-/preferences/" + token,
		Pause: h.pauseDates(""),
	}
	h.page(w, http.StatusOK, func(b io.Writer) error { return h.Templates.Unsubscribe(b, form) })
}

// unsubscribe is the one click of RFC 8058, and the page's button. The token says everything: no cookie, no origin and no
// particular body is asked for. What there is of one is read only when all is done, because a connection that is closed before
// its end may cost the answer.
func (h *handler) unsubscribe(w http.ResponseWriter, r *http.Request, token string) {
	subscriber, d := h.leaving(w, token)
	if d == nil {
		return
	}
	if err := h.Store.Unsubscribe(r.Context(), subscriber, d.ID); err != nil {
		h.trouble(w, r, err)
		return
	}
	io.Copy(io.Discard, io.LimitReader(r.Body, 4<<20)) // how it ends is no matter
	h.noticeTo(w, token, "You are unsubscribed", "No more issues of "+d.Title+" will be sent to you.")
}
