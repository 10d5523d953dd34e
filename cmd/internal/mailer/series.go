package mailer

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Series composes messages that differ in nothing but their recipient, Message-ID and token, as the copies of an issue do.
// Each is what Compose makes of it, to the byte; but only one of each length of Message-ID and token is composed, and the
// others' own are put into that one.
type Series struct {
	message func(id, token string) Message

	mu    sync.Mutex // guards forms
	forms map[[2]int]*form
}

// NewSeries gives the series of the messages that message makes; their To is set by Compose. It must put id and token into
// them as they are: what stands around them may not depend on them.
func NewSeries(message func(id, token string) Message) *Series {
	return &Series{message: message, forms: map[[2]int]*form{}}
}

// form is a composed message without its To field, and where in what is behind that a message's own stands.
type form struct {
	head, tail []byte
	ids        []spot
	tokens     []spot
}

// spot is a piece of a value. A line of quoted-printable text may end in the middle of one (RFC 2045, 6.7).
type spot struct {
	at       int // in the form's tail
	from, to int // of the value
}

// Compose makes one message of the series.
func (s *Series) Compose(to, id, token string) ([]byte, error) {
	if !isPlain(token) {
		return nil, fmt.Errorf("token %q: it has characters that are not written as they are everywhere", token)
	}
	if strings.ContainsFunc(id, func(r rune) bool { return r == ' ' || isControl(r) }) {
		return nil, fmt.Errorf("Message-ID %q: a space or control character", id)
	}
	address, err := ParseAddress(to)
	if err != nil {
		return nil, fmt.Errorf("recipient %q: %w", to, err)
	}
	f, err := s.form(len(id), len(token))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(len(f.head) + len("To: \r\n") + len(to) + maxLine + len(f.tail))
	b.Write(f.head)
	if err := (field{"To", address.header()}).write(&b); err != nil {
		return nil, err
	}
	tail := b.Len()
	b.Write(f.tail)
	own := b.Bytes()[tail:]
	for _, spot := range f.ids {
		copy(own[spot.at:], id[spot.from:spot.to])
	}
	for _, spot := range f.tokens {
		copy(own[spot.at:], token[spot.from:spot.to])
	}
	return b.Bytes(), nil
}

// isPlain says that every encoding on the way into a message leaves a text as it is, so that where lines break depends on its
// length alone.
func isPlain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	})
}

// form composes the form for Message-IDs and tokens of these lengths, when it is first wanted.
func (s *Series) form(id, token int) (*form, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lengths := [2]int{id, token}
	if f := s.forms[lengths]; f != nil {
		return f, nil
	}
	const one, other = "A", "B"
	f := &form{}
	var err error
	if f.head, f.tail, err = s.around(strings.Repeat(one, id), strings.Repeat(one, token)); err != nil {
		return nil, err
	}
	// What changes with a value, and nothing else, is the value.
	_, changed, err := s.around(strings.Repeat(other, id), strings.Repeat(one, token))
	if err == nil {
		f.ids, err = spots(f.tail, changed, id)
	}
	if err != nil {
		return nil, err
	}
	if _, changed, err = s.around(strings.Repeat(one, id), strings.Repeat(other, token)); err == nil {
		f.tokens, err = spots(f.tail, changed, token)
	}
	if err != nil {
		return nil, err
	}
	s.forms[lengths] = f
	return f, nil
}

// around composes a message, and gives what is before and behind its To field.
func (s *Series) around(id, token string) (head, tail []byte, err error) {
	m := s.message(id, token)
	m.To = "stand-in@example.org"
	fields, err := m.fields()
	if err != nil {
		return nil, nil, err
	}
	body, err := m.body()
	if err != nil {
		return nil, nil, err
	}
	var before, behind bytes.Buffer
	into := &before
	for _, f := range fields {
		if f.name == "To" {
			into = &behind
			continue
		}
		if err := f.write(into); err != nil {
			return nil, nil, err
		}
	}
	behind.Write(body)
	return before.Bytes(), behind.Bytes(), nil
}

// spots finds where two messages differ that were made with different values of a length.
func spots(a, b []byte, size int) ([]spot, error) {
	broken := errors.New("composing a series: what stands around a recipient's own changes with it")
	if len(a) != len(b) {
		return nil, broken
	}
	var found []spot
	at := 0 // in the value
	for i := range a {
		if a[i] == b[i] {
			continue
		}
		if last := len(found) - 1; at > 0 && found[last].at+found[last].to-found[last].from == i {
			found[last].to++
		} else {
			found = append(found, spot{i, at, at + 1})
		}
		at = (at + 1) % size
	}
	if at != 0 {
		return nil, broken
	}
	return found, nil
}
