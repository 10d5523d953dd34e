package web

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"linkletter/store"
	"linkletter/templates"
)

var ada = url.Values{"address": {"ada@example.org"}, "digest": {"weekly"}}

// due takes the confirmation mails that are to be sent, and gives the path of each one's link.
func (s *site) due(t *testing.T) (paths []string) {
	t.Helper()
	all, err := s.Store.DueConfirmations(t.Context(), 100, func(int) time.Duration { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		paths = append(paths, "/-/confirm/"+s.Keys.Confirm(c.Subscriber, c.Digest, c.Nonce, c.Expires))
	}
	return paths
}

func TestSignUpConfirmLeave(t *testing.T) {
	s := newSite(t, nil)
	form := s.get(t, "/-/subscribe")
	if form.status != 200 || !strings.Contains(form.body, `action="/-/subscribe"`) || !strings.Contains(form.body, `name="website"`) {
		t.Fatalf("the form: %v", form)
	}
	if a := s.post(t, "/-/subscribe", ada); a.status != 200 || !strings.Contains(a.body, "Look into your mailbox") {
		t.Fatalf("signing up: %v", a)
	}
	if got, want := s.counts(t), (store.SubscriptionCounts{Pending: 1}); got != want || s.woken.Load() != 1 {
		t.Fatalf("after signing up: %+v, %d wake-ups; want %+v, 1", got, s.woken.Load(), want)
	}
	links := s.due(t)
	if len(links) != 1 {
		t.Fatalf("%d mails are due", len(links))
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} { // a scanner follows the link
		if a := s.ask(t, method, links[0], nil); a.status != 200 {
			t.Fatalf("%s of the link: %v", method, a)
		}
	}
	if got, want := s.counts(t), (store.SubscriptionCounts{Pending: 1}); got != want {
		t.Fatalf("following the link changed something: %+v", got)
	}
	for range 2 {
		if a := s.post(t, links[0], nil); a.status != 200 || !strings.Contains(a.body, "You are subscribed") || !strings.Contains(a.body, `href="/-/preferences/`+s.Keys.Unsubscribe(1, "weekly")) {
			t.Fatalf("the button: %v, want the way to the preferences in it", a)
		}
	}
	if a := s.get(t, links[0]); a.status != 200 || !strings.Contains(a.body, "You are subscribed") || strings.Contains(a.body, "<form") {
		t.Fatalf("the link after the button asks again: %v", a)
	}
	if got, want := s.counts(t), (store.SubscriptionCounts{Confirmed: 1}); got != want {
		t.Fatalf("after the button: %+v, want %+v", got, want)
	}
	sub, err := s.Store.SubscriberByAddress(t.Context(), "ada@example.org")
	if err != nil {
		t.Fatal(err)
	}
	leave := "/-/unsubscribe/" + s.Keys.Unsubscribe(sub.ID, "weekly")
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		if a := s.ask(t, method, leave, nil); a.status != 200 {
			t.Fatalf("%s of the unsubscribe link: %v", method, a)
		}
	}
	if got, want := s.counts(t), (store.SubscriptionCounts{Confirmed: 1}); got != want {
		t.Fatalf("following the unsubscribe link changed something: %+v", got)
	}
	for range 2 {
		a := s.post(t, leave, url.Values{"List-Unsubscribe": {"One-Click"}}, "Origin: https://mail.example", "Sec-Fetch-Site: cross-site")
		if a.status != 200 || a.header.Get("Set-Cookie") != "" || !strings.Contains(a.body, "You are unsubscribed") {
			t.Fatalf("one click: %v", a)
		}
	}
	if got, want := s.counts(t), (store.SubscriptionCounts{Unsubscribed: 1}); got != want {
		t.Fatalf("after one click: %+v, want %+v", got, want)
	}
	if a := s.get(t, links[0]); strings.Contains(a.body, "You are subscribed") {
		t.Errorf("the used link after leaving: %v", a)
	}
	if a := s.post(t, links[0], nil); a.status != 410 || !strings.Contains(a.body, `action="/-/subscribe"`) {
		t.Errorf("the used link after leaving: %v, want 410 with the form", a)
	}
}

func TestOneClickMultipart(t *testing.T) {
	s := newSite(t, nil)
	if err := s.Store.AddSubscriber(t.Context(), "ada@example.org", []string{"weekly"}); err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	m.WriteField("List-Unsubscribe", "One-Click")
	m.Close()
	a := s.ask(t, http.MethodPost, "/-/unsubscribe/"+s.Keys.Unsubscribe(1, "weekly"), &body, "Content-Type: "+m.FormDataContentType())
	if got, want := s.counts(t), (store.SubscriptionCounts{Unsubscribed: 1}); a.status != 200 || got != want {
		t.Errorf("%v, %+v", a, got)
	}
}

func TestUnsubscribeFromWhatIsGone(t *testing.T) {
	s := newSite(t, nil)
	for _, path := range []string{s.Keys.Unsubscribe(4711, "weekly"), s.Keys.Unsubscribe(1, "a-digest-of-old")} {
		if a := s.post(t, "/-/unsubscribe/"+path, nil); a.status != 200 {
			t.Errorf("%v", a)
		}
	}
	if a := s.get(t, "/-/confirm/"+s.Keys.Confirm(1, "a-digest-of-old", "x", time.Now().Add(time.Hour))); a.status != 410 {
		t.Errorf("confirming a digest that is gone: %v", a)
	}
}

func TestSignUpAnswersAlike(t *testing.T) {
	s := newSite(t, nil)
	ctx := t.Context()
	if err := s.Store.AddSubscriber(ctx, "confirmed@example.org", []string{"weekly"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Store.AddSubscriber(ctx, "left@example.org", []string{"weekly"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Store.RemoveSubscriber(ctx, "left@example.org"); err != nil {
		t.Fatal(err)
	}
	if err := s.Store.Suppress(ctx, "suppressed@example.org", store.Complained); err != nil {
		t.Fatal(err)
	}
	for name, reason := range map[string]store.Reason{"forgotten": store.Left, "bounced": store.Bounced, "dismissed": store.Dismissed} {
		if err := s.Store.Suppress(ctx, name+"@example.org", reason); err != nil {
			t.Fatal(err)
		}
	}
	sign := func(address string, more ...string) answer {
		form := url.Values{"address": {address}, "digest": {"weekly"}}
		if len(more) > 0 {
			form.Set("website", more[0])
		}
		start := time.Now()
		a := s.post(t, "/-/subscribe", form)
		if took := time.Since(start); more == nil && took < answerTime {
			t.Errorf("%s was answered after %s", address, took)
		}
		a.header.Del("Date")
		return a
	}
	sign("pending@example.org")
	want := sign("unknown@example.org")
	for _, a := range []answer{
		sign("pending@example.org"), sign("confirmed@example.org"), sign("left@example.org"), sign("suppressed@example.org"),
		sign("forgotten@example.org"), sign("bounced@example.org"), sign("dismissed@example.org"),
		sign("robot@example.org", "https://spam.example"),
	} {
		if a.String() != want.String() || a.body != want.body {
			t.Errorf("%v\nan unknown address gets %v", a, want)
		}
	}
	if _, err := s.Store.SubscriberByAddress(ctx, "robot@example.org"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what filled in the hidden field was stored: %v", err)
	}
}

func TestSignUpRefuses(t *testing.T) {
	s := newSite(t, func(s *site) {
		s.Site.Digests = append(s.Site.Digests, templates.DigestLink{ID: "monthly", Title: "The Monthly"})
	})
	for name, c := range map[string]struct {
		form   url.Values
		header []string
		status int
		want   string
	}{
		"no address":     {url.Values{"digest": {"weekly"}}, nil, 422, "there is no address"},
		"no @":           {url.Values{"address": {"ada"}, "digest": {"weekly"}}, nil, 422, "the address has no @"},
		"another header": {url.Values{"address": {"ada@example.org\r\nBcc: eve@example.org"}, "digest": {"weekly"}}, nil, 422, "cannot be seen"},
		"a template": {url.Values{"address": {`{{.Site}}"><script>alert(1)</script>`}, "digest": {"weekly"}}, nil, 422,
			"{{.Site}}&#34;&gt;&lt;script&gt;"},
		"SQL":         {url.Values{"address": {"x'); DROP TABLE subscriber; --"}, "digest": {"weekly"}}, nil, 422, "cannot be seen"},
		"a megabyte":  {url.Values{"address": {strings.Repeat("a", 1<<20) + "@example.org"}}, nil, 413, "too long"},
		"no digest":   {url.Values{"address": {"ada@example.org"}}, nil, 422, "choose at least one digest"},
		"odd digest":  {url.Values{"address": {"ada@example.org"}, "digest": {"weekly", "' OR 1=1"}}, nil, 422, "no such digest"},
		"broken form": {nil, nil, 422, "there is no address"},
		"another site's form": {ada, []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 403,
			"a form on another site"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.post(t, "/-/subscribe", c.form, c.header...)
			if a.status != c.status || !strings.Contains(a.body, c.want) {
				t.Errorf("%v, want %d with %q", a, c.status, c.want)
			}
			if strings.Contains(a.body, "<script>") || !strings.Contains(a.body, `action="/-/subscribe"`) {
				t.Errorf("no safe form: %s", a.body)
			}
		})
	}
	if a := s.ask(t, http.MethodPost, "/-/subscribe", strings.NewReader("address=%zz"), "Content-Type: application/x-www-form-urlencoded"); a.status != 400 {
		t.Errorf("what is no form: %v", a)
	}
	for _, header := range []string{"Sec-Fetch-Site: same-origin", "Origin: null"} {
		if a := s.post(t, "/-/subscribe", ada, header); a.status != 200 {
			t.Errorf("our own form, %s: %v", header, a)
		}
	}
	if got, want := s.counts(t), (store.SubscriptionCounts{Pending: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestTokens(t *testing.T) {
	s := newSite(t, nil)
	if err := s.Store.AddSubscriber(t.Context(), "ada@example.org", []string{"weekly"}); err != nil {
		t.Fatal(err)
	}
	missing := s.get(t, "/-/nothing")
	good := s.Keys.Unsubscribe(1, "weekly")
	pending := s.Keys.Confirm(1, "weekly", "x", time.Now().Add(time.Hour))
	for _, path := range []string{
		"/-/unsubscribe", "/-/unsubscribe/", "/-/unsubscribe/x", "/-/unsubscribe/" + good[:len(good)-1], "/-/unsubscribe/" + good + "A",
		"/-/unsubscribe/" + good + "/", "/-/unsubscribe/" + pending, "/-/unsubscribe/" + strings.Repeat("A", 10_000),
		"/-/unsubscribe/' OR 1=1 --", "/-/confirm/" + good, "/-/confirm/" + pending[1:], "/-/confirm/{{.}}", "/-/confirm/", "/-/", "/-",
		"/-/subscribe/x", "/-/../atom.xml",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r, err := http.NewRequestWithContext(t.Context(), method, s.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.URL.Path = path
			if a := do(t, r); a.status != 404 || a.body != missing.body {
				t.Errorf("%s %.80s: %v, want what is not there at all gets", method, path, a)
			}
		}
	}
	if got, want := s.counts(t), (store.SubscriptionCounts{Confirmed: 1}); got != want {
		t.Errorf("a forged token changed something: %+v", got)
	}
	s.clock.Store(int64(2 * time.Hour))
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if a := s.ask(t, method, "/-/confirm/"+pending, nil); a.status != 410 || !strings.Contains(a.body, `action="/-/subscribe"`) {
			t.Errorf("%s of an expired link: %v, want 410 with the form", method, a)
		}
	}
	for _, path := range []string{"/-/subscribe", "/-/unsubscribe/" + good, "/-/nothing", "/-/confirm/" + pending} {
		h := s.get(t, path).header
		if h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" || h.Get("X-Robots-Tag") != "noindex" ||
			!strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v", path, h)
		}
	}
	if a := s.ask(t, "DELETE", "/-/subscribe", nil); a.status != 405 || a.header.Get("Allow") != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("DELETE: %v", a)
	}
}

// A page of the tree may be read under another name than the site's own; the form on it has to work there, too. What a
// browser does is followed here: where the action leads, whether the policy lets it, what it says of where it comes from.
func TestFormOnAPageReadUnderAnotherName(t *testing.T) {
	s := newSite(t, func(s *site) { s.Site.Base = "http://localhost:8080/news" })
	var page bytes.Buffer
	if err := s.Templates.Landing(&page, templates.Landing{Site: s.Site}); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.Public, "index.html"), page.String(), time.Now())
	a := s.get(t, "/news/")
	_, action, _ := strings.Cut(a.body, `<form method="post" action="`)
	action, _, _ = strings.Cut(action, `"`)
	read, err := url.Parse(s.url + "/news/") // 127.0.0.1
	if err != nil {
		t.Fatal(err)
	}
	to, err := read.Parse(action)
	if err != nil {
		t.Fatal(err)
	}
	site := "Sec-Fetch-Site: same-origin"
	if to.Host != read.Host {
		site = "Sec-Fetch-Site: cross-site"
	}
	if !strings.Contains(a.header.Get("Content-Security-Policy"), "form-action 'self';") {
		t.Errorf("the policy is %q", a.header.Get("Content-Security-Policy"))
	}
	if a := s.post(t, to.Path, ada, site, "Origin: "+s.url); a.status != 200 || s.counts(t).Pending != 1 {
		t.Errorf("the form of %s goes to %s: %v", read, to, a)
	}
}

func TestWithoutForms(t *testing.T) {
	s := newSite(t, func(s *site) { s.Forms = false })
	for _, path := range []string{"/-/subscribe", "/-/unsubscribe/" + s.Keys.Unsubscribe(1, "weekly")} {
		if a := s.post(t, path, ada); a.status != 404 {
			t.Errorf("POST %s: %v, want 404", path, a)
		}
	}
	if a := s.get(t, "/atom.xml"); a.status != 200 {
		t.Errorf("feeds: %v", a)
	}
}
