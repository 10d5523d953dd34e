package deliver

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"linkletter/cmd/internal/mailer"
	"linkletter/feed/curated"
	"linkletter/feed/digest"
	"linkletter/templates"
)

// issueOf is the message of an issue of entries, as one subscriber gets it.
func issueOf(t *testing.T, d *Deliverer, entries []curated.Entry) []byte {
	t.Helper()
	var items []digest.Item
	for _, e := range entries {
		items = append(items, digest.Item{Entry: e, List: "resources", ListTitle: "Resources", Published: d.Now()})
	}
	dig, err := d.digest("weekly")
	if err != nil {
		t.Fatal(err)
	}
	l, _, err := d.proof(digest.Compose(dig, 1, "p", d.Now(), items), "")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := d.preview(l, "").Message("ada@example.org")
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// tools are n entries.
func tools(n int) []curated.Entry {
	var out []curated.Entry
	for i := range n {
		out = append(out, curated.Entry{
			Title: fmt.Sprintf("Plane no. %d for hard wood", i+1), URL: fmt.Sprintf("https://planes.example/no-%d?from=list&lang=en", i+1),
			Summary: "A hand plane with a short sole, which takes the finest shavings off the hardest wood; comes with a manual in four languages.",
			Byline:  "Ada Turner", Sections: [][]string{{"Tools", fmt.Sprintf("Shelf %d", i%7+1)}},
		})
	}
	return out
}

// hostileEntries are what a list may try on its readers' mail programs.
var hostileEntries = []curated.Entry{
	{Title: "=?utf-8?q?x?=", URL: "https://a.example/"},
	{Title: "One\r\nBcc: all@example.org\r\n\r\nbody", URL: "https://b.example/\r\nX: y"},
	{Title: strings.Repeat("megabyte ", 120_000), URL: "https://c.example/", Summary: strings.Repeat("x", 1<<20)},
	{Title: "turned \u202egnp.exe around \x00 NUL", URL: "https://d.example/"},
	{Title: "静かな購読", URL: "https://日記.example/購読"},
	{Title: "كيف تعمل الخلاصات", URL: "https://e.example/"},
	{Title: "👩‍🔬 emoji 🇵🇹", URL: "https://f.example/"},
	{Title: "<script>alert(1)</script>", URL: "javascript:alert(1)", SummaryHTML: `<a href="javascript:x">y</a>`, Summary: "y"},
	{Title: "long address", URL: "https://h.example/" + strings.Repeat("very-long-", 150)},
	{Title: ".", URL: "https://i.example/", Summary: ".\r\n.\r\nFrom here"},
}

// What a message alone can show of the requirements F1 to F9 holds of issues of all sizes, of hostile lists and of real ones.
func TestF1ToF9OfAllIssues(t *testing.T) {
	w := newWorld(t, 0)
	d := w.deliverer(w.store, nil)
	lists := map[string][]curated.Entry{"1": tools(1), "20": tools(20), "300": tools(300), "hostile": hostileEntries}
	for _, e := range hostileEntries {
		lists["hostile "+strconv.Quote(e.Title[:min(12, len(e.Title))])] = []curated.Entry{e}
	}
	files, err := filepath.Glob("../../../../shared/lists/*/*.md")
	w.must(err)
	for i, file := range files {
		if b, err := os.ReadFile(file); err == nil && i%4 == 0 {
			if l := curated.Parse(b, curated.Options{}); len(l.Entries) > 0 {
				lists[filepath.Base(filepath.Dir(file))] = l.Entries[:min(40, len(l.Entries))]
			}
		}
	}
	// mailcheck would take this one for a template that was left.
	meta := issueOf(t, d, []curated.Entry{{Title: `{{.Site}} {{define "x"}}`, URL: "https://g.example/{{.}}"}})
	if text := readMessage(t, writeFile(t, meta)).text; !strings.Contains(text, "\n{{.Site}} {{define \"x\"}}\n") {
		t.Errorf("a title of template signs is not in\n%s", text)
	}
	var written []string
	dir := t.TempDir()
	for name, entries := range lists {
		msg := issueOf(t, d, entries)
		checkWire(t, name, msg)
		file := filepath.Join(dir, fmt.Sprintf("%d.eml", len(written)))
		w.must(os.WriteFile(file, msg, 0o600))
		written = append(written, file)
	}
	wanted(t, written...)
	confirmation := filepath.Join(dir, "confirmation.eml")
	w.must(os.WriteFile(confirmation, confirmationMessage(t, d), 0o600))
	wanted(t, "--transactional", confirmation)
}

// checkWire looks at lines (RFC 5322, 2.1.1) and bytes.
func checkWire(t *testing.T, name string, msg []byte) {
	t.Helper()
	if bad := regexp.MustCompile(`[^\r]\n|\r[^\n]|[\x80-\xff]|\x00`).Find(msg); bad != nil {
		t.Errorf("%s: %q in a message of 7 bits and CRLF", name, bad)
	}
	for line := range bytes.SplitSeq(msg, []byte("\r\n")) {
		if len(line) > 998 {
			t.Errorf("%s: a line of %d octets", name, len(line))
		}
	}
	head, _, _ := bytes.Cut(msg, []byte("\r\n\r\n"))
	if n := len(regexp.MustCompile(`(?mi)^(bcc|x):`).FindAll(head, -1)); n > 0 {
		t.Errorf("%s: an entry wrote a header field:\n%s", name, head)
	}
}

// wanted runs mailcheck and wants nothing failed and nothing wanted.
func wanted(t *testing.T, args ...string) {
	t.Helper()
	said := mailcheck(t, args...)
	if said == nil {
		t.Skip("skipped: mailcheck.py or python3 is not here")
	}
	if bytes.Contains(said, []byte("  want")) {
		t.Errorf("mailcheck wants something, and nothing is to be wanted:\n%s", said)
	}
}

func confirmationMessage(t *testing.T, d *Deliverer) []byte {
	t.Helper()
	expires := d.Now().Add(48 * time.Hour)
	m, err := d.Templates.ConfirmationMail(templates.ConfirmationMail{
		Site: d.Site, Digest: d.Site.Digests[0], Expires: expires,
		Confirm: d.Site.Confirm(d.Keys.Confirm(1, "weekly", "nonce", expires)),
	})
	if err != nil {
		t.Fatal(err)
	}
	msg, err := mailer.Compose(mailer.Message{
		From: d.Digests[0].From, To: "ada@example.org", Subject: m.Subject, Text: m.Text, HTML: m.HTML,
		Date: d.Now(), MessageID: d.Keys.ConfirmationID(1, "lists.example.org"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// SpamAssassin, without asking anybody on the network and without a signature to look at, finds that our messages are none.
func TestSpamAssassinLikesThem(t *testing.T) {
	program, err := exec.LookPath("spamassassin")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("it is needed in CI: %v", err)
		}
		t.Skipf("skipped: %v", err)
	}
	w := newWorld(t, 0)
	d := w.deliverer(w.store, nil)
	d.Now = time.Now // a message of long ago or of the future is suspicious
	home := t.TempDir()
	for name, msg := range map[string][]byte{"issue": issueOf(t, d, tools(20)), "confirmation": confirmationMessage(t, d)} {
		cmd := exec.CommandContext(t.Context(), program, "-L", "-t", "--cf=use_bayes 0", "--cf=use_auto_whitelist 0")
		cmd.Env = append(os.Environ(), "HOME="+home)
		cmd.Stdin = bytes.NewReader(msg)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		m := regexp.MustCompile(`X-Spam-Status: \w+, score=(-?[\d.]+)`).FindSubmatch(out)
		if m == nil {
			t.Fatalf("%s: no score in\n%s", name, out)
		}
		score, err := strconv.ParseFloat(string(m[1]), 64)
		report := regexp.MustCompile(`(?s)Content analysis details.*`).Find(out)
		// What no rule praises, as an ordinary message without a signature, has the few thousandths for not having passed a
		// server: "-0.0".
		if err != nil || name == "issue" && score >= 0 || !bytes.HasPrefix(m[1], []byte("-")) {
			t.Errorf("%s: score %s, want one below 0\n%s", name, m[1], report)
		}
		t.Logf("%s: score %s", name, m[1])
	}
}
