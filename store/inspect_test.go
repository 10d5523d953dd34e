package store

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A sound database is called so, and one whose pages were written over is not.
func TestInspect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "linkletter.db")
	s, err := Open(t.Context(), path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Inspect(t.Context())
	if err != nil || got.Version != len(migrations)+1 || got.Journal != "wal" || len(got.Damage) > 0 || got.Size == 0 || got.Readable {
		t.Errorf("a new database: %+v, %v", got, err)
	}
	if _, err := s.db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	var page int64
	if err := s.db.QueryRow(`SELECT rootpage FROM sqlite_schema WHERE name = 'entry_news'`).Scan(&page); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 100), (page-1)*pageSize(t, path)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(t.Context(), path, time.Now); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, err := s.Inspect(t.Context()); err != nil || len(got.Damage) == 0 || !got.Readable {
		t.Errorf("a damaged database that others may read: %+v, %v", got, err)
	}
}

func pageSize(t *testing.T, path string) (size int64) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(`PRAGMA page_size`).Scan(&size); err != nil {
		t.Fatal(err)
	}
	return size
}
