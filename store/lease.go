package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// LeaseTime is how long a lease lives without being renewed.
const LeaseTime = 15 * time.Second

// Lease is the right to be the only scheduler or sender on a store. It is renewed until it is released, and lapses by
// itself when its process dies.
type Lease struct {
	store *Store
	name  string
	Owner string // random, this process's
}

// Process is who holds a lease.
type Process struct {
	Command string // "serve"
	PID     int
	Host    string // the machine's name, and perhaps more behind a space that tells its containers apart
}

func (p Process) String() string {
	machine, _, _ := strings.Cut(p.Host, " ")
	return fmt.Sprintf("linkletter %s (process %d on %s)", p.Command, p.PID, machine)
}

// HeldError says that another process has the lease.
type HeldError struct {
	Holder  Process
	Owner   string
	Expires time.Time
}

func (e *HeldError) Error() string { return fmt.Sprintf("%s works on this database already", e.Holder) }

// Acquire takes the named lease, or fails with a HeldError.
func (s *Store) Acquire(ctx context.Context, name string, as Process) (*Lease, error) {
	l := &Lease{store: s, name: name, Owner: rand.Text()}
	err := s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO lease (name, owner, command, pid, host, expires) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, command = excluded.command, pid = excluded.pid,
				host = excluded.host, expires = excluded.expires
			WHERE expires <= ?`, name, l.Owner, as.Command, as.PID, as.Host, now.Add(LeaseTime).Unix(), now.Unix())
		if err != nil {
			return fmt.Errorf("taking the lease %s: %w", name, err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		held, err := readLease(ctx, tx, name)
		if err != nil {
			return err
		}
		return held
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

func readLease(ctx context.Context, q querier, name string) (*HeldError, error) {
	var held HeldError
	var expires sql.NullInt64
	err := q.QueryRowContext(ctx, `SELECT command, pid, host, owner, expires FROM lease WHERE name = ?`, name).
		Scan(&held.Holder.Command, &held.Holder.PID, &held.Holder.Host, &held.Owner, &expires)
	if err != nil {
		return nil, fmt.Errorf("reading the lease %s: %w", name, err)
	}
	held.Expires = fromUnix(expires)
	return &held, nil
}

// Break ends a lease whose holder is known to be dead. One that changed hands meanwhile stays.
func (s *Store) Break(ctx context.Context, name, owner string) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM lease WHERE name = ? AND owner = ?`, name, owner)
	if err != nil {
		return fmt.Errorf("ending the lease %s: %w", name, s.explain(err))
	}
	return nil
}

// Renew keeps the lease. It fails with ErrNotFound when the lease lapsed and somebody else has it now: whoever held it
// must stop.
func (l *Lease) Renew(ctx context.Context) error {
	return l.store.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		res, err := tx.ExecContext(ctx, `UPDATE lease SET expires = ? WHERE name = ? AND owner = ?`, now.Add(LeaseTime).Unix(), l.name, l.Owner)
		if err != nil {
			return fmt.Errorf("renewing the lease %s: %w", l.name, err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return fmt.Errorf("lease %s: %w", l.name, ErrNotFound)
	})
}

// Release gives the lease back, if it is still ours.
func (l *Lease) Release(ctx context.Context) error { return l.store.Break(ctx, l.name, l.Owner) }

// Holder says who has a living lease; nil: nobody.
func (s *Store) Holder(ctx context.Context, name string) (*HeldError, error) {
	held, err := readLease(ctx, s.db, name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil || !held.Expires.After(s.now()) {
		return nil, err
	}
	return held, nil
}
