package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// publishKills is how often the program is killed where there is time for it, and fewKills how often elsewhere.
const publishKills, fewKills = 200, 30

// The program is killed while it publishes, at any moment: each file is what it was or what it is to be, whole, and so is what
// it is compressed; and the next publication that nobody interrupts leaves nothing behind but what belongs there.
func TestKilledPublishing(t *testing.T) {
	const config = `
base_url: https://links.example.org
public: %s
window: 5
lists: [{id: tools, source: list.md, feeds: {changes: true}}]
digests: []
`
	i := install(t, fmt.Sprintf(config, "data/public"))
	i.write("expected.yaml", fmt.Sprintf(config, "data/expected")) // the same database, and a tree that nobody is killed at
	kills := fewKills
	if os.Getenv("CI") == "true" && !raceDetector {
		kills = publishKills
	}
	version := 0
	next := func() map[string][]byte {
		version++
		i.write("list.md", workshop(version))
		i.backdate("data/expected")
		i.run("check", "--config", "expected.yaml")
		return i.tree("data/expected")
	}
	want := next()
	old := map[string][]byte{}
	i.run("publish")
	between := 0 // kills that left some files old and others new
	for healed := 0; i.kills < kills; {
		have := i.tree("data/public")
		if maps.EqualFunc(have, want, bytes.Equal) {
			old, want = have, next()
			healed++
		}
		i.backdate("data/public") // or it would wait for a second to pass, and be killed waiting
		before := i.kills
		ctx, cancel := context.WithCancel(t.Context())
		runAndKill(i, i.writing(ctx), "publish")
		cancel()
		have = i.tree("data/public")
		for _, name := range slices.Sorted(maps.Keys(have)) {
			content := have[name]
			was, there := old[name]
			is, stays := want[name]
			if !(there && bytes.Equal(content, was) || stays && bytes.Equal(content, is)) {
				t.Fatalf("after %d kills, %s is neither what it was nor what it is to be:\n%q", i.kills, name, content)
			}
		}
		if !maps.EqualFunc(have, old, bytes.Equal) && !maps.EqualFunc(have, want, bytes.Equal) {
			between++
		}
		for name := range want {
			if _, there := old[name]; there && have[name] == nil {
				t.Fatalf("after %d kills, %s is missing", i.kills, name)
			}
		}
		if i.kills == before || i.kills%20 == 0 {
			i.backdate("data/public")
			i.run("publish")
			i.sameTrees("data/expected", "data/public")
		}
		if healed > kills {
			t.Fatalf("%d publications ended before they could be killed", healed)
		}
	}
	i.backdate("data/public")
	i.run("publish")
	i.sameTrees("data/expected", "data/public")
	if between == 0 {
		t.Errorf("none of %d kills fell between two files: nothing was tested", i.kills)
	}
	t.Logf("%d versions, %d kills, of which %d left the tree between two versions", version, i.kills, between)
}

// writing gives a channel that is closed a moment after the program begins to write in one of the tree's folders; at times,
// at any moment. It watches until ctx ends.
func (i *installation) writing(ctx context.Context) <-chan struct{} {
	folder := []string{"", "/tools", "/tools/sections/tools"}[i.rand.IntN(3)]
	anyway := i.rand.IntN(10) == 0
	pause := time.Duration(i.rand.IntN(30)) * time.Millisecond
	reached := make(chan struct{})
	go func() {
		for !anyway && !half(i.path("data/public"+folder)) && ctx.Err() == nil {
			time.Sleep(200 * time.Microsecond)
		}
		time.Sleep(pause)
		close(reached)
	}()
	return reached
}

// half says that there is a file in a folder that is not in its place yet.
func half(folder string) bool {
	files, _ := os.ReadDir(folder) // none, if it is not there yet
	return slices.ContainsFunc(files, func(f fs.DirEntry) bool { return strings.HasPrefix(f.Name(), ".linkletter-new-") })
}

// workshop is a list that grows, in which things change and from which things go.
func workshop(version int) string {
	var b strings.Builder
	b.WriteString("# Workshop\n\n## Tools\n\n")
	for n := range version + 6 {
		if (n+version)%17 != 0 {
			fmt.Fprintf(&b, "- [tool %d](https://tools.example/%d) - Good for %d things.\n", n, n, version/4)
		}
	}
	return b.String()
}

// tree gives the published files of a folder by their names, without what is hidden.
func (i *installation) tree(dir string) map[string][]byte {
	i.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(i.path(dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		name, err := filepath.Rel(i.path(dir), path)
		if err != nil {
			return err
		}
		all[name], err = os.ReadFile(path)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		i.Fatal(err)
	}
	return all
}

// backdate lets two hours pass for the files of a folder, and leaves them as far apart as they are.
func (i *installation) backdate(dir string) {
	i.Helper()
	err := filepath.WalkDir(i.path(dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		earlier := info.ModTime().Add(-2 * time.Hour)
		return os.Chtimes(path, earlier, earlier)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		i.Fatal(err)
	}
}

// sameTrees compares two folders to the last file, hidden ones too, and what is compressed with what it is compressed of.
func (i *installation) sameTrees(want, got string) {
	i.Helper()
	names := func(dir string) map[string]time.Time {
		all := map[string]time.Time{}
		i.must(filepath.WalkDir(i.path(dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			name, err := filepath.Rel(i.path(dir), path)
			all[name] = info.ModTime()
			return err
		}))
		return all
	}
	there, expected := names(got), names(want)
	for name, date := range there {
		if _, ok := expected[name]; !ok {
			i.Errorf("after %d kills and a publication, %s is left over", i.kills, name)
			continue
		}
		for _, ext := range []string{".gz", ".br", ".zst"} {
			if bare, ok := strings.CutSuffix(name, ext); ok && !there[bare].Equal(date) {
				i.Errorf("after %d kills and a publication, %s is not of the time of %s", i.kills, name, bare)
			}
		}
	}
	for name := range expected {
		a, err := os.ReadFile(filepath.Join(i.path(want), name))
		i.must(err)
		b, err := os.ReadFile(filepath.Join(i.path(got), name))
		if err != nil || !bytes.Equal(a, b) {
			i.Errorf("after %d kills and a publication, %s is not as it is to be (%v)", i.kills, name, err)
		}
	}
}
