package curated

import (
	"bytes"
	"maps"
	"net/url"
	"reflect"
	"strings"
)

// Reader reads the versions of a list one after the other. What it gives is what Read gives, but of each file it parses again
// only the parts that changed. What it gave stays as it is: entries share memory with those of later versions, and are not
// to be written into; any number of goroutines may read it, but only one at a time may use the Reader. The zero value works.
type Reader struct {
	files map[string]*fileReader
	out   map[string]int // the addresses that lead out of the list, and how many parts have each
	at    map[string]int // the place of each resource, while a list is made

	segment int // in the place of minSegment, if it is not 0: for tests, whose lists are small
}

// Read reads a version of the list.
func (r *Reader) Read(files []File) *List {
	if r.files == nil {
		r.out, r.at = make(map[string]int), make(map[string]int)
	}
	stand := make(map[string]*fileReader, len(files))
	lists := make([]*List, len(files))
	for i := range files {
		path := files[i].Path
		for stand[path] != nil {
			path += "\x00" // a file that is named twice
		}
		f := r.files[path]
		if f == nil {
			f = &fileReader{Reader: r}
		}
		f.next(&files[i])
		stand[path], lists[i] = f, f.list
	}
	for path, f := range r.files {
		if stand[path] == nil {
			f.no++
			f.replace(nil)
		}
	}
	r.files = stand
	var list *List
	if len(files) == 1 {
		list = &List{Title: lists[0].Title, Entries: lists[0].Entries, keys: lists[0].keys}
	} else {
		list = join(files, lists)
	}
	list.Links = len(r.out)
	return list
}

// fileReader reads the versions of one file.
type fileReader struct {
	*Reader
	file   File // the newest version,
	list   *List
	parts  []*part
	byText map[string]*part // those by their first segment
	faults *inlineFaults    // of the document
	known  *definitions     // of the document
	no     int              // of the version
	wholes int              // how many were read whole in a row, counted up to maxWholes
	// What is carried into every document.
	mending *mending
	carried *carried
}

// next reads the next version.
func (r *fileReader) next(f *File) {
	same := r.list != nil && samePage(f.Page, r.file.Page)
	if same && bytes.Equal(f.Bytes, r.file.Bytes) {
		return
	}
	if !same {
		r.byText, r.faults, r.known = nil, new(inlineFaults), &definitions{}
		r.mending, r.carried = new(mending), new(carried)
	}
	r.file = *f
	r.no++
	var parts []*part
	var s shape
	if r.wholes == 0 {
		parts, s = r.read(unixLines(f.Bytes))
	}
	if parts == nil {
		parts = []*part{wholePart(f.Bytes, f.Page)}
		s = shapeOf(parts)
		parts[0].make(s)
		r.wholes = (r.wholes + 1) % maxWholes
	}
	r.list = assemble(parts, s, r.at)
	r.replace(parts)
}

// maxWholes is how many versions are read whole, once one had to be, before parts are tried again: mostly in vain.
const maxWholes = 16

func samePage(a, b *url.URL) bool { return a == b || a != nil && b != nil && a.String() == b.String() }

// read reads a version in parts, or gives nil where that cannot be.
func (r *fileReader) read(src []byte) (parts []*part, s shape) {
	parts = r.parse(src)
	if parts == nil {
		return nil, s
	}
	r.define(parts)
	from, cells := r.carried, 0
	for i, p := range parts {
		if p.from != nil && (p.from == from || reflect.DeepEqual(p.from, from)) {
			p.from = from
		} else {
			if p.from != nil {
				p = r.again(p)
				parts[i] = p
			}
			p.read(from)
		}
		if cells += p.cells; p.to == nil || p.bounded || cells > maxMissing {
			return nil, s
		}
		from = p.to
	}
	begun := false
	for _, p := range parts {
		if begun && p.joins {
			return nil, s
		}
		begun = begun || p.begun
	}
	s = shapeOf(parts)
	for i, p := range parts {
		if p.resources != nil && p.shape == s {
			continue
		}
		if p.document == nil {
			p = r.again(p)
			p.read(parts[i].from)
			parts[i] = p
		}
		p.make(s)
	}
	return parts, s
}

// define finds out what the document defines, and parses again the parts that were told otherwise.
func (r *fileReader) define(parts []*part) {
	known := &definitions{byLabel: make(map[string]definition)}
	for _, p := range parts {
		known.add(p.defined)
	}
	if !maps.Equal(known.byLabel, r.known.byLabel) {
		r.known = known
	}
	for i, p := range parts {
		if !p.agree(r.known) {
			parts[i] = r.again(p)
		}
	}
}

// again parses a part again.
func (r *fileReader) again(p *part) *part {
	again := newPart(p.text, p.beginning, r.file.Page, r.known)
	again.checked, again.head, again.own, again.follows = r.known, p.head, p.own, p.follows
	return again
}

// replace keeps the parts of the newest version in the place of those before, and counts their links.
func (r *fileReader) replace(parts []*part) {
	r.byText = make(map[string]*part, len(parts))
	for _, p := range parts {
		if p.stands == 0 {
			r.count(p, 1)
		}
		p.stands = r.no
		if p.text != "" {
			r.byText[p.text[:p.head]] = p
		}
	}
	for _, p := range r.parts {
		if p.stands != r.no {
			r.count(p, -1)
		}
	}
	r.parts = parts
}

// count counts the links of a part in or out. Those without a scheme lead elsewhere in each file.
func (r *fileReader) count(p *part, by int) {
	for _, u := range p.out {
		if !hasScheme(u) {
			u = r.file.Path + "\x00" + u
		}
		n, counted := r.out[u]
		switch {
		case !counted:
			r.out[strings.Clone(u)] = by // the text it is a part of may go
		case n+by == 0:
			delete(r.out, u)
		default:
			r.out[u] = n + by
		}
	}
}
