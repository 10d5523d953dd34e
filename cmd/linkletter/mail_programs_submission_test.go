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
	}{
		{"STARTTLS", "smtp: smtp://" + user + "@" + o.Submission + "\n  password: " + officePassword, o.CA, ""},
		{"TLS", "smtp: smtps://" + user + "@" + o.TLS + "\n  password: " + officePassword, o.CA, ""},
		{"another authority", "smtp: smtps://" + user + "@" + o.TLS + "\n  password: " + officePassword, o.Dir + "/none.pem", "certificate"},
		{"wrong password", "smtp: smtps://" + user + "@" + o.TLS + "\n  password: wrong", o.CA, "535 5.7.8"},
		{"no login", "smtp: smtps://" + o.TLS, o.CA, "554 5.7.1"},
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
			cmd := i.linkletter("digest", "send")
			cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+c.authority, "SSL_CERT_DIR="+o.Dir+"/none")
			out, err := cmd.CombinedOutput()
			if c.want == "" && (err != nil || !strings.Contains(string(out), "1 sent")) {
				t.Errorf("digest send: %v, want 1 sent\n%s", err, out)
			}
			if c.want != "" && (!strings.Contains(string(out), c.want) || strings.Contains(string(out), "1 sent")) {
				t.Errorf("digest send: want %q and nothing sent\n%s", c.want, out)
			}
		})
	}
}
