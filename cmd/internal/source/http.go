package source

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// httpTimeout bounds one fetch from the first byte sent to the last one read.
const httpTimeout = 2 * time.Minute

// httpValidators are what a server gave to ask "changed since?" with (RFC 9110, section 8.8).
type httpValidators struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

func (s *Source) fetchHTTP(ctx context.Context, address, validators string) (*Fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, httpTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("source address: %w", err)
	}
	req.Header.Set("User-Agent", s.UserAgent)
	req.Header.Set("Accept", "text/markdown, text/plain;q=0.9, */*;q=0.5")
	var before httpValidators
	if json.Unmarshal([]byte(validators), &before) == nil {
		if before.ETag != "" {
			req.Header.Set("If-None-Match", before.ETag)
		}
		if before.LastModified != "" {
			req.Header.Set("If-Modified-Since", before.LastModified)
		}
	}
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetching the list: %w", err)
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusNotModified:
		return &Fetched{Unchanged: true, Validators: validators, Page: res.Request.URL}, nil
	case http.StatusOK:
	default:
		return nil, fmt.Errorf("fetching the list: %s answered %s", address, res.Status)
	}
	b, err := s.read(res.Body, address)
	if err != nil {
		return nil, err
	}
	v, err := json.Marshal(httpValidators{ETag: res.Header.Get("ETag"), LastModified: res.Header.Get("Last-Modified")})
	if err != nil {
		return nil, fmt.Errorf("remembering the version of %s: %w", address, err)
	}
	return &Fetched{Bytes: b, Validators: string(v), Page: res.Request.URL}, nil
}
