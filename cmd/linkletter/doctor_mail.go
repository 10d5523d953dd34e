package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"linkletter/cmd/internal/mailer"
)

// smtpTimeout is how long a mail server may take for each step: somebody waits for the answer.
const smtpTimeout = 15 * time.Second

// soonExpired is how long before its end a certificate is worth a word.
const soonExpired = 14 * 24 * time.Hour

// mailServer logs in, and sends nothing.
func (d *doctor) mailServer(ctx context.Context) {
	const check = "mail server"
	if d.server == nil {
		d.warn(check, "mail.smtp names a server: smtp://user@host:587", "none: messages are written to %s, and nobody gets them", d.cfg.Mail.Outbox)
		return
	}
	d.hello(ctx)
	s := *d.server
	s.Timeouts = mailer.Timeouts{Connect: smtpTimeout, Greeting: smtpTimeout, Command: smtpTimeout, Data: smtpTimeout,
		Block: smtpTimeout, Dot: smtpTimeout, Grace: s.Timeouts.Grace}
	offer, err := s.Probe(ctx)
	if err != nil {
		d.fail(check, smtpHint(err), "%v", err)
		return
	}
	how := "not encrypted, on this machine"
	if offer.TLS != "" {
		how = offer.TLS
	}
	if offer.User != "" {
		how += ", logged in as " + offer.User
	}
	if len(offer.Extensions) > 0 {
		how += ", offers " + joinNames(offer.Extensions)
	}
	if left := offer.Expires.Sub(d.now()); offer.TLS != "" && left < soonExpired {
		d.warn(check, "its operator has to renew it", "%s: %s; its certificate ends at %s", s.Addr(), shown(how), d.when(offer.Expires))
		return
	}
	d.ok(check, "%s: %s", s.Addr(), shown(how))
}

// smtpHint is what to do about a server that cannot be used.
func smtpHint(err error) string {
	e, ok := errors.AsType[*mailer.Error](err)
	if !ok {
		return ""
	}
	switch timeout, _ := errors.AsType[net.Error](err); {
	case e.Phase == mailer.Connecting: // below
	case timeout != nil && timeout.Timeout(), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "the server was reached and then fell silent or hung up: is it busy, and is the port right (587 for smtp://, 465 for smtps://)?"
	case e.Temporary() && e.Code > 0:
		return "the server says that it may work later"
	}
	switch e.Phase {
	case mailer.Connecting:
		return "is mail.smtp the right name and port (587 for smtp://, 465 for smtps://), and does a firewall let this machine out?"
	case mailer.StartTLS:
		return "its certificate must be good for the name in mail.smtp; smtps:// is for ports that speak TLS at once"
	case mailer.Auth:
		if e.Code == 0 {
			return "" // nothing was refused: the error says what the server does not offer
		}
		return "look at the user in mail.smtp and at mail.password or mail.password_file"
	case mailer.Hello:
		return "mail.hello is the name that it was greeted with: it may want another"
	}
	return ""
}

// hello looks at the name that servers are greeted with (RFC 5321, 4.1.4).
func (d *doctor) hello(ctx context.Context) {
	const check = "hello"
	const hint = "mail.hello is the name of this machine as the DNS knows it"
	name := d.server.Name
	if name == "" {
		name, _ = os.Hostname() // it may have none
	}
	if d.server.Plain { // a server on this machine knows it by any name
		return
	}
	switch addrs, err := d.dns.LookupIPAddr(ctx, name); {
	case !strings.Contains(name, "."):
		d.warn(check, hint, "%q is no full name: some servers refuse who greets them so", name)
	case errors.Is(err, errSilent): // that is said elsewhere
	case err != nil || len(addrs) == 0:
		d.warn(check, hint, "the DNS has no address of %s, with which servers are greeted", name)
	default:
		d.ok(check, "%s", name)
	}
}

// mailDNS looks at what the DNS says about the mail: it is asked for every domain that mail comes from.
func (d *doctor) mailDNS(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, dnsPatience)
	defer cancel()
	senders, public := d.senders()
	if !public {
		d.warn("from", "give each digest's from an address of a domain of yours", "%s: nobody else can answer, and no receiver would believe it", d.cfg.Digests[0].From)
		return
	}
	d.dkim(ctx, senders)
	from := d.outgoing(ctx)
	for _, domain := range d.envelopes(senders) {
		d.spf(ctx, domain, from)
	}
	asked := map[string]bool{}
	for _, s := range senders {
		if !asked[s.from] { // several digests may be of one domain
			d.dmarc(ctx, s)
		}
		asked[s.from] = true
	}
	for _, domain := range d.mailboxes(senders) {
		d.mx(ctx, domain)
	}
	d.ptr(ctx, from)
	if d.dns.down != nil {
		d.warn("DNS", "try again, or name another server with --dns", "%v: what it says about mail could not be looked at", d.dns.down)
	}
}

// sender is a digest with its addresses read.
type sender struct {
	DigestConfig
	from     string // the domain of its From address
	envelope string // the domain of MAIL, where reports go
}

// senders are the digests; public is false where none of them is anybody outside of this machine.
func (d *doctor) senders() (all []sender, public bool) {
	for _, c := range d.cfg.Digests {
		from, err := mailer.ParseAddress(c.From)
		if err != nil {
			continue // validated already
		}
		s := sender{c, from.Domain, from.Domain}
		if bounces, err := mailer.ParseAddress(d.cfg.Mail.Bounces); err == nil {
			s.envelope = bounces.Domain
		}
		if !isLocal(s.from) {
			public = true
			all = append(all, s)
		}
	}
	return all, public
}

// envelopes are the domains whose SPF counts.
func (d *doctor) envelopes(senders []sender) []string {
	return distinct(senders, func(s sender) []string { return []string{s.envelope} })
}

// mailboxes are the domains that must take mail: answers, and reports of what could not be delivered.
func (d *doctor) mailboxes(senders []sender) []string {
	return distinct(senders, func(s sender) []string { return []string{s.from, s.envelope} })
}

func distinct(senders []sender, of func(sender) []string) []string {
	var all []string
	seen := map[string]bool{}
	for _, s := range senders {
		for _, domain := range of(s) {
			if !seen[domain] {
				all = append(all, domain)
			}
			seen[domain] = true
		}
	}
	return all
}

// outgoing are the addresses that receivers see messages come from, as far as that can be told.
type outgoing struct {
	addrs []netip.Addr
	own   bool   // they are this machine's: it sends by itself
	via   string // who sends, for people
}

// maxOutgoing bounds how many addresses of a server are looked at.
const maxOutgoing = 8

// outgoing finds out who sends: the configured server, or this machine when the server runs here.
func (d *doctor) outgoing(ctx context.Context) outgoing {
	switch {
	case d.server == nil:
		return outgoing{via: "nobody"}
	case d.server.Plain:
		return outgoing{own: true, via: "this machine", addrs: ownAddresses()}
	}
	o := outgoing{via: d.server.Host}
	found, _ := d.dns.LookupIPAddr(ctx, d.server.Host) // the mail server's check has said that it cannot be found
	for _, a := range found {
		if addr, ok := netip.AddrFromSlice(a.IP); ok && len(o.addrs) < maxOutgoing {
			o.addrs = append(o.addrs, addr.Unmap())
		}
	}
	return o
}

// ownAddresses are those from which this machine reaches the world, as far as the world sees the same. Nothing is sent: a
// UDP socket that is connected only chooses its own address.
func ownAddresses() (all []netip.Addr) {
	for _, stranger := range strangers {
		c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(stranger, 25)))
		if err != nil {
			continue // there is no way out of that kind
		}
		if addr, ok := c.LocalAddr().(*net.UDPAddr); ok && isPublic(addr.AddrPort().Addr().Unmap()) {
			all = append(all, addr.AddrPort().Addr().Unmap())
		}
		c.Close()
	}
	return all
}

// isPublic says that the whole world can see an address.
func isPublic(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	return !slices.ContainsFunc(notPublic, func(p netip.Prefix) bool { return p.Contains(a) })
}

// notPublic are behind a provider's translation (RFC 6598), and for examples (RFC 5737, RFC 3849).
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32"),
}

// maxNames bounds how many names of one kind are looked up (RFC 7208, 4.6.4, has the same limit).
const maxNames = 10

// mx looks whether a domain takes mail: answers and reports go there (RFC 5321, 5.1; RFC 7505).
func (d *doctor) mx(ctx context.Context, domain string) {
	const check = "MX"
	const hint = "give it an MX record, and a mailbox for the address: answers, and reports of what could not be delivered, go there"
	found, err := d.dns.LookupMX(ctx, domain)
	switch {
	case errors.Is(err, errSilent):
		return
	case err != nil && !isAbsent(err):
		d.warn(check, "", "%s: %v", domain, shown(err.Error()))
		return
	case len(found) == 1 && found[0].Host == ".":
		d.broken(check, hint, "%s says that it takes no mail (RFC 7505)", domain)
		return
	}
	var names []string
	for _, mx := range found {
		names = append(names, strings.TrimSuffix(mx.Host, "."))
	}
	if len(names) == 0 {
		names = []string{domain} // its own addresses count then
	}
	var dead []string
	names = names[:min(len(names), maxNames)]
	for _, name := range names {
		switch addrs, err := d.dns.LookupIPAddr(ctx, name); {
		case errors.Is(err, errSilent):
			return
		case err != nil || len(addrs) == 0:
			dead = append(dead, shown(name))
		}
	}
	switch {
	case len(found) == 0 && len(dead) > 0:
		d.broken(check, hint, "%s has none, and no address: it takes no mail", domain)
	case len(found) == 0:
		d.warn(check, hint, "%s has none: mail to it goes to the machine of that name", domain)
	case len(dead) == len(names):
		d.broken(check, hint, "%s: the DNS has no address of %s", domain, joinNames(dead))
	case len(dead) > 0:
		d.warn(check, "", "%s: the DNS has no address of %s", domain, joinNames(dead))
	default:
		d.ok(check, "%s: %s", domain, shown(joinNames(names)))
	}
}

// ptr looks whether the sending address has a name that leads back to it; large receivers refuse others.
func (d *doctor) ptr(ctx context.Context, from outgoing) {
	const check = "PTR"
	if len(from.addrs) == 0 {
		if from.own {
			d.warn(check, "look up the name of the address that it is seen under from outside", "this machine's public address cannot be told from here")
		}
		return
	}
	for _, addr := range from.addrs {
		names, err := d.dns.LookupAddr(ctx, addr.String())
		if errors.Is(err, errSilent) {
			return
		}
		hint := "whoever gave this machine its address gives it a name, too: the one in mail.hello"
		if !from.own {
			hint = "ask who runs " + from.via + ", unless it sends from other addresses"
		}
		if len(names) == 0 {
			d.warn(check, hint, "%s has no name: large receivers refuse mail from such", addr)
			continue
		}
		if !d.leadsBack(ctx, names, addr) {
			d.warn(check, hint, "%s is called %s, which does not lead back to it", addr, shown(joinNames(names)))
			continue
		}
		d.ok(check, "%s is %s, and back", addr, shown(strings.TrimSuffix(names[0], ".")))
	}
}

// leadsBack says that a name has that address.
func (d *doctor) leadsBack(ctx context.Context, names []string, addr netip.Addr) bool {
	for _, name := range names[:min(len(names), maxNames)] {
		addrs, _ := d.dns.LookupIPAddr(ctx, name) // without an answer it does not
		for _, a := range addrs {
			if back, ok := netip.AddrFromSlice(a.IP); ok && back.Unmap() == addr {
				return true
			}
		}
	}
	return false
}

// broken is a failure, and a warning as long as nothing is sent to anybody.
func (d *doctor) broken(check, hint, format string, args ...any) {
	if d.server == nil {
		d.warn(check, hint, format, args...)
		return
	}
	d.fail(check, hint, format, args...)
}

// when is a time for people, in the configured zone.
func (d *doctor) when(t time.Time) string { return t.In(d.cfg.location).Format("2006-01-02 15:04 MST") }
