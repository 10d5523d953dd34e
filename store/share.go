package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"
)

// sharing is what waits for a commit together. With synchronous=FULL a commit costs far more than the little that a visitor
// changes, and after an issue many come at once.
type sharing struct {
	turn    chan struct{} // held by who commits
	mu      sync.Mutex    // guards waiting
	waiting []*sharer
}

// sharer is one change that waits.
type sharer struct {
	ctx    context.Context
	change change
	done   chan struct{} // closed when it is on disk, or err says why not
	err    error
}

// maxShared bounds what is in one commit, and with it how long other writers wait.
const maxShared = 200

// shared is tx for a small change that stands on its own: all that came in while the commit before was on its way to the disk
// shares the next. An error undoes its own change alone. It returns when the change is on disk. The change must use
// the context that it is given: one that ends with a visitor's connection would undo what others wait for.
func (s *Store) shared(ctx context.Context, c change) error {
	w := &sharer{ctx: ctx, change: c, done: make(chan struct{})}
	s.sharing.mu.Lock()
	s.sharing.waiting = append(s.sharing.waiting, w)
	s.sharing.mu.Unlock()
	for {
		select {
		case <-w.done:
			return w.err
		case s.sharing.turn <- struct{}{}:
		}
		select {
		case <-w.done: // somebody took it along
		default:
			s.commitShared()
		}
		<-s.sharing.turn
	}
}

// commitShared writes what waits. The caller has the turn.
func (s *Store) commitShared() {
	s.sharing.mu.Lock()
	batch := s.sharing.waiting
	batch = batch[:min(len(batch), maxShared)]
	s.sharing.waiting = s.sharing.waiting[len(batch):]
	s.sharing.mu.Unlock()
	ctx := context.WithoutCancel(batch[0].ctx) // others ride on it
	err := s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		for _, w := range batch {
			if err := w.within(ctx, tx, now); err != nil {
				return err
			}
		}
		return nil
	})
	for _, w := range batch {
		if err != nil {
			w.err = errors.Join(w.err, err)
		}
		close(w.done)
	}
}

// within makes the change, or leaves no trace of it. The error is that of the transaction; its own is kept.
func (w *sharer) within(ctx context.Context, tx *sql.Tx, now time.Time) error {
	if w.err = w.ctx.Err(); w.err != nil { // nobody waits for it any more
		return nil
	}
	if _, err := tx.ExecContext(ctx, `SAVEPOINT sharer`); err != nil {
		return err
	}
	if w.err = w.change(ctx, tx, now); w.err != nil {
		if _, err := tx.ExecContext(ctx, `ROLLBACK TO sharer`); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `RELEASE sharer`)
	return err
}
