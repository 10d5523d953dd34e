package source_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"linkletter/cmd/internal/source"
)

// TestTimeouts: each phase of a request has its own end, and the error says which one it was.
func TestTimeouts(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() // it accepts, and never says a word
	over := make(chan struct{})
	address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/header":
			<-over
		case "/idle":
			fmt.Fprint(w, markdown)
			_ = http.NewResponseController(w).Flush()
			<-over
		case "/trickle":
			for r.Context().Err() == nil {
				fmt.Fprint(w, "- ")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		}
	})
	t.Cleanup(func() { close(over) }) // before the server waits for its handlers
	long, short := time.Minute, 40*time.Millisecond
	noWay := source.NewTransport()
	noWay.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for _, c := range []struct {
		at    string
		tr    *http.Transport
		t     source.Timeouts
		words string
	}{
		{address, noWay, source.Timeouts{Connect: short, TLS: long, Header: long, Idle: long, Total: long}, "connecting to 127.0.0.1 took longer than 40ms"},
		{"https://" + silent.Addr().String(), nil, source.Timeouts{Connect: long, TLS: short, Header: long, Idle: long, Total: long}, "the TLS handshake with 127.0.0.1 took longer than 40ms"},
		{address + "/header", nil, source.Timeouts{Connect: long, TLS: long, Header: short, Idle: long, Total: long}, "127.0.0.1 did not begin to answer within 40ms"},
		{address + "/idle", nil, source.Timeouts{Connect: long, TLS: long, Header: long, Idle: short, Total: long}, "nothing came for 40ms in the middle of the answer"},
		{address + "/trickle", nil, source.Timeouts{Connect: long, TLS: long, Header: long, Idle: long, Total: 3 * short}, "not done within 120ms"},
	} {
		s := newImpatient()
		s.Transport, s.Timeouts = c.tr, c.t
		_, err := s.Fetch(context.Background(), source.Locate(c.at), "")
		if err == nil || !strings.Contains(err.Error(), c.words) || len(s.pauses) > 0 {
			t.Errorf("want an error with %q and no second try, got %v after %d pauses", c.words, err, len(s.pauses))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), short)
	defer cancel()
	if _, err := newImpatient().Fetch(ctx, source.Locate(address+"/idle"), ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a fetch that was given up: %v", err)
	}
}

func TestTLSIsVerified(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, markdown) }))
	server.Config.ErrorLog = quiet
	server.StartTLS()
	defer server.Close()
	plain, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {})
	trusting := source.NewTransport()
	trusting.TLSClientConfig = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	leading := trusting.Clone()
	leading.DialContext = dialAll(server.Listener.Addr().String())
	for _, c := range []struct {
		at    string
		tr    *http.Transport
		words string
	}{
		{server.URL, nil, "is not trusted"},
		{"https://lists.example.net/a.md", leading, "the certificate of lists.example.net is not trusted"},
		{strings.Replace(plain, "http:", "https:", 1), nil, "write http:// if that is meant"},
	} {
		s := newImpatient()
		s.Transport = c.tr
		if _, err := s.Fetch(context.Background(), source.Locate(c.at), ""); err == nil || !strings.Contains(err.Error(), c.words) || len(s.pauses) > 0 {
			t.Errorf("%s: want an error with %q and no second try, got %v", c.at, c.words, err)
		}
	}
	s := newImpatient()
	s.Transport = trusting
	fetch(t, s.Source, server.URL, "")
}

// TestAnswersThatAreNoHTTP: what came stands in no message; it may be anything.
func TestAnswersThatAreNoHTTP(t *testing.T) {
	for _, said := range []string{"220 mail.example.org \x1b[31mESMTP\r\n", "HTTP/1.1 abc secret\r\n\r\n", "HTTP/1.1 200 OK\r\nX-You-Sent: secret\x1b\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: secret\r\n\r\n"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for c, err := l.Accept(); err == nil; c, err = l.Accept() {
				_, _ = c.Read(make([]byte, 4096))
				_, _ = io.WriteString(c, said)
				c.Close()
			}
		}()
		_, err = newImpatient().Fetch(context.Background(), source.Locate("http://"+l.Addr().String()), "")
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: %v", said, err)
		}
		l.Close()
		<-done
	}
}

// TestHTTP2: what is cut there is recognised as well.
func TestHTTP2(t *testing.T) {
	whole := false
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Proto)
		if !whole {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	}))
	server.EnableHTTP2, server.Config.ErrorLog = true, quiet
	server.StartTLS()
	defer server.Close()
	s := newImpatient()
	s.Transport = source.NewTransport()
	s.Transport.TLSClientConfig = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	if _, err := s.Fetch(context.Background(), source.Locate(server.URL), ""); err == nil || !strings.Contains(err.Error(), "broke off after 8 bytes") || len(s.pauses) != 2 {
		t.Errorf("after %d pauses: %v", len(s.pauses), err)
	}
	whole = true
	if got := fetch(t, s.Source, server.URL, ""); string(got.Bytes) != "HTTP/2.0" {
		t.Errorf("over %s", got.Bytes)
	}
}

// dialAll leads every connection to one server.
func dialAll(to string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, to)
	}
}

// forward is an HTTP proxy: it opens tunnels, and fetches what is asked for in the open. All hosts are the server at to.
func forward(to string, seen *[]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*seen = append(*seen, r.Method+" "+r.RequestURI)
		if user, password, ok := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth(); !ok || user != "me" || password != "secret" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect {
			res, err := (&http.Transport{DialContext: dialAll(to), DisableKeepAlives: true}).RoundTrip(r)
			if err == nil {
				defer res.Body.Close()
				w.WriteHeader(res.StatusCode)
				_, _ = io.Copy(w, res.Body)
			}
			return
		}
		conn, err := net.Dial("tcp", to)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer conn.Close()
		w.WriteHeader(http.StatusOK)
		client, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer client.Close()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(conn, bufio.NewReader(io.MultiReader(buffered, client)))
			conn.Close()
		}()
		_, _ = io.Copy(client, conn)
		client.Close()
		<-done
	}
}

// TestProxy asks through a proxy: in the open for http, through a tunnel for https, with its own password, which stays in
// no message.
func TestProxy(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, markdown) })
	secure := httptest.NewTLSServer(h)
	defer secure.Close()
	var seen []string
	for _, c := range []struct{ at, to, want string }{
		{"https://example.com/list.md", secure.Listener.Addr().String(), "CONNECT example.com:443"},
		{"http://example.com/list.md", "", "GET http://example.com/list.md"},
	} {
		if c.to == "" {
			plain, _ := serve(t, h)
			c.to = strings.TrimPrefix(plain, "http://")
		}
		address, _ := serve(t, forward(c.to, &seen))
		proxy, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		s := newImpatient()
		s.Transport = source.NewTransport()
		s.Transport.TLSClientConfig = secure.Client().Transport.(*http.Transport).TLSClientConfig
		s.Transport.Proxy = http.ProxyURL(proxy)
		_, err = s.Fetch(context.Background(), source.Locate(c.at), "")
		if err == nil || !strings.Contains(err.Error(), "Proxy Authentication Required") {
			t.Errorf("a proxy that wants a password: %v", err)
		}
		proxy.User = url.UserPassword("me", "secret")
		fetch(t, s.Source, c.at, "")
		if last := seen[len(seen)-1]; last != c.want {
			t.Errorf("the proxy was asked for %q, want %q", last, c.want)
		}
		s.Transport.CloseIdleConnections()
	}
}

// TestProxyOfTheEnvironment runs this test again with a proxy in the environment, which is read once in a program's life.
func TestProxyOfTheEnvironment(t *testing.T) {
	if os.Getenv("LINKLETTER_TEST_PROXY") != "" {
		got, err := newImpatient().Fetch(context.Background(), source.Locate("http://list.example/list.md"), "")
		if err != nil {
			t.Fatalf("fetched: %v", err)
		}
		t.Logf("fetched: %s", got.Bytes)
		return
	}
	plain, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "from "+r.Host) })
	var seen []string
	proxy, _ := serve(t, forward(strings.TrimPrefix(plain, "http://"), &seen))
	proxy = strings.Replace(proxy, "http://", "http://me:secret@", 1)
	cmd := exec.Command(os.Args[0], "-test.run=^TestProxyOfTheEnvironment$", "-test.v")
	cmd.Env = append(os.Environ(), "LINKLETTER_TEST_PROXY=1", "HTTP_PROXY="+proxy, "http_proxy="+proxy, "NO_PROXY=", "no_proxy=")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "fetched: from list.example") {
		t.Errorf("%v\n%s", err, out)
	}
}
