package curated

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
)

// seedFuzz adds the documents at hand.
func seedFuzz(f *testing.F, add func(src []byte)) {
	files, err := filepath.Glob("testdata/parse/*.md")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		src := readSeed(f, file)
		add(src)
	}
	for _, a := range hostile(40) {
		add([]byte(a.src))
	}
}

// policy is what the HTML of an entry may hold, in the words of a sanitiser.
func policy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("strong", "em", "code", "del", "br")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireParseableURLs(true)
	return p
}

// FuzzParse holds every reading against what the types promise.
func FuzzParse(f *testing.F) {
	seedFuzz(f, func(src []byte) { f.Add(src) })
	page, err := url.Parse("https://list.example/docs/")
	if err != nil {
		f.Fatal(err)
	}
	clean := policy()
	f.Fuzz(func(t *testing.T, src []byte) {
		checkAgreement(t, "input", src)
		lines := 1 + strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(src)), "\n")
		for _, e := range Parse(src, Options{Page: page}).Entries {
			if e.Title == "" || e.URL == "" || len(e.Sections) == 0 || e.Line < 1 || e.Line > lines {
				t.Errorf("entry without title, address, section or line: %+v", e)
			}
			for _, s := range []string{e.Title, e.URL, e.Summary, e.SummaryHTML, e.Quote, e.QuoteHTML, e.Byline, e.Publication} {
				if !utf8.ValidString(s) {
					t.Errorf("%q is no UTF-8", s)
				}
			}
			for _, h := range []string{e.SummaryHTML, e.QuoteHTML} {
				if tags(clean.Sanitize(h)) != tags(h) {
					t.Errorf("a sanitiser makes %q of %q", clean.Sanitize(h), h)
				}
			}
		}
	})
}

// tags keeps the tags of inline HTML, as far as a sanitiser could drop them.
func tags(h string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(h, '<')
		if i < 0 {
			return b.String()
		}
		n := strings.IndexAny(h[i:], " >")
		if n < 0 {
			return b.String() + h[i:]
		}
		b.WriteString(h[i : i+n])
		h = h[i+n:]
	}
}

func FuzzCanonicalURL(f *testing.F) {
	for _, s := range []string{"https://www.example.org/a/../b/index.html?utm_x=1&b=2#top", "https://youtu.be/x?t=1", "//a.b", "http://web.archive.org/web/2020/http://a.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		once := CanonicalURL(raw)
		if twice := CanonicalURL(once); twice != once {
			t.Errorf("CanonicalURL(%q) = %q, and of that %q", raw, once, twice)
		}
	})
}

// FuzzDiff holds the changes between any two documents against what Changes promises.
func FuzzDiff(f *testing.F) {
	var before []byte
	seedFuzz(f, func(src []byte) {
		f.Add(before, src)
		before = src
	})
	f.Fuzz(func(t *testing.T, before, after []byte) {
		old, now := Parse(before, Options{}), Parse(after, Options{})
		known := Remember(old)
		if same := Diff(known, old); tell(same) != "" {
			t.Errorf("a list differs from itself: %s", tell(same))
		}
		c := Diff(known, now)
		keys, refs := make(map[string]bool), make(map[int64]bool)
		for _, k := range known {
			keys[k.Keys[0]] = true
		}
		for _, m := range c.Entries {
			switch {
			case m.New() && keys[CanonicalURL(m.Entry.URL)]:
				t.Errorf("%s is new, but was known", m.Entry.URL)
			case !m.New() && refs[m.Known.Ref]:
				t.Errorf("%s stands twice", m.Known.Entry.URL)
			case !m.New():
				refs[m.Known.Ref] = true
			}
		}
		for _, k := range c.Removed {
			if refs[k.Ref] {
				t.Errorf("%s is removed and stands", k.Entry.URL)
			}
		}
		if len(refs)+len(c.Removed) != len(known) {
			t.Errorf("of %d known entries %d stand and %d are removed", len(known), len(refs), len(c.Removed))
		}
		if again := Diff(advance(known, c), now); tell(again) != "" {
			t.Errorf("the same list read again differs: %s", tell(again))
		}
	})
}
