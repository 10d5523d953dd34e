package feed_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/mmcdole/gofeed"

	"linkletter/feed"
)

// formats are the three writers.
var formats = []struct {
	name, file string
	write      func(*feed.Feed) ([]byte, error)
}{
	{"Atom", feed.AtomFile, (*feed.Feed).Atom},
	{"RSS", feed.RSSFile, (*feed.Feed).RSS},
	{"JSON", feed.JSONFile, (*feed.Feed).JSON},
}

// kinds are the feeds that every format has to write.
var kinds = map[string]func() *feed.Feed{
	"empty": func() *feed.Feed { return sample(0) },
	"bare": func() *feed.Feed {
		return &feed.Feed{ID: "tag:example.org,2026-01-01:x/", Dir: "https://example.org/", Began: began}
	},
	"sample":  func() *feed.Feed { return sample(2) },
	"hostile": hostile,
}

func TestGolden(t *testing.T) {
	for _, f := range formats {
		b, err := f.write(sample(2))
		if err != nil {
			t.Fatal(err)
		}
		golden(t, f.file, b)
	}
}

func TestSameBytesTwice(t *testing.T) {
	for name, make := range kinds {
		for _, f := range formats {
			a, err := f.write(make())
			if err != nil {
				t.Fatal(err)
			}
			b, err := f.write(make())
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a, b) {
				t.Errorf("%s of the %s feed differs from one run to the next", f.name, name)
			}
		}
	}
}

// Whatever a list says, a document is well-formed and holds no character that readers stumble over.
func TestWellFormed(t *testing.T) {
	for name, make := range kinds {
		for _, f := range formats {
			b, err := f.write(make())
			if err != nil {
				t.Fatal(err)
			}
			if f.file == feed.JSONFile {
				if !json.Valid(b) {
					t.Errorf("%s of the %s feed is invalid", f.name, name)
				}
			} else if err := wellFormed(b); err != nil {
				t.Errorf("%s of the %s feed: %v", f.name, name, err)
			}
			if i := bytes.IndexFunc(b, badRune); i >= 0 {
				t.Errorf("%s of the %s feed holds a bad character: %q", f.name, name, b[max(0, i-30):min(len(b), i+30)])
			}
			if len(b) > 1<<20 {
				t.Errorf("%s of the %s feed has %d bytes", f.name, name, len(b))
			}
		}
	}
}

func wellFormed(b []byte) error {
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		if _, err := d.Token(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

func badRune(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) || r&0xfffe == 0xfffe
}

func TestUpdated(t *testing.T) {
	if got := sample(0).Updated(); !got.Equal(began) {
		t.Errorf("an empty feed is of %v, want its beginning %v", got, began)
	}
	f := sample(3)
	f.Entries[2].Updated = began.Add(time.Hour)
	if got, want := f.Updated(), began.Add(time.Hour); !got.Equal(want) {
		t.Errorf("Updated is %v, want the newest entry's %v", got, want)
	}
}

func TestViaStandsInForABadLink(t *testing.T) {
	for link, want := range map[string]string{
		"https://saw.example/":    "https://saw.example/",
		"javascript:alert(1)":     "https://example.com/tools.md",
		"saws/bow.md":             "https://example.com/tools.md",
		"data:text/html,<b>x</b>": "https://example.com/tools.md",
	} {
		f := sample(1)
		f.Entries[0].URL, f.Entries[0].Via = link, "https://example.com/tools.md"
		for _, format := range formats {
			b, err := format.write(f)
			if err != nil {
				t.Fatal(err)
			}
			got, err := gofeed.NewParser().Parse(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if got.Items[0].Link != want {
				t.Errorf("%s: %s became %s, want %s", format.name, link, got.Items[0].Link, want)
			}
		}
	}
}

// Lists checked in one second share a date. An entry keeps its own whatever stands beside it, so that the feed of all lists
// says the same as the list's.
func TestDatesStayAndNoIDTwice(t *testing.T) {
	f := sample(4)
	for i := range f.Entries {
		f.Entries[i].Updated = began
	}
	f.Entries[3].ID = f.Entries[0].ID
	b, err := f.Atom()
	if err != nil {
		t.Fatal(err)
	}
	got, err := gofeed.NewParser().Parse(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var dates []time.Time
	for _, item := range got.Items {
		dates = append(dates, *item.UpdatedParsed)
	}
	want := []time.Time{began, began, began}
	if diff := cmp.Diff(want, dates); diff != "" {
		t.Errorf("updated (-want +got):\n%s", diff)
	}
}

func TestOPML(t *testing.T) {
	b, err := feed.OPML("Example & friends", []feed.Outline{
		{Title: "Everything", XMLURL: "https://example.org/atom.xml", HTMLURL: "https://example.org/"},
		{Title: "Tools <new>", Outlines: []feed.Outline{{Title: "Saws", XMLURL: "https://example.org/tools/sections/saws/atom.xml"}}},
		{Title: "No feed\x00", XMLURL: "javascript:alert(1)"},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, feed.OPMLFile, b)
}

func TestIDs(t *testing.T) {
	day := time.Date(2026, 5, 4, 23, 30, 0, 0, time.FixedZone("", -3600)) // the fifth in UTC
	for _, tt := range []struct{ name, got, want string }{
		{"entry", feed.EntryID("Example.ORG", day, "tools", "example.com/lathe"), "tag:example.org,2026-05-05:tools/d41e20001e85963d"},
		{"list", feed.FeedID("example.org", day, feed.ListDir("tools")), "tag:example.org,2026-05-05:tools/"},
		{"section", feed.FeedID("example.org", day, feed.SectionDir("tools", "säge")), "tag:example.org,2026-05-05:tools/sections/s%C3%A4ge/"},
	} {
		if tt.got != tt.want {
			t.Errorf("id of a %s is %s, want %s", tt.name, tt.got, tt.want)
		}
	}
}

func TestStylesheet(t *testing.T) {
	const want = `<?xml-stylesheet type="text/css" href="https://example.org/assets/feed.css"?>`
	for _, f := range formats[:2] {
		b, err := f.write(sample(1))
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.SplitN(string(b), "\n", 3); lines[1] != want {
			t.Errorf("%s: the second line is %s, want %s", f.name, lines[1], want)
		}
	}
}
