// Package source gets a list's Markdown from where it lives: a file, an address, or a git repository. HTTP is that of RFC
// 9110 to 9112; forges' addresses are understood as people paste them.
package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// DefaultMaxBytes is the size above which a list is refused.
const DefaultMaxBytes = 32 << 20

// Source fetches lists. The zero value works; it is safe for several goroutines, and not to be copied. Lists of one host
// should share a Source: it counts what it asks of each host.
type Source struct {
	MaxBytes  int64 // of a list, decoded; 0: DefaultMaxBytes
	UserAgent string
	Transport *http.Transport // nil: NewTransport()
	Timeouts  Timeouts
	// HostRate is how many requests a second each host gets; short bursts of twice as many are let through. 0: DefaultHostRate.
	HostRate float64

	Now   func() time.Time                           // nil: time.Now
	Sleep func(context.Context, time.Duration) error // nil: waits, or until the context ends, whose error it gives then
	Rand  func() float64                             // from 0 up to 1; nil: rand.Float64

	// Data is the folder that Sync keeps its clones in.
	Data string

	clones turns
	hosts  hosts
	once   sync.Once // makes the transports
	own    *http.Transport
	// outward is for what strangers redirect to.
	outward *http.Transport
}

// Fetched is a list's bytes, or the news that they are the ones known already.
type Fetched struct {
	Bytes      []byte
	Unchanged  bool   // Bytes is empty: the validators still hold
	Validators string // JSON, to be handed back at the next fetch
	// Page is where people read the list, for relative links: the page of a forge's file, else the address that the bytes
	// came from, without its query. It is nil for a file.
	Page *url.URL
	// Doubt says in words for the operator why Bytes are not the list, and what to do: a login page came, say. It is empty
	// where they may be. The validators are such that the next fetch asks anew.
	Doubt string
	// MovedTo is where a server says the list has gone for good, for the operator to name as its source; or empty.
	MovedTo string
}

// TooLargeError says that a list is over the size limit.
type TooLargeError struct {
	Where string
	Max   int64
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s is larger than %d MiB, the most that is read of one list; raise max_list_mib in the configuration if it really is a list", e.Where, e.Max>>20)
}

// Fetch gets what stands at a path or an address. validators is what the fetch before gave, or empty. An error that says
// when to ask again is a *RetryError.
func (s *Source) Fetch(ctx context.Context, at Location, validators string) (*Fetched, error) {
	switch {
	case at.Git != nil:
		return nil, errors.New("a list in a git repository is not fetched, but its history read")
	case at.URL != "":
		return s.fetchURL(ctx, at, validators)
	}
	return s.fetchFile(ctx, at.Path, validators)
}

func (s *Source) maxBytes() int64 {
	if s.MaxBytes > 0 {
		return s.MaxBytes
	}
	return DefaultMaxBytes
}

func (s *Source) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *Source) random() float64 {
	if s.Rand != nil {
		return s.Rand()
	}
	return rand.Float64()
}

func (s *Source) sleep(ctx context.Context, d time.Duration) error {
	if s.Sleep != nil {
		return s.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// read takes everything in, up to the limit.
func (s *Source) read(r io.Reader, where string) ([]byte, error) {
	b, err := io.ReadAll(&limited{r: r, left: s.maxBytes(), err: &TooLargeError{Where: where, Max: s.maxBytes()}})
	var large *TooLargeError
	if errors.As(err, &large) {
		return nil, large
	} else if err != nil {
		return nil, fmt.Errorf("reading %s: %w", where, err)
	}
	return b, nil
}

// limited gives an error where there is more to read than is left.
type limited struct {
	r    io.Reader
	left int64
	err  error
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, l.err
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n, l.err
	}
	return n, err
}
