package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serving is a server as the program runs it.
type serving struct {
	*site
	addr string
	stop func()
	done chan error
}

func serve(t testing.TB, change func(*site)) *serving {
	t.Helper()
	s := newSite(t, change)
	l, err := Listen(t.Context(), "listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	v := &serving{s, l.Addr().String(), stop, make(chan error, 1)}
	go func() {
		v.done <- s.Serve(ctx, l)
		close(v.done)
	}()
	t.Cleanup(func() {
		stop()
		<-v.done
	})
	return v
}

func (s *serving) dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// send writes a request as it stands and reads the answer.
func send(t testing.TB, c net.Conn, r *bufio.Reader, request string) *http.Response {
	t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}

const plainGet = "GET /atom.xml HTTP/1.1\r\nHost: localhost\r\n\r\n"

func TestServeEndsGracefully(t *testing.T) {
	s := serve(t, nil)
	// A sign-up takes a moment; the signal to stop comes while it is answered.
	conn := s.dial(t)
	body := ada.Encode()
	fmt.Fprintf(conn, "POST /-/subscribe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Content-Length: %d\r\n\r\n%s", len(body), body)
	for s.woken.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	s.stop()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 200 {
		t.Errorf("what was being answered: %v, %v", res, err)
	}
	if err := <-s.done; err != nil {
		t.Errorf("stopping: %v", err)
	}
	if _, err := net.Dial("tcp", s.addr); err == nil {
		t.Error("it still listens")
	}
}

// Whoever downloads when the program is stopped gets the whole of it.
func TestDownloadGoesOnWhileStopping(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 4*maxKept/16) // more than the system keeps for both sides
	s := serve(t, func(s *site) {
		write(t, filepath.Join(s.Public, "large.txt"), text, time.Now().Add(-time.Hour))
	})
	conn := s.dial(t)
	if _, err := io.WriteString(conn, strings.Replace(plainGet, "atom.xml", "large.txt", 1)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReaderSize(conn, 1024)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%v, %v", res, err)
	}
	got := make([]byte, 0, len(text))
	part := make([]byte, 64<<10)
	s.stop()
	for refused := false; ; {
		n, err := res.Body.Read(part)
		got = append(got, part[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("after %d of %d bytes: %v", len(got), len(text), err)
		}
		if refused {
			continue
		}
		select {
		case err := <-s.done:
			t.Fatalf("it ended after %d bytes: %v", len(got), err)
		default:
		}
		if c, err := net.Dial("tcp", s.addr); err != nil {
			refused = true // it stops
		} else {
			c.Close()
		}
	}
	if string(got) != text {
		t.Errorf("%d bytes of %d, or others", len(got), len(text))
	}
	if err := <-s.done; err != nil {
		t.Errorf("stopping: %v", err)
	}
}

// A download that does not move keeps nobody from stopping.
func TestStoppingDoesNotWaitForEver(t *testing.T) {
	s := serve(t, func(s *site) {
		s.Bounds.Stop = 50 * time.Millisecond
		write(t, filepath.Join(s.Public, "large.txt"), strings.Repeat("0123456789abcdef", 4*maxKept/16), time.Now().Add(-time.Hour))
	})
	conn := s.dial(t)
	if _, err := io.WriteString(conn, strings.Replace(plainGet, "atom.xml", "large.txt", 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	s.stop()
	if err := <-s.done; err == nil || !strings.Contains(err.Error(), "stopping the web server") {
		t.Errorf("it says %v, want that it could not finish", err)
	}
}

func TestServeLimits(t *testing.T) {
	s := serve(t, func(s *site) { s.Bounds.Form = 200 * time.Millisecond })
	conn := s.dial(t)
	if res := send(t, conn, bufio.NewReader(conn), "GET /atom.xml HTTP/1.1\r\nHost: localhost\r\nX-Long: "+strings.Repeat("x", 2*maxHeader)+"\r\n\r\n"); res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long header: %v", res)
	}
	conn = s.dial(t)
	long := "address=" + strings.Repeat("x", 2*maxForm)
	if res := send(t, conn, bufio.NewReader(conn), fmt.Sprintf("POST /-/subscribe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(long), long)); res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a long form: %v", res)
	}
	// One connection serves for many requests, also after a form's time is over.
	conn = s.dial(t)
	r := bufio.NewReader(conn)
	for range 3 {
		if res := send(t, conn, r, plainGet); res.StatusCode != 200 || res.Close {
			t.Errorf("kept alive: %v", res)
		}
	}
	body := ada.Encode()
	if res := send(t, conn, r, fmt.Sprintf("POST /-/subscribe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(body), body)); res.StatusCode != 200 {
		t.Errorf("a form: %v", res)
	}
	time.Sleep(2 * s.Bounds.Form)
	if res := send(t, conn, r, plainGet); res.StatusCode != 200 {
		t.Errorf("after a form: %v", res)
	}
	if res := send(t, conn, r, "GET /atom.xml HTTP/1.0\r\n\r\n"); res.StatusCode != 200 || !res.Close {
		t.Errorf("HTTP/1.0: %v", res)
	}
}

// Clients that are slow on purpose (slowloris) lose their connections, and others are served meanwhile.
func TestSlowClients(t *testing.T) {
	s := serve(t, func(s *site) {
		s.Bounds = Bounds{First: 100 * time.Millisecond, Idle: 100 * time.Millisecond, Form: 100 * time.Millisecond, Answer: 200 * time.Millisecond, Connections: 8}
		write(t, filepath.Join(s.Public, "large.txt"), strings.Repeat("0123456789abcdef", 4*maxKept/16), time.Now().Add(-time.Hour))
	})
	// More than there are connections for: all but the last ones are served after the first ones lost theirs.
	const slow = 20
	ended := make(chan string, slow)
	for i := range slow {
		kind := []string{"header", "body", "reading", "idle"}[i%4]
		conn := s.dial(t)
		go func() {
			r := bufio.NewReader(conn)
			switch kind {
			case "header": // a letter now and then
				for _, b := range []byte("GET /atom.xml HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 1000)) {
					if _, err := conn.Write([]byte{b}); err != nil {
						break
					}
					time.Sleep(20 * time.Millisecond)
				}
			case "body":
				io.WriteString(conn, "POST /-/subscribe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n")
				for range 1000 {
					if _, err := conn.Write([]byte("x")); err != nil {
						break
					}
					time.Sleep(20 * time.Millisecond)
				}
			case "reading": // nothing
				io.WriteString(conn, strings.Replace(plainGet, "atom.xml", "large.txt", 1))
				time.Sleep(time.Second)
			case "idle":
				io.WriteString(conn, plainGet)
			}
			if n, err := io.Copy(io.Discard, r); err == nil && kind == "reading" && n > 3*maxKept {
				kind = "everything was sent to one who is " + kind
			}
			ended <- kind
		}()
	}
	conn := s.dial(t)
	if res := send(t, conn, bufio.NewReader(conn), plainGet); res.StatusCode != 200 {
		t.Errorf("a good client among slow ones: %v", res)
	}
	for range slow {
		select {
		case kind := <-ended:
			if strings.Contains(kind, " ") {
				t.Error(kind)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("a slow client is still connected")
		}
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	s := serve(t, func(s *site) { s.Bounds.Connections = 2 })
	var conns []net.Conn
	for range 2 {
		c := s.dial(t)
		if res := send(t, c, bufio.NewReader(c), plainGet); res.StatusCode != 200 {
			t.Fatalf("%v", res)
		}
		conns = append(conns, c)
	}
	third := s.dial(t)
	if _, err := io.WriteString(third, plainGet); err != nil {
		t.Fatal(err)
	}
	if err := third.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := third.Read(make([]byte, 1)); err == nil {
		t.Fatalf("a third connection is served: %d bytes", n)
	}
	conns[0].Close()
	if err := third.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if res, err := http.ReadResponse(bufio.NewReader(third), nil); err != nil || res.StatusCode != 200 {
		t.Errorf("after one ended: %v, %v", res, err)
	}
	// Stopping does not wait for a place.
	s.stop()
	if err := <-s.done; err != nil {
		t.Error(err)
	}
}
