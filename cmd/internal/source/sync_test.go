package source_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"linkletter/cmd/internal/source"
)

// remote is a repository that others fetch from, over HTTP and with what git ships for it.
type remote struct {
	*repository
	url      string
	requests atomic.Int64
}

// newRemote serves a repository of a test.
func newRemote(t *testing.T) *remote {
	t.Helper()
	r := &remote{repository: newRepository(t)}
	r.git("config", "uploadpack.allowFilter", "true")
	path, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(path)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Dir(r.dir), "GIT_HTTP_EXPORT_ALL=1", "HOME=" + os.Getenv("HOME")},
	}
	if _, err := os.Stat(backend.Path); err != nil {
		t.Skipf("skipped: git has no HTTP server here: %v", err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.requests.Add(1)
		// The CGI gives git what it says of the protocol only as a variable.
		one := *backend
		one.Env = append(one.Env[:len(one.Env):len(one.Env)], "GIT_PROTOCOL="+q.Header.Get("Git-Protocol"))
		one.ServeHTTP(w, q)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL + "/" + filepath.Base(r.dir) + "/.git"
	return r
}

// checkout is what a list's check does: look, and read what is new.
func (r *remote) check(s *source.Source, branch, after string, files ...string) (*source.Checkout, []string, error) {
	c, err := s.Sync(context.Background(), source.Repository{Remote: r.url, Branch: branch, Files: files})
	if err != nil {
		return nil, nil, err
	}
	return c, told(s, source.Query{Repository: c.Dir, Rev: c.Rev, Files: files, Follow: len(files) == 1 && !strings.Contains(files[0], "*"), After: after}), nil
}

// wantCheck holds a check against what should be new.
func (r *remote) wantCheck(s *source.Source, branch, after, file string, want ...string) string {
	r.t.Helper()
	c, got, err := r.check(s, branch, after, file)
	if err != nil {
		r.t.Errorf("checking: %v", err)
		return ""
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		r.t.Errorf("new: want %q, got %q", want, got)
	}
	return c.Rev
}

func TestSync(t *testing.T) {
	r := newRemote(t)
	r.put("README.md", listOf("1"), "One")
	r.put("image.png", strings.Repeat("large", 10000), "Image")
	s := &source.Source{Data: filepath.Join(t.TempDir(), "git")}
	one, two, three := "One README.md=1", "Two README.md=2", "Three README.md=3"
	first := r.wantCheck(s, "", "", "README.md", one)
	if first != r.git("rev-parse", "HEAD") {
		t.Errorf("the tip is %s", first)
	}

	clone := filepath.Join(s.Data, folders(t, s.Data)[0])
	if objects := r.git("-C", clone, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)"); strings.Contains(objects, r.git("rev-parse", "HEAD:image.png")) {
		t.Error("files were fetched that are none of the list")
	}

	before := r.requests.Load()
	if again := r.wantCheck(s, "", first, "README.md"); again != first {
		t.Errorf("the tip is %s after %s", again, first)
	}
	if n := r.requests.Load() - before; n > 2 { // what the server can do, and its branch
		t.Errorf("an unchanged remote was asked %d times", n)
	}

	r.put("README.md", listOf("2"), "Two")
	second := r.wantCheck(s, "", first, "README.md", two)
	r.put("README.md", listOf("3"), "Three")
	r.wantCheck(s, "main", second, "README.md", three) // the same clone
	r.wantCheck(s, "main", "", "README.md", one, two, three)
	if clones := folders(t, s.Data); len(clones) != 1 {
		t.Errorf("there are %q", clones)
	}

	r.git("reset", "-q", "--hard", first)
	r.put("README.md", listOf("4"), "Four")
	forced := r.wantCheck(s, "", second, "README.md", "Four README.md=4 (rewritten)")
	r.git("checkout", "-q", "--orphan", "new")
	r.put("README.md", listOf("5"), "Five")
	r.git("branch", "-M", "new", "main")
	forced = r.wantCheck(s, "", forced, "README.md", "Five README.md=5 (rewritten)")

	r.git("branch", "-m", "main", "trunk")
	r.git("mv", "README.md", "list.md")
	r.commit("Rename")
	c, got, err := r.check(s, "", forced, "README.md")
	if err != nil || c.Branch != "trunk" || len(got) != 1 || got[0] != "Rename list.md=5" {
		t.Errorf("a renamed branch and file: %+v, %q, %v", c, got, err)
	}
	wantSyncError(t, s, source.Repository{Remote: r.url, Branch: "main"}, "there is no branch main", "one of trunk")
	r.git("checkout", "-q", "-b", "main")
	r.wantCheck(s, "main", forced, "README.md", "Rename list.md=5")
}

func folders(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

// wantSyncError wants an error with a hint.
func wantSyncError(t *testing.T, s *source.Source, r source.Repository, want, hint string) {
	t.Helper()
	_, err := s.Sync(context.Background(), r)
	var why *source.HistoryError
	if !errors.As(err, &why) || !strings.Contains(err.Error(), want) || !strings.Contains(why.Hint, hint) {
		t.Errorf("%q: want an error with %q and a hint with %q, got %v, %#v", r.Remote, want, hint, err, why)
	}
}

// A first check is a handful of requests, however long the history is, and fetches the list's files alone.
func TestSyncFetchesInBatches(t *testing.T) {
	r := newRemote(t)
	r.fastImport(300)
	s := &source.Source{Data: t.TempDir()}
	for _, follow := range []bool{true, false} {
		c, err := s.Sync(context.Background(), source.Repository{Remote: r.url})
		if err != nil {
			t.Fatal(err)
		}
		got := told(s, source.Query{Repository: c.Dir, Rev: c.Rev, Files: []string{"README.md"}, Follow: follow})
		if len(got) != 300 || strings.HasPrefix(got[299], "error") {
			t.Fatalf("%d revisions, the last is %q", len(got), got[len(got)-1])
		}
		if n := r.requests.Load(); n > 12 {
			t.Errorf("%d requests", n)
		}
		// A stranger's clone is left as it is.
		elsewhere := filepath.Join(t.TempDir(), "elsewhere")
		r.git("clone", "-q", "--bare", "--filter=blob:none", r.url, elsewhere)
		before := r.requests.Load()
		if got := told(s, source.Query{Repository: elsewhere, Files: []string{"README.md"}, Follow: follow}); len(got) != 1 || !strings.HasPrefix(got[0], "error") {
			t.Errorf("a partial clone that is not ours: %q", got)
		}
		if n := r.requests.Load() - before; n > 0 {
			t.Errorf("%d requests for a clone that is not ours", n)
		}
		r.requests.Store(0)
	}
}

func TestSyncOddRemotes(t *testing.T) {
	r := newRemote(t)
	s := &source.Source{Data: t.TempDir()}
	wantSyncError(t, s, source.Repository{Remote: r.url}, "does not have any branches yet", "push")
	wantSyncError(t, s, source.Repository{Remote: r.url, Branch: "main"}, "does not have any branches yet", "push")
	if left := folders(t, s.Data); len(left) > 0 {
		t.Errorf("these are left: %q", left)
	}
	r.put("README.md", listOf("1"), "One")
	r.put("README.md", listOf("2"), "Two")
	r.git("config", "--unset", "uploadpack.allowFilter")
	one, two := "One README.md=1", "Two README.md=2"
	tip := r.wantCheck(s, "", "", "README.md", one, two) // all of it

	r.git("symbolic-ref", "HEAD", "refs/heads/gone")
	wantSyncError(t, s, source.Repository{Remote: r.url}, "HEAD names no branch", "one of main")
	wantSyncError(t, &source.Source{Data: t.TempDir()}, source.Repository{Remote: r.url}, "HEAD names no branch", "one of main")
	r.wantCheck(s, "main", tip, "README.md")
	r.git("tag", "v1", "main")
	wantSyncError(t, &source.Source{Data: t.TempDir()}, source.Repository{Remote: r.url, Branch: "v1"}, "there is no branch v1", "one of main")
	r.git("update-ref", "-d", "refs/heads/main")
	r.git("tag", "-d", "v1")
	wantSyncError(t, s, source.Repository{Remote: r.url}, "does not have any branches yet", "push")

	// A shallow remote that gets deeper.
	r.git("update-ref", "refs/heads/main", tip)
	shallow := filepath.Join(t.TempDir(), "shallow")
	r.git("clone", "-q", "--bare", "--depth=1", "--branch=main", "file://"+r.dir, shallow)
	for i, want := range []string{two, one + "|" + two} {
		if i > 0 {
			r.git("-C", shallow, "fetch", "-q", "--unshallow", "origin", "main")
		}
		c, err := s.Sync(context.Background(), source.Repository{Remote: "file://" + shallow})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(told(s, source.Query{Repository: c.Dir, Rev: c.Rev, Files: []string{"README.md"}}), "|"); i == 0 && got != want {
			t.Errorf("want %q, got %q", want, got)
		}
	}
}

// Whatever becomes of a clone's folder, the next check, or the one after it, has all again.
func TestSyncHeals(t *testing.T) {
	r := newRemote(t)
	r.put("README.md", listOf("1"), "One")
	r.put("README.md", listOf("2"), "Two")
	all := func(suffix string) (names []string) {
		for _, dir := range folders(t, r.data()) {
			found, err := filepath.Glob(filepath.Join(r.data(), dir, "objects", "pack", "*"+suffix))
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, found...)
		}
		return names
	}
	s := &source.Source{Data: r.data()}
	for name, damage := range map[string]func(dir string) error{
		"empty":     func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o777)) },
		"a file":    func(dir string) error { return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o666)) },
		"no HEAD":   func(dir string) error { return os.Remove(filepath.Join(dir, "HEAD")) },
		"no config": func(dir string) error { return os.Remove(filepath.Join(dir, "config")) },
		"no packs":  func(dir string) error { return os.RemoveAll(filepath.Join(dir, "objects", "pack")) },
		"cut packs": func(dir string) error {
			for _, pack := range all(".pack") {
				if err := errors.Join(os.Chmod(pack, 0o666), os.Truncate(pack, 40)); err != nil {
					return err
				}
			}
			return nil
		},
		"a lock left": func(dir string) error {
			return errors.Join(os.MkdirAll(filepath.Join(dir, "refs", "linkletter"), 0o777), os.WriteFile(filepath.Join(dir, "refs", "linkletter", "HEAD.lock"), nil, 0o666))
		},
		"garbage for a branch": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "refs", "linkletter", "HEAD"), []byte("garbage\n"), 0o666)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r.wantCheck(s, "", "", "README.md", "One README.md=1", "Two README.md=2")
			clones := folders(t, s.Data)
			if len(clones) != 1 {
				t.Fatalf("there are %q", clones)
			}
			if err := damage(filepath.Join(s.Data, clones[0])); err != nil {
				t.Fatal(err)
			}
			if name == "a lock left" {
				r.put("other.md", "x", "Other")
			}
			var got []string
			for range 2 {
				var err error
				if _, got, err = r.check(s, "", "", "README.md"); err == nil && len(got) == 2 {
					break
				}
				t.Logf("%q, %v", got, err)
			}
			if len(got) != 2 || got[1] != "Two README.md=2" {
				t.Errorf("not healed: %q", got)
			}
			if clones := folders(t, s.Data); len(clones) != 1 {
				t.Errorf("there are %q", clones)
			}
		})
	}
}

// A caller that has enough, or must stop, leaves the clone as good as it is.
func TestSyncStopped(t *testing.T) {
	r := newRemote(t)
	r.fastImport(50)
	s := &source.Source{Data: t.TempDir()}
	c, err := s.Sync(context.Background(), source.Repository{Remote: r.url})
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		ctx, cancel := context.WithCancel(context.Background())
		n := 0
		for range s.History(ctx, source.Query{Repository: c.Dir, Rev: c.Rev, Files: []string{"README.md"}, Follow: true}) {
			if n++; n > i {
				if i%2 == 0 {
					cancel()
				}
				break
			}
		}
		cancel()
	}
	if _, err := s.Sync(context.Background(), source.Repository{Remote: r.url}); err != nil {
		t.Error(err)
	}
	if after, err := os.Stat(c.Dir); err != nil || !os.SameFile(before, after) {
		t.Errorf("the clone was made anew: %v", err)
	}
}

// data is one folder for the clones of a test.
func (r *remote) data() string { return filepath.Join(os.Getenv("HOME"), "clones") }

// TestSyncKilled is two processes: one that is killed in the midst of a clone, and one that comes after it.
func TestSyncKilled(t *testing.T) {
	if url := os.Getenv("LINKLETTER_TEST_SYNC"); url != "" {
		_, err := (&source.Source{Data: os.Getenv("LINKLETTER_TEST_DATA")}).Sync(context.Background(), source.Repository{Remote: url})
		t.Fatalf("this should have been killed: %v", err)
	}
	r := newRemote(t)
	r.put("README.md", listOf("1"), "One")
	begun, end := make(chan bool, 1), make(chan bool)
	through, err := url.Parse(r.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(q *httputil.ProxyRequest) { q.SetURL(&url.URL{Scheme: "http", Host: through.Host}) }}
	var slow atomic.Bool
	slow.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if slow.Load() && q.Method == http.MethodPost {
			begun <- true
			<-end
		}
		proxy.ServeHTTP(w, q)
	}))
	defer server.Close()
	at := server.URL + through.Path
	data := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestSyncKilled$")
	child.Env = append(os.Environ(), "LINKLETTER_TEST_SYNC="+at, "LINKLETTER_TEST_DATA="+data)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	<-begun
	if err := child.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = child.Wait() // killed
	slow.Store(false)
	s := &source.Source{Data: data}
	r.url = at
	tip := r.wantCheck(s, "", "", "README.md", "One README.md=1")
	close(end)
	left := folders(t, data)
	if len(left) != 2 || !strings.HasPrefix(left[1], left[0]+".new-") {
		t.Fatalf("there are %q", left)
	}
	old := time.Now().Add(-72 * time.Hour)
	if err := os.Chtimes(filepath.Join(data, left[1]), old, old); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 50 && len(left) > 1; i++ { // the killed one's git may still write
		time.Sleep(20 * time.Millisecond)
		_ = os.Chtimes(filepath.Join(data, left[1]), old, old)
		r.wantCheck(s, "", tip, "README.md")
		left = folders(t, data)
	}
	if len(left) != 1 {
		t.Errorf("what was left is not removed: %q", left)
	}
}

// Many at once, in one process and in several, are as one.
func TestSyncAtOnce(t *testing.T) {
	r := newRemote(t)
	r.fastImport(20)
	r.git("branch", "other", "main~5")
	data := t.TempDir()
	var wait sync.WaitGroup
	one := &source.Source{Data: data}
	for i := range 8 {
		wait.Go(func() {
			s := one
			if i%2 == 0 {
				s = &source.Source{Data: data} // as another process
			}
			branch, want := "", 20
			if i%4 == 1 {
				branch, want = "other", 15
			}
			_, got, err := r.check(s, branch, "", "README.md")
			if err != nil || len(got) != want {
				t.Errorf("%d: %d revisions, want %d: %q, %v", i, len(got), want, got, err)
			}
		})
	}
	wait.Wait()
	if clones := folders(t, data); len(clones) != 1 {
		t.Errorf("there are %q", clones)
	}
}

func TestSyncErrors(t *testing.T) {
	r := newRepository(t)
	r.put("README.md", "one", "One")
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer login.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Hello") }))
	defer page.Close()
	missing := httptest.NewServer(http.NotFoundHandler())
	defer missing.Close()
	s := &source.Source{Data: t.TempDir()}
	touched := filepath.Join(t.TempDir(), "touched")
	t.Setenv("SSH_ASKPASS", "false")
	for remote, want := range map[string][2]string{
		"":                         {"no repository is named", "set `repository`"},
		"-x":                       {"can be no repository", "./"},
		"--upload-pack=touch":      {"can be no repository", "./"},
		"x\ny":                     {"can be no repository", ""},
		"ext::touch " + touched:    {"not fetch from there safely", "https://"},
		"ftp://example.org/x":      {"not fetch from there safely", "https://"},
		"ssh://-oProxyCommand=x/y": {"strange hostname", ""},
		filepath.Join(r.dir, "x"):  {"there is no folder", "work tree"},
		"file:///nowhere/at/all":   {"does not", "address is right"},
		login.URL + "/o/r":         {"could not read Username", "credential helper"},
		strings.Replace(login.URL, "://", "://someone:hunter2@", 1) + "/o/r": {"Authentication failed", "credential helper"},
		page.URL + "/o/r":                {"not have any branches", "address is right"},
		missing.URL + "/o/r":             {"not found", "address is right"},
		"http://127.0.0.1:1/o/r":         {"Failed to connect", "next check"},
		"https://nowhere.invalid/o/r":    {"Could not resolve", "address is right"},
		"git@127.0.0.1:1/not/served.git": {"", ""},
	} {
		wantSyncError(t, s, source.Repository{Remote: remote}, want[0], want[1])
		if _, err := s.Sync(context.Background(), source.Repository{Remote: remote}); err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "someone")) {
			t.Errorf("a secret is told: %v", err)
		}
	}
	for _, branch := range []string{"-x", "a..b", "a:b", "*", "a b", "x\ny", "@{1}"} {
		_, err := s.Sync(context.Background(), source.Repository{Remote: r.dir, Branch: branch})
		if err == nil {
			t.Errorf("branch %q is taken", branch)
		}
	}
	if _, err := os.Stat(touched); err == nil {
		t.Error("a program that an address names was run")
	}
	if left := folders(t, s.Data); len(left) > 0 {
		t.Errorf("these are left: %q", left)
	}
}

// A remote that says nothing is left when the caller has no more time.
func TestSyncOfASilentRemote(t *testing.T) {
	newRepository(t)
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listen.Close()
	for _, scheme := range []string{"http", "git"} {
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		_, err := (&source.Source{Data: t.TempDir()}).Sync(ctx, source.Repository{Remote: scheme + "://" + listen.Addr().String() + "/r"})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", scheme, err)
		}
		cancel()
	}
}

func TestSyncHere(t *testing.T) {
	r := newRepository(t)
	s := &source.Source{}
	wantSyncError(t, s, source.Repository{Remote: r.dir}, "does not have any branches yet", "")
	r.put("README.md", "one", "One")
	r.git("branch", "other")
	r.put("README.md", "two", "Two")
	main, other := r.git("rev-parse", "main"), r.git("rev-parse", "other")
	bare := filepath.Join(t.TempDir(), "bare")
	r.git("clone", "-q", "--bare", r.dir, bare)
	for _, dir := range []string{r.dir, bare} {
		for branch, want := range map[string]source.Checkout{"": {Dir: dir, Rev: main, Branch: "main"}, "other": {Dir: dir, Rev: other, Branch: "other"}} {
			got, err := s.Sync(context.Background(), source.Repository{Remote: dir, Branch: branch})
			if err != nil || *got != want {
				t.Errorf("%s %q: want %+v, got %+v, %v", dir, branch, want, got, err)
			}
		}
		wantSyncError(t, s, source.Repository{Remote: dir, Branch: "none"}, "there is no branch none", "one of main, other")
	}
	r.git("checkout", "-q", "--detach", "HEAD~")
	if got, err := s.Sync(context.Background(), source.Repository{Remote: r.dir}); err != nil || *got != (source.Checkout{Dir: r.dir, Rev: other}) {
		t.Errorf("a detached head: %+v, %v", got, err)
	}
}

// What a repository says must be run is not.
func TestNothingOfARepositoryIsRun(t *testing.T) {
	r := newRepository(t)
	r.put("README.md", listOf("1"), "One")
	r.git("mv", "README.md", "list.md")
	r.put(".gitattributes", "*.md diff=x filter=x\n", "Rename")
	touched := filepath.Join(t.TempDir(), "touched")
	run := "touch '" + touched + "'; cat"
	for _, name := range []string{"core.fsmonitor", "core.sshCommand", "core.askPass", "core.pager", "pager.log", "diff.external", "diff.x.textconv",
		"diff.x.command", "filter.x.smudge", "filter.x.clean", "gpg.program", "uploadpack.packObjectsHook", "credential.helper", "core.gitProxy",
		"core.alternateRefsCommand", "log.showSignature", "core.editor", "alias.log", "alias.rev-parse"} {
		r.git("config", name, run)
	}
	r.git("config", "log.showSignature", "true")
	hooks := filepath.Join(r.dir, ".git", "hooks")
	if err := os.MkdirAll(hooks, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, hook := range []string{"post-index-change", "reference-transaction", "post-checkout", "fsmonitor-watchman"} {
		if err := os.WriteFile(filepath.Join(hooks, hook), []byte("#!/bin/sh\n"+run+"\n"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	s := &source.Source{Data: t.TempDir()}
	for _, remote := range []string{r.dir, "file://" + r.dir} {
		c, err := s.Sync(context.Background(), source.Repository{Remote: remote})
		if err != nil {
			t.Errorf("%s: %v", remote, err)
			continue
		}
		for range 2 {
			wantTold(t, source.Query{Repository: c.Dir, Rev: c.Rev, Files: []string{"list.md"}, Follow: remote == r.dir}, told(s, source.Query{Repository: r.dir, Files: []string{"list.md"}, Follow: remote == r.dir})...)
		}
	}
	if _, err := os.Stat(touched); err == nil {
		t.Error("something of the repository was run")
	}
}
