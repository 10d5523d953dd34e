//go:build unix

package publish

import (
	"errors"
	"os"
	"syscall"
)

// tryLock opens the file and locks it (flock), or fails with errLocked. On a file system without locks there is nothing
// to wait for.
func tryLock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil, errors.Is(err, errors.ErrUnsupported):
			return f, nil
		case err == syscall.EINTR:
			continue
		case err == syscall.EWOULDBLOCK:
			err = errLocked
		}
		return nil, errors.Join(err, f.Close())
	}
}
