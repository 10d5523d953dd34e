package source

import (
	"net/http"
)

// Location says where a list lives. Exactly one of Path, URL and Git is set.
type Location struct {
	Path   string      // a file
	URL    string      // http or https, as people paste it: of the raw file, or its page on a well-known forge
	Header http.Header // sent to the host of URL, and to no other; may hold secrets
	Git    *Repository
}

// Repository says where in git a list lives.
type Repository struct {
	// Remote is a work tree or a bare repository of this machine, or whatever git can fetch from.
	Remote string
	Branch string   // empty: the one that the repository's HEAD names
	Files  []string // from the top of the repository: one file, which is followed through renames, or several and patterns
}

// String names the location for people, without secrets.
func (l Location) String() string {
	switch {
	case l.Git != nil:
		return l.Git.Remote
	case l.URL != "":
		return l.URL
	}
	return l.Path
}
