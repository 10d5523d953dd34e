package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/store"
)

func TestReadSubscribersCSV(t *testing.T) {
	may := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		file, digest string
		want         []store.Row
		problems     []string // of the rows in turn, where there is one
	}{
		"commas": {
			file: "address,digest,state\nada@example.org,weekly,confirmed\n",
			want: []store.Row{{Line: 2, Address: "ada@example.org", Digest: "weekly", State: "confirmed"}},
		},
		"a spreadsheet's": {
			file: "\xef\xbb\xbfDigest;\"Address\";created\r\nweekly;\" ada@example.org \";2026-05-04\r\n",
			want: []store.Row{{Line: 2, Address: "ada@example.org", Digest: "weekly", Created: may}},
		},
		"tabs, a column of theirs, a digest for all": {
			file:   "name\taddress\nAda, Countess\tada@example.org\n",
			digest: "weekly",
			want:   []store.Row{{Line: 2, Address: "ada@example.org", Digest: "weekly"}},
		},
		"one column": {
			file: "address\n\nada@example.org\nbob@example.org",
			want: []store.Row{{Line: 3, Address: "ada@example.org"}, {Line: 4, Address: "bob@example.org"}},
		},
		"a short row, a date that is none, a stray quote": {
			file: "address,digest,ended\nada@example.org\nbob@example.org,weekly,yesterday\neve\"x,weekly,\nzoe@example.org,weekly,2026-05-04 00:00:00\n",
			want: []store.Row{
				{Line: 2, Address: "ada@example.org"},
				{Line: 3, Address: "bob@example.org", Digest: "weekly"},
				{Line: 4},
				{Line: 5, Address: "zoe@example.org", Digest: "weekly", Ended: may},
			},
			problems: []string{"", `column ended: "yesterday" is not a date like`, `bare "`, ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := newSubscriberReader(strings.NewReader(c.file), c.digest)
			if err != nil {
				t.Fatal(err)
			}
			var got []store.Row
			for i := 0; ; i++ {
				row, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				want := ""
				if c.problems != nil {
					want = c.problems[i]
				}
				if (row.Problem == nil) != (want == "") || row.Problem != nil && !strings.Contains(row.Problem.Error(), want) {
					t.Errorf("row %d: problem %v, want %q", i, row.Problem, want)
				}
				row.Problem, row.Text = nil, ""
				got = append(got, row)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestReadSubscribersCSVHeader(t *testing.T) {
	for file, want := range map[string]string{
		"":                                 "the file is empty",
		"ada@example.org\n":                "no column is called address",
		"address,state,address\n":          "two columns called address",
		"\xff\xfea\x00d\x00d\x00":          "UTF-16",
		"address,\"state\nada@example.org": "reading the header row",
		"a\x00d\x00":                       "UTF-16",
		"name,town\nAda,London\n":          `no column is called address, but "name" and "town"`,
	} {
		if _, err := newSubscriberReader(strings.NewReader(file), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", file, err, want)
		}
	}
}

func TestWriteSubscribersCSV(t *testing.T) {
	at := time.Date(2026, 5, 4, 12, 30, 0, 0, time.UTC)
	rows := []store.Row{
		{Line: 2, Address: "ada@example.org", Digest: "weekly", State: store.SubscriptionConfirmed, Created: at, Confirmed: at.Add(time.Hour)},
		{Line: 3, Address: "b,o\"b@example.org", Digest: "weekly", State: store.SubscriptionUnsubscribed, Created: at, Ended: at},
	}
	var file bytes.Buffer
	w, err := newSubscriberWriter(&file)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.SplitN(file.String(), "\n", 2)[0], "address,digest,state,origin,created,confirmed,ended,sections,paused,suppressed,suppressed_at,joined,moved"; got != want {
		t.Errorf("header row %q, want %q", got, want)
	}
	r, err := newSubscriberReader(&file, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range rows {
		got, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		got.Text = ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("what was written reads otherwise (-want +got)\n%s", diff)
		}
	}
}
