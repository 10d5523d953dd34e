package web

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"linkletter/store"
)

// BenchmarkForms counts sign-ups and one-clicks a second, over real HTTP and with a database on a file, beside bare rows that are
// written durably into a file with the same settings, one a commit, in the same run.
func BenchmarkForms(b *testing.B) {
	const n, atOnce = 2000, 256
	one := url.Values{"List-Unsubscribe": {"One-Click"}}
	for name, request := range map[string]func(s *site, i int) (path string, form url.Values){
		"sign-up": func(_ *site, i int) (string, url.Values) {
			return "/-/subscribe", url.Values{"address": {fmt.Sprintf("new%d@example.org", i)}, "digest": {"weekly"}}
		},
		"one-click": func(s *site, i int) (string, url.Values) {
			return "/-/unsubscribe/" + s.Keys.Unsubscribe(int64(i+1), "weekly"), one
		},
	} {
		b.Run(name, func(b *testing.B) {
			var took, bare time.Duration
			for b.Loop() {
				s := newSite(b, func(s *site) { s.Limits = store.SignUpLimits{Address: n, Client: n, Total: n} })
				if name == "one-click" {
					for i := range n {
						if err := s.Store.AddSubscriber(b.Context(), fmt.Sprintf("old%d@example.org", i), []string{"weekly"}); err != nil {
							b.Fatal(err)
						}
					}
				}
				bare += bareInserts(b, n)
				took += s.crowd(b, n, atOnce, func(i int) (string, url.Values) { return request(s, i) })
				if got := s.counts(b); got.Pending+got.Unsubscribed != n {
					b.Fatalf("%+v, want %d of them", got, n)
				}
			}
			b.ReportMetric(float64(n*b.N)/took.Seconds(), name+"/s")
			b.ReportMetric(bare.Seconds()/took.Seconds(), "of-bare-inserts")
		})
	}
}

// bareInserts is how long n rows take, one a commit.
func bareInserts(b *testing.B, n int) time.Duration {
	b.Helper()
	file := filepath.Join(b.TempDir(), "bare.db")
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(4000)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(b.Context(), `CREATE TABLE row (id INTEGER PRIMARY KEY, address TEXT NOT NULL)`); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	for i := range n {
		if _, err := db.ExecContext(b.Context(), `INSERT INTO row (address) VALUES (?)`, fmt.Sprintf("new%d@example.org", i)); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}

// crowd posts n forms, so many at a time, and says how long that took.
func (s *site) crowd(b *testing.B, n, atOnce int, request func(i int) (path string, form url.Values)) time.Duration {
	b.Helper()
	crowd := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce, MaxConnsPerHost: atOnce}}
	defer crowd.CloseIdleConnections()
	var next atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range atOnce {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				path, form := request(i)
				res, err := crowd.Post(s.url+path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
				if err != nil {
					b.Error(err)
					return
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if res.StatusCode != http.StatusOK {
					b.Errorf("request %d: %s", i, res.Status)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}
