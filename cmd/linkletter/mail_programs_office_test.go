package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"
)

// office is a Postfix that passes what it takes on to a Dovecot, which stores it: both the test's own, on loopback alone,
// with all they have in one folder. It is at home at receiver.example and links.example.
type office struct {
	*testing.T
	Dir        string
	SMTP       string // where Postfix takes mail, host:port
	Submission string // the same after STARTTLS and a login
	TLS        string // the same in TLS from the first byte
	IMAP       string // Dovecot
	IMAPS      string // the same in TLS from the first byte
	UTF8       string // who takes mail for utf8.example from Postfix
	CA         string // file of the authority that signed the certificates of both
	Users      []string
}

// The password of everybody who has a mailbox.
const officePassword = "secret"

// mainCF: full@ and grün@receiver.example are refused after they were accepted, by a program. late@receiver.example is known to Postfix and not to Dovecot, so that mail to it is accepted and comes back.
var mainCF = template.Must(template.New("main.cf").Parse(`compatibility_level = 3.6
queue_directory = {{.Dir}}/queue
data_directory = {{.Dir}}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {{.Dir}}/postfix.log
maillog_file_prefixes = {{.Dir}}
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mx.receiver.example
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
biff = no
local_transport = error:nobody lives here
relay_transport = error:nothing is relayed
default_transport = error:nothing leaves this machine
relay_domains = utf8.example
relay_recipient_maps =
transport_maps = inline:{utf8.example=smtp:[127.0.0.1]:{{.UTF8Port}}, maildir.example=virtual:, pipe.example=linkletter:,
  full@receiver.example=refuse:5.2.2, grün@receiver.example=refuse:5.1.1}
virtual_mailbox_domains = receiver.example, links.example, maildir.example, pipe.example
virtual_mailbox_maps = inline:{late@receiver.example=x, full@receiver.example=x, grün@receiver.example=x,
  bounces@maildir.example=bounces/, bounces@pipe.example=x{{range .Users}}, {{.}}=x{{end}}}
virtual_mailbox_base = {{.Dir}}/boxes
virtual_uid_maps = static:8
virtual_gid_maps = static:8
virtual_minimum_uid = 1
linkletter_destination_recipient_limit = 1
virtual_transport = lmtp:unix:{{.Dir}}/lmtp
recipient_delimiter = +
smtpd_tls_cert_file = {{.Dir}}/cert.pem
smtpd_tls_key_file = {{.Dir}}/key.pem
smtpd_sasl_type = dovecot
smtpd_sasl_path = {{.Dir}}/auth
`))

var masterCF = template.Must(template.New("master.cf").Parse(`{{.SMTP}} inet n - n - - smtpd
{{.Submission}} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes -o smtpd_sasl_auth_enable=yes
  -o mynetworks= -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
{{.TLS}} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes
  -o mynetworks= -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
virtual unix - n n - - virtual
refuse unix - n n - - pipe flags=R user=mail argv={{.Dir}}/refuse ${nexthop}
linkletter unix - n n - - pipe flags=DRX user=mail
  argv={{.Dir}}/bin/linkletter --config {{.Dir}}/piped/config.yaml bounces receive --recipient ${original_recipient}
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`))

// dovecotConf is for Dovecot 2.3.
var dovecotConf = template.Must(template.New("dovecot.conf").Parse(`base_dir = {{.Dir}}/run
state_dir = {{.Dir}}/state
log_path = {{.Dir}}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{{.Dir}}/cert.pem
ssl_key = <{{.Dir}}/key.pem
mail_location = maildir:{{.Dir}}/mail/%n
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
recipient_delimiter = +
auth_mechanisms = plain login
default_vsz_limit = 0
passdb {
  driver = passwd-file
  args = {{.Dir}}/users
}
userdb {
  driver = passwd-file
  args = {{.Dir}}/users
}
service imap-login {
  chroot =
  inet_listener imap {
    port = {{.IMAPPort}}
  }
  inet_listener imaps {
    port = {{.IMAPSPort}}
    ssl = yes
  }
}
service anvil {
  chroot =
}
service lmtp {
  unix_listener {{.Dir}}/lmtp {
    mode = 0666
  }
}
service auth {
  unix_listener {{.Dir}}/auth {
    mode = 0666
  }
}
`))

// UTF8Port and IMAPPort are what the configurations want of an address.
func (o *office) UTF8Port() string { return port(o.UTF8) }
func (o *office) IMAPPort() string { return port(o.IMAP) }

// IMAPSPort is the same for TLS.
func (o *office) IMAPSPort() string { return port(o.IMAPS) }

func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// needMail skips the test on a machine without a program, or without the rights to run it.
func needMail(t *testing.T, programs ...string) {
	t.Helper()
	missing := ""
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing = err.Error()
		}
	}
	if missing == "" && os.Geteuid() != 0 {
		missing = "mail servers are started by root alone"
	}
	if missing != "" && os.Getenv("CI") == "true" {
		t.Fatalf("needed in CI: %s", missing)
	} else if missing != "" {
		t.Skipf("skipped: %s", missing)
	}
}

// openOffice starts both servers; they end with the test. utf8 is a server that takes mail for utf8.example.
func openOffice(t *testing.T, utf8 string) *office {
	t.Helper()
	needMail(t, "postfix", "dovecot", "doveadm")
	dir, err := os.MkdirTemp("", "mail") // not the test's own folder, into which the servers' users cannot go
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	o := &office{T: t, Dir: dir, UTF8: utf8, CA: filepath.Join(dir, "ca.pem"),
		SMTP: freeAddr(t), Submission: freeAddr(t), TLS: freeAddr(t), IMAP: freeAddr(t), IMAPS: freeAddr(t),
		Users: []string{"ada@receiver.example", "bounces@links.example", "digest@links.example"}}
	o.must(os.Chmod(dir, 0o755))
	o.must(os.WriteFile(filepath.Join(dir, "refuse"), []byte("#!/bin/sh\ncat > /dev/null\necho \"$1 it is refused\"\nexit 69\n"), 0o755)) // EX_UNAVAILABLE
	for _, d := range []string{"postfix", "queue", "data", "mail", "boxes"} {
		o.must(os.Mkdir(filepath.Join(dir, d), 0o755))
	}
	o.must(os.Chmod(filepath.Join(dir, "mail"), 0o777))
	o.must(os.Chmod(filepath.Join(dir, "boxes"), 0o777))
	o.shell("chown", "postfix", filepath.Join(dir, "data"))
	newAuthority(t).certificate(t, dir)
	users := ""
	for _, u := range o.Users {
		users += fmt.Sprintf("%s:{PLAIN}%s:8:8::%s::\n", u, officePassword, filepath.Join(dir, "home", u))
	}
	o.must(os.WriteFile(filepath.Join(dir, "users"), []byte(users), 0o644))
	for name, tmpl := range map[string]*template.Template{"postfix/main.cf": mainCF, "postfix/master.cf": masterCF, "dovecot.conf": dovecotConf} {
		var b bytes.Buffer
		o.must(tmpl.Execute(&b, o))
		o.must(os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644))
	}
	config := filepath.Join(dir, "dovecot.conf")
	t.Cleanup(func() { o.shell("doveadm", "-c", config, "stop") })
	o.shell("dovecot", "-c", config)
	postfix := filepath.Join(dir, "postfix")
	t.Cleanup(func() { o.shell("postfix", "-c", postfix, "stop") })
	o.shell("postfix", "-c", postfix, "start")
	t.Cleanup(func() {
		if t.Failed() {
			for _, name := range []string{"postfix.log", "dovecot.log"} {
				b, err := os.ReadFile(filepath.Join(dir, name))
				t.Logf("%s: %v\n%s", name, err, b)
			}
		}
	})
	for _, addr := range []string{o.SMTP, o.Submission, o.TLS, o.IMAP, o.IMAPS} {
		o.answers(addr)
	}
	return o
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// shell runs a program to its end.
func (o *office) shell(name string, args ...string) string {
	o.Helper()
	cmd := exec.Command(name, args...)
	cmd.WaitDelay = time.Second // a daemon that it leaves behind may hold its output
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.Contains(err.Error(), exec.ErrWaitDelay.Error()) {
		o.Errorf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// answers waits until somebody listens.
func (o *office) answers(addr string) {
	o.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			o.Fatalf("nobody answers: %v", err)
		}
	}
}

// stored waits for the one message in a mailbox.
func (o *office) stored(t *testing.T, user string) (file string, msg []byte) {
	t.Helper()
	name, _, _ := strings.Cut(user, "@")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		box := filepath.Join(o.Dir, "mail", name)
		files, err := filepath.Glob(filepath.Join(box, "new", "*"))
		o.must(err)
		seen, err := filepath.Glob(filepath.Join(box, "cur", "*"))
		o.must(err)
		files = append(files, seen...)
		if len(files) > 1 {
			t.Fatalf("%d messages for %s, want 1: %q", len(files), user, files)
		}
		if len(files) == 1 {
			msg, err := os.ReadFile(files[0])
			o.must(err)
			return files[0], msg
		}
		if time.Now().After(end) {
			t.Fatalf("nothing has come for %s", user)
		}
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
