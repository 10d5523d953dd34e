package web

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// answerTime is how long a sign-up takes at least. Whether an address is known decides how much is written to the
// database; nobody shall learn it from a clock.
const answerTime = 100 * time.Millisecond

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
	if status, problem := h.readForm(w, r, maxForm); problem != "" {
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
		h.asked(r, done)
	}
	<-answered
	h.notice(w, http.StatusOK, "Look into your mailbox",
		"If this address is not subscribed yet, a message is on its way to it. Your subscription begins with the link in it.")
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
		h.subscribed(w, subscriber, d)
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
		h.subscribed(w, subscriber, d)
	}
}

// subscribed says so, and leads to the preferences: the first issue may be long in coming.
func (h *handler) subscribed(w http.ResponseWriter, subscriber int64, d *templates.DigestLink) {
	h.noticeTo(w, h.Keys.Unsubscribe(subscriber, d.ID), "You are subscribed", "The next issue of "+d.Title+" comes to you. Every issue has a link to leave.")
}
