package deliver

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/mailer"
	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed"
	"linkletter/feed/curated"
	"linkletter/feed/digest"
	"linkletter/store"
	"linkletter/templates"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// world is a store with a digest that has news, and what may deliver it.
type world struct {
	testing.TB
	path  string
	clock *clock
	store *store.Store
}

func newWorld(t testing.TB, subscribers int) *world {
	w := &world{
		TB: t, path: filepath.Join(t.TempDir(), "l.db"),
		clock: &clock{t: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)},
	}
	w.store = w.open()
	w.check("## Tools\n\n- [Old](https://example.org/old) - It was there before.\n")
	w.must(w.store.BeginDigest(w.Context(), "weekly", []string{"resources"}))
	w.clock.add(time.Hour)
	w.check("## Tools\n\n- [Old](https://example.org/old) - It was there before.\n" +
		"- [Zoë's Hammer](https://example.org/hammer?a=1&b=2) - Für Nägel, \"and\" <more>.\n\n" +
		"## Talks\n\n- [A talk](https://example.org/talk) - On hammers.\n")
	next := 0
	_, err := w.store.Import(w.Context(), store.Import{Digests: []string{"weekly"}, Next: func() (store.Row, error) {
		if next == subscribers {
			return store.Row{}, io.EOF
		}
		next++
		return store.Row{Address: fmt.Sprintf("s%d@example.org", next-1), Digest: "weekly"}, nil
	}})
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// open is another handle on the store, as another process has it.
func (w *world) open() *store.Store {
	w.Helper()
	s, err := store.Open(w.Context(), w.path, w.clock.now)
	w.must(err)
	w.Cleanup(func() { s.Close() })
	return s
}

// check makes one check of the list.
func (w *world) check(markdown string) {
	w.Helper()
	before, known, err := w.store.Known(w.Context(), "resources")
	w.must(err)
	list := curated.Parse([]byte(markdown), curated.Options{})
	_, err = w.store.Record(w.Context(), store.Reading{
		Before: before, Tag: "example.org", Hash: markdown, Validators: "{}", List: list, Changes: curated.Diff(known, list),
	})
	w.must(err)
}

func (w *world) deliverer(s *store.Store, dial func(context.Context) (Conn, error)) *Deliverer {
	w.Helper()
	secret, err := s.Secret(w.Context())
	w.must(err)
	set, err := templates.Load(nil)
	w.must(err)
	d := digest.Digest{ID: "weekly", Title: "Weekly Résumé", Lists: []string{"resources"}, From: "Weekly <weekly@lists.example.org>"}
	return &Deliverer{
		Store: s, Templates: set, Keys: digest.NewKeys(secret), Digests: []digest.Digest{d}, Dial: dial, Connections: 4,
		Site: templates.Site{
			Site: feed.Site{Base: "https://links.example.org"}, Title: "Links", Imprint: "Ada Lovelace\n1 Main Street, London", Forms: true,
			Digests: []templates.DigestLink{{ID: "weekly", Title: d.Title, When: "every Monday at 09:00 UTC"}},
		},
		Hold: DefaultHold, Now: w.clock.now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

func (w *world) freeze(d *Deliverer) *store.Issue {
	w.Helper()
	i, err := d.Freeze(w.Context(), "weekly", w.clock.now().Format(time.RFC3339))
	w.must(err)
	if i == nil {
		w.Fatal("there is nothing to send")
	}
	return i
}

// wantCounts compares how many deliveries of the first issue are in each state.
func (w *world) wantCounts(want map[digest.State]int) {
	w.Helper()
	i, err := w.store.Issue(w.Context(), "weekly", 1)
	w.must(err)
	if diff := cmp.Diff(want, i.Counts); diff != "" {
		w.Errorf("deliveries (-want +got):\n%s", diff)
	}
}

func smtpTo(w *world, srv *smtptest.Server) func(context.Context) (Conn, error) {
	w.Helper()
	s, err := mailer.ParseSMTP("smtp://"+srv.Addr, "")
	w.must(err)
	s.Timeouts.Grace = 100 * time.Millisecond
	return func(ctx context.Context) (Conn, error) { return s.Dial(ctx) }
}

// copies are the accepted messages by recipient.
func copies(srv *smtptest.Server) map[string][]smtptest.Message {
	got := map[string][]smtptest.Message{}
	for _, m := range srv.Journal() {
		got[m.To] = append(got[m.To], m)
	}
	return got
}

// mailcheck runs the project's checker of messages, where it is there, and gives what it said; nil: it is not there.
func mailcheck(t testing.TB, args ...string) (said []byte) {
	t.Helper()
	tool, err := filepath.Abs("../../../../shared/tools/mailcheck.py")
	if err != nil {
		t.Fatal(err)
	}
	python, err := exec.LookPath("python3")
	if _, missing := os.Stat(tool); err != nil || missing != nil {
		t.Log("skipped: mailcheck.py or python3 is not here")
		return nil
	}
	out, err := exec.Command(python, append([]string{tool}, args...)...).CombinedOutput()
	if err != nil {
		t.Errorf("mailcheck: %v\n%s", err, out)
	}
	t.Logf("%s", out)
	return out
}

func writeFile(t testing.TB, msg []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "message.eml")
	if err := os.WriteFile(path, msg, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRunReachesEverybodyOnce(t *testing.T) {
	const n = 100 // more than one batch
	w := newWorld(t, n)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	w.freeze(d)
	var last, total int
	got, err := d.Run(t.Context(), func(done, of int) { last, total = done, of })
	w.must(err)
	if diff := cmp.Diff(Summary{Sent: n}, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if last != n || total != n {
		t.Errorf("progress ended at %d of %d, want %d", last, total, n)
	}
	ids := map[string]bool{}
	to := copies(srv)
	for i := range n {
		address := fmt.Sprintf("s%d@example.org", i)
		if len(to[address]) != 1 {
			t.Fatalf("%s has %d copies, want 1", address, len(to[address]))
		}
		ids[to[address][0].ID] = true
	}
	if len(ids) != n {
		t.Errorf("%d Message-IDs for %d messages", len(ids), n)
	}
	w.wantCounts(map[digest.State]int{digest.Sent: n})
	if i, err := w.store.Issue(t.Context(), "weekly", 1); err != nil || i.State != store.IssueDone {
		t.Errorf("the issue is %v (%v), want it done", i.State, err)
	}
	if again, err := d.Run(t.Context(), nil); err != nil || again != (Summary{}) {
		t.Errorf("a second run did %+v (%v), want nothing", again, err)
	}
	mailcheck(t, writeFile(t, to["s7@example.org"][0].Data))
}

// The copy's links are its reader's own.
func TestMessageIsPersonal(t *testing.T) {
	w := newWorld(t, 2)
	out := mailer.Outbox{Dir: filepath.Join(t.TempDir(), "outbox")}
	d := w.deliverer(w.store, func(context.Context) (Conn, error) { return out, nil })
	w.freeze(d)
	_, err := d.Run(t.Context(), nil)
	w.must(err)
	files, err := filepath.Glob(filepath.Join(out.Dir, "*.eml"))
	w.must(err)
	if len(files) != 2 {
		t.Fatalf("the outbox holds %v, want two messages", files)
	}
	mailcheck(t, files...)
	for _, f := range files {
		m := readMessage(t, f)
		token := d.Keys.Unsubscribe(w.subscriber(m.to), "weekly")
		link := d.Site.Unsubscribe(token)
		for name, part := range map[string]string{"text": m.text, "HTML": m.html, "List-Unsubscribe": m.unsubscribe} {
			if n := count(part, link); n < 1 {
				t.Errorf("%s: the %s has no link %s:\n%s", m.to, name, link, part)
			}
			if mark := d.mark(&digest.Issue{Digest: "weekly", Number: 1}); count(part, mark) > 0 {
				t.Errorf("%s: the mark is left in the %s", m.to, name)
			}
		}
	}
}

func TestPreview(t *testing.T) {
	w := newWorld(t, 1)
	d := w.deliverer(w.store, nil)
	p, err := d.Preview(t.Context(), "weekly")
	w.must(err)
	if p.Issue.Number != 1 || p.Issue.Len() != 2 {
		t.Errorf("issue %d with %d items, want issue 1 with 2", p.Issue.Number, p.Issue.Len())
	}
	msg, err := p.Message("")
	w.must(err)
	mailcheck(t, writeFile(t, msg))
	i := w.freeze(d) // a preview stores nothing
	if i.Number != 1 || i.Parts.Subject != p.Parts.Subject {
		t.Errorf("issue %d, %q, is not what the preview showed: %q", i.Number, i.Parts.Subject, p.Parts.Subject)
	}
	if p, err := d.Preview(t.Context(), "weekly"); err != nil || p != nil {
		t.Errorf("a preview of nothing: %+v (%v)", p, err)
	}
	if _, err := d.Preview(t.Context(), "nope"); err == nil {
		t.Error("a preview of a digest that does not exist")
	}
}

// What cannot be sent is not frozen.
func TestFreezeProofs(t *testing.T) {
	w := newWorld(t, 1)
	d := w.deliverer(w.store, nil)
	from := d.Digests[0].From
	d.Digests[0].From = "nobody"
	if _, err := d.Freeze(t.Context(), "weekly", "p"); err == nil || count(err.Error(), `"nobody"`) == 0 {
		t.Fatalf("error %v, want one that names the sender", err)
	}
	d.Digests[0].From = from
	w.freeze(d)
}

// D9: how far a run is, is told after each delivery, whatever becomes of it.
func TestD9Progress(t *testing.T) {
	const n = 12
	w := newWorld(t, n)
	srv := smtptest.New(t)
	srv.SetFault(faults(map[string]fault{
		"s2@example.org": {smtptest.Rcpt, refusal(451, 4, 7, 1)}, "s5@example.org": {smtptest.Rcpt, refusal(550, 5, 1, 1)},
		"s7@example.org": {smtptest.Dot, smtptest.ErrDrop},
	}))
	d := w.deliverer(w.store, smtpTo(w, srv))
	w.freeze(d)
	w.must(w.store.RemoveSubscriber(t.Context(), "s9@example.org"))
	var told []int
	_, err := d.Run(t.Context(), func(done, total int) {
		if total != n {
			t.Errorf("%d of %d, want of %d", done, total, n)
		}
		told = append(told, done)
	})
	w.must(err)
	for i, done := range told {
		if i > 0 && done < told[i-1] {
			t.Errorf("%d after %d", done, told[i-1])
		}
	}
	if len(told) == 0 || told[len(told)-1] != n {
		t.Errorf("progress was %v, want it to end at %d", told, n)
	}
}
