package publish

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkletter/templates"
)

// The scene of readers that lose entries: two publications at once must differ in Last-Modified, which counts seconds.
func TestPublicationsLieASecondApart(t *testing.T) {
	w := newWorld(t, "tools")
	w.check("tools", tools)
	w.publish()
	server := httptest.NewServer(http.FileServer(http.Dir(w.Dir)))
	defer server.Close()
	lastModified := func() string {
		response, err := http.Get(server.URL + "/tools/atom.xml")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.Header.Get("Last-Modified")
	}
	first, before := lastModified(), w.files()
	w.check("tools", added)
	w.publish("tools")
	if second := lastModified(); second == first {
		t.Errorf("two publications have one Last-Modified: %s", first)
	}
	for name, date := range w.files() {
		if old := before[name]; !date.Equal(old) && date.Sub(old) < time.Second {
			t.Errorf("%s: %v after %v", name, date, old)
		}
		if date.After(time.Now()) {
			t.Errorf("%s is of the future: %v", name, date)
		}
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	w := newWorld(t, "tools")
	w.check("tools", tools)
	w.publish()
	w.check("tools", added)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := w.Publish(ctx, "tools"); err == nil || time.Since(began) > 900*time.Millisecond {
		t.Errorf("Publish ended after %v with %v", time.Since(began), err)
	}
	w.publish("tools")
	if !strings.Contains(w.read("tools/atom.xml"), "Fret saw") {
		t.Error("the next publication did not heal the tree")
	}
}

// Somebody removes the tree, or all in it that a shell's * names, while the program runs: the next publication, of whatever
// list, brings all of it back. So does the first.
func TestWhatWasRemovedComesBack(t *testing.T) {
	w := newWorld(t, "tools", "books")
	w.Site.Digests = []templates.DigestLink{{ID: "weekly", Title: "Weekly tools"}}
	w.check("tools", tools)
	w.check("books", books)
	w.publish("tools")
	whole := slices.Sorted(maps.Keys(w.files()))
	for _, name := range []string{"books/atom.xml", "digests/weekly/index.html"} {
		if !slices.Contains(whole, name) {
			t.Errorf("the first publication did not write %s", name)
		}
	}
	for _, gone := range []string{"", "*", "books", "digests"} {
		all, err := filepath.Glob(filepath.Join(w.Dir, gone))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range all {
			if gone == "*" && strings.HasPrefix(filepath.Base(path), ".") {
				continue
			}
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
		w.publish("tools")
		if diff := cmp.Diff(whole, slices.Sorted(maps.Keys(w.files()))); diff != "" {
			t.Errorf("%q was removed; after the next publication (-want +got):\n%s", gone, diff)
		}
	}
}

// Two processes publish into one folder: one has noted a new section down and not yet written it when the other, which does
// not know of it, publishes. Whoever comes last, the folder must not hold files that belong to nobody.
func TestTwoPublishersDoNotBlockEachOther(t *testing.T) {
	w, other := newWorld(t, "tools"), newWorld(t, "tools")
	other.Dir = w.Dir
	w.check("tools", tools)
	other.check("tools", tools)
	w.publish()
	const section = "- [Mallet](https://mallet.example/) - Hits.\n"
	w.check("tools", tools+"\n## Mallets\n\n"+section)
	var meanwhile chan error
	w.Now = func() time.Time {
		noted, err := os.ReadFile(filepath.Join(w.Dir, "tools", manifestFile))
		if err != nil {
			t.Error(err)
		}
		if meanwhile == nil && strings.Contains(string(noted), "sections/mallets/") {
			meanwhile = make(chan error, 1)
			go func() {
				_, err := other.Publish(t.Context(), "tools")
				meanwhile <- err
			}()
			select {
			case err := <-meanwhile:
				meanwhile <- err
			case <-time.After(300 * time.Millisecond): // it waits for us
			}
		}
		return time.Now()
	}
	w.publish("tools")
	if meanwhile == nil {
		t.Fatal("the two did not meet")
	}
	if err := <-meanwhile; err != nil {
		t.Errorf("the other publisher: %v", err)
	}
	w.check("tools", tools+"\n## Mallets\n\n"+section+more)
	w.publish("tools")
	if !strings.Contains(w.read("tools/sections/mallets/atom.xml"), "Fret saw") {
		t.Error("the section is not published")
	}
}

func TestWaitingForAnotherPublisherEndsWithTheContext(t *testing.T) {
	w := newWorld(t, "tools")
	w.publish()
	held, _, err := lock(t.Context(), w.Dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := w.Publish(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("publishing where another does: %v", err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	w.publish()
}

func TestForeignFilesAreNeverOverwritten(t *testing.T) {
	w := newWorld(t, "tools", "books")
	w.check("tools", tools)
	w.check("books", books)
	w.write("tools/index.html", "somebody's own")
	w.write("robots.txt", "User-agent: *\nDisallow: /news/-/\n") // the same bytes are no trouble
	_, err := w.Publish(t.Context())
	if err == nil || !strings.Contains(err.Error(), filepath.Join(w.Dir, "tools", "index.html")+" was not written by Linkletter") {
		t.Errorf("the error is %v", err)
	}
	if got := w.read("tools/index.html"); got != "somebody's own" {
		t.Errorf("overwritten: %q", got)
	}
	files := w.files()
	for _, name := range []string{"atom.xml", "books/atom.xml"} {
		if _, ok := files[name]; !ok {
			t.Errorf("%s was not published beside", name)
		}
	}
	if _, ok := files["tools/atom.xml"]; ok {
		t.Error("half a list was published")
	}
}

func TestSymbolicLinksDoNotLeadOut(t *testing.T) {
	w := newWorld(t, "tools")
	w.check("tools", tools)
	outside := t.TempDir()
	if err := os.MkdirAll(w.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(w.Dir, "tools")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Publish(t.Context()); err == nil {
		t.Error("published through a symbolic link")
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("written outside of the tree: %v (%v)", left, err)
	}
}

func TestUnusableFolder(t *testing.T) {
	w := newWorld(t, "tools")
	w.Dir = filepath.Join(w.Dir, "file", "below")
	if err := os.MkdirAll(filepath.Dir(filepath.Dir(w.Dir)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Dir(w.Dir), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := w.Publish(t.Context())
	if err == nil || !strings.Contains(err.Error(), w.Dir) || !strings.Contains(err.Error(), "another folder") {
		t.Errorf("the error does not name the folder or what to do: %v", err)
	}
}

func TestCrashLeftoversAreSwept(t *testing.T) {
	w := newWorld(t, "tools")
	w.check("tools", tools)
	w.publish()
	stale := "tools/" + newPrefix + "X"
	w.write(stale, "half")
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(filepath.Join(w.Dir, stale), old, old); err != nil {
		t.Fatal(err)
	}
	w.publish()
	if _, ok := w.files()[stale]; ok {
		t.Error("what a crash left half written is still there")
	}
}

// newsboat asks with If-Modified-Since and drops what it was not told of; three publications in a row are its trap.
func TestNewsboatMissesNothing(t *testing.T) {
	newsboat := need(t, "newsboat")
	w := newWorld(t, "tools")
	w.check("tools", tools)
	w.publish()
	server := httptest.NewServer(http.FileServer(http.Dir(w.Dir)))
	defer server.Close()
	home := t.TempDir()
	urls, config := filepath.Join(home, "urls"), filepath.Join(home, "config")
	if err := os.WriteFile(urls, []byte(server.URL+"/tools/atom.xml\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	unread := func() string {
		cmd := exec.Command(newsboat, "-u", urls, "-c", filepath.Join(home, "cache.db"), "-C", config, "-x", "reload", "print-unread")
		cmd.Env = append(os.Environ(), "HOME="+home)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("newsboat: %v\n%s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	steps := []struct{ list, want string }{
		{tools, "2 unread articles"},
		{added, "3 unread articles"},
		{added + "- [Block plane](https://plane.example/block)\n- [Try plane](https://plane.example/try)\n", "5 unread articles"},
	}
	for _, step := range steps {
		w.ahead += time.Minute
		w.check("tools", step.list)
		w.publish("tools")
		if got := unread(); got != step.want {
			t.Errorf("newsboat says %q, want %q", got, step.want)
		}
	}
}
