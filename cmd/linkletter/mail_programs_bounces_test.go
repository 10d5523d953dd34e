package main

import (
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/cmd/internal/mailbox"
)

// Two whom Postfix takes mail for, and cannot deliver it to.
const (
	overFull = "full@receiver.example" // the mailbox is full
	grün     = "grün@receiver.example" // nobody is there, and the report has the form for other letters (RFC 6533)
)

// returns is an installation whose issues come back, and how they do.
type returns struct {
	*installation
	office *office
	domain string // of mail.bounces
	sent   int
}

// returnsTo makes one in a folder that other users can get at.
func (o *office) returnsTo(t *testing.T, name, domain, box string, subscribers ...string) *returns {
	t.Helper()
	r := &returns{installation: install(t, ""), office: o, domain: domain}
	r.dir = filepath.Join(o.Dir, name)
	r.must(os.Mkdir(r.dir, 0o755))
	r.write("config.yaml", fmt.Sprintf(`
base_url: https://links.example
imprint: Ada Lovelace, 12 St James's Square, London
lists: [{id: tools, source: list.md}]
digests: [{id: weekly, from: digest@links.example}]
mail: {smtp: "smtp://%s", bounces: bounces@%s}
mailbox: {soft_limit: 1.5, %s}
`, o.SMTP, domain, box))
	r.write("list.md", toolList(1))
	r.run("check")
	r.run(append([]string{"subscribers", "add"}, subscribers...)...)
	return r
}

// send sends another issue.
func (r *returns) send() {
	r.Helper()
	r.sent++
	r.write("list.md", toolList(1+2*r.sent))
	r.run("check")
	r.run("digest", "send")
}

// bounces waits until so many reports are known, and gives the newest of each address.
func (r *returns) bounces(n int, read ...string) map[string]bounceRow {
	r.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if len(read) > 0 {
			r.run(read...)
		}
		var rows []bounceRow
		r.must(json.Unmarshal(r.run("bounces", "list", "--json"), &rows))
		if len(rows) == n {
			all := map[string]bounceRow{}
			for _, row := range rows {
				if _, ok := all[row.Address]; !ok {
					all[row.Address] = row
				}
			}
			return all
		}
		if time.Now().After(end) {
			r.Fatalf("%d reports are known, want %d: %+v", len(rows), n, rows)
		}
	}
}

// wants compares what became of addresses: "kind status reason".
func (r *returns) wants(got map[string]bounceRow, want map[string]string) {
	r.Helper()
	all := map[string]string{}
	for address, row := range got {
		all[address] = fmt.Sprintf("%s %s %s", row.Kind, row.Status, row.Suppressed)
		if !row.Proven || row.Digest != "weekly" || row.Issue != r.sent {
			r.Errorf("%s: %+v, want a proven report about issue %d", address, row, r.sent)
		}
	}
	if diff := cmp.Diff(want, all); diff != "" {
		r.Errorf("what came back (-want +got):\n%s", diff)
	}
}

// letter mails something to an address that is not for the program.
func (r *returns) letter(to, subject string) {
	r.Helper()
	msg := "From: ada@receiver.example\r\nTo: " + to + "\r\nSubject: " + subject + "\r\n\r\nHello.\r\n"
	r.must(smtp.SendMail(r.office.SMTP, nil, "ada@receiver.example", []string{to}, []byte(msg)))
}

// P6: reports that a real Postfix makes, read over IMAP from a real Dovecot, from a maildir, and from a pipe.
func TestP6MailPrograms(t *testing.T) {
	needMail(t, "postfix", "dovecot")
	o := openOffice(t, freeAddr(t))
	t.Run("IMAP", o.testBouncesIMAP)
	t.Run("TLS", o.testBouncesTLS)
	t.Run("maildir", o.testBouncesMaildir)
	t.Run("pipe", o.testBouncesPipe)
}

// unseen are the subjects of the unread messages in the mailbox for bounces, or of all.
func (o *office) subjects(t *testing.T, which string) string {
	t.Helper()
	out, err := exec.Command("doveadm", "-c", filepath.Join(o.Dir, "dovecot.conf"), "fetch", "-u", "bounces@links.example",
		"hdr.subject", "mailbox", "INBOX", which).CombinedOutput()
	if err != nil {
		t.Fatalf("doveadm: %v\n%s", err, out)
	}
	return string(out)
}

func (o *office) testBouncesIMAP(t *testing.T) {
	box := "imap: \"imap://bounces%40links.example@" + o.IMAP + "/INBOX\", password: " + officePassword
	r := o.returnsTo(t, "imap", "links.example", box, ada, late, overFull)
	r.letter("bounces@links.example", "a question")
	r.send()
	r.wants(r.bounces(2, "bounces", "read"), map[string]string{late: "hard 5.1.1 bounce", overFull: "soft 5.2.2 "})
	if got := o.subjects(t, "unseen"); !strings.Contains(got, "a question") || strings.Contains(got, "Undelivered") {
		t.Errorf("unread are %q, want the letter and no report", got)
	}
	r.send() // late is not written to again, and full for the second time
	r.write("config.yaml", strings.Replace(string(mustRead(t, r.path("config.yaml"))), "mailbox: {", "mailbox: {delete: true, ", 1))
	r.wants(map[string]bounceRow{overFull: r.bounces(3, "bounces", "read")[overFull]}, map[string]string{overFull: "soft 5.2.2 bounce"})
	if got := o.subjects(t, "all"); !strings.Contains(got, "a question") || strings.Count(got, "Undelivered") != 2 {
		t.Errorf("there are %q, want the letter and the two reports from before they were deleted", got)
	}
	// Another UIDVALIDITY, or a lost one: all is read once more, and counts once.
	r.query(func(db *sql.DB) error {
		_, err := db.Exec(`DELETE FROM setting WHERE name = 'mailbox'`)
		return err
	})
	if out := string(r.run("bounces", "read")); !strings.Contains(out, "3 messages read, 2 understood") {
		t.Errorf("read anew: %q", out)
	}
	r.bounces(3)
	if got := o.subjects(t, "all"); !strings.Contains(got, "a question") || strings.Contains(got, "Undelivered") {
		t.Errorf("there are %q, want the letter alone", got)
	}
	if out := string(r.run("status")); !strings.Contains(out, "in 30 days 1 for good, 2 for now, 0 complaints; 2 addresses are suppressed") {
		t.Errorf("status does not tell it:\n%s", out)
	}
	token := r.token()
	r.letter("bounces@links.example", "Re: unsubscribe "+token)
	for end := time.Now().Add(20 * time.Second); !strings.Contains(string(r.run("subscribers", "list")), "unsubscribed"); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("a mail that unsubscribes was not understood:\n%s", r.run("subscribers", "list"))
		}
		r.run("bounces", "read")
	}
}

// token is Ada's, as her message has it, which asks for mail to the mailbox that is read.
func (r *returns) token() string {
	r.Helper()
	files, err := filepath.Glob(filepath.Join(r.office.Dir, "mail", "ada", "*", "*"))
	r.must(err)
	if len(files) == 0 {
		r.Fatal("nothing has come for Ada")
	}
	_, rest, ok := strings.Cut(string(mustRead(r.T, files[0])), "<mailto:bounces@links.example?subject=unsubscribe%20")
	if !ok {
		r.Fatalf("the message does not say how to unsubscribe at the mailbox that is read:\n%s", mustRead(r.T, files[0]))
	}
	token, _, _ := strings.Cut(rest, ">")
	return token
}

func mustRead(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Passwords go to a server whose certificate is good, and to no other.
func (o *office) testBouncesTLS(t *testing.T) {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(mustRead(t, o.CA))
	for _, c := range []struct {
		name, address string
		pool          *x509.CertPool
		want          string
	}{
		{"TLS", "imaps://bounces%40links.example@" + o.IMAPS, pool, ""},
		{"STARTTLS", "imap://bounces%40links.example@" + o.IMAP, pool, ""},
		{"TLS, another authority", "imaps://bounces%40links.example@" + o.IMAPS, x509.NewCertPool(), "certificate"},
		{"STARTTLS, another authority", "imap://bounces%40links.example@" + o.IMAP, x509.NewCertPool(), "certificate"},
		{"no such folder", "imaps://bounces%40links.example@" + o.IMAPS + "/Nowhere", pool, "Nowhere"},
		{"wrong user", "imaps://nobody%40links.example@" + o.IMAPS, pool, "logging in"},
	} {
		m, err := mailbox.ParseIMAP(c.address, officePassword)
		if err != nil {
			t.Fatal(err)
		}
		m.Plain, m.TLS, m.Timeout = false, &tls.Config{RootCAs: c.pool}, 10*time.Second
		_, err = m.Probe(t.Context())
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func (o *office) testBouncesMaildir(t *testing.T) {
	dir := filepath.Join(o.Dir, "boxes", "bounces")
	r := o.returnsTo(t, "maildir", "maildir.example", "maildir: "+dir, late, grün)
	r.letter("bounces@maildir.example", "a question")
	r.send()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(dir, "new", "*"))
		r.must(err)
		if len(files) == 3 || time.Now().After(end) {
			break
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "new", "*"))
	r.must(err)
	forms := 0
	for _, f := range files {
		forms += strings.Count(string(mustRead(t, f)), "Content-Type: message/global-delivery-status")
	}
	if forms != 1 {
		t.Errorf("%d of %d messages have the form of RFC 6533, want 1: Postfix makes another report than this test is about", forms, len(files))
	}
	r.wants(r.bounces(2, "bounces", "read"), map[string]string{late: "hard 5.1.1 bounce", grün: "hard 5.1.1 bounce"})
	read, err := filepath.Glob(filepath.Join(dir, "cur", "*:2,S"))
	r.must(err)
	unread, err := filepath.Glob(filepath.Join(dir, "cur", "*:2,"))
	r.must(err)
	if len(read) != 2 || len(unread) != 1 {
		t.Errorf("%d messages are read and %d are not, want 2 and 1", len(read), len(unread))
	}
}

func (o *office) testBouncesPipe(t *testing.T) {
	binary, err := exec.LookPath("linkletter")
	o.must(err)
	o.must(os.Mkdir(filepath.Join(o.Dir, "bin"), 0o755))
	o.must(os.WriteFile(filepath.Join(o.Dir, "bin", "linkletter"), mustRead(t, binary), 0o755))
	r := o.returnsTo(t, "piped", "pipe.example", "kept: kept", late, overFull)
	o.shell("chown", "-R", "mail", r.dir)
	r.letter("bounces@pipe.example", "a question")
	r.send()
	o.shell("chown", "-R", "mail", r.dir)
	r.wants(r.bounces(2), map[string]string{late: "hard 5.1.1 bounce", overFull: "soft 5.2.2 "})
	kept, err := filepath.Glob(r.path("kept/new/*"))
	r.must(err)
	if len(kept) != 1 || !strings.Contains(string(mustRead(t, kept[0])), "Subject: a question") {
		t.Errorf("kept are %q, want the letter", kept)
	}
}
