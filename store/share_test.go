package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestSharedCommits(t *testing.T) {
	s, _ := subscriberStore(t)
	odd := errors.New("odd")
	var wg sync.WaitGroup
	for i := range 3 * maxShared {
		wg.Go(func() {
			err := s.shared(t.Context(), func(_ context.Context, tx *sql.Tx, _ time.Time) error {
				_, err := tx.ExecContext(t.Context(), `INSERT INTO setting (name, value) VALUES (?, x'00')`, fmt.Sprint("n", i))
				if err == nil && i%3 == 1 {
					err = odd
				}
				return err
			})
			if want := i%3 == 1; errors.Is(err, odd) != want {
				t.Errorf("change %d: %v, want its own error: %v", i, err, want)
			}
		})
	}
	wg.Wait()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.shared(gone, func(context.Context, *sql.Tx, time.Time) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a change that nobody waits for: %v", err)
	}
	var n, undone int
	err := s.db.QueryRowContext(t.Context(), `SELECT count(*), count(*) FILTER (WHERE substr(name, 2) % 3 = 1) FROM setting WHERE name LIKE 'n%'`).Scan(&n, &undone)
	if err != nil || n != 2*maxShared || undone != 0 {
		t.Errorf("%d changes were kept, %d of them failed, %v; want %d and 0", n, undone, err, 2*maxShared)
	}
}
