package publish

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"linkletter/templates/browsertest"
)

// icon is what a browser asks for by itself where a document names none: for JSON.
const icon = "/favicon.ico"

// watcher opens documents in a tab, and notes everything that happens there without a person's doing.
type watcher struct {
	ctx     context.Context
	base    string // of the site, whose files alone may be asked for
	dialogs chan struct{}

	mu   sync.Mutex
	seen []string
}

func newWatcher(t *testing.T, browser context.Context, base string) *watcher {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	w := &watcher{ctx: ctx, base: base, dialogs: make(chan struct{}, 100)}
	if err := chromedp.Listen(ctx, w.hear); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	closed := make(chan struct{})
	go func() { // a page stands still as long as it has something to say
		defer close(closed)
		for range w.dialogs {
			var err error
			for range 20 { // while the page is still being put into its tab, the browser does not listen
				if _, err = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true}); err == nil {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			if err != nil {
				w.note("a dialog stays: %v", err)
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		close(w.dialogs)
		<-closed
	})
	return w
}

func (w *watcher) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, fmt.Sprintf("%.300s", fmt.Sprintf(format, args...)))
}

func (w *watcher) hear(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, w.base+"/") && !strings.HasSuffix(e.Request.URL, icon) {
			w.note("it asks for %s", e.Request.URL)
		}
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 {
			w.note("%s is answered with %d", e.Response.URL, e.Response.Status)
		}
	case *page.EventJavascriptDialogOpening:
		w.note("it says %s", e.Message)
		select {
		case w.dialogs <- struct{}{}:
		default: // the page says so much that it may stand still
		}
	case *page.EventWindowOpen:
		w.note("it opens a window: %s", e.URL)
	case *page.EventFrameAttached:
		w.note("it holds a frame")
	case *page.EventFrameRequestedNavigation:
		w.note("it leads to %s by itself", e.URL)
	case *log.EventEntryAdded:
		w.note("the console says: %s", e.Entry.Text)
	case *runtime.EventConsoleAPICalled:
		w.note("a script writes into the console")
	case *runtime.EventExceptionThrown:
		w.note("a script fails: %s", e.ExceptionDetails.Text)
	}
}

// audit gives, in the browser's own reading of a document, what could run, load or lead astray though it did not.
const audit = `new Promise(done => setTimeout(() => {
	const found = [], bad = new Set(["script", "iframe", "frame", "object", "embed", "applet", "base", "style", "svg", "math", "template", "noscript", "portal", "video", "audio"]);
	for (const e of document.getElementsByTagName("*")) {
		if (document.contentType !== "application/json" && bad.has(e.localName)) found.push("<" + e.localName + ">");
		if (document instanceof XMLDocument && e.namespaceURI === "http://www.w3.org/1999/xhtml") found.push("<" + e.localName + "> of HTML in a feed");
		if (!(document instanceof XMLDocument) && e.namespaceURI !== "http://www.w3.org/1999/xhtml") found.push("<" + e.localName + "> of " + e.namespaceURI);
		for (const a of e.attributes) if (/^on/i.test(a.name) || a.name === "style" && e.localName !== "pre") found.push(a.name + " of <" + e.localName + ">");
		const to = e.href || e.src || e.action;
		if (typeof to === "string" && to && !/^(https?|mailto):/.test(to)) found.push("<" + e.localName + "> leads to " + to);
		if (e.localName === "meta" && e.httpEquiv) found.push("http-equiv");
	}
	if (globalThis.hostile) found.push("a script ran and left its mark");
	done([...new Set(found)]);
}, 10))`

// open opens a document of the site and gives what was seen.
func (w *watcher) open(name string) []string {
	w.mu.Lock()
	w.seen = nil
	w.mu.Unlock()
	at := w.base + "/" + name
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(at)); err != nil {
		w.note("it cannot be opened: %v", err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](audit, chromedp.EvalAwaitPromise))
	if err != nil {
		w.note("it cannot be looked at: %v", err)
	}
	if now, err := chromedp.Run(ctx, chromedp.Location()); err != nil || now != at {
		w.note("it went on to %s (%v)", now, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.Sort(found)
	return append(slices.Clone(w.seen), found...)
}

// A page that runs something, loads something or leads away is seen to do so; else the watcher's silence would mean nothing.
func TestBrowserSeesWhatRuns(t *testing.T) {
	unhurried(t)
	pages := map[string]struct{ body, want string }{
		"script":   {"<script>" + script + "</script>", "it says 1"},
		"mark":     {"<script>globalThis.hostile=1</script>", "left its mark"},
		"error":    {`<img src="x" onerror="` + script + `">`, "it says 1"},
		"image":    {`<img src="` + canary + `">`, "it asks for " + canary},
		"style":    {`<style>*{background:url(` + canary + `)}</style>`, "it asks for " + canary},
		"sheet":    {`<link rel="stylesheet" href="` + canary + `">`, "it asks for " + canary},
		"frame":    {`<iframe srcdoc="x"></iframe>`, "it holds a frame"},
		"refresh":  {`<meta http-equiv="refresh" content="0;url=/site/script">`, "leads to"},
		"location": {`<script>location = "/site/mark"</script>`, "leads to"},
		"window":   {`<script>open("/site/mark")</script>`, "it opens a window"},
		"console":  {`<script>console.log(1)</script>`, "writes into the console"},
		"throws":   {`<script>throw 1</script>`, "a script fails"},
		"missing":  {`<img src="/site/nowhere">`, "is answered with 404"},
		"link":     {`<a href="java&#10;script:x">x</a>`, "leads to javascript:x"},
		"event":    {`<p onclick="x">x</p>`, "onclick of <p>"},
		"drawing":  {`<svg><text>x</text></svg>`, "<svg> of http://www.w3.org/2000/svg"},
		"quiet":    {`<p><a href="https://h.example/">x</a> &lt;script&gt;</p>`, ""},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := pages[path.Base(r.URL.Path)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><title>x</title><link rel="icon" href="data:,">`+p.body)
	}))
	defer server.Close()
	browser := browsertest.Chromium(t)
	for name, p := range pages {
		w := newWatcher(t, browser, server.URL+"/site") // a dialog that comes late belongs to its own page
		found := slices.DeleteFunc(w.open(name), func(s string) bool { return strings.Contains(s, "data:,") })
		if p.want == "" && len(found) > 0 {
			t.Errorf("%s: seen on a page that does nothing: %q", name, found)
		}
		if !slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, p.want) }) && p.want != "" {
			t.Errorf("%s: nobody saw %q; seen: %q", name, p.want, found)
		}
	}
}

// Pages, feeds and what feeds hold run nothing in a browser, even where no policy of the server forbids it.
func TestHostileListsRunNothing(t *testing.T) {
	unhurried(t)
	browser := browsertest.Chromium(t)
	var site *world
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == icon {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if name, ok := strings.CutPrefix(r.URL.Path, "/news/content/"); ok {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Write(site.contents(name))
			return
		}
		http.StripPrefix("/news", http.FileServer(http.Dir(site.Dir))).ServeHTTP(w, r)
	}))
	defer server.Close()
	site = hostileSite(t, server.URL+"/news", hostileLists())
	var names []string
	for name := range site.documents(opened) {
		at := strings.TrimPrefix(site.address(name), site.Site.Base+"/")
		names = append(names, at)
		if path.Ext(name) == ".json" {
			names = append(names, "content/"+at)
		}
	}
	slices.Sort(names)
	if !thorough() {
		names = names[:len(names)/10]
	}
	t.Logf("%d documents", len(names))
	queue := make(chan string, len(names))
	for _, name := range names {
		queue <- name
	}
	close(queue)
	var wg sync.WaitGroup
	for range 2 {
		w := newWatcher(t, browser, site.Site.Base)
		wg.Go(func() {
			for name := range queue {
				for _, seen := range w.open(name) {
					t.Errorf("%s: %s", name, seen)
				}
			}
		})
	}
	wg.Wait()
}

// opened says whether a document is opened in the browser. All were looked at in another way; of the sections, which have the
// most and are alike, pages will do, and of those whose headings are harmless some.
func opened(name string) bool {
	_, section, isSection := strings.Cut(name, "/sections/")
	switch path.Ext(name) {
	case ".html":
		return !isSection || strings.HasPrefix(name, "headed/") || len(section)%3 == 0
	case ".xml", ".json", ".opml":
		return !isSection || len(section)%40 == 0
	}
	return false
}

// contents is a page of all that a JSON feed holds as HTML, as a reader without a care would show it.
func (w *world) contents(name string) []byte {
	var f struct {
		Items []struct {
			Content string `json:"content_html"`
		}
	}
	if err := json.Unmarshal([]byte(w.read(name)), &f); err != nil {
		w.t.Error(err)
	}
	var b strings.Builder
	b.WriteString(`<!doctype html><title>x</title><link rel="icon" href="` + w.Site.File("assets/icon.svg") + `">`)
	for _, item := range f.Items {
		b.WriteString("<article>" + item.Content + "</article>\n")
	}
	return []byte(b.String())
}
