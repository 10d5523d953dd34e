package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mmcdole/gofeed"
)

// command runs linkletter in this process, and gives what it wrote and its exit status.
func command(args ...string) (stdout, stderr string, code int) {
	var out, err bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), &out, &err)
	return out.String(), err.String(), code
}

// The commands without configuration do on this project's own list what they promise for any.
func TestOwnListFromItsHistory(t *testing.T) {
	list := filepath.Join("..", "..", "RESOURCES.md")
	shallow, err := exec.Command("git", "rev-parse", "--is-shallow-repository").Output()
	if err != nil || strings.TrimSpace(string(shallow)) != "false" {
		t.Skipf("skipped: this is no clone with the whole history: %s %v", shallow, err)
	}
	dir := t.TempDir()
	if _, said, code := command("feed", list, "--output", dir, "--base-url", "https://links.example.org/feeds", "--id", "resources"); code != exitDone || said != "" {
		t.Fatalf("linkletter feed ended with %d and said %q", code, said)
	}
	ids := map[string][]string{}
	for _, name := range []string{"atom.xml", "rss.xml", "feed.json"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := gofeed.NewParser().Parse(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(got.Items) < 20 || got.Title != "Feeds and newsletters" {
			t.Errorf("%s: %q with %d entries", name, got.Title, len(got.Items))
		}
		for i, item := range got.Items {
			ids[item.GUID] = append(ids[item.GUID], name)
			if i > 0 && !item.PublishedParsed.Before(*got.Items[i-1].PublishedParsed) {
				t.Errorf("%s: %s is not older than the entry before it", name, item.Title)
			}
		}
	}
	for id, in := range ids {
		if len(in) != 3 || !strings.HasPrefix(id, "tag:links.example.org,20") {
			t.Errorf("entry %s is in %v", id, in)
		}
	}
	validate(t, filepath.Join(dir, "atom.xml"))

	for _, format := range []string{"html", "text", "markdown"} {
		out, said, code := command("digest", "preview", "--file", list, "--since", "2026-01-01", "--format", format)
		if code != exitDone || out == "" && said != "linkletter: nothing new in Feeds and newsletters\n" {
			t.Errorf("the digest as %s ended with %d and said %q", format, code, said)
		}
	}
}

// validate holds a feed against the schema of Atom, where that and its program are here.
func validate(t *testing.T, file string) {
	t.Helper()
	schema := filepath.Join("..", "..", "..", "shared", "data", "atom.rnc")
	jing, err := exec.LookPath("jing")
	if _, missing := os.Stat(schema); err != nil || missing != nil {
		t.Logf("not held against the schema of Atom: %v %v", err, missing)
		return
	}
	if out, err := exec.Command(jing, "-c", schema, file).CombinedOutput(); err != nil {
		t.Errorf("jing: %v\n%s", err, out)
	}
}
