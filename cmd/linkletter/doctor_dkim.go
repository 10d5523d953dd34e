package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"linkletter/cmd/internal/mailer"
)

// dkim looks at the keys that sign messages, and whether the DNS has the other half of each (RFC 6376, RFC 8463).
func (d *doctor) dkim(ctx context.Context, senders []sender) {
	const check = "DKIM"
	if len(d.cfg.Mail.DKIM) == 0 {
		d.warn(check, "`linkletter doctor --dkim-key FILE` makes a key, unless the mail server signs", "messages are not signed here: large receivers refuse unsigned mail in numbers")
		return
	}
	seen := map[string]bool{}
	rsa := false
	for _, k := range d.cfg.Mail.DKIM {
		record, err := mailer.DKIMRecord(k.key)
		if err != nil {
			d.fail(check, "", "%s: %v", k.KeyFile, err)
			continue
		}
		rsa = rsa || strings.Contains(record, "k=rsa")
		d.keyFile(k)
		for _, s := range senders {
			domain, ok := k.domain(s.DigestConfig)
			if name := mailer.DKIMName(k.Selector, domain); ok && !seen[name] {
				seen[name] = true
				d.keyRecord(ctx, name, record)
			}
		}
	}
	if !rsa {
		d.warn(check, "`linkletter doctor --dkim-key FILE --type rsa` makes one to stand beside it", "there is no RSA key: many receivers verify no other")
	}
}

// keyFile looks at who can read a key.
func (d *doctor) keyFile(k DKIMConfig) {
	info, err := os.Stat(d.cfg.path(k.KeyFile))
	if err != nil {
		d.fail("DKIM", "", "%v", err)
		return
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		d.warn("DKIM", "chmod 600 "+d.cfg.path(k.KeyFile), "%s can be read by others on this machine (%#o), who could sign in your name", k.KeyFile, mode)
	}
}

// keyRecord looks whether the DNS has a key's record.
func (d *doctor) keyRecord(ctx context.Context, name, want string) {
	const check = "DKIM"
	hint := "the DNS needs: " + mailer.ZoneLine(name, want)
	found, err := d.dns.LookupTXT(ctx, name)
	switch {
	case errors.Is(err, errSilent):
		return
	case isAbsent(err) || err == nil && len(found) == 0:
		d.broken(check, hint, "%s: the DNS has no such record, so that receivers cannot verify signatures", name)
		return
	case err != nil:
		d.warn(check, "", "%s: %v", name, shown(err.Error()))
		return
	case len(found) > 1:
		d.broken(check, "leave one: "+hint, "%s has %d records, and receivers take any", name, len(found))
		return
	}
	if problem := compareKeys(found[0], want); problem != "" {
		d.broken(check, hint, "%s: %s: %s", name, problem, shown(found[0]))
		return
	}
	if tags, _ := tagList(found[0]); strings.Contains(tags["t"], "y") {
		d.warn(check, "take t=y out when all is well", "%s: the DNS has the key, and says that it is a test", name)
		return
	}
	d.ok(check, "%s: the DNS has the key that signs", name)
}

// compareKeys says in words what is wrong with a record for our key; empty: nothing.
func compareKeys(found, want string) string {
	tags, ok := tagList(found)
	ours, _ := tagList(want)
	list := func(tag string) []string {
		return strings.FieldsFunc(strings.ToLower(tags[tag]), func(r rune) bool { return r == ':' || r == ' ' })
	}
	kind := tags["k"]
	if kind == "" {
		kind = string(mailer.RSA)
	}
	key := strings.Join(strings.Fields(tags["p"]), "")
	_, says := tags["p"]
	switch {
	case !ok || !says || tags["v"] != "" && tags["v"] != "DKIM1":
		return "it is no record of a key"
	case key == "":
		return "the key is revoked"
	case kind != ours["k"]:
		return fmt.Sprintf("it is about a key for %s, and the one that signs is for %s", shown(kind), ours["k"])
	case key != ours["p"]:
		return "it is another key than the one that signs"
	case len(list("h")) > 0 && !slices.Contains(list("h"), "sha256"):
		return "it does not take SHA-256"
	case len(list("s")) > 0 && !slices.Contains(list("s"), "*") && !slices.Contains(list("s"), "email"):
		return "it is not for mail"
	}
	return ""
}

// dmarc looks at what receivers are asked to do with mail that is not proven to be ours, and whether ours is (RFC 7489).
func (d *doctor) dmarc(ctx context.Context, s sender) {
	const check = "DMARC"
	hint := func(domain string) string {
		return `put a TXT record at _dmarc.` + domain + ` such as "v=DMARC1; p=none; rua=mailto:postmaster@` + domain + `"`
	}
	at, records, err := d.policy(ctx, s.from)
	if errors.Is(err, errSilent) {
		return
	}
	if err != nil {
		d.warn(check, "", "%s: %v", s.from, shown(err.Error()))
		return
	}
	if len(records) == 0 {
		d.warn(check, hint(s.from), "%s has no record: large receivers want one from who sends in numbers", s.from)
		return
	}
	tags, ok := tagList(records[0])
	switch policy := strings.ToLower(tags["p"]); {
	case len(records) > 1:
		d.broken(check, "leave one", "%s has %d records, which counts as none", at, len(records))
		return
	case !ok || policy != "none" && policy != "quarantine" && policy != "reject":
		d.broken(check, hint(strings.TrimPrefix(at, "_dmarc.")), "%s: it asks for nothing (p=none, quarantine or reject): %s", at, shown(records[0]))
		return
	}
	signature, envelope := d.aligned(s, tags)
	switch {
	case !signature && !envelope:
		d.broken(check, "sign with a DKIM key for "+s.from+", or let mail.bounces be of that domain",
			"%s: neither signatures nor the envelope speak for %s: %s", at, s.from, shown(records[0]))
	case !signature:
		d.warn(check, "add a DKIM key for "+s.from, "%s: only the envelope speaks for %s, so that forwarded mail fails: %s", at, s.from, shown(records[0]))
	default:
		d.ok(check, "%s: %s", at, shown(records[0]))
	}
}

// policy finds the records for a domain: its own, or its organisation's (RFC 7489, 6.6.3).
func (d *doctor) policy(ctx context.Context, domain string) (at string, records []string, err error) {
	at = "_dmarc." + domain
	records, err = d.dns.texts(ctx, at, "v=dmarc1")
	if org := organisation(domain); err == nil && len(records) == 0 && org != domain {
		at = "_dmarc." + org
		records, err = d.dns.texts(ctx, at, "v=dmarc1")
	}
	return at, records, err
}

// aligned says whether signatures and envelope are of the From address's domain, or of its organisation's where that is
// enough (RFC 7489, 3.1).
func (d *doctor) aligned(s sender, tags map[string]string) (signature, envelope bool) {
	matches := func(domain, mode string) bool {
		if strings.EqualFold(mode, "s") {
			return domain == s.from
		}
		return organisation(domain) == organisation(s.from)
	}
	for _, k := range d.cfg.Mail.DKIM {
		if domain, ok := k.domain(s.DigestConfig); ok && matches(domain, tags["adkim"]) {
			signature = true
		}
	}
	return signature, matches(s.envelope, tags["aspf"])
}

// organisation is the domain that was registered: example.org of news.example.org.
func organisation(domain string) string {
	if org, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return org
	}
	return domain
}
