package web

import (
	"strconv"
	"strings"
)

// quality is the weight that a header like Accept or Accept-Encoding (RFC 9110, 12.4.2) gives the first of names that it
// lists; -1: none of them is listed. Names are compared without regard to case, parameters other than q are passed over.
func quality(header string, names ...string) float64 {
	for _, name := range names {
		for item := range strings.SplitSeq(header, ",") {
			value, params, _ := strings.Cut(item, ";")
			if strings.EqualFold(strings.TrimSpace(value), name) {
				return weight(params)
			}
		}
	}
	return -1
}

// weight reads the q among parameters. One that cannot be read counts as refused.
func weight(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}

// wantsGzip says whether Accept-Encoding takes gzip, and not less than the plain bytes.
func wantsGzip(header string) bool {
	if header == "" {
		return false
	}
	q := quality(header, "gzip", "x-gzip", "*")
	return q > 0 && q >= quality(header, "identity")
}

// prefersPage says whether Accept asks for a page rather than for the media type of a feed: a browser does, a feed reader
// does not, and whoever takes both alike gets the feed.
func prefersPage(header, feedType string) bool {
	page := quality(header, "text/html")
	return page > 0 && page > quality(header, feedType, "application/*", "*/*")
}
