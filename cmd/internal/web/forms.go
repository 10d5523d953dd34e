package web

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// answerTime is how long a sign-up takes at least. Whether an address is known decides how much is written to the
// database; nobody shall learn it from a clock.
const answerTime = 100 * time.Millisecond

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
		"act":         {h.actForm, h.act},
	}[name]
	switch {
	case page.get == nil, (name == "subscribe") != (token == ""):
		h.notFound(w)
	case !allow(w, r, http.MethodGet, http.MethodPost):
	case r.Method == http.MethodPost:
		// What cannot be bounded so, as in a test without a connection, is bounded by the answer's time.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.Bounds.withDefaults().Form))
		page.post(w, r, token)
	default:
		page.get(w, r, token)
	}
}

func (h *handler) signUpForm(w http.ResponseWriter, _ *http.Request, _ string) {
	h.signUpPage(w, http.StatusOK, "", "")
}

// signUpPage shows the sign-up form, with what was typed and what is wrong with it.
func (h *handler) signUpPage(w http.ResponseWriter, status int, address, problem string) {
	form := templates.Form{Site: h.Site, Digests: h.Site.Digests, Address: address, Problem: problem, Action: h.prefix + "/-/subscribe"}
	h.page(w, status, func(b io.Writer) error { return h.Templates.Subscribe(b, form) })
}

// signUp takes the form in. The answer is the same for every address that can be one.
func (h *handler) signUp(w http.ResponseWriter, r *http.Request, _ string) {
	if h.foreign(r) {
		h.signUpPage(w, http.StatusForbidden, "", "This came from a form on another site. Please use this one.")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		status, problem := http.StatusBadRequest, "The form could not be read. Please try again."
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			status, problem = http.StatusRequestEntityTooLarge, "That is too long for an address."
		}
		h.signUpPage(w, status, "", problem)
		return
	}
	address, digests := r.PostForm.Get("address"), r.PostForm["digest"]
	if len(digests) == 0 && len(h.Site.Digests) == 1 {
		digests = []string{h.Site.Digests[0].ID}
	}
	problem := ""
	if _, _, err := store.NormalizeAddress(address); err != nil {
		problem = "This cannot be right: " + err.Error() + "."
	} else if len(digests) == 0 {
		problem = "Please choose at least one digest."
	} else if slices.ContainsFunc(digests, func(id string) bool { return h.digest(id) == nil }) {
		problem = "There is no such digest any more. Please choose again."
	}
	if problem != "" {
		h.signUpPage(w, http.StatusUnprocessableEntity, address, problem)
		return
	}
	answered := time.After(answerTime)
	// A field that people do not see and programs fill in.
	if r.PostForm.Get("website") == "" {
		done, err := h.Store.SignUp(r.Context(), address, digests, h.client(r), h.Limits)
		if err != nil {
			h.trouble(w, r, err)
			return
		}
		if done.Queued > 0 && h.Wake != nil {
			h.Wake()
		}
		if done.Limited {
			h.Log.Warn("a sign-up was beyond the limits, and its confirmation is not sent; behind a proxy, trusted_proxies must name it, or all visitors count as one",
				"forwarded", r.Header.Get("X-Forwarded-For") != "")
		}
	}
	<-answered
	h.notice(w, http.StatusOK, "Look into your mailbox",
		"If this address is not subscribed yet, a message is on its way to it. Your subscription begins with the link in it.")
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

// pending reads a confirmation link and answers for one that is no good.
func (h *handler) pending(w http.ResponseWriter, r *http.Request, token string) (subscriber int64, d *templates.DigestLink, nonce string) {
	subscriber, id, nonce, err := h.Keys.ParseConfirm(token, h.Now())
	switch {
	case errors.Is(err, digest.ErrExpired):
		h.signUpPage(w, http.StatusGone, "", "This link has expired. Enter your address again to get a new one.")
	case err != nil:
		h.notFound(w)
	default:
		if d = h.digest(id); d == nil {
			h.notice(w, http.StatusGone, "No such digest", "This digest is not published any more.")
		}
	}
	return subscriber, d, nonce
}

func (h *handler) confirmForm(w http.ResponseWriter, r *http.Request, token string) {
	subscriber, d, _ := h.pending(w, r, token)
	if d == nil {
		return
	}
	sub, err := h.Store.Subscriber(r.Context(), subscriber)
	switch {
	case errors.Is(err, store.ErrNotFound): // forgotten since; the button says so
	case err != nil:
		h.trouble(w, r, err)
		return
	case slices.ContainsFunc(sub.Subscriptions, func(n store.Subscription) bool {
		return n.Digest == d.ID && n.State == store.SubscriptionConfirmed
	}):
		h.subscribed(w, d)
		return
	}
	form := templates.Form{Site: h.Site, Digest: *d, Action: h.prefix + "/-/confirm/" + token}
	h.page(w, http.StatusOK, func(b io.Writer) error { return h.Templates.Confirm(b, form) })
}

func (h *handler) confirm(w http.ResponseWriter, r *http.Request, token string) {
	subscriber, d, nonce := h.pending(w, r, token)
	if d == nil {
		return
	}
	err := h.Store.Confirm(r.Context(), subscriber, d.ID, nonce)
	switch {
	case errors.Is(err, store.ErrStale):
		h.signUpPage(w, http.StatusGone, "", "This link was used before. Enter your address again to get a new one.")
	case err != nil:
		h.trouble(w, r, err)
	default:
		h.subscribed(w, d)
	}
}

func (h *handler) subscribed(w http.ResponseWriter, d *templates.DigestLink) {
	h.notice(w, http.StatusOK, "You are subscribed", "The next issue of "+d.Title+" comes to you. Every issue has a link to leave.")
}

// leaving reads an unsubscribe link, which works for ever, even if its digest does not appear any more. A forged one is
// answered like any address that does not exist.
func (h *handler) leaving(w http.ResponseWriter, r *http.Request, token string) (subscriber int64, d *templates.DigestLink) {
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

func (h *handler) unsubscribeForm(w http.ResponseWriter, r *http.Request, token string) {
	_, d := h.leaving(w, r, token)
	if d == nil {
		return
	}
	form := templates.Form{Site: h.Site, Digest: *d, Action: h.prefix + "/-/unsubscribe/" + token}
	h.page(w, http.StatusOK, func(b io.Writer) error { return h.Templates.Unsubscribe(b, form) })
}

// unsubscribe is the one click of RFC 8058, and the page's button. The token says everything: no cookie, no origin and no
// particular body is asked for.
func (h *handler) unsubscribe(w http.ResponseWriter, r *http.Request, token string) {
	subscriber, d := h.leaving(w, r, token)
	if d == nil {
		return
	}
	if err := h.Store.Unsubscribe(r.Context(), subscriber, d.ID); err != nil {
		h.trouble(w, r, err)
		return
	}
	h.notice(w, http.StatusOK, "You are unsubscribed", "No more issues of "+d.Title+" will be sent to you.")
}

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
