package feedtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const here = "https://example.org/saws/"

// document is one of a feed, as far as archives look at it; links are pairs of a relation and a file.
func document(archive bool, entries string, links ...string) []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:fh="http://purl.org/syndication/history/1.0">`)
	if archive {
		b.WriteString("<fh:archive/>")
	}
	for i := 0; i < len(links); i += 2 {
		fmt.Fprintf(&b, `<link rel="%s" href="%s"/>`, links[i], here+links[i+1])
	}
	for id := range strings.FieldsSeq(entries) {
		fmt.Fprintf(&b, "<entry><id>%s</id><updated>2026</updated></entry>", id)
	}
	return []byte(b.String() + "</feed>")
}

// chain is a feed with three archives, of which edit makes another.
func chain(edit func(files map[string][]byte)) map[string][]byte {
	files := map[string][]byte{
		here + "atom.xml": document(false, "d", "prev-archive", "3"),
		here + "3":        document(true, "c", "current", "atom.xml", "prev-archive", "2"),
		here + "2":        document(true, "b", "current", "atom.xml", "prev-archive", "1", "next-archive", "3"),
		here + "1":        document(true, "a", "current", "atom.xml", "next-archive", "2"),
	}
	edit(files)
	return files
}

func jsonDocument(next, id string) []byte {
	return fmt.Appendf(nil, `{"next_url": %q, "items": [{"id": %q, "date_modified": "2026"}]}`, next, id)
}

func TestArchives(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(files map[string][]byte)
		want []string
	}{
		{"as it should be", func(map[string][]byte) {}, nil},
		{"the newest archive leads to the feed", func(f map[string][]byte) {
			f[here+"3"] = document(true, "c", "current", "atom.xml", "prev-archive", "2", "next-archive", "atom.xml")
		}, nil},
		{"no feed", func(f map[string][]byte) { delete(f, here+"atom.xml") },
			[]string{here + "atom.xml: the document to subscribe to is missing"}},
		{"the feed is an archive", func(f map[string][]byte) { f[here+"atom.xml"] = document(true, "d", "prev-archive", "3") },
			[]string{here + "atom.xml: the document to subscribe to says that it is an archive"}},
		{"nothing leads to archives", func(f map[string][]byte) { f[here+"atom.xml"] = document(false, "d") },
			[]string{"no document leads to " + here + "1", "no document leads to " + here + "2", "no document leads to " + here + "3"}},
		{"an archive is missing", func(f map[string][]byte) { delete(f, here+"2") },
			[]string{here + "3: it leads to an archive that is not there: " + here + "2", "no document leads to " + here + "1"}},
		{"an archive is no archive", func(f map[string][]byte) {
			f[here+"2"] = document(false, "b", "current", "atom.xml", "prev-archive", "1", "next-archive", "3")
		}, []string{here + "2: it does not say that it is an archive"}},
		{"an archive is another feed's", func(f map[string][]byte) {
			f[here+"1"] = document(true, "a", "current", "planes.xml", "next-archive", "2")
		}, []string{here + `1: rel=current is "` + here + `planes.xml", want ` + here + "atom.xml"}},
		{"an archive does not lead back", func(f map[string][]byte) { f[here+"1"] = document(true, "a", "current", "atom.xml") },
			[]string{here + `1: rel=next-archive is "", want ` + here + "2"}},
		{"the newest leads past the end", func(f map[string][]byte) {
			f[here+"3"] = document(true, "c", "current", "atom.xml", "prev-archive", "2", "next-archive", "4")
		}, []string{here + "3: it is the newest archive, and rel=next-archive leads to " + here + "4"}},
		{"a circle", func(f map[string][]byte) {
			f[here+"1"] = document(true, "a", "current", "atom.xml", "next-archive", "2", "prev-archive", "3")
		}, []string{here + "1: it leads back to " + here + "3"}},
		{"an entry in two archives", func(f map[string][]byte) {
			f[here+"1"] = document(true, "a c", "current", "atom.xml", "next-archive", "2")
		}, []string{here + "1: a newer archive has c as well, as of 2026"}},
		{"no XML", func(f map[string][]byte) { f[here+"1"] = []byte("<feed>") },
			[]string{here + "1: it does not begin with an XML declaration of UTF-8", here + "1: it is no XML: XML syntax error on line 1: unexpected EOF",
				here + "1: it does not say that it is an archive", here + `1: rel=current is "", want ` + here + "atom.xml", here + `1: rel=next-archive is "", want ` + here + "2"}},
		{"JSON", func(f map[string][]byte) {
			clear(f)
			f[here+"atom.xml"], f[here+"1"] = jsonDocument(here+"1", "b"), jsonDocument("", "a")
		}, nil},
		{"JSON in a circle", func(f map[string][]byte) {
			clear(f)
			f[here+"atom.xml"], f[here+"1"], f[here+"2"] = jsonDocument(here+"1", "b"), jsonDocument(here+"1", "a"), []byte("[]")
		}, []string{here + "2: it is no JSON feed",
			here + "1: it leads back to " + here + "1", "no document leads to " + here + "2"}},
	} {
		if diff := cmp.Diff(tt.want, Archives(chain(tt.edit), here+"atom.xml")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestKept(t *testing.T) {
	before := chain(func(map[string][]byte) {})
	after := chain(func(f map[string][]byte) {
		f[here+"atom.xml"] = document(false, "e", "prev-archive", "3")
		f[here+"3"] = document(true, "c d", "current", "atom.xml", "prev-archive", "2") // not full yet
	})
	if got := Kept(before, after); len(got) > 0 {
		t.Errorf("full archives are as they were, and there are problems: %q", got)
	}
	after[here+"2"] = document(true, "b changed", "current", "atom.xml", "prev-archive", "1", "next-archive", "3")
	delete(after, here+"1")
	want := []string{here + "1: a full archive is gone", here + "2: a full archive changed"}
	if got := Kept(before, after); !slices.Equal(got, want) {
		t.Errorf("problems are %q, want %q", got, want)
	}
}
