package mailbox

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// damaged is a session with a server that cannot give one message.
type damaged struct {
	imapserver.Session
	uid imap.UID
}

func (d damaged) Fetch(w *imapserver.FetchWriter, set imap.NumSet, options *imap.FetchOptions) error {
	if uids, ok := set.(imap.UIDSet); ok && uids.Contains(d.uid) {
		return &imap.Error{Type: imap.StatusResponseTypeNo, Text: "the message is damaged"}
	}
	return d.Session.Fetch(w, set, options)
}

// serveIMAP serves messages on this machine, of which one cannot be read.
func serveIMAP(t *testing.T, broken imap.UID, messages ...string) *IMAP {
	t.Helper()
	user := imapmemserver.NewUser("office", "secret")
	if err := user.Create("INBOX", nil); err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		m = strings.ReplaceAll(m, "\n", "\r\n")
		if _, err := user.Append("INBOX", literal{strings.NewReader(m)}, &imap.AppendOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	users := imapmemserver.New()
	users.AddUser(user)
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return damaged{users.NewSession(), broken}, nil, nil
		},
		Caps:         imap.CapSet{imap.CapIMAP4rev1: {}},
		InsecureAuth: true,
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-served })
	host, port, _ := net.SplitHostPort(l.Addr().String())
	return &IMAP{Host: host, Port: port, Plain: true, Username: "office", Password: "secret", Folder: "INBOX", Timeout: 10 * time.Second}
}

// literal is a text that says its length.
type literal struct{ *strings.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

// One message that the server cannot give keeps no other from being read, now or the next time.
func TestADamagedMessageIsPassedOver(t *testing.T) {
	var letters []string
	for _, name := range strings.Fields("one two three") {
		letters = append(letters, "From: ada@example.org\nSubject: unsubscribe "+name+"aaaaaaaaaaaaaaaaaaaa\n\n")
	}
	m := serveIMAP(t, 2, letters...)
	var seen []string
	var at Position
	read := func(from Position) (Tally, error) {
		return m.Read(t.Context(), from, func(_ context.Context, msg *Message) (bool, error) {
			seen = append(seen, msg.Token)
			return true, nil
		}, func(p Position) error { at = p; return nil })
	}
	tally, err := read(Position{})
	if err == nil || !strings.Contains(err.Error(), "UID 2 is passed over") || tally != (Tally{2, 2}) {
		t.Errorf("%+v, %v; want 2 of 3 read, and the other named", tally, err)
	}
	if want := []string{"oneaaaaaaaaaaaaaaaaaaaa", "threeaaaaaaaaaaaaaaaaaaaa"}; !slices.Equal(seen, want) {
		t.Errorf("read %q, want %q", seen, want)
	}
	if tally, err := read(at); err != nil || tally != (Tally{}) {
		t.Errorf("again: %+v, %v; want nothing", tally, err)
	}
}
