package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// EntryID mints the permanent id of an entry, a tag URI (RFC 4151): the tag is a host name its operator owns, the date
// the day the entry was published, and the specific part its list and the first 16 hexadecimal digits of the SHA-256 of
// its first canonical URL.
func EntryID(tag string, published time.Time, list, key string) string {
	sum := sha256.Sum256([]byte(key))
	return tagURI(tag, published, list+"/"+hex.EncodeToString(sum[:8]))
}

// FeedID is the permanent id of a feed, or of an issue in a digest's feed: the path of its folder in the public tree,
// which ends in a slash and so is never the specific part of an entry's id.
func FeedID(tag string, began time.Time, path string) string {
	return tagURI(tag, began, path)
}

// tagURI is tag:HOST,YYYY-MM-DD:SPECIFIC.
func tagURI(host string, day time.Time, specific string) string {
	return "tag:" + strings.ToLower(host) + "," + day.UTC().Format(time.DateOnly) + ":" + escapeURI(specific)
}
