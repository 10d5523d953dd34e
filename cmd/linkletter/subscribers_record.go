package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxRecord is the most bytes of a row. Nothing of ours comes near; a quote that is not closed and a line of megabytes do.
const maxRecord = 64 << 10

// errLong says that a line is longer than maxRecord.
var errLong = fmt.Errorf("the line is longer than %d KiB", maxRecord>>10)

// record is a row of a CSV file.
type record struct {
	line   int    // where it begins
	text   string // as it stands in the file; of a line that is too long, the beginning
	fields []string
	lines  int   // how many it has
	err    error // why its fields cannot be read
}

// recordReader reads CSV (RFC 4180) row by row. One that is broken costs that row alone: a quote that is never closed does
// not swallow what follows, and memory does not grow with the length of a line.
type recordReader struct {
	r         *bufio.Reader
	end       byte // of a line
	separator rune
	number    int        // of the last line read
	ahead     []textLine // read already

	// What tells that a quote joined what are rows of their own; nil: nothing does.
	isRow  func(line []string) bool   // of one of the lines
	broken func(fields []string) bool // of the fields of all of them

	quoted *bufio.Reader // what the CSV package reads from
	source *strings.Reader
	fields []string
}

type textLine struct {
	number int
	text   string // with its end
	long   bool
}

func newRecordReader(r *bufio.Reader, end byte, separator rune) *recordReader {
	source := strings.NewReader("")
	return &recordReader{r: r, end: end, separator: separator, source: source, quoted: bufio.NewReader(source)}
}

// next gives the next row that is not empty, or io.EOF. Its fields are good until the next call.
func (c *recordReader) next() (record, error) {
	for {
		first, err := c.nextLine()
		if err != nil {
			return record{}, err
		}
		text := strings.TrimRight(first.text, "\r\n")
		rec := record{line: first.number, text: text, lines: 1}
		switch {
		case first.long:
			rec.text, rec.err = strings.ToValidUTF8(text[:200], ""), errLong
		case text == "":
			continue
		case !strings.Contains(text, `"`):
			rec.fields = c.split(text)
		default:
			rec.fields, rec.err = c.parse(text)
			if errors.Is(rec.err, csv.ErrQuote) {
				c.join(&rec, first)
			}
		}
		return rec, nil
	}
}

// join adds the lines that a quote holds together to a record. When they make no sense together, the quote is taken for
// one that is not closed: the first line is refused, the others are rows.
func (c *recordReader) join(rec *record, first textLine) {
	all, taken := first.text, []textLine{}
	open := strings.Count(all, `"`)%2 == 1
	for open {
		next, err := c.nextLine()
		if err != nil {
			break
		}
		taken = append(taken, next)
		if next.long || len(all)+len(next.text) > maxRecord {
			break
		}
		all += next.text
		open = open != (strings.Count(next.text, `"`)%2 == 1)
	}
	if !open && len(taken) > 0 {
		text := strings.TrimRight(all, "\r\n")
		fields, err := c.parse(text)
		swallowed := slices.ContainsFunc(taken, func(l textLine) bool {
			return c.isRow != nil && c.isRow(strings.Split(strings.TrimRight(l.text, "\r\n"), string(c.separator)))
		})
		if err == nil && !swallowed && !(c.broken != nil && c.broken(fields)) {
			rec.text, rec.fields, rec.lines, rec.err = text, fields, len(taken)+1, nil
			return
		}
	}
	c.ahead = append(taken, c.ahead...)
	rec.err = fmt.Errorf("a quote (\") in line %d is not closed, or stands where none may", first.number)
}

// split takes a line without quotes apart.
func (c *recordReader) split(text string) []string {
	c.fields = c.fields[:0]
	for {
		i := strings.IndexByte(text, byte(c.separator))
		if i < 0 {
			c.fields = append(c.fields, text)
			return c.fields
		}
		c.fields = append(c.fields, text[:i])
		text = text[i+1:]
	}
}

func (c *recordReader) parse(text string) ([]string, error) {
	c.source.Reset(text)
	c.quoted.Reset(c.source)
	r := csv.NewReader(c.quoted)
	r.Comma, r.FieldsPerRecord = c.separator, -1
	fields, err := r.Read()
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		err = parse.Err
	}
	return fields, err
}

// nextLine reads a line with its end. One that is too long is passed over but for its beginning.
func (c *recordReader) nextLine() (textLine, error) {
	if len(c.ahead) > 0 {
		l := c.ahead[0]
		c.ahead = c.ahead[1:]
		return l, nil
	}
	c.number++
	slice, err := c.r.ReadSlice(c.end)
	l := textLine{number: c.number, text: string(slice)}
	for errors.Is(err, bufio.ErrBufferFull) {
		l.long = true
		_, err = c.r.ReadSlice(c.end)
	}
	l.long = l.long || len(l.text) > maxRecord
	if errors.Is(err, io.EOF) && l.text != "" {
		err = nil
	}
	return l, err
}
