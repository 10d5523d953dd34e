package templates

import (
	"html/template"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"linkletter/feed/curated"
)

// note is what an editor says at the head of an issue, as paragraphs that each part of a message writes in its own way.
type note []noteBlock

// noteBlock is one paragraph.
type noteBlock struct {
	Kind  string // "text", "head", "item", "quote" or "code"
	Mark  string // of an item: "•" or "3."
	Depth int    // of an item: 0 in a list, 1 in a list within it
	Nodes []*html.Node
}

// newNote reads an editor's Markdown. What nests too deep to be read is one paragraph as it was written.
func newNote(markdown string) note {
	var n note
	if rendered, err := curated.Note(markdown); err == nil {
		for _, root := range parse(rendered) {
			describeImages(root)
			n.take(root, noteBlock{Kind: "text"}, -1)
		}
	}
	if n == nil && strings.TrimSpace(markdown) != "" {
		n = note{{Kind: "text", Nodes: []*html.Node{{Type: html.TextNode, Data: markdown}}}}
	}
	return n
}

// describeImages puts its description in each image's place: a mail loads nothing.
func describeImages(root *html.Node) {
	for n := range within(root) {
		if n.DataAtom == atom.Img {
			*n = html.Node{Type: html.TextNode, Data: attribute(n, "alt"), Parent: n.Parent, PrevSibling: n.PrevSibling, NextSibling: n.NextSibling}
		}
	}
}

// take adds what a node holds to the note; as says what its paragraphs are.
func (n *note) take(node *html.Node, as noteBlock, depth int) {
	inside := func(as noteBlock, depth int) {
		for c := node.FirstChild; c != nil; c = c.NextSibling {
			n.take(c, as, depth)
		}
	}
	switch {
	case node.Type == html.TextNode && strings.TrimSpace(node.Data) == "", node.Type == html.CommentNode:
	case node.Type == html.ElementNode && (node.DataAtom == atom.Ul || node.DataAtom == atom.Ol):
		at, _ := strconv.Atoi(attribute(node, "start"))
		at = max(at, 1)
		for c := node.FirstChild; c != nil; c = c.NextSibling {
			if c.DataAtom != atom.Li {
				continue
			}
			item := noteBlock{Kind: "item", Mark: "•", Depth: min(depth+1, 3)}
			if node.DataAtom == atom.Ol {
				item.Mark = strconv.Itoa(at) + "."
				at++
			}
			n.takeItem(c, item, depth+1)
		}
	case node.DataAtom == atom.Blockquote:
		inside(noteBlock{Kind: "quote"}, depth)
	case node.DataAtom == atom.Pre:
		n.add(node, noteBlock{Kind: "code"})
	case node.DataAtom == atom.H1, node.DataAtom == atom.H2, node.DataAtom == atom.H3,
		node.DataAtom == atom.H4, node.DataAtom == atom.H5, node.DataAtom == atom.H6:
		n.add(node, noteBlock{Kind: "head"})
	case node.DataAtom == atom.Hr:
	case node.DataAtom == atom.P:
		n.add(node, as)
	default:
		*n = append(*n, noteBlock{Kind: as.Kind, Mark: as.Mark, Depth: as.Depth, Nodes: []*html.Node{node}})
	}
}

// takeItem adds an item of a list: its first paragraph has the mark, and further ones stand below it without one.
func (n *note) takeItem(li *html.Node, as noteBlock, depth int) {
	var run []*html.Node
	flush := func() {
		if strings.TrimSpace(noteBlock{Nodes: run}.Text()) != "" {
			as.Nodes = run
			*n = append(*n, as)
			as.Mark = ""
		}
		run = nil
	}
	for c := li.FirstChild; c != nil; c = c.NextSibling {
		switch c.DataAtom {
		case atom.P, atom.Ul, atom.Ol, atom.Blockquote, atom.Pre, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Hr:
			flush()
			before := len(*n)
			n.take(c, as, depth)
			if len(*n) > before {
				as.Mark = ""
			}
		default:
			run = append(run, c)
		}
	}
	flush()
}

func (n *note) add(node *html.Node, as noteBlock) {
	for c := node.FirstChild; c != nil; c = c.NextSibling {
		as.Nodes = append(as.Nodes, c)
	}
	*n = append(*n, as)
}

// HTML is what the paragraph holds as inline HTML, its links in a style.
func (b noteBlock) HTML(style string) template.HTML {
	var s strings.Builder
	for _, n := range b.Nodes {
		writeInline(&s, n, style)
	}
	return template.HTML(s.String())
}

// Text is what the paragraph holds as plain text.
func (b noteBlock) Text() string {
	var s strings.Builder
	for _, n := range b.Nodes {
		s.WriteString(words(n))
	}
	return s.String()
}

// Lines are those of a code block.
func (b noteBlock) Lines() []string {
	return strings.Split(strings.TrimRight(strings.ReplaceAll(b.Text(), "\t", "    "), "\n"), "\n")
}

// Indent stands before the lines of an item.
func (b noteBlock) Indent() string { return strings.Repeat("   ", b.Depth) }

// Links are the addresses in the note, each once.
func (n note) Links() []curated.Link {
	seen := map[string]bool{"": true}
	var out []curated.Link
	for _, b := range n {
		for _, root := range b.Nodes {
			for node := range within(root) {
				if to := linkOf(node); !seen[to] {
					seen[to] = true
					l := curated.Link{Title: fold(words(node)), URL: to}
					if l.Title == to {
						l.Title = ""
					}
					out = append(out, l)
				}
			}
		}
	}
	return out
}

// NoteHTML is an editor's note, Markdown, as HTML for a feed; empty when there is none.
func NoteHTML(markdown string) string {
	var s strings.Builder
	for _, b := range newNote(markdown) {
		text := string(b.HTML(""))
		switch b.Kind {
		case "item":
			s.WriteString("<p>" + strings.TrimSpace(b.Mark+" "+text) + "</p>")
		case "quote":
			s.WriteString("<blockquote><p>" + text + "</p></blockquote>")
		case "head":
			s.WriteString("<p><strong>" + text + "</strong></p>")
		case "code":
			s.WriteString("<pre>" + html.EscapeString(strings.Join(b.Lines(), "\n")) + "</pre>")
		default:
			s.WriteString("<p>" + text + "</p>")
		}
	}
	return s.String()
}

// noteText is the note as plain text: its paragraphs, then its links.
func noteText(n note) string {
	var s strings.Builder
	for i, b := range n {
		if i > 0 && (b.Kind != "item" || n[i-1].Kind != "item") {
			s.WriteByte('\n')
		}
		switch b.Kind {
		case "item":
			first, rest := b.Indent(), b.Indent()+strings.Repeat(" ", cells(b.Mark)+1)
			text := wrap(rest, b.Text())
			if b.Mark != "" {
				text = first + b.Mark + " " + strings.TrimPrefix(text, rest)
			}
			s.WriteString(text)
		case "quote":
			s.WriteString(wrap("> ", b.Text()))
		case "code":
			for _, line := range b.Lines() {
				if line = printable(line); cells(line) > columns-4 {
					s.WriteString(wrap("    ", line))
				} else {
					s.WriteString("    " + line + "\n")
				}
			}
		default:
			s.WriteString(wrap("", b.Text()))
		}
	}
	for i, l := range n.Links() {
		if i == 0 {
			s.WriteByte('\n')
		}
		s.WriteString(wrap("", labelled(l)))
	}
	return s.String()
}

// noteMarkdown is the note as Markdown that shows what it says and no more: it mentions nobody, and refers to no issue.
func noteMarkdown(n note) string {
	var s strings.Builder
	for _, b := range n {
		var line strings.Builder
		for _, node := range b.Nodes {
			writeMarkdown(&line, node)
		}
		text := strings.Join(strings.Fields(line.String()), " ")
		switch b.Kind {
		case "item":
			const step = "    " // is inside of "-" and of "1." alike, and no code block
			mark := step
			if b.Mark != "" {
				mark = strings.Replace(b.Mark, "•", "-", 1) + " "
			}
			s.WriteString(strings.Repeat(step, b.Depth) + mark + guardStart(text) + "\n\n")
		case "quote":
			s.WriteString("> " + guardStart(text) + "\n\n")
		case "head":
			s.WriteString("**" + text + "**\n\n")
		case "code":
			s.WriteString(codeSpan(fold(b.Text())) + "\n\n")
		default:
			s.WriteString(guardStart(text) + "\n\n")
		}
	}
	return s.String()
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
