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

// Why a delivery must not be sent any more.
var (
	ErrClaimLost = errors.New("the delivery is claimed by another sender")
	ErrUnwanted  = errors.New("the subscriber left, paused or was suppressed before it was sent")
	ErrStopped   = errors.New("the issue is not being sent any more")
)

// maxDoubts is how many tries may end between the dot and the reply. A server that accepts a message and never says so
// would else get it for ever; after them it is the operator's to judge.
const maxDoubts = 3

// Sender takes deliveries from one state to the next on behalf of one process:
//
//	pending, deferred, in_doubt → claimed → committing → sent
//
// and from claimed or committing to deferred, failed, suppressed or in_doubt. Every step is durable when its method
// returns, and none is taken unless the row is in the state before it and claimed by this very sender. So a sender that
// was thought dead, and whose rows were taken over, cannot send: its Intent fails.
//
// A message whose fate is unknown keeps its bytes until it is known, whatever state the row goes through: that is how a
// row remembers that it is in doubt while it is tried again. It is tried again no more than maxDoubts allows.
//
// Its methods may be called from several goroutines; what they write at the same time shares one commit.
type Sender struct {
	store *Store
	owner string
	hold  time.Duration

	turn    chan struct{} // holds one token while somebody commits
	mu      sync.Mutex    // guards waiting
	waiting []*write
}

// Sender gives the sender named owner, a name that no other process has ever had. A message that falls in doubt is sent
// again once hold has passed, which should be longer than servers take to answer a message, unless that happens to it again
// and again; with a hold of 0 it never is. What is not sent again stays in doubt.
func (s *Store) Sender(owner string, hold time.Duration) *Sender {
	return &Sender{store: s, owner: owner, hold: hold, turn: make(chan struct{}, 1)}
}

// Recover takes over what senders before this one left: what they had claimed is free again, and what they were about to
// commit is in doubt. Only the holder of the senders' lease may call it. It also applies this sender's hold to what was
// in doubt before. inDoubt counts the messages that were left between the dot and the reply.
func (s *Sender) Recover(ctx context.Context) (inDoubt int, err error) {
	err = s.store.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		_, err := tx.ExecContext(ctx, `UPDATE delivery SET state = CASE WHEN message IS NULL THEN 'pending' ELSE 'in_doubt' END,
			owner = '', lease = NULL WHERE `+unfinished+` AND state = 'claimed' AND (owner <> ? OR lease <= ?)`, s.owner, now.Unix())
		if err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `UPDATE delivery SET state = 'in_doubt', owner = '', lease = NULL, doubts = doubts + 1,
			reply = 'interrupted before the server''s reply was known'
			WHERE issue IN (SELECT id FROM issue WHERE state <> 'done') AND state = 'committing' AND owner <> ?`, s.owner)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		inDoubt = int(n)
		// The hold counts from when the row fell in doubt; a later time is the backoff of a repetition.
		hold := int64(s.hold / time.Second)
		_, err = tx.ExecContext(ctx, `UPDATE delivery SET next = CASE WHEN ?1 > 0 AND doubts < ?2 THEN max(next, updated + ?1) ELSE 0 END
			WHERE `+unfinished+` AND state = 'in_doubt'`, hold, maxDoubts)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("recovering interrupted deliveries: %w", err)
	}
	return inDoubt, nil
}

// unfinished is the condition for a delivery of an issue that has not ended: the others are not even looked at.
const unfinished = `issue IN (SELECT id FROM issue WHERE state IN ('sending', 'paused'))`

// Claim takes up to n deliveries that are due, for the time of lease. Who unsubscribed, paused or was suppressed since the issue
// was frozen is not among them: those rows end as suppressed, and are counted in left.
func (s *Sender) Claim(ctx context.Context, n int, lease time.Duration) (claimed []Delivery, left int, err error) {
	err = s.settle(ctx, s.enqueue(func(ctx context.Context, tx *sql.Tx, now time.Time) error {
		due, err := s.due(ctx, tx, now, n)
		if err != nil {
			return err
		}
		ids := make([]int64, 0, len(due))
		for _, d := range due {
			if d.refusal == "" {
				claimed, ids = append(claimed, d.Delivery), append(ids, d.ID)
				continue
			}
			left++
			_, err := tx.ExecContext(ctx, `UPDATE delivery SET state = 'suppressed', message = NULL, reply = ?, lease = NULL, updated = ?
				WHERE id = ?`, d.ending(d.refusal), now.Unix(), d.ID)
			if err != nil {
				return err
			}
		}
		_, err = s.store.run(ctx, tx, `UPDATE delivery SET state = 'claimed', owner = ?, lease = ?, updated = ?
			WHERE id IN (SELECT value FROM json_each(?))`, s.owner, now.Add(lease).Unix(), now.Unix(), asJSON(ids))
		return err
	}))
	if err != nil {
		return nil, 0, fmt.Errorf("claiming deliveries: %w", err)
	}
	return claimed, left, nil
}

// candidate is a delivery that is due, and why it must not be made, if so.
type candidate struct {
	Delivery
	refusal string
}

const (
	leftBefore       = "unsubscribed before it was sent"
	suppressedBefore = "the address is suppressed"
	pausedBefore     = "paused before it was sent"
)

func (s *Sender) due(ctx context.Context, tx *sql.Tx, now time.Time, n int) ([]candidate, error) {
	stmt, err := s.store.prepared(ctx, tx, `SELECT `+deliveryColumns+`, d.message, s.hash,
		CASE WHEN EXISTS (SELECT 1 FROM suppression p WHERE p.hash = s.hash) THEN '`+suppressedBefore+`'
		WHEN u.state IS NOT 'confirmed' THEN '`+leftBefore+`' WHEN s.paused > ?1 THEN '`+pausedBefore+`' ELSE '' END
		FROM issue i CROSS JOIN delivery d ON d.issue = i.id -- in this order: a paused issue's rows are not looked at
		JOIN subscriber s ON s.id = d.subscriber
		LEFT JOIN subscription u ON u.subscriber = d.subscriber AND u.digest = i.digest
		WHERE i.state = 'sending' AND `+openDelivery+` AND d.next <= ?1 LIMIT ?2`)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, now.Unix(), n)
	if err != nil {
		return nil, err
	}
	return collectRows(rows, func(rows *sql.Rows) (c candidate, err error) {
		err = c.scan(rows, &c.Message, &c.hash, &c.refusal)
		return c, err
	})
}

// Intent records, before the final dot of a message goes out, that it will: from here on the message may have been
// accepted. The bytes are kept until the reply is known. With any error the dot must not be sent: ErrClaimLost, also when the
// subscriber's address changed since the claim, and the delivery was given back; ErrUnwanted
// when the subscriber left, paused or was suppressed since the claim, and the delivery has ended as suppressed; ErrStopped when the
// issue was paused since, and the delivery was given back. One that was cancelled since has no claims.
func (s *Sender) Intent(ctx context.Context, d Delivery, message []byte) error {
	return s.write(ctx, "recording the intent of", d.ID, func(ctx context.Context, tx *sql.Tx, now time.Time) error {
		err := own(s.store.run(ctx, tx, `UPDATE delivery SET state = 'committing', attempts = attempts + 1, message = ?1, updated = ?2
			WHERE id = ?3 AND state = 'claimed' AND owner = ?4
			AND EXISTS (SELECT 1 FROM issue i WHERE i.id = delivery.issue AND i.state = 'sending')
			AND EXISTS (SELECT 1 FROM subscription u WHERE u.subscriber = delivery.subscriber AND u.state = 'confirmed'
				AND u.digest = (SELECT digest FROM issue WHERE id = delivery.issue))
			AND EXISTS (SELECT 1 FROM subscriber WHERE id = delivery.subscriber AND address = ?6 AND (paused IS NULL OR paused <= ?2))
			AND NOT EXISTS (SELECT 1 FROM suppression WHERE hash = ?5)`, message, now.Unix(), d.ID, s.owner, d.hash, d.Address))
		if !errors.Is(err, ErrClaimLost) {
			return err
		}
		state, err := issueState(ctx, tx, d.Issue)
		if err != nil {
			return err
		}
		var moved bool
		err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM subscriber WHERE id = ? AND address <> ?)`, d.Subscriber, d.Address).Scan(&moved)
		if err != nil {
			return err
		}
		if moved { // the next claim is for where they are now
			if err = own(s.giveBack(ctx, tx, now, d.ID)); err == nil {
				err = ErrClaimLost
			}
			return err
		}
		if state != IssueSending {
			if err = own(s.giveBack(ctx, tx, now, d.ID)); err == nil {
				err = ErrStopped
			}
			return err
		}
		err = own(tx.ExecContext(ctx, `UPDATE delivery SET state = 'suppressed', owner = '', lease = NULL, message = NULL, updated = ?1,
			reply = CASE WHEN EXISTS (SELECT 1 FROM suppression WHERE hash = ?2) THEN ?3
			WHEN EXISTS (SELECT 1 FROM subscription u JOIN issue i ON i.digest = u.digest
				WHERE i.id = delivery.issue AND u.subscriber = delivery.subscriber AND u.state = 'confirmed') THEN ?4 ELSE ?5 END
			WHERE id = ?6 AND state = 'claimed' AND owner = ?7`, now.Unix(), d.hash,
			d.ending(suppressedBefore), d.ending(pausedBefore), d.ending(leftBefore), d.ID, s.owner))
		if err == nil {
			err = ErrUnwanted
		}
		return err
	})
}

// Sent records the server's reply to an accepted message. It rides on the next commit, of this delivery's connection or
// another: until settled returns nil, it may not be on disk, and a crash would leave the message in doubt. A connection
// that calls settled after its next Intent waits for nothing, and has at most one message in doubt at a time.
func (s *Sender) Sent(ctx context.Context, id int64, reply string) (settled func() error) {
	w := s.enqueue(func(ctx context.Context, tx *sql.Tx, now time.Time) error {
		return own(s.store.run(ctx, tx, `UPDATE delivery SET state = 'sent', owner = '', lease = NULL, next = 0,
			message = NULL, reply = ?, updated = ? WHERE id = ? AND state = 'committing' AND owner = ?`, reply, now.Unix(), id, s.owner))
	})
	return func() error { return named("recording the reply to", id, s.settle(ctx, w)) }
}

// Doubt records that a message's fate is unknown: the connection was lost between the dot and the reply. It is sent again
// after the hold; when that has come to nothing often enough, it stays in doubt.
func (s *Sender) Doubt(ctx context.Context, id int64, reason string) error {
	return s.write(ctx, "recording the doubt about", id, func(ctx context.Context, tx *sql.Tx, now time.Time) error {
		var next int64
		if s.hold > 0 {
			next = now.Add(s.hold).Unix()
		}
		return own(tx.ExecContext(ctx, `UPDATE delivery SET state = 'in_doubt', owner = '', lease = NULL, doubts = doubts + 1,
			next = CASE WHEN doubts + 1 < ? AND NOT `+cancelled+` THEN ? ELSE 0 END, reply = ?, updated = ?
			WHERE id = ? AND state = 'committing' AND owner = ?`, maxDoubts, next, reason, now.Unix(), id, s.owner))
	})
}

// cancelled says whether a delivery's issue was cancelled while it was on the wire.
const cancelled = `EXISTS (SELECT 1 FROM issue i WHERE i.id = delivery.issue AND i.state = 'cancelled')`

// Defer puts a claimed delivery off: this try is known to have failed. One that was in doubt before the try still is. One
// whose issue was cancelled meanwhile is not tried again.
func (s *Sender) Defer(ctx context.Context, d Delivery, next time.Time, reason string) error {
	return s.write(ctx, "deferring", d.ID, func(ctx context.Context, tx *sql.Tx, now time.Time) error {
		state := digest.Deferred
		if d.Message != nil {
			state = digest.InDoubt
		}
		return own(tx.ExecContext(ctx, `UPDATE delivery SET state = CASE WHEN ?1 = 'deferred' AND `+cancelled+` THEN 'cancelled' ELSE ?1 END,
			owner = '', lease = NULL, next = CASE WHEN `+cancelled+` THEN 0 ELSE ?2 END, message = ?3,
			attempts = attempts + CASE state WHEN 'claimed' THEN 1 ELSE 0 END, reply = ?4, updated = ?5
			WHERE id = ?6 AND state IN ('claimed', 'committing') AND owner = ?7`,
			state, next.Unix(), d.Message, reason, now.Unix(), d.ID, s.owner))
	})
}

// RefusedFor is what a server seems to have refused a message for, and so whether it is tried again when its issue is paused
// because the server refuses most of it.
type RefusedFor int

const (
	ForGood   RefusedFor = iota // it is never tried again
	ForUs                       // for what we are, not for whom it is for
	ForItself                   // for the recipient or the message
	ForNobody                   // because there is nobody at the address
)

// Fail ends a claimed delivery that will never be accepted. With suppress, its address does not exist and is never written
// to again.
func (s *Sender) Fail(ctx context.Context, d Delivery, reason string, suppress bool) error {
	return s.end(ctx, "giving up", d, reason, ForGood, suppress, nil)
}

// Refuse ends a claimed delivery that the server refused; where there is nobody, the address is never written to again. So it
// stays, unless it turns out that the server refuses most: Store.PauseRefused gives the delivery back then, with its
// suppression undone, and what was in doubt before is so again, with its bytes.
func (s *Sender) Refuse(ctx context.Context, d Delivery, reason string, of RefusedFor) error {
	return s.end(ctx, "recording the refusal of", d, reason, of, of == ForNobody, d.Message)
}

// end makes a claimed delivery a failed one, which keeps its message and what it was refused for; where there is nobody, the
// address is suppressed.
func (s *Sender) end(ctx context.Context, doing string, d Delivery, reason string, of RefusedFor, nobody bool, message []byte) error {
	return s.write(ctx, doing, d.ID, func(ctx context.Context, tx *sql.Tx, now time.Time) error {
		if nobody {
			if err := suppress(ctx, tx, d.hash, Bounced, now); err != nil {
				return err
			}
		}
		return own(tx.ExecContext(ctx, `UPDATE delivery SET state = 'failed', policy = ?, owner = '', lease = NULL, next = 0, message = ?,
			attempts = attempts + CASE state WHEN 'claimed' THEN 1 ELSE 0 END, reply = ?, updated = ?
			WHERE id = ? AND state IN ('claimed', 'committing') AND owner = ?`, of, message, d.ending(reason), now.Unix(), d.ID, s.owner))
	})
}

// Release gives back claimed deliveries that were not tried. What somebody else has taken over is left to them.
func (s *Sender) Release(ctx context.Context, ids ...int64) error {
	err := s.settle(ctx, s.enqueue(func(ctx context.Context, tx *sql.Tx, now time.Time) error {
		_, err := s.giveBack(ctx, tx, now, ids...)
		return err
	}))
	if err != nil {
		return fmt.Errorf("releasing %d deliveries: %w", len(ids), err)
	}
	return nil
}

// again is the state of a claimed delivery that was in doubt before and was not tried. Where nothing in doubt is sent again by
// itself, it was claimed because the operator wants it, and Recover is not to put it on hold once more.
func (s *Sender) again() digest.State {
	if s.hold > 0 {
		return digest.InDoubt
	}
	return digest.Deferred
}

// giveBack makes claimed deliveries what they were before, those that were in doubt among them (see again).
func (s *Sender) giveBack(ctx context.Context, tx *sql.Tx, now time.Time, ids ...int64) (sql.Result, error) {
	return tx.ExecContext(ctx, `UPDATE delivery SET state = CASE WHEN message IS NULL THEN 'pending' ELSE ? END,
		owner = '', lease = NULL, updated = ? WHERE id IN (SELECT value FROM json_each(?)) AND state = 'claimed' AND owner = ?`,
		s.again(), now.Unix(), asJSON(ids), s.owner)
}

// Finish ends every issue that has nothing left to try.
func (s *Sender) Finish(ctx context.Context) error {
	err := s.store.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		_, err := tx.ExecContext(ctx, `UPDATE issue SET state = 'done', finished = ? WHERE state = 'sending' AND NOT EXISTS (
			SELECT 1 FROM delivery d WHERE d.issue = issue.id AND (d.state IN ('claimed', 'committing') OR `+openDelivery+`))`, now.Unix())
		if err != nil {
			return err
		}
		// The bytes of a refused message were kept for another chance.
		_, err = tx.ExecContext(ctx, `UPDATE delivery SET message = NULL WHERE state = 'failed' AND message IS NOT NULL
			AND issue IN (SELECT id FROM issue WHERE state = 'done' AND finished = ?)`, now.Unix())
		return err
	})
	if err != nil {
		return fmt.Errorf("finishing issues: %w", err)
	}
	return nil
}
