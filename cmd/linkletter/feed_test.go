package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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

// Whatever becomes of a list, what turns up in its feed is what the newest commit added: neither what leaves nor what returns
// brings an old entry in.
func TestFeedShowsNothingOldAsNew(t *testing.T) {
	r := newRunner(t)
	random := rand.New(rand.NewPCG(7, 7))
	day := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	var list, left []string
	for i := range 60 {
		list = append(list, tool(i))
	}
	made := len(list)
	seen := map[string]bool{}
	for step := range 30 {
		day = day.AddDate(0, 0, 1)
		r.settings["GIT_COMMITTER_DATE"] = day.Format(time.RFC3339)
		switch at := random.IntN(len(list)); {
		case step == 0:
		case step%3 == 1:
			list = slices.Insert(list, at, tool(made), tool(made+1))
			made += 2
		case step%3 == 2:
			for i := range 4 { // of those that the feed shows: what it began with, and then the newest
				gone := tool(i + step)
				if step > 12 {
					gone = tool(made - 1 - i)
				}
				left = append(left, gone)
				list = slices.DeleteFunc(list, func(e string) bool { return e == gone })
			}
		case random.IntN(2) == 0:
			slices.Sort(list)
		default:
			list = append(list, left[0])
			left = left[1:]
		}
		r.commit("# Tools\n\n" + strings.Join(list, "\n") + "\n")
		out, said, code := command("feed", filepath.Join(r.dir, "README.md"), "--window", "8", "--base-url", "https://example.org", "--id", "tools")
		if code != exitDone {
			t.Fatalf("step %d ended with %d and said %q", step, code, said)
		}
		got, err := gofeed.NewParser().ParseString(out)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range got.Items {
			if !seen[item.GUID] && step > 0 && item.PublishedParsed.Before(day.Add(-time.Minute)) {
				t.Errorf("step %d: %s of %v turns up", step, item.Title, item.PublishedParsed)
			}
			seen[item.GUID] = true
		}
	}
}

func tool(i int) string { return fmt.Sprintf("- [Tool %d](https://tool%d.example/)", i, i) }

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
