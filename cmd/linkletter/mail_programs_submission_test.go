package main

import (
	"os"
	"strings"
	"testing"
)

// Logging in at a Postfix that asks a Dovecot, in TLS of either kind, with an authority of the test's own.
func (p *posted) testSubmission(t *testing.T) {
	o := p.office
	user := strings.ReplaceAll(ada, "@", "%40")
	for _, c := range []struct {
		name, way, authority string
		want                 string // of what the program says; empty: it sends
		rcpt                 bool   // only a recipient is refused
	}{
		{"STARTTLS", "smtp: smtp://" + user + "@" + o.Submission + "\n  password: " + officePassword, o.CA, "", false},
		{"TLS", "smtp: smtps://" + user + "@" + o.TLS + "\n  password: " + officePassword, o.CA, "", false},
		{"another authority", "smtp: smtps://" + user + "@" + o.TLS + "\n  password: " + officePassword, o.Dir + "/none.pem", "certificate", false},
		{"wrong password", "smtp: smtps://" + user + "@" + o.TLS + "\n  password: wrong", o.CA, "535 5.7.8", false},
		{"no login", "smtp: smtps://" + o.TLS, o.CA, "554 5.7.1", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			i := install(t, p.config(c.way))
			for _, key := range []string{"rsa.pem", "ed.pem"} {
				i.must(os.Link(p.path(key), i.path(key)))
			}
			i.write("list.md", toolList(1))
			i.run("check")
			i.run("subscribers", "add", ada)
			i.write("list.md", toolList(3))
			i.run("check")
			run := func(args ...string) (string, error) {
				cmd := i.linkletter(args...)
				cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+c.authority, "SSL_CERT_DIR="+o.Dir+"/none")
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			out, err := run("digest", "send")
			if c.want == "" && (err != nil || !strings.Contains(out, "1 sent")) {
				t.Errorf("digest send: %v, want 1 sent\n%s", err, out)
			}
			if c.want != "" && (!strings.Contains(out, c.want) || strings.Contains(out, "1 sent")) {
				t.Errorf("digest send: want %q and nothing sent\n%s", c.want, out)
			}
			// The doctor sees the same before anything is sent, but for what Postfix says only to a recipient.
			out, _ = run("doctor", "--dns", freeAddr(t))
			got := lineOf(out, "mail server")
			if c.want == "" && !strings.Contains(got, "TLS 1.3, logged in as "+ada+", offers PIPELINING, SIZE 10240000, 8BITMIME and SMTPUTF8") ||
				c.want != "" && !c.rcpt && !(strings.HasPrefix(got, "fail") && strings.Contains(got, c.want)) {
				t.Errorf("doctor: %q, want what digest send came upon (%q)\n%s", got, c.want, out)
			}
		})
	}
}
