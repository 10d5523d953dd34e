package web

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Network addresses serve the limits as keyed hashes: none is in the database's files, nor in the log, in letters or in bytes.
func TestNoNetworkAddressIsStored(t *testing.T) {
	s := newSite(t, func(s *site) {
		s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
		s.Limits.Client = 2
	})
	id := s.person(t, "reader@example.org")
	clients := []string{"", "203.0.113.77", "2001:db8:77:4:dead:beef:0:5", "198.51.100.9, 203.0.113.78", "::ffff:203.0.113.79", "[2001:db8:99::1]:4711", "no address"}
	servers := []string{s.url}
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil { // where there is IPv6
		six := &httptest.Server{Listener: l, Config: &http.Server{Handler: s.Handler()}}
		six.Start()
		t.Cleanup(six.Close)
		servers = append(servers, six.URL)
	}
	for i, server := range servers {
		for j, forwarded := range clients {
			for k, path := range []string{"/-/subscribe", "/-/preferences/" + s.Keys.Unsubscribe(id, "weekly")} {
				form := url.Values{"address": {fmt.Sprintf("new%d-%d-%d@example.org", i, j, k)}, "digest": {"weekly"}, "act": {"address"}}
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+path, strings.NewReader(form.Encode()))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				if forwarded != "" {
					r.Header.Set("X-Forwarded-For", forwarded)
				}
				res, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if res.StatusCode != http.StatusOK && (k == 0 || res.StatusCode != http.StatusTooManyRequests) { // limits bite, too
					t.Errorf("%s from %q is answered with %s", path, forwarded, res.Status)
				}
			}
		}
	}
	everything := map[string][]byte{"the log": s.log.Bytes()}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(s.Public), "linkletter.db*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("the database's files: %q, %v", files, err)
	}
	for _, file := range files {
		if everything[filepath.Base(file)], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	wanted := [][]byte{}
	for _, text := range []string{
		"127.0.0.1", "203.0.113.77", "203.0.113.78", "203.0.113.79", "198.51.100.9", "2001:db8:77", "2001:db8:99", "2001:db8:77:4::/64",
		"2001:0db8", "127.0.0", "203.0.113", "[::1]", "no address",
	} {
		wanted = append(wanted, []byte(text))
	}
	for _, addr := range []string{"203.0.113.77", "203.0.113.78", "203.0.113.79", "198.51.100.9", "2001:db8:77:4::", "2001:db8:99::"} {
		b := netip.MustParseAddr(addr).AsSlice()
		wanted = append(wanted, b[:min(len(b), 8)])
	}
	for name, b := range everything {
		for _, want := range wanted {
			if bytes.Contains(b, want) {
				t.Errorf("%s holds %q", name, want)
			}
		}
	}
	if !bytes.Contains(bytes.Join([][]byte{everything["linkletter.db"], everything["linkletter.db-wal"]}, nil), []byte("new0-1-0@example.org")) {
		t.Error("nobody signed up: the test looks at nothing")
	}
}
