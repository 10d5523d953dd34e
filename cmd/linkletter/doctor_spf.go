package main

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"blitiri.com.ar/go/spf"
)

// strangers are addresses that nobody sends from (RFC 5737, RFC 3849): what a record says of them it says of everybody.
var strangers = []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}

// spf looks at who may send for a domain (RFC 7208).
func (d *doctor) spf(ctx context.Context, domain string, from outgoing) {
	const check = "SPF"
	records, err := d.dns.texts(ctx, domain, "v=spf1")
	hint := "put a TXT record at " + domain + ` such as "v=spf1 mx -all", with whoever sends your mail in it`
	switch {
	case errors.Is(err, errSilent):
		return
	case err != nil:
		d.warn(check, "", "%s: %v", domain, shown(err.Error()))
		return
	case len(records) == 0:
		d.broken(check, hint, "%s has no record: large receivers refuse mail in numbers from it", domain)
		return
	case len(records) > 1:
		d.broken(check, "leave one, with the mechanisms of all", "%s has %d records, which counts as none: %s", domain, len(records), shown(joinNames(records)))
		return
	}
	record := shown(records[0])
	for _, stranger := range strangers {
		switch result, err := d.evaluate(ctx, domain, stranger); {
		case d.dns.down != nil:
			return
		case result == spf.PermError:
			d.broken(check, spfHint(err), "%s: receivers cannot use it: %v: %s", domain, shown(err.Error()), record)
			return
		case result == spf.TempError:
			d.warn(check, "", "%s: what it names could not be found: %v: %s", domain, shown(err.Error()), record)
			return
		case result == spf.Pass:
			d.broken(check, "end it with ~all or -all", "%s: everybody may send for it: %s", domain, record)
			return
		case result != spf.Fail && result != spf.SoftFail:
			d.warn(check, "end it with ~all or -all", "%s: it says nothing about who may not send: %s", domain, record)
			return
		}
	}
	d.covered(ctx, domain, record, from)
}

// covered looks whether the record is about who sends.
func (d *doctor) covered(ctx context.Context, domain, record string, from outgoing) {
	const check = "SPF"
	var out []string
	for _, addr := range from.addrs {
		switch result, _ := d.evaluate(ctx, domain, addr); {
		case d.dns.down != nil:
			return
		case result != spf.Pass:
			out = append(out, addr.String())
		}
	}
	switch {
	case len(from.addrs) == 0:
		d.ok(check, "%s: %s; whether it covers %s cannot be told from here", domain, record, from.via)
	case len(out) == 0:
		d.ok(check, "%s: %s, which covers %s", domain, record, from.via)
	case from.own:
		d.broken(check, "add ip4: or ip6: with that address", "%s: it does not let %s send, which is this machine: %s", domain, joinNames(out), record)
	default:
		d.warn(check, "add what its operator says, often include:…, unless the record has that already", "%s: it does not have %s (%s); a server that passes mail on may send it from elsewhere: %s",
			domain, from.via, joinNames(out), record)
	}
}

// evaluate is what a receiver makes of the domain's record for an address.
func (d *doctor) evaluate(ctx context.Context, domain string, addr netip.Addr) (spf.Result, error) {
	return spf.CheckHostWithSender(net.IP(addr.AsSlice()), domain, "postmaster@"+domain, spf.WithContext(ctx), spf.WithResolver(d.dns))
}

// spfHint is what to do about a record that cannot be used.
func spfHint(err error) string {
	switch {
	case errors.Is(err, spf.ErrLookupLimitReached):
		return "receivers look up 10 names at most (RFC 7208, 4.6.4): take out include, a and mx that send nothing for you"
	case errors.Is(err, spf.ErrVoidLookupLimitReached), errors.Is(err, spf.ErrNoResult):
		return "take out the names that are not there any more"
	case errors.Is(err, spf.ErrMultipleRecords):
		return "a domain that it includes has several records"
	}
	return "mend the record: v=spf1, then ip4:, ip6:, a, mx or include:, then -all"
}
