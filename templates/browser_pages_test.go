package templates

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"linkletter/templates/browsertest"
)

// Widths that pages are looked at, in CSS pixels: a small telephone (and 400 % of 1,280; WCAG 2.2, 1.4.10), a tablet, a desk.
var widths = []int64{320, 768, 1280}

// TestPagesInABrowser opens every page in Chromium as its readers may: on narrow and wide screens, by day and by night, with
// large type, by keyboard, without scripts, on paper.
func TestPagesInABrowser(t *testing.T) {
	pages := slices.Concat(full, extremes)
	browser := browsertest.Chromium(t)
	base := serve(t, pages, nil)
	for i, p := range pages {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			b := newTab(t, browser, base)
			b.open(p.name)
			b.checkWidths()
			b.checkReading()
			b.checkPrint()
			if i < len(full) {
				b.checkKeyboard(p.name)
			}
			b.checkWithoutScripts(p.name)
			b.quiet()
		})
	}
}

// TestAccessibility lets axe-core look at every page, with all its rules but those of level AAA.
func TestAccessibility(t *testing.T) {
	axe, err := os.ReadFile(needFile(t, "AXE"))
	if err != nil {
		t.Fatal(err)
	}
	pages := slices.Concat(full, extremes)
	browser := browsertest.Chromium(t)
	base := serve(t, pages, nil)
	for _, p := range pages {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			b := newTab(t, browser, base)
			b.open(p.name)
			ask[bool](b, string(axe)+"; true")
			widths, schemes := widths, []string{"light", "dark"}
			if ask[int](b, `document.querySelectorAll("*").length`) > 2000 { // it takes seconds, and finds nothing that it does not find in less
				widths, schemes = widths[:1], schemes[1:]
			}
			for _, w := range widths {
				b.width(w)
				for _, s := range schemes {
					b.media("", prefers(s))
					got := ask[struct {
						Passed     int
						Violations []string
					}](b, audit)
					if got.Passed < 15 {
						t.Errorf("%d px, %s: only %d rules applied and passed: did axe-core see the page?", w, s, got.Passed)
					}
					for _, v := range got.Violations {
						t.Errorf("%d px, %s: %s", w, s, v)
					}
				}
			}
			b.quiet()
		})
	}
}

const audit = `(async () => {
	const rules = {}
	for (const r of axe.getRules()) rules[r.ruleId] = {enabled: !r.tags.includes("wcag2aaa")}
	const found = await axe.run(document, {rules, preload: false, resultTypes: ["violations"]})
	return {
		passed: found.passes.length,
		violations: found.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + " (" + n.any.concat(n.all, n.none).map(c => c.message).join("; ") + ")").join(", ")),
	}
})()`

// checkWidths wants no scrolling sideways.
func (b *tab) checkWidths() {
	b.t.Helper()
	for _, w := range widths {
		b.width(w)
		for _, s := range []string{"light", "dark"} {
			b.media("", prefers(s))
			b.checkFits(fmt.Sprintf("%d px, %s", w, s))
		}
		if ground := ask[string](b, `getComputedStyle(document.body).backgroundColor`); ground != "rgb(26, 24, 22)" {
			b.t.Errorf("%d px: the page has the ground %s in the dark", w, ground)
		}
	}
	b.media("")
}

func (b *tab) checkFits(when string) {
	b.t.Helper()
	const script = `(() => {
		const room = document.documentElement.clientWidth
		const wide = [...document.querySelectorAll("body *")].filter(e => !e.matches(".skip, .trap, .trap *") && e.getBoundingClientRect().right > room + 1)
		return {over: document.documentElement.scrollWidth - room, wide: wide.slice(-3).map(e => e.outerHTML.slice(0, 120))}
	})()`
	got := ask[struct {
		Over int
		Wide []string
	}](b, script)
	if got.Over > 0 || len(got.Wide) > 0 {
		b.t.Errorf("%s: the page is %d px too wide: %q", when, got.Over, got.Wide)
	}
}

// checkReading wants the page to bear what readers change: more space in the text (WCAG 2.2, 1.4.12), and type twice as
// large (1.4.4).
func (b *tab) checkReading() {
	b.t.Helper()
	for _, c := range []struct {
		what  string
		width int64
		css   string
	}{
		{"wide spaces", 320, "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }"},
		{"large type", 768, "html { font-size: 200% !important }"},
	} {
		b.width(c.width)
		ask[int](b, fmt.Sprintf(`(() => { const s = new CSSStyleSheet(); s.replaceSync(%q); return document.adoptedStyleSheets.push(s) })()`, c.css))
		b.checkFits(c.what)
		ask[int](b, `(document.adoptedStyleSheets = []).length`)
	}
}

// checkPrint wants on paper what is to be read, with the addresses of what is linked to, and nothing to click.
func (b *tab) checkPrint() {
	b.t.Helper()
	b.media("print")
	got := ask[struct {
		Shown   []string
		Missing []string
		Heading bool
	}](b, `({
		shown: [...document.querySelectorAll("nav, .skip, .jump, .side")].filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 80)),
		missing: [...document.querySelectorAll(".entry h3 a")].filter(e => !getComputedStyle(e, "::after").content.includes(e.getAttribute("href"))).map(e => e.outerHTML.slice(0, 80)),
		heading: document.querySelector("h1").checkVisibility(),
	})`)
	b.media("")
	if len(got.Shown) > 0 || len(got.Missing) > 0 || !got.Heading {
		b.t.Errorf("on paper: shown %q, without their address %q, heading %v", got.Shown, got.Missing, got.Heading)
	}
}

// checkKeyboard goes through the page with Tab: everything that does something is reached, in the order it is read, and is
// seen to have the focus; the first thing leads past the masthead.
func (b *tab) checkKeyboard(name string) {
	b.t.Helper()
	for _, w := range []int64{320, 1280} {
		b.width(w)
		n := ask[[]int](b, `(() => {
			window.stops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]:not(main)")].filter(e => e.type != "hidden" && (e.type != "radio" || e.checked) && !e.closest(".trap") && e.checkVisibility())
			window.seen = []
			window.onkeyup = () => {
				const e = document.activeElement, r = e.getBoundingClientRect(), s = getComputedStyle(e)
				const outline = s.outlineStyle != "none" && parseFloat(s.outlineWidth) >= 2 && s.outlineColor != getComputedStyle(document.body).backgroundColor
				const inside = r.width > 0 && r.height > 0 && r.left > -1 && r.right < innerWidth + 1 && (r.height > innerHeight || r.top > -1 && r.bottom < innerHeight + 1)
				seen.push(stops.indexOf(e) + (outline ? "" : " without an outline") + (inside ? "" : " out of sight at " + [r.left, r.top, r.right, r.bottom]) + (outline && inside ? "" : ": " + e.outerHTML.slice(0, 120)))
			}
			document.activeElement.blur(); scrollTo(0, 0)
			return stops.map(e => e.type == "date" ? 4 : 1) // day, month, year and the calendar
		})()`)
		var want []string
		for i, presses := range n {
			for range presses {
				b.press(kb.Tab)
				want = append(want, fmt.Sprint(i))
			}
		}
		if diff := cmp.Diff(want, ask[[]string](b, `seen`)); diff != "" || len(n) < 4 {
			b.t.Errorf("%d px: what Tab reaches of %d (-want +got):\n%s", w, len(n), diff)
		}
		b.open(name) // to begin at its top again
	}
	b.press(kb.Tab)
	if got := ask[string](b, `document.activeElement.className`); got != "skip" {
		b.t.Errorf("the first thing that Tab reaches is %q, want the link past the masthead", got)
	}
	b.press(kb.Enter)
	if got := ask[string](b, `document.activeElement.id`); got != "main" {
		b.t.Errorf("the first link leads to #%s, want #main", got)
	}
	b.press(kb.Tab)
	const next = `document.activeElement == document.body ? "nothing" : document.activeElement.closest("main, footer")?.tagName ?? "the masthead"`
	if got := ask[string](b, next); got != "MAIN" && (got != "FOOTER" || ask[int](b, `document.querySelectorAll("main a, main button").length`) > 0) {
		b.t.Errorf("from the main part Tab leads to %s", got)
	}
}

// checkWithoutScripts wants the same words with scripts switched off.
func (b *tab) checkWithoutScripts(name string) {
	b.t.Helper()
	b.width(768)
	with := ask[string](b, `document.body.innerText`)
	send(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.open(name)
	without := ask[string](b, `document.body.innerText`)
	if with != without || strings.TrimSpace(without) == "" {
		b.t.Errorf("without scripts (-with +without):\n%s", cmp.Diff(with, without))
	}
}
