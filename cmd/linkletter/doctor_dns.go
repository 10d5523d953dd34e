package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"
)

// dnsTimeout is how long the DNS may take to answer one question. After one that it does not answer it is asked no more.
const dnsTimeout = 4 * time.Second

// dnsPatience is how long all questions together may take, whoever made the answers slow.
const dnsPatience = time.Minute

// dns asks the DNS, with an end. Names are taken as they are: no search list is tried.
type dns struct {
	resolver *net.Resolver
	timeout  time.Duration
	down     error // it did not answer; nothing is asked any more
}

// newDNS asks the system's servers, or the one at addr.
func newDNS(addr string) *dns {
	d := &dns{resolver: &net.Resolver{}, timeout: dnsTimeout}
	if addr != "" {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			addr = net.JoinHostPort(addr, "53")
		}
		d.resolver.PreferGo = true
		d.resolver.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		}
	}
	return d
}

// offline is how the resolver words that no server was reached: what the system said of a socket.
var offline = regexp.MustCompile(`^(dial|read|write) (udp|tcp)`)

// errSilent says that the DNS does not answer.
var errSilent = errors.New("the DNS does not answer")

// question asks with f, unless the DNS was silent before.
func question[T any](ctx context.Context, d *dns, f func(context.Context) (T, error)) (T, error) {
	var none T
	if d.down != nil {
		return none, d.down
	}
	limited, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	answer, err := f(limited)
	if err == nil || isAbsent(err) {
		return answer, err
	}
	failed, ok := errors.AsType[*net.DNSError](err)
	if !ok || failed.IsTimeout || limited.Err() != nil || offline.MatchString(failed.Err) {
		d.down = fmt.Errorf("%w: %s", errSilent, oneLine(err.Error()))
		return none, d.down
	}
	return none, err
}

// isAbsent says that the DNS answered, and has nothing of what was asked for.
func isAbsent(err error) bool {
	var failed *net.DNSError
	return errors.As(err, &failed) && failed.IsNotFound
}

// rooted is a name with the dot that ends it.
func rooted(name string) string { return strings.TrimSuffix(name, ".") + "." }

// LookupTXT gives a name's texts, the strings of each joined.
func (d *dns) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return question(ctx, d, func(ctx context.Context) ([]string, error) { return d.resolver.LookupTXT(ctx, rooted(name)) })
}

// LookupMX gives a domain's mail exchangers, the preferred first.
func (d *dns) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	return question(ctx, d, func(ctx context.Context) ([]*net.MX, error) { return d.resolver.LookupMX(ctx, rooted(name)) })
}

// LookupIPAddr gives a host's addresses.
func (d *dns) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	if ip := net.ParseIP(host); ip != nil {
		return []net.IPAddr{{IP: ip}}, nil
	}
	return question(ctx, d, func(ctx context.Context) ([]net.IPAddr, error) {
		return d.resolver.LookupIPAddr(ctx, rooted(host))
	})
}

// LookupAddr gives an address's names.
func (d *dns) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	return question(ctx, d, func(ctx context.Context) ([]string, error) { return d.resolver.LookupAddr(ctx, addr) })
}

// texts are the TXT records of a name that begin with a version, such as "v=spf1": it stands alone or before a space or ";".
func (d *dns) texts(ctx context.Context, name, version string) ([]string, error) {
	all, err := d.LookupTXT(ctx, name)
	if isAbsent(err) {
		return nil, nil
	}
	var found []string
	for _, text := range all {
		head := strings.ToLower(text)
		if rest, ok := strings.CutPrefix(head, version); ok && (rest == "" || strings.ContainsAny(rest[:1], " ;\t")) {
			found = append(found, text)
		}
	}
	return found, err
}

// tagList reads tag=value; tag=value (RFC 6376, 3.2), the tags in lower case; ok is false when it is none.
func tagList(text string) (tags map[string]string, ok bool) {
	tags = map[string]string{}
	for part := range strings.SplitSeq(strings.TrimRight(text, "; \t"), ";") {
		name, value, is := strings.Cut(part, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := tags[name]; !is || name == "" || twice {
			return nil, false
		}
		tags[name] = strings.TrimSpace(value)
	}
	return tags, true
}

// maxShown bounds what is shown of a stranger's text.
const maxShown = 200

// shown is a stranger's text in one line, cut where it goes on and on.
func shown(s string) string {
	s = strings.ToValidUTF8(oneLine(s), "?")
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return s
}
