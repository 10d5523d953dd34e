package deliver

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
)

// D5: what a server says unasked is no reply to the next message: nobody is put off for it, and nobody suppressed.
func TestD5StrayReplies(t *testing.T) {
	for name, said := range map[string]string{
		"one": "250 2.0.0 accepted\r\n250 2.0.0 indeed",
		"two": "250 2.0.0 accepted\r\n250 2.0.0 indeed\r\n550 5.1.1 nobody",
		"bye": "250 2.0.0 accepted\r\n421 4.3.2 enough",
		"bad": "250 2.0.0 accepted\r\n554 5.7.1 not you",
	} {
		for _, extensions := range [][]string{{"AUTH PLAIN"}, {"AUTH PLAIN", "PIPELINING"}} {
			t.Run(name+" "+extensions[len(extensions)-1], func(t *testing.T) {
				w := newWorld(t, 3)
				srv, s := rawServer(t, extensions...)
				srv.SetFault(once(smtptest.Done, said))
				d := w.deliverer(w.store, func(ctx context.Context) (Conn, error) { return s.Dial(ctx) })
				d.Connections = 1
				w.freeze(d)
				got, err := d.Run(t.Context(), nil)
				w.must(err)
				if diff := cmp.Diff(Summary{Sent: 3}, got); diff != "" {
					t.Errorf("summary (-want +got):\n%s", diff)
				}
				w.wantCounts(map[digest.State]int{digest.Sent: 3})
			})
		}
	}
}
