package curated

import (
	"bytes"
	"fmt"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

// Note gives Markdown that somebody wrote for readers, such as an editor's note, as HTML: CommonMark, and GitHub's bare
// addresses and strikethrough. HTML in it is left out, and no link runs a script; images stay, and may be anywhere.
func Note(markdown string) (string, error) {
	var b bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(extension.Linkify, extension.Strikethrough)).Convert([]byte(markdown), &b); err != nil {
		return "", fmt.Errorf("reading a note as Markdown: %w", err)
	}
	return b.String(), nil
}
