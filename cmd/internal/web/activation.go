package web

import (
	"fmt"
	"net"
	"os"
	"strconv"
)

// firstPassed is the file descriptor of the first socket that is passed (SD_LISTEN_FDS_START).
const firstPassed = 3

// PassedListener gives the socket that a service manager opened for this process and passed to it, as sd_listen_fds(3) describes:
// LISTEN_PID is the process it is for, LISTEN_FDS how many there are, from file descriptor 3 on. It gives nil when none
// was. It is asked once: the variables are taken away, so that no child takes the socket for its own.
func PassedListener() (net.Listener, error) {
	pid, count := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	if count == "" || pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		if err := os.Unsetenv(name); err != nil {
			return nil, fmt.Errorf("taking the passed socket: %w", err)
		}
	}
	if count != "1" {
		return nil, fmt.Errorf("taking the passed socket: %s are passed; name one ListenStream in the socket unit", count)
	}
	f := os.NewFile(firstPassed, "passed socket")
	if f == nil {
		return nil, fmt.Errorf("taking the passed socket: there is no file descriptor %d", firstPassed)
	}
	defer f.Close() // FileListener makes a copy, which children do not inherit
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("taking the passed socket: file descriptor %d is none that connections come from: %w", firstPassed, err)
	}
	return l, nil
}
