package source

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// httpValidators are what a server gave to ask "changed since?" with (RFC 9110, section 8.8), and whom to ask.
type httpValidators struct {
	At           string `json:"at"`             // which of the addresses of the list it was
	From         string `json:"from,omitempty"` // who answered, where that was another one after redirects; without its query
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

// errNotThere says that a server has nothing at an address.
var errNotThere = errors.New("there is nothing there (404)")

// fetchURL gets a list over HTTP, from the first of its addresses that has it. Later fetches begin with that one.
func (s *Source) fetchURL(ctx context.Context, at Location, validators string) (*Fetched, error) {
	u, err := url.Parse(strings.TrimSpace(at.URL))
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("the source %s is no address: write it as https://host/path", withoutSecrets(at.URL))
	}
	var before httpValidators
	if json.Unmarshal([]byte(validators), &before) != nil {
		before = httpValidators{}
	}
	candidates := understand(u)
	for i, c := range candidates {
		if remembered(c) == before.At {
			candidates[0], candidates[i] = c, candidates[0]
		}
	}
	f := &fetch{Source: s, secrets: secretsOf(at, u), left: s.Timeouts.orDefault().Total}
	var missing error
	for _, c := range candidates {
		if f.before = before; remembered(c) != before.At {
			f.before = httpValidators{}
		}
		got, err := again(ctx, s, func() (*Fetched, error) { return f.from(ctx, c) })
		if !errors.Is(err, errNotThere) {
			return got, err
		}
		if missing == nil {
			missing = err
		}
	}
	if len(candidates) > 1 {
		return nil, fmt.Errorf("%w, nor under the other usual names of a README: name the file's own address; a private repository answers so too, until a header with an access token is sent", missing)
	}
	return nil, fmt.Errorf("%w: check how it is written; what is private answers so too, until a header with an access token is sent", missing)
}

// remembered is how a candidate stands in the validators: a query may be secret.
func remembered(c candidate) string {
	if c.raw.RawQuery == "" {
		return bare(c.raw)
	}
	return fmt.Sprintf("%s?%x", bare(c.raw), sha256.Sum256([]byte(c.raw.RawQuery)))
}

// secretsOf are the headers that only the list's own host may see. A user and password in the address are one of them.
func secretsOf(at Location, u *url.URL) http.Header {
	h := at.Header.Clone()
	if u.User != nil && h.Get("Authorization") == "" {
		if h == nil {
			h = http.Header{}
		}
		password, _ := u.User.Password()
		r := http.Request{Header: h}
		r.SetBasicAuth(u.User.Username(), password)
	}
	return h
}

// fetch is one fetch of one list.
type fetch struct {
	*Source
	secrets http.Header
	before  httpValidators
	left    time.Duration // for all requests together
}

// from gets the list from one of its addresses, in one try.
func (f *fetch) from(ctx context.Context, c candidate) (*Fetched, error) {
	r, err := f.follow(ctx, c.raw)
	if err != nil {
		return nil, err
	}
	got := &Fetched{MovedTo: r.movedTo, Page: c.page}
	if got.Page == nil {
		got.Page = pageAt(r.at)
	}
	switch r.status {
	case http.StatusNotModified:
		if !r.conditional {
			return nil, fmt.Errorf("fetching %s: the server says that nothing changed since the last time (304), but it was not asked that: it is broken, or a cache before it is", shown(r.at))
		}
		got.Unchanged = true
		return got, f.remember(got, f.before)
	case http.StatusOK, http.StatusNonAuthoritativeInfo:
	default:
		return nil, f.refused(r, c)
	}
	now := httpValidators{At: remembered(c)}
	if got.Doubt = doubt(r, c.raw, f.token(r, c)); got.Doubt != "" {
		got.MovedTo = "" // a page for logging in is no new home
	} else {
		now.ETag, now.LastModified = sendable(r.header.Get("ETag")), sendable(r.header.Get("Last-Modified"))
		if from := bare(r.at); from != bare(c.raw) {
			now.From = from
		}
	}
	got.Bytes = r.body
	return got, f.remember(got, now)
}

func (f *fetch) remember(got *Fetched, v httpValidators) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("remembering the version of %s: %w", v.At, err)
	}
	got.Validators = string(b)
	return nil
}

// pageAt is where people read what came from an address.
func pageAt(u *url.URL) *url.URL {
	if page := understand(u)[0].page; page != nil {
		return page
	}
	page := *u
	page.RawQuery, page.ForceQuery = "", false // it may hold a token, and links do not need it
	return &page
}

// bare is an address without its query, which often changes where a server redirects to a storage.
func bare(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }

// sendable is a validator that can be sent back; a hostile one is none.
func sendable(v string) string {
	if len(v) > 1024 || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ""
	}
	return v
}

// trusted says that an address may see the secrets of the list that is at start.
func trusted(at, start *url.URL) bool {
	return at.Scheme == start.Scheme && originOf(at) == originOf(start)
}

// header is what one request to an address is sent with.
func (f *fetch) header(at, start *url.URL) (h http.Header, conditional bool) {
	h = http.Header{}
	if trusted(at, start) {
		for name, values := range f.secrets {
			h[name] = values
		}
	}
	h.Set("User-Agent", f.userAgent())
	h.Set("Accept", "text/markdown, text/plain;q=0.9, */*;q=0.5")
	h.Set("Accept-Encoding", acceptEncoding)
	from := f.before.From
	if from == "" {
		from = bare(start)
	}
	if f.before.At == "" || from != bare(at) {
		return h, false
	}
	if f.before.ETag != "" {
		h.Set("If-None-Match", f.before.ETag)
	}
	if f.before.LastModified != "" {
		h.Set("If-Modified-Since", f.before.LastModified)
	}
	return h, f.before.ETag != "" || f.before.LastModified != ""
}

func (s *Source) userAgent() string {
	if s.UserAgent == "" {
		return "linkletter"
	}
	return s.UserAgent
}

// originOf is a host with its port: what secrets are for, and what requests are counted by.
func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

// refused says what a status other than 200 means.
func (f *fetch) refused(r *reply, c candidate) error {
	where := shown(r.at)
	if bare(r.at) != bare(c.raw) {
		where += ", where " + shown(c.raw) + " redirects"
	}
	if r.status == http.StatusNotFound {
		return fmt.Errorf("fetching %s: %w", where, errNotThere)
	}
	err := fmt.Errorf("fetching %s: %s", where, meaning(r, f.token(r, c)))
	if wait := retryAfter(r.header, f.now()); wait > 0 && r.status >= 400 {
		after := f.now().Add(wait)
		if wait > shortWait {
			f.hosts.spare(originOf(r.at), after, fmt.Errorf("%s answered %d to another request", r.at.Host, r.status))
			return &RetryError{Err: err, After: after}
		}
		if r.status == http.StatusTooManyRequests || r.status >= 500 {
			return passing{&RetryError{Err: err, After: after}, wait}
		}
	}
	if r.status >= 500 && r.status != http.StatusNotImplemented {
		return passing{error: err}
	}
	return err
}

// token says what to do where a server wants to know who asks.
func (f *fetch) token(r *reply, c candidate) string {
	switch {
	case len(f.secrets) == 0:
		return "give the source a header with an access token, or make the list public"
	case !trusted(r.at, c.raw):
		return "the source's header goes to " + c.raw.Host + " alone, and not there; make that the source, if it is trusted"
	}
	return "the source's header does not open it; is its token still valid, and for this list?"
}

// meaning puts a status into words, with what to do.
func meaning(r *reply, token string) string {
	said := fmt.Sprintf("it answered %d %s", r.status, http.StatusText(r.status)) // the server's own words may be anything
	switch {
	case r.header.Get("Cf-Mitigated") == "challenge":
		return said + ": it wants to see a browser (a check against robots); ask who runs it to let linkletter in, or name another source"
	case r.status == http.StatusUnauthorized || r.status == http.StatusForbidden:
		return said + ", it is private; " + token
	case r.status == http.StatusGone:
		return said + ": the list was taken away for good; name its new place, or drop it"
	case r.status == http.StatusProxyAuthRequired:
		return said + ": the proxy wants a user and a password; write them into HTTPS_PROXY, as http://user:password@host:port"
	case r.status >= 200 && r.status < 300:
		return said + ", which is not the list; 200 was to be expected"
	case r.status >= 300 && r.status < 400:
		return said + ", which leads nowhere"
	}
	return said
}
