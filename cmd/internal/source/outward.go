package source

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
)

// What a server of the internet redirects to is asked over connections of their own, none of which leads into this machine's
// network: what a stranger cannot see, we do not ask for in his place.

var errInside = errors.New("it is inside this network")

// outwardOnly marks the context of such a connection's making.
type outwardOnly struct{}

// outward is a transport whose connections all lead to the internet.
func outward(t *http.Transport) *http.Transport {
	t = t.Clone()
	dial := t.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(context.WithValue(ctx, outwardOnly{}, true), network, address)
		if err == nil && !isPublic(c.RemoteAddr()) { // made by a dialer that is not ours
			c.Close()
			return nil, errInside
		}
		return c, err
	}
	return t
}

// refuseInside keeps a dialer from making a connection that shall lead to the internet, and would not.
func refuseInside(ctx context.Context, _, address string, _ syscall.RawConn) error {
	if ctx.Value(outwardOnly{}) == nil {
		return nil
	}
	if to, err := netip.ParseAddrPort(address); err != nil || !publicIP(to.Addr()) {
		return errInside
	}
	return nil
}

// isPublic says that an address is one of the internet, and not of this machine or its network.
func isPublic(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && publicIP(tcp.AddrPort().Addr())
}

// Networks that are no part of the internet, besides those that netip knows: "this network" (RFC 791), shared by a provider's
// customers (RFC 6598), and for measurements (RFC 2544).
var inside = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("198.18.0.0/15")}

// Addresses of IPv6 that stand for one of IPv4 in their last four bytes (RFC 6052, RFC 8215): it is that one which counts.
var translated = []netip.Prefix{netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48")}

func publicIP(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	contains := func(p netip.Prefix) bool { return p.Contains(ip) }
	if slices.ContainsFunc(translated, contains) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !slices.ContainsFunc(inside, contains)
}
