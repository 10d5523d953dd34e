package source

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	tries        = 3                      // of one request within a fetch
	firstPause   = 500 * time.Millisecond // at most, before the second try; twice that before the third
	shortWait    = 5 * time.Second        // a server that asks for no more than this is asked again within the fetch
	longestSpare = 24 * time.Hour         // a server that asks for more than this is asked again after it
)

// RetryError is a failure of a server that said when to ask again. Nothing of its host is asked before.
type RetryError struct {
	Err   error
	After time.Time
}

func (e *RetryError) Error() string {
	return e.Err.Error() + "; it asks to be left alone until " + e.After.UTC().Format("2006-01-02 15:04:05 MST")
}

func (e *RetryError) Unwrap() error { return e.Err }

// passing is a failure that may be gone in a moment.
type passing struct {
	error
	wait time.Duration // as the server asked; 0: it did not
}

func (e passing) Unwrap() error { return e.error }

// again does something up to three times, while it fails in passing.
func again[T any](ctx context.Context, s *Source, do func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		got, err := do()
		var p passing
		if !errors.As(err, &p) || try == tries {
			return got, err
		}
		pause := p.wait
		if pause == 0 { // the whole of it by chance: many lists that failed at once shall not come back at once
			pause = time.Duration(s.random() * float64(firstPause<<(try-1)))
		}
		if s.sleep(ctx, pause) != nil {
			return got, err
		}
	}
}

// retryAfter reads the header of that name (RFC 9110, section 10.2.3): seconds, or a date. It is 0 where nothing is asked
// for, or nothing that makes sense.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	wait := longestSpare
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		if seconds < int64(longestSpare/time.Second) {
			wait = time.Duration(seconds) * time.Second
		}
	} else if errors.Is(err, strconv.ErrRange) && value[0] != '-' {
		return wait
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	} else {
		return 0
	}
	return min(max(wait, 0), longestSpare)
}
