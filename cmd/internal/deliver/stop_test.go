package deliver

import (
	"sync/atomic"
	"testing"
	"time"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
	"linkletter/store"
)

// Once another process has paused or cancelled an issue, and what was on the wire has ended, no further message of it goes
// out; and what the store says of each delivery is what the server did.
func TestIssueStops(t *testing.T) {
	const subscribers, after = 600, 20 // many, for others write all the time while it is stopped
	for name, test := range map[string]struct {
		stop func(s *store.Store, ref int64) error
		left digest.State
	}{
		"pause":  {func(s *store.Store, ref int64) error { return s.Pause(t.Context(), ref, "for a test") }, digest.Pending},
		"cancel": {func(s *store.Store, ref int64) error { return s.Cancel(t.Context(), ref, "for a test") }, digest.Cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, subscribers)
			other := w.open()
			srv := smtptest.New(t)
			d := w.deliverer(w.store, smtpTo(w, srv))
			ref := w.freeze(d).Ref
			stopped := 0 // accepted when it was stopped
			var stopping atomic.Bool
			done := make(chan struct{})
			srv.SetFault(func(v smtptest.Verb, _ smtptest.Message) error {
				if v != smtptest.Body || len(srv.Journal()) < after || stopping.Swap(true) {
					return nil
				}
				defer close(done)
				// The reply to the message before on this very connection is recorded with the next, so one may stand out.
				w.must(test.stop(other, ref))
				wire := 2
				for end := time.Now().Add(20 * time.Second); wire > 1 && time.Now().Before(end); time.Sleep(time.Millisecond) {
					var err error
					wire, err = other.OnTheWire(w.Context(), ref)
					w.must(err)
				}
				stopped = len(srv.Journal())
				return nil
			})
			got, err := d.Run(t.Context(), nil)
			<-done // the run does not wait for a dialogue that it has left
			n := len(srv.Journal())
			if err != nil || got.Sent != n || n < stopped || n > stopped+1 || stopped < after {
				t.Fatalf("%+v (%v), and the server has %d; want the %d that it had when the issue was stopped, or the one on the wire more", got, err, n, stopped)
			}
			stopped = n
			w.wantCounts(map[digest.State]int{digest.Sent: stopped, test.left: subscribers - stopped})
			if name == "cancel" {
				return
			}
			w.must(other.Resume(t.Context(), ref))
			if got, err := d.Run(t.Context(), nil); err != nil || got.Sent != subscribers-stopped {
				t.Errorf("%+v (%v), want the other %d once resumed", got, err, subscribers-stopped)
			}
			for to, all := range copies(srv) {
				if len(all) != 1 {
					t.Errorf("%s got it %d times", to, len(all))
				}
			}
		})
	}
}
