package templates

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMarkupIsValid gives every page, the style sheets and the icon to the Nu HTML checker, the W3C's; its warnings count.
func TestMarkupIsValid(t *testing.T) {
	java, checker := need(t, "java"), needFile(t, "VNU")
	set, dir := load(t), t.TempDir()
	for _, p := range slices.Concat(full, extremes) {
		var b bytes.Buffer
		if err := p.write(set, &b); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, p.name+".html"), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(dir, Assets()); err != nil {
		t.Fatal(err)
	}
	files, err := fs.Glob(os.DirFS(dir), "*")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(name string) bool { return !slices.Contains([]string{".html", ".css", ".svg"}, filepath.Ext(name)) })
	// It ends before it would be worth compiling it well, and its expressions go deep.
	cmd := exec.Command(java, append([]string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xss8m", "-jar", checker, "--format", "json", "--also-check-css", "--also-check-svg"}, files...)...)
	cmd.Dir = dir
	var said bytes.Buffer
	cmd.Stderr = &said
	err = cmd.Run() // it fails when there are errors
	var result struct {
		Messages []struct {
			Type, SubType, URL, Message, Extract string
			LastLine                             int
		}
	}
	if jsonErr := json.Unmarshal(said.Bytes(), &result); jsonErr != nil {
		t.Fatalf("the checker says: %s (%v, %v)", said.Bytes(), err, jsonErr)
	}
	for _, m := range result.Messages {
		t.Errorf("%s:%d: %s%s: %s: %s", filepath.Base(m.URL), m.LastLine, m.Type, strings.TrimSpace(" "+m.SubType), m.Message, m.Extract)
	}
	if err != nil && len(result.Messages) == 0 {
		t.Errorf("the checker fails: %v", err)
	}
}
