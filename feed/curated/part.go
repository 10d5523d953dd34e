package curated

import (
	"bytes"
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// part is a part of a document, read by itself: all of it, or what stands between two cuts. A cut is the beginning of a line
// that CommonMark takes for a heading and for no part of a block above (0.31, section 4.2), so that the blocks of a document
// are those of its parts. What a part is made into depends on nothing but its text, its beginning, what it learns of the
// references that are defined elsewhere, and what is carried into it: where these are as they were, so is the part.
type part struct {
	text      string // the source
	lines     int    // how many line ends that has
	beginning beginning
	after     *mending // of its last line
	references
	cells   int // how many its tables lack
	bounded bool
	title   string // from the front matter

	document *document // nil once the resources are made
	root     ast.Node
	end      ast.Node // the first node that is no part of it, if any

	from, to *carried // to is nil where the part is not to be read by itself
	lone     string   // the document's own title, as far as it is known behind the part
	named    []group  // see byHeading
	groups   int
	begun    bool     // it has entries,
	joins    bool     // the first of which stands under a heading of an earlier part
	out      []string // the distinct addresses that lead out of the document

	shape     shape
	resources []resource // made for that shape; nil: not yet

	// What a Reader notes.
	head    int          // how long its first segment is
	own     inlineFaults // of that
	follows *mending     // of the part before
	taken   int          // the newest version that has it,
	stands  int          // and the newest one that was kept
}

// beginning is what the Markdown of a part depends on beside its text. It is compared as a whole.
type beginning struct {
	first, last bool          // of the document
	faults      *inlineFaults // of the document
	head        string        // the first line, mended; of the first part, nothing
	mending     mending       // behind that
}

// shape is what the resources of a part depend on beside the part.
type shape struct {
	lone    string // the document's own title
	byNames bool   // its headings name the resources
}

// resource is an entry, or a further place of one.
type resource struct {
	entry Entry
	name  string // the title, with its marks
	key   string // by which it is one with others of the document
	known string // the canonical form of its address
}

// wholePart reads a document as one part.
func wholePart(src []byte, page *url.URL) *part {
	p := &part{beginning: beginning{first: true, last: true}}
	prep := prepare(src)
	p.parse(prep, page, nil)
	p.read(&carried{})
	return p
}

// newPart parses a part of a document. It gives nil where the text does not end at a cut.
func newPart(src string, b beginning, page *url.URL, known *definitions) *part {
	p := &part{text: src, lines: strings.Count(src, "\n"), beginning: b}
	prep := p.prepare()
	p.parse(prep, page, known)
	if !b.last && !p.cutEnd(len(prep.out)) {
		return nil
	}
	return p
}

// prepare mends the part.
func (p *part) prepare() *prepared {
	b := &p.beginning
	src := validBytes([]byte(p.text))
	prep := &prepared{out: make([]byte, 0, len(src)+len(src)/64+64)}
	if b.first {
		src = prep.front(src)
	} else {
		src = src[lineLen(src):]
		prep.out = append(prep.out, b.head...)
		if b.head[0] == '\n' {
			prep.breaks = append(prep.breaks, 0)
		}
	}
	fix := repairer{prepared: prep, inlineFaults: *b.faults, rest: src, mending: b.mending.clone()}
	fix.lines(src)
	p.after = &fix.mending
	return prep
}

// endMark is a heading, which stands for the one behind a part.
const endMark = "# .\n"

// parse parses the mended source, with what is known of references; nil: all that is defined is in the part.
func (p *part) parse(prep *prepared, page *url.URL, known *definitions) {
	raw := prep.out
	if !p.beginning.last {
		if p.after.html {
			raw = append(raw, '\n') // see breakLine
		}
		raw = append(raw, endMark...)
	}
	p.title = prep.title
	p.document = &document{source: source{raw: raw, src: string(raw), breaks: prep.breaks, page: page}}
	pc := parser.NewContext()
	if known != nil {
		p.asked = make(map[string]definition)
		p.root = markdown.Parse(text.NewReader(raw), parser.WithContext(partContext{pc, known, &p.references}))
	} else {
		p.root = markdown.Parse(text.NewReader(raw), parser.WithContext(pc))
	}
	p.cells, _ = pc.Get(missingKey).(int)
	p.bounded, _ = pc.Get(boundedKey).(bool)
}

// cutEnd cuts off the heading that stands for the next part, which begins behind an offset, and reports whether it is one.
func (p *part) cutEnd(offset int) bool {
	h, ok := p.root.LastChild().(*ast.Heading)
	if !ok || h.Lines().Len() != 1 || h.Lines().At(0).Start < offset {
		return false
	}
	p.end = h
	return true
}

// read reads the part, with what is carried into it.
func (p *part) read(from *carried) {
	d := p.document
	d.carried = *from
	d.stack = slices.Clone(from.stack)
	d.headings = len(d.stack)
	links := bytes.Count(d.raw, []byte("](")) + bytes.Count(d.raw, []byte("<a "))
	foreign := 0 // the headings above that are entries of other parts
	for _, h := range d.stack {
		foreign = max(foreign, h.draft)
	}
	d.pieces = make([]piece, 0, len(d.src)/24)
	d.links, d.drafts = make([]link, 0, links), make([]draft, foreign, foreign+links)
	for n := p.root.FirstChild(); n != p.end; n = n.NextSibling() {
		d.block(n)
	}
	d.closeDraft()
	p.from, p.to, p.lone = from, d.carry(), d.loneTitle()
	for _, f := range d.drafts[:foreign] {
		if len(f.also)+len(f.body)+len(f.quote) > 0 {
			p.to = nil // it says something of them
		}
	}
	d.drafts = slices.DeleteFunc(d.drafts[foreign:], func(f draft) bool { return !d.links[f.link].verdict.entry })
	p.begun = len(d.drafts) > 0
	p.joins = p.begun && d.drafts[0].under <= len(from.stack)
	p.named, p.groups = d.byHeading()
	p.out = d.outgoing()
	p.root, p.end = nil, nil
}

// carry gives what is carried over a cut, where a heading comes next; nil where something is that belongs to no heading.
// Headings and entries are numbered anew: nothing but the difference of their numbers counts.
func (d *document) carry() *carried {
	c := d.carried
	if c.quoteOf != 0 {
		return nil
	}
	c.entries = min(c.entries, 1)
	c.stack, c.top = slices.Clone(c.stack), strings.Clone(c.top)
	drafts := 0
	for i := range c.stack {
		h := &c.stack[i]
		h.title = strings.Clone(h.title) // and not with all the text that it stood in
		if h.no > 0 {
			h.no = i + 1
		}
		if h.draft > 0 {
			drafts++
			h.draft = drafts
		}
	}
	return &c
}

// make makes the resources of a part that was just read.
func (p *part) make(s shape) {
	d := p.document
	if s.byNames {
		d.nameByHeadings(p.named)
	}
	p.shape, p.resources = s, make([]resource, len(d.drafts))
	for i := range d.drafts {
		f, r := &d.drafts[i], &p.resources[i]
		r.name = d.name(f)
		r.entry = d.entry(f, r.name)
		r.entry.Sections = [][]string{below(s.lone, f.path)}
		address := d.resolve(d.links[f.link].url)
		r.key = CanonicalURL(address)
		if r.known = r.key; r.entry.URL != address {
			r.known = CanonicalURL(r.entry.URL)
		}
	}
	p.document = nil
}

// shapeOf gives the shape of the parts of a document.
func shapeOf(parts []*part) shape {
	named, all := 0, 0
	for _, p := range parts {
		named += len(p.named)
		all += p.groups
	}
	return shape{lone: parts[len(parts)-1].lone, byNames: headingsName(named, all)}
}

// assemble makes a list of the parts of a document; at is for the place of each resource.
func assemble(parts []*part, s shape, at map[string]int) *List {
	n := 0
	for _, p := range parts {
		n += len(p.resources)
	}
	title := cmp.Or(parts[0].title, s.lone)
	if contentsTitles[foldTitle(title)] {
		title = "" // it heads the table of contents; the document's own may be a picture
	}
	list := &List{Title: title, Entries: make([]Entry, 0, n), keys: make([]string, 0, n)}
	clear(at)
	line, distinct := 0, true
	for _, p := range parts {
		for i := range p.resources {
			r := &p.resources[i]
			if seen, twice := at[r.key]; twice {
				list.Entries[seen].addPlace(r.name, r.entry.Sections[0])
				continue
			}
			at[r.key] = len(list.Entries)
			list.Entries = append(list.Entries, r.entry)
			list.Entries[len(list.Entries)-1].Line += line
			list.keys = append(list.keys, r.known)
			distinct = distinct && r.known == r.key
		}
		line += p.lines
	}
	if !distinct {
		list.keys = nil
	}
	return list
}
