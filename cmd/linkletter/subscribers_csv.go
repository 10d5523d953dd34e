package main

import (
	"bufio"
	"bytes"
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
var csvColumns = []string{"address", "digest", "state", "origin", "created", "confirmed", "ended", "sections",
	"paused", "suppressed", "suppressed_at", "joined", "moved"}

// The places of csvColumns.
const (
	colAddress = iota
	colDigest
	colState
	colOrigin
	colCreated
	colConfirmed
	colEnded
	colSections
	colPaused
	colSuppressed
	colSuppressedAt
	colJoined
	colMoved
	colCount
)

// subscriberReader reads subscriptions from CSV as spreadsheets write it: UTF-8 with or without a byte order mark, with
// commas, semicolons or tabs, any line ends, a header row.
type subscriberReader struct {
	records *recordReader
	header  []string      // as it stands in the file
	column  [colCount]int // where each is; -1: nowhere
	digest  string
}

// newSubscriberReader reads the header row. digest is taken for rows that name none; it may be empty.
func newSubscriberReader(r io.Reader, digest string) (*subscriberReader, error) {
	buffered := bufio.NewReaderSize(r, 2*maxRecord)
	start, err := buffered.Peek(4 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	head, _, _ := bytes.Cut(start, []byte("\n"))
	switch {
	case bytes.HasPrefix(start, []byte("\xef\xbb\xbf")):
		buffered.Discard(3)
		start = start[3:]
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")), bytes.IndexByte(head, 0) >= 0:
		return nil, hintError{errors.New("the file is UTF-16"), `save it as "CSV UTF-8", or convert it: iconv -f UTF-16 -t UTF-8 FILE >NEW`}
	}
	end := byte('\n')
	if bytes.IndexByte(start, '\n') < 0 && bytes.IndexByte(start, '\r') >= 0 {
		end = '\r'
	}
	s := &subscriberReader{records: newRecordReader(buffered, end, separator(string(start), end)), digest: digest}
	header, err := s.records.next()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty; its first row names the columns: " + strings.Join(csvColumns, ","))
	}
	if err = errors.Join(err, header.err); err != nil {
		return nil, fmt.Errorf("reading the header row: %w", err)
	}
	s.header = slices.Clone(header.fields)
	s.records.isRow, s.records.broken = s.isRow, s.broken
	return s, s.find(header)
}

// find finds the columns by their names.
func (s *subscriberReader) find(header record) error {
	for i := range s.column {
		s.column[i] = -1
	}
	for i, name := range s.header {
		name = strings.ToLower(strings.TrimSpace(name))
		switch name { // what other programs call them
		case "email", "e-mail", "mail", "email address":
			name = "address"
		case "status":
			name = "state"
		}
		at := slices.Index(csvColumns, name)
		if at < 0 {
			continue
		}
		if s.column[at] >= 0 {
			return fmt.Errorf("line %d: there are two columns called %s", header.line, name)
		}
		s.column[at] = i
	}
	if s.column[colAddress] >= 0 {
		return nil
	}
	found := fmt.Sprintf("line %d: no column is called address, but %s", header.line, joinNames(quoteAll(s.header)))
	if slices.ContainsFunc(s.header, func(f string) bool { _, _, err := store.NormalizeAddress(f); return err == nil }) {
		return hintError{errors.New(found), "the first row must name the columns: put a line such as " + strings.Join(csvColumns[:3], ",") + " above the others"}
	}
	return hintError{errors.New(found), "name one address; the others may be " + strings.Join(csvColumns[1:], ", ")}
}

// quoteAll are a few names in quotes, cut to what can be read.
func quoteAll(names []string) []string {
	var all []string
	for _, name := range names[:min(len(names), 20)] {
		all = append(all, fmt.Sprintf("%.60q", name))
	}
	return all
}

// separator is what the header row separates its columns with.
func separator(start string, end byte) rune {
	line, _, _ := strings.Cut(start, string(end))
	best, most := ',', 0
	for _, c := range ",;\t" {
		if n := strings.Count(line, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// isRow says that a line looks like a row of its own, so that a quote before it must have been forgotten.
func (s *subscriberReader) isRow(fields []string) bool {
	return len(fields) == len(s.header) && len(fields) > 1 && strings.Contains(fields[s.column[colAddress]], "@")
}

// broken says that a field holds a line end which none of its kind can have.
func (s *subscriberReader) broken(fields []string) bool {
	return slices.ContainsFunc(s.column[:], func(i int) bool {
		return i >= 0 && i < len(fields) && strings.ContainsAny(strings.TrimSpace(fields[i]), "\r\n")
	})
}

// Next gives the next row, or io.EOF. A row that cannot be read says so itself (Row.Problem); only a file that cannot be
// read is an error.
func (s *subscriberReader) Next() (store.Row, error) {
	rec, err := s.records.next()
	if err != nil {
		return store.Row{}, err
	}
	row := store.Row{Line: rec.line, Text: rec.text, Problem: rec.err}
	if rec.err != nil {
		return row, nil
	}
	field := func(column int) string {
		if i := s.column[column]; i >= 0 && i < len(rec.fields) {
			return strings.TrimSpace(rec.fields[i])
		}
		return ""
	}
	row.Address, row.Digest, row.Origin = field(colAddress), field(colDigest), strings.ToLower(field(colOrigin))
	row.State = store.SubscriptionState(strings.ToLower(field(colState)))
	row.Suppressed = store.Reason(strings.ToLower(field(colSuppressed)))
	if row.Digest == "" {
		row.Digest = s.digest
	}
	if sections := field(colSections); sections != "" {
		row.Sections = strings.Fields(sections)
	}
	for _, c := range [...]struct {
		column int
		to     *time.Time
	}{{colCreated, &row.Created}, {colConfirmed, &row.Confirmed}, {colEnded, &row.Ended}, {colPaused, &row.Paused},
		{colSuppressedAt, &row.SuppressedAt}, {colJoined, &row.Joined}, {colMoved, &row.Moved}} {
		if *c.to, err = csvTime(field(c.column)); err != nil && row.Problem == nil {
			row.Problem = fmt.Errorf("column %s: %w", csvColumns[c.column], err)
		}
	}
	for i := len(s.header); i < len(rec.fields); i++ {
		if rec.fields[i] != "" {
			row.Problem = fmt.Errorf("the row has %d columns, and the first row names %d: is there a separator in a value without quotes?", len(rec.fields), len(s.header))
		}
	}
	return row, nil
}

// Fields takes a row's text apart again; nil: that cannot be done.
func (s *subscriberReader) Fields(row store.Row) []string {
	if !strings.Contains(row.Text, `"`) && len(row.Text) < maxRecord {
		return strings.Split(row.Text, string(s.records.separator))
	}
	c := newRecordReader(nil, '\n', s.records.separator)
	fields, err := c.parse(row.Text)
	if err != nil {
		return nil
	}
	return fields
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
	return time.Time{}, fmt.Errorf("%.60q is not a date like 2006-01-02 or 2006-01-02T15:04:05Z", s)
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
	return s.csv.Write([]string{row.Address, row.Digest, string(row.State), row.Origin, stamp(row.Created), stamp(row.Confirmed), stamp(row.Ended),
		strings.Join(row.Sections, " "), stamp(row.Paused), string(row.Suppressed), stamp(row.SuppressedAt), stamp(row.Joined), stamp(row.Moved)})
}

// Close writes what is buffered. It does not close the file.
func (s *subscriberWriter) Close() error {
	s.csv.Flush()
	return s.csv.Error()
}
