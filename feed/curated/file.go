package curated

import (
	"net/url"
	"path"
	"strings"
)

// File is one Markdown document of a list; most lists have one.
type File struct {
	Path  string   // with slashes, from the top of where the list lives; it names a file without a title
	Bytes []byte   // not to be changed afterwards
	Page  *url.URL // where people read it; nil: not known
}

// Reader reads the versions of a list one after the other. What it gives is what Read gives. The zero value works.
type Reader struct{}

// Read reads a version of the list.
func (r *Reader) Read(files []File) *List {
	lists := make([]*List, len(files))
	for i, f := range files {
		lists[i] = Parse(f.Bytes, Options{Page: f.Page})
	}
	if len(files) == 1 {
		return lists[0]
	}
	return join(files, lists)
}

// Read reads a list of one or several files. Of several, the title of each is its top section, and the list has none.
func Read(files []File) *List { return new(Reader).Read(files) }

// join makes one list of several.
func join(files []File, lists []*List) *List {
	all := &List{Entries: []Entry{}}
	at := make(map[string]int)
	for i, l := range lists {
		top := l.Title
		if top == "" {
			top = strings.TrimSuffix(path.Base(files[i].Path), path.Ext(files[i].Path))
		}
		for _, e := range l.Entries {
			sections := e.Sections
			e.Sections = make([][]string, len(sections))
			for j, s := range sections {
				e.Sections[j] = append([]string{top}, s...)
			}
			key := CanonicalURL(e.URL)
			seen, twice := at[key]
			if !twice {
				at[key] = len(all.Entries)
				all.Entries = append(all.Entries, e)
				continue
			}
			for _, s := range e.Sections {
				all.Entries[seen].addPlace(e.Title, s)
			}
		}
		all.Links += l.Links
	}
	return all
}
