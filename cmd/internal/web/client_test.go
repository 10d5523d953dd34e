package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"linkletter/store"
)

func TestClientAddress(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct {
		name, peer string
		forwarded  []string
		proxies    []netip.Prefix
		want       string
	}{
		{"nobody is trusted", "203.0.113.9:1234", []string{"198.51.100.1"}, nil, "203.0.113.9"},
		{"a stranger lies", "203.0.113.9:1234", []string{"198.51.100.1"}, proxies, "203.0.113.9"},
		{"our proxy", "127.0.0.1:1234", []string{"198.51.100.1"}, proxies, "198.51.100.1"},
		{"what the client made up", "127.0.0.1:1234", []string{"192.0.2.1, 198.51.100.1"}, proxies, "198.51.100.1"},
		{"two proxies, two lines", "127.0.0.1:1234", []string{"192.0.2.1, 198.51.100.1", "10.1.2.3"}, proxies, "198.51.100.1"},
		{"proxies only", "127.0.0.1:1234", []string{"10.1.2.3"}, proxies, "10.1.2.3"},
		{"nonsense", "127.0.0.1:1234", []string{"198.51.100.1, unknown"}, proxies, "127.0.0.1"},
		{"no header", "127.0.0.1:1234", nil, proxies, "127.0.0.1"},
		{"with a port", "127.0.0.1:1234", []string{"[2001:db8:1:2:3:4:5:6]:99"}, proxies, "2001:db8:1:2:3:4:5:6"},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:1234", []string{"::ffff:198.51.100.1"}, proxies, "198.51.100.1"},
		{"a Unix socket", "@", []string{"198.51.100.1"}, proxies, "198.51.100.1"},
		{"a Unix socket, nobody trusted", "@", []string{"198.51.100.1"}, nil, "invalid IP"},
	} {
		s := &Server{TrustedProxies: c.proxies}
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := s.clientAddr(r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	s := newSite(t, nil)
	hash := func(peer string) string { return s.client(&http.Request{RemoteAddr: peer}) }
	if hash("[2001:db8:1:2::1]:1") != hash("[2001:db8:1:2:ffff::2]:2") || hash("[2001:db8:1:2::1]:1") == hash("[2001:db8:1:3::1]:1") {
		t.Error("IPv6 clients are not told apart by their /64")
	}
	if h := hash("198.51.100.1:1"); h != hash("198.51.100.1:2") || h == hash("198.51.100.2:1") || strings.Contains(h, "198") {
		t.Errorf("%s does not stand for one IPv4 client", h)
	}
}

func TestClientLimit(t *testing.T) {
	s := newSite(t, func(s *site) {
		s.Limits.Client = 2
		s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	for _, name := range []string{"a", "b", "c"} {
		s.post(t, "/-/subscribe", url.Values{"address": {name + "@example.org"}, "digest": {"weekly"}}, "X-Forwarded-For: 198.51.100.1")
	}
	s.post(t, "/-/subscribe", url.Values{"address": {"d@example.org"}, "digest": {"weekly"}}, "X-Forwarded-For: 198.51.100.2")
	if got, want := s.counts(t), (store.SubscriptionCounts{Pending: 3}); got != want {
		t.Errorf("two of one client and one of another: %+v, want %+v", got, want)
	}
}
