package curated

import (
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/util"
)

// references are what a part has to do with the reference definitions of its document (CommonMark 0.31, section 4.7), which
// count wherever they stand.
type references struct {
	defined []definition          // by the part, in their order
	asked   map[string]definition // the labels that could be references, and what was known of them
	checked *definitions          // with which the answers agree
}

// definition is a reference definition; the zero value stands for none.
type definition struct {
	defined                   bool
	label, destination, title string
}

// definitions are those of a document, by label.
type definitions struct{ byLabel map[string]definition }

// add adds those of a part; of two for one label, the first counts.
func (d *definitions) add(defined []definition) {
	for _, x := range defined {
		if _, twice := d.byLabel[x.label]; !twice {
			d.byLabel[x.label] = x
		}
	}
}

// agree reports whether what a part was told of references is so.
func (r *references) agree(known *definitions) bool {
	if r.checked == known {
		return true
	}
	for label, was := range r.asked {
		if known.byLabel[label] != was {
			return false
		}
	}
	r.checked = known
	return true
}

// partContext lets a part know the references of its document.
type partContext struct {
	parser.Context
	known *definitions
	part  *references
}

func (c partContext) AddReference(ref parser.Reference) {
	label := util.ToLinkReference(ref.Label())
	c.part.defined = append(c.part.defined, definition{true, label, string(ref.Destination()), string(ref.Title())})
}

func (c partContext) Reference(label string) (parser.Reference, bool) {
	d := c.known.byLabel[label]
	c.part.asked[label] = d
	if !d.defined {
		return nil, false
	}
	return parser.NewReference([]byte(d.label), []byte(d.destination), []byte(d.title)), true
}
