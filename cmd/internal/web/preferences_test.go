package web

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/store"
)

// saved is the form as the page sends it when nothing was touched.
func saved(more url.Values) url.Values {
	form := url.Values{"act": {"save"}, "shown": {"weekly", "monthly"}, "digest": {"weekly"}, "want.weekly": {"all"}, "want.monthly": {"all"}, "pause": {""}}
	for name, values := range more {
		form[name] = values
	}
	return form
}

func (s *site) preferencesOf(t *testing.T, id int64) *store.Preferences {
	t.Helper()
	p, err := s.Store.Preferences(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// says fails when an answer is not as expected, or its page lacks a text.
func (a answer) says(t *testing.T, status int, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			_, main, _ := strings.Cut(a.body, "<main")
			t.Errorf("the page does not say %q: %.3000s", text, main)
		}
	}
	if a.status != status {
		t.Errorf("status %d, want %d: %v", a.status, status, a)
	}
}

func TestPreferencesPage(t *testing.T) {
	s := readers(t, nil)
	path := "/-/preferences/" + s.Keys.Unsubscribe(1, "weekly")
	a := s.get(t, path)
	a.says(t, 200, "a•••@example.org", `value="tools/saws"`, `value="tools/power-b"`, `name="part.weekly" value="talks"`, "Power &lt;b&gt;", `value="leave"`, `value="forget"`,
		`name="part.monthly" value="tools/hand"`)
	if strings.Contains(a.body, "ada@example.org") {
		t.Errorf("the address is not masked: %s", a.body)
	}
	until := time.Now().UTC().AddDate(0, 1, 0)
	form := saved(url.Values{
		"want.weekly": {"some"}, "part.weekly": {"tools/saws", "talks"}, "digest": {"weekly", "monthly"}, "pause": {until.Format(time.DateOnly)},
	})
	for range 2 { // a reload is harmless
		s.post(t, path, form).says(t, 200, "Hand › Saws", "Talks", "Not yet", "Nothing is sent before "+until.Format("2 January 2006"))
		p := s.preferencesOf(t, 1)
		want := map[string][]store.Choice{"weekly": {{List: "talks"}, {List: "tools", Section: "saws"}}}
		if diff := cmp.Diff(want, p.Choices); diff != "" || p.Paused.Format(time.DateOnly) != until.Format(time.DateOnly) {
			t.Errorf("paused until %v, choices (-want +got):\n%s", p.Paused, diff)
		}
	}
	links := s.due(t)
	if len(links) != 1 || s.woken.Load() != 1 {
		t.Fatalf("%d mails are due after %d wake-ups, want 1 and 1", len(links), s.woken.Load())
	}
	s.get(t, path).says(t, 200, "It waits for you", `value="some" checked`, `value="tools/saws" checked`, `value="`+until.Format(time.DateOnly)+`"`)
	s.post(t, links[0], nil).says(t, 200, "You are subscribed")
	// What is unticked is left at once, and an empty date ends the pause.
	s.post(t, path, saved(url.Values{"digest": {"monthly"}})).says(t, 200, "Nothing.", "None.")
	p := s.preferencesOf(t, 1)
	if p.Subscription("weekly").State != store.SubscriptionUnsubscribed || p.Subscription("monthly").State != store.SubscriptionConfirmed || !p.Paused.IsZero() {
		t.Errorf("%+v", p)
	}
	// The link in old mail goes on to work, and is a way back.
	s.post(t, path, saved(url.Values{"digest": {"weekly", "monthly"}})).says(t, 200, "Not yet")
	for _, link := range s.due(t) {
		s.post(t, link, nil).says(t, 200, "You are subscribed")
	}
	s.post(t, path, url.Values{"act": {"leave"}}).says(t, 200, "Nothing.")
	for _, n := range s.preferencesOf(t, 1).Subscriptions {
		if n.State != store.SubscriptionUnsubscribed {
			t.Errorf("after leaving everything: %+v", n)
		}
	}
}

func TestPreferencesRefuse(t *testing.T) {
	s := readers(t, nil)
	path := "/-/preferences/" + s.Keys.Unsubscribe(1, "weekly")
	before := s.dump(t)
	now := time.Now().UTC()
	for name, c := range map[string]struct {
		form url.Values
		says string
	}{
		"nothing":              {url.Values{}, "press one of the buttons"},
		"an odd act":           {url.Values{"act": {"drop table"}}, "press one of the buttons"},
		"a pause until today":  {saved(url.Values{"pause": {now.Format(time.DateOnly)}}), "a day to come"},
		"the past":             {saved(url.Values{"pause": {"1999-12-31"}}), "a day to come"},
		"three years":          {saved(url.Values{"pause": {now.AddDate(3, 0, 0).Format(time.DateOnly)}}), "two years at most"},
		"no date":              {saved(url.Values{"pause": {"next <i>week"}}), "is no date"},
		"no such day":          {saved(url.Values{"pause": {"2027-02-30"}}), "is no date"},
		"far in the future":    {saved(url.Values{"pause": {"99999-01-01"}}), "is no date"},
		"no section":           {saved(url.Values{"want.weekly": {"some"}}), "choose a section of The Weekly"},
		"an unknown section":   {saved(url.Values{"want.weekly": {"some"}, "part.weekly": {"tools/nowhere"}}), "not there any more"},
		"an unknown list":      {saved(url.Values{"want.weekly": {"some"}, "part.weekly": {"' OR 1=1 --"}}), "not part of its digest"},
		"another digest's":     {saved(url.Values{"want.monthly": {"some"}, "digest": {"monthly"}, "part.monthly": {"talks"}}), "not part of its digest"},
		"an unknown digest":    {saved(url.Values{"shown": {"daily"}}), "no such digest"},
		"what was not shown":   {saved(url.Values{"digest": {"weekly", "daily"}}), "no such digest"},
		"a pause without date": {url.Values{"act": {"pause"}}, "until when"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.post(t, path, c.form)
			a.says(t, 422, c.says, `role="alert"`, "othing was changed")
			if strings.Contains(a.body, "<i>") {
				t.Errorf("what was sent is not escaped: %s", a.body)
			}
			s.unchanged(t, before, name)
		})
	}
	a := s.post(t, path, saved(url.Values{"want.weekly": {"some"}, "part.weekly": {"tools/saws"}, "pause": {"1999-12-31"}}))
	a.says(t, 422, `value="tools/saws" checked`, `value="some" checked`) // what was chosen is not lost
	s.post(t, path, saved(url.Values{"want.weekly": {"some"}})).says(t, 422, `value="some" checked`)
}

func TestPauseInsteadOfLeaving(t *testing.T) {
	s := readers(t, func(s *site) {
		s.Location = time.FixedZone("east", 10*3600)
	})
	token := s.Keys.Unsubscribe(1, "weekly")
	s.get(t, "/-/unsubscribe/"+token).says(t, 200, `action="/-/preferences/`+token+`"`, `value="4w"`, `value="3m"`, `href="/-/preferences/`+token+`"`)
	y, m, d := s.Now().In(s.Location).Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, s.Location)
	for want, form := range map[time.Time]url.Values{
		today.AddDate(0, 0, 28): {"act": {"pause"}, "for": {"4w"}},
		today.AddDate(0, 3, 0):  {"act": {"pause"}, "for": {"3m"}},
		today.AddDate(0, 0, 1):  {"act": {"pause"}, "pause": {today.AddDate(0, 0, 1).Format(time.DateOnly)}},
		today.AddDate(2, 0, 0):  {"act": {"pause"}, "pause": {today.AddDate(2, 0, 0).Format(time.DateOnly)}},
	} {
		s.post(t, "/-/preferences/"+token, form).says(t, 200, "Nothing is sent before "+want.Format("2 January 2006"))
		if p := s.preferencesOf(t, 1); !p.Paused.Equal(want) || p.Subscription("weekly").State != store.SubscriptionConfirmed {
			t.Errorf("%v: paused until %v, want %v, and still subscribed: %+v", form, p.Paused, want, p)
		}
	}
}

func TestPreferencesOfNobody(t *testing.T) {
	s := readers(t, nil)
	for name, id := range map[string]int64{"somebody forgotten": 4711, "a preview": 0} {
		path := "/-/preferences/" + s.Keys.Unsubscribe(id, "weekly")
		s.get(t, path).says(t, 200, "There is nobody here")
		for _, act := range []string{"save", "pause", "leave", "address", "data", "forget"} {
			if a := s.post(t, path, url.Values{"act": {act}, "for": {"4w"}}); a.status != 200 || !strings.Contains(a.body, "There is nobody here") {
				t.Errorf("%s of %s: %v", act, name, a)
			}
		}
	}
}

// A digest that is not published any more can be left, and chosen no more.
func TestPreferencesOfADigestThatEnded(t *testing.T) {
	s := readers(t, nil)
	if err := s.Store.AddSubscriber(t.Context(), "ada@example.org", []string{"of-old"}); err != nil {
		t.Fatal(err)
	}
	path := "/-/preferences/" + s.Keys.Unsubscribe(1, "of-old")
	s.get(t, path).says(t, 200, `value="of-old" checked`, "It is not published any more")
	s.post(t, path, saved(url.Values{"shown": {"weekly", "of-old"}})).says(t, 200, "Everything")
	if p := s.preferencesOf(t, 1); p.Subscription("of-old").State != store.SubscriptionUnsubscribed || p.Subscription("weekly").State != store.SubscriptionConfirmed {
		t.Errorf("%+v", p)
	}
	if a := s.get(t, path); a.status != 200 || strings.Contains(a.body, `value="of-old"`) {
		t.Errorf("a digest that ended can be chosen anew: %v", a)
	}
}

func TestPreferencesOfTheSuppressed(t *testing.T) {
	s := readers(t, nil)
	if err := s.Store.Suppress(t.Context(), "ada@example.org", store.Bounced); err != nil {
		t.Fatal(err)
	}
	path := "/-/preferences/" + s.Keys.Unsubscribe(1, "weekly")
	s.get(t, path).says(t, 200, "Nothing is sent to you")
	s.post(t, path, saved(url.Values{"digest": {"weekly", "monthly"}})).says(t, 200, "Nothing is sent to you")
	if links := s.due(t); len(links) != 0 {
		t.Errorf("%d mails go to a suppressed address", len(links))
	}
}

// Hundreds of sections can be chosen in one form.
func TestHundredsOfSections(t *testing.T) {
	s := readers(t, nil)
	var list strings.Builder
	list.WriteString("# Everything\n\n")
	for i := range 30 {
		fmt.Fprintf(&list, "## Part %d with a rather long name\n\n", i)
		for j := range 10 {
			fmt.Fprintf(&list, "### Section %d of %d, with a name as long as they are\n\n- [Entry %d.%d](https://example.org/%d/%d)\n\n", j, i, i, j, i, j)
		}
	}
	s.check(t, "tools", list.String())
	path := "/-/preferences/" + s.Keys.Unsubscribe(1, "weekly")
	form := saved(url.Values{"want.weekly": {"some"}})
	for _, part := range strings.Split(s.get(t, path).body, `name="part.weekly" value="`)[1:] {
		value, _, _ := strings.Cut(part, `"`)
		form.Add("part.weekly", value)
	}
	if n := len(form["part.weekly"]); n != 332 {
		t.Fatalf("%d parts can be chosen, want 30 and 300 sections, and two lists", n)
	}
	s.post(t, path, form).says(t, 200, "Everything", "Talks")
	if n := len(s.preferencesOf(t, 1).Choices["weekly"]); n != 332 {
		t.Errorf("%d choices are stored", n)
	}
}
