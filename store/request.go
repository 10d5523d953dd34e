package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// RequestKind is what another command asks the running scheduler to do.
type RequestKind string

const (
	RequestCheck   RequestKind = "check"   // check a list now
	RequestAccept  RequestKind = "accept"  // release what the guard holds of a list
	RequestDismiss RequestKind = "dismiss" // know it in silence
	RequestSend    RequestKind = "send"    // send a digest's next issue now
	RequestPublish RequestKind = "publish" // rewrite the static tree
)

// Request is work handed over through the store.
type Request struct {
	ID       int64
	Kind     RequestKind
	Subject  string // a list's or a digest's id
	Finished bool
	Result   string // JSON
	Error    string
}

// Ask hands work to the running scheduler and gives the request's number.
func (s *Store) Ask(ctx context.Context, kind RequestKind, subject string) (int64, error) {
	res, err := s.db.ExecContext(ctx, `INSERT INTO request (kind, subject, created) VALUES (?, ?, ?)`, kind, subject, s.now().Unix())
	if err != nil {
		return 0, fmt.Errorf("handing over %s %s: %w", kind, subject, err)
	}
	return res.LastInsertId()
}

// NextRequest claims the oldest request nobody has begun, or gives nil. Requests older than an hour are dropped: whoever
// asked is not waiting any more.
func (s *Store) NextRequest(ctx context.Context) (*Request, error) {
	// Looking first keeps an idle scheduler from taking the write lock every second.
	var waiting bool
	err := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM request WHERE started IS NULL)`).Scan(&waiting)
	if err != nil {
		return nil, fmt.Errorf("looking for requests: %w", err)
	}
	if !waiting {
		return nil, nil
	}
	var r Request
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM request WHERE created < ?`, now.Add(-time.Hour).Unix()); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `UPDATE request SET started = ?
			WHERE id = (SELECT min(id) FROM request WHERE started IS NULL) RETURNING id, kind, subject`, now.Unix()).
			Scan(&r.ID, &r.Kind, &r.Subject)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("claiming a request: %w", err)
	}
	return &r, nil
}

// Withdraw takes back a request that nobody has begun, and answers whether it could.
func (s *Store) Withdraw(ctx context.Context, id int64) (bool, error) {
	res, err := s.db.ExecContext(ctx, `DELETE FROM request WHERE id = ? AND started IS NULL`, id)
	if err != nil {
		return false, fmt.Errorf("withdrawing request %d: %w", id, err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Answer ends a request with its result (JSON) or its error.
func (s *Store) Answer(ctx context.Context, id int64, result, failure string) error {
	_, err := s.db.ExecContext(ctx, `UPDATE request SET finished = ?, result = ?, error = ? WHERE id = ?`, s.now().Unix(), result, failure, id)
	if err != nil {
		return fmt.Errorf("answering request %d: %w", id, err)
	}
	return nil
}

// Request gives a request as it stands.
func (s *Store) Request(ctx context.Context, id int64) (*Request, error) {
	r := Request{ID: id}
	err := s.db.QueryRowContext(ctx, `SELECT kind, subject, finished IS NOT NULL, result, error FROM request WHERE id = ?`, id).
		Scan(&r.Kind, &r.Subject, &r.Finished, &r.Result, &r.Error)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("request %d: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("reading request %d: %w", id, err)
	}
	return &r, nil
}
