package source_test

import (
	"strings"
	"testing"

	"linkletter/cmd/internal/source"
)

// TestLocationTellsNoSecrets: what stands in logs and pages.
func TestLocationTellsNoSecrets(t *testing.T) {
	for place, want := range map[string]string{
		"lists/a b.md":                              "lists/a b.md",
		"https://example.org/a.md":                  "https://example.org/a.md",
		"HTTPS://me:secret@example.org/a.md#b":      "https://example.org/a.md",
		"https://example.org/a.md?token=secret":     "https://example.org/a.md?…",
		"https://me:sec/ret@example.org:x/a.md":     "https://…",
		"https://example.org:port/a.md":             "https://…",
		"https://me:12/secret@example.org/a.md":     "https://…",
		"https://example.org/@me/a.md":              "https://example.org/@me/a.md",
		"https://a/" + strings.Repeat("x", 400):     "https://a/" + strings.Repeat("x", 290) + "…",
		"https://a/" + strings.Repeat("ü", 400)[:9]: "https://a/%C3%BC%C3%BC%C3%BC%C3%BC%C3",
	} {
		if got := source.Locate(place).String(); got != want {
			t.Errorf("%s: shown as %s, want %s", place, got, want)
		}
	}
	for remote, want := range map[string]string{
		"https://me:secret@example.org/o/r.git": "https://example.org/o/r.git",
		"git@example.org:o/r.git":               "git@example.org:o/r.git",
		"/srv/r.git":                            "/srv/r.git",
	} {
		if got := (source.Location{Git: &source.Repository{Remote: remote}}).String(); got != want {
			t.Errorf("%s: shown as %s, want %s", remote, got, want)
		}
	}
}
