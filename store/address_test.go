package store

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNormalizeAddress(t *testing.T) {
	for _, c := range []struct{ in, address, key, problem string }{
		{in: "ada@example.org", address: "ada@example.org", key: "ada@example.org"},
		{in: "  Ada.Lovelace+news@Example.ORG\n", address: "Ada.Lovelace+news@example.org", key: "ada.lovelace+news@example.org"},
		{in: "ada@bücher.example", address: "ada@xn--bcher-kva.example", key: "ada@xn--bcher-kva.example"},
		{in: "ada@BÜCHER.example", address: "ada@xn--bcher-kva.example", key: "ada@xn--bcher-kva.example"},
		{in: "Ädä@example.org", address: "Ädä@example.org", key: "ädä@example.org"},
		{in: "a\u0308da@example.org", address: "äda@example.org", key: "äda@example.org"},
		{in: "\u212Aate@example.org", address: "Kate@example.org", key: "kate@example.org"},        // the sign of kelvin is a K
		{in: "\u0130da@example.org", address: "\u0130da@example.org", key: "\u0130da@example.org"}, // and this is no I
		{in: "o'hara@example.org", address: "o'hara@example.org", key: "o'hara@example.org"},
		{in: "x{{.}}@example.org", address: "x{{.}}@example.org", key: "x{{.}}@example.org"},
		{in: "ada@localhost", address: "ada@localhost", key: "ada@localhost"},
		{in: "a'--;drop@example.org", problem: "the part before the @"},
		{in: strings.Repeat("a", 64) + "@example.org", address: strings.Repeat("a", 64) + "@example.org", key: strings.Repeat("a", 64) + "@example.org"},
		{in: "", problem: "there is no address"},
		{in: "ada", problem: "has no @"},
		{in: "@example.org", problem: "the part before the @"},
		{in: "ada@", problem: "nothing follows the @"},
		{in: "ada@example", problem: "is not a whole domain"},
		{in: "ada@exa_mple.org", problem: "is not the name of a mail domain"},
		{in: "ada@example..org", problem: "is not the name of a mail domain"},
		{in: "ada@-example.org", problem: "is not the name of a mail domain"},
		{in: "ada@[192.0.2.1]", problem: "is not the name of a mail domain"},
		{in: "ada@" + strings.Repeat("a", 64) + ".org", problem: "is not the name of a mail domain"},
		{in: "a..b@example.org", problem: "the part before the @"},
		{in: ".a@example.org", problem: "the part before the @"},
		{in: "a@b@example.org", problem: "the part before the @"},
		{in: `"ada"@example.org`, problem: "the part before the @"},
		{in: "(ada)ada@example.org", problem: "the part before the @"},
		{in: "<ada@example.org>", problem: "is not the name of a mail domain"},
		{in: "Ada <ada@example.org>", problem: "a space or a character that cannot be seen"},
		{in: "ada@example.org\r\nBcc: eve@example.org", problem: "a space or a character that cannot be seen"},
		{in: "ada\x00@example.org", problem: "a space or a character that cannot be seen"},
		{in: "ada\u202e@example.org", problem: "a space or a character that cannot be seen"},
		{in: "ada\xff@example.org", problem: "not UTF-8"},
		{in: strings.Repeat("a", 65) + "@example.org", problem: "longer than 64"},
		{in: strings.Repeat("a", 60) + "@" + strings.Repeat("abcdefg.", 25) + "org", problem: "longer than 254"},
		{in: strings.Repeat("a", 1<<20) + "@example.org", problem: "longer than 254"},
	} {
		address, key, err := NormalizeAddress(c.in)
		switch {
		case c.problem == "" && err != nil:
			t.Errorf("%.80q: %v, want %s", c.in, err, c.address)
		case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
			t.Errorf("%.80q: got %s and error %v, want an error with %q", c.in, address, err, c.problem)
		case c.problem == "" && (address != c.address || key != c.key):
			t.Errorf("%.80q: got %s, key %s; want %s, key %s", c.in, address, key, c.address, c.key)
		}
	}
}

func FuzzNormalizeAddress(f *testing.F) {
	for _, s := range []string{"ada@example.org", "Ä@bücher.example", `"a b"@example.org`, "a@[::1]", "a@b\r\nc"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		address, key, err := NormalizeAddress(s)
		if err != nil {
			return
		}
		if len(address) > maxAddress || !utf8.ValidString(address) || strings.ContainsAny(address, "\r\n\x00 <>,;:\"") {
			t.Errorf("%q gives %q, which cannot stand in a header or an SMTP command", s, address)
		}
		again, key2, err := NormalizeAddress(address)
		if err != nil || again != address || key2 != key {
			t.Errorf("%q gives %q, which gives %q, %q, %v", s, address, again, key2, err)
		}
	})
}
