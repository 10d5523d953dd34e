package templates

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// document is a rendered page or mail.
type document struct {
	t    *testing.T
	root *html.Node
}

func read(t *testing.T, source string) document {
	t.Helper()
	if strings.Contains(source, "ZgotmplZ") {
		t.Errorf("a value stands where it is unsafe:\n%s", source)
	}
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	return document{t, root}
}

func (p page) render(t *testing.T, set *Set) document {
	t.Helper()
	var b bytes.Buffer
	if err := p.write(set, &b); err != nil {
		t.Fatal(err)
	}
	return read(t, b.String())
}

// all are the elements of a name.
func (d document) all(tag string) []*html.Node {
	var out []*html.Node
	for n := range within(d.root) {
		if n.Type == html.ElementNode && n.Data == tag {
			out = append(out, n)
		}
	}
	return out
}

// one is the only element of a name.
func (d document) one(tag string) *html.Node {
	d.t.Helper()
	found := d.all(tag)
	if len(found) != 1 {
		d.t.Fatalf("there are %d <%s>, want 1", len(found), tag)
	}
	return found[0]
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// rel are the addresses of the <link>s of one relation.
func (d document) rel(rel string) []string {
	var out []string
	for _, n := range d.all("link") {
		if attr(n, "rel") == rel {
			out = append(out, attr(n, "href"))
		}
	}
	return out
}

// meta is the content of the <meta> of a name or property.
func (d document) meta(name string) string {
	for _, n := range d.all("meta") {
		if attr(n, "name") == name || attr(n, "property") == name {
			return attr(n, "content")
		}
	}
	return ""
}

// checkIDs wants every id once, and each reference to one to lead somewhere.
func (d document) checkIDs() {
	d.t.Helper()
	seen := map[string]int{}
	var refs []string
	for n := range within(d.root) {
		if id := attr(n, "id"); id != "" {
			seen[id]++
		}
		for _, key := range []string{"for", "aria-labelledby", "aria-describedby"} {
			if ref := attr(n, key); ref != "" {
				refs = append(refs, ref)
			}
		}
		if to, ok := strings.CutPrefix(attr(n, "href"), "#"); ok {
			refs = append(refs, to)
		}
	}
	for id, n := range seen {
		if n > 1 {
			d.t.Errorf("id %q stands %d times", id, n)
		}
	}
	for _, ref := range refs {
		if seen[ref] == 0 {
			d.t.Errorf("nothing has the id %q", ref)
		}
	}
}

// checkLabels wants a label on everything a reader fills in, and the trap for robots out of everybody's way.
func (d document) checkLabels() {
	d.t.Helper()
	labels := map[string]bool{}
	inside := map[*html.Node]bool{}
	for _, l := range d.all("label") {
		labels[attr(l, "for")] = true
		for n := range within(l) {
			inside[n] = true
		}
	}
	for _, in := range d.all("input") {
		if attr(in, "type") != "hidden" && !inside[in] && !labels[attr(in, "id")] {
			d.t.Errorf("the field %q has no label", attr(in, "name"))
		}
		if attr(in, "name") == "website" && (attr(in, "tabindex") != "-1" || attr(in, "autocomplete") != "off") {
			d.t.Error("the trap is in the way of people")
		}
	}
}

// checkHeadings wants no level left out.
func (d document) checkHeadings() {
	d.t.Helper()
	level := 0
	for n := range within(d.root) {
		if n.Type == html.ElementNode && len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
			next := int(n.Data[1] - '0')
			if next > level+1 {
				d.t.Errorf("<%s>%s follows a heading of level %d", n.Data, words(n), level)
			}
			level = next
		}
	}
}
