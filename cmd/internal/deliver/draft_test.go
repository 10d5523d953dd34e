package deliver

import (
	"strings"
	"testing"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
	"linkletter/store"
)

// The operator gets a draft until it is accepted, once, and again when its note is another; subscribers get nothing of it
// before it is approved, and each one copy after.
func TestDrafts(t *testing.T) {
	w := newWorld(t, 3)
	srv := smtptest.New(t)
	d := w.deliverer(w.store, smtpTo(w, srv))
	d.Operator, d.Digests[0].Approve = "Grace <grace@example.org>", true
	draft := w.freeze(d)
	refuse := true
	srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
		if refuse && v == smtptest.Rcpt {
			return refusal(550, 5, 1, 1)
		}
		return nil
	})
	if n, err := d.Drafts(t.Context()); n != 0 || err == nil || !strings.Contains(err.Error(), "issue 1 of digest weekly") {
		t.Errorf("%d drafts mailed (%v), want an error that names the issue", n, err)
	}
	refuse = false
	mail := func(want int) {
		t.Helper()
		if n, err := d.Drafts(t.Context()); err != nil || n != want {
			t.Errorf("%d drafts mailed (%v), want %d", n, err, want)
		}
	}
	mail(1)
	mail(0)
	w.must(d.Note(t.Context(), draft.Ref, "A word of the *editor*."))
	mail(1)
	if got, err := d.Run(t.Context(), nil); err != nil || got != (Summary{}) {
		t.Errorf("%+v (%v), want nothing sent of a draft", got, err)
	}
	got := srv.Journal()
	if len(got) != 2 || got[0].To != "grace@example.org" || got[0].ID == got[1].ID {
		t.Fatalf("the server has %d messages, want two versions for the operator", len(got))
	}
	for i, want := range []string{"to the web work only then", "A word of the"} {
		if !strings.Contains(string(got[i].Data), want) {
			t.Errorf("version %d has no %q:\n%s", i+1, want, got[i].Data)
		}
	}

	w.must(d.Approve(t.Context(), draft.Ref))
	if got, err := d.Run(t.Context(), nil); err != nil || got != (Summary{Sent: 3}) {
		t.Errorf("%+v (%v), want the approved issue sent to three", got, err)
	}
	w.wantCounts(map[digest.State]int{digest.Sent: 3})
	for to, all := range copies(srv) {
		if strings.HasPrefix(to, "s") && (len(all) != 1 || strings.Contains(string(all[0].Data), "draft") || !strings.Contains(string(all[0].Data), "A word of the")) {
			t.Errorf("%s got %d copies, want one with the note and no notice:\n%s", to, len(all), all[0].Data)
		}
	}
	if i, err := w.store.IssueByRef(t.Context(), draft.Ref); err != nil || i.State != store.IssueDone {
		t.Errorf("the issue: %+v (%v), want it done", i, err)
	}
}
