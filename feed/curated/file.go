package curated

import (
	"bytes"
	"cmp"
	"net/url"
	"path"
	"slices"
	"strings"
)

// File is one Markdown document of a list; most lists have one.
type File struct {
	Path  string   // with slashes, from the top of where the list lives; it names a file without a title
	Bytes []byte   // not to be changed afterwards
	Page  *url.URL // where people read it; nil: not known
}

// Same reports whether a file is what it was: its name and its bytes.
func (f File) Same(was File) bool { return f.Path == was.Path && bytes.Equal(f.Bytes, was.Bytes) }

// Read reads a list of one or several files. Of several, the title of each is its top section, and the list has none.
func Read(files []File) *List { return new(Reader).Read(files) }

// join makes one list of several; the links are not counted.
func join(files []File, lists []*List) *List {
	all := &List{Entries: []Entry{}, keys: []string{}}
	at := make(map[string]int)
	for i, l := range lists {
		keys := l.canonicalURLs()
		top := l.Title
		if top == "" {
			top = files[i].name()
		}
		for j, e := range l.Entries {
			e.Sections = under(top, e.Sections)
			e.Also = slices.Clip(e.Also)
			key := keys[j]
			seen, twice := at[key]
			if !twice {
				at[key] = len(all.Entries)
				all.Entries, all.keys = append(all.Entries, e), append(all.keys, key)
				continue
			}
			first := &all.Entries[seen]
			for _, title := range append([]string{e.Title}, e.Also...) {
				first.addTitle(title)
			}
			for _, s := range e.Sections {
				first.addSection(s)
			}
		}
	}
	return all
}

// name is what a file without a title is called.
func (f *File) name() string {
	base := path.Base(f.Path)
	return cmp.Or(strings.TrimSuffix(base, path.Ext(base)), base)
}

// under puts the sections of a file under its title.
func under(top string, sections [][]string) [][]string {
	out := make([][]string, len(sections))
	for i, s := range sections {
		out[i] = append([]string{top}, s...)
	}
	return out
}
