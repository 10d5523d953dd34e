package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"

	"linkletter/cmd/internal/deliver"
	"linkletter/cmd/internal/mailer"
	"linkletter/feed"
	"linkletter/feed/digest"
)

// password takes the password from a file of its own, if it stands in one.
func (v *validator) password() {
	m := &v.c.Mail
	if m.PasswordFile == "" {
		return
	}
	if m.Password != "" {
		v.fail("$.mail.password_file", "set one of the two", "mail.password is set too")
		return
	}
	b, err := os.ReadFile(v.c.path(m.PasswordFile))
	if err != nil {
		v.fail("$.mail.password_file", "it holds the password and nothing else", "%v", err)
	}
	m.Password = strings.TrimRight(string(b), "\r\n")
}

func (v *validator) mail() {
	m := v.c.Mail
	if m.SMTP == "" {
		if m.Outbox == "" {
			v.fail("$.mail.outbox", "name a folder, or a server in mail.smtp", "messages have nowhere to go")
		}
	} else if _, err := mailer.ParseSMTP(m.SMTP, m.Password); err != nil {
		v.fail("$.mail.smtp", "smtp://user@host:587 or smtps://user@host; the password stands in mail.password or mail.password_file", "%v", err)
	}
	if m.Connections < 1 || m.Connections > 64 {
		v.fail("$.mail.connections", "1 to 64", "%d connections cannot be kept", m.Connections)
	}
	if m.InDoubt != "resend" && m.InDoubt != "hold" {
		v.fail("$.mail.in_doubt", "resend or hold", "%q is not a policy", m.InDoubt)
	}
	if m.KeepDeliveries < 0 {
		v.fail("$.mail.keep_deliveries", "write it like 8760h; 0s keeps them for ever", "%v is no time to keep anything", m.KeepDeliveries)
	}
	if m.InDoubtHold < time.Second {
		v.fail("$.mail.in_doubt_hold", "write it like 15m; in_doubt: hold never resends", "%v is too short", m.InDoubtHold)
	}
}

// maxPerSecond is more than any server takes from one sender.
const maxPerSecond = 100_000

// limits looks at how fast messages may go out, and when.
func (v *validator) limits() {
	m := v.c.Mail
	for _, n := range []struct {
		key   string
		value int
	}{{"per_connection", m.PerConnection}, {"per_domain", m.PerDomain}} {
		if n.value < 0 {
			v.fail("$.mail."+n.key, "0 is no limit", "%d is less than 0", n.value)
		}
	}
	if !(m.PerSecond >= 0 && m.PerSecond <= maxPerSecond) {
		v.fail("$.mail.per_second", "0.5 is one message in two seconds; 0 is no limit", "%v messages a second cannot be sent", m.PerSecond)
	}
	if v.c.location == nil { // there is a mistake in the time zone
		return
	}
	var err error
	if v.c.quiet, err = deliver.ParseQuietHours(m.QuietHours, v.c.location); err != nil {
		v.fail("$.mail.quiet_hours", `write it like "22:00-07:00"`, "%v", err)
	}
}

// maxBounces is how long the local part can be that marks are added to, behind a plus: 64 octets is all there are (RFC 5321, 4.5.3.1.1).
const maxBounces = 64 - 1 - digest.MaxBounceMark

func (v *validator) bounces() {
	b := v.c.Mail.Bounces
	if b == "" {
		return
	}
	const hint = "write it like bounces@links.example.org"
	a, err := mailer.ParseAddress(b)
	switch {
	case err != nil || a.Name != "" || a.UTF8():
		v.fail("$.mail.bounces", hint, "%q is not an address", b)
	case strings.ContainsAny(a.Local, `+"`):
		v.fail("$.mail.bounces", hint, "%q: each message adds its mark behind a plus, and there can be no other", b)
	case len(a.Local) > maxBounces:
		v.fail("$.mail.bounces", hint, "%q: with a mark, its part before the @ is too long; it can have %d characters", b, maxBounces)
	}
	v.c.bounces = digest.BounceAddress{Local: a.Local, Domain: a.Domain}
}

// selectorForm is one or more labels of a domain (RFC 6376, 3.1).
var selectorForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

// dkim reads the keys that sign messages. One that speaks for no digest's From address would sign nothing.
func (v *validator) dkim() {
	seen := map[string]bool{}
	for i := range v.c.Mail.DKIM {
		k := &v.c.Mail.DKIM[i]
		at := fmt.Sprintf("$.mail.dkim[%d]", i)
		k.Domain = strings.ToLower(k.Domain)
		name := mailer.DKIMName(strings.ToLower(k.Selector), k.Domain)
		switch {
		case k.Selector == "":
			v.fail(at, "write it like {selector: rsa2026, key_file: dkim.pem}", "the selector is missing, under which the DNS has the key")
		case !selectorForm.MatchString(k.Selector):
			v.fail(at+".selector", "use letters, digits and hyphens: rsa2026", "%q cannot be a name in the DNS", k.Selector)
		case seen[name]:
			v.fail(at+".selector", "every key has a selector of its own", "%q is used twice", k.Selector)
		case k.Domain != "" && !tagForm.MatchString(k.Domain):
			v.fail(at+".domain", "write it like example.org, in A-labels (xn--…)", "%q is not a domain", k.Domain)
		case k.Domain != "" && !v.c.signs(*k):
			v.fail(at+".domain", "name the domain of a digest's from, or one above it, or leave it out",
				"%s is not the domain of any digest's from: receivers would not count its signature", k.Domain)
		case k.KeyFile == "":
			v.fail(at, "write it like {selector: rsa2026, key_file: dkim.pem}", "key_file is missing")
		}
		seen[name] = true
	}
	for i := range v.c.Mail.DKIM {
		if v.err != nil {
			return
		}
		k := &v.c.Mail.DKIM[i]
		file, err := os.ReadFile(v.c.path(k.KeyFile))
		if err == nil {
			k.key, err = mailer.ParseDKIMKey(file)
		}
		if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
			err = failed.Err // the path stands there already
		}
		if err != nil {
			v.fail(fmt.Sprintf("$.mail.dkim[%d].key_file", i), "`linkletter doctor --dkim-key FILE` makes a key", "%s: %v", k.KeyFile, err)
		}
	}
}

// signs says that a key signs the messages of some digest.
func (c *Config) signs(k DKIMConfig) bool {
	for _, d := range c.Digests {
		if _, ok := k.domain(d); ok {
			return true
		}
	}
	return false
}

// domain is the domain for which a key signs a digest's messages; ok is false where it does not.
func (k DKIMConfig) domain(d DigestConfig) (domain string, ok bool) {
	from, err := mailer.ParseAddress(d.From)
	if err != nil {
		return "", false
	}
	if k.Domain == "" {
		return from.Domain, true
	}
	return k.Domain, mailer.Aligned(k.Domain, from.Domain)
}

// signers are those of a digest's messages.
func (c *Config) signers(d DigestConfig) (mailer.Signers, error) {
	var all mailer.Signers
	for _, k := range c.Mail.DKIM {
		domain, ok := k.domain(d)
		if !ok {
			continue
		}
		s, err := mailer.NewSigner(domain, k.Selector, k.key)
		if err != nil {
			return nil, fmt.Errorf("mail.dkim: %s: %w", k.KeyFile, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// mailServer is the configured server and how it is greeted.
func (c *Config) mailServer() (*mailer.SMTP, error) {
	server, err := mailer.ParseSMTP(c.Mail.SMTP, c.Mail.Password)
	if err != nil {
		return nil, fmt.Errorf("mail.smtp: %w", err)
	}
	server.Name = c.Mail.Hello
	if site := (feed.Site{Base: c.BaseURL}); server.Name == "" && !site.Local() {
		server.Name = site.Host()
	}
	return server, nil
}
