package web

import (
	"net/http"
	"strconv"
	"strings"
)

// quality is the weight that a header like Accept (RFC 9110, 12.4.2) gives the first of names that it lists; -1: none of
// them is listed. Names are compared without regard to case, parameters other than q are passed over.
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
	for params != "" {
		var param string
		param, params, _ = strings.Cut(params, ";")
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

// wanted are the codings that a client takes, the best first.
type wanted struct {
	codings [codingCount]coding
	n       int
}

// acceptEncoding reads Accept-Encoding (RFC 9110, 12.5.3). What the client weighs alike comes in our own order. The plain
// bytes end the list: nothing after them would be chosen, and they are there even when they are refused, because who
// polls a feed is better served with bytes than with 406.
func acceptEncoding(header string) (w wanted) {
	q := [codingCount]float64{-1, -1, -1, -1}
	rest := -1.0
	for header != "" {
		var item string
		item, header, _ = strings.Cut(header, ",")
		name, params, _ := strings.Cut(item, ";")
		at := &rest
		if name = strings.TrimSpace(name); name != "*" {
			c, ok := codingNamed(name)
			if !ok {
				continue
			}
			at = &q[c]
		}
		if *at < 0 {
			*at = weight(params)
		}
	}
	for c := identity + 1; c < codingCount; c++ {
		if q[c] < 0 {
			q[c] = rest
		}
		if q[c] <= 0 || q[c] < q[identity] {
			continue
		}
		at := w.n
		for ; at > 0 && q[w.codings[at-1]] < q[c]; at-- {
			w.codings[at] = w.codings[at-1]
		}
		w.codings[at] = c
		w.n++
	}
	w.codings[w.n] = identity
	w.n++
	return w
}

// codingNamed finds a coding by its name in Accept-Encoding. A recipient takes x-gzip for gzip (RFC 9110, 8.4.1.3).
func codingNamed(name string) (coding, bool) {
	for c := range codings {
		if strings.EqualFold(name, codings[c].Name) {
			return coding(c), true
		}
	}
	return codingGzip, strings.EqualFold(name, "x-gzip")
}

// prefersPage says whether Accept asks for a page rather than for the media type of a feed: a browser does, a feed reader
// does not, and whoever takes both alike gets the feed.
func prefersPage(header, feedType string) bool {
	page := quality(header, "text/html")
	return page > 0 && page > quality(header, feedType, "application/*", "*/*")
}

// joined is a header that may stand on several lines, as one list (RFC 9110, 5.3).
func joined(h http.Header, name string) string {
	switch lines := h[name]; len(lines) {
	case 0:
		return ""
	case 1:
		return lines[0]
	default:
		return strings.Join(lines, ", ")
	}
}
