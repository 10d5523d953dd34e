package web

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// acts are the dangerous acts by what the preferences page calls them.
var acts = map[string]store.ActKind{"address": store.ActLeaveAddress, "data": store.ActData, "forget": store.ActForget}

// requestAct answers the preferences page's buttons for what a forwarded mail must not be enough to do: the subscriber is
// asked by mail. The form is read, and says in "address" what a new address shall be. The answer is the same whatever came of it,
// but for the limits: whoever has the link may know that no mail comes.
func (h *handler) requestAct(w http.ResponseWriter, r *http.Request, d desk, act string) {
	answered := time.After(answerTime)
	other := r.PostForm.Get("address")
	if _, _, err := store.NormalizeAddress(other); err != nil && act == "address" {
		d.problem = "The new address cannot be right: " + err.Error() + ". Nothing was changed."
		h.preferencesPage(w, r, http.StatusUnprocessableEntity, d)
		return
	}
	done, err := h.Store.RequestAct(r.Context(), d.is.ID, acts[act], other, h.client(r), h.Limits)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		h.trouble(w, r, err)
		return
	}
	h.asked(r, done)
	<-answered
	if done.Limited {
		h.notice(w, http.StatusTooManyRequests, "Please ask again tomorrow",
			"This needs a message to your address, and so many were asked for today that no other is sent now. Nothing was changed.")
		return
	}
	h.notice(w, http.StatusOK, "Look into your mailbox",
		"So that nobody else can do this who happens to have one of your mails, a message is on its way to your address. It happens with the link in it, which works for 48 hours.")
}

// asked sees to a mail that was queued, or kept back by the limits.
func (h *handler) asked(r *http.Request, done store.SignedUp) {
	if done.Queued > 0 && h.Wake != nil {
		h.Wake()
	}
	if done.Limited {
		h.Log.Warn("a mail that asks for a confirmation was beyond the limits, and is not sent; behind a proxy, trusted_proxies must name it, or all visitors count as one",
			"forwarded", r.Header.Get("X-Forwarded-For") != "")
	}
}

// wanted reads the link of an act and answers for one that is no good.
func (h *handler) wanted(w http.ResponseWriter, r *http.Request, token string) (a *store.Act, confirmation int64, nonce string) {
	confirmation, nonce, err := h.Keys.ParseAct(token, h.Now())
	if err == nil {
		a, err = h.Store.Act(r.Context(), confirmation, nonce)
	}
	if err != nil {
		h.noAct(w, r, err)
		return nil, 0, ""
	}
	return a, confirmation, nonce
}

// noAct answers for an act that cannot be done.
func (h *handler) noAct(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, digest.ErrForged):
		h.notFound(w)
	case errors.Is(err, digest.ErrExpired):
		h.notice(w, http.StatusGone, "This link has expired", "Nothing was done. Ask for it again with the link to your preferences, which every issue has.")
	case errors.Is(err, store.ErrStale):
		h.notice(w, http.StatusGone, "This link is used up",
			"It was used before, or your address has changed since, or you were forgotten. If there is still something to be done, ask for it again with the link to your preferences, which every issue has.")
	case errors.Is(err, store.ErrTaken):
		h.notice(w, http.StatusConflict, "This address is subscribed already",
			"Nothing was changed: this address gets digests of its own. To get them here alone, unsubscribe the other address, with the link in its mails; to have everything come here as there, unsubscribe this one first, and then open this link again.")
	default:
		h.trouble(w, r, err)
	}
}

func (h *handler) actForm(w http.ResponseWriter, r *http.Request, token string) {
	a, _, _ := h.wanted(w, r, token)
	if a == nil {
		return
	}
	if a.Kind == store.ActTakeAddress { // who has the new address may be somebody else
		a.Address = templates.Mask(a.Address)
	}
	page := templates.ActPage{Site: h.Site, Kind: string(a.Kind), Address: a.Address, Other: a.Other, Action: h.prefix + "/-/act/" + token}
	h.page(w, http.StatusOK, func(b io.Writer) error { return h.Templates.Act(b, page) })
}

// act does what was asked for.
func (h *handler) act(w http.ResponseWriter, r *http.Request, token string) {
	a, confirmation, nonce := h.wanted(w, r, token)
	if a == nil {
		return
	}
	switch a.Kind {
	case store.ActLeaveAddress:
		h.leaveAddress(w, r, confirmation, nonce)
	case store.ActTakeAddress:
		if _, err := h.Store.TakeAddress(r.Context(), confirmation, nonce); err != nil {
			h.noAct(w, r, err)
			return
		}
		h.notice(w, http.StatusOK, "Your address has changed", "From now on everything comes to "+a.Other+". What you chose stays as it was.")
	case store.ActData:
		h.handOut(w, r, confirmation, nonce)
	case store.ActForget:
		if err := h.Store.ForgetMe(r.Context(), confirmation, nonce); err != nil {
			h.noAct(w, r, err)
			return
		}
		h.notice(w, http.StatusOK, "You are forgotten",
			"Everything that was stored about you is deleted. One thing is kept: a keyed hash of your address, from which nobody can read it. With it we can tell that you left, should your address ever turn up in an old list, so that nothing is sent to you again. Old copies of what was deleted go from our files within a day. If you want to come back one day, use the form.")
	}
}

func (h *handler) leaveAddress(w http.ResponseWriter, r *http.Request, confirmation int64, nonce string) {
	answered := time.After(answerTime)
	a, done, err := h.Store.LeaveAddress(r.Context(), confirmation, nonce, h.client(r), h.Limits)
	if err != nil {
		h.noAct(w, r, err)
		return
	}
	h.asked(r, done)
	<-answered
	h.notice(w, http.StatusOK, "Now look into your other mailbox",
		"A message is on its way to "+a.Other+". Your address changes with the link in it, which works for 48 hours; until then all stays as it is. If none comes, too many went there today: open this link again tomorrow.")
}

// handOut gives somebody all that is stored about them, as a file.
func (h *handler) handOut(w http.ResponseWriter, r *http.Request, confirmation int64, nonce string) {
	data, err := h.Store.TakeData(r.Context(), confirmation, nonce)
	if err != nil {
		h.noAct(w, r, err)
		return
	}
	b, err := json.MarshalIndent(data, "", "  ")
	if err != nil {
		h.trouble(w, r, err)
		return
	}
	w.Header()["X-Content-Type-Options"] = nosniff
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="my-subscriptions.json"`)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Write(append(b, '\n')) // it fails when nobody is there any more
}
