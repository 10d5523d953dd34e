package deliver

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/mail"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
	"linkletter/store"
)

// chooses lets a subscriber choose a section of the list.
func (w *world) chooses(address, section string) {
	w.Helper()
	_, err := w.store.SetPreferences(w.Context(), w.subscriber(address), time.Time{},
		map[string]store.Wish{"weekly": {Subscribed: true, Choices: []store.Choice{{List: "resources", Section: section}}}}, "client", store.SignUpLimits{})
	w.must(err)
}

// Who chose sections gets the entries that stand in them and no other, is told so, and finds the whole issue and their own
// preferences; the others get all.
func TestEachGetsWhatTheyChose(t *testing.T) {
	w := newWorld(t, 6)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	for n, section := range []string{"tools", "talks", "tools", "talks"} {
		w.chooses(fmt.Sprintf("s%d@example.org", n), section)
	}
	w.must(w.store.PauseSubscriber(t.Context(), w.subscriber("s5@example.org"), w.clock.now().Add(time.Hour)))
	w.freeze(d)
	w.must(w.store.PauseSubscriber(t.Context(), w.subscriber("s3@example.org"), w.clock.now().Add(time.Hour)))
	got, err := d.Run(t.Context(), nil)
	w.must(err)
	if got.Sent != 4 || got.Suppressed != 1 {
		t.Errorf("%+v, want 4 sent, and one passed over who is paused", got)
	}
	const hammer, talk, says = "https://example.org/hammer?", "https://example.org/talk", "sections that you chose"
	ids := map[string]bool{}
	for address, want := range map[string]struct {
		subject       string
		holds, misses []string
	}{
		"s0@example.org": {"Weekly Résumé #1: Zoë's Hammer", []string{hammer, says, "Tools"}, []string{talk, "Talks"}},
		"s1@example.org": {"Weekly Résumé #1: A talk", []string{talk, says, "Talks"}, []string{hammer, "Tools"}},
		"s2@example.org": {"Weekly Résumé #1: Zoë's Hammer", []string{hammer, says}, []string{talk}},
		"s4@example.org": {"Weekly Résumé #1: Zoë's Hammer and 1 more", []string{hammer, talk}, []string{says}},
	} {
		to := copies(srv)[address]
		if len(to) != 1 {
			t.Fatalf("%s has %d messages", address, len(to))
		}
		path := writeFile(t, to[0].Data)
		mailcheck(t, path)
		m := readMessage(t, path)
		token := d.Keys.Unsubscribe(w.subscriber(address), "weekly")
		for part, text := range map[string]string{"text": m.text, "HTML": strings.ReplaceAll(m.html, "&amp;", "&")} {
			for _, s := range append(want.holds, "https://links.example.org/-/preferences/"+token, "https://links.example.org/-/unsubscribe/"+token,
				"https://links.example.org/digests/weekly/1/") {
				if !strings.Contains(text, s) {
					t.Errorf("%s: the %s has no %q:\n%s", address, part, s, text)
				}
			}
			for _, s := range want.misses {
				if strings.Contains(text, s) {
					t.Errorf("%s: the %s has %q, which was not chosen:\n%s", address, part, s, text)
				}
			}
		}
		head, err := mail.ReadMessage(bytes.NewReader(to[0].Data))
		w.must(err)
		if subject, err := new(mime.WordDecoder).DecodeHeader(head.Header.Get("Subject")); err != nil || subject != want.subject {
			t.Errorf("%s: subject %q (%v), want %q", address, subject, err, want.subject)
		}
		if id := d.Keys.MessageID("weekly", 1, w.subscriber(address), "lists.example.org"); to[0].ID != id && to[0].ID != "<"+id+">" || ids[to[0].ID] {
			t.Errorf("%s: Message-ID %s, want %s", address, to[0].ID, id)
		}
		ids[to[0].ID] = true
	}
}

// A selection that fell in doubt is sent again with the same bytes, whatever was chosen or configured since.
func TestSelectionInDoubtKeepsItsBytes(t *testing.T) {
	w := newWorld(t, 1)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	w.chooses("s0@example.org", "talks")
	w.freeze(d)
	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		if v == smtptest.Done {
			return smtptest.ErrDrop
		}
		return nil
	})
	if got, err := d.Run(t.Context(), nil); err != nil || got.InDoubt != 1 {
		t.Fatalf("%+v (%v), want it in doubt", got, err)
	}
	srv.SetFault(nil)
	w.chooses("s0@example.org", "tools")
	d.Site.Imprint = "Somebody else"
	w.clock.add(d.Hold)
	if got, err := d.Run(t.Context(), nil); err != nil || got.Sent != 1 {
		t.Fatalf("%+v (%v), want it sent again", got, err)
	}
	to := copies(srv)["s0@example.org"]
	if len(to) != 2 || string(to[0].Data) != string(to[1].Data) {
		t.Errorf("%d copies, want 2 of the same bytes", len(to))
	}
	w.wantCounts(map[digest.State]int{digest.Sent: 1})
}

// Each selection is rendered once, however many workers want it at once; only so many are kept, and a failure is not.
func TestLettersAreRenderedOnce(t *testing.T) {
	var c letters
	var rendered atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for id := range int64(10) {
				l, err := c.get(id, func() (*letter, error) { rendered.Add(1); return &letter{note: fmt.Sprint(id)}, nil })
				if err != nil || l.note != fmt.Sprint(id) {
					t.Errorf("letter %d: %+v (%v)", id, l, err)
				}
			}
		})
	}
	wg.Wait()
	if n := rendered.Load(); n != 10 {
		t.Errorf("rendered %d times, want 10", n)
	}
	for id := range int64(3 * maxLetters) {
		_, err := c.get(id, func() (*letter, error) { return &letter{}, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(c.found) != maxLetters || len(c.order) != maxLetters {
		t.Errorf("%d are kept, in an order of %d, want %d", len(c.found), len(c.order), maxLetters)
	}
	broken := errors.New("broken")
	for _, want := range []error{broken, nil} {
		if _, err := c.get(-1, func() (*letter, error) { return &letter{}, want }); !errors.Is(err, want) {
			t.Errorf("error %v, want %v", err, want)
		}
	}
}
