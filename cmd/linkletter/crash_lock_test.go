package main

import (
	"context"
	"io"
	"os"
	"syscall"
	"time"
)

// writeLock is the byte of SQLite's shared memory file that whoever writes holds a lock on: the first of its locks, WRITE
// (https://www.sqlite.org/walformat.html, 2.3.1 and 2.3).
const writeLock = 120

// locked gives a channel that is closed a moment after the database was locked for longer than anything takes but the
// freezing of an issue. How long the moment may be follows what came of the kills before: three of four shall fall before
// the issue is there.
func (c *crash) locked() <-chan struct{} {
	const long = 4 * time.Millisecond
	switch {
	case c.freeze == 0:
		c.freeze = 10 * time.Millisecond
	case len(c.issues) > c.froze:
		c.freeze = max(c.freeze*6/10, 2*time.Millisecond)
	default:
		c.freeze = min(c.freeze*115/100, time.Second)
	}
	c.froze = len(c.issues)
	pause := time.Duration(c.rand.Int64N(int64(c.freeze)))
	reached, done := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(c.Context())
	c.watch = func() {
		cancel()
		<-done
	}
	go func() {
		defer close(done)
		var since time.Time
		for ctx.Err() == nil {
			switch held := writing(c.path("data/linkletter.db-shm")); {
			case !held:
				since = time.Time{}
			case since.IsZero():
				since = time.Now()
			case time.Since(since) > long:
				time.Sleep(pause)
				close(reached)
				return
			}
			time.Sleep(200 * time.Microsecond)
		}
	}()
	return reached
}

// writing says whether another process holds SQLite's write lock. This process has no lock of its own there to lose.
func writing(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false // not there yet
	}
	defer f.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: writeLock, Len: 1}
	return syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock) == nil && lock.Type != syscall.F_UNLCK
}
