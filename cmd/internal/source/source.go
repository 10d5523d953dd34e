// Package source gets a list's Markdown from where it lives: a file, or an address.
package source

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultMaxBytes is the size above which a list is refused.
const DefaultMaxBytes = 32 << 20

// Source fetches lists. The zero value works; it is safe for several goroutines.
type Source struct {
	MaxBytes  int64        // 0: DefaultMaxBytes
	Client    *http.Client // nil: http.DefaultClient; every fetch has a deadline of its own
	UserAgent string
	Now       func() time.Time // nil: time.Now
}

// Fetched is a list's bytes, or the news that they are the ones known already.
type Fetched struct {
	Bytes      []byte
	Unchanged  bool   // Bytes is empty: the validators still hold
	Validators string // JSON, to be handed back at the next fetch
	// Page is the address the bytes came from, for relative links; nil for a file.
	Page *url.URL
}

// TooLargeError says that a list is over the size limit.
type TooLargeError struct {
	Where string
	Max   int64
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s is larger than %d MiB, the most that is read of one list; raise max_list_mib in the configuration if it really is a list", e.Where, e.Max>>20)
}

// Fetch gets what stands at location: an http(s) URL or a file's path. validators is what the fetch before gave, or empty.
func (s *Source) Fetch(ctx context.Context, location, validators string) (*Fetched, error) {
	if IsURL(location) {
		return s.fetchHTTP(ctx, location, validators)
	}
	return s.fetchFile(location, validators)
}

// IsURL says that a location is an address and not a path.
func IsURL(location string) bool {
	l := strings.ToLower(location)
	return strings.HasPrefix(l, "http://") || strings.HasPrefix(l, "https://")
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

// read takes everything in, up to the limit.
func (s *Source) read(r io.Reader, where string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, s.maxBytes()+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", where, err)
	}
	if int64(len(b)) > s.maxBytes() {
		return nil, &TooLargeError{Where: where, Max: s.maxBytes()}
	}
	return b, nil
}
