//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// running is a serve process.
type running struct {
	*installation
	cmd *exec.Cmd
	log bytes.Buffer // to be read when it has ended
}

func (i *installation) serving(cmd *exec.Cmd) *running {
	i.Helper()
	r := &running{installation: i, cmd: cmd}
	cmd.Stderr = &r.log
	i.must(cmd.Start())
	i.Cleanup(func() { cmd.Process.Kill() })
	return r
}

// end stops it and gives what it said.
func (r *running) end() string {
	r.Helper()
	r.must(r.cmd.Process.Signal(syscall.SIGTERM))
	if err := r.cmd.Wait(); err != nil {
		r.Errorf("serve ended with %v:\n%s", err, &r.log)
	}
	return r.log.String()
}

// get asks until there is an answer with the status, for at most twenty seconds.
func (r *running) get(url string, status int) (*http.Response, string) {
	r.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var last any
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		res, err := client.Get(url)
		if err != nil {
			last = err
			continue
		}
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		r.must(err)
		if res.StatusCode == status {
			return res, string(b)
		}
		last = fmt.Sprintf("%s: %.300s", res.Status, b)
	}
	r.Fatalf("%s never answered %d; at last %v", url, status, last)
	return nil, ""
}

const anvils = "- [Anvil](https://example.org/anvil) - Heavy.\n"

// A service manager opens the socket and passes it on: the process answers there, and not where the configuration says.
func TestServeOnAPassedSocket(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skipf("skipped: %v", err)
	}
	i := install(t, "listen: "+freeAddress(t)+"\nlists: [{id: tools, source: list.md}]\n")
	i.write("list.md", anvils)
	for _, network := range []string{"tcp", "unix"} {
		addr := map[string]string{"tcp": "127.0.0.1:0", "unix": i.path("web.sock")}[network]
		l, err := net.Listen(network, addr)
		i.must(err)
		f, err := l.(interface{ File() (*os.File, error) }).File()
		i.must(err)
		// As sd_listen_fds(3) has it: the process's own number, which only it knows.
		cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=linkletter.socket exec linkletter serve`)
		cmd.Dir, cmd.ExtraFiles = i.dir, []*os.File{f}
		r := i.serving(cmd)
		if network == "tcp" {
			r.get("http://"+l.Addr().String()+"/tools/atom.xml", 200)
		} else {
			r.unix(addr)
		}
		i.must(f.Close())
		i.must(l.Close())
		if said := r.end(); !strings.Contains(said, "listening on the socket that was passed") || !strings.Contains(said, "stopped") {
			t.Errorf("%s: it says:\n%s", network, said)
		}
	}
	// What is meant for another process is not taken, and what is no socket is told of.
	for env, want := range map[string]string{
		"LISTEN_PID=1 LISTEN_FDS=1":  "stopped",
		"LISTEN_PID=$$ LISTEN_FDS=2": "2 are passed; name one ListenStream in the socket unit",
		"LISTEN_PID=$$ LISTEN_FDS=1": "file descriptor 3 is none that connections come from",
	} {
		f, err := os.Open(i.path("list.md"))
		i.must(err)
		cmd := exec.Command("sh", "-c", env+` exec linkletter serve`)
		cmd.Dir, cmd.ExtraFiles = i.dir, []*os.File{f}
		var said string
		if want == "stopped" {
			r := i.serving(cmd)
			r.get("http://"+i.listen()+"/tools/atom.xml", 200)
			said = r.end()
		} else {
			out, err := cmd.CombinedOutput()
			if said = string(out); err == nil {
				t.Errorf("%s: it ends well", env)
			}
		}
		if !strings.Contains(said, want) || strings.Contains(said, "socket that was passed") {
			t.Errorf("%s: it says, without %q:\n%s", env, want, said)
		}
		i.must(f.Close())
	}
}

// The units are ones that systemd understands, and it passes sockets as the program takes them.
func TestSystemd(t *testing.T) {
	t.Parallel()
	i := install(t, "listen: 192.0.2.1:80\nlists: [{id: tools, source: list.md}]\n") // not an address of this machine
	analyze, activate := i.tool("systemd-analyze"), i.tool("systemd-socket-activate")
	program, err := exec.LookPath("linkletter")
	if err != nil {
		t.Fatal(err)
	}
	site := freeAddress(t)
	i.write("list.md", anvils)
	verify := []string{"verify"}
	for _, unit := range []string{"linkletter.service", "linkletter.socket"} {
		b, err := os.ReadFile("../../deploy/" + unit)
		i.must(err)
		i.write(unit, strings.ReplaceAll(string(b), "/usr/local/bin/linkletter", program))
		verify = append(verify, i.path(unit))
	}
	if out, err := exec.Command(analyze, verify...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze: %v\n%s", err, out)
	}
	cmd := exec.Command(activate, "-l", site, "-E", "PATH", "-E", "HOME", program, "serve", "--config", i.path("config.yaml"))
	cmd.Dir = i.dir
	r := i.serving(cmd)
	r.get("http://"+site+"/tools/atom.xml", 200)
	if said := r.end(); !strings.Contains(said, "socket="+site) {
		t.Errorf("it says:\n%s", said)
	}
}

// listen is where the configuration says.
func (i *installation) listen() string {
	b, err := os.ReadFile(i.path("config.yaml"))
	i.must(err)
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimPrefix(line, "listen: ")
}

// unix asks over a Unix socket until there is an answer.
func (r *running) unix(path string) {
	r.Helper()
	var last error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		client := &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			},
		}}
		res, err := client.Get("http://linkletter/tools/atom.xml")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == 200 {
				return
			}
			err = fmt.Errorf("it answers %s", res.Status)
		}
		last = err
	}
	r.Fatalf("over %s: %v", path, last)
}

// Metrics have an address of their own, where one sees how things are from the first moment to the last.
func TestServeMetrics(t *testing.T) {
	t.Parallel()
	site, operator := freeAddress(t), freeAddress(t)
	i := install(t, fmt.Sprintf("base_url: http://%s\nlisten: %s\nmetrics: %s\nlists: [{id: tools, source: list.md, check: \"@hourly\"}]\n"+
		"digests: [{id: weekly, from: \"Tools <tools@example.org>\"}]\n", site, site, operator))
	i.write("list.md", anvils)
	r := i.serving(i.linkletter("serve"))
	for _, at := range []string{site, operator} {
		if _, body := r.get("http://"+at+"/readyz", 200); body != `{"status":"ok"}`+"\n" {
			t.Errorf("ready: %s", body)
		}
		r.get("http://"+at+"/healthz", 200)
	}
	r.get("http://"+site+"/tools/atom.xml", 200)
	_, body := r.get("http://"+operator+"/metrics", 200)
	for _, want := range []string{
		`linkletter_http_requests_total{code="200",kind="atom"} `, `linkletter_list_entries{list="tools"} 1`, `linkletter_lists{state="ok"} 1`,
		`linkletter_digest_issue_number{digest="weekly"} 0`, `linkletter_build_info{`, `version="` + version + `"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not among the metrics", want)
		}
	}
	r.get("http://"+site+"/metrics", 404)
	r.get("http://"+operator+"/tools/atom.xml", 404)
	// Another process takes the lease: whoever asks is told before this one notices.
	i.column(`UPDATE lease SET owner = 'another' RETURNING owner`)
	if _, body := r.get("http://"+site+"/readyz", 503); !strings.Contains(body, "another process works on this database now") {
		t.Errorf("without the lease: %s", body)
	}
	r.get("http://"+site+"/healthz", 200)
	if err := r.cmd.Wait(); err == nil || !strings.Contains(r.log.String(), "another process works on this database now") {
		t.Errorf("it ends with %v and says\n%s", err, &r.log)
	}
}

// Readers of a renamed list are led to it, those of one that ended are told so.
func TestServeRenamedAndEndedLists(t *testing.T) {
	t.Parallel()
	site := freeAddress(t)
	config := fmt.Sprintf("base_url: http://%s\nlisten: %s\nhub: https://hub.example.org/\nlists:\n  - {id: ID, source: list.md, check: \"@hourly\"FORMERLY}\n", site, site)
	i := install(t, strings.NewReplacer("ID", "ended", "FORMERLY", "").Replace(config))
	i.write("list.md", anvils)
	i.run("check")
	i.write("config.yaml", strings.NewReplacer("ID", "tools", "FORMERLY", ", formerly: [hammers]").Replace(config))
	r := i.serving(i.linkletter("serve"))
	res, _ := r.get("http://"+site+"/tools/atom.xml", 200)
	if got := strings.Join(res.Header.Values("Link"), ", "); got != `<https://hub.example.org/>; rel="hub", <http://`+site+`/tools/atom.xml>; rel="self"` {
		t.Errorf("Link: %s", got)
	}
	res, _ = r.get("http://"+site+"/hammers/atom.xml?a=b", 301)
	if got := res.Header.Get("Location"); got != "/tools/atom.xml?a=b" {
		t.Errorf("it leads to %s", got)
	}
	if _, body := r.get("http://"+site+"/ended/atom.xml", 410); !strings.Contains(body, "This list is no longer followed") {
		t.Errorf("410 says %s", body)
	}
	r.get("http://"+site+"/never/atom.xml", 404)
	r.end()
}
