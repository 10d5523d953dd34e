package curated

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrEmpty says that a document holds nothing but white space.
var ErrEmpty = errors.New("the document is empty")

// ErrHTML says that a document is a web page.
var ErrHTML = errors.New("the document is an HTML page, not Markdown; name the address of the raw file")

// Readable says why bytes cannot be a Markdown list: nothing, a web page, or no text. It gives nil for bytes that Parse
// makes sense of.
func Readable(src []byte) error {
	if bytes.HasPrefix(src, []byte("\xff\xfe")) || bytes.HasPrefix(src, []byte("\xfe\xff")) {
		return errors.New("the document is UTF-16, not UTF-8; convert it")
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")))
	if len(text) == 0 {
		return ErrEmpty
	}
	head := text[:min(len(text), 4096)]
	for bytes.HasPrefix(head, []byte("<!--")) || bytes.HasPrefix(head, []byte("<?xml")) {
		end := bytes.IndexByte(head, '>')
		if bytes.HasPrefix(head, []byte("<!--")) {
			end = bytes.Index(head, []byte("-->")) + 2
		}
		if end < 2 {
			break
		}
		head = bytes.TrimSpace(head[end+1:])
	}
	for _, tag := range [...]string{"<!doctype html", "<html"} {
		if len(head) >= len(tag) && bytes.EqualFold(head[:len(tag)], []byte(tag)) {
			return ErrHTML
		}
	}
	return binary(text)
}

// binary looks for bytes that are no text; a few broken ones are a typing mistake and no reason to refuse a list.
func binary(text []byte) error {
	bad := 0
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 || r < 0x20 && r != '\n' && r != '\r' && r != '\t' && r != '\f' && r != 0x1b {
			bad++
		}
		i += n
	}
	if bad > 8 && bad > len(text)/20 {
		return fmt.Errorf("the document is binary: %d of its %d bytes are no UTF-8 text", bad, len(text))
	}
	return nil
}
