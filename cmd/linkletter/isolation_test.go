//go:build unix

package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// badly is a server that answers each path in a way of its own, none of them good but /fine.
func badly(t *testing.T) *httptest.Server {
	t.Helper()
	end := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/fine", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, anvil) })
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-end:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/trickle", func(w http.ResponseWriter, r *http.Request) {
		for {
			fmt.Fprint(w, "- ")
			w.(http.Flusher).Flush()
			select {
			case <-end:
				return
			case <-r.Context().Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", http.StatusInternalServerError) })
	mux.HandleFunc("/short", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		fmt.Fprint(w, anvil)
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!DOCTYPE html><html><head><title>Sign in</title></head><body><a href="/in">Sign in</a></body></html>`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		close(end)
		server.Close()
	})
	return server
}

// Lists that fail, hang and lie keep none of the others from being checked and published, none of the digests from being
// sent, and the program neither from answering nor from stopping.
func TestBadListsHarmNoOther(t *testing.T) {
	t.Parallel()
	server := badly(t)
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := refused.Addr().String()
	refused.Close()
	i := install(t, strings.NewReplacer("SERVER", server.URL, "NOBODY", nobody).Replace(`
serve: false
tag: example.org
checks: {at_once: 2, timeout: 3s, per_host: 1000}
lists:
  - {id: file, source: list.md, check: "@every 1s"}
  - {id: fine, source: SERVER/fine, check: "@every 1s"}
  - {id: silent, source: SERVER/silent, check: "@every 1s"}
  - {id: trickle, source: SERVER/trickle, check: "@every 1s"}
  - {id: broken, source: SERVER/broken, check: "@every 1s"}
  - {id: short, source: SERVER/short, check: "@every 1s"}
  - {id: page, source: SERVER/page, check: "@every 1s"}
  - {id: nobody, source: "http://NOBODY/", check: "@every 1s"}
  - {id: pipe, source: pipe, check: "@every 1s"}
`))
	if err := syscall.Mkfifo(i.path("pipe"), 0o644); err != nil {
		t.Skipf("no pipes here: %v", err)
	}
	bad := []string{"silent", "trickle", "broken", "short", "page", "nobody", "pipe"}
	i.write("list.md", anvil)
	i.run("publish") // makes the database
	serve := i.linkletter("serve")
	var log bytes.Buffer
	serve.Stderr = &log
	i.must(serve.Start())
	defer serve.Process.Kill()
	ended := make(chan error, 1)
	go func() { ended <- serve.Wait() }()

	waitUntil := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			if is() {
				return
			}
		}
		serve.Process.Kill()
		<-ended
		t.Fatalf("never: %s\n%s", what, &log)
	}
	failing := func() string { return strings.Join(i.column(`SELECT id FROM list WHERE error <> '' ORDER BY id`), " ") }
	waitUntil("all bad lists fail", func() bool { return failing() == "broken nobody page pipe short silent trickle" })
	// All that can go wrong has, and goes on; what is new in the good ones is published as ever.
	i.write("list.md", anvil+"- [Bellows](https://example.org/bellows) - Loud.\n")
	waitUntil("the good list's news is published", func() bool {
		b, err := os.ReadFile(i.path("data/public/file/atom.xml"))
		return err == nil && bytes.Contains(b, []byte("https://example.org/bellows"))
	})
	i.run("check", "file", "fine")

	cmd := i.linkletter("status", "--json")
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("status ends with %v, want exit status %d", err, exitFailed)
	}
	var s status
	i.must(json.Unmarshal(out, &s))
	for _, l := range s.Lists {
		if isBad := strings.Contains(strings.Join(bad, " "), l.ID); isBad != (l.Error != "") || isBad != (l.Failures > 0) || isBad != (l.Good == nil) {
			t.Errorf("status of %s: %d failures, last good check %v, error %q", l.ID, l.Failures, l.Good, l.Error)
		}
		if strings.Contains(l.Error, "\n") {
			t.Errorf("the error of %s has several lines: %q", l.ID, l.Error)
		}
	}
	for _, id := range bad {
		b, err := os.ReadFile(i.path("data/public/" + id + "/index.html"))
		if err != nil || !bytes.Contains(b, []byte("The list has not been readable since")) || bytes.Contains(b, []byte(server.URL)) {
			t.Errorf("the page of %s: %v\n%s", id, err, b)
		}
	}
	i.must(serve.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("serve ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("serve did not stop")
	}
	for _, id := range bad {
		if n := strings.Count(log.String(), `msg="check failed; the list is tried again, and named once more if that lasts" list=`+id+" "); n != 1 {
			t.Errorf("the log names %s %d times, want once", id, n)
		}
	}
	if t.Failed() {
		t.Logf("the log:\n%s", &log)
	}
}

// After days of downtime an issue waits for the checks that can be made, and not for ever for one that cannot.
func TestALateIssueDoesNotWaitForAHangingList(t *testing.T) {
	t.Parallel()
	i := install(t, `
listen: 127.0.0.1:0
checks: {timeout: 1s}
lists: [{id: pipe, source: pipe.md, check: "@hourly"}, {id: tools, source: list.md, check: "@hourly"}]
digests: [{id: weekly, schedule: "@hourly", from: "Tools <tools@example.org>"}]
`)
	i.write("list.md", anvil)
	i.write("pipe.md", anvil)
	i.run("check")
	i.run("subscribers", "add", "ada@example.org")
	i.query(func(db *sql.DB) error {
		_, err := db.Exec(`UPDATE list SET checked = checked - ?1; UPDATE digest SET ran = ran - ?1; UPDATE digest_list SET began = began - ?1`, int((72 * time.Hour).Seconds()))
		return err
	})
	i.write("list.md", anvil+"- [Bellows](https://example.org/bellows) - Loud.\n")
	i.must(os.Remove(i.path("pipe.md")))
	if err := syscall.Mkfifo(i.path("pipe.md"), 0o644); err != nil {
		t.Skipf("no pipes here: %v", err)
	}
	serve := i.linkletter("serve")
	i.must(serve.Start())
	defer serve.Process.Kill()
	var sent []string
	for end := time.Now().Add(30 * time.Second); len(sent) == 0 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		sent = i.column(`SELECT json_array_length(i.content, '$.Groups[0].Items') FROM issue i JOIN delivery d ON d.issue = i.id WHERE d.state = 'sent'`)
	}
	i.must(serve.Process.Signal(syscall.SIGTERM))
	i.must(serve.Wait())
	if got := strings.Join(sent, " "); got != "1" {
		t.Errorf("issues sent hold %q entries, want one issue with the entry that came meanwhile", got)
	}
}
