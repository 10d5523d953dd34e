package mailbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// maildir is one with messages in new; those that hold "report" are understood.
func maildir(t *testing.T, messages map[string]string) Maildir {
	t.Helper()
	m := Maildir{Dir: t.TempDir()}
	for _, d := range []string{"new", "cur", "tmp"} {
		if err := os.Mkdir(filepath.Join(m.Dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range messages {
		if err := os.WriteFile(filepath.Join(m.Dir, name), []byte("Subject: "+text+"\n\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m Maildir) files(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, d := range []string{"cur", "new", "tmp"} {
		entries, err := os.ReadDir(filepath.Join(m.Dir, d))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			all = append(all, d+"/"+e.Name())
		}
	}
	return all
}

const token = "VHdlZWtseZurn56lm_5wZHoXsNwnE88"

func understands(_ context.Context, m *Message) (bool, error) { return m.Kind == Unsubscribe, nil }

// P6: nothing unread is deleted, and nothing is overwritten.
func TestP6Maildir(t *testing.T) {
	messages := map[string]string{"new/1.a": "unsubscribe " + token, "new/2.b": "hello", "new/3.c:2,F": "unsubscribe " + token,
		"new/.hidden": "unsubscribe " + token, "tmp/4.d": "unsubscribe " + token, "cur/5.e:2,": "unsubscribe " + token}
	for name, c := range map[string]struct {
		remove bool
		want   []string
	}{
		"marked":  {false, []string{"cur/1.a:2,S", "cur/2.b:2,", "cur/3.c:2,S", "cur/5.e:2,", "new/.hidden", "tmp/4.d"}},
		"deleted": {true, []string{"cur/2.b:2,", "cur/5.e:2,", "new/.hidden", "tmp/4.d"}},
	} {
		m := maildir(t, messages)
		m.Delete = c.remove
		tally, err := m.Read(t.Context(), understands)
		if err != nil || tally != (Tally{3, 2}) {
			t.Errorf("%s: %+v, %v; want 3 read and 2 understood", name, tally, err)
		}
		if got := m.files(t); !slices.Equal(got, c.want) {
			t.Errorf("%s: there are %q, want %q", name, got, c.want)
		}
	}
	// Somebody else's message has the name that ours would get.
	m := maildir(t, map[string]string{"new/1.a": "hello", "cur/1.a:2,": "another"})
	if _, err := m.Read(t.Context(), understands); err == nil {
		t.Error("a message took another's place")
	}
	if b, err := os.ReadFile(filepath.Join(m.Dir, "cur/1.a:2,")); err != nil || !strings.Contains(string(b), "another") {
		t.Errorf("the other message is %q (%v)", b, err)
	}
	// A crash between the two steps of a move.
	m = maildir(t, map[string]string{"new/1.a": "hello"})
	if err := os.Link(filepath.Join(m.Dir, "new/1.a"), filepath.Join(m.Dir, "cur/1.a:2,")); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Read(t.Context(), understands); err != nil || !slices.Equal(m.files(t), []string{"cur/1.a:2,"}) {
		t.Errorf("after a crash there are %q (%v)", m.files(t), err)
	}
}

// P6: a file that vanishes is passed over, and a store that cannot take a message leaves it in its place.
func TestP6MaildirTroubles(t *testing.T) {
	m := maildir(t, map[string]string{"new/1.a": "hello", "new/2.b": "hello", "new/3.c": "hello"})
	tally, err := m.Read(t.Context(), func(context.Context, *Message) (bool, error) {
		return false, os.RemoveAll(filepath.Join(m.Dir, "new", "2.b"))
	})
	if err != nil || tally.Read != 2 {
		t.Errorf("%+v, %v; want 2 read", tally, err)
	}
	full := errors.New("the disk is full")
	m = maildir(t, map[string]string{"new/1.a": "unsubscribe " + token})
	m.Delete = true
	if _, err := m.Read(t.Context(), func(context.Context, *Message) (bool, error) { return true, full }); !errors.Is(err, full) {
		t.Errorf("error %v, want that the disk is full", err)
	}
	if got := m.files(t); !slices.Equal(got, []string{"new/1.a"}) {
		t.Errorf("there are %q, want the message in its place", got)
	}
	kept := Maildir{Dir: filepath.Join(t.TempDir(), "a", "kept")}
	if err := kept.Keep(strings.NewReader("Subject: hello\n\n"), time.Now()); err != nil || len(kept.files(t)) != 1 {
		t.Errorf("keeping a message: %v", err)
	}
}

// One message that cannot be put away keeps no other from being read; what its handler cannot do ends the reading.
func TestAMaildirGoesOnBehindWhatIsDamaged(t *testing.T) {
	m := Maildir{Dir: t.TempDir()}
	for i, name := range []string{"1.a", "2.b", "3.c"} {
		if err := m.Keep(strings.NewReader("Subject: "+name+"\r\n\r\n"), time.Unix(int64(i), 0)); err != nil {
			t.Fatal(err)
		}
	}
	names, err := os.ReadDir(filepath.Join(m.Dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(m.Dir, "cur", names[1].Name()+":2,"), []byte("another's"), 0o600); err != nil {
		t.Fatal(err)
	}
	tally, err := m.Read(t.Context(), func(context.Context, *Message) (bool, error) { return false, nil })
	if err == nil || !strings.Contains(err.Error(), names[1].Name()) || tally.Read != 2 {
		t.Errorf("%+v, %v; want 2 read, and %s named", tally, err, names[1].Name())
	}
	broken := errors.New("the store is away")
	if _, err := m.Read(t.Context(), func(context.Context, *Message) (bool, error) { return false, broken }); !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
}
