package feedtest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
)

// The namespaces that our documents use. Validators know no others, or warn of them.
const (
	atomSpace    = "http://www.w3.org/2005/Atom"
	historySpace = "http://purl.org/syndication/history/1.0"
	dublinSpace  = "http://purl.org/dc/elements/1.1/"
	contentSpace = "http://purl.org/rss/1.0/modules/content/"
	xmlSpace     = "http://www.w3.org/XML/1998/namespace"
)

// prefixes are the names by which feed readers that know no namespaces look for their elements.
var prefixes = map[string]string{atomSpace: "atom", historySpace: "fh", dublinSpace: "dc", contentSpace: "content"}

// element is an element of an XML document.
type element struct {
	xml.Name
	attrs    []xml.Attr // without declarations of namespaces
	children []*element
	text     string          // character data directly inside
	raw      string          // all between its tags, as written
	spaces   map[string]bool // that are declared
	home     string          // the root's namespace
}

// qname is an element's name as people write it: without a prefix where the root's namespace is its own.
func (e *element) qname() string {
	if e.Space == e.home {
		return e.Local
	}
	return qname(e.Name)
}

// qname is the name of an attribute.
func qname(n xml.Name) string {
	switch prefix := prefixes[n.Space]; {
	case n.Space == xmlSpace:
		return "xml:" + n.Local
	case n.Space == "":
		return n.Local
	case prefix != "":
		return prefix + ":" + n.Local
	}
	return "{" + n.Space + "}" + n.Local
}

func (e *element) attr(local string) (string, bool) {
	for _, a := range e.attrs {
		if a.Name == (xml.Name{Local: local}) {
			return a.Value, true
		}
	}
	return "", false
}

// all are the children of a name as qname gives it.
func (e *element) all(name string) []*element {
	var found []*element
	for _, c := range e.children {
		if c.qname() == name {
			found = append(found, c)
		}
	}
	return found
}

// one is the first child of a name, or nil.
func (e *element) one(name string) *element {
	if found := e.all(name); len(found) > 0 {
		return found[0]
	}
	return nil
}

// value is the text of the first child of a name.
func (e *element) value(name string) string {
	if c := e.one(name); c != nil {
		return c.text
	}
	return ""
}

// readXML reads a document strictly: what encoding/xml lets pass although XML 1.0 or its namespaces forbid it is a problem too.
// It gives nil for what is no document at all.
func readXML(r *report, doc []byte) *element {
	if !bytes.HasPrefix(doc, []byte(`<?xml version="1.0" encoding="UTF-8"?>`)) {
		r.add("it does not begin with an XML declaration of UTF-8")
	}
	d := xml.NewDecoder(bytes.NewReader(doc))
	var root *element
	var stack []*element
	var starts []int64
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.add("it is no XML: %v", err)
			return nil
		}
		switch token := token.(type) {
		case xml.Directive:
			r.add("it has a document type or another declaration: <!%.40s>", token)
		case xml.CharData:
			if len(stack) > 0 {
				stack[len(stack)-1].text += string(token)
			} else if len(bytes.TrimSpace(token)) > 0 {
				r.add("there is text outside of the root element: %s", shown(string(token)))
			}
		case xml.StartElement:
			var parent *element
			if len(stack) > 0 {
				parent = stack[len(stack)-1]
			}
			e := begin(r, parent, token)
			if parent != nil {
				parent.children = append(parent.children, e)
			} else if root == nil {
				root = e
			} else {
				r.add("there is a second root element, %s", e.qname())
			}
			stack, starts = append(stack, e), append(starts, d.InputOffset())
		case xml.EndElement:
			last := len(stack) - 1
			inner := string(doc[starts[last]:d.InputOffset()])
			if end := strings.LastIndex(inner, "</"); end >= 0 { // none in <empty/>
				stack[last].raw = inner[:end]
			}
			stack, starts = stack[:last], starts[:last]
		}
	}
	if root == nil {
		r.add("it has no root element")
	}
	return root
}

// begin makes an element of its start, and looks at names and attributes.
func begin(r *report, parent *element, start xml.StartElement) *element {
	e := &element{Name: start.Name, home: start.Name.Space}
	if parent != nil {
		e.spaces, e.home = parent.spaces, parent.home
	}
	e.declare(r, start.Attr)
	names := map[xml.Name]bool{}
	for _, a := range start.Attr {
		if names[a.Name] {
			r.add("%s has the attribute %s twice", e.qname(), qname(a.Name))
		}
		names[a.Name] = true
		if a.Name.Space == "xmlns" || a.Name == (xml.Name{Local: "xmlns"}) {
			continue
		}
		e.attrs = append(e.attrs, a)
		badCharacters(r, e.qname()+"/"+qname(a.Name), a.Value)
		if a.Name.Space != "" && a.Name.Space != xmlSpace && !e.spaces[a.Name.Space] {
			r.add("the prefix of the attribute %s of %s is not declared", qname(a.Name), e.qname())
		}
	}
	if e.Space != "" && !e.spaces[e.Space] {
		r.add("the prefix of %s is not declared", e.qname())
	}
	return e
}

// declare takes in the namespaces that an element declares.
func (e *element) declare(r *report, attrs []xml.Attr) {
	for _, a := range attrs {
		prefix := ""
		switch {
		case a.Name.Space == "xmlns":
			prefix = a.Name.Local
		case a.Name != (xml.Name{Local: "xmlns"}):
			continue
		}
		usual, known := prefixes[a.Value]
		if !known {
			r.add("the namespace %s is none that feed readers know", shown(a.Value))
		} else if prefix != "" && prefix != usual {
			r.add("the namespace %s has the prefix %s, and readers look for %s", a.Value, prefix, usual)
		}
		spaces := map[string]bool{a.Value: true}
		for s := range e.spaces {
			spaces[s] = true
		}
		e.spaces = spaces
	}
}

// leaf says that an element holds nothing but text, and that its text is sound.
func leaf(r *report, e *element) {
	if len(e.children) > 0 {
		r.add("%s holds elements, and only text may stand there", e.qname())
	}
	badCharacters(r, e.qname(), e.text)
}

// container says that an element holds nothing but elements.
func container(r *report, e *element) {
	if text := strings.TrimSpace(e.text); text != "" {
		r.add("%s holds text beside its elements: %s", e.qname(), shown(text))
	}
}

// rule is how often a child may stand in an element.
type rule struct{ least, most int }

const many = 1 << 30

// children holds an element's children against rules.
func children(r *report, e *element, rules map[string]rule) {
	container(r, e)
	count := map[string]int{}
	for _, c := range e.children {
		name := c.qname()
		if count[name]++; count[name] == 1 {
			if _, ok := rules[name]; !ok {
				r.add("%s cannot stand in %s", name, e.qname())
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		rule := rules[name]
		if n := count[name]; n < rule.least {
			r.add("%s lacks %s", e.qname(), name)
		} else if n > rule.most {
			r.add("%s has %d times %s, and may have it %d times", e.qname(), n, name, rule.most)
		}
	}
}

// attributes refuses attributes that are not named.
func attributes(r *report, e *element, allowed ...string) {
	for _, a := range e.attrs {
		if name := qname(a.Name); !slices.Contains(allowed, name) {
			r.add("%s cannot have the attribute %s", e.qname(), name)
		}
	}
}

// version2 reads a document of RSS or OPML, which have a root element of that name in version 2.0; nil: it is none.
func version2(r *report, doc []byte, name string) *element {
	size(r, doc)
	root := readXML(r, doc)
	if root == nil {
		return nil
	}
	if version, _ := root.attr("version"); root.Name.Space != "" || root.Local != name || version != "2.0" {
		r.add("the root element is %s, no %s of version 2.0", qname(root.Name), name)
		return nil
	}
	attributes(r, root, "version")
	return root
}
