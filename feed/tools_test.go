package feed_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got) {
		t.Errorf("%s differs (go test -update writes it anew); got:\n%s", path, got)
	}
}

// need finds a program or a file, or skips the test; where everything has to be there, in CI, that is a failure.
func need(t *testing.T, path string) string {
	t.Helper()
	found, err := exec.LookPath(path)
	if !filepath.IsAbs(path) && filepath.Base(path) != path {
		found, err = path, nil
		_, err = os.Stat(path)
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is needed in CI: %v", path, err)
		}
		t.Skipf("skipped: %v", err)
	}
	return found
}

// save writes a document to a file of its own.
func save(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
