package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"linkletter/cmd/internal/mailer"
	"linkletter/cmd/internal/mailer/smtptest"
)

// records are DNS records by name.
type records = map[string][]dnsmessage.ResourceBody

// patient is a configuration whose mail comes from links.example over mail.links.example, with a key of each kind, and the
// zone in which all is well.
type patient struct {
	dir  string
	keys map[mailer.DKIMKind]string // what the DNS must have of each
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	p := &patient{dir: t.TempDir(), keys: map[mailer.DKIMKind]string{}}
	for _, kind := range []mailer.DKIMKind{mailer.RSA, mailer.Ed25519} {
		file, err := mailer.NewDKIMKey(kind)
		if err != nil {
			t.Fatal(err)
		}
		key, err := mailer.ParseDKIMKey(file)
		if err != nil {
			t.Fatal(err)
		}
		if p.keys[kind], err = mailer.DKIMRecord(key); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(p.dir, string(kind)+".pem"), file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(p.dir, "list.md"), []byte(toolList(1)), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *patient) zone() zone {
	return zone{
		"links.example":                    {txt("v=spf1 a:mail.links.example -all"), mx("mail.links.example")},
		"mail.links.example":               {ipv4("198.51.100.7")},
		"7.100.51.198.in-addr.arpa":        {ptr("mail.links.example")},
		"_dmarc.links.example":             {txt("v=DMARC1; p=reject")},
		"rsa._domainkey.links.example":     {txt(p.keys[mailer.RSA])},
		"ed25519._domainkey.links.example": {txt(p.keys[mailer.Ed25519])},
	}
}

const patientConfig = `
lists: [{id: tools, source: list.md}]
digests: [{id: weekly, from: "Tools <digest@links.example>"}]
mail:
  smtp: smtp://mail.links.example:25
  dkim:
    - {selector: rsa, key_file: rsa.pem}
    - {selector: ed25519, key_file: ed25519.pem}
`

// examine makes the checks that ask the DNS.
func (p *patient) examine(t *testing.T, config, server string) *doctor {
	t.Helper()
	file := filepath.Join(p.dir, "config.yaml")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	d := &doctor{now: time.Now, dns: newDNS(server), tell: func(finding) {}}
	d.dns.timeout = time.Second
	if !d.configuration(file) {
		t.Fatalf("the configuration cannot be used: %+v", d.findings)
	}
	d.findings = nil
	d.mailDNS(t.Context())
	return d
}

// says compares the findings that are not ok, "outcome check: text; hint", with patterns: parts that they must hold, in order.
func says(t *testing.T, d *doctor, want ...string) {
	t.Helper()
	var got []string
	for _, f := range d.findings {
		if f.Outcome != fine {
			got = append(got, fmt.Sprintf("%s %s: %s; %s", f.Outcome, f.Check, f.Text, f.Hint))
		}
	}
	good := len(got) == len(want)
	for i := 0; good && i < len(want); i++ {
		rest := got[i]
		for part := range strings.SplitSeq(want[i], " … ") {
			_, after, found := strings.Cut(rest, part)
			good, rest = good && found, after
		}
	}
	if !good {
		t.Errorf("the doctor says\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// A5: with all in order, nothing is said against it.
func TestA5DoctorHealthy(t *testing.T) {
	p := newPatient(t)
	d := p.examine(t, patientConfig, serveDNS(t, p.zone()))
	says(t, d)
	if got := len(d.findings); got != 6 { // two keys, SPF, DMARC, MX, PTR
		t.Errorf("%d findings, want 6: %+v", got, d.findings)
	}
}

// A5: what is wrong in the DNS is found, and what to do about it is said.
func TestA5DoctorDNS(t *testing.T) {
	p := newPatient(t)
	many := zone{}
	var includes strings.Builder
	for i := range 12 {
		name := fmt.Sprintf("n%d.links.example", i)
		many[name] = []dnsmessage.ResourceBody{txt("v=spf1 ip4:203.0.113.1 ?all")}
		includes.WriteString("include:" + name + " ")
	}
	maps.Copy(many, records{"links.example": {txt("v=spf1 " + includes.String() + "-all"), mx("mail.links.example")}})
	withSPF := func(text ...string) records {
		r := records{"links.example": {mx("mail.links.example")}}
		for _, s := range text {
			r["links.example"] = append(r["links.example"], txt(s))
		}
		return r
	}
	key := func(record string) records {
		return records{"rsa._domainkey.links.example": {txt(record)}}
	}
	rsa := p.keys[mailer.RSA]
	for _, c := range []struct {
		name   string
		change records
		config func(string) string // nil: it stays
		want   []string
	}{
		{name: "no SPF", change: withSPF("unrelated"), want: []string{"fail SPF: links.example has no record … put a TXT record"}},
		{name: "two SPF records", change: withSPF("v=spf1 -all", "v=spf1 mx -all"), want: []string{"fail SPF: … 2 records … leave one"}},
		{name: "SPF with a mistake", change: withSPF("v=spf1 ip4:198.51.100.700 -all"), want: []string{"fail SPF: … cannot use it … mend"}},
		{name: "SPF with an unknown word", change: withSPF("v=spf1 ipv4:198.51.100.7 -all"), want: []string{"fail SPF: … cannot use it … mend"}},
		{name: "SPF lets all send", change: withSPF("v=spf1 a:mail.links.example +all"), want: []string{"fail SPF: … everybody may send … -all"}},
		{name: "SPF without an end", change: withSPF("v=spf1 a:mail.links.example"), want: []string{"warn SPF: … says nothing about who may not … -all"}},
		{name: "SPF looks up too much", change: many, want: []string{"fail SPF: … limit … 10 names at most"}},
		{name: "SPF includes itself", change: withSPF("v=spf1 include:links.example -all"), want: []string{"fail SPF: … limit … 10 names at most"}},
		{name: "SPF names a server elsewhere", change: withSPF("v=spf1 ip4:203.0.113.1 ~all"),
			want: []string{"warn SPF: … does not have mail.links.example (198.51.100.7) … include:"}},
		{name: "SPF by redirect", change: records{"links.example": {txt("v=spf1 redirect=_spf.links.example"), mx("mail.links.example")},
			"_spf.links.example": {txt("v=spf1 ip4:198.51.100.0/24 -all")}}},
		{name: "SPF in a long record", change: withSPF("v=spf1 " + strings.Repeat("ip4:203.0.113.1 ", 300) + "ip4:198.51.100.7 -all")},
		{name: "the server fails", change: records{"links.example": {servfail}},
			want: []string{"warn SPF: links.example: … server misbehaving", "warn MX: links.example: … server misbehaving"}},

		{name: "no key in the DNS", change: records{"rsa._domainkey.links.example": nil},
			want: []string{`fail DKIM: rsa._domainkey.links.example: the DNS has no such record … rsa._domainkey.links.example. IN TXT ( "v=DKIM1; k=rsa; p=`}},
		{name: "another key", change: key("v=DKIM1; k=rsa; p=MIIB"), want: []string{"fail DKIM: … another key"}},
		{name: "a revoked key", change: key("v=DKIM1; p="), want: []string{"fail DKIM: … revoked"}},
		{name: "a key of the other kind", change: key("v=DKIM1; k=ed25519; p=MIIB"), want: []string{"fail DKIM: … for ed25519"}},
		{name: "no key at all", change: key("hello"), want: []string{"fail DKIM: … no record of a key"}},
		{name: "a key for SHA-1", change: key(rsa + "; h=sha1"), want: []string{"fail DKIM: … SHA-256"}},
		{name: "a key for something else", change: key(rsa + "; s=chat"), want: []string{"fail DKIM: … not for mail"}},
		{name: "a key on trial", change: key(rsa + "; t=y"), want: []string{"warn DKIM: … test … t=y"}},
		{name: "a key in short form", change: key("p=" + strings.SplitN(rsa, "p=", 2)[1])},
		{name: "two keys", change: records{"rsa._domainkey.links.example": {txt(rsa), txt("v=DKIM1; p=")}}, want: []string{"fail DKIM: … 2 records"}},
		{name: "no signatures", config: func(c string) string { return c[:strings.Index(c, "  dkim:")] },
			want: []string{"warn DKIM: … not signed … --dkim-key", "warn DMARC: … only the envelope … add a DKIM key"}},
		{name: "no RSA", config: func(c string) string { return strings.Replace(c, "    - {selector: rsa, key_file: rsa.pem}\n", "", 1) },
			want: []string{"warn DKIM: there is no RSA key"}},

		{name: "no DMARC", change: records{"_dmarc.links.example": nil}, want: []string{"warn DMARC: links.example has no record … _dmarc.links.example"}},
		{name: "no DMARC below the organisation", change: records{"_dmarc.links.example": nil,
			"news.links.example": {txt("v=spf1 include:links.example -all"), mx("mail.links.example")}},
			config: func(c string) string {
				c = strings.ReplaceAll(c, "digest@links.example", "digest@news.links.example")
				return strings.ReplaceAll(c, "{selector", "{domain: links.example, selector")
			},
			want: []string{"warn DMARC: news.links.example has no record … _dmarc.news.links.example … postmaster@news.links.example"}},
		{name: "DMARC of the organisation", change: records{"news.links.example": {txt("v=spf1 include:links.example -all"), mx("mail.links.example")}},
			config: func(c string) string {
				c = strings.ReplaceAll(c, "digest@links.example", "digest@news.links.example")
				return strings.ReplaceAll(c, "{selector", "{domain: links.example, selector")
			}},
		{name: "DMARC is strict", change: records{"news.links.example": {txt("v=spf1 include:links.example -all"), mx("mail.links.example")},
			"_dmarc.news.links.example": {txt("v=DMARC1; p=none; adkim=s; aspf=s")}},
			config: func(c string) string {
				c = strings.ReplaceAll(c, "digest@links.example", "digest@news.links.example") + "  bounces: bounces@links.example\n"
				return strings.ReplaceAll(c, "{selector", "{domain: links.example, selector")
			},
			want: []string{"fail DMARC: _dmarc.news.links.example: neither"}},
		{name: "DMARC asks for nothing", change: records{"_dmarc.links.example": {txt("v=DMARC1; rua=mailto:a@links.example")}},
			want: []string{"fail DMARC: … asks for nothing"}},
		{name: "two DMARC records", change: records{"_dmarc.links.example": {txt("v=DMARC1; p=none"), txt("v=DMARC1; p=reject")}},
			want: []string{"fail DMARC: … 2 records"}},

		{name: "no mailbox", change: records{"links.example": {txt("v=spf1 a:mail.links.example -all")}}, want: []string{"fail MX: links.example has none, and no address"}},
		{name: "a machine for a mailbox", change: records{"links.example": {txt("v=spf1 a:mail.links.example -all"), ipv4("198.51.100.7")}},
			want: []string{"warn MX: links.example has none … machine of that name"}},
		{name: "it takes no mail", change: records{"links.example": {txt("v=spf1 a:mail.links.example -all"),
			&dnsmessage.MXResource{MX: dnsmessage.MustNewName(".")}}}, want: []string{"fail MX: … takes no mail (RFC 7505)"}},
		{name: "a mailbox that is not there", change: records{"links.example": {txt("v=spf1 a:mail.links.example -all"), mx("gone.links.example")}},
			want: []string{"fail MX: … no address of gone.links.example"}},
		{name: "no mailbox for reports", config: func(c string) string { return c + "  bounces: bounces@nowhere.links.example\n" },
			want: []string{"fail SPF: nowhere.links.example has no record", "fail MX: nowhere.links.example has none"}},

		{name: "no name", change: records{"7.100.51.198.in-addr.arpa": nil}, want: []string{"warn PTR: 198.51.100.7 has no name"}},
		{name: "a name of somebody else", change: records{"7.100.51.198.in-addr.arpa": {ptr("other.example")}, "other.example": {ipv4("203.0.113.9")}},
			want: []string{"warn PTR: 198.51.100.7 is called other.example., which does not lead back"}},

		// What strangers can put into the DNS.
		{name: "control characters", change: withSPF("v=spf1 \x1b[2J\r\n\x00 -all"), want: []string{"fail SPF: … cannot use it"}},
		{name: "aliases in a circle", change: records{"_dmarc.links.example": {cname("_dmarc.links.example")}}, want: []string{"warn DMARC: links.example"}},
		{name: "a huge record", change: records{"_dmarc.links.example": {txt("v=DMARC1; p=" + strings.Repeat("x", 60000))}}, want: []string{"fail DMARC: … asks for nothing"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			z := p.zone()
			maps.Copy(z, c.change)
			config := patientConfig
			if c.config != nil {
				config = c.config(config)
			}
			d := p.examine(t, config, serveDNS(t, z))
			says(t, d, c.want...)
			for _, f := range d.findings {
				if len(f.Text) > 1000 || strings.ContainsFunc(f.Text+f.Hint, func(r rune) bool { return r < ' ' || r == 0x7f }) {
					t.Errorf("a stranger's text is shown as it is, or whole: %q", f.Text)
				}
			}
		})
	}
}

// A5: a DNS that says nothing, or is not there, is said so once, and does not keep the doctor waiting.
func TestA5DoctorOffline(t *testing.T) {
	p := newPatient(t)
	z := zone{}
	for name := range p.zone() {
		z[name] = []dnsmessage.ResourceBody{silence}
	}
	for name, server := range map[string]string{"silent": serveDNS(t, z), "not there": freeAddr(t)} {
		t.Run(name, func(t *testing.T) {
			says(t, p.examine(t, patientConfig, server), "warn DNS: the DNS does not answer … --dns")
		})
	}
}

// A5: as long as nothing is sent, nothing is broken.
func TestA5DoctorOutbox(t *testing.T) {
	p := newPatient(t)
	d := p.examine(t, strings.Replace(patientConfig, "smtp: smtp://mail.links.example:25", "outbox: out", 1), serveDNS(t, zone{}))
	says(t, d, "warn DKIM: rsa", "warn DKIM: ed25519", "warn SPF", "warn DMARC", "warn MX")
}

// A5: a key that others can read is worth a word.
func TestA5DoctorKeyFile(t *testing.T) {
	p := newPatient(t)
	if err := os.Chmod(filepath.Join(p.dir, "rsa.pem"), 0o644); err != nil {
		t.Fatal(err)
	}
	d := p.examine(t, patientConfig, serveDNS(t, p.zone()))
	says(t, d, "warn DKIM: rsa.pem can be read by others … chmod 600")
}

// A5: the password is doubted where it was refused, and nowhere else.
func TestA5DoctorSMTPHint(t *testing.T) {
	for _, c := range []struct {
		at         smtptest.Verb
		says, want string
	}{
		{smtptest.Auth, "535 5.7.8 no", "look at the user"},
		{smtptest.Auth, "454 4.7.0 not now", "may work later"},
		{smtptest.Auth, smtptest.Drop, "hung up"},
		{smtptest.Auth, smtptest.Silence, "fell silent"},
		{smtptest.Hello, smtptest.Silence, "fell silent"},
	} {
		raw := smtptest.NewRaw(t, nil, "AUTH PLAIN")
		raw.SetFault(func(v smtptest.Verb) string {
			if v == c.at {
				return c.says
			}
			return ""
		})
		server, err := mailer.ParseSMTP("smtp://ada@"+raw.Addr, "secret")
		if err != nil {
			t.Fatal(err)
		}
		server.Timeouts.Command = 200 * time.Millisecond
		_, err = server.Probe(t.Context())
		if got := smtpHint(err); !strings.Contains(got, c.want) {
			t.Errorf("%s answered with %q: the hint on %v is %q, want %q in it", c.at, c.says, err, got, c.want)
		}
	}
}

// A record is a stranger's text, whatever it is about.
func FuzzCompareKeys(f *testing.F) {
	const ours = "v=DKIM1; k=rsa; p=MIIB"
	for _, seed := range []string{ours, "p=MI IB", "v=DKIM1; k=rsa; h=sha1:sha256; s=*; t=y; p=MIIB;", "v=DKIM1; p=", "p=MIIB; p=", ";=;", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, record string) {
		if problem := compareKeys(record, ours); problem == "" && !strings.Contains(strings.Join(strings.Fields(record), ""), "=MIIB") {
			t.Errorf("%q is taken for a record of our key", record)
		}
		if got := shown(record); len(got) > maxShown+len("…") || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' }) {
			t.Errorf("%q is shown as %q", record, got)
		}
	})
}
