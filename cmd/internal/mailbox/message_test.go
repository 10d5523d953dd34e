package mailbox

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the messages in testdata are read as beside them")

// P6: what servers of all kinds send, after the forms that they document, and what is not a report.
func TestP6Read(t *testing.T) {
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no messages in testdata (%v)", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Read(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.MarshalIndent(m, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, '\n')
		beside := strings.TrimSuffix(file, ".eml") + ".json"
		if *update {
			if err := os.WriteFile(beside, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(beside)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got; -update writes it):\n%s", file, diff)
		}
		crlf, err := Read(strings.NewReader("Received: by another; Mon, 4 May 2026 09:02:00 +0000\r\n" + strings.ReplaceAll(string(envelopeLine.ReplaceAll(raw, nil)), "\n", "\r\n")))
		if err != nil || crlf.ID != m.ID || crlf.Kind != m.Kind {
			t.Errorf("%s, come by another way, is %s %s (%v), want %s %s", file, crlf.Kind, crlf.ID, err, m.Kind, m.ID)
		}
	}
}

// P6: what is made to be hard to read is read to a limit, in little time and room.
func TestP6HostileMessages(t *testing.T) {
	deep := strings.Builder{}
	for i := range 1000 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	deep.WriteString("Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; ada@example.org\nAction: failed\nStatus: 5.1.1\n")
	for name, c := range map[string]struct {
		msg  string
		want Kind
	}{
		"empty":           {"", Other},
		"line ends":       {strings.Repeat("\r\n", 1000), Other},
		"no header":       {"\x00\xff\xfe", Other},
		"nested 1000":     {deep.String(), Other},
		"30 MB":           {"Subject: hello\n\n" + strings.Repeat("0123456789abcdef\n", 30<<20/17), Other},
		"a header of 3MB": {"Subject: " + strings.Repeat("x", 3<<20) + "\n\nhello", Other},
		"many fields":     {strings.Repeat("X: y\n", 100_000) + "\nhello", Other},
		"many parts": {"Content-Type: multipart/report; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 10_000) +
			"--b\nContent-Type: message/delivery-status\n\nAction: failed\n\n--b--\n", Other},
		"many recipients": {"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n" +
			strings.Repeat("Final-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.1.1\n\n", 3000) + "--b--\n", Delivery},
		"no boundary":     {"Content-Type: multipart/report\n\n--\nContent-Type: message/delivery-status\n\nAction: failed\n", Other},
		"long token":      {"Subject: unsubscribe " + strings.Repeat("A", 100_000) + "\n\n", Other},
		"unknown letters": {"Subject: =?x-none?Q?unsubscribe_?=\nContent-Type: text/plain; charset=x-none\n\nhi", Other},
	} {
		m, err := Read(strings.NewReader(c.msg))
		if err != nil || m.Kind != c.want || len(m.Recipients) > maxRecipients {
			t.Errorf("%s is %s with %d recipients (%v), want %s", name, m.Kind, len(m.Recipients), err, c.want)
		}
	}
	// A large message with its report in front is understood.
	report, err := os.ReadFile("testdata/postfix-unknown.eml")
	if err != nil {
		t.Fatal(err)
	}
	large := bytes.Replace(report, []byte("The issue."), bytes.Repeat([]byte("long lines of it all\n"), 30<<20/21), 1)
	if m, err := Read(bytes.NewReader(large)); err != nil || m.Kind != Delivery || len(m.About.MessageIDs) == 0 {
		t.Errorf("a report that returns 30 MB is %+v (%v)", m, err)
	}
}

// P6: the status is the most exact that a report has.
func TestP6BestStatus(t *testing.T) {
	for _, c := range []struct{ status, reply, want string }{
		{"5.1.1", "", "5.1.1"},
		{"5.0.0", "smtp; 550 5.1.1 no such user", "5.1.1"},
		{"5.0.0", "smtp; 450 4.2.1 busy", "5.0.0"}, // they contradict each other
		{"5.2.2", "smtp; 550 5.1.1 no such user", "5.2.2"},
		{"", "smtp; 550 5.1.1 no such user", "5.1.1"},
		{"", "smtp; 550 no such user", "5.0.0"},
		{"", "550-5.1.1 x 550 5.1.1 y", "5.1.1"},
		{"5.1.1 (unknown user)", "", "5.1.1"},
		{"", "lost connection with 10.5.1.1", ""},
		{"", "Sorry (#5.1.1)", "5.1.1"},
		{"5.999.1234", "", ""},
		{"nonsense", "nonsense", ""},
	} {
		if got := bestStatus(c.status, c.reply); got != c.want {
			t.Errorf("status %q and reply %q make %q, want %q", c.status, c.reply, got, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.eml")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Read(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		again, _ := Read(bytes.NewReader(raw))
		if diff := cmp.Diff(m, again); diff != "" {
			t.Errorf("one message reads in two ways:\n%s", diff)
		}
		if (m.Kind == Unsubscribe) != (m.Token != "") || (m.Kind == Delivery || m.Kind == Plain) && len(m.Recipients) == 0 {
			t.Errorf("%+v contradicts itself", m)
		}
		for _, r := range m.Recipients {
			if r.Status != "" && enhanced(r.Status) != r.Status || strings.ContainsAny(r.Reply, "\r\n\x00") || len(r.Reply) > maxReply {
				t.Errorf("%+v has a status or a reply that cannot be shown", r)
			}
		}
	})
}
