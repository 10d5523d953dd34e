package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"linkletter/feed"
)

// webTimeout is how long the public address may take to answer.
const webTimeout = 10 * time.Second

// publicAddress asks at base_url as readers and their mail providers do. Nothing is changed by it: no subscriber has the
// token "doctor".
func (d *doctor) publicAddress(ctx context.Context) {
	site := feed.Site{Base: d.cfg.BaseURL}
	client := d.client()
	defer client.CloseIdleConnections()
	page, err := d.ask(ctx, client, http.MethodGet, site.Root())
	const hint = "is the web server running, and does it lead to linkletter (deploy/)? Some networks cannot reach their own public address: look from another"
	switch {
	case err != nil && site.Local():
		d.warn("web", "`linkletter serve` answers there", "%s does not answer", site.Root())
		return
	case err != nil:
		d.fail("web", hint, "%s does not answer: %s", site.Root(), reason(err))
		return
	case page.StatusCode != http.StatusOK:
		d.fail("web", hint, "%s answers %s", site.Root(), shown(page.Status))
		return
	}
	d.certificate(site.Root(), page.TLS)
	if !d.cfg.Serve || len(d.cfg.Digests) == 0 {
		return
	}
	leave := site.Unsubscribe("doctor")
	answer, err := d.ask(ctx, client, http.MethodPost, leave)
	switch {
	case err != nil:
		d.fail("unsubscribe", hint, "%s does not answer: %s", leave, reason(err))
	case answer.StatusCode != http.StatusNotFound || answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("X-Robots-Tag") != "noindex":
		d.fail("unsubscribe", "let the web server pass POST requests under /-/ on to linkletter (deploy/)",
			"one click (RFC 8058) does not reach this program: POST to %s is answered with %s", leave, shown(answer.Status))
	default:
		d.ok("unsubscribe", "one click (RFC 8058) reaches this program at %s", site.File("-/unsubscribe/"))
	}
}

// certificate looks how long the site's is good for.
func (d *doctor) certificate(where string, state *tls.ConnectionState) {
	if state == nil || len(state.PeerCertificates) == 0 {
		d.ok("web", "%s answers", where)
		return
	}
	ends := state.PeerCertificates[0].NotAfter
	if ends.Sub(d.now()) < soonExpired {
		d.warn("web", "renew it, and look why that did not happen by itself", "%s answers; its certificate ends at %s", where, d.when(ends))
		return
	}
	d.ok("web", "%s answers; its certificate is good until %s", where, d.when(ends))
}

// client follows no redirect: unsubscribing with one click must not either (RFC 8058, 3.1).
func (d *doctor) client() *http.Client {
	dialer := &net.Dialer{Timeout: webTimeout, Resolver: d.dns.resolver}
	return &http.Client{
		Timeout:       webTimeout,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ask makes one request, and leaves the body.
func (d *doctor) ask(ctx context.Context, client *http.Client, method, address string) (*http.Response, error) {
	var body string
	if method == http.MethodPost {
		body = "List-Unsubscribe=One-Click"
	}
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("User-Agent", userAgent(d.cfg.BaseURL))
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	return res, res.Body.Close()
}

// reason is why a request failed, without the address, which stands before it.
func reason(err error) string {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if expired, ok := errors.AsType[x509.CertificateInvalidError](err); ok && expired.Reason == x509.Expired {
		return "its certificate has ended"
	}
	return shown(err.Error())
}
