package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// toolList is a list of n entries.
func toolList(n int) string {
	var b strings.Builder
	b.WriteString("# Tools\n\n## By hand\n\n")
	for k := range n {
		fmt.Fprintf(&b, "- [Tool %d](https://example.org/tools/%d) - Does one thing.\n", k, k)
	}
	return b.String()
}

// A feed is whole at any moment, and holds everything once in the end, though every check that writes it is killed.
func TestKilledCheckLeavesWholeFeeds(t *testing.T) {
	const kills = 30
	i := install(t, `
lists: [{id: tools, source: list.md, baseline: 0}]
guard: {max_new: 100}
window: 100
`)
	entries := 1
	i.write("list.md", toolList(entries))
	i.run("check")
	for tries := 0; i.kills < kills && tries < 3*kills; tries++ {
		entries++
		i.write("list.md", toolList(entries))
		i.age()
		ctx, cancel := context.WithCancel(t.Context())
		runAndKill(i, i.written(ctx, i.rand.IntN(13)), "check")
		cancel()
		i.wellFormed()
	}
	i.age()
	i.run("check")
	i.run("publish")
	i.wellFormed()

	var want []string
	for n := 1; n < entries; n++ { // the first is the baseline
		want = append(want, fmt.Sprintf("https://example.org/tools/%d", n))
	}
	slices.Sort(want)
	for _, folder := range []string{"", "tools/", "tools/sections/by-hand/"} {
		for file, got := range i.feeds("data/public/" + folder) {
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("after %d kills, %s%s does not hold every entry once (-want +got):\n%s", i.kills, folder, file, diff)
			}
		}
	}
	i.must(filepath.WalkDir(i.path("data/public"), func(path string, _ fs.DirEntry, err error) error {
		if strings.Contains(path, ".linkletter-new-") {
			t.Errorf("%s was left half written", path)
		}
		return err
	}))
	t.Logf("%d kills, %d entries", i.kills, entries)
}

// age makes the published files old: a file's time moves by a second at least, for which a check right after another
// waits, and what was left half written is swept when nobody can be writing it any more.
func (i *installation) age() {
	i.Helper()
	past := time.Now().Add(-2 * time.Hour)
	i.must(filepath.WalkDir(i.path("data/public"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chtimes(path, past, past)
	}))
}

// written gives a channel that is closed when so many files were written since age, and a moment more has passed; 0: at a
// random moment from now. It watches until ctx ends.
func (i *installation) written(ctx context.Context, files int) <-chan struct{} {
	reached, watch := make(chan struct{}), time.NewTicker(50*time.Microsecond)
	pause := time.Duration(i.rand.IntN(1000)) * time.Microsecond
	if files == 0 {
		pause *= 100
	}
	go func() {
		defer watch.Stop()
		for fresh(i.path("data/public")) < files {
			select {
			case <-ctx.Done():
				return
			case <-watch.C:
			}
		}
		time.Sleep(pause)
		close(reached)
	}()
	return reached
}

// fresh counts the files in a folder and below that were written in the last hour.
func fresh(dir string) int {
	n := 0
	// What comes and goes meanwhile is no matter.
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil && time.Since(info.ModTime()) < time.Hour {
			n++
		}
		return nil
	})
	return n
}

// feeds gives the links of the entries in each of a folder's feeds.
func (i *installation) feeds(folder string) map[string][]string {
	i.Helper()
	var atom struct {
		Entries []struct {
			Links []struct {
				Rel  string `xml:"rel,attr"`
				Href string `xml:"href,attr"`
			} `xml:"link"`
		} `xml:"entry"`
	}
	var rss struct {
		Links []string `xml:"channel>item>link"`
	}
	var js struct {
		Items []struct {
			URL string `json:"url"`
		}
	}
	read := func(file string, decode func([]byte, any) error, into any) {
		b, err := os.ReadFile(i.path(folder + file))
		i.must(err)
		i.must(decode(b, into))
	}
	read("atom.xml", xml.Unmarshal, &atom)
	read("rss.xml", xml.Unmarshal, &rss)
	read("feed.json", json.Unmarshal, &js)
	all := map[string][]string{"rss.xml": rss.Links}
	for _, e := range atom.Entries {
		for _, l := range e.Links {
			if l.Rel == "" || l.Rel == "alternate" {
				all["atom.xml"] = append(all["atom.xml"], l.Href)
			}
		}
	}
	for _, e := range js.Items {
		all["feed.json"] = append(all["feed.json"], e.URL)
	}
	return all
}
