package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	downloads "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browsing is somebody at a browser, in a tab of their own.
type browsing struct {
	*testing.T
	ctx      context.Context
	base     string // of the site, whose addresses alone may be asked for
	name     string
	keyboard bool // nothing is done with a mouse

	mu         sync.Mutex
	complaints []string
}

// atBrowser opens a tab for somebody.
func atBrowser(t *testing.T, browser context.Context, base, name string) *browsing {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	v := &browsing{T: t, ctx: ctx, base: base, name: name}
	if err := chromedp.Listen(ctx, v.hear); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	// Tabs side by side would take the focus from each other.
	call(v, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	return v
}

// call sends a command of the protocol.
func call[P, R any](v *browsing, command cdp.Command[P, R], params P) {
	v.Helper()
	if _, err := chromedp.Call(v.ctx, command, params); err != nil {
		v.Fatalf("%s: %s: %v", v.name, command.Method, err)
	}
}

func (v *browsing) hear(event any) {
	said := ""
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, v.base) && !strings.HasPrefix(e.Request.URL, "data:") { // a date field's own drawing
			said = "the page asks for " + e.Request.URL
		}
	case *log.EventEntryAdded:
		if strings.Contains(e.Entry.Text, "410 (Gone)") { // a link that is used up is answered so
			return
		}
		said = "the console says: " + e.Entry.Text
	case *runtime.EventConsoleAPICalled:
		said = "a script writes into the console"
	case *runtime.EventExceptionThrown:
		said = "a script fails: " + e.ExceptionDetails.Text
	}
	if said != "" {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.complaints = append(v.complaints, said)
	}
}

// quiet wants that no page asked for something elsewhere or complained.
func (v *browsing) quiet() {
	v.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.complaints {
		v.Errorf("%s: %s", v.name, c)
	}
}

// withoutScripts is a browser whose owner switched JavaScript off.
func (v *browsing) withoutScripts() {
	v.Helper()
	call(v, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// soon bounds one step.
func (v *browsing) soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(v.ctx, 20*time.Second)
}

func (v *browsing) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	v.Helper()
	ctx, cancel := v.soon()
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		v.Fatalf("%s: %s: %v", v.name, what, err)
	}
}

// ask evaluates a script of the test's own in the page; it runs also where the page's scripts may not.
func ask[T any](v *browsing, script string) T {
	v.Helper()
	ctx, cancel := v.soon()
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		v.Fatalf("%s: evaluating %.100q: %v", v.name, script, err)
	}
	return got
}

func (v *browsing) open(address string) {
	v.Helper()
	v.do("opening "+address, chromedp.Navigate(address))
}

// reads wants the page to have a heading, and texts in it.
func (v *browsing) reads(heading string, texts ...string) {
	v.Helper()
	page := ask[string](v, `document.body.innerText`)
	if got := ask[string](v, `document.querySelector("h1")?.innerText ?? ""`); got != heading {
		v.Fatalf("%s: the page is %q, want %q:\n%s", v.name, got, heading, page)
	}
	for _, t := range texts {
		if !strings.Contains(page, t) {
			v.Errorf("%s: the page %q does not say %q:\n%s", v.name, heading, t, page)
		}
	}
}

// button finds what is pressed, by what it says.
func button(says string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("main button, main a, main summary")].find(e => e.checkVisibility() && e.innerText.trim() === %q)`, says)
}

// field finds what has a selector.
func field(selector string) string { return fmt.Sprintf(`document.querySelector(%q)`, selector) }

// reach brings the mouse or the focus to an element. The focus is moved with Tab alone, and is seen where it comes to.
func (v *browsing) reach(element string) (x, y float64) {
	v.Helper()
	if !ask[bool](v, `!!(`+element+`)`) {
		v.Fatalf("%s: there is no %s on:\n%s", v.name, element, ask[string](v, `document.querySelector("main").innerHTML`))
	}
	if !v.keyboard {
		at := ask[[]float64](v, `(() => { const e = `+element+`; e.scrollIntoView({block: "center", behavior: "instant"}); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()`)
		return at[0], at[1]
	}
	for range 300 {
		if ask[bool](v, `document.activeElement === (`+element+`)`) {
			return 0, 0
		}
		v.do("pressing Tab", chromedp.KeyEvent(kb.Tab))
		if unseen := ask[string](v, `(() => { const e = document.activeElement, s = getComputedStyle(e)
			return e === document.body || s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 ? "" : e.outerHTML.slice(0, 120) })()`); unseen != "" {
			v.Errorf("%s: it is not seen that this has the focus: %s", v.name, unseen)
		}
	}
	v.Fatalf("%s: Tab does not lead to %s", v.name, element)
	return 0, 0
}

// press presses a button or follows a link, and waits for the page that it leads to.
func (v *browsing) press(says string) {
	v.Helper()
	x, y := v.reach(button(says))
	act := chromedp.MouseClickXY(x, y)
	if v.keyboard {
		act = chromedp.KeyEvent(kb.Enter)
	}
	ctx, cancel := v.soon()
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, act); err != nil {
		v.Fatalf("%s: pressing %q led nowhere: %v", v.name, says, err)
	}
}

// toggle changes a check box or chooses a radio button.
func (v *browsing) toggle(selector string) {
	v.Helper()
	was := ask[bool](v, field(selector)+".checked")
	if v.keyboard && ask[string](v, field(selector)+".type") == "radio" { // Tab reaches the one of them that is chosen
		v.reach(fmt.Sprintf(`document.querySelector('[name="' + %s.name + '"]:checked')`, field(selector)))
		v.do("pressing Down", chromedp.KeyEvent(kb.ArrowDown))
		return
	}
	x, y := v.reach(field(selector))
	if v.keyboard {
		v.do("pressing Space", chromedp.KeyEvent(" "))
	} else {
		v.do("clicking", chromedp.MouseClickXY(x, y))
	}
	if ask[bool](v, field(selector)+".checked") == was {
		v.Errorf("%s: %s stays as it is", v.name, selector)
	}
}

// unfold opens what is folded away.
func (v *browsing) unfold(says string) {
	v.Helper()
	if ask[bool](v, button(says)+".parentElement.open") {
		return
	}
	x, y := v.reach(button(says))
	act := chromedp.MouseClickXY(x, y)
	if v.keyboard {
		act = chromedp.KeyEvent(kb.Enter)
	}
	v.do("unfolding "+says, act)
}

// fill types into a field that is empty or holds what is typed over.
func (v *browsing) fill(selector, text string) {
	v.Helper()
	x, y := v.reach(field(selector))
	if ask[string](v, field(selector)+".type") == "date" && !v.keyboard {
		v.do("focusing", chromedp.Focus(chromedp.CSS(selector))) // a click could open the calendar
	} else if !v.keyboard {
		v.do("clicking", chromedp.MouseClickXY(x, y))
	}
	v.do("typing "+text, chromedp.KeyEvent(text))
}

// download presses a button that gives a file, and reads that.
func (v *browsing) download(says string) []byte {
	v.Helper()
	dir := v.TempDir()
	if _, err := chromedp.CallBrowser(v.ctx, downloads.SetDownloadBehavior, downloads.SetDownloadBehaviorParams{
		Behavior: downloads.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir}); err != nil {
		v.Fatal(err)
	}
	x, y := v.reach(button(says))
	if v.keyboard {
		v.do("pressing Enter", chromedp.KeyEvent(kb.Enter))
	} else {
		v.do("clicking", chromedp.MouseClickXY(x, y))
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
		if len(files) == 1 {
			b, err := os.ReadFile(files[0])
			if err == nil && len(b) > 0 {
				return b
			}
		}
	}
	v.Fatalf("%s: no file came: %s", v.name, ask[string](v, `document.body.innerText`))
	return nil
}
