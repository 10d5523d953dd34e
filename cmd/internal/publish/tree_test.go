package publish

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	newsboat, err := exec.LookPath("newsboat")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("newsboat is needed in CI: %v", err)
		}
		t.Skip("skipped: newsboat is not installed")
	}
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
