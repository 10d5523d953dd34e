package web

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"hash/maphash"
	"io"
	"strings"
	"testing"

	"linkletter/feed"
)

var seed = maphash.MakeSeed()

// leave cuts all entries out whose bytes hold "old".
func leave(mediaType, body string) (rest string, left int, ok bool) {
	o := newOutline(mediaType, []byte(body), seed)
	if o == nil {
		return "", 0, false
	}
	old := map[uint64]bool{}
	for _, e := range o.entries {
		if strings.Contains(body[e.start:e.end], "old") {
			old[e.fingerprint] = true
		}
	}
	b, left := o.without([]byte(body), func(fingerprint uint64) bool { return old[fingerprint] })
	return string(b), left, true
}

func TestOutline(t *testing.T) {
	const a, end = `<feed xmlns="http://www.w3.org/2005/Atom">`, `</feed>`
	const r, rend = `<rss version="2.0"><channel>`, `</channel></rss>`
	for _, c := range []struct{ name, mediaType, in, want string }{
		{"two of three", feed.AtomType, a + "<entry>old</entry>\n<entry>new</entry>\r\n<entry>old</entry>" + end, a + "\n<entry>new</entry>\r\n" + end},
		{"none", feed.AtomType, a + "<entry>new</entry>" + end, a + "<entry>new</entry>" + end},
		{"empty elements", feed.AtomType, a + `<entry x="old"/><entry x="new" /><entry x="old" />` + end, a + `<entry x="new" />` + end},
		{"a prefix", feed.AtomType, `<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry>old</a:entry><a:entry/></a:feed>`, `<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry/></a:feed>`},
		{"two prefixes", feed.AtomType, `<feed xmlns="http://www.w3.org/2005/Atom" xmlns:b="http://www.w3.org/2005/Atom"><b:entry>old</b:entry><entry/></feed>`, `<feed xmlns="http://www.w3.org/2005/Atom" xmlns:b="http://www.w3.org/2005/Atom"><entry/></feed>`},
		{"another namespace", feed.AtomType, a + `<entry xmlns="urn:x">old</entry>` + end, a + `<entry xmlns="urn:x">old</entry>` + end},
		{"an entry in an entry", feed.AtomType, a + `<entry><entry>old</entry></entry><entry>new<entry/></entry>` + end, a + `<entry>new<entry/></entry>` + end},
		{"an entry elsewhere", feed.AtomType, a + `<x><entry>old</entry></x>` + end, a + `<x><entry>old</entry></x>` + end},
		{"a feed in a feed", feed.AtomType, a + `<feed><entry>old</entry></feed><entry>old</entry>` + end, a + `<feed><entry>old</entry></feed>` + end},
		{"what only looks like one", feed.AtomType, a + `<!-- <entry>old</entry> --><title><![CDATA[<entry>old</entry>]]>&lt;entry></title><entry a="/entry>">old <![CDATA[</entry>]]><!-- </entry> --></entry>` + end,
			a + `<!-- <entry>old</entry> --><title><![CDATA[<entry>old</entry>]]>&lt;entry></title>` + end},
		{"letters of several bytes", feed.AtomType, "\ufeff" + a + "<title>Größe 大きさ 🧰</title><entry>old 🧰</entry>é<entry>大</entry>" + end, "\ufeff" + a + "<title>Größe 大きさ 🧰</title>é<entry>大</entry>" + end},
		{"an instruction and a comment around", feed.AtomType, `<?xml version="1.0"?><?x old?>` + a + `<entry>old</entry>` + end + `<!-- old -->`, `<?xml version="1.0"?><?x old?>` + a + end + `<!-- old -->`},
		{"RSS", feed.RSSType, r + "<title>old</title><item>old</item> <item>new</item>" + rend, r + "<title>old</title> <item>new</item>" + rend},
		{"RSS, items elsewhere", feed.RSSType, `<rss><item>old</item><channel><image><item>old</item></image></channel></rss>`, `<rss><item>old</item><channel><image><item>old</item></image></channel></rss>`},
		{"RSS, in a namespace", feed.RSSType, `<rss><channel><item xmlns="urn:x">old</item></channel></rss>`, `<rss><channel><item xmlns="urn:x">old</item></channel></rss>`},
		{"JSON, the first", feed.JSONType, `{"a":[1,{"items":["old"]}], "items" : [ "old" , "new", {"x":"new"} ] }`, `{"a":[1,{"items":["old"]}], "items" : [ "new", {"x":"new"} ] }`},
		{"JSON, the last", feed.JSONType, `{"items":["new","old"],"b":2}`, `{"items":["new"],"b":2}`},
		{"JSON, between", feed.JSONType, "{\"items\":[\n  1,\n  {\"a\":[\"old, ]\"]},\n  3\n]}", "{\"items\":[\n  1,\n  3\n]}"},
		{"JSON, all", feed.JSONType, `{"items":[ "old","old" ]}`, `{"items":[  ]}`},
		{"JSON, none there", feed.JSONType, `{"items":[]}`, `{"items":[]}`},
		{"JSON, escapes", feed.JSONType, `{"\u0069tems":["\u006fld","old","é🧰"]}`, `{"\u0069tems":["\u006fld","é🧰"]}`},
	} {
		got, _, ok := leave(c.mediaType, c.in)
		if !ok || got != c.want {
			t.Errorf("%s: of %s\nthere remains %s\nwant %s", c.name, c.in, got, c.want)
		}
	}
}

// What cannot be understood to the end is never cut.
func TestNoOutline(t *testing.T) {
	const a, end = `<feed xmlns="http://www.w3.org/2005/Atom">`, `</feed>`
	for _, c := range []struct{ mediaType, in string }{
		{feed.AtomType, ""},
		{feed.AtomType, a + "<entry>old</entry>"},
		{feed.AtomType, a + "<entry>old" + end},
		{feed.AtomType, a + "<entry>&nbsp;</entry>" + end},
		{feed.AtomType, a + "<entry>\x01</entry>" + end},
		{feed.AtomType, a + "<entry>\xff</entry>" + end},
		{feed.AtomType, `<?xml version="1.0" encoding="iso-8859-1"?>` + a + "<entry>\xe9</entry>" + end},
		{feed.AtomType, `<!DOCTYPE feed [<!ENTITY e "<entry/>">]>` + a + "<entry/>" + end},
		{feed.AtomType, a + end + a + "<entry/>" + end},
		{feed.AtomType, "<feed><entry/></feed>"},
		{feed.AtomType, "<rss><channel><item/></channel></rss>"},
		{feed.RSSType, "<rss><channel><item/></channel><channel><item/></channel></rss>"},
		{feed.RSSType, a + "<entry/>" + end},
		{feed.JSONType, ""},
		{feed.JSONType, "[]"},
		{feed.JSONType, `{"items":{}}`},
		{feed.JSONType, `{"items":[1}`},
		{feed.JSONType, `{"items":[1,]}`},
		{feed.JSONType, `{"items":[1]`},
		{feed.JSONType, `{"items":[1]} {}`},
		{feed.JSONType, `{"items":[1],"items":[2]}`},
		{feed.JSONType, `{"Items":[1]}`},
		{feed.JSONType, `{"items":[1],}`},
		{typeOPML, "<opml/>"},
		{"text/html", "<html/>"},
	} {
		if rest, _, ok := leave(c.mediaType, c.in); ok {
			t.Errorf("%s %q is taken for a feed, of which there remains %q", c.mediaType, c.in, rest)
		}
	}
}

// Whatever a document holds: what remains is well formed, holds the other entries as they were, and has no others.
func FuzzOutline(f *testing.F) {
	for _, c := range []string{
		`<feed xmlns="http://www.w3.org/2005/Atom"><entry>old</entry><entry a="b">new</entry> <entry/></feed>`,
		`<rss version="2.0"><channel><item>old</item>x<item>new</item></channel></rss>`,
		`{"version":"x","items":[{"id":"old"}, {"id":"new"},3]}`,
	} {
		f.Add(c)
	}
	whole := newsFeed(nil, numbers(1, 3)...)
	for _, write := range []func() ([]byte, error){whole.Atom, whole.RSS, whole.JSON} {
		b, err := write()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(strings.Replace(string(b), "Number 2", "old 2", 1))
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, mediaType := range []string{feed.AtomType, feed.RSSType, feed.JSONType} {
			o := newOutline(mediaType, []byte(body), seed)
			if o == nil {
				continue
			}
			var kept []string
			for _, e := range o.entries {
				if e.start < 0 || e.start >= e.end || e.end > len(body) {
					t.Fatalf("an entry from %d to %d of %d bytes", e.start, e.end, len(body))
				}
				if text := body[e.start:e.end]; !strings.Contains(text, "old") {
					kept = append(kept, text)
				}
			}
			rest, left, _ := leave(mediaType, body)
			if left+len(kept) != len(o.entries) {
				t.Fatalf("%d of %d entries are left out, %d are kept", left, len(o.entries), len(kept))
			}
			if mediaType == feed.JSONType {
				if json.Valid([]byte(body)) && !json.Valid([]byte(rest)) {
					t.Fatalf("of %q there remains %q, which is no JSON", body, rest)
				}
			} else if err := wellFormed(rest); err != nil {
				t.Fatalf("of %q there remains %q: %v", body, rest, err)
			}
			again := newOutline(mediaType, []byte(rest), seed)
			if again == nil || len(again.entries) != len(kept) || again.frame != o.frame {
				t.Fatalf("of %q there remains %q, which is another feed", body, rest)
			}
			for i, e := range again.entries {
				if rest[e.start:e.end] != kept[i] {
					t.Fatalf("%q became %q", kept[i], rest[e.start:e.end])
				}
			}
		}
	})
}

func wellFormed(text string) error {
	for d := xml.NewDecoder(bytes.NewReader([]byte(text))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
