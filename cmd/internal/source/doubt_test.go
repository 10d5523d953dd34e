package source_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const webPage = "<!DOCTYPE html>\n<html><head><title>A list</title></head><body><ul><li>One</ul></body></html>\n"

// TestDoubt: what cannot be the list is handed over with the reason, and asked for anew the next time; the bytes count for
// more than what the server says they are.
func TestDoubt(t *testing.T) {
	login := `<!doctype html><title>Sign in</title><form action=/session><input name=user><input name=pw type="password"></form>`
	for _, c := range []struct{ name, kind, body, redirect, words string }{
		{"Markdown", "text/markdown; charset=utf-8", markdown, "", ""},
		{"Markdown as text/plain", "text/plain", markdown, "", ""},
		{"Markdown as a download", "application/octet-stream", markdown, "", ""},
		{"Markdown of no type", "", markdown, "", ""},
		{"Markdown as a cartridge", "application/x-genesis-rom", markdown, "", ""},
		{"Markdown as text/html", "text/html", markdown, "", ""},
		{"Markdown that begins with HTML, as text/html", "text/html", "<p align=center>\n<img src=logo.png>\n</p>\n\n" + markdown, "", ""},
		{"Markdown behind a redirect that sounds like a login", "text/plain", markdown, "/auth/list.md", ""},
		{"Markdown that begins with a bracket", "text/plain", "[One](https://example.org/1)\n", "", ""},
		{"nothing", "text/html", "", "", ""},
		{"white space", "image/png", " \n\n", "", ""},
		{"a web page", "text/html", webPage, "", "is a web page, not Markdown; name the address of the raw file"},
		{"a web page as text/plain", "text/plain", webPage, "", "is a web page"},
		{"a web page behind a byte order mark", "text/plain", "\xef\xbb\xbf\n" + webPage, "", "is a web page"},
		{"a web page without html and head", "text/html", "<div class=page>\n<title>A list</title>\n</div>", "", "is a web page"},
		{"a web page that begins with its title", "text/plain", "<title>A list</title><ul><li>One</ul>", "", "is a web page"},
		{"a login page", "text/html", login, "", "is a login page"},
		{"a web page where one is sent to log in", "text/html", webPage, "/users/sign_in", "/users/sign_in, which is a login page"},
		{"another one", "text/html", webPage, "/accounts/login?next=/list.md", "is a login page"},
		{"single sign-on", "text/html", webPage, "/sso/start", "is a login page"},
		{"a web page elsewhere", "text/html", webPage, "/elsewhere", "leads to "},
		{"a check against robots", "text/html", "<!DOCTYPE html><title>Just a moment...</title><script src=/cdn-cgi/challenge-platform/x.js></script>", "", "a check against robots"},
		{"JSON", "application/json", `{"message":"no"}`, "", "is JSON"},
		{"JSON as text", "text/plain", `{"message":"no"}`, "", "is JSON"},
		{"JSON of a kind", "application/vnd.api+json; charset=utf-8", `[]`, "", "is JSON"},
		{"an image", "image/png", "\x89PNG", "", `is "image/png", not Markdown`},
		{"a type that never ends", "image/" + strings.Repeat("x", 500), "x", "", `is "image/` + strings.Repeat("x", 74) + `", not`},
		{"a feed", "application/atom+xml", "<feed/>", "", `is "application/atom+xml"`},
		{"a PDF", "application/pdf", "%PDF-1.7", "", `is "application/pdf"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			conditional := false
			address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				conditional = conditional || r.Header.Get("If-None-Match") != ""
				if c.redirect != "" && r.URL.Path == "/list.md" {
					http.Redirect(w, r, c.redirect, http.StatusMovedPermanently)
					return
				}
				w.Header()["Content-Type"] = []string{c.kind}
				w.Header().Set("ETag", `"1"`)
				fmt.Fprint(w, c.body)
			})
			s := newImpatient()
			got := fetch(t, s.Source, address+"/list.md?token=secret", "")
			if (c.words == "") != (got.Doubt == "") || !strings.Contains(got.Doubt, c.words) || strings.Contains(got.Doubt, "secret") {
				t.Errorf("doubt %q, want one with %q", got.Doubt, c.words)
			}
			if got.Doubt != "" && !strings.Contains(got.Doubt, address+"/list.md") {
				t.Errorf("it does not say where: %q", got.Doubt)
			}
			if string(got.Bytes) != c.body || got.Doubt != "" && got.MovedTo != "" {
				t.Errorf("bytes %q, moved to %q", got.Bytes, got.MovedTo)
			}
			fetch(t, s.Source, address+"/list.md?token=secret", got.Validators)
			if conditional != (c.words == "") {
				t.Errorf("was the next fetch conditional? %v", conditional)
			}
		})
	}
}
