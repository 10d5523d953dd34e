//go:build unix

package source

import (
	"os"
	"os/exec"
	"syscall"
)

// alone gives a program a session of its own: it has no terminal to ask at, and ends together with what it started.
func alone(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if err == syscall.ESRCH {
			return os.ErrProcessDone
		}
		return err
	}
}
