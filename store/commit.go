package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// write is one change that waits for a commit.
type write struct {
	change change
	done   chan struct{} // closed when it is on disk, or err says why not
	err    error
}

// change is made under the database's write lock. ErrClaimLost, ErrUnwanted and ErrStopped are the change's own result; any
// other error undoes the whole commit.
type change func(ctx context.Context, tx *sql.Tx, now time.Time) error

// isResult says that an error is a change's own result.
func isResult(err error) bool {
	return err == nil || errors.Is(err, ErrClaimLost) || errors.Is(err, ErrUnwanted) || errors.Is(err, ErrStopped)
}

// own says that a change must have changed exactly its one row, or the row is somebody else's.
func own(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		err = ErrClaimLost
	}
	return err
}

// write makes a change of a delivery and returns when it is on disk.
func (s *Sender) write(ctx context.Context, doing string, id int64, c change) error {
	return named(doing, id, s.settle(ctx, s.enqueue(c)))
}

func named(doing string, id int64, err error) error {
	if err != nil {
		return fmt.Errorf("%s delivery %d: %w", doing, id, err)
	}
	return nil
}

func (s *Sender) enqueue(c change) *write {
	w := &write{change: c, done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, w)
	return w
}

// settle waits until a change is on disk. All that came in while the commit before was on its way to the disk shares the
// next: with synchronous=FULL a commit costs far more than what is in it.
func (s *Sender) settle(ctx context.Context, w *write) error {
	select {
	case <-w.done:
	case s.turn <- struct{}{}:
		select {
		case <-w.done: // somebody took it along
		default:
			s.commit(context.WithoutCancel(ctx)) // others ride on it
		}
		<-s.turn
	}
	return w.err
}

// busyTries is how often a commit waits for the write lock, for the time of busy_timeout: five minutes in all. Another process
// may hold it for long, and what could not be recorded of an accepted message would be in doubt.
const busyTries = 20

// isBusy says that another process held the write lock for as long as we waited.
func isBusy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// commit writes all that is waiting in one transaction. The caller has the turn.
func (s *Sender) commit(ctx context.Context) {
	s.mu.Lock()
	batch := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	begun := false
	write := func(tx *sql.Tx, now time.Time) error {
		begun = true
		for _, w := range batch {
			w.err = w.change(ctx, tx, now)
			if !isResult(w.err) {
				return w.err
			}
		}
		return nil
	}
	err := s.store.tx(ctx, write)
	for n := 1; isBusy(err) && !begun && n < busyTries; n++ {
		err = s.store.tx(ctx, write)
	}
	for _, w := range batch {
		if err != nil {
			w.err = err
		}
		close(w.done)
	}
}
