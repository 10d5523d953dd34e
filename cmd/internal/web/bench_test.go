package web

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkServe compares with a bare handler that writes the same bytes and headers, and with nginx where it is there
// (gzip_static; it has no br without a module), in turns within one run. Ours counts and limits as the program does.
func BenchmarkServe(b *testing.B) {
	text := atomHead + strings.Repeat(entries, 6) + "</feed>" // 15 KB, as 50 entries without much text have
	s := serve(b, func(s *site) {
		s.Metrics = NewMetrics("bench")
		publishFile(b, filepath.Join(s.Public, "atom.xml"), text, time.Now().Add(-time.Hour))
	})
	s.url = "http://" + s.addr
	nginx := runNginx(b, s.Public)
	tag := func(url string) string {
		a := (&site{url: url}).get(b, "/atom.xml", "Accept-Encoding: gzip")
		return a.header.Get("Etag")
	}
	type bench struct {
		name          string
		header, other []string // other is nginx's, whose ETags are others; nil: it is not asked
	}
	benches := []bench{
		{"gzip-200", []string{"Accept-Encoding: gzip"}, []string{"Accept-Encoding: gzip"}},
		{"br-200", []string{"Accept-Encoding: gzip, deflate, br"}, nil},
		{"304", []string{"Accept-Encoding: gzip", "If-None-Match: " + tag(s.url)}, nil},
	}
	if nginx != "" {
		benches[2].other = []string{"Accept-Encoding: gzip", "If-None-Match: " + tag(nginx)}
	}
	for _, c := range benches {
		b.Run(c.name, func(b *testing.B) {
			servers := []*load{newLoad(b, bareServer(b, s.get(b, "/atom.xml", c.header...)), c.header), newLoad(b, s.url, c.header)}
			if nginx != "" && c.other != nil {
				servers = append(servers, newLoad(b, nginx, c.other))
			}
			const round = 100
			middle := inTurns(b, servers, round)
			b.ReportMetric(round/middle[1], "req/s")
			b.ReportMetric(middle[0]/middle[1], "of-bare")
			if len(servers) == 3 {
				b.ReportMetric(middle[2]/middle[1], "of-nginx")
				b.ReportMetric(middle[2]/middle[0], "bare-of-nginx")
			}
		})
	}
}

// bareServer writes one answer to every request. It gives its address.
func bareServer(b *testing.B, preset answer) (url string) {
	preset.header.Del("Date")
	body := []byte(preset.body)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	bare := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), preset.header)
		w.WriteHeader(preset.status)
		w.Write(body)
	})}
	go bare.Serve(l)
	b.Cleanup(func() { bare.Close() })
	return "http://" + l.Addr().String()
}

// inTurns lets servers answer so many requests at a time, few, so that whatever else the machine does hits all. It gives
// the seconds that the middle round of each took: what hits a few of them badly says nothing about any.
func inTurns(b *testing.B, servers []*load, round int) []float64 {
	const turns = 50
	took := make([][]time.Duration, len(servers))
	for b.Loop() {
		for turn := range turns {
			for i := range servers {
				i = (i + turn) % len(servers) // nobody always comes after the same one
				took[i] = append(took[i], servers[i].run(b, round))
			}
		}
	}
	middle := make([]float64, len(servers))
	for i, t := range took {
		slices.Sort(t)
		middle[i] = t[len(t)/2].Seconds()
	}
	return middle
}

// runNginx serves a folder with nginx, one worker a processor, on a port of its own. It gives its address, or nothing where
// there is no nginx.
func runNginx(b *testing.B, public string) (url string) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		if nginx, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			b.Logf("without nginx: %v", err)
			return ""
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	dir := b.TempDir()
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n" // the workers read a folder of the test's
	}
	config := fmt.Sprintf(`%sdaemon off; worker_processes auto; pid %[2]s/pid; error_log %[2]s/error.log;
events { worker_connections 64; }
http {
	access_log off; keepalive_requests 100000000; sendfile on; tcp_nopush on;
	client_body_temp_path %[2]s; proxy_temp_path %[2]s; fastcgi_temp_path %[2]s; uwsgi_temp_path %[2]s; scgi_temp_path %[2]s;
	open_file_cache max=100; types { application/atom+xml xml; }
	server { listen %[3]s; root %[4]s; gzip_static on; gzip_vary on; }
}
`, user, dir, addr, public)
	write(b, filepath.Join(dir, "nginx.conf"), config, time.Now())
	cmd := exec.Command(nginx, "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", filepath.Join(dir, "nginx.conf"))
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM) // the workers end with it
		cmd.Wait()
	})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return "http://" + addr
		}
		if time.Now().After(end) {
			b.Fatalf("nginx does not answer: %v", err)
		}
	}
}

// load sends one request over and over on connections of its own, and does as little as it can with the answers.
type load struct {
	conns   []net.Conn
	request []byte
	answer  int // bytes of one
}

func newLoad(b *testing.B, url string, header []string) *load {
	host := strings.TrimPrefix(url, "http://")
	l := &load{request: fmt.Appendf(nil, "GET /atom.xml HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n", host, strings.Join(header, "\r\n"))}
	for range 4 {
		c, err := net.Dial("tcp", host)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { c.Close() })
		l.conns = append(l.conns, c)
	}
	// All answers are as long as the first.
	if _, err := l.conns[0].Write(l.request); err != nil {
		b.Fatal(err)
	}
	r := bufio.NewReader(l.conns[0])
	for line := ""; line != "\r\n"; {
		var err error
		if line, err = r.ReadString('\n'); err != nil {
			b.Fatal(err)
		}
		l.answer += len(line)
		var n int
		if _, err := fmt.Sscanf(line, "Content-Length: %d", &n); err == nil {
			defer func() { l.answer += n }()
			defer r.Discard(n)
		}
	}
	return l
}

// run sends n requests and gives the time they take.
func (l *load) run(b *testing.B, n int) time.Duration {
	start := time.Now()
	done := make(chan error, len(l.conns))
	for _, c := range l.conns {
		go func() {
			buf := make([]byte, l.answer)
			for range n / len(l.conns) {
				if _, err := c.Write(l.request); err != nil {
					done <- err
					return
				}
				if _, err := io.ReadFull(c, buf); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range l.conns {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}
