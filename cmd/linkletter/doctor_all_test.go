package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"linkletter/cmd/internal/mailer/smtptest"
)

// A5: the real program, with a mail server, a DNS, and a web server with a certificate before it: nothing fails, and what
// breaks is found.
func TestA5DoctorAll(t *testing.T) {
	i := install(t, "lists: [{id: tools, source: list.md}]\n")
	newAuthority(t).certificate(t, i.dir)
	pair, err := tls.LoadX509KeyPair(i.path("cert.pem"), i.path("key.pem"))
	i.must(err)
	listen := freeAddr(t)
	server := smtptest.New(t, smtptest.WithTLS(&tls.Config{Certificates: []tls.Certificate{pair}}))

	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: listen})
	}})
	front.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.StartTLS()
	t.Cleanup(front.Close)
	_, webPort, err := net.SplitHostPort(front.Listener.Addr().String())
	i.must(err)

	var made madeKey
	i.must(json.Unmarshal(i.run("doctor", "--dkim-key", "rsa.pem", "--selector", "rsa", "--json"), &made))
	senders := "ip4:198.51.100.7"
	for _, own := range ownAddresses() { // where this machine has a public one
		senders += map[bool]string{true: " ip4:", false: " ip6:"}[own.Is4()] + own.String()
	}
	dns := serveDNS(t, zone{
		"links.example":                {txt("v=spf1 " + senders + " -all"), mx("links.example"), ipv4("127.0.0.1")},
		"_dmarc.links.example":         {txt("v=DMARC1; p=reject")},
		"rsa._domainkey.links.example": []dnsmessage.ResourceBody{txt(made.Records[0].Value)},
	})
	i.write("list.md", toolList(1))
	config := `
base_url: https://links.example:` + webPort + `
listen: ` + listen + `
imprint: Ada Lovelace, 12 St James's Square, London
lists: [{id: tools, source: list.md}]
digests: [{id: weekly, from: "Tools <digest@links.example>"}]
mail:
  smtp: smtp://ada@` + server.Addr + `
  password: secret
  dkim: [{selector: rsa, key_file: rsa.pem}]
`
	i.write("config.yaml", config)

	serve := i.linkletter("serve")
	var said bytes.Buffer
	serve.Stdout, serve.Stderr = &said, &said
	i.must(serve.Start())
	t.Cleanup(func() {
		serve.Process.Signal(os.Interrupt)
		serve.Wait()
		if t.Failed() {
			t.Logf("serve: %s", &said)
		}
	})
	waitForPage(t, "http://"+listen+"/readyz") // something is published

	doctor := func(args ...string) (string, error) {
		cmd := i.linkletter(append([]string{"doctor", "--dns", dns}, args...)...)
		cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+i.path("ca.pem"), "SSL_CERT_DIR="+i.path("none"), "HTTPS_PROXY=", "https_proxy=")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := doctor()
	if err != nil {
		t.Errorf("doctor: %v\n%s", err, out)
	}
	for _, want := range []string{
		"ok    base_url ", "ok    templates ", "ok    database ", "ok    scheduler      linkletter serve", "ok    lists          1 of 1", "ok    imprint ",
		"warn  mail server    " + server.Addr + ": TLS 1.3, logged in as ada, offers PIPELINING", "ok    DKIM ", "ok    SPF ", "ok    DMARC ", "ok    MX ",
		"ok    unsubscribe    one click (RFC 8058) reaches this program", " 0 failed",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("doctor does not say %q:\n%s", want, out)
		}
	}
	if !strings.Contains(out, "warn  web ") || !strings.Contains(out, "its certificate ends at") { // that of the test is good for a day
		t.Errorf("doctor does not say that the certificate ends soon:\n%s", out)
	}
	if n := len(server.Journal()); n > 0 {
		t.Errorf("doctor sent %d messages", n)
	}

	// A web server that passes GET on and nothing else.
	front.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Error(w, "no", http.StatusMethodNotAllowed)
		}
	})
	i.write("config.yaml", strings.Replace(config, "secret", "wrong", 1))
	out, err = doctor()
	if failed, ok := errors.AsType[*exec.ExitError](err); !ok || failed.ExitCode() != exitFailed {
		t.Errorf("doctor: %v, want exit status 1\n%s", err, out)
	}
	for _, want := range []string{"fail  mail server    " + server.Addr + ": AUTH: 535", "hint: look at the user", "fail  unsubscribe    one click (RFC 8058) does not reach", "2 checks failed"} {
		if !strings.Contains(out, want) {
			t.Errorf("doctor does not say %q:\n%s", want, out)
		}
	}
	// A certificate that nobody knows.
	i.must(os.Remove(filepath.Join(i.dir, "ca.pem")))
	if out, _ = doctor(); !strings.Contains(out, "fail  web            https://links.example:"+webPort+"/ does not answer: tls: failed to verify certificate") {
		t.Errorf("doctor does not say that the certificate is no good:\n%s", out)
	}
}

// waitForPage waits until an address is answered with 200.
func waitForPage(t *testing.T, address string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		res, err := http.Get(address)
		if err == nil {
			res.Body.Close()
		}
		if err == nil && res.StatusCode == http.StatusOK {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not answer: %v, %+v", address, err, res)
		}
	}
}
