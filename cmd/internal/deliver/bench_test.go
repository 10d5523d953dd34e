package deliver

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/smtp"
	"sync"
	"testing"
	"time"

	"linkletter/cmd/internal/mailer"
)

// sink is a server that accepts everything and keeps nothing, with no more work than the dialogue needs.
func sink(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	b.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { swallow(c) })
		}
	})
	return l.Addr().String()
}

func swallow(c net.Conn) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 64<<10)
	reply, data := "220 sink\r\n", false
	for {
		if reply != "" {
			if _, err := c.Write([]byte(reply)); err != nil {
				return
			}
		}
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		switch {
		case data && !bytes.Equal(line, []byte(".\r\n")):
			reply = ""
		case bytes.HasPrefix(line, []byte("DATA")):
			reply, data = "354 go on\r\n", true
		default:
			reply, data = "250 ok\r\n", false
		}
	}
}

// BenchmarkDeliver1000 delivers an issue to 1,000 subscribers over 8 connections, with every intent and reply on disk, and
// compares that with a bare loop that pushes the same bytes over one connection in the same run.
func BenchmarkDeliver1000(b *testing.B) {
	const n = 1000
	var ours, bare time.Duration
	for range b.N {
		w := newWorld(b, n)
		addr := sink(b)
		server, err := mailer.ParseSMTP("smtp://"+addr, "")
		w.must(err)
		d := w.deliverer(w.store, func(ctx context.Context) (Conn, error) { return server.Dial(ctx) })
		d.Connections = 8
		issue := w.freeze(d)
		l, err := d.letter(issue.Issue, issue.Note, issue.Parts)
		w.must(err)
		msg, err := d.compose(l, 1, "s0@example.org")
		w.must(err)
		b.SetBytes(int64(n * len(msg)))

		began := time.Now()
		got, err := d.Run(b.Context(), nil)
		ours += time.Since(began)
		if err != nil || got.Sent != n {
			b.Fatalf("%+v (%v), want %d sent", got, err, n)
		}
		began = time.Now()
		push(b, addr, msg, n)
		bare += time.Since(began)
	}
	b.ReportMetric(float64(n*b.N)/ours.Seconds(), "msgs/s")
	b.ReportMetric(bare.Seconds()/ours.Seconds(), "of-bare-loop")
}

// push sends a message n times with net/smtp.
func push(b *testing.B, addr string, msg []byte, n int) {
	b.Helper()
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	c, err := smtp.Dial(addr)
	check(err)
	defer c.Close()
	for range n {
		check(c.Mail("weekly@lists.example.org"))
		check(c.Rcpt("s0@example.org"))
		body, err := c.Data()
		check(err)
		_, err = body.Write(msg)
		check(err)
		check(body.Close())
	}
}
