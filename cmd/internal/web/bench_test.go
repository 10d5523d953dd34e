package web

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// BenchmarkServe compares with a bare handler that writes the same bytes and headers, in turns within one run.
func BenchmarkServe(b *testing.B) {
	s := newSite(b, nil)
	feed := atomHead + strings.Repeat(entries, 6) + "</feed>" // 15 KB, as 50 entries without much text have
	write(b, s.Public+"/atom.xml", feed, time.Now().Add(-time.Hour))
	tag := s.get(b, "/atom.xml", "Accept-Encoding: gzip").header.Get("Etag")
	for name, header := range map[string][]string{
		"gzip-200": {"Accept-Encoding: gzip"},
		"304":      {"Accept-Encoding: gzip", "If-None-Match: " + tag},
	} {
		b.Run(name, func(b *testing.B) {
			preset := s.get(b, "/atom.xml", header...)
			preset.header.Del("Date")
			body := []byte(preset.body)
			bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				maps.Copy(w.Header(), preset.header)
				w.WriteHeader(preset.status)
				w.Write(body)
			}))
			defer bare.Close()
			ours, theirs := newLoad(b, s.url, header), newLoad(b, bare.URL, header)
			const round = 2000 // requests at a time, so that whatever else the machine does hits both
			var took, tookBare time.Duration
			for b.Loop() {
				tookBare += theirs.run(b, round)
				took += ours.run(b, round)
			}
			b.ReportMetric(float64(b.N*round)/took.Seconds(), "req/s")
			b.ReportMetric(tookBare.Seconds()/took.Seconds(), "of-bare")
		})
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
