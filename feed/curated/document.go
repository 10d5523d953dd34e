package curated

import (
	"net/url"
	"strings"
	"unicode"
)

// document is one reading of a source, or of a part of one. Each of its fields stands in one of these four groups.
type document struct {
	source
	carried
	made
	scratch
}

// source is what is read.
type source struct {
	raw    []byte // the prepared source
	src    string // the same, so that pieces are cut from it without a copy
	lines  []int  // offsets of its line ends, made when first asked for
	breaks []int  // offsets of the line ends that the source does not have
	page   *url.URL
}

// carried is what a reading carries from one block to the next: all that decides, beside the text, how the blocks after are
// read. It is compared as a whole: see part.
type carried struct {
	stack    []heading // the headings that the reading stands under
	firsts   int       // how many headings of the top level there were; 2 stands for more
	titles   int       // how many of any level; 2 stands for more
	top      string    // the first heading of the top level, where it stands above all entries
	titled   bool      // a heading was read
	entries  int       // how many of the drafts are entries still
	open     int       // the draft of a heading that is an entry, plus one, while its text goes on
	quoteOf  int       // the draft that the block quote after this paragraph belongs to, plus one
	centred  int       // how many <div> are open since one with align=center
	inQuote  bool      // in a block quote that belongs to no entry
	ignoring bool      // between ignore-start and ignore-end
}

// made is what a reading makes: the Markdown flattened to pieces of text and to links, and the entries in the making.
type made struct {
	pieces   []piece
	links    []link
	drafts   []draft
	headings int // how many there are in all, bold lines and <summary> among them
}

// scratch is what means nothing to the next block.
type scratch struct {
	path  []string // the titles of the stack; nil when it must be made anew
	taken int      // the offset up to which the source belongs to a bare address
	tags  tagState
}

// style is how a piece of text is set.
type style uint8

const (
	bold style = 1 << iota
	italic
	code
	strike
	small // <sub>, <sup>, <kbd>: a mark beside the text
)

type pieceKind uint8

const (
	textPiece pieceKind = iota
	imagePiece
	softBreak // a line end in the source
	hardBreak // a line end for the reader
	ignoreMark
)

// piece is a run of text in one style, or what stands between such runs.
type piece struct {
	text  string
	link  int32 // the index of the link it belongs to, plus one
	kind  pieceKind
	style style
}

// span is a range of the document's pieces.
type span struct{ from, to int }

func (s span) empty() bool { return s.from >= s.to }

// link is one link of the document.
type link struct {
	url     string
	pos     int  // its offset in the source
	auto    bool // a bare address
	pieces  span
	verdict verdict
}

// leadsOut reports whether a link leads to another document.
func (l *link) leadsOut() bool {
	u := l.url
	if u == "" || u[0] == '#' || len(u) > maxAddress || !isPrintable(u) && strings.IndexFunc(u, unicode.IsControl) >= 0 {
		return false
	}
	if !hasScheme(u) {
		return true
	}
	scheme, rest, _ := strings.Cut(u, ":")
	switch strings.ToLower(scheme) {
	case "http", "https":
		return hasHost(rest)
	case "ftp", "gemini", "magnet":
		return true
	}
	return false
}

// maxAddress is the most bytes of an entry's address; browsers and readers take about as much.
const maxAddress = 4096

// hasHost reports whether what follows "https:" names a host.
func hasHost(rest string) bool {
	host, ok := strings.CutPrefix(rest, "//")
	if i := strings.IndexAny(host, "/?#\\"); i >= 0 {
		host = host[:i]
	}
	return ok && host != "" && strings.HasPrefix(host, "[") == strings.Contains(host, "]")
}

// draft is an entry in the making.
type draft struct {
	link  int // its address
	title span
	named string // the title where it is not the text of the link
	lead  span   // what stands before the link and belongs to the summary
	rest  span   // what follows the link in its line
	body  []span // paragraphs, and cells, after that
	quote []span
	path  []string
	also  []int // further links
	under int   // the heading it stands under; 0: none
}

// newLink opens a link, and ends an HTML link that it stands in; its pieces are those added until closeLink.
func (d *document) newLink(raw string, pos int, auto bool) int32 {
	d.endLink()
	d.links = append(d.links, link{
		url: innerAddress(strings.TrimSpace(decode(raw))), pos: pos, auto: auto,
		pieces: span{len(d.pieces), len(d.pieces)}, verdict: verdict{rule: ruleProse},
	})
	return int32(len(d.links))
}

// innerAddress repairs an address that was made a link of its own: [text]([address](address)).
func innerAddress(u string) string {
	if !strings.HasPrefix(u, "[") || !strings.HasSuffix(u, ")") {
		return u
	}
	if _, inner, ok := strings.Cut(u, "]("); ok {
		return strings.TrimSuffix(inner, ")")
	}
	return u
}

func (d *document) closeLink(ref int32) {
	d.links[ref-1].pieces.to = len(d.pieces)
}

// add appends a piece.
func (d *document) add(kind pieceKind, text string, st style, ref int32) {
	d.pieces = append(d.pieces, piece{text: text, link: ref, kind: kind, style: st})
}

// plain is the text of a span, white space folded.
func (d *document) plain(s span) string {
	return foldSpace(joinPieces(d.at(s)))
}

// at gives the pieces of a span. Links may be nested in broken HTML, so that what "follows" one may end before it begins.
func (d *document) at(s span) []piece {
	if s.empty() {
		return nil
	}
	return d.pieces[s.from:s.to:s.to]
}

// joinPieces is the text of pieces as it stands; breaks count as one space.
func joinPieces(ps []piece) string {
	if len(ps) == 1 && ps[0].kind == textPiece {
		return ps[0].text
	}
	n := 0
	for i := range ps {
		n += len(ps[i].text) + 1
	}
	var b strings.Builder
	b.Grow(n)
	for i := range ps {
		switch ps[i].kind {
		case textPiece:
			b.WriteString(ps[i].text)
		case softBreak, hardBreak:
			b.WriteByte(' ')
		}
	}
	return b.String()
}
