package curated

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// goldmark takes time quadratic in some things that no list has. What exceeds these bounds is read as text, or as the next
// paragraph; all of them are far above what people write.
const (
	maxLines   = 128     // lines of a paragraph
	maxDefs    = 200     // reference definitions without an empty line
	maxColumns = 64      // columns of a table
	maxMissing = 1 << 18 // cells that the rows of a document lack, and goldmark adds
	maxMarks   = 512     // marks of emphasis in a paragraph
	maxOpen    = 32      // brackets that are open at once
	maxVain    = 1 << 20 // bytes of a paragraph that are looked at for the end of what has none
)

// What one place of the document may bring into each of many entries is bounded too, or a list of megabytes would make
// gigabytes.
const (
	maxTitle   = 1000     // bytes of a title
	maxSummary = 16 << 10 // bytes of a summary or quotation
	maxPath    = 4 << 10  // bytes of the headings that an entry stands under
	maxPlaces  = 64       // sections that one resource stands in
	maxEqual   = 32       // equal links of a bullet that share what follows them
)

// markdown is CommonMark 0.31 with GitHub's extensions: what the readers of nearly all such lists see. It is
// goldmark's own parser with the bounds above.
var markdown = parser.NewParser(
	parser.WithBlockParsers(parser.DefaultBlockParsers()...),
	parser.WithParagraphTransformers(
		util.Prioritized(boundedDefinitions{}, 100),
		util.Prioritized(boundedTable{extension.NewTableParagraphTransformer()}, 200),
		util.Prioritized(boundedParagraph{}, 300),
	),
	parser.WithInlineParsers(
		util.Prioritized(extension.NewTaskCheckBoxParser(), 0),
		util.Prioritized(boundedCode{parser.NewCodeSpanParser()}, 100),
		util.Prioritized(boundedLink{parser.NewLinkParser()}, 200),
		util.Prioritized(parser.NewAutoLinkParser(), 300),
		util.Prioritized(quickTag{parser.NewRawHTMLParser()}, 400),
		util.Prioritized(boundedMark{parser.NewEmphasisParser()}, 500),
		util.Prioritized(boundedMark{extension.NewStrikethroughParser()}, 500),
		util.Prioritized(quickLinks{extension.NewLinkifyParser()}, 999),
	),
)

// boundedDefinitions takes the reference definitions off the head of a paragraph, some at a time.
type boundedDefinitions struct{}

func (boundedDefinitions) Transform(n *ast.Paragraph, r text.Reader, pc parser.Context) {
	first := n.Lines().At(0)
	if !mayDefine(r.Source()[first.Start:first.Stop]) {
		return
	}
	if n.Lines().Len() <= maxDefs {
		parser.LinkReferenceParagraphTransformer.Transform(n, r, pc)
		return
	}
	lines := n.Lines().Sliced(0, n.Lines().Len())
	for len(lines) > 0 {
		size := min(maxDefs, len(lines))
		some := paragraphBefore(n, lines[:size:size])
		parser.LinkReferenceParagraphTransformer.Transform(some, r, pc)
		left := 0
		if some.Parent() != nil {
			left = some.Lines().Len()
			n.Parent().RemoveChild(n.Parent(), some)
		}
		lines = lines[size-left:]
		if left == size {
			break
		}
	}
	n.SetLines(segments(lines))
	if len(lines) == 0 {
		n.Parent().RemoveChild(n.Parent(), n)
	}
}

// mayDefine reports whether a paragraph that begins with this line may begin with a definition, "[label]: …". Most do not, and
// goldmark takes its time to find out.
func mayDefine(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	if len(line) == 0 || line[0] != '[' {
		return false
	}
	for i := 1; i+1 < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '[':
			return false
		case ']':
			return line[i+1] == ':'
		}
	}
	return true
}

// paragraphBefore makes a paragraph of lines, before another.
func paragraphBefore(n *ast.Paragraph, lines []text.Segment) *ast.Paragraph {
	p := ast.NewParagraph()
	p.SetLines(segments(lines))
	p.SetPos(lines[0].Start)
	p.SetBlankPreviousLines(n.HasBlankPreviousLines())
	n.Parent().InsertBefore(n.Parent(), n, p)
	return p
}

func segments(lines []text.Segment) *text.Segments {
	s := text.NewSegments()
	s.AppendAll(lines)
	return s
}

// boundedTable leaves tables as text that have too many columns, or too many rows that lack cells.
type boundedTable struct{ parser.ParagraphTransformer }

// missingKey is for the cells that the tables of a document lack so far, boundedKey says that one was left out for them.
var missingKey, boundedKey = parser.NewContextKey(), parser.NewContextKey()

func (t boundedTable) Transform(n *ast.Paragraph, r text.Reader, pc parser.Context) {
	missing, _ := pc.Get(missingKey).(int)
	src, columns := r.Source(), 0
	for i := range n.Lines().Len() {
		seg := n.Lines().At(i)
		line := bytes.TrimSpace(src[seg.Start:seg.Stop])
		switch pipes := bytes.Count(line, []byte("|")); {
		case columns > 0:
			missing += max(0, columns-pipes)
		case i > 0 && len(bytes.Trim(line, "|:- \t")) == 0:
			columns = pipes + 1
		}
	}
	if columns == 0 || columns > maxColumns {
		return
	}
	if missing > maxMissing {
		pc.Set(boundedKey, true)
		return
	}
	pc.Set(missingKey, missing)
	t.ParagraphTransformer.Transform(n, r, pc)
}

// boundedParagraph cuts a paragraph that is too long, at the ends of lines.
type boundedParagraph struct{}

func (boundedParagraph) Transform(n *ast.Paragraph, r text.Reader, _ parser.Context) {
	lines := n.Lines().Sliced(0, n.Lines().Len())
	if len(lines) <= maxLines {
		return
	}
	for i := range lines {
		lines[i] = lines[i].TrimLeftSpace(r.Source())
	}
	for ; len(lines) > maxLines; lines = lines[maxLines:] {
		p := paragraphBefore(n, lines[:maxLines])
		last := p.Lines().At(maxLines - 1)
		p.Lines().Set(maxLines-1, last.TrimRightSpace(r.Source()))
	}
	n.SetLines(segments(lines))
}

// spent is what the marks of one paragraph have cost so far.
type spent struct {
	block ast.Node
	marks int // of emphasis
	open  int // brackets
	vain  int // bytes looked at for an end that is not there
}

var spentKey = parser.NewContextKey()

// spentIn gives the account of the block that is being read; there is one, as blocks are read one after the other.
func spentIn(block ast.Node, pc parser.Context) *spent {
	s := pc.ComputeIfAbsent(spentKey, func() any { return new(spent) }).(*spent)
	if s.block != block {
		*s = spent{block: block}
	}
	return s
}

// lookedInVain notes that the rest of the block was looked at.
func (s *spent) lookedInVain(from int) {
	if n := s.block.Lines().Len(); n > 0 {
		s.vain += s.block.Lines().At(n-1).Stop - from
	}
}

type boundedCode struct{ parser.InlineParser }

func (b boundedCode) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	s := spentIn(parent, pc)
	if s.vain > maxVain {
		return nil
	}
	_, at := block.Position()
	n := b.InlineParser.Parse(parent, block, pc)
	if _, closed := n.(*ast.CodeSpan); !closed {
		s.lookedInVain(at.Start)
	}
	return n
}

type boundedMark struct{ parser.InlineParser }

func (b boundedMark) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	s := spentIn(parent, pc)
	if s.marks > maxMarks {
		return nil
	}
	n := b.InlineParser.Parse(parent, block, pc)
	if n != nil {
		s.marks++
	}
	return n
}

type boundedLink struct{ parser.InlineParser }

func (b boundedLink) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	s := spentIn(parent, pc)
	line, at := block.PeekLine()
	if s.vain > maxVain || line[0] != ']' && s.open >= maxOpen {
		return nil
	}
	n := b.InlineParser.Parse(parent, block, pc)
	switch {
	case line[0] != ']':
		if n != nil {
			s.open++
		}
	case s.open > 0:
		s.open--
		if n == nil && len(line) > 1 && (line[1] == '(' || line[1] == '[') {
			s.lookedInVain(at.Start)
		}
	}
	return n
}

// CloseBlock forgets the brackets that are open at the end of a block.
func (b boundedLink) CloseBlock(parent ast.Node, block text.Reader, pc parser.Context) {
	b.InlineParser.(parser.CloseBlocker).CloseBlock(parent, block, pc)
}
