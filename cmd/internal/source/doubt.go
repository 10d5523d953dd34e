package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"linkletter/feed/curated"
)

// doubt says in words why the bytes of an answer cannot be the list, or nothing. The bytes are looked at first: there are
// servers that give Markdown as text/html, and others that give web pages as text/plain. An empty body is left to the
// reader of the list. token says what to do about a login page.
func doubt(r *reply, asked *url.URL, token string) string {
	text := bytes.TrimSpace(bytes.TrimPrefix(r.body, []byte("\xef\xbb\xbf")))
	if len(text) == 0 {
		return ""
	}
	where := shown(asked)
	if bare(r.at) != bare(asked) {
		where += " leads to " + shown(r.at) + ", which"
	}
	kind, _, _ := mime.ParseMediaType(r.header.Get("Content-Type"))
	if kind == "" {
		kind, _, _ = strings.Cut(strings.ToLower(r.header.Get("Content-Type")), ";")
	}
	switch {
	case isHTML(text, kind):
		return where + htmlDoubt(r, text, bare(r.at) != bare(asked), token)
	case isJSON(text, kind):
		return where + " is JSON, not Markdown; name the address of the raw file"
	case isOther(kind):
		return where + fmt.Sprintf(" is %.80q, not Markdown; name the address of the raw file", kind)
	}
	return ""
}

// loginPath fits the addresses of pages for logging in.
var loginPath = regexp.MustCompile(`(?i)(^|[/_.-])(log-?in|log-?on|sign-?in|sign_in|sso|saml2?|oauth2?|openid|authenticate|auth)([/_.-]|$)`)

var (
	passwordField = regexp.MustCompile(`(?i)<input[^>]{0,400}\btype\s*=\s*["']?password`)
	// robotCheck fits pages that let nobody in but browsers.
	robotCheck = regexp.MustCompile(`(?i)challenge-platform|cf[-_]chl|cf-turnstile|<title>\s*(just a moment|attention required)|_incapsula_resource|ddos-guard|g-recaptcha|hcaptcha\.com/|/\.within\.website/x/cmd/anubis`)
)

// htmlDoubt says what kind of web page came, and what to do about it.
func htmlDoubt(r *reply, text []byte, redirected bool, token string) string {
	head := text[:min(len(text), 256<<10)]
	switch {
	case redirected && loginPath.MatchString(r.at.Path), passwordField.Match(head):
		return " is a login page, not Markdown; " + token
	case robotCheck.Match(head):
		return " is a page that wants to see a browser (a check against robots), not Markdown; ask who runs it to let linkletter in, or name another source"
	}
	return " is a web page, not Markdown; name the address of the raw file"
}

// pageStart fits the tags that only web pages begin with: Markdown often begins with <p> or <div>.
var pageStart = regexp.MustCompile(`(?i)^<(head|title|body|meta|script|link|frameset|base)[\s>]`)

func isHTML(text []byte, kind string) bool {
	if errors.Is(curated.Readable(text), curated.ErrHTML) || pageStart.Match(text) {
		return true
	}
	if kind != "text/html" && kind != "application/xhtml+xml" {
		return false
	}
	head := bytes.ToLower(text[:min(len(text), 8<<10)])
	return slices.ContainsFunc([]string{"<html", "<head>", "<body", "<title>", "<meta "}, func(tag string) bool { return bytes.Contains(head, []byte(tag)) })
}

func isJSON(text []byte, kind string) bool {
	return kind == "application/json" || strings.HasSuffix(kind, "+json") || (text[0] == '{' || text[0] == '[') && json.Valid(text)
}

// isOther names the types that are no text of people, whatever the bytes. A server that knows nothing of Markdown says
// application/octet-stream, or even that it is a cartridge.
func isOther(kind string) bool {
	major, _, _ := strings.Cut(kind, "/")
	return slices.Contains([]string{"image", "audio", "video", "font", "multipart"}, major) || strings.HasSuffix(kind, "+xml") ||
		slices.Contains([]string{"application/xml", "text/xml", "application/pdf", "application/zip", "application/gzip", "application/javascript", "text/javascript", "text/css"}, kind)
}
