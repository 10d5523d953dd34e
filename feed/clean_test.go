package feed

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanText(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"plain text", "plain text"},
		{" folds \t\n white\u00a0space ", "folds white space"},
		{"a\x00b\x1bc\x7fd\u009be", "abcde"},
		{"next\u0085line", "next line"},
		{"bad \xff\xed\xa0\x80 bytes", "bad bytes"},
		{"\ufeffmark \ufffe\uffff\ufdd0\ufffd", "\ufeffmark"},
		{"\u202eevil\u202c \u2067x\u2069", "evil x"},
		{"日本語 ünï 👩\u200d🔧", "日本語 ünï 👩\u200d🔧"},
		{"", ""},
		{" \u202e ", ""},
		{"\u200b\u2060\u3164\u2800\u0301", ""},
		{"CafÃ© Â» Zürich", "CafÃ© Â» Zürich"},
		{"CafÃ© Â» 2", "Café » 2"},
		{"Ã\u0083Â©", "é"},
		{"Ã\u202e©", "é"},
		{"donâ\u0080\u0099t", "donât"},
		{"123456789012345678901", "1234567890123456789…"},
		{"12345678901234567 e\u0301\u0301xx", "12345678901234567…"},
	} {
		if got := cleanText(tt.in, 20); got != tt.want {
			t.Errorf("cleanText(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestCleanURL(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"https://example.com/a?b=c&d=%20#e", "https://example.com/a?b=c&d=%20#e"},
		{" HTTPS://Example.com ", "https://Example.com"},
		{"http://example.com?x", "http://example.com?x"},
		{"https://example.com/wiki/Saw_(tool)", "https://example.com/wiki/Saw_(tool)"},
		{"https://münchen.example:81/straße", "https://xn--mnchen-3ya.example:81/stra%C3%9Fe"},
		{"https://example.com/a b\"<>\\^`{|}[]", "https://example.com/a%20b%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D"},
		{"https://example.com/100%", "https://example.com/100%25"},
		{"https://example.com/%zz#a#b", "https://example.com/%25zz#a%23b"},
		{"https://ex%C3%A9mple.org/", "https://xn--exmple-cva.org/"},
		{"http://[::1]:8080/x", "http://[::1]:8080/x"},
		{"http://[fe80::1%25eth0]/", ""},
		{"http://[::ffff:1.2.3.4]/", ""},
		{"http://me@[::1]/", ""},
		{"https://example.com:80:80/", ""},
		{"mailto:", ""},
		{"https://user@example.com/", "https://user@example.com/"},
		{"mailto:a@example.com", "mailto:a@example.com"},
		{"javascript:alert(1)", ""},
		{"\x01javascript:alert(1)", ""},
		{"data:text/html,x", ""},
		{"ftp://example.com/", ""},
		{"//example.com/", ""},
		{"/path", ""},
		{"http:example.com", ""},
		{"http:///path", ""},
		{"https://exa mple.com/", ""},
		{"https://example.com:port/", ""},
		{"https://\xff/", ""},
		{"https://example.com/" + strings.Repeat("x", maxURL), ""},
		{"", ""},
	} {
		if got := CleanURL(tt.in); got != tt.want {
			t.Errorf("CleanURL(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestCleanHTML(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"<p>as it is</p>", "<p>as it is</p>"},
		{"<p>a]]>b\x00\r\n\tc\u202ed\ufffe</p>", "<p>a]]&gt;b\n\tcd</p>"},
		{strings.Repeat("x", maxHTML+1), ""},
		{"<p>CafÃ© Â» 2</p>", "<p>Café » 2</p>"},
		{`<p><a href="https://a.example/?b=1&amp;c=2">as it is</a></p>`, `<p><a href="https://a.example/?b=1&amp;c=2">as it is</a></p>`},
		{`<a href="https://a.example/#b#c d">x</a> <a href="https://ä.example/">y</a>`,
			`<a href="https://a.example/#b%23c%20d">x</a> <a href="https://xn--4ca.example/">y</a>`},
		{`<a href="relative"><em>a</em></a> <a href="https://b.example/">b</a> <a href="javascript:c">c</a>`,
			`<em>a</em> <a href="https://b.example/">b</a> c`},
	} {
		if got := cleanHTML(tt.in); got != tt.want {
			t.Errorf("cleanHTML(%.40q) = %.40q, want %.40q", tt.in, got, tt.want)
		}
	}
}

func TestLooksLikeHTML(t *testing.T) {
	for in, want := range map[string]bool{
		"": false, "&": false, "<": false, "a & b": false, "x < y": false, "1<2": false, "<3": false, "& <b>": true,
		"AT&T": true, "&amp;": true, "&#60;": true, "</b>": true, "<!--": true, "<br": true, "a<<b": true,
	} {
		if got := looksLikeHTML(in); got != want {
			t.Errorf("looksLikeHTML(%q) = %v, want %v", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "plain", "a\x00\u202e\xff", "https://exämple.org/%zz#a#b", "]]>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := cleanText(s, 50)
		if n := utf8.RuneCountInString(text); n > 50 || !utf8.ValidString(text) {
			t.Errorf("cleanText(%q) = %q: %d characters", s, text, n)
		}
		if again := cleanText(text, 50); again != text {
			t.Errorf("cleanText(%q) = %q, and that gives %q", s, text, again)
		}
		link := CleanURL(s)
		if again := CleanURL(link); again != link {
			t.Errorf("CleanURL(%q) = %q, and that gives %q", s, link, again)
		}
		if html := cleanHTML(s); strings.Contains(html, "]]>") || cleanHTML(html) != html {
			t.Errorf("cleanHTML(%q) = %q", s, html)
		}
	})
}
