package web

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.sock")
	l, err := Listen(t.Context(), "listen", "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	if _, err := Listen(t.Context(), "listen", "unix:"+path); err == nil || !strings.Contains(err.Error(), "another process answers on it") {
		t.Errorf("a socket in use: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // as if the process had died
	l.Close()
	again, err := Listen(t.Context(), "listen", "unix:"+path)
	if err != nil {
		t.Fatalf("a stale socket: %v", err)
	}
	again.Close()
	write(t, path, "not a socket", time.Now())
	if _, err := Listen(t.Context(), "listen", "unix:"+path); err == nil || !strings.Contains(err.Error(), "that is no socket") {
		t.Errorf("a file: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "not a socket" {
		t.Errorf("the file was touched: %q, %v", b, err)
	}
}

func TestListenBusy(t *testing.T) {
	l, err := Listen(t.Context(), "listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := l.Addr().String()
	if _, err := Listen(t.Context(), "listen", addr); err == nil || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "another program has this port") {
		t.Errorf("a busy port: %v", err)
	}
	if _, err := Listen(t.Context(), "listen", "nonsense"); err == nil || !strings.Contains(err.Error(), "host:port") {
		t.Errorf("no address: %v", err)
	}
}
