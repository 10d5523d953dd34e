package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"linkletter/store"
)

// csvColumns are the columns of a file of subscribers (RFC 4180), in the order they are written. Only the address must be
// there when a file is read, the order does not matter, and other columns are passed over.
var csvColumns = []string{"address", "digest", "state", "created", "confirmed", "ended"}

// subscriberReader reads subscriptions from CSV as spreadsheets write it: UTF-8 with or without a byte order mark, with
// commas, semicolons or tabs, any line ends, a header row.
type subscriberReader struct {
	csv    *csv.Reader
	column map[string]int
	digest string
}

// newSubscriberReader reads the header row. digest is taken for rows that name none; it may be empty.
func newSubscriberReader(r io.Reader, digest string) (*subscriberReader, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	start, _ := buffered.Peek(4 << 10)
	switch {
	case strings.HasPrefix(string(start), "\xef\xbb\xbf"):
		buffered.Discard(3)
		start = start[3:]
	case strings.HasPrefix(string(start), "\xff\xfe"), strings.HasPrefix(string(start), "\xfe\xff"):
		return nil, errors.New("the file is UTF-16; save it as CSV in UTF-8")
	}
	c := csv.NewReader(buffered)
	c.Comma = separator(string(start))
	c.FieldsPerRecord = -1 // a short row is that row's own problem
	c.ReuseRecord = true
	header, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty; its first row names the columns: " + strings.Join(csvColumns, ","))
	}
	if err != nil {
		return nil, fmt.Errorf("reading the header row: %w", err)
	}
	s := &subscriberReader{csv: c, column: map[string]int{}, digest: digest}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		switch name { // what other programs call them
		case "email", "e-mail", "mail", "email address":
			name = "address"
		case "status":
			name = "state"
		}
		if _, twice := s.column[name]; twice && slices.Contains(csvColumns, name) {
			return nil, fmt.Errorf("line 1: there are two columns called %s", name)
		}
		s.column[name] = i
	}
	if _, ok := s.column["address"]; !ok {
		return nil, errors.New("line 1: no column is called address; the first row names the columns: " + strings.Join(csvColumns, ","))
	}
	return s, nil
}

// separator is what the header row separates its columns with.
func separator(start string) rune {
	line, _, _ := strings.Cut(start, "\n")
	best, most := ',', 0
	for _, c := range ",;\t" {
		if n := strings.Count(line, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// Next gives the next row, or io.EOF. A row that cannot be read says so itself (Row.Problem); only a file that cannot be
// read is an error.
func (s *subscriberReader) Next() (store.Row, error) {
	record, err := s.csv.Read()
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return store.Row{Line: parse.StartLine, Problem: parse.Err}, nil
	}
	if err != nil {
		return store.Row{}, err
	}
	line, _ := s.csv.FieldPos(0)
	field := func(name string) string {
		if i, ok := s.column[name]; ok && i < len(record) {
			return strings.TrimSpace(record[i])
		}
		return ""
	}
	row := store.Row{
		Line:    line,
		Address: field("address"),
		Digest:  field("digest"),
		State:   store.SubscriptionState(strings.ToLower(field("state"))),
	}
	if row.Digest == "" {
		row.Digest = s.digest
	}
	for name, to := range map[string]*time.Time{"created": &row.Created, "confirmed": &row.Confirmed, "ended": &row.Ended} {
		if *to, err = csvTime(field(name)); err != nil {
			row.Problem = fmt.Errorf("column %s: %w", name, err)
		}
	}
	return row, nil
}

func csvTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date like 2006-01-02 or 2006-01-02T15:04:05Z", s)
}

// subscriberWriter writes subscriptions as subscriberReader reads them.
type subscriberWriter struct{ csv *csv.Writer }

// newSubscriberWriter writes the header row.
func newSubscriberWriter(w io.Writer) (*subscriberWriter, error) {
	s := &subscriberWriter{csv: csv.NewWriter(w)}
	return s, s.csv.Write(csvColumns)
}

// Write writes a row; it may stay buffered until Close.
func (s *subscriberWriter) Write(row store.Row) error {
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return s.csv.Write([]string{row.Address, row.Digest, string(row.State), stamp(row.Created), stamp(row.Confirmed), stamp(row.Ended)})
}

// Close writes what is buffered. It does not close the file.
func (s *subscriberWriter) Close() error {
	s.csv.Flush()
	return s.csv.Error()
}
