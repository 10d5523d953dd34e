package publish

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Every file of a tree that compresses has its sidecars, of its own time; what became of them is mended without touching the
// file.
func TestSidecars(t *testing.T) {
	w := newWorld(t, "tools")
	w.check("tools", tools)
	w.publish()
	before := w.files() // which compares the sidecars that are there
	for name := range before {
		content := w.read(name)
		for _, c := range codings {
			_, err := os.Stat(filepath.Join(w.Dir, name+c.Ext))
			if want := len(content) >= MinCoded && filepath.Ext(name) != ".png"; (err == nil) != want {
				t.Errorf("%s%s: there %t, want %t (%d bytes)", name, c.Ext, err == nil, want, len(content))
			}
		}
	}
	past := time.Now().Add(-time.Hour)
	if err := os.Remove(filepath.Join(w.Dir, "atom.xml.br")); err != nil {
		t.Fatal(err)
	}
	w.write("tools/atom.xml.gz", "of a crash")
	if err := os.Chtimes(filepath.Join(w.Dir, "tools/atom.xml.gz"), past, past); err != nil {
		t.Fatal(err)
	}
	if report := w.publish(); report.Written != 0 {
		t.Errorf("files were written to mend sidecars: %+v", report)
	}
	if names := changed(before, w.files()); len(names) > 0 {
		t.Errorf("touched: %s", names)
	}
	if _, err := os.Stat(filepath.Join(w.Dir, "atom.xml.br")); err != nil {
		t.Errorf("a lost sidecar did not come back: %v", err)
	}
}

// A sidecar that somebody else made is somebody else's.
func TestForeignSidecarsAreNeverOverwritten(t *testing.T) {
	w := newWorld(t, "tools")
	w.check("tools", tools)
	w.write("tools/atom.xml.gz", "somebody's own")
	_, err := w.Publish(t.Context())
	if err == nil || !strings.Contains(err.Error(), filepath.Join(w.Dir, "tools", "atom.xml.gz")+" was not written by Linkletter") {
		t.Errorf("the error is %v", err)
	}
	if got := w.read("tools/atom.xml.gz"); got != "somebody's own" {
		t.Errorf("overwritten: %q", got)
	}
}

func BenchmarkCodings(b *testing.B) {
	w := newWorld(b, "tools")
	w.check("tools", tools)
	w.publish()
	content := []byte(strings.Repeat(w.read("tools/atom.xml"), 10))
	for _, c := range codings {
		b.Run(c.Ext[1:], func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			var size int
			for b.Loop() {
				size = len(c.Encode(content))
			}
			b.ReportMetric(float64(size)/float64(len(content)), "of-bytes")
		})
	}
}
