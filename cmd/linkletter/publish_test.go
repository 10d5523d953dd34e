package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Two checks cannot be published, and the list is then as it was: the files are made all the same, and the trouble ends.
func TestWhatCouldNotBePublishedIsPublishedLater(t *testing.T) {
	s := newStation(t, "lists: [{id: r, source: r.md, feeds: {changes: true}}]\n")
	const more = anvil + "- [Chisel](https://chisel.example/) - Sharp.\n"
	check := func(markdown string) error {
		s.write("r.md", markdown)
		_, err := s.checkList(t.Context(), "r")
		return err
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(check(anvil))
	public := s.publisher.Dir
	must(os.Rename(public, public+".away"))
	must(os.WriteFile(public, nil, 0o644)) // nothing can be published here
	for _, markdown := range []string{more, anvil} {
		if check(markdown) == nil {
			t.Fatal("published into a file")
		}
	}
	must(os.Remove(public))
	must(os.Rename(public+".away", public))
	must(check(anvil))
	changes, err := os.ReadFile(filepath.Join(public, "r", "changes.xml"))
	must(err)
	if !strings.Contains(string(changes), "Removed: Chisel") {
		t.Errorf("what left while nothing could be published is not in changes.xml:\n%s", changes)
	}
	troubles, err := s.store.Troubles(t.Context())
	must(err)
	for _, trouble := range troubles {
		t.Errorf("still in trouble: %s: %s", trouble.What, trouble.Text)
	}
}

// The public folder may be a link, and may hold what this program cannot look into.
func TestWrittenSince(t *testing.T) {
	dir := t.TempDir()
	real := filepath.Join(dir, "real")
	for _, folder := range []string{"r", "lost+found"} {
		if err := os.MkdirAll(filepath.Join(real, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(real, "r", "atom.xml"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, filepath.Join(dir, "public")); err != nil {
		t.Fatal(err)
	}
	s := newStation(t, "hub: https://hub.example/\npublic: "+filepath.Join(dir, "public")+"\nlists: [{id: r, source: r.md}]\n")
	look := func() {
		t.Helper()
		files, _ := s.writtenSince(time.Now().Add(-time.Hour)) // the error is the folder's that cannot be read
		if len(files) != 1 || files[0] != "r/atom.xml" {
			t.Errorf("found %q, want the feed", files)
		}
	}
	look()
	if err := os.Chmod(filepath.Join(real, "lost+found"), 0); err != nil {
		t.Fatal(err)
	}
	look()
}
