package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/mailer/smtptest"
	"linkletter/feed/digest"
	"linkletter/store"
)

// Who gets the issue that goes through real mail servers.
const (
	ada     = "ada@receiver.example"
	unknown = "nobody@receiver.example" // Postfix does not know this one
	late    = "late@receiver.example"   // Postfix takes mail for this one, and Dovecot does not
	utf8    = "jörg@utf8.example"       // can only be written to with SMTPUTF8
)

// posted is an issue that went out through an office.
type posted struct {
	*installation
	office  *office
	utf8    *smtptest.Server  // the server of utf8.example
	written map[string][]byte // the same messages as they left the program, by recipient, without signatures
	zone    map[string]string // TXT records with the keys
}

// What real programs make of an issue that the real program sends through a real Postfix.
func TestMailPrograms(t *testing.T) {
	p := post(t)
	t.Run("stored", p.testStored)
	t.Run("fetched", p.testFetched)
	t.Run("shown", p.testShown)
	t.Run("verified", p.testVerified)
	t.Run("unknown", p.testUnknown)
	t.Run("late", p.testLate)
	t.Run("utf8", p.testUTF8)
	t.Run("submission", p.testSubmission)
}

// config is the installation's configuration with another way for mail to leave.
func (p *posted) config(way string) string {
	return fmt.Sprintf(`
base_url: https://links.example
imprint: Ada Lovelace, 12 St James's Square, London
lists: [{id: tools, title: Bücher und 工具, source: list.md}]
digests: [{id: weekly, title: Neue Bücher, from: "Bücher <digest@links.example>"}]
mail:
  bounces: bounces@links.example
  dkim: [{selector: rsa, key_file: rsa.pem}, {selector: ed, key_file: ed.pem}]
  %s
`, way)
}

// post sends one issue. A copy of the installation, made when the issue was frozen, writes the same messages into a folder.
func post(t *testing.T) *posted {
	t.Helper()
	needMail(t, "postfix", "dovecot") // before work is done for nothing
	p := &posted{utf8: smtptest.New(t, smtptest.WithUTF8()), written: map[string][]byte{}}
	p.installation = install(t, p.config("smtp: smtp://"+freeAddr(t)))
	p.keys()
	p.write("list.md", "# Tools\n\n## Für alle\n\n- [Anvil](https://example.org/anvil) - Heavy.\n")
	p.run("check")
	p.run("subscribers", "add", ada, unknown, late, utf8)
	p.write("list.md", "# Tools\n\n## Für alle\n\n- [Anvil](https://example.org/anvil) - Heavy.\n"+
		"- [Größe und Gewicht](https://example.org/size) - Wie schwer ein Amboß ist, in allen Einheiten; 単位の本.\n"+
		"- [Chisel](https://example.org/chisel) - Sharp.\n")
	p.run("check")
	if out, err := p.linkletter("digest", "send").CombinedOutput(); err == nil {
		t.Fatalf("an issue was sent to a server that is not there:\n%s", out)
	}
	copied := &installation{T: t, dir: t.TempDir(), rand: p.rand}
	p.must(os.CopyFS(copied.dir, os.DirFS(p.dir)))
	copied.write("config.yaml", p.config("outbox: outbox"))
	copied.run("digest", "send")
	files, err := filepath.Glob(copied.path("outbox/*.eml"))
	p.must(err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		p.must(err)
		m, err := mail.ReadMessage(bytes.NewReader(b))
		p.must(err)
		p.written[m.Header.Get("To")] = unsigned(b)
	}
	p.office = openOffice(t, p.utf8.Addr)
	p.write("config.yaml", p.config("smtp: smtp://"+p.office.SMTP))
	t.Logf("%s", p.run("digest", "send"))
	return p
}

// keys makes the keys that sign, as an operator does.
func (p *posted) keys() {
	p.zone = map[string]string{}
	for _, kind := range []string{"rsa", "ed25519"} {
		var made madeKey
		selector := strings.TrimSuffix(kind, "25519")
		out := p.run("doctor", "--dkim-key", selector+".pem", "--type", kind, "--selector", selector, "--json")
		p.must(json.Unmarshal(out, &made))
		p.zone[made.Records[0].Name] = made.Records[0].Value
	}
}

// unsigned is a message without the signatures at its beginning, which tell the second at which each was made.
func unsigned(msg []byte) []byte {
	for bytes.HasPrefix(msg, []byte("DKIM-Signature:")) {
		_, after, _ := bytes.Cut(msg, []byte("\r\n"))
		for bytes.HasPrefix(after, []byte(" ")) || bytes.HasPrefix(after, []byte("\t")) {
			_, after, _ = bytes.Cut(after, []byte("\r\n"))
		}
		msg = after
	}
	return msg
}

// What a mailbox holds is what left the program, below the lines that the servers put on top.
func (p *posted) testStored(t *testing.T) {
	_, got := p.office.stored(t, ada)
	want := strings.ReplaceAll(string(p.written[ada]), "\r\n", "\n")
	top, ok := strings.CutSuffix(string(got), want)
	if !ok {
		t.Fatalf("the message was changed on its way (-sent +stored):\n%s", cmp.Diff(want, string(got)))
	}
	h, err := mail.ReadMessage(strings.NewReader(top + "\n"))
	if err != nil {
		t.Fatalf("what the servers added is no header: %v\n%s", err, top)
	}
	for name := range h.Header {
		if !slices.Contains([]string{"Return-Path", "Delivered-To", "Received", "Dkim-Signature"}, name) {
			t.Errorf("a server added %s: %q", name, h.Header[name])
		}
	}
	if got := len(h.Header["Dkim-Signature"]); got != len(p.zone) {
		t.Errorf("the stored message has %d signatures, want %d:\n%s", got, len(p.zone), top)
	}
}

// An IMAP client gets the same.
func (p *posted) testFetched(t *testing.T) {
	needMail(t, "curl")
	p.office.stored(t, ada)
	got := p.office.shell("curl", "-sS", "--noproxy", "*", "--user", ada+":"+officePassword,
		"imap://"+p.office.IMAP+"/INBOX;MAILINDEX=1")
	if !strings.HasSuffix(got, string(p.written[ada])) {
		t.Errorf("IMAP gives another message (-sent +fetched):\n%s", cmp.Diff(string(p.written[ada]), got))
	}
}

// muttRC shows the message as mutt does in its pager, in a file, and the index on the screen.
const muttRC = `set pipe_decode=yes wait_key=no copy=no mbox_type=Maildir header_cache=""
set folder=%[2]s index_format="%%F: %%s."
ignore *
unignore from to subject date
alternative_order text/plain text/html
push "<pipe-message>cat > %[1]s<enter><exit>"
`

// A mail program shows subject, sender and text.
func (p *posted) testShown(t *testing.T) {
	needMail(t, "mutt", "script")
	file, _ := p.office.stored(t, ada)
	dir := t.TempDir()
	shown, rc := filepath.Join(dir, "shown"), filepath.Join(dir, "muttrc")
	p.must(os.WriteFile(rc, fmt.Appendf(nil, muttRC, shown, dir), 0o644))
	box := filepath.Join(dir, "box") // a copy: the mailbox stays as it is
	for _, d := range []string{"new", "cur", "tmp"} {
		p.must(os.MkdirAll(filepath.Join(box, d), 0o755))
	}
	msg, err := os.ReadFile(file)
	p.must(err)
	p.must(os.WriteFile(filepath.Join(box, "new", "1.1.localhost"), msg, 0o644))

	ctx := t.Context()
	cmd := exec.CommandContext(ctx, "script", "-qec", "mutt -n -R -F "+rc+" -f "+box, os.DevNull)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TERM=xterm", "LANG=C.UTF-8", "COLUMNS=120", "LINES=40"}
	var screen bytes.Buffer
	cmd.Stdout, cmd.Stderr = &screen, &screen
	stdin, err := cmd.StdinPipe() // it stays open: mutt takes its end for a wish to leave
	p.must(err)
	p.must(cmd.Start())
	watchdog := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	defer watchdog.Stop()
	err = cmd.Wait()
	stdin.Close()
	b, reading := os.ReadFile(shown)
	if err != nil || reading != nil {
		t.Fatalf("mutt: %v, %v\n%q", err, reading, screen.String())
	}
	subject := p.subject(t)
	for _, want := range []string{"From: Bücher <digest@links.example>", "To: " + ada, "Subject: " + subject,
		"Größe und Gewicht", "https://example.org/size", "単位の本", "https://links.example/-/unsubscribe/"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("mutt does not show %q:\n%s", want, b)
		}
	}
	if strings.Contains(string(b), "<table") {
		t.Errorf("mutt shows markup:\n%s", b)
	}
	if !strings.Contains(screen.String(), ": "+subject+".") {
		t.Errorf("mutt's index does not have the subject %q:\n%q", subject, screen.String())
	}
}

// subject is the issue's, as readers see it.
func (p *posted) subject(t *testing.T) string {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(p.written[ada]))
	p.must(err)
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	p.must(err)
	if !strings.Contains(subject, "Bücher") {
		t.Fatalf("the subject is %q, want one with a letter beyond ASCII", subject)
	}
	return subject
}

// shows is what `digest show` says of a recipient.
func (p *posted) shows(t *testing.T, address string) string {
	t.Helper()
	out := string(p.run("digest", "show", "1"))
	for line := range strings.SplitSeq(out, "\n") {
		if strings.Contains(line, address) {
			return line
		}
	}
	t.Fatalf("digest show does not name %s:\n%s", address, out)
	return ""
}

// Whoever Postfix does not know is never written to again.
func (p *posted) testUnknown(t *testing.T) {
	if got := p.shows(t, unknown); !strings.Contains(got, "failed") || !strings.Contains(got, "550 5.1.1") {
		t.Errorf("digest show: %q, want failed with Postfix's 550 5.1.1", got)
	}
	if got := p.shows(t, ada); !strings.Contains(got, "sent") || !strings.Contains(got, "queued as") {
		t.Errorf("digest show: %q, want sent with Postfix's reply", got)
	}
	if out := string(p.run("subscribers", "list")); !strings.Contains(lineOf(out, unknown), "suppressed") {
		t.Errorf("subscribers list: %q, want it suppressed", lineOf(out, unknown))
	}
}

// lineOf is the first line of a text that holds a string.
func lineOf(text, what string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.Contains(line, what) {
			return line
		}
	}
	return ""
}

// Another implementation of DKIM looks at the message as it is stored.
func (p *posted) testVerified(t *testing.T) {
	const python = "/usr/bin/python3" // Debian's, which has Debian's packages
	needMail(t, python)
	if out, err := exec.Command(python, "-c", "import dkim, nacl").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("python3-dkim and python3-nacl are needed in CI: %v\n%s", err, out)
		}
		t.Skipf("skipped: no python3-dkim or python3-nacl")
	}
	file, _ := p.office.stored(t, ada)
	zone, err := json.Marshal(p.zone)
	p.must(err)
	p.must(os.WriteFile(p.path("zone.json"), zone, 0o644))
	out, err := exec.Command(python, "testdata/mail/verify.py", file, p.path("zone.json")).CombinedOutput()
	if err != nil || strings.Count(string(out), ": good, and") != len(p.zone) {
		t.Errorf("python3-dkim: %v, want %d good signatures\n%s", err, len(p.zone), out)
	}
	t.Logf("%s", out)
}

// What Postfix takes and cannot deliver comes back as a report to the envelope's sender, whose mark tells whom it is about.
func (p *posted) testLate(t *testing.T) {
	if got := p.shows(t, late); !strings.Contains(got, "sent") {
		t.Errorf("digest show: %q, want sent: Postfix took it", got)
	}
	_, report := p.office.stored(t, "bounces@links.example")
	m, err := mail.ReadMessage(bytes.NewReader(report))
	p.must(err)
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/report" || params["report-type"] != "delivery-status" {
		t.Errorf("what came back is %s %v (%v), want a report of a delivery (RFC 3464):\n%s", kind, params, err, report)
	}
	body, err := io.ReadAll(m.Body)
	p.must(err)
	for _, want := range []string{"Final-Recipient: rfc822; " + late, "Status: 5.1.1", "Action: failed"} {
		if !bytes.Contains(body, []byte(want)) {
			t.Errorf("the report does not say %q:\n%s", want, body)
		}
	}
	s, err := store.Open(t.Context(), p.path("data/linkletter.db"), time.Now)
	p.must(err)
	defer s.Close()
	keys, err := s.BounceKeys(t.Context())
	p.must(err)
	to := m.Header.Get("To")
	mark, ok := digest.BounceAddress{Local: "bounces", Domain: "links.example"}.Mark(to)
	issue, subscriber, good := keys.ParseMark(mark)
	if !ok || !good {
		t.Fatalf("the report came to %q, want an address with a mark of ours", to)
	}
	got := p.column(fmt.Sprintf(`SELECT s.address || ' ' || i.digest || ' ' || i.number FROM delivery d
		JOIN subscriber s ON s.id = d.subscriber JOIN issue i ON i.id = d.issue WHERE d.issue = %d AND d.subscriber = %d`, issue, subscriber))
	if want := []string{late + " weekly 1"}; !slices.Equal(got, want) {
		t.Errorf("the mark in %s is about %q, want %q", to, got, want)
	}
}

// An address that needs SMTPUTF8 goes through a server that knows it.
func (p *posted) testUTF8(t *testing.T) {
	if got := p.shows(t, utf8); !strings.Contains(got, "sent") {
		t.Fatalf("digest show: %q, want sent", got)
	}
	for end := time.Now().Add(20 * time.Second); len(p.utf8.Journal()) == 0 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	journal := p.utf8.Journal()
	if len(journal) != 1 || journal[0].To != utf8 || !journal[0].UTF8 {
		t.Fatalf("%s got %+v, want one message with SMTPUTF8", utf8, journal)
	}
	if !bytes.HasSuffix(journal[0].Data, p.written[utf8]) {
		t.Errorf("the message was changed on its way (-sent +stored):\n%s", cmp.Diff(string(p.written[utf8]), string(journal[0].Data)))
	}
}
