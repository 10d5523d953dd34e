package source_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"linkletter/cmd/internal/source"
)

// redirects serves /STATUS/NEXT…: a redirect with the status to the rest; /list.md is the list.
func redirects(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/list.md" {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, markdown)
		return
	}
	var status int
	var rest string
	if n, _ := fmt.Sscanf(r.URL.Path, "/%3d/%s", &status, &rest); n < 2 || r.Header.Get("If-None-Match") != "" { // which is another's
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Location", "/"+rest)
	if rest == "self" {
		w.Header().Set("Location", r.URL.Path)
	}
	w.WriteHeader(status)
}

func TestRedirects(t *testing.T) {
	address, _ := serve(t, redirects)
	many := strings.Repeat("/302", 10) + "/list.md"
	for _, c := range []struct{ at, movedTo, words string }{
		{"/list.md", "", ""},
		{"/301/list.md", "/list.md", ""},
		{"/308/list.md", "/list.md", ""},
		{"/302/list.md", "", ""},
		{"/303/list.md", "", ""},
		{"/307/list.md", "", ""},
		{"/301/308/list.md", "/list.md", ""},
		{"/301/302/list.md", "/302/list.md", ""}, // the way there is temporary from here on
		{"/302/301/list.md", "", ""},
		{"/301/302/301/list.md", "/302/301/list.md", ""},
		{many, "", ""},
		{"/302" + many, "", "redirects more than 10 times"},
		{"/302/self", "", "round in a circle"},
		{"/301/nowhere", "", "where " + address + "/301/nowhere redirects"},
	} {
		s := newImpatient()
		got, err := s.Fetch(context.Background(), source.Locate(address+c.at), "")
		if err != nil || c.words != "" {
			if err == nil || c.words == "" || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%s: want an error with %q, got %v", c.at, c.words, err)
			}
			continue
		}
		if c.movedTo != "" {
			c.movedTo = address + c.movedTo
		}
		if string(got.Bytes) != markdown || got.MovedTo != c.movedTo || got.Page.Path != "/list.md" {
			t.Errorf("%s: moved to %q, want %q; page %s", c.at, got.MovedTo, c.movedTo, got.Page)
		}
		again := fetch(t, s.Source, address+c.at, got.Validators)
		if !again.Unchanged || again.MovedTo != c.movedTo {
			t.Errorf("%s, later: %+v", c.at, again)
		}
	}
}

// TestMovedToTellsNoSecrets: what a server puts into a query, or hands on of ours, may be a token.
func TestMovedToTellsNoSecrets(t *testing.T) {
	address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/handed-on":
			http.Redirect(w, r, "/list.md?"+r.URL.RawQuery, http.StatusMovedPermanently)
		case "/made-up":
			http.Redirect(w, r, "/list.md?token=SECRET", http.StatusMovedPermanently)
		case "/empty":
			http.Redirect(w, r, "/list.md?", http.StatusMovedPermanently)
		default:
			fmt.Fprint(w, markdown)
		}
	})
	for at, want := range map[string]string{
		"/made-up":                "/list.md",
		"/made-up?token=MINE":     "/list.md",
		"/handed-on?token=SECRET": "/list.md?…",
		"/handed-on":              "/list.md",
		"/empty":                  "/list.md",
	} {
		if got := fetch(t, newImpatient().Source, address+at, "").MovedTo; got != address+want {
			t.Errorf("%s: moved to %q, want %q", at, got, address+want)
		}
	}
}

// TestRedirectsThatAreNotFollowed: to other schemes, away from TLS, and to what is no address.
func TestRedirectsThatAreNotFollowed(t *testing.T) {
	plain, plainAsked := serve(t, redirects)
	to := ""
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}))
	defer server.Close()
	s := newImpatient()
	s.Transport = server.Client().Transport.(*http.Transport)
	for location, words := range map[string]string{
		plain + "/list.md?token=secret": "from https to " + plain + "/list.md?…",
		"file:///etc/passwd":            "to a file: address",
		"javascript:alert(1)":           "to a javascript: address",
		"ftp://example.org/a":           "to a ftp: address",
		"https://":                      "to what is no address",
		"/" + strings.Repeat("x", 9000): "to what is no address",
		"https://[::bad/":               "to what is no address",
		"":                              "does not say whereto",
	} {
		to = location
		_, err := s.Fetch(context.Background(), source.Locate(server.URL), "")
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: want an error with %q, got %v", location, words, err)
		}
	}
	if plainAsked.Load() > 0 {
		t.Errorf("the way from https to http was taken")
	}
}

// TestSecretsStayWithTheirHost: headers of the list and a password in its address reach its own host and port, and no
// other one, and stand in no message.
func TestSecretsStayWithTheirHost(t *testing.T) {
	var leaks atomic.Int32
	elsewhere, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.Header.Get("X-Token") != "" || strings.Contains(fmt.Sprint(r.Header), "secret") {
			leaks.Add(1)
		}
		fmt.Fprint(w, markdown)
	})
	answer := ""
	home, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if r.Header.Get("X-Token") != "secret" && (user != "me" || password != "secret") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch answer {
		case "redirect":
			http.Redirect(w, r, elsewhere+"/list.md", http.StatusMovedPermanently)
		case "other name": // the same port, but not the same host
			http.Redirect(w, r, strings.Replace("http://"+r.Host, "127.0.0.1", "localhost", 1)+"/list.md", http.StatusFound)
		case "fail":
			w.WriteHeader(http.StatusForbidden)
		case "cut":
			w.Header().Set("Content-Length", "10")
		case "page":
			fmt.Fprint(w, webPage)
		default:
			fmt.Fprint(w, markdown)
		}
	})
	u, err := url.Parse(home)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []source.Location{
		{URL: home + "/list.md?key=secret", Header: http.Header{"X-Token": {"secret"}}},
		{URL: "http://me:secret@" + u.Host + "/list.md"},
	} {
		if strings.Contains(at.String(), "secret") {
			t.Errorf("the location tells the secret: %s", at)
		}
		for _, answer = range []string{"", "redirect", "other name", "fail", "cut", "page"} {
			got, err := newImpatient().Fetch(context.Background(), at, "")
			if wantErr := answer == "fail" || answer == "cut" || answer == "other name"; wantErr != (err != nil) {
				t.Errorf("%s: %v", answer, err)
			}
			if words := map[string]string{"fail": "does not open it", "other name": "goes to " + u.Host + " alone"}[answer]; err != nil && !strings.Contains(err.Error(), words) {
				t.Errorf("%s: want an error with %q, got %v", answer, words, err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: the error tells the secret: %v", answer, err)
			}
			if got != nil && strings.Contains(got.Validators+got.Doubt+got.MovedTo+got.Page.String(), "secret") {
				t.Errorf("%s: it tells the secret: %+v", answer, got)
			}
		}
	}
	if leaks.Load() > 0 || asked.Load() == 0 {
		t.Errorf("%d of %d requests elsewhere had a secret", leaks.Load(), asked.Load())
	}
	at := source.Location{URL: home, Header: http.Header{"X-Token": {"sec\nret"}}}
	if _, err := newImpatient().Fetch(context.Background(), at, ""); err == nil || strings.Contains(err.Error(), "ret") {
		t.Errorf("a header that cannot be sent: %v", err)
	}
	for _, broken := range []string{"https://me:secret@", "https://me:secret@[::1", "https://me:sec/ret@example.org/%zz", "http://me:secret@example.org:port/"} {
		if _, err := newImpatient().Fetch(context.Background(), source.Locate(broken), ""); err == nil || strings.Contains(err.Error(), "sec") {
			t.Errorf("%s: %v", broken, err)
		}
	}
}

// strange is a connection that seems to lead to the internet.
type strange struct{ net.Conn }

func (strange) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

// TestRedirectsIntoThisNetwork: what a stranger's server cannot see itself, it is not asked for in its place, whether a
// connection is there already or would have to be made.
func TestRedirectsIntoThisNetwork(t *testing.T) {
	address, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "intranet.example.org" {
			fmt.Fprint(w, markdown)
			return
		}
		http.Redirect(w, r, "http://"+strings.TrimPrefix(r.URL.Path, "/")+"/", http.StatusFound)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s := newImpatient()
	s.Transport = source.NewTransport()
	ours := s.Transport.DialContext
	s.Transport.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		if strings.HasPrefix(to, "router.") {
			return ours(ctx, network, listener.Addr().String())
		}
		c, err := dialAll(strings.TrimPrefix(address, "http://"))(ctx, network, to)
		if strings.HasPrefix(to, "lists.") && err == nil {
			c = strange{c}
		}
		return c, err
	}
	fetch(t, s.Source, "http://intranet.example.org/", "")
	for _, to := range []string{"intranet.example.org", "router.example.org"} {
		before := asked.Load()
		if _, err := s.Fetch(context.Background(), source.Locate("http://lists.example.org/"+to), ""); err == nil || !strings.Contains(err.Error(), "inside this network, where") {
			t.Errorf("got %v", err)
		}
		if n := asked.Load() - before; n != 1 {
			t.Errorf("%d requests were made: %s was asked", n, to)
		}
	}
	if err := listener.(*net.TCPListener).SetDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := listener.Accept(); err == nil {
		t.Error("a connection was made into this network")
	}
	fetch(t, s.Source, "http://intranet.example.org/", "") // by the operator's own wish
}

func TestPublicAddresses(t *testing.T) {
	for ip, want := range map[string]bool{
		"8.8.8.8": true, "2001:4860:4860::8888": true, "::ffff:8.8.8.8": true, "64:ff9b::8.8.8.8": true, "100.128.0.1": true,
		"127.0.0.1": false, "::1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "fd00::1": false,
		"169.254.169.254": false, "fe80::1%eth0": false, "0.0.0.0": false, "0.1.2.3": false, "::": false, "224.0.0.1": false,
		"100.64.0.1": false, "198.19.0.1": false, "64:ff9b::10.0.0.1": false, "64:ff9b::127.0.0.1": false, "64:ff9b:1::169.254.169.254": false,
		"::ffff:127.0.0.1": false, "255.255.255.255": false,
	} {
		if got := source.PublicIP(netip.MustParseAddr(ip)); got != want {
			t.Errorf("%s: public %t, want %t", ip, got, want)
		}
	}
}
