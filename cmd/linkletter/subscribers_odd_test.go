package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadOddSubscribersCSV reads what people do to files: each row is a line number with its address, or why it is refused.
func TestReadOddSubscribersCSV(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"a quote that is never closed": {
			"address,digest\na@example.org,weekly\n\"b@example.org,weekly\nc@example.org,weekly\n" + strings.Repeat("d@example.org,weekly\n", 3),
			[]string{"2 a@example.org", `3 ! a quote (") in line 3 is not closed, or stands where none may`, "4 c@example.org", "5 d@example.org", "6 d@example.org", "7 d@example.org"},
		},
		"a quote that another one far below would close": {
			"address,note\na@example.org,\"hello\nb@example.org,x\nc@example.org,bye\"\nd@example.org,\"two\nlines\"\ne@example.org,\n",
			[]string{`2 ! a quote (") in line 2 is not closed, or stands where none may`, "3 b@example.org", `4 ! bare " in non-quoted-field`, "5 d@example.org", "7 e@example.org"},
		},
		"more columns than names": {
			"address,digest\na@example.org,weekly,,\nb@example.org,weekly,London\n",
			[]string{"2 a@example.org", "3 ! the row has 3 columns, and the first row names 2: is there a separator in a value without quotes?"},
		},
		"old line ends":     {"address;state\ra@example.org;\rb@example.org;\r", []string{"2 a@example.org", "3 b@example.org"}},
		"no end":            {"address\r\na@example.org\r\nb@example.org", []string{"2 a@example.org", "3 b@example.org"}},
		"Windows-1252":      {"address;Name\na@example.org;Ren\xe9\nren\xe9@example.org;R\n", []string{"2 a@example.org", "3 ren\xe9@example.org"}},
		"a NUL":             {"address,digest\na\x00@example.org,weekly\n", []string{"2 a\x00@example.org"}},
		"formulas, letters": {"address\n=1+1@example.org\n\"ö@bücher.example\"\n👩‍🚀@example.org\n", []string{"2 =1+1@example.org", "3 ö@bücher.example", "4 👩‍🚀@example.org"}},
		"a long line": {
			"address,note\na@example.org," + strings.Repeat("x", 10<<20) + "\n\"b@example.org\",\"" + strings.Repeat("y", 100_000) + "\"\nc@example.org,\n",
			[]string{"2 ! the line is longer than 64 KiB", "3 ! the line is longer than 64 KiB", "4 c@example.org"},
		},
		"only quotes": {"address\n\"x\n\"\"\n\"\"\"\n", []string{`2 ! a quote (") in line 2 is not closed, or stands where none may`, "3 ", `4 ! a quote (") in line 4 is not closed, or stands where none may`}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := newSubscriberReader(strings.NewReader(c.file), "")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for {
				row, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if row.Problem != nil {
					got = append(got, fmt.Sprintf("%d ! %v", row.Line, row.Problem))
				} else {
					got = append(got, fmt.Sprintf("%d %s", row.Line, row.Address))
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestReadSubscribersCSVInLittleMemory reads a file that is one unclosed quote and one that is one line, of 64 MB each.
func TestReadSubscribersCSVInLittleMemory(t *testing.T) {
	for _, line := range []string{"a\"@example.org\n", strings.Repeat("a@example.org,", 64)} {
		var before, after runtime.MemStats
		r, err := newSubscriberReader(io.MultiReader(strings.NewReader("address\n\"open\n"), io.LimitReader(&repeated{line: line}, 64<<20)), "")
		if err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&before)
		n := 0
		for ; ; n++ {
			if _, err := r.Next(); errors.Is(err, io.EOF) {
				break
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); n == 0 || grown > 8<<20 {
			t.Errorf("%.20q…: %d rows, and %d MiB are held", line, n, grown>>20)
		}
	}
}

// repeated repeats a line.
type repeated struct {
	line string
	at   int
}

func (e *repeated) Read(b []byte) (int, error) {
	n := copy(b, e.line[e.at:])
	e.at = (e.at + n) % len(e.line)
	return n, nil
}

// FuzzReadSubscribersCSV: whatever the file, every line is in a row, and none is read twice.
func FuzzReadSubscribersCSV(f *testing.F) {
	for _, s := range []string{"address\na@b.c\n", "address,x\n\"a\nb\",c\n\"d", "address;y\n\"\"\"\n\"\r\n", "\xef\xbb\xbfaddress\r\"\r"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, file string) {
		r, err := newSubscriberReader(strings.NewReader(file), "weekly")
		if err != nil {
			return
		}
		last := 0
		for {
			row, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || row.Line <= last {
				t.Fatalf("%q: after line %d line %d, %v", file, last, row.Line, err)
			}
			last = row.Line
			r.Fields(row)
		}
	})
}
