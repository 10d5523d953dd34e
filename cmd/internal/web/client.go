package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"linkletter/feed/digest"
)

// client stands for the client that a request comes from: a keyed hash, for rate limits only. An IPv6 address counts by
// its /64, because one machine has all of those.
func (s *Server) client(r *http.Request) string {
	who := "unix"
	if addr := s.clientAddr(r); addr.IsValid() {
		who = addr.String()
		if addr.Is6() {
			prefix, _ := addr.Prefix(64) // 64 fits
			who = prefix.String()
		}
	}
	return s.Keys.Hash(digest.HashClient, who)
}

// clientAddr is the peer, or, as long as the peer is a trusted proxy, whom it says it speaks for. It is invalid when
// nobody says: on a Unix socket.
func (s *Server) clientAddr(r *http.Request) netip.Addr {
	peer := parseAddr(r.RemoteAddr)
	if !s.fromProxy(peer) {
		return peer
	}
	// Every proxy appends its peer, so only what stands right of the first stranger can be believed.
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		addr := parseAddr(strings.TrimSpace(hop))
		if !addr.IsValid() {
			break
		}
		peer = addr
		if !s.trusted(addr) {
			break
		}
	}
	return peer
}

// fromProxy says whether a peer is one of the operator's own proxies. On a Unix socket all are, if there are any.
func (s *Server) fromProxy(peer netip.Addr) bool {
	return len(s.TrustedProxies) > 0 && (!peer.IsValid() || s.trusted(peer))
}

func (s *Server) trusted(addr netip.Addr) bool {
	return slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// parseAddr reads an address with or without a port.
func parseAddr(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	addr, _ := netip.ParseAddr(strings.Trim(s, "[]"))
	return addr.Unmap().WithZone("")
}
