package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// Listen opens host:port, or unix:/path for a Unix socket. A socket that a dead process left behind is replaced; one that
// somebody answers on is not. option is what the address is called in the configuration.
func Listen(ctx context.Context, option, addr string) (net.Listener, error) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return listenUnix(ctx, option, path)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listening on %s: another program has this port; stop it, or name another address in the configuration (%s): %w", addr, option, err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("listening on %s: ports below 1024 are for the system; behind a web server, name another address in the configuration (%s), or let systemd open it (deploy/linkletter.socket): %w", addr, option, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("listening on %s: this machine has no such address; name another in the configuration (%s): %w", addr, option, err)
	case err != nil:
		return nil, fmt.Errorf("listening on %s (host:port, or unix:/path): %w", addr, err)
	}
	return l, nil
}

func listenUnix(ctx context.Context, option, path string) (net.Listener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("listening on the socket %s: %w", path, err)
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("listening on the socket %s: there is a file of that name that is no socket; move it, or name another path in the configuration (%s)", path, option)
	default:
		if err := removeStale(ctx, option, path); err != nil {
			return nil, err
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listening on the socket %s: %w", path, err)
	}
	// The web server in front runs as another user. Who may reach the socket is decided by its folder; all that can be done
	// through it is what anybody can do through that web server.
	if err := os.Chmod(path, 0o666); err != nil {
		l.Close()
		return nil, fmt.Errorf("opening the socket %s to the web server: %w", path, err)
	}
	return l, nil
}

// removeStale removes a socket if nobody answers on it.
func removeStale(ctx context.Context, option, path string) error {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", path)
	if err == nil {
		conn.Close()
		return fmt.Errorf("listening on the socket %s: another process answers on it; stop it, or name another path in the configuration (%s)", path, option)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("finding out whether the socket %s is in use: %w", path, err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("removing the socket that a dead process left: %w", err)
	}
	return nil
}
