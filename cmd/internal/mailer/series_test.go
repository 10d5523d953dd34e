package mailer

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A message of a series is what Compose makes of it, wherever in a line its token stands and however long it is.
func TestSeriesIsComposed(t *testing.T) {
	for shift := range 80 {
		message := func(id, token string) Message {
			m := sample()
			link := "https://links.example.org/-/unsubscribe/" + token
			m.MessageID, m.List.Token, m.List.Unsubscribe = id, token, link
			m.Text = strings.Repeat("x", shift) + " " + link + "\nüber " + token + "\n." + token + "\nA" + token + "B\n"
			m.HTML = "<p>ß</p><a href=\"" + link + "\">" + strings.Repeat("y", shift) + token + "</a>"
			return m
		}
		s := NewSeries(message)
		for i, token := range []string{"T0ken", "-_-_-_", "AAAAAA", "BBBBBB", "ABABAB", strings.Repeat("aZ09-_", 8), strings.Repeat("9", 47), strings.Repeat("f", 70)} {
			id := fmt.Sprintf("<weekly.3.%d%s@lists.example.org>", shift, strings.Repeat("i", i%3))
			to := strings.Repeat("reader.", i) + "ada@example.org"
			m := message(id, token)
			m.To = to
			want := compose(t, m)
			if got, err := s.Compose(to, id, token); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("to %s, token %s, %d before it: error %v (-composed +spliced):\n%s", to, token, shift, err, cmp.Diff(string(want), string(got)))
			}
		}
		if len(s.forms) > 8*3 {
			t.Fatalf("%d forms for 8 tokens", len(s.forms))
		}
	}
}

func TestSeriesRefuses(t *testing.T) {
	plain := NewSeries(func(id, token string) Message {
		m := sample()
		m.MessageID, m.List.Token = id, token
		return m
	})
	odd := NewSeries(func(id, token string) Message {
		m := sample()
		m.MessageID, m.Text = id, token[:1]
		return m
	})
	for name, compose := range map[string]func() ([]byte, error){
		"a token that is escaped":            func() ([]byte, error) { return plain.Compose("ada@example.org", "<1@example.org>", "a=b") },
		"a line end in the Message-ID":       func() ([]byte, error) { return plain.Compose("ada@example.org", "<1@example.org>\r\n", "ab") },
		"a recipient that is none":           func() ([]byte, error) { return plain.Compose("ada", "<1@example.org>", "ab") },
		"a line end in the recipient":        func() ([]byte, error) { return plain.Compose("ada@example.org\r\nBcc: x", "<1@example.org>", "ab") },
		"a message that has half of a token": func() ([]byte, error) { return odd.Compose("ada@example.org", "<1@example.org>", "ab") },
	} {
		if msg, err := compose(); err == nil {
			t.Errorf("%s: composed %s", name, msg)
		}
	}
}
