package feed

import (
	"net/url"
	"path"
	"strconv"
	"strings"
)

// The documents of one folder of the public tree.
const (
	AtomFile = "atom.xml"
	RSSFile  = "rss.xml"
	JSONFile = "feed.json"
	PageFile = "index.html"
	OPMLFile = "feeds.opml"

	ChangesFile = "changes.xml" // what was removed from a list, and changed in it (Atom)
)

// Site gives every public address. Base is where the tree's root is read, without a trailing slash; it may have a path.
type Site struct {
	Base string
}

// Root is the landing page.
func (s Site) Root() string { return s.Base + "/" }

// File is a file of the public tree by its slash-separated path; a folder's path ends in a slash.
func (s Site) File(path string) string { return s.Base + "/" + path }

// List is a list's page.
func (s Site) List(list string) string { return s.File(ListDir(list)) }

// Section is a section's page.
func (s Site) Section(list, slug string) string { return s.File(SectionDir(list, slug)) }

// Digest is a digest's index of issues.
func (s Site) Digest(digest string) string { return s.File(DigestDir(digest)) }

// Issue is an issue's page.
func (s Site) Issue(digest string, number int) string { return s.File(IssueDir(digest, number)) }

// Subscribe is where the sign-up form is and where it is sent.
func (s Site) Subscribe() string { return s.File("-/subscribe") }

// Confirm is the page a confirmation mail leads to.
func (s Site) Confirm(token string) string { return s.File("-/confirm/" + url.PathEscape(token)) }

// Preferences is where a subscriber decides what they get, with the same token as Unsubscribe.
func (s Site) Preferences(token string) string {
	return s.File("-/preferences/" + url.PathEscape(token))
}

// Act is the page that a mail leads to which asks whether a dangerous act was meant.
func (s Site) Act(token string) string { return s.File("-/act/" + url.PathEscape(token)) }

// Unsubscribe is a subscriber's own address for leaving one digest (RFC 8058).
func (s Site) Unsubscribe(token string) string {
	return s.File("-/unsubscribe/" + url.PathEscape(token))
}

// Host is the name in Base, without a port.
func (s Site) Host() string {
	u, err := url.Parse(s.Base)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Local says that Base is a loopback address: good for trying out, not for publishing.
func (s Site) Local() bool {
	h := strings.ToLower(s.Host())
	return h == "localhost" || h == "::1" || strings.HasPrefix(h, "127.")
}

// ListDir is a list's folder in the public tree, with its trailing slash.
func ListDir(list string) string { return list + "/" }

// ArchiveFile is an archive document of a feed (RFC 5005, 4), in the folder of the feed and in the format of one of its
// documents, AtomFile or JSONFile. They are numbered from 1, the oldest.
func ArchiveFile(number int, file string) string {
	return "archive/" + strconv.Itoa(number) + path.Ext(file)
}

// SectionDir is a section's folder in the public tree.
func SectionDir(list, slug string) string { return ListDir(list) + "sections/" + slug + "/" }

// DigestDir is a digest's folder in the public tree.
func DigestDir(digest string) string { return "digests/" + digest + "/" }

// IssueDir is an issue's folder in the public tree.
func IssueDir(digest string, number int) string {
	return DigestDir(digest) + strconv.Itoa(number) + "/"
}
