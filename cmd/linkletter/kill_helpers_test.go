package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

var seed = flag.Uint64("seed", 0, "repeat a test that kills the program with the `seed` it logged")

// installation is a folder with a configuration, in which the real program runs as a child process and is killed.
type installation struct {
	*testing.T
	dir   string
	rand  *rand.Rand
	kills int
}

func install(t *testing.T, config string) *installation {
	t.Helper()
	n := *seed
	if n == 0 {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("to repeat this: -seed %d", n)
	i := &installation{T: t, dir: t.TempDir(), rand: rand.New(rand.NewPCG(n, 0))}
	i.write("config.yaml", config)
	return i
}

func (i *installation) path(name string) string { return filepath.Join(i.dir, name) }

func (i *installation) write(name, content string) {
	i.Helper()
	i.must(os.WriteFile(i.path(name), []byte(content), 0o644))
}

func (i *installation) must(err error) {
	i.Helper()
	if err != nil {
		i.Fatal(err)
	}
}

// linkletter is the program: TestMain puts it into PATH.
func (i *installation) linkletter(args ...string) *exec.Cmd {
	cmd := exec.Command("linkletter", args...)
	cmd.Dir = i.dir
	return cmd
}

// run runs the program to its end, which must be good.
func (i *installation) run(args ...string) []byte {
	i.Helper()
	cmd := i.linkletter(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		i.Fatalf("linkletter %q: %v\n%s", args, err, &stderr)
	}
	return out
}

// runAndKill runs the program until now is readable, and ends it then with a signal that it cannot see. It may have ended
// by itself before, but only well.
func runAndKill[T any](i *installation, now <-chan T, args ...string) {
	i.Helper()
	cmd := i.linkletter(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	i.must(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var err error
	select {
	case err = <-ended:
	case <-now:
		i.must(ignoreFinished(cmd.Process.Kill()))
		err = <-ended
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		i.kills++
		return
	}
	if err != nil {
		i.Fatalf("linkletter %q, after %d kills: %v\n%s", args, i.kills, err, &stderr)
	}
}

func ignoreFinished(err error) error {
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// query looks into the database past the store; the driver is the store's.
func (i *installation) query(f func(*sql.DB) error) {
	i.Helper()
	if _, err := os.Stat(i.path("data/linkletter.db")); errors.Is(err, fs.ErrNotExist) {
		return // killed before there was one
	}
	db, err := sql.Open("sqlite", "file:"+i.path("data/linkletter.db")+"?_pragma=busy_timeout(10000)")
	i.must(err)
	defer db.Close()
	i.must(f(db))
}

// column is what a query of one column of text gives.
func (i *installation) column(query string) []string {
	i.Helper()
	var all []string
	i.query(func(db *sql.DB) error {
		rows, err := db.Query(query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v string
			if err := rows.Scan(&v); err != nil {
				return err
			}
			all = append(all, v)
		}
		return rows.Err()
	})
	return all
}

// wellFormed fails the test for a published file that is not whole.
func (i *installation) wellFormed() {
	i.Helper()
	i.must(filepath.WalkDir(i.path("data/public"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := whole(filepath.Ext(path), b); err != nil {
			i.Errorf("after %d kills, %s is not whole: %v\n%s", i.kills, path, err, b)
		}
		return nil
	}))
}

// whole says what is wrong with a document.
func whole(extension string, b []byte) error {
	switch extension {
	case ".xml", ".opml":
		for d := xml.NewDecoder(bytes.NewReader(b)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) && len(b) > 0 {
				return nil
			} else if err != nil {
				return err
			}
		}
	case ".json":
		var v any
		return json.Unmarshal(b, &v)
	case ".html":
		if !bytes.HasSuffix(bytes.TrimSpace(b), []byte("</html>")) {
			return errors.New("it has no end")
		}
	}
	return nil
}
