package curated

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCanonicalURL(t *testing.T) {
	tests := []struct{ raw, want string }{
		{"https://example.org/", "example.org"},
		{"http://www.Example.org:80/a/", "example.org/a"},
		{"https://example.org:443/a/index.html#top", "example.org/a"},
		{"https://example.org:8443/a", "example.org:8443/a"},
		{"//example.org/a", "example.org/a"},
		{"HTTPS://M.example.org./a/index.php?p=1", "example.org/a?p=1"},
		{"example.org/page/", "example.org/page"},
		{"https://user:secret@example.org/a", "example.org/a"},
		{"https://bücher.example/a", "xn--bcher-kva.example/a"},
		{"https://example.org/a/./b/../c", "example.org/a/c"},
		{"https://example.org/%7euser/%c3%a9%2f", "example.org/~user/é%2F"},
		{"https://example.org/Case", "example.org/Case"},
		{"https://example.org/a//b", "example.org/a//b"},
		{"https://example.org/#/route", "example.org#/route"},
		{"https://example.org/#!route", "example.org#!route"},
		{"https://example.org/a?b=2&utm_source=x&a=1&fbclid=z&ref=list", "example.org/a?a=1&b=2"},
		{"https://example.org/a?", "example.org/a"},
		{"https://example.org/a?gclid=x&UTM_Term=y&c=3", "example.org/a?c=3"},
		{"https://twitter.com/who/status/1?s=20", "twitter.com/who/status/1"},
		{"https://mobile.twitter.com/who/status/1", "twitter.com/who/status/1"},
		{"https://x.com/who/status/1", "twitter.com/who/status/1"},
		{"https://example.org/?s=20", "example.org?s=20"},
		{"https://youtu.be/abc", "youtube.com/watch?v=abc"},
		{"https://youtu.be/abc?t=10", "youtube.com/watch?t=10&v=abc"},
		{"https://m.youtube.com/watch?v=abc&feature=youtu.be", "youtube.com/watch?v=abc"},
		{"https://www.youtube.com/embed/abc", "youtube.com/watch?v=abc"},
		{"https://youtube.com/shorts/abc?feature=share", "youtube.com/watch?v=abc"},
		{"https://www.youtube.com/playlist?list=abc", "youtube.com/playlist?list=abc"},
		{"https://GitHub.com/Owner/Name.git", "github.com/owner/name"},
		{"git@github.com:owner/name", "git@github.com:owner/name"},
		{"https://github.com/Owner/Name/tree/master/", "github.com/owner/name"},
		{"https://github.com/Owner/Name/tree/main", "github.com/owner/name"},
		{"https://github.com/Owner/Name/tree/master/Docs", "github.com/owner/name/tree/master/Docs"},
		{"https://github.com/Owner/Name#readme", "github.com/owner/name"},
		{"https://web.archive.org/web/20200101000000/http://example.org/a/", "example.org/a"},
		{"https://web.archive.org/web/2020*/example.org", "example.org"},
		{"https://archive.ph/20200101/https://example.org/a", "example.org/a"},
		{"http://web.archive.org/web/20200101000000id_/https://www.example.org/a?utm_source=x", "example.org/a"},
		{"https://archive.org/details/book", "archive.org/details/book"},
		{"https://x.com/Who/status/1", "twitter.com/who/status/1"},
		{"https://twitter.com/Who", "twitter.com/who"},
		{"https://twitter.com/i/lists/Ab", "twitter.com/i/lists/Ab"},
		{"https://twitter.com/", "twitter.com"},
		{"https://arxiv.org/pdf/1234.5678.pdf", "arxiv.org/abs/1234.5678"},
		{"https://arxiv.org/pdf/1234.56789v2.pdf", "arxiv.org/abs/1234.56789"},
		{"https://arxiv.org/abs/1234.56789v10", "arxiv.org/abs/1234.56789"},
		{"https://arxiv.org/html/1234.56789v1", "arxiv.org/abs/1234.56789"},
		{"https://arxiv.org/abs/math/0309136v1", "arxiv.org/abs/math/0309136"},
		{"https://arxiv.org/a/author_v1", "arxiv.org/a/author_v1"},
		{"https://en.m.wikipedia.org/wiki/List_of_Lists", "en.wikipedia.org/wiki/List_of_Lists"},
		{"https://a.m.example.org/x", "a.m.example.org/x"},
		{"https://www2.example.org/x", "www2.example.org/x"},
		{"https://ann.github.io/x", "ann.github.io/x"},
		{"https://pypi.org/project/a/1.0", "pypi.org/project/a/1.0"},
		{"docs/guide.md", "docs/guide.md"},
		{"guide.md", "guide.md"},
		{"/docs/Guide", "/docs/Guide"},
		{"MAILTO:Ann@example.org", "mailto:Ann@example.org"},
		{"http://localhost:8080/a/", "localhost:8080/a"},
		{" https://example.org/a ", "example.org/a"},
		{"", ""},
	}
	for _, tt := range tests {
		got := CanonicalURL(tt.raw)
		if got != tt.want {
			t.Errorf("CanonicalURL(%q) = %q, want %q", tt.raw, got, tt.want)
		}
		if again := CanonicalURL(got); again != got {
			t.Errorf("CanonicalURL(%q) = %q, and of that %q", tt.raw, got, again)
		}
	}
}

// address makes the parts of an address that a site may tell apart.
var (
	genHost    = rapid.SampledFrom([]string{"example.org", "www.example.org", "github.com", "youtube.com", "a.b.example", "twitter.com", "arxiv.org", "en.m.wikipedia.org"})
	genSegment = rapid.StringMatching(`[a-z0-9_~-]{1,6}(%[2-7][0-9A-Fa-f])?`)
	genPath    = rapid.SliceOfN(genSegment, 0, 4)
	genNoise   = rapid.SampledFrom([]string{"", "utm_source=a", "utm_medium=b&gclid=1", "fbclid=z", "ref=list"})
)

// TestCanonicalURLIsIdempotent also tries bytes that are hardly an address.
func TestCanonicalURLIsIdempotent(t *testing.T) {
	odd := rapid.StringMatching(`(https?://|//|)([a-z.:@%/?#&=!0-9A-Z]|www\.|web\.archive\.org/web/|youtu\.be/|index\.html|/\.\./|%2[5eE]){0,40}`)
	rapid.Check(t, func(t *rapid.T) {
		raw := odd.Draw(t, "raw")
		once := CanonicalURL(raw)
		if twice := CanonicalURL(once); twice != once {
			t.Fatalf("CanonicalURL(%q) = %q, and of that %q", raw, once, twice)
		}
	})
}

// TestCanonicalURLIgnoresSpelling changes what names no other resource.
func TestCanonicalURLIgnoresSpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		host, path := genHost.Draw(t, "host"), strings.Join(genPath.Draw(t, "path"), "/")
		plain := "https://" + host + "/" + path
		spelt := rapid.SampledFrom([]string{"http://", "https://", "HTTPS://"}).Draw(t, "scheme") +
			rapid.SampledFrom([]string{"", "www."}).Draw(t, "www") + strings.ToUpper(host) + "/" + path +
			rapid.SampledFrom([]string{"", "/", "/index.html"}).Draw(t, "tail") + "?" + genNoise.Draw(t, "noise") +
			rapid.SampledFrom([]string{"", "#top"}).Draw(t, "fragment")
		if a, b := CanonicalURL(plain), CanonicalURL(spelt); a != b {
			t.Fatalf("%q gives %q, but %q gives %q", plain, a, spelt, b)
		}
	})
}

// TestCanonicalURLKeepsApart draws two addresses that differ in a segment of their path, in a parameter or in a route; one
// of them may lack it.
func TestCanonicalURLKeepsApart(t *testing.T) {
	part := rapid.StringMatching(`[a-z0-9]{0,5}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := part.Draw(t, "a"), part.Draw(t, "b")
		if a == b {
			t.Skip("equal")
		}
		form := rapid.SampledFrom([]string{"/*", "/dir/*", "/dir/*/end", "/o/*/tree/x", "/o/x/tree/*",
			"/page?id=*", "/page?*=1", "/page?a=1&id=*&utm_source=x", "/?id=*", "/#/*", "/#/a/*", "/#/a?b=*", "/app#!*"}).Draw(t, "form")
		if strings.Contains(form, "?*") && (tracks("", a) || tracks("", b)) {
			t.Skip("a parameter that tracks")
		}
		host := "https://" + genHost.Draw(t, "host")
		x, y := host+strings.Replace(form, "*", a, 1), host+strings.Replace(form, "*", b, 1)
		if strings.Contains(form, "?*") && (tracks(canonicalHost(host[8:]), a) || tracks(canonicalHost(host[8:]), b)) {
			t.Skip("a parameter that tracks on this host")
		}
		if CanonicalURL(x) == CanonicalURL(y) {
			t.Fatalf("%q and %q are both %q", x, y, CanonicalURL(x))
		}
	})
}
