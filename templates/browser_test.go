package templates

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// need finds a program, or skips the test. Where everything has to be there, in CI, that is a failure.
func need(t *testing.T, program string) string {
	t.Helper()
	found, err := exec.LookPath(program)
	if err != nil {
		missing(t, err)
	}
	return found
}

// needFile finds the file that a variable of the environment names, and does the same without it.
func needFile(t *testing.T, variable string) string {
	t.Helper()
	found := os.Getenv(variable)
	if _, err := os.Stat(found); err != nil {
		missing(t, fmt.Errorf("the file that %s names: %w", variable, err))
	}
	return found
}

func missing(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("it is needed in CI: %v", err)
	}
	t.Skipf("skipped: %v", err)
}

// policy is the one under which the server sends pages (cmd/internal/web); what it forbids shows as a complaint.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// icon is what a browser asks for by itself where a document cannot name an icon: for a feed.
const icon = "/favicon.ico"

// serve answers with pages by their name, with other documents by their path, and with the assets, as the site at the
// returned address.
func serve(t *testing.T, pages []page, others map[string]http.HandlerFunc) (base string) {
	t.Helper()
	set := load(t)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	base = server.URL + "/new/"
	for _, p := range pages {
		var b bytes.Buffer
		if err := p.write(set, &b); err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
		body := bytes.ReplaceAll(b.Bytes(), []byte(site.Root()), []byte(base))
		mux.HandleFunc("/new/"+p.name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", policy)
			w.Write(body)
		})
	}
	for name, handle := range others {
		mux.HandleFunc("/new/"+name, handle)
	}
	mux.HandleFunc(icon, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("/new/assets/", http.StripPrefix("/new/assets/", http.FileServerFS(Assets())))
	return base
}

// tab is a page opened in Chromium.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu         sync.Mutex
	complaints []string // what should not have happened: requests elsewhere, errors in the console
}

// newTab opens a tab for pages of the site at base.
func newTab(t *testing.T, browser context.Context, base string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, base: base}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	// Tabs side by side would take the focus from each other.
	send(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	return b
}

func (b *tab) hear(event any) {
	said := ""
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, b.base) && u != strings.TrimSuffix(b.base, "/new/")+icon &&
			!strings.HasPrefix(u, "data:image/svg+xml") { // the browser's own, for a date field's calendar
			said = "it asks for " + e.Request.URL
		}
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 {
			said = fmt.Sprintf("%s is answered with %d", e.Response.URL, e.Response.Status)
		}
	case *network.EventLoadingFailed:
		said = "it cannot load something: " + e.ErrorText
	case *log.EventEntryAdded:
		said = "the console says: " + e.Entry.Text
	case *runtime.EventConsoleAPICalled:
		said = "a script writes into the console"
	case *runtime.EventExceptionThrown:
		said = "a script fails: " + e.ExceptionDetails.Text
	}
	if said != "" {
		b.mu.Lock()
		b.complaints = append(b.complaints, said)
		b.mu.Unlock()
	}
}

// send sends a command of the protocol.
func send[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.t.Fatalf("%s: %v", command.Method, err)
	}
}

// ask evaluates a script in the page, and waits when it is a promise.
func ask[T any](b *tab, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("evaluating %.60q…: %v", script, err)
	}
	return v
}

// open loads a document of the site.
func (b *tab) open(name string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate(b.base+name)); err != nil {
		b.t.Fatalf("opening %s: %v", name, err)
	}
}

func (b *tab) press(key string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent(key)); err != nil {
		b.t.Fatalf("pressing %q: %v", key, err)
	}
}

// width makes the window so wide, in CSS pixels.
func (b *tab) width(px int64) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(px, 800)); err != nil {
		b.t.Fatalf("making the window %d px wide: %v", px, err)
	}
}

// media shows the page on a kind of media ("" is the screen) with features such as prefers-color-scheme.
func (b *tab) media(kind string, features ...*emulation.MediaFeature) {
	b.t.Helper()
	send(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: kind, Features: features})
}

func prefers(scheme string) *emulation.MediaFeature {
	return &emulation.MediaFeature{Name: "prefers-color-scheme", Value: scheme}
}

// quiet wants that there was nothing to complain of.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Error(c)
	}
}
