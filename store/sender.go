package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"linkletter/feed/digest"
)

// ErrClaimLost says that a delivery is not the sender's any more: it must not be sent.
var ErrClaimLost = errors.New("the delivery is claimed by another sender")

// Sender takes deliveries from one state to the next on behalf of one process:
//
//	pending, deferred, in_doubt → claimed → committing → sent
//
// and from claimed or committing to deferred, failed, suppressed or in_doubt. Every step is durable when its method
// returns, and none is taken unless the row is in the state before it and claimed by this very sender. So a sender that
// was thought dead, and whose rows were taken over, cannot send: its Intent fails.
//
// A message whose fate is unknown keeps its bytes until it is known, whatever state the row goes through: that is how a
// row remembers that it is in doubt while it is tried again.
//
// Its methods may be called from several goroutines; what they write at the same time shares one commit.
type Sender struct {
	store *Store
	keys  digest.Keys
	owner string
	hold  time.Duration

	turn    chan struct{} // holds one token while somebody commits
	mu      sync.Mutex    // guards waiting
	waiting []*write
}

// Sender gives the sender named owner, a name that no other process has ever had. A message that falls in doubt is sent
// again once hold has passed, which should be longer than servers take to answer a message; with a hold of 0 it never
// is, and stays in doubt.
func (s *Store) Sender(ctx context.Context, owner string, hold time.Duration) (*Sender, error) {
	keys, err := s.keys(ctx)
	if err != nil {
		return nil, err
	}
	return &Sender{store: s, keys: keys, owner: owner, hold: hold, turn: make(chan struct{}, 1)}, nil
}

// Recover takes over what senders before this one left: what they had claimed is free again, and what they were about to
// commit is in doubt. Only the holder of the senders' lease may call it. It also applies this sender's hold to what was
// in doubt before. inDoubt counts the messages that were left between the dot and the reply.
func (s *Sender) Recover(ctx context.Context) (inDoubt int, err error) {
	err = s.store.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		_, err := tx.ExecContext(ctx, `UPDATE delivery SET state = CASE WHEN message IS NULL THEN 'pending' ELSE 'in_doubt' END,
			owner = '', lease = NULL WHERE state = 'claimed' AND (owner <> ? OR lease <= ?)`, s.owner, now.Unix())
		if err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `UPDATE delivery SET state = 'in_doubt', owner = '', lease = NULL,
			reply = 'interrupted before the server''s reply was known' WHERE state = 'committing' AND owner <> ?`, s.owner)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		inDoubt = int(n)
		// One that is being tried again under a backoff keeps its time.
		hold := int64(s.hold / time.Second)
		_, err = tx.ExecContext(ctx, `UPDATE delivery SET next = CASE WHEN ? > 0 THEN max(next, updated + ?) ELSE 0 END
			WHERE state = 'in_doubt' AND issue IN (SELECT id FROM issue WHERE state = 'sending')`, hold, hold)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("recovering interrupted deliveries: %w", err)
	}
	return inDoubt, nil
}

// Claim takes up to n deliveries that are due, for the time of lease. Who unsubscribed or was suppressed since the issue
// was frozen is not among them: those rows end as suppressed, and are counted in left.
func (s *Sender) Claim(ctx context.Context, n int, lease time.Duration) (claimed []Delivery, left int, err error) {
	err = s.store.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		claimed, left = nil, 0
		due, err := s.due(ctx, tx, now, n)
		if err != nil {
			return err
		}
		for _, d := range due {
			query, value := `UPDATE delivery SET state = 'claimed', owner = ?, lease = ?, updated = ? WHERE id = ?`, s.owner
			until := toUnix(now.Add(lease))
			if d.refusal != "" {
				query, value = `UPDATE delivery SET state = 'suppressed', message = NULL, reply = ?, lease = ?, updated = ? WHERE id = ?`, d.refusal
				until = sql.NullInt64{}
				left++
			} else {
				claimed = append(claimed, d.Delivery)
			}
			if _, err := tx.ExecContext(ctx, query, value, until, now.Unix(), d.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("claiming deliveries: %w", err)
	}
	return claimed, left, nil
}

// candidate is a delivery that is due, and why it must not be made, if so.
type candidate struct {
	Delivery
	key     string
	refusal string
}

func (s *Sender) due(ctx context.Context, tx *sql.Tx, now time.Time, n int) ([]candidate, error) {
	due, err := collect(ctx, tx, func(rows *sql.Rows) (c candidate, err error) {
		var subscribed bool
		err = c.scan(rows, &c.Message, &c.key, &subscribed)
		if !subscribed {
			c.refusal = "unsubscribed before it was sent"
		}
		return c, err
	}, `SELECT `+deliveryColumns+`, d.message, s.key, coalesce(u.state = 'confirmed', 0)
		FROM delivery d
		JOIN issue i ON i.id = d.issue AND i.state = 'sending'
		JOIN subscriber s ON s.id = d.subscriber
		LEFT JOIN subscription u ON u.subscriber = d.subscriber AND u.digest = i.digest
		WHERE `+openDelivery+` AND d.next <= ? LIMIT ?`, now.Unix(), n)
	if err != nil || len(due) == 0 {
		return nil, err
	}
	hashes := make([]any, len(due))
	for i := range due {
		hashes[i] = s.keys.Hash(digest.HashSuppression, due[i].key)
	}
	found, err := collect(ctx, tx, scanString, `SELECT hash FROM suppression WHERE hash IN (`+marks(len(hashes))+`)`, hashes...)
	if err != nil {
		return nil, err
	}
	for i := range due {
		for _, h := range found {
			if h == hashes[i] {
				due[i].refusal = "the address is suppressed"
			}
		}
	}
	return due, nil
}

// Intent records, before the final dot of a message goes out, that it will: from here on the message may have been
// accepted. The bytes are kept until the reply is known. With ErrClaimLost, or any error, the dot must not be sent.
func (s *Sender) Intent(ctx context.Context, id int64, message []byte) error {
	return s.write(ctx, "recording the intent of", id, func(ctx context.Context, tx *sql.Tx, now time.Time) (sql.Result, error) {
		return tx.ExecContext(ctx, `UPDATE delivery SET state = 'committing', attempts = attempts + 1, message = ?, updated = ?
			WHERE id = ? AND state = 'claimed' AND owner = ?`, message, now.Unix(), id, s.owner)
	})
}

// Sent records the server's reply to an accepted message. It rides on the next commit, of this delivery's connection or
// another: until settled returns nil, it may not be on disk, and a crash would leave the message in doubt. A connection
// that calls settled after its next Intent waits for nothing, and has at most one message in doubt at a time.
func (s *Sender) Sent(ctx context.Context, id int64, reply string) (settled func() error) {
	w := s.enqueue(func(ctx context.Context, tx *sql.Tx, now time.Time) (sql.Result, error) {
		return tx.ExecContext(ctx, `UPDATE delivery SET state = 'sent', owner = '', lease = NULL, next = 0,
			message = NULL, reply = ?, updated = ? WHERE id = ? AND state = 'committing' AND owner = ?`, reply, now.Unix(), id, s.owner)
	})
	return func() error { return s.settle(ctx, "recording the reply to", id, w) }
}

// Doubt records that a message's fate is unknown: the connection was lost between the dot and the reply.
func (s *Sender) Doubt(ctx context.Context, id int64, reason string) error {
	return s.write(ctx, "recording the doubt about", id, func(ctx context.Context, tx *sql.Tx, now time.Time) (sql.Result, error) {
		var next int64
		if s.hold > 0 {
			next = now.Add(s.hold).Unix()
		}
		return tx.ExecContext(ctx, `UPDATE delivery SET state = 'in_doubt', owner = '', lease = NULL, next = ?, reply = ?, updated = ?
			WHERE id = ? AND state = 'committing' AND owner = ?`, next, reason, now.Unix(), id, s.owner)
	})
}

// Defer puts a claimed delivery off: this try is known to have failed. One that was in doubt before the try still is.
func (s *Sender) Defer(ctx context.Context, d Delivery, next time.Time, reason string) error {
	return s.write(ctx, "deferring", d.ID, func(ctx context.Context, tx *sql.Tx, now time.Time) (sql.Result, error) {
		state := digest.Deferred
		if d.Message != nil {
			state = digest.InDoubt
		}
		return tx.ExecContext(ctx, `UPDATE delivery SET state = ?, owner = '', lease = NULL, next = ?, message = ?,
			attempts = attempts + CASE state WHEN 'claimed' THEN 1 ELSE 0 END, reply = ?, updated = ?
			WHERE id = ? AND state IN ('claimed', 'committing') AND owner = ?`,
			state, next.Unix(), d.Message, reason, now.Unix(), d.ID, s.owner)
	})
}

// Fail ends a claimed delivery that will never be accepted. With suppress, its address does not exist and is never written
// to again.
func (s *Sender) Fail(ctx context.Context, d Delivery, reason string, suppress bool) error {
	return s.write(ctx, "giving up", d.ID, func(ctx context.Context, tx *sql.Tx, now time.Time) (sql.Result, error) {
		if suppress {
			var key string
			if err := tx.QueryRowContext(ctx, `SELECT key FROM subscriber WHERE id = ?`, d.Subscriber).Scan(&key); err != nil {
				return nil, err
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO suppression (hash, reason, created) VALUES (?, 'bounce', ?) ON CONFLICT DO NOTHING`,
				s.keys.Hash(digest.HashSuppression, key), now.Unix())
			if err != nil {
				return nil, err
			}
		}
		return tx.ExecContext(ctx, `UPDATE delivery SET state = 'failed', owner = '', lease = NULL, next = 0, message = NULL,
			attempts = attempts + CASE state WHEN 'claimed' THEN 1 ELSE 0 END, reply = ?, updated = ?
			WHERE id = ? AND state IN ('claimed', 'committing') AND owner = ?`, reason, now.Unix(), d.ID, s.owner)
	})
}

// Release gives back a claimed delivery that was not tried.
func (s *Sender) Release(ctx context.Context, id int64) error {
	return s.write(ctx, "releasing", id, func(ctx context.Context, tx *sql.Tx, now time.Time) (sql.Result, error) {
		return tx.ExecContext(ctx, `UPDATE delivery SET state = CASE WHEN message IS NULL THEN 'pending' ELSE 'in_doubt' END,
			owner = '', lease = NULL, updated = ? WHERE id = ? AND state = 'claimed' AND owner = ?`, now.Unix(), id, s.owner)
	})
}

// Finish ends every issue that has nothing left to try.
func (s *Sender) Finish(ctx context.Context) error {
	err := s.store.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		_, err := tx.ExecContext(ctx, `UPDATE issue SET state = 'done', finished = ? WHERE state = 'sending' AND NOT EXISTS (
			SELECT 1 FROM delivery d WHERE d.issue = issue.id AND (`+openDelivery+` OR d.state IN ('claimed', 'committing')))`, now.Unix())
		return err
	})
	if err != nil {
		return fmt.Errorf("finishing issues: %w", err)
	}
	return nil
}

// write is one change of one delivery, waiting for a commit. It must change exactly one row.
type write struct {
	change func(ctx context.Context, tx *sql.Tx, now time.Time) (sql.Result, error)
	done   chan struct{} // closed when it is on disk, or err says why not
	err    error
}

// write makes a change and returns when it is on disk.
func (s *Sender) write(ctx context.Context, doing string, id int64, change func(ctx context.Context, tx *sql.Tx, now time.Time) (sql.Result, error)) error {
	return s.settle(ctx, doing, id, s.enqueue(change))
}

func (s *Sender) enqueue(change func(ctx context.Context, tx *sql.Tx, now time.Time) (sql.Result, error)) *write {
	w := &write{change: change, done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, w)
	return w
}

// settle waits until a change is on disk. All that came in while the commit before was on its way to the disk shares the
// next: with synchronous=FULL a commit costs far more than what is in it.
func (s *Sender) settle(ctx context.Context, doing string, id int64, w *write) error {
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
	if w.err != nil {
		return fmt.Errorf("%s delivery %d: %w", doing, id, w.err)
	}
	return nil
}

// commit writes all that is waiting in one transaction. The caller has the turn.
func (s *Sender) commit(ctx context.Context) {
	s.mu.Lock()
	batch := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	err := s.store.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		for _, w := range batch {
			res, err := w.change(ctx, tx, now)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			if n != 1 {
				w.err = ErrClaimLost
			}
		}
		return nil
	})
	for _, w := range batch {
		if err != nil {
			w.err = err
		}
		close(w.done)
	}
}
