package curated

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// CanonicalURL gives the form of an address in which two addresses of one resource are equal: an identity key, never a
// link. It drops what names no other resource (http or https, "www.", default port, trailing slash, index page, tracking
// parameters, fragments that do not route), unifies short forms, and sees through web archives. It is idempotent, and keeps
// apart different paths, meaningful parameters and routes; an address too long to be an entry's is its own form. See RFC 3986, section 6, for the normal forms.
func CanonicalURL(raw string) string {
	if strings.IndexByte(raw, ' ') >= 0 || !isPrintable(raw) {
		raw = strings.Join(strings.FieldsFunc(raw, unicode.IsSpace), "%20")
	}
	if len(raw) > maxAddress {
		return raw
	}
	for inner, ok := unwrapArchive(raw); ok; inner, ok = unwrapArchive(raw) {
		raw = inner
	}
	rest, ok := cutWebScheme(raw)
	if !ok {
		return otherURL(raw)
	}
	rest, frag, _ := strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	host, p := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, p = rest[:i], rest[i:]
	}
	if host = canonicalHost(host); host == "" {
		return otherURL(raw)
	}
	a := address{host: host, path: canonicalPath(p), query: query}
	if strings.HasPrefix(frag, "/") || strings.HasPrefix(frag, "!") {
		a.frag = normalEscapes(strings.TrimRight(frag, "/"))
	}
	a.unify()
	a.query = canonicalQuery(a.host, a.query)
	form := a.in(raw)
	if inner, ok := unwrapArchive(form); ok {
		return CanonicalURL(inner) // capitals or escapes hid the archive
	}
	return form
}

// address is a web address without its scheme.
type address struct{ host, path, query, frag string }

// in gives an address as a part of the raw one, where it stands there as it is: most do.
func (a address) in(raw string) string {
	if a.query == "" && a.frag == "" {
		if i := strings.Index(raw, a.host); i >= 0 && strings.HasPrefix(raw[i+len(a.host):], a.path) {
			return raw[i : i+len(a.host)+len(a.path)]
		}
	}
	return a.String()
}

func (a address) String() string {
	s := a.host + a.path
	if a.query != "" {
		s += "?" + a.query
	}
	if a.frag != "" && a.frag != "!" {
		s += "#" + a.frag
	}
	return s
}

// cutWebScheme cuts http, https or nothing off "//host/…"; a canonical form, which has no scheme, is not taken for one.
func cutWebScheme(raw string) (string, bool) {
	for _, s := range [...]string{"https://", "http://"} {
		if len(raw) > len(s) && strings.EqualFold(raw[:len(s)], s) {
			return raw[len(s):], true
		}
	}
	if rest, ok := strings.CutPrefix(raw, "//"); ok && rest != "" && rest[0] != '/' {
		return rest, true
	}
	host, _, _ := strings.Cut(raw, "/")
	if name, _, ok := strings.Cut(host, ":"); ok {
		host = name
	}
	return raw, isDomain(host)
}

// isDomain reports whether a relative address begins like one that lacks its scheme: "example.org/page".
func isDomain(s string) bool {
	s, _, _ = strings.Cut(s, "?")
	s, _, _ = strings.Cut(s, "#")
	i := strings.LastIndexByte(s, '.')
	if i <= 0 || i+2 >= len(s) || s[0] == '.' {
		return false
	}
	for j := range len(s) {
		c := s[j]
		if c >= 0x80 || c == '-' || c == '.' || c|0x20 >= 'a' && c|0x20 <= 'z' || j < i && c >= '0' && c <= '9' {
			continue
		}
		return false
	}
	return !fileSuffixes[strings.ToLower(s[i+1:])]
}

var fileSuffixes = words("md, markdown, rst, txt, html, htm, pdf, php, png, jpg, svg, json, yaml, yml, xml, ipynb, js, ts, py, go, rb, rs, epub, zip")

// otherURL is the form of an address that is not on the web: only the case of the scheme folds.
func otherURL(raw string) string {
	if scheme, rest, ok := strings.Cut(raw, ":"); ok && hasScheme(raw) {
		return strings.ToLower(scheme) + ":" + rest
	}
	return raw
}

// archiveHosts keep copies under "/web/TIMESTAMP/ADDRESS" or "/TIMESTAMP/ADDRESS".
var archiveHosts = words("web archive org, archive org, archive today, archive ph, archive is, archive fo, archive li, archive vn, archive md")

// unwrapArchive gives the address that a web archive holds a copy of.
func unwrapArchive(raw string) (string, bool) {
	if !strings.Contains(raw, "archive") {
		return "", false
	}
	rest, ok := cutWebScheme(raw)
	if !ok {
		return "", false
	}
	host, p, _ := strings.Cut(rest, "/")
	if !archiveHosts[foldTitle(strings.TrimPrefix(strings.ToLower(host), "www."))] {
		return "", false
	}
	p = strings.TrimPrefix(p, "web/")
	stamp, inner, ok := strings.Cut(p, "/")
	if !ok || strings.Trim(stamp, "0123456789*") != "" && strings.Trim(stamp[:min(4, len(stamp))], "0123456789") != "" || stamp == "" {
		return "", false
	}
	if bare, ok := strings.CutPrefix(inner, "http:/"); ok {
		return "http://" + strings.TrimLeft(bare, "/"), true
	}
	if bare, ok := strings.CutPrefix(inner, "https:/"); ok {
		return "https://" + strings.TrimLeft(bare, "/"), true
	}
	if h, _, _ := strings.Cut(inner, "/"); isDomain(h) {
		return "http://" + inner, true
	}
	return "", false
}

// canonicalHost folds a host: user, default port, "www." and "m." gone, IDNA to ASCII.
func canonicalHost(h string) string {
	for was := ""; h != was; { // an escape may hide a dot, or a wide dot be one
		was, h = h, foldHost(h)
	}
	return h
}

func foldHost(h string) string {
	h = strings.ToLower(h)
	if strings.ContainsFunc(h, func(r rune) bool { return r >= utf8.RuneSelf || r == '%' }) {
		h = strings.ToLower(normalEscapes(h))
		if a, err := idna.Lookup.ToASCII(h); err == nil {
			h = a
		}
	}
	h = h[strings.LastIndexByte(h, '@')+1:]
	h = strings.TrimRight(strings.TrimSuffix(strings.TrimSuffix(h, ":80"), ":443"), ".:")
	for _, p := range [...]string{"www.", "m.", "mobile."} {
		if rest, ok := strings.CutPrefix(h, p); ok && strings.Contains(rest, ".") {
			h = rest
		}
	}
	return h
}

// canonicalPath resolves dot segments, folds escapes, and drops the trailing slash and the index page.
func canonicalPath(p string) string {
	if strings.IndexByte(p, '%') >= 0 {
		p = normalEscapes(p)
	}
	if strings.Contains(p, "/.") {
		p = removeDots(p)
	}
	for {
		q := strings.TrimRight(p, "/")
		i := strings.LastIndexByte(q, '/') + 1
		switch strings.ToLower(q[i:]) {
		case "index.html", "index.htm", "index.php", "index.md", "index.asp", "index.aspx", "default.aspx", "default.html":
			if i > 0 {
				q = q[:i-1]
			}
		}
		if q == p {
			return q
		}
		p = q
	}
}

// removeDots resolves the segments "." and ".." (RFC 3986, section 5.2.4).
func removeDots(p string) string {
	var out []string
	for i, s := range strings.Split(p, "/") {
		switch {
		case s == "." || s == ".." && len(out) <= 1:
		case s == "..":
			out = out[:len(out)-1]
		case i == 0 || s != "" || len(out) > 0:
			out = append(out, s)
		}
	}
	return strings.Join(out, "/")
}

// normalEscapes decodes what needs no escape and writes all others with capital digits (RFC 3986, section 6.2.2).
func normalEscapes(s string) string {
	for strings.IndexByte(s, '%') >= 0 {
		once := decodeUnreserved(s)
		if once == s {
			break
		}
		s = once // "%4%31" holds an escape only now
	}
	return s
}

func decodeUnreserved(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '%' || i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
			b.WriteByte(c)
			continue
		}
		v := byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
		if v >= 0x80 || v == '-' || v == '.' || v == '_' || v == '~' || v >= '0' && v <= '9' || v|0x20 >= 'a' && v|0x20 <= 'z' {
			b.WriteByte(v)
		} else {
			b.WriteString(strings.ToUpper(s[i : i+3]))
		}
		i += 2
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// canonicalQuery drops the parameters that only track, and sorts the others.
func canonicalQuery(host, q string) string {
	if q == "" {
		return ""
	}
	params := strings.FieldsFunc(q, func(r rune) bool { return r == '&' })
	params = slices.DeleteFunc(params, func(p string) bool {
		name, _, _ := strings.Cut(p, "=")
		return tracks(host, strings.ToLower(name))
	})
	for i := range params {
		params[i] = normalEscapes(params[i])
	}
	slices.Sort(params)
	return strings.Join(params, "&")
}

// tracks reports whether a parameter says where a reader came from and not what the page is.
func tracks(host, name string) bool {
	if strings.HasPrefix(name, "utm_") || strings.HasPrefix(name, "mtm_") {
		return true
	}
	switch name {
	case "fbclid", "gclid", "dclid", "msclkid", "yclid", "igshid", "mc_cid", "mc_eid", "ref", "ref_src", "ref_url", "referrer",
		"source", "_hsenc", "_hsmi", "trk", "spm":
		return name != "source" || host == "medium.com" || strings.HasSuffix(host, ".medium.com")
	case "s", "t":
		return host == "twitter.com"
	case "feature", "ab_channel", "si", "pp":
		return host == "youtube.com"
	}
	return false
}
