package web

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"linkletter/store"
	"linkletter/templates"
)

// preferencesForm shows what a subscriber gets. The token is that of the link to leave, and works as long.
func (h *handler) preferencesForm(w http.ResponseWriter, r *http.Request, token string) {
	p := h.subscriber(w, r, token)
	if p == nil {
		return
	}
	h.preferencesPage(w, r, http.StatusOK, desk{token: token, is: p, wishes: wishesOf(p, h.known(p)), until: h.dateOf(p.Paused)})
}

// subscriber reads the preferences of the subscriber that a link is of, and answers when there are none.
func (h *handler) subscriber(w http.ResponseWriter, r *http.Request, token string) *store.Preferences {
	id, _, ok := h.Keys.ParseUnsubscribe(token)
	if !ok {
		h.notFound(w)
		return nil
	}
	p, err := h.Store.Preferences(r.Context(), id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		h.nobody(w)
	case err != nil:
		h.trouble(w, r, err)
	default:
		return p
	}
	return nil
}

// nobody answers for a link of somebody who was forgotten.
func (h *handler) nobody(w http.ResponseWriter) {
	h.notice(w, http.StatusOK, "There is nobody here", "Nothing is stored about you, and nothing is sent to you. To come back, subscribe anew.")
}

// changePreferences does what one of the page's buttons says.
func (h *handler) changePreferences(w http.ResponseWriter, r *http.Request, token string) {
	p := h.subscriber(w, r, token)
	if p == nil {
		return
	}
	d := desk{token: token, is: p, wishes: wishesOf(p, h.known(p)), until: h.dateOf(p.Paused)}
	if status, problem := h.readForm(w, r, maxChoices); problem != "" {
		d.problem = problem
		h.preferencesPage(w, r, status, d)
		return
	}
	switch act := r.PostForm.Get("act"); act {
	case "save":
		h.savePreferences(w, r, d)
	case "pause":
		h.pause(w, r, d)
	case "leave":
		h.settle(w, r, token, store.SignedUp{}, h.Store.UnsubscribeAll(r.Context(), p.ID))
	case "address", "data", "forget":
		h.requestAct(w, r, d, act)
	default:
		d.problem = "This says nothing of what is to be done. Nothing was changed; please press one of the buttons."
		h.preferencesPage(w, r, http.StatusUnprocessableEntity, d)
	}
}

func (h *handler) savePreferences(w http.ResponseWriter, r *http.Request, d desk) {
	d.wishes, d.problem = h.wishes(r, d.is)
	d.until = r.PostForm.Get("pause")
	until, problem := h.pauseUntil(d.until)
	if d.problem == "" {
		d.problem = problem
	}
	if d.problem != "" {
		d.some = slices.DeleteFunc(slices.Clone(r.PostForm["shown"]), func(id string) bool { return r.PostForm.Get("want."+id) != "some" })
		h.preferencesPage(w, r, http.StatusUnprocessableEntity, d)
		return
	}
	done, err := h.Store.SetPreferences(r.Context(), d.is.ID, until, d.wishes, h.client(r), h.Limits)
	if errors.Is(err, store.ErrNoSection) {
		d.problem = "One of the sections is not there any more. Nothing was changed; please look again."
		h.preferencesPage(w, r, http.StatusUnprocessableEntity, d)
		return
	}
	h.settle(w, r, d.token, done, err)
}

// wishes reads what is wanted of each digest that the page showed: what it did not show stays as it is.
func (h *handler) wishes(r *http.Request, p *store.Preferences) (wishes map[string]store.Wish, problem string) {
	wishes = map[string]store.Wish{}
	known := h.known(p)
	for _, id := range r.PostForm["shown"] {
		i := slices.IndexFunc(known, func(d templates.DigestLink) bool { return d.ID == id })
		if i < 0 {
			return wishesOf(p, known), "There is no such digest any more. Nothing was changed; please choose again."
		}
		wish := store.Wish{Subscribed: slices.Contains(r.PostForm["digest"], id)}
		if r.PostForm.Get("want."+id) == "some" {
			lists := h.listsOf(id)
			for _, part := range r.PostForm["part."+id] {
				list, section, _ := strings.Cut(part, "/")
				if !slices.Contains(lists, list) {
					return wishesOf(p, known), "A list is not part of its digest any more. Nothing was changed; please choose again."
				}
				wish.Choices = append(wish.Choices, store.Choice{List: list, Section: section})
			}
			if wish.Subscribed && len(wish.Choices) == 0 && problem == "" {
				problem = "Please choose a section of " + known[i].Title + ", or everything of it. Nothing was changed."
			}
		}
		wishes[id] = wish
	}
	for _, id := range r.PostForm["digest"] {
		if _, ok := wishes[id]; !ok && problem == "" {
			problem = "There is no such digest any more. Nothing was changed; please choose again."
		}
	}
	return wishes, problem
}

// pause keeps everything from a subscriber for a while, as the page that unsubscribes offers it instead.
func (h *handler) pause(w http.ResponseWriter, r *http.Request, d desk) {
	today := h.today()
	var until time.Time
	switch r.PostForm.Get("for") {
	case "4w":
		until = today.AddDate(0, 0, 28)
	case "3m":
		until = today.AddDate(0, 3, 0)
	default:
		d.until = r.PostForm.Get("pause")
		if until, d.problem = h.pauseUntil(d.until); d.problem == "" && until.IsZero() {
			d.problem = "Please say until when. Nothing was changed."
		}
	}
	if d.problem != "" {
		h.preferencesPage(w, r, http.StatusUnprocessableEntity, d)
		return
	}
	h.settle(w, r, d.token, store.SignedUp{}, h.Store.PauseSubscriber(r.Context(), d.is.ID, until))
}

// settle answers for a change that was made or not with what is so now. A second time changes nothing, so that a reload is harmless.
func (h *handler) settle(w http.ResponseWriter, r *http.Request, token string, done store.SignedUp, err error) {
	if errors.Is(err, store.ErrNotFound) { // forgotten in the meantime
		h.nobody(w)
		return
	}
	if err != nil {
		h.trouble(w, r, err)
		return
	}
	h.asked(r, done)
	p := h.subscriber(w, r, token)
	if p == nil {
		return
	}
	d := desk{token: token, is: p, wishes: wishesOf(p, h.known(p)), until: h.dateOf(p.Paused)}
	page, err := h.preferences(r, d)
	if err != nil {
		h.trouble(w, r, err)
		return
	}
	page.Limited = done.Limited
	h.page(w, http.StatusOK, func(b io.Writer) error { return h.Templates.Saved(b, page) })
}

// maxPause bounds a pause, in years: who forgets about it shall hear from us again in this life.
const maxPause = 2

// today is the midnight that today began with.
func (h *handler) today() time.Time {
	y, m, d := h.now().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, h.location())
}

func (h *handler) now() time.Time { return h.Now().In(h.location()) }

func (h *handler) location() *time.Location {
	if h.Location == nil {
		return time.UTC
	}
	return h.Location
}

// dateOf is a time as a date field has it; the zero time is an empty field.
func (h *handler) dateOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(h.location()).Format(time.DateOnly)
}

// pauseUntil reads a date field; an empty one is the zero time.
func (h *handler) pauseUntil(date string) (until time.Time, problem string) {
	if date == "" {
		return until, ""
	}
	until, err := time.ParseInLocation(time.DateOnly, date, h.location())
	today := h.today()
	switch {
	case err != nil:
		problem = "The end of the pause is no date; write it as year, month and day, like " + h.dateOf(today.AddDate(0, 1, 0)) + ". Nothing was changed."
	case !until.After(h.now()):
		problem = "The end of the pause must be a day to come. Nothing was changed."
	case until.After(today.AddDate(maxPause, 0, 0)):
		problem = "A pause can last two years at most. Nothing was changed."
	}
	return until, problem
}

// pauseDates are what a date field needs that says date.
func (h *handler) pauseDates(date string) templates.PauseDates {
	today := h.today()
	dates := templates.PauseDates{Until: date, From: h.dateOf(today.AddDate(0, 0, 1)), To: h.dateOf(today.AddDate(maxPause, 0, 0))}
	if until, err := time.Parse(time.DateOnly, date); err == nil {
		dates.Words = until.Format("2 January 2006")
	}
	return dates
}
