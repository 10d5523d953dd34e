package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrNotFound says that a row asked for by name does not exist.
var ErrNotFound = errors.New("not found")

// pragmas are set on every connection.
//
//   - WAL: readers never wait for the writer.
//   - synchronous FULL: a commit is on disk when it returns. "Nobody skipped" rests on it: WAL with NORMAL may lose the
//     newest commits when the power goes.
//   - wal_autocheckpoint, in pages: a delivery writes the same pages again and again, which then go to their places once
//     every 16 MB and not every 4.
//   - busy_timeout: another process (a command beside the scheduler) may hold the write lock for a moment.
var pragmas = []string{
	"busy_timeout(15000)", "journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(4000)", "foreign_keys(ON)",
}

// Store is an open database. Its methods may be called from several goroutines.
type Store struct {
	db   *sql.DB
	path string
	now  func() time.Time
	// writing lets one transaction of this process at the database at a time. SQLite would do that too, but by trying
	// again and again, which makes the last in the queue wait long.
	writing sync.Mutex

	sharing sharing

	preparing  sync.Mutex // guards statements
	statements map[string]*sql.Stmt
}

// Open opens the SQLite file at path, makes it when there is none, and brings its schema up to date. now is the clock of
// everything the store dates; it is read once per transaction.
func Open(ctx context.Context, path string, now func() time.Time) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of the database: %w", err)
	}
	// Made here, because people's addresses in it are nobody else's business on this machine.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrPermission) { // who may only read it may still look
		return nil, fmt.Errorf("the database %s cannot be written; check its folder, owner and permissions: %w", path, err)
	}
	db, err := openFile(path, url.Values{"_pragma": pragmas, "_txlock": {"immediate"}})
	if err != nil {
		return nil, fmt.Errorf("opening the database %s: %w", path, err)
	}
	s := &Store{db: db, path: path, now: now, statements: map[string]*sql.Stmt{}, sharing: sharing{turn: make(chan struct{}, 1)}}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the database: %w", s.explain(err)), db.Close())
	}
	return s, nil
}

// openFile opens a SQLite file with the driver's options. A path is written as a URL has it, for it may hold a question mark.
func openFile(path string, options url.Values) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+options.Encode())
}

// explain puts SQLite's terse words for a file that cannot be used into a sentence that names it, with a way out.
func (s *Store) explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%s is damaged or no SQLite database; restore it from a backup, or move it away to start anew: %w", s.path, err)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%s or its folder cannot be written; check their owner and permissions: %w", s.path, err)
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR:
		return fmt.Errorf("%s cannot be written; is the disk full? %w", s.path, err)
	}
	return err
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// tx runs f in one write transaction, with the time it has.
func (s *Store) tx(ctx context.Context, f func(tx *sql.Tx, now time.Time) error) error {
	return s.txOn(ctx, s.db, f)
}

// beginner is what a transaction is begun on: the database, or one connection.
type beginner interface {
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}

// txOn is tx over a connection of another kind.
func (s *Store) txOn(ctx context.Context, db beginner, f func(tx *sql.Tx, now time.Time) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return s.explain(err)
	}
	defer tx.Rollback()
	if err := f(tx, s.now().UTC().Truncate(time.Second)); err != nil {
		return s.explain(err)
	}
	return s.explain(tx.Commit())
}

// prepared gives a statement to a transaction that was parsed when it was first wanted, and is kept until the store is
// closed: for the few that run a million times, where parsing would take longer than the rest.
func (s *Store) prepared(ctx context.Context, tx *sql.Tx, query string) (*sql.Stmt, error) {
	s.preparing.Lock()
	defer s.preparing.Unlock()
	stmt := s.statements[query]
	if stmt == nil {
		var err error
		if stmt, err = s.db.PrepareContext(ctx, query); err != nil {
			return nil, err
		}
		s.statements[query] = stmt
	}
	return tx.StmtContext(ctx, stmt), nil
}

// run runs a prepared statement that gives no rows.
func (s *Store) run(ctx context.Context, tx *sql.Tx, query string, args ...any) (sql.Result, error) {
	stmt, err := s.prepared(ctx, tx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

// querier is what a transaction and the database have in common for reading.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// collect reads every row of a query with scan.
func collect[T any](ctx context.Context, q querier, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return collectRows(rows, scan)
}

func collectRows[T any](rows *sql.Rows, scan func(*sql.Rows) (T, error)) ([]T, error) {
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// fromUnix is a column's time in UTC; NULL is the zero time.
func fromUnix(v sql.NullInt64) time.Time {
	if !v.Valid {
		return time.Time{}
	}
	return time.Unix(v.Int64, 0).UTC()
}

// toUnix is a time as a column holds it; the zero time is NULL.
func toUnix(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.Unix(), Valid: !t.IsZero()}
}
