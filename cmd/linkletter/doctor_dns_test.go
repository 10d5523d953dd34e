package main

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// zone is what a test's DNS knows, by name without the dot at its end.
type zone map[string][]dnsmessage.ResourceBody

func txt(s string) dnsmessage.ResourceBody {
	var parts []string
	for len(s) > 255 {
		parts, s = append(parts, s[:255]), s[255:]
	}
	return &dnsmessage.TXTResource{TXT: append(parts, s)}
}

func mx(host string) dnsmessage.ResourceBody {
	return &dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName(host + ".")}
}

func ipv4(s string) dnsmessage.ResourceBody {
	return &dnsmessage.AResource{A: netip.MustParseAddr(s).As4()}
}

func ptr(host string) dnsmessage.ResourceBody {
	return &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(host + ".")}
}

func cname(host string) dnsmessage.ResourceBody {
	return &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(host + ".")}
}

// broken names are answered with a server's failure, and silent ones not at all.
var (
	servfail = &dnsmessage.UnknownResource{Type: 65280}
	silence  = &dnsmessage.UnknownResource{Type: 65281}
)

// udpSize is what the resolver says that it takes over UDP; what is larger it asks for again over TCP.
const udpSize = 1232

// serveDNS answers for the zone, over UDP and TCP on one port of loopback, until the test ends.
func serveDNS(t *testing.T, z zone) (addr string) {
	t.Helper()
	var udp net.PacketConn
	var tcp net.Listener
	var err error
	for range 20 { // until one port is free for both
		if tcp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if udp, err = net.ListenPacket("udp", tcp.Addr().String()); err == nil {
			break
		}
		tcp.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() {
		udp.Close()
		tcp.Close()
		all.Wait()
	})
	all.Go(func() {
		b := make([]byte, 4096)
		for {
			n, from, err := udp.ReadFrom(b)
			if err != nil {
				return
			}
			if answer := z.answer(b[:n], udpSize); answer != nil {
				udp.WriteTo(answer, from)
			}
		}
	})
	all.Go(func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			var size uint16
			if binary.Read(c, binary.BigEndian, &size) == nil {
				question := make([]byte, size)
				if _, err := io.ReadFull(c, question); err == nil {
					if answer := z.answer(question, 1<<16-1); answer != nil {
						c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
					}
				}
			}
			c.Close()
		}
	})
	return tcp.Addr().String()
}

// answer answers one question; nil: it says nothing.
func (z zone) answer(question []byte, most int) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	known, ok := z[name]
	m = dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	if !ok {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, body := range known {
		switch body {
		case servfail:
			m.RCode = dnsmessage.RCodeServerFailure
			continue
		case silence:
			return nil
		}
		kind := kindOfRecord(body)
		if kind == q.Type || kind == dnsmessage.TypeCNAME {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: kind, Class: dnsmessage.ClassINET, TTL: 60}, Body: body})
		}
	}
	packed, err := m.Pack()
	if err == nil && len(packed) > most {
		m.Truncated, m.Answers = true, nil
		packed, err = m.Pack()
	}
	if err != nil {
		return nil
	}
	return packed
}

func kindOfRecord(body dnsmessage.ResourceBody) dnsmessage.Type {
	switch body.(type) {
	case *dnsmessage.TXTResource:
		return dnsmessage.TypeTXT
	case *dnsmessage.MXResource:
		return dnsmessage.TypeMX
	case *dnsmessage.AResource:
		return dnsmessage.TypeA
	case *dnsmessage.PTRResource:
		return dnsmessage.TypePTR
	}
	return dnsmessage.TypeCNAME
}
