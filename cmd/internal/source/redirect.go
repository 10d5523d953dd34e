package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

const (
	maxRedirects    = 10      // that are followed in a row
	longestLocation = 8 << 10 // of an address that is redirected to
)

// reply is the answer at the end of a chain of redirects.
type reply struct {
	*answer
	at          *url.URL // who answered
	movedTo     string   // where the permanent redirects at the beginning of the chain lead; empty: there are none
	conditional bool     // it was asked whether anything changed
}

// follow asks for an address, and follows redirects.
func (f *fetch) follow(ctx context.Context, start *url.URL) (*reply, error) {
	r := &reply{at: start}
	permanent, been, fromOutside := true, map[string]bool{}, false
	for hop := 0; ; hop++ {
		var h http.Header
		var err error
		h, r.conditional = f.header(r.at, start)
		r.answer, err = f.ask(ctx, r.at, h, fromOutside, &f.left)
		if errors.Is(err, errInside) {
			return nil, fmt.Errorf("fetching %s: it redirects to %s, which is inside this network, where strangers have no say; if that is meant, make it the source", shown(start), shown(r.at))
		} else if err != nil {
			return nil, err
		}
		fromOutside = fromOutside || r.public
		lasting := r.status == http.StatusMovedPermanently || r.status == http.StatusPermanentRedirect
		if !lasting && r.status != http.StatusFound && r.status != http.StatusSeeOther && r.status != http.StatusTemporaryRedirect {
			return r, nil
		}
		been[r.at.String()] = true
		next, err := f.next(r)
		switch {
		case err != nil:
			return nil, fmt.Errorf("fetching %s: %w", shown(start), err)
		case been[next.String()]:
			return nil, fmt.Errorf("fetching %s: its redirects go round in a circle, at %s; is there something to log in to?", shown(start), shown(next))
		case hop == maxRedirects:
			return nil, fmt.Errorf("fetching %s: it redirects more than %d times", shown(start), maxRedirects)
		}
		if wait := retryAfter(r.header, f.now()); wait > shortWait {
			return nil, &RetryError{Err: fmt.Errorf("fetching %s: it redirects to %s, but not yet", shown(start), shown(next)), After: f.now().Add(wait)}
		} else if wait > 0 {
			if err := f.sleep(ctx, wait); err != nil {
				return nil, fmt.Errorf("fetching %s: %w", shown(start), err)
			}
		}
		if permanent = permanent && lasting; permanent {
			r.movedTo = movedTo(next, start)
		}
		r.at = next
	}
}

// movedTo is an address for people to name as the source. Its query may hold a token that the server made up; where it is the
// one that the source has, they know it.
func movedTo(next, start *url.URL) string {
	home := *next
	home.RawQuery, home.ForceQuery = "", false
	if next.RawQuery != "" && next.RawQuery == start.RawQuery {
		home.RawQuery = "…"
	}
	return home.String()
}

// next is where a redirect leads, if it may be followed.
func (f *fetch) next(r *reply) (*url.URL, error) {
	location := r.header.Get("Location")
	u, err := r.at.Parse(location)
	switch {
	case location == "":
		return nil, fmt.Errorf("it redirects (%d), and does not say whereto", r.status)
	case err != nil || len(location) > longestLocation || u.Hostname() == "" && (u.Scheme == "http" || u.Scheme == "https"):
		return nil, fmt.Errorf("it redirects (%d) to what is no address", r.status)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("it redirects (%d) to a %s: address; only http and https are followed", r.status, u.Scheme)
	case r.at.Scheme == "https" && u.Scheme == "http":
		return nil, fmt.Errorf("it redirects (%d) from https to %s, where anybody on the way could change the list; if that is meant, make it the source", r.status, shown(u))
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	return u, nil
}
