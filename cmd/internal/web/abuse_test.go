package web

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/feed/curated"
	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// readers is a site with two lists, two digests and ada, who is subscribed to weekly, as subscriber 1.
func readers(t testing.TB, change func(*site)) *site {
	t.Helper()
	s := newSite(t, func(s *site) {
		s.Site.Digests = append(s.Site.Digests, templates.DigestLink{ID: "monthly", Title: "The Monthly"})
		s.Digests = []digest.Digest{{ID: "weekly", Title: "The Weekly", Lists: []string{"tools", "talks"}}, {ID: "monthly", Title: "The Monthly", Lists: []string{"tools"}}}
		if change != nil {
			change(s)
		}
	})
	s.check(t, "tools", "# Tools\n\n## Hand\n\n### Saws\n\n- [Bow saw](https://example.org/bow)\n\n## Power \\<b>\n\n- [Drill](https://example.org/drill)\n")
	s.check(t, "talks", "# Talks\n\n- [On letters](https://example.org/letters)\n")
	if err := s.Store.AddSubscriber(t.Context(), "ada@example.org", []string{"weekly"}); err != nil {
		t.Fatal(err)
	}
	return s
}

// check takes a list in.
func (s *site) check(t testing.TB, id, markdown string) {
	t.Helper()
	before, known, err := s.Store.Known(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	list := curated.Parse([]byte(markdown), curated.Options{})
	_, err = s.Store.Record(t.Context(), store.Reading{Before: before, Tag: "example.org", Hash: markdown, Validators: "{}", List: list, Changes: curated.Diff(known, list)})
	if err != nil {
		t.Fatal(err)
	}
}

// dump is everything in the database, row by row.
func (s *site) dump(t testing.TB) []string {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(filepath.Dir(s.Public), "linkletter.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tables := rowsOf(t, db, `SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`)
	if len(tables) < 20 {
		t.Fatalf("%d tables are not the whole database: %v", len(tables), tables)
	}
	var all []string
	for _, table := range tables {
		table = strings.Trim(table, "[]")
		for _, row := range rowsOf(t, db, `SELECT * FROM "`+table+`"`) {
			all = append(all, table+" "+row)
		}
	}
	return all
}

func rowsOf(t testing.TB, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(values))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// unchanged fails when the database is not as it was.
func (s *site) unchanged(t testing.TB, before []string, after string) {
	t.Helper()
	if diff := cmp.Diff(before, s.dump(t)); diff != "" {
		t.Errorf("%s changed the database (-before +after):\n%s", after, diff)
	}
}

// links are good ones of every kind under /-/, by what they are.
func (s *site) links(t testing.TB) map[string]string {
	t.Helper()
	ctx := t.Context()
	if _, err := s.Store.SignUp(ctx, "bob@example.org", []string{"weekly"}, "client", s.Limits); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []store.ActKind{store.ActData, store.ActForget} {
		if _, err := s.Store.RequestAct(ctx, 1, kind, "", "client", s.Limits); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Store.RequestAct(ctx, 1, store.ActLeaveAddress, "eve@example.org", "client", s.Limits); err != nil {
		t.Fatal(err)
	}
	due, err := s.Store.DueConfirmations(ctx, 100, func(int) time.Duration { return time.Hour })
	if err != nil || len(due) != 4 {
		t.Fatalf("%d mails are due, %v; want 4", len(due), err)
	}
	own := s.Keys.Unsubscribe(1, "weekly")
	links := map[string]string{"subscribe": "/-/subscribe", "unsubscribe": "/-/unsubscribe/" + own, "preferences": "/-/preferences/" + own}
	for _, c := range due {
		if c.Kind == "" {
			links["confirm"] = "/-/confirm/" + s.Keys.Confirm(c.Subscriber, c.Digest, c.Nonce, c.Expires)
		} else {
			links[fmt.Sprint("act", c.ID)] = "/-/act/" + s.Keys.Act(c.ID, c.Nonce, c.Expires)
		}
	}
	return links
}

// Mail scanners follow every link, some with queries of their own.
func TestFollowingLinksChangesNothing(t *testing.T) {
	s := readers(t, nil)
	links := s.links(t)
	before := s.dump(t)
	if diff := cmp.Diff(before, s.dump(t)); diff != "" {
		t.Fatalf("two dumps differ:\n%s", diff)
	}
	for name, path := range links {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
			for _, query := range []string{"", "?List-Unsubscribe=One-Click", "?act=forget&act=leave&act=save&shown=weekly&pause=2099-01-01&for=4w&address=eve@example.org&digest=monthly"} {
				a := s.ask(t, method, path+query, nil, "Sec-Fetch-Site: none", "Purpose: prefetch")
				if a.status != 200 && a.status != 204 {
					t.Errorf("%s %s%s: %v", method, name, query, a)
				}
				s.unchanged(t, before, method+" "+name+query)
			}
		}
	}
	// That it would be noticed: one click does change it.
	s.post(t, links["unsubscribe"], nil)
	if diff := cmp.Diff(before, s.dump(t)); diff == "" {
		t.Error("the dump does not show that somebody left")
	}
}

func TestLinksThatAreNoneOfOurs(t *testing.T) {
	s := readers(t, nil)
	links := s.links(t)
	var tokens []string
	for _, path := range links {
		if _, token, ok := strings.Cut(strings.TrimPrefix(path, "/-/"), "/"); ok {
			tokens = append(tokens, token)
		}
	}
	missing := s.get(t, "/-/nothing")
	before := s.dump(t)
	tried := 0
	for name, path := range links {
		kind, token, ok := strings.Cut(strings.TrimPrefix(path, "/-/"), "/")
		if !ok {
			continue
		}
		var forged []string
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			t.Fatal(err)
		}
		for bit := range len(raw) * 8 {
			flipped := bytes.Clone(raw)
			flipped[bit/8] ^= 1 << (bit % 8)
			forged = append(forged, base64.RawURLEncoding.EncodeToString(flipped))
		}
		for n := range token {
			forged = append(forged, token[:n], token[n:][1:])
		}
		forged = append(forged, token+"A", token+"=", token+"%0A", token+"/", token+"%00", "A"+token, token+token, strings.Repeat(token, 100),
			base64.RawURLEncoding.EncodeToString(append([]byte{0}, raw...)), base64.RawURLEncoding.EncodeToString(append(raw, 0)))
		for _, other := range tokens { // made for another purpose
			if kind == "unsubscribe" || kind == "preferences" {
				if _, _, own := s.Keys.ParseUnsubscribe(other); own {
					continue
				}
			}
			if other != token && !(kind == "act" && slices.Contains([]string{links["act1"], links["act2"], links["act3"], links["act4"]}, "/-/act/"+other)) {
				forged = append(forged, other)
			}
		}
		elsewhere := digest.NewKeys([]byte("another secret of thirty-two bytes"))
		forged = append(forged, elsewhere.Unsubscribe(1, "weekly"), elsewhere.Confirm(2, "weekly", "x", time.Now().Add(time.Hour)), elsewhere.Act(1, "x", time.Now().Add(time.Hour)))
		for _, f := range forged {
			tried++
			if a := s.post(t, "/-/"+kind+"/"+f, url.Values{"act": {"leave"}, "List-Unsubscribe": {"One-Click"}}); a.status != 404 || a.body != missing.body {
				t.Fatalf("%s: POST with %.200q instead of %q: %v, want what is not there at all gets", name, f, token, a)
			}
		}
		for _, f := range forged[:20] {
			if a := s.get(t, "/-/"+kind+"/"+f); a.status != 404 || a.body != missing.body {
				t.Fatalf("%s: GET with %.200q instead of %q: %v", name, f, token, a)
			}
		}
	}
	if tried < 1000 {
		t.Errorf("only %d tokens were tried", tried)
	}
	s.unchanged(t, before, "a forged token")
}

// A link that expired, or was used, does nothing more; those to leave and to the preferences work for ever.
func TestLinksThatWereGood(t *testing.T) {
	s := readers(t, nil)
	links := s.links(t)
	if a := s.post(t, links["confirm"], nil); a.status != 200 {
		t.Fatalf("confirming: %v", a)
	}
	s.post(t, "/-/unsubscribe/"+s.Keys.Unsubscribe(2, "weekly"), nil)
	before := s.dump(t)
	if a := s.post(t, links["confirm"], nil); a.status != 410 {
		t.Errorf("a link that was used, after leaving: %v, want 410", a)
	}
	s.unchanged(t, before, "replaying a confirmation")
	s.clock.Store(int64(49 * time.Hour))
	for name, path := range links {
		want := 410
		switch {
		case name == "subscribe":
			continue
		case name == "unsubscribe", name == "preferences":
			want = 200
		}
		if a := s.get(t, path); a.status != want {
			t.Errorf("%s two days later: %v, want %d", name, a, want)
		}
		if want == 410 { // a button that comes too late
			if a := s.post(t, path, nil); a.status != want {
				t.Errorf("POST to %s two days later: %v, want %d", name, a, want)
			}
		}
	}
	s.unchanged(t, before, "an expired link")
}

// A flood for one victim, with a mailer that sends all that is due while it lasts.
func TestFloodForOneVictim(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	for name, from := range map[string]func(i int) string{
		"from one client":   func(int) string { return "203.0.113.7" },
		"from many clients": func(i int) string { return fmt.Sprintf("198.18.%d.%d", i/250, i%250) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(s *site) {
				s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
				s.Limits = store.SignUpLimits{Address: 3, Client: 100, Total: 1000}
			})
			var mails atomic.Int32
			send := func() {
				due, err := s.Store.DueConfirmations(t.Context(), 100, func(int) time.Duration { return time.Hour })
				for _, c := range due {
					mails.Add(1)
					err = s.Store.ConfirmationSent(t.Context(), c.ID)
				}
				if err != nil {
					t.Error(err)
				}
			}
			s.flood(t, n, 250, func(i int) (url.Values, string) {
				if i%50 == 0 {
					send()
				}
				victim := []string{"victim@example.org", "Victim@Example.ORG", "VICTIM@example.org"}[i%3]
				return url.Values{"address": {victim}, "digest": {"weekly"}}, from(i)
			})
			send()
			if got := mails.Load(); got < 1 || got > 3 {
				t.Errorf("%d sign-ups for one address led to %d mails, want 1 to 3", n, got)
			}
		})
	}
}

func TestFloodFromOneClientAndInTotal(t *testing.T) {
	for name, c := range map[string]struct {
		from func(i int) string
		want int
	}{
		"one client":            {func(int) string { return "203.0.113.7" }, 7},
		"one IPv6 network":      {func(i int) string { return fmt.Sprintf("2001:db8:1:2::%x", i+1) }, 7},
		"all clients together":  {func(i int) string { return fmt.Sprintf("198.18.0.%d", i%200) }, 30},
		"a forged first proxy":  {func(i int) string { return fmt.Sprintf("198.18.0.%d, 203.0.113.7", i%200) }, 7},
		"no address of a proxy": {func(i int) string { return fmt.Sprintf("x%d", i) }, 7},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(s *site) {
				s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
				s.Limits = store.SignUpLimits{Address: 3, Client: 7, Total: 30}
			})
			s.flood(t, 300, 100, func(i int) (url.Values, string) {
				return url.Values{"address": {fmt.Sprintf("reader%d@example.org", i)}, "digest": {"weekly"}}, c.from(i)
			})
			if got := s.counts(t).Pending; got != c.want {
				t.Errorf("300 sign-ups led to %d mails, want %d", got, c.want)
			}
			if !strings.Contains(s.log.String(), "beyond the limits") {
				t.Error("the log does not say that the limits were reached")
			}
		})
	}
}

// flood sends n sign-ups, so many at a time. All answers must be the same.
func (s *site) flood(t *testing.T, n, atOnce int, sign func(i int) (form url.Values, from string)) {
	t.Helper()
	crowd := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce, MaxConnsPerHost: atOnce}}
	defer crowd.CloseIdleConnections()
	var next atomic.Int64
	var bodies sync.Map
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				form, from := sign(i)
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/-/subscribe", strings.NewReader(form.Encode()))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("X-Forwarded-For", from)
				res, err := crowd.Do(r)
				if err != nil {
					t.Errorf("sign-up %d: %v", i, err)
					return
				}
				b, err := io.ReadAll(res.Body)
				res.Body.Close()
				bodies.Store(fmt.Sprint(res.StatusCode, string(b), err), form.Get("address"))
			}
		})
	}
	wg.Wait()
	kinds := map[string]any{}
	bodies.Range(func(k, v any) bool { kinds[k.(string)] = v; return true })
	if len(kinds) != 1 {
		t.Errorf("%d different answers, want 1: %.500v", len(kinds), kinds)
	}
}

// Whatever somebody writes into a field ends no line of a header or a mail.
func TestHeaderInjection(t *testing.T) {
	s := readers(t, nil)
	links := s.links(t)
	before := slices.DeleteFunc(s.dump(t), isSequence)
	for _, evil := range []string{"\r\nX-Injected: yes", "\nBcc: eve@example.org", "\r\rX-Injected: yes", "\u2028X-Injected: yes", "\x00", "\u0085X-Injected"} {
		for _, field := range []string{"address", "digest", "act", "pause", "shown", "want.weekly", "part.weekly", "for"} {
			for _, name := range []string{"subscribe", "preferences"} {
				form := url.Values{"act": {"save"}, "shown": {"weekly"}, "digest": {"weekly"}, "address": {"ada@example.org"}, "want.weekly": {"some"},
					"part.weekly": {"talks"}, "pause": {"2000-01-01"}}
				form.Set(field, form.Get(field)+evil)
				a := s.post(t, links[name], form)
				for name, values := range a.header {
					if strings.Contains(name, "Injected") || strings.Contains(fmt.Sprint(values), "Injected") {
						t.Errorf("%q in %s came through: %s: %q", evil, field, name, values)
					}
				}
			}
		}
		form := url.Values{"act": {"address"}, "address": {"eve@example.org" + evil}}
		if a := s.post(t, links["preferences"], form); a.status != 422 {
			t.Errorf("a new address with %q: %v, want 422", evil, a)
		}
	}
	// The requests count for their client; nothing else remains of them.
	after := slices.DeleteFunc(s.dump(t), func(row string) bool {
		return strings.HasPrefix(row, "confirmation [") && strings.Contains(row, " <nil> subscribe     ")
	})
	if diff := cmp.Diff(before, slices.DeleteFunc(after, isSequence)); diff != "" {
		t.Errorf("a field with line ends changed the database (-before +after):\n%s", diff)
	}
}

// isSequence picks the counters of row numbers.
func isSequence(row string) bool { return strings.HasPrefix(row, "sqlite_sequence ") }

func TestAMegabyteOfEverything(t *testing.T) {
	s := readers(t, nil)
	links := s.links(t)
	before := s.dump(t)
	long := strings.Repeat("a", 1<<20)
	for _, name := range []string{"subscribe", "preferences"} {
		for _, field := range []string{"address", "digest", "act", "pause", "shown", "website"} {
			form := url.Values{"act": {"save"}, "shown": {"weekly"}, field: {long}}
			if a := s.post(t, links[name], form); a.status != 413 || strings.Contains(a.body, long[:1000]) {
				t.Errorf("a megabyte in %s of %s: %.300v, want 413", field, name, a)
			}
		}
	}
	for _, header := range []string{"X-Forwarded-For: ", "Content-Type: ", "Cookie: ", "User-Agent: "} {
		if a := s.get(t, links["preferences"], header+long[:20<<10]); a.status != 200 && a.status != 431 {
			t.Errorf("a long %s: %v", header, a)
		}
	}
	s.unchanged(t, before, "a megabyte")
	if a := s.ask(t, http.MethodPost, links["unsubscribe"], strings.NewReader(long), "Content-Type: application/x-www-form-urlencoded"); a.status != 200 || s.counts(t).Unsubscribed != 1 {
		t.Errorf("one click with a megabyte: %v", a)
	}
}

// Addresses as people have them are stored as they are; what is none comes back escaped.
func TestOddAddresses(t *testing.T) {
	s := newSite(t, nil)
	for typed, stored := range map[string]string{
		"o'hara@example.org":                      "",
		"first.last+tag@example.org":              "",
		"Ada.Lovelace@EXAMPLE.org":                "Ada.Lovelace@example.org",
		"post@bücher.example":                     "post@xn--bcher-kva.example",
		"用户@例え.example":                           "用户@xn--r8jz45g.example",
		"🦉@example.org":                           "",
		"a&b=c%d?e#f@example.org":                 "",
		"x'OR'1'='1{{.Site}}$(id)@localhost":      "!",
		"x'OR'1'='1{{.Site}}`id`@example.org":     "",
		`"quoted string"@example.org`:             "!",
		`"><script>alert(1)</script>@example.org`: "!",
		"two@at@example.org":                      "!",
		".dot@example.org":                        "!",
		"ada@[127.0.0.1]":                         "!",
		"Ada <ada@example.org>":                   "!",
		"ada@example.org, eve@example.org":        "!",
		"a\u200bda@example.org":                   "!",
		"\u202egro.elpmaxe@ada":                   "!",
		strings.Repeat("a", 65) + "@example.org":  "!",
	} {
		a := s.post(t, "/-/subscribe", url.Values{"address": {typed}, "digest": {"weekly"}})
		if stored == "!" {
			if a.status != 422 || strings.Contains(a.body, "<script>") || strings.Contains(a.body, "localhost:8080}") {
				t.Errorf("%q: %v, want it refused", typed, a)
			}
			continue
		}
		if stored == "" {
			stored = typed
		}
		sub, err := s.Store.SubscriberByAddress(t.Context(), typed)
		if a.status != 200 || err != nil || sub.Address != stored {
			t.Errorf("%q: %v, stored as %+v, %v; want %q", typed, a, sub, err, stored)
			continue
		}
		page := s.get(t, "/-/preferences/"+s.Keys.Unsubscribe(sub.ID, "weekly"))
		if page.status != 200 || strings.Contains(page.body, stored) || strings.Contains(page.body, typed) {
			t.Errorf("%q: the preferences do not mask it: %v", typed, page)
		}
	}
	odd := `x'OR'1'='1{{.Site}}&"<i>@`
	a := s.post(t, "/-/subscribe", url.Values{"address": {odd}, "digest": {"weekly"}})
	if want := `value="x&#39;OR&#39;1&#39;=&#39;1{{.Site}}&amp;&#34;&lt;i&gt;@"`; !strings.Contains(a.body, want) {
		t.Errorf("%q comes back as something else than %s: %s", odd, want, a.body)
	}
	if links := s.due(t); len(links) != s.counts(t).Pending || len(links) < 8 {
		t.Errorf("%d links for %+v", len(links), s.counts(t))
	} else {
		for _, link := range links {
			if a := s.post(t, link, nil); a.status != 200 {
				t.Errorf("confirming: %v", a)
			}
		}
	}
}

// A page of another site that knows a link, or has the browser of somebody who does, cannot press the buttons.
func TestFormsOfOtherSites(t *testing.T) {
	s := readers(t, nil)
	links := s.links(t)
	before := s.dump(t)
	for name, path := range links {
		if name == "unsubscribe" { // which mail programs on the web must be able to
			continue
		}
		for _, from := range []string{"cross-site", "same-site"} {
			form := url.Values{"act": {"leave"}, "address": {"eve@example.org"}, "digest": {"weekly"}}
			if a := s.post(t, path, form, "Sec-Fetch-Site: "+from, "Origin: https://evil.example"); a.status != 403 {
				t.Errorf("%s: %v, want 403", name, a)
			}
		}
	}
	s.unchanged(t, before, "another site's form")
}

// No answer sets a cookie, lets its address leak, or may be kept or framed.
func TestAnswersAreKeptPrivate(t *testing.T) {
	s := readers(t, nil)
	links := s.links(t)
	links["forged"], links["nothing"] = "/-/unsubscribe/forged", "/-/"
	for name, path := range links {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodOptions} {
			a := s.ask(t, method, path, strings.NewReader("act=save&shown=weekly"), "Content-Type: application/x-www-form-urlencoded", "Cookie: a=b")
			h := a.header
			if len(h.Values("Set-Cookie")) > 0 || h.Get("Cache-Control") != "no-store" || h.Get("X-Robots-Tag") != "noindex" {
				t.Errorf("%s %s: %v", method, name, h)
			}
			if strings.HasPrefix(h.Get("Content-Type"), "text/html") && (h.Get("Referrer-Policy") != "no-referrer" ||
				!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'")) {
				t.Errorf("%s %s: %v", method, name, h)
			}
			if strings.Contains(a.body, "://") && strings.Contains(strings.ReplaceAll(a.body, s.Site.Base, ""), `="http`) {
				t.Errorf("%s %s leads to another site: %s", method, name, a.body)
			}
		}
	}
}

// A one-click is never refused for its body, and no button for a pause is one.
func TestOneClickWithOddBodies(t *testing.T) {
	s := readers(t, nil)
	for _, c := range []struct{ contentType, body string }{
		{"", ""}, {"application/x-www-form-urlencoded", ""}, {"application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"},
		{"application/x-www-form-urlencoded", "%zz;=&"}, {"application/x-www-form-urlencoded", "act=pause&for=4w"}, {"application/json", `{"a":1}`},
		{"multipart/form-data", "no boundary"}, {"multipart/form-data; boundary=x", "--x\r\nbroken"}, {"text/plain;;;", "x"}, {"\u00e9", "\xff\xfe"},
	} {
		if a := s.ask(t, http.MethodPost, "/-/unsubscribe/"+s.Keys.Unsubscribe(1, "weekly"), strings.NewReader(c.body), "Content-Type: "+c.contentType); a.status != 200 {
			t.Errorf("%+v: %v", c, a)
		}
		if got := s.counts(t); got.Unsubscribed != 1 {
			t.Errorf("%+v did not unsubscribe: %+v", c, got)
		}
		done, err := s.Store.SignUp(t.Context(), "ada@example.org", []string{"weekly"}, "c", store.SignUpLimits{Address: 1000, Client: 1000, Total: 1000})
		if err != nil || done.Queued != 1 {
			t.Fatal(done, err)
		}
		for _, link := range s.due(t) {
			s.post(t, link, nil)
		}
	}
}

func TestConfirmingAndLeavingAtOnce(t *testing.T) {
	s := readers(t, nil)
	links := s.links(t)
	bob := s.Keys.Unsubscribe(2, "weekly")
	var wg sync.WaitGroup
	for i := range 12 {
		for path, form := range map[string]url.Values{
			links["confirm"]: nil, "/-/unsubscribe/" + bob: nil,
			"/-/preferences/" + bob: {"act": {"save"}, "shown": {"weekly"}, "digest": {"weekly"}, "want.weekly": {"some"}, "part.weekly": {"talks"}},
		} {
			wg.Go(func() {
				if a := s.post(t, path, form); a.status != 200 && a.status != 410 {
					t.Errorf("try %d of %.20s: %v", i, path, a)
				}
			})
		}
	}
	wg.Wait()
	s.post(t, "/-/unsubscribe/"+bob, nil)
	before := s.dump(t)
	for range 3 {
		s.post(t, links["confirm"], nil)
		s.post(t, "/-/unsubscribe/"+bob, nil)
	}
	s.unchanged(t, before, "a link that was used")
	if got := s.counts(t); got.Unsubscribed != 1 || got.Pending != 0 || got.Confirmed != 1 {
		t.Errorf("after all, bob has left and ada not: %+v", got)
	}
}
