package source_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"linkletter/cmd/internal/source"
)

// clonedHistory is a clone of a repository with a history of 200 versions.
func clonedHistory(t *testing.T) (*source.Source, source.Repository, *source.Checkout) {
	t.Helper()
	r := newRepository(t)
	r.git("config", "uploadpack.allowFilter", "true")
	r.fastImport(200)
	s := &source.Source{Data: t.TempDir()}
	at := source.Repository{Remote: "file://" + filepath.ToSlash(r.dir), Files: []string{"README.md"}}
	c, err := s.Sync(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	return s, at, c
}

// A replay that is cancelled, that the caller leaves, or whose git is ended from outside says nothing of the clone.
func TestStoppedReplaysAreNoDamage(t *testing.T) {
	s, at, c := clonedHistory(t)
	before, err := os.Stat(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(c.Dir, source.DamageMark)
	known, err := exec.Command("git", "-C", c.Dir, "rev-parse", c.Rev+"~5").Output()
	if err != nil {
		t.Fatal(err)
	}
	replay := func(ctx context.Context, each func(n int) (enough bool)) (last error) {
		n := 0
		for _, err := range s.History(ctx, c.Query(at)) {
			if n++; err != nil {
				last = err
			} else if each(n) {
				return nil
			}
		}
		return last
	}
	for i := range 20 {
		ctx, cancel := context.WithCancel(context.Background())
		if i%2 == 0 {
			time.AfterFunc(time.Duration(i)*5*time.Millisecond, cancel)
		}
		err := replay(ctx, func(n int) bool {
			if i%2 == 1 && n == i {
				cancel()
			}
			return false
		})
		if cancel(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if err := replay(context.Background(), func(n int) bool { return n > i }); err != nil {
			t.Errorf("left: %v", err)
		}
		if _, err := os.Stat(mark); err == nil {
			t.Fatalf("the clone is marked after %d", i)
		}
	}

	// A git that ends as with the machine's services: by a signal, and with nothing said.
	gitWrapped(t, `case " $* " in *" $LINKLETTER_TEST_KILL "*) kill -TERM $$ ;; esac`)
	for _, command := range []string{"log", "cat-file", "rev-parse", "diff-tree", "rev-list", "config", "fetch"} {
		t.Setenv("LINKLETTER_TEST_KILL", command)
		if _, err := s.Sync(context.Background(), at); err == nil {
			err = replay(context.Background(), func(int) bool { return false })
			if err == nil && command != "config" || errors.Is(err, source.ErrNoRevision) {
				t.Errorf("a killed git %s: %v", command, err)
			}
		}
		q := source.Query{Repository: c.Dir, Rev: c.Rev, Files: at.Files, After: strings.TrimSpace(string(known))}
		for rev := range s.History(context.Background(), q) {
			if rev != nil && rev.Rewritten {
				t.Errorf("a killed git %s: the history counts as rewritten", command)
			}
		}
		if _, err := os.Stat(mark); err == nil {
			t.Fatalf("the clone is marked after git %s was killed", command)
		}
	}
	t.Setenv("LINKLETTER_TEST_KILL", "none")
	if _, err := s.Sync(context.Background(), at); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(c.Dir); err != nil || !os.SameFile(before, after) {
		t.Errorf("the clone was made anew: %v", err)
	}
}

// A clone that took the place of the one that is read is not marked for the other's sake.
func TestReplacedCloneIsNotMarked(t *testing.T) {
	s, at, c := clonedHistory(t)
	gitWrapped(t, `case " $* " in *" cat-file "*) mv "$LINKLETTER_TEST_CLONE" "$LINKLETTER_TEST_CLONE.old"; mkdir "$LINKLETTER_TEST_CLONE" ;; esac`)
	t.Setenv("LINKLETTER_TEST_CLONE", c.Dir)
	q := c.Query(at)
	q.Follow = false
	var last error
	for _, err := range s.History(context.Background(), q) {
		last = err
	}
	if why := (*source.HistoryError)(nil); !errors.As(last, &why) || !strings.Contains(why.Hint, "made anew in the meantime") {
		t.Errorf("got %v", last)
	}
	if _, err := os.Stat(filepath.Join(c.Dir, source.DamageMark)); err == nil {
		t.Error("the folder that took the clone's place is marked")
	}
}

// Of what git says of an address, nothing is told that may be a secret.
func TestGitTellsNoSecrets(t *testing.T) {
	newRepository(t)
	s := &source.Source{Data: t.TempDir()}
	remotes := []string{
		"http://127.0.0.1:1/o/r?private_token=SECRET",
		"http://me:12/SECRET@127.0.0.1:1/o/r",
		"http://me:a/SECRET@127.0.0.1:1/o/r",
		"http://me:a 'SECRET@127.0.0.1:1/o/r",
		"http://me:a?b/SECRET@127.0.0.1:1/o/r?c=SECRET",
	}
	look := func(remote string) {
		t.Helper()
		_, err := s.Sync(context.Background(), source.Repository{Remote: remote})
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", remote, err)
		}
	}
	for _, remote := range remotes {
		look(remote)
	}
	gitWrapped(t, `case " $* " in *" clone "*)
for i in 1 2 3 4 5 6 7 8 9; do
	echo "fatal: $i: '$LINKLETTER_TEST_REMOTE/' is https://you:SECRET/SECRET@example.org/x?y=SECRET; $LINKLETTER_TEST_LONG" >&2
done
exit 128 ;; esac`)
	for _, remote := range remotes {
		t.Setenv("LINKLETTER_TEST_REMOTE", remote)
		for n := range 50 { // what is kept begins somewhere else each time
			t.Setenv("LINKLETTER_TEST_LONG", strings.Repeat("x", 700+n))
			look(remote)
		}
	}
}

// A git that does not end to talk is not listened to for ever.
func TestGitThatTalksTooMuch(t *testing.T) {
	r := newRepository(t)
	r.put("README.md", "one", "One")
	gitWrapped(t, `case " $* " in *" for-each-ref "*) exec cat /dev/zero ;; esac`)
	_, err := new(source.Source).Sync(context.Background(), source.Repository{Remote: r.dir, Branch: "none"})
	if err == nil || !strings.Contains(err.Error(), "more than 8 MiB") {
		t.Errorf("got %v", err)
	}
}

// gitWrapped has a line of shell run before each git.
func gitWrapped(t *testing.T, line string) {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "git"), []byte("#!/bin/sh\n"+line+"\nexec '"+git+"' \"$@\"\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
}
