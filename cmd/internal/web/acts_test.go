package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"linkletter/store"
)

// person subscribes an address to the weekly, and gives its number.
func (s *site) person(t *testing.T, address string) int64 {
	t.Helper()
	if err := s.Store.AddSubscriber(t.Context(), address, []string{"weekly"}); err != nil {
		t.Fatal(err)
	}
	sub, err := s.Store.SubscriberByAddress(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return sub.ID
}

// askFor presses a button of the preferences page.
func (s *site) askFor(t *testing.T, subscriber int64, form url.Values) answer {
	t.Helper()
	return s.post(t, "/-/preferences/"+s.Keys.Unsubscribe(subscriber, "weekly"), form)
}

// mailed takes the one mail about an act that is due, and gives where it goes and the path of its link.
func (s *site) mailed(t *testing.T) (to, path string) {
	t.Helper()
	all, err := s.Store.DueConfirmations(t.Context(), 100, func(int) time.Duration { return time.Hour })
	if err != nil || len(all) != 1 || all[0].Kind == "" {
		t.Fatalf("%+v are due (%v), want one mail about an act", all, err)
	}
	c := all[0]
	if err := s.Store.ConfirmationSent(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	return c.Address, "/-/act/" + s.Keys.Act(c.ID, c.Nonce, c.Expires)
}

// look follows a link as scanners do, and wants a page with a button.
func (s *site) look(t *testing.T, path, says string) {
	t.Helper()
	if a := s.ask(t, http.MethodHead, path, nil); a.status != 200 {
		t.Errorf("HEAD of the link: %v", a)
	}
	if a := s.get(t, path); a.status != 200 || !strings.Contains(a.body, says) || !strings.Contains(a.body, `action="`+path+`"`) {
		t.Errorf("the link's page: %v, want it to say %q and have a button", a, says)
	}
}

func TestChangeOfAddress(t *testing.T) {
	s := newSite(t, nil)
	id := s.person(t, "ada@example.org")
	if a := s.askFor(t, id, url.Values{"act": {"address"}, "address": {"Ada@Sub.Example.org"}}); a.status != 200 || s.woken.Load() != 1 {
		t.Fatalf("asking: %v", a)
	}
	to, leave := s.mailed(t)
	if to != "ada@example.org" {
		t.Fatalf("the first mail goes to %s", to)
	}
	s.look(t, leave, "Ada@sub.example.org")
	if a := s.post(t, leave, nil); a.status != 200 || !strings.Contains(a.body, "Ada@sub.example.org") {
		t.Fatalf("the first button: %v", a)
	}
	if a := s.post(t, leave, nil); a.status != 410 {
		t.Errorf("the first button again: %v, want 410", a)
	}
	to, take := s.mailed(t)
	if to != "Ada@sub.example.org" {
		t.Fatalf("the second mail goes to %s", to)
	}
	s.look(t, take, "a•••@example.org")
	if a := s.get(t, take); strings.Contains(a.body, "ada@example.org") {
		t.Errorf("the new address's page shows the old one: %v", a)
	}
	// Acts that were asked for before are stale afterwards.
	s.askFor(t, id, url.Values{"act": {"data"}})
	_, data := s.mailed(t)
	if a := s.post(t, take, nil); a.status != 200 || !strings.Contains(a.body, "Your address has changed") {
		t.Fatalf("the second button: %v", a)
	}
	for _, path := range []string{leave, take, data} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if a := s.ask(t, method, path, nil); a.status != 410 {
				t.Errorf("%s of a link after the change: %v, want 410", method, a)
			}
		}
	}
	sub, err := s.Store.Subscriber(t.Context(), id)
	if err != nil || sub.Address != "Ada@sub.example.org" || sub.Subscriptions[0].State != store.SubscriptionConfirmed {
		t.Errorf("the subscriber is %+v (%v)", sub, err)
	}
}

func TestDownloadOfData(t *testing.T) {
	s := newSite(t, nil)
	id := s.person(t, "ada@example.org")
	s.person(t, "bob@example.org")
	s.askFor(t, id, url.Values{"act": {"data"}})
	_, path := s.mailed(t)
	s.look(t, path, "ada@example.org")
	a := s.post(t, path, nil)
	var got store.Personal
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatalf("%v: %v", err, a)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Content-Disposition": `attachment; filename="my-subscriptions.json"`, "Set-Cookie": "",
	} {
		if a.header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, a.header.Get(name), want)
		}
	}
	if got.Address != "ada@example.org" || len(got.Subscriptions) != 1 || got.Subscriptions[0].Origin != "operator" || strings.Contains(a.body, "bob") {
		t.Errorf("got %s", a.body)
	}
	if a := s.post(t, path, nil); a.status != 410 || strings.Contains(a.body, "ada@") {
		t.Errorf("the same again: %v, want 410", a)
	}
}

func TestForgetMe(t *testing.T) {
	s := newSite(t, nil)
	id := s.person(t, "ada@example.org")
	s.askFor(t, id, url.Values{"act": {"data"}})
	_, data := s.mailed(t)
	s.askFor(t, id, url.Values{"act": {"forget"}})
	_, path := s.mailed(t)
	s.look(t, path, "keyed hash")
	if a := s.post(t, path, nil); a.status != 200 || !strings.Contains(a.body, "keyed hash") {
		t.Fatalf("the button: %v", a)
	}
	if reason, err := s.Store.Suppressed(t.Context(), "ada@example.org"); err != nil || reason != store.Left {
		t.Errorf("suppressed for %q (%v), want %q", reason, err, store.Left)
	}
	for _, path := range []string{path, data} {
		if a := s.post(t, path, nil); a.status != 410 {
			t.Errorf("a link afterwards: %v, want 410", a)
		}
	}
	if err := s.Store.AddSubscriber(t.Context(), "ada@example.org", []string{"weekly"}); err == nil {
		t.Error("the operator brought her back")
	}
	if strings.Contains(s.log.String(), "ada") {
		t.Errorf("the log names her: %s", s.log.String())
	}
	s.post(t, "/-/subscribe", ada) // she herself may
	for _, link := range s.due(t) {
		if a := s.post(t, link, nil); a.status != 200 {
			t.Errorf("coming back: %v", a)
		}
	}
	if got, want := s.counts(t), (store.SubscriptionCounts{Confirmed: 1}); got != want {
		t.Errorf("after coming back: %+v, want %+v", got, want)
	}
}

// Whoever has an issue, which somebody passed on, gets no further than to have its reader asked.
func TestForwardedMail(t *testing.T) {
	s := newSite(t, nil)
	id := s.person(t, "ada@example.org")
	token := s.Keys.Unsubscribe(id, "weekly")
	for _, form := range []url.Values{{"act": {"address"}, "address": {"mallory@example.org"}}, {"act": {"data"}}, {"act": {"forget"}}} {
		a := s.askFor(t, id, form)
		if a.status != 200 || strings.Contains(a.body, "ada@") || strings.Contains(a.body, "/-/act/") {
			t.Errorf("%v: %v", form, a)
		}
		if to, path := s.mailed(t); to != "ada@example.org" || strings.Contains(a.body, path) {
			t.Errorf("%v: it is mailed to %s", form, to)
		}
	}
	// The token of her issues, and those of other purposes, open no act.
	for _, token := range []string{token, s.Keys.Confirm(1, "weekly", "x", time.Now().Add(time.Hour))} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if a := s.ask(t, method, "/-/act/"+token, nil); a.status != 404 {
				t.Errorf("%s with another token: %v, want 404", method, a)
			}
		}
	}
	// Nor does a right signature without the nonce, as of a link that was never mailed.
	for confirmation := range int64(5) {
		for _, nonce := range []string{"", "x"} {
			if a := s.post(t, "/-/act/"+s.Keys.Act(confirmation, nonce, time.Now().Add(time.Hour)), nil); a.status != 410 {
				t.Errorf("confirmation %d with the nonce %q: %v, want 410", confirmation, nonce, a)
			}
		}
	}
	if sub, err := s.Store.Subscriber(t.Context(), id); err != nil || sub.Address != "ada@example.org" {
		t.Errorf("the subscriber is %+v (%v)", sub, err)
	}
}

func TestActLinksThatAreNoGood(t *testing.T) {
	s := newSite(t, nil)
	id := s.person(t, "ada@example.org")
	s.askFor(t, id, url.Values{"act": {"forget"}})
	_, path := s.mailed(t)
	for _, bad := range []string{path[:len(path)-1], path[:len("/-/act/")+8], path + "A", path[:len(path)-4] + "AAAA", "/-/act/%00", "/-/act/" + strings.Repeat("A", 3000)} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if a := s.ask(t, method, bad, nil); a.status != 404 {
				t.Errorf("%s %.60s: %v, want 404", method, bad, a)
			}
		}
	}
	s.clock.Store(int64(store.ConfirmationTime + 2*time.Second))
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if a := s.ask(t, method, path, nil); a.status != 410 || !strings.Contains(a.body, "expired") {
			t.Errorf("%s of an expired link: %v, want 410", method, a)
		}
	}
	if got, want := s.counts(t), (store.SubscriptionCounts{Confirmed: 1}); got != want {
		t.Errorf("after bad links: %+v, want %+v", got, want)
	}
}

// What asking came to is not to be seen: the answer is the same for every new address. That a limit keeps the mail back is said.
func TestAskingAnswersAlike(t *testing.T) {
	s := newSite(t, func(s *site) { s.Limits = store.SignUpLimits{Address: 6, Client: 100, Total: 100} })
	id := s.person(t, "ada@example.org")
	s.person(t, "bob@example.org")
	if err := s.Store.Suppress(t.Context(), "gone@example.org", store.Bounced); err != nil {
		t.Fatal(err)
	}
	var first string
	for i, other := range []string{"new@example.org", "bob@example.org", "gone@example.org", "ada@example.org", "a+b@example.org", "ö@bücher.example"} {
		a := s.askFor(t, id, url.Values{"act": {"address"}, "address": {other}})
		if i == 0 {
			first = a.body
		}
		if a.status != 200 || a.body != first {
			t.Errorf("%s is answered differently: %v", other, a)
		}
	}
	for _, act := range []string{"address", "data", "forget"} {
		if a := s.askFor(t, id, url.Values{"act": {act}, "address": {"other@example.org"}}); a.status != 429 {
			t.Errorf("%s beyond the limit: %v, want 429", act, a)
		}
	}
	for _, bad := range []string{"", "nobody", "a@b\r\nBcc: c@example.org", strings.Repeat("a", 1<<20) + "@example.org"} {
		if a := s.askFor(t, id, url.Values{"act": {"address"}, "address": {bad}}); a.status != 422 && (len(bad) < 1<<20 || a.status != 413) {
			t.Errorf("%.40q: %v, want 422, or 413 of a form that is too large", bad, a)
		}
	}
	if a := s.askFor(t, id, url.Values{"act": {"drop"}}); a.status != 422 {
		t.Errorf("no act of ours: %v, want 422", a)
	}
	all, err := s.Store.DueConfirmations(t.Context(), 100, func(int) time.Duration { return time.Hour })
	if err != nil || len(all) != 6 {
		t.Errorf("%d mails are queued (%v), want as many as the limit of 6", len(all), err)
	}
}

// The new address may be somebody's who is subscribed, or must not be written to.
func TestNewAddressIsKnown(t *testing.T) {
	s := newSite(t, nil)
	id, bob := s.person(t, "ada@example.org"), s.person(t, "bob@example.org")
	s.askFor(t, id, url.Values{"act": {"address"}, "address": {"bob@example.org"}})
	_, leave := s.mailed(t)
	s.post(t, leave, nil)
	_, take := s.mailed(t)
	if a := s.post(t, take, nil); a.status != 409 {
		t.Errorf("taking the address of somebody who is subscribed: %v, want 409", a)
	}
	for id, want := range map[int64]string{id: "ada@example.org", bob: "bob@example.org"} {
		if sub, err := s.Store.Subscriber(t.Context(), id); err != nil || sub.Address != want {
			t.Errorf("subscriber %d is %+v (%v), want %s", id, sub, err, want)
		}
	}
	if err := s.Store.Unsubscribe(t.Context(), bob, "weekly"); err != nil {
		t.Fatal(err)
	}
	if a := s.post(t, take, nil); a.status != 200 {
		t.Errorf("once they left: %v", a)
	}
	if sub, err := s.Store.SubscriberByAddress(t.Context(), "bob@example.org"); err != nil || sub.ID != id {
		t.Errorf("bob@example.org is %+v (%v), want subscriber %d", sub, err, id)
	}
	if err := s.Store.Suppress(t.Context(), "gone@example.org", store.Complained); err != nil {
		t.Fatal(err)
	}
	s.askFor(t, id, url.Values{"act": {"address"}, "address": {"gone@example.org"}})
	_, leave = s.mailed(t)
	if a := s.post(t, leave, nil); a.status != 200 || !strings.Contains(a.body, "gone@example.org") {
		t.Errorf("a new address that is suppressed is answered differently: %v", a)
	}
	if all, err := s.Store.DueConfirmations(t.Context(), 9, func(int) time.Duration { return 0 }); err != nil || len(all) != 0 {
		t.Errorf("%+v goes to a suppressed address (%v)", all, err)
	}
}
