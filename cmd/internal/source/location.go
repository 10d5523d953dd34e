package source

import (
	"net/http"
	"net/url"
	"strings"
)

// Location says where a list lives. Exactly one of Path, URL and Git is set.
type Location struct {
	Path string // a file
	URL  string // http or https, as people paste it: of the raw file, or its page on a well-known forge
	// Header goes to the host of URL and to no other, or to the one that has its raw files where URL is a page of a forge. It
	// may hold secrets.
	Header http.Header
	Git    *Repository
}

// Repository says where in git a list lives.
type Repository struct {
	// Remote is a work tree or a bare repository of this machine, or whatever git can fetch from.
	Remote string
	Branch string   // empty: the one that the repository's HEAD names
	Files  []string // from the top of the repository: one file, which is followed through renames, or several and patterns
}

// Locate understands a place as people write it: an http(s) address, or a file's path.
func Locate(place string) Location {
	if IsURL(place) {
		return Location{URL: place}
	}
	return Location{Path: place}
}

// IsURL says that a place is an address and not a path.
func IsURL(place string) bool {
	l := strings.ToLower(place)
	return strings.HasPrefix(l, "http://") || strings.HasPrefix(l, "https://")
}

// String names the location for people, without secrets.
func (l Location) String() string {
	switch {
	case l.Git != nil:
		return withoutSecrets(l.Git.Remote)
	case l.URL != "":
		return withoutSecrets(l.URL)
	}
	return l.Path
}

// withoutSecrets is an address without the user and the password, and without what stands in its query: tokens do. What
// is no address stays as it is.
func withoutSecrets(address string) string {
	u, err := url.Parse(address)
	odd := err != nil || u.Port() != "" && strings.Contains(u.Path, "@") // of a password with a slash, the beginning looks like a port
	if !odd && u.Host != "" {
		return shown(u)
	}
	if scheme, _, is := strings.Cut(address, "://"); is && (odd || u.User != nil) { // it was meant as one
		return scheme + "://…"
	}
	return address
}

// longestShown is how much of an address stands in a message.
const longestShown = 300

// shown is an address in a message.
func shown(u *url.URL) string {
	safe := *u
	safe.User, safe.Fragment, safe.RawFragment = nil, "", ""
	if safe.RawQuery != "" {
		safe.RawQuery = "…"
	}
	s := safe.String()
	if len(s) > longestShown {
		s = strings.ToValidUTF8(s[:longestShown], "") + "…"
	}
	return s
}
