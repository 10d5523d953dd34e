package curated

import (
	"bytes"
	"cmp"
	"maps"
	"reflect"
	"strings"
)

// segment is a range of a source between two places where it may perhaps be cut.
type segment struct {
	from, to int
	old      *part // of the version before, that began with the same text
	own      inlineFaults
}

// minSegment is how many bytes segments must have on average. Where headings are closer together, the source is cut at the
// higher ones only.
const minSegment = 256

// segments finds the places where a source may perhaps be cut, and the faults of the document.
func (r *fileReader) segments(src []byte) []segment {
	front := len(frontMatter(src))
	var cuts []int
	var levels [7]int
	for i := front; ; {
		n := bytes.Index(src[i:], []byte("\n#"))
		if n < 0 {
			break
		}
		i += n + 1
		if level := headingLevel(src[i:]); level > 0 {
			cuts = append(cuts, i)
			levels[level]++
		}
	}
	number, deepest := len(cuts), 6
	for ; number > len(src)/cmp.Or(r.segment, minSegment); deepest-- {
		number -= levels[deepest]
	}
	segments := make([]segment, 0, number+1)
	from := 0
	for _, at := range append(cuts, len(src)) {
		if at == len(src) || headingLevel(src[at:]) <= deepest {
			segments = append(segments, segment{from: from, to: at})
			from = at
		}
	}
	r.findFaults(src, segments)
	return segments
}

// headingLevel gives the level of a line that begins with the marks of a heading, 0 for another.
func headingLevel(line []byte) int {
	n := 0
	for n < len(line) && line[n] == '#' {
		n++
	}
	if n == len(line) || n > 6 {
		return 0
	}
	if c := line[n]; c == ' ' || c == '\t' || c == '\n' || n > 1 && isAlpha(c) {
		return n
	}
	return 0
}

// findFaults finds the faults of a document; those of text that stood in the version before are known.
func (r *fileReader) findFaults(src []byte, segments []segment) {
	all := inlineFaults{gaps: true} // which each line is asked for anyway
	for i := range segments {
		s := &segments[i]
		text := src[s.from:s.to]
		if s.old = r.byText[string(text)]; s.old != nil {
			s.own = s.old.own
		} else {
			text = validBytes(text)
			if i == 0 {
				text = text[len(frontMatter(text)):]
			}
			s.own = findFaults(text)
		}
		all.wide = all.wide || s.own.wide
		if len(s.own.notes) > 0 {
			if all.notes == nil {
				all.notes = make(map[string]struct{})
			}
			maps.Copy(all.notes, s.own.notes)
		}
	}
	if !reflect.DeepEqual(r.faults, &all) {
		r.faults = &all
	}
}

// parse cuts a version into parts that are parsed; nil where it cannot be cut.
func (r *fileReader) parse(src []byte) []*part {
	segments := r.segments(src)
	parts := make([]*part, 0, len(segments))
	after := r.mending
	for len(segments) > 0 {
		p, n := r.oldPart(src, segments, after)
		if p == nil {
			p, n = r.newPart(src, segments, after)
		}
		if p == nil {
			return nil
		}
		p.taken = r.no
		parts = append(parts, p)
		after, segments = p.after, segments[n:]
	}
	return parts
}

// oldPart gives the part that began as this one does, if all is as it was, and the number of segments that it has.
func (r *fileReader) oldPart(src []byte, segments []segment, after *mending) (*part, int) {
	p, from := segments[0].old, segments[0].from
	if p == nil || p.taken == r.no || len(src)-from < len(p.text) || string(src[from:from+len(p.text)]) != p.text {
		return nil, 0
	}
	n := 1
	for n < len(segments) && segments[n-1].to < from+len(p.text) {
		n++
	}
	last := n == len(segments)
	switch {
	case segments[n-1].to != from+len(p.text) || p.beginning.first != (from == 0) || p.beginning.last != last:
		return nil, 0
	case p.follows == after && p.beginning.faults == r.faults:
		return p, n
	}
	b, ok := r.begin(src[from:], from == 0, after)
	if b.last = last; !ok || !reflect.DeepEqual(b, p.beginning) {
		return nil, 0
	}
	p.follows, p.beginning.faults = after, r.faults
	return p, n
}

// newPart parses the part that begins here, and gives the number of segments that it has: up to where the next part begins
// in any case. It gives nil where the source cannot be cut here.
func (r *fileReader) newPart(src []byte, segments []segment, after *mending) (*part, int) {
	from := segments[0].from
	b, ok := r.begin(src[from:], from == 0, after)
	if !ok {
		return nil, 0
	}
	for n := 1; ; n = min(2*n, len(segments)) {
		b.last = n == len(segments)
		if p := newPart(string(src[from:segments[n-1].to]), b, r.file.Page, r.known); p != nil {
			p.checked, p.follows = r.known, after
			p.head, p.own = segments[0].to-from, segments[0].own
			return p, n
		}
	}
}

// begin mends the first line of a part. It is not ok where that becomes no heading.
func (r *fileReader) begin(src []byte, first bool, after *mending) (b beginning, ok bool) {
	b = beginning{first: first, faults: r.faults, mending: after.clone()}
	if first {
		return b, true
	}
	line := validBytes(src[:lineLen(src)])
	fix := repairer{prepared: new(prepared), inlineFaults: *r.faults, rest: line, mending: b.mending}
	fix.next(line)
	b.head, b.mending = string(fix.out), fix.mending
	head, broken := strings.CutPrefix(b.head, "\n") // see breakLine
	marks := len(head) - len(strings.TrimLeft(head, "#"))
	return b, broken == after.html && marks > 0 && marks <= 6 && (len(head) == marks || strings.IndexByte(" \t\n", head[marks]) >= 0)
}
