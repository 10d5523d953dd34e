package templates

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const editorsNote = `This week's issue is **short**: see [the archive](https://press.example/archive?a=1&b=2) for more.

# What is next

- letters, and
  - _typefaces_
- a picture: ![a printing press](https://press.example/p.png)

3. third
4. fourth

> Nobody ever cancelled because an issue was short.

    lead  type

See https://press.example/ or write to @editor about #12.
`

func TestNoteInEachPart(t *testing.T) {
	set := load(t)
	d := many(1, 3)
	d.Note = editorsNote
	m, err := set.IssueMail(d)
	if err != nil {
		t.Fatal(err)
	}
	checkMail(t, m)
	const text = `From the editor
---------------

This week's issue is short: see the archive for more.

What is next

• letters, and
   • typefaces
• a picture: a printing press
3. third
4. fourth

> Nobody ever cancelled because an issue was short.

    lead  type

See https://press.example/ or write to @editor about #12.

the archive: https://press.example/archive?a=1&b=2
https://press.example/

Talks`
	if !strings.Contains(m.Text, text) {
		t.Errorf("the text (-want +got):\n%s", cmp.Diff(text, m.Text))
	}
	var b bytes.Buffer
	if err := set.Issue(&b, IssuePage{Site: d.Site, Issue: d.Issue, Note: d.Note}); err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]string{"HTML": m.HTML, "page": b.String(), "feed": NoteHTML(d.Note)} {
		for _, want := range []string{"<strong>short</strong>", `href="https://press.example/archive?a=1&amp;b=2"`, "<em>typefaces</em>", "a printing press", "3. third"} {
			if !strings.Contains(part, want) {
				t.Errorf("the %s has no %s in\n%s", name, want, part)
			}
		}
		if strings.Contains(part, "p.png") {
			t.Errorf("the %s loads the image", name)
		}
	}
	markdown, err := set.IssueMarkdown(d)
	if err != nil {
		t.Fatal(err)
	}
	const md = `## From the editor

This week's issue is short: see [the archive](<https://press.example/archive?a=1&amp;b=2>) for more.

**What is next**

- letters, and

    - typefaces

- a picture: a printing press

3. third

4. fourth

> Nobody ever cancelled because an issue was short.
`
	if !strings.Contains(markdown, md) || !strings.Contains(markdown, "@\u200beditor") {
		t.Errorf("the Markdown (-want +got):\n%s", cmp.Diff(md, markdown))
	}
}

func TestHostileNotes(t *testing.T) {
	set := load(t)
	for name, text := range map[string]string{
		"script":    "a <script>alert(1)</script> <img src=x onerror=alert(1)> <b>c</b>\n\n<div onclick=x()>\n\nz",
		"link":      "[a](javascript:alert(1)) [b](data:text/html,x) [c](/relative) <javascript:x>",
		"deep":      strings.Repeat("> ", 3000) + "deep",
		"lists":     strings.Repeat("- ", 400) + "deep",
		"template":  "{{.Site}} {{define \"x\"}}",
		"controls":  "a\x00b\u202ec\r\nBcc: all@example.org",
		"long word": strings.Repeat("x", 5000),
		"code":      "```\n" + strings.Repeat("long line of code ", 30) + "\n```\n\n    a\tb",
		"space":     " \n\n ",
	} {
		t.Run(name, func(t *testing.T) {
			d := many(1, 1)
			d.Note = text
			m, err := set.IssueMail(d)
			if err != nil {
				t.Fatal(err)
			}
			checkMail(t, m)
			if strings.Contains(m.HTML, `href="javascript`) || strings.Contains(m.HTML, "<script") {
				t.Errorf("it runs a script:\n%s", m.HTML)
			}
		})
	}
	d := many(1, 1)
	d.Note = strings.Repeat("- a\n", 3000)
	if _, err := set.IssueMail(d); err == nil || !strings.Contains(err.Error(), "note is too long") {
		t.Errorf("a note of 3,000 lines: %v, want an error about its length", err)
	}
}
