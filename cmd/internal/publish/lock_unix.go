//go:build unix

package publish

import (
	"errors"
	"os"
	"syscall"
)

// tryLock opens the file and locks it (flock), or fails with errLocked. On a file system without locks there is nothing
// to wait for, and nobody is known to be alone.
func tryLock(name string) (held *os.File, alone bool, err error) {
	f, err := os.OpenFile(name, os.O_RDONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, false, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil, errors.Is(err, errors.ErrUnsupported):
			return f, err == nil, nil
		case err == syscall.EINTR:
			continue
		case err == syscall.EWOULDBLOCK:
			err = errLocked
		}
		return nil, false, errors.Join(err, f.Close())
	}
}
