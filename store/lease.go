package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
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

// HeldError says that another living process has the lease.
type HeldError struct {
	Holder  string
	Expires time.Time
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s works on this database already (its lease runs to %s)", e.Holder, e.Expires.Format("15:04:05 MST"))
}

// Acquire takes the named lease, or fails with a HeldError. holder is for people: the command, process and host.
func (s *Store) Acquire(ctx context.Context, name, holder string) (*Lease, error) {
	l := &Lease{store: s, name: name, Owner: rand.Text()}
	err := s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO lease (name, owner, holder, expires) VALUES (?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, holder = excluded.holder, expires = excluded.expires
			WHERE expires <= ?`, name, l.Owner, holder, now.Add(LeaseTime).Unix(), now.Unix())
		if err != nil {
			return fmt.Errorf("taking the lease %s: %w", name, err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		var held HeldError
		var expires sql.NullInt64
		err = tx.QueryRowContext(ctx, `SELECT holder, expires FROM lease WHERE name = ?`, name).Scan(&held.Holder, &expires)
		if err != nil {
			return fmt.Errorf("reading the lease %s: %w", name, err)
		}
		held.Expires = fromUnix(expires)
		return &held
	})
	if err != nil {
		return nil, err
	}
	return l, nil
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
func (l *Lease) Release(ctx context.Context) error {
	_, err := l.store.db.ExecContext(ctx, `DELETE FROM lease WHERE name = ? AND owner = ?`, l.name, l.Owner)
	if err != nil {
		return fmt.Errorf("releasing the lease %s: %w", l.name, err)
	}
	return nil
}

// Holder names who has a living lease; empty: nobody.
func (s *Store) Holder(ctx context.Context, name string) (string, error) {
	var holder string
	err := s.db.QueryRowContext(ctx, `SELECT coalesce(max(holder), '') FROM lease WHERE name = ? AND expires > ?`, name, s.now().Unix()).Scan(&holder)
	if err != nil {
		return "", fmt.Errorf("reading the lease %s: %w", name, err)
	}
	return holder, nil
}
