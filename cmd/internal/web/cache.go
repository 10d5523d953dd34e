package web

import (
	"container/list"
	"io/fs"
	"os"
	"sync"
	"time"
)

const (
	// maxCached bounds the documents held in memory, in bytes.
	maxCached = 64 << 20
	// lookAgain is how long a file is taken to be what it was. It is nothing to a reader, and spares a busy server most of
	// its system calls.
	lookAgain = 5 * time.Millisecond
)

// cache holds the documents that were asked for last. A document is good for as long as its file is the same one, with
// the same time and size; files are replaced and never written in place.
type cache struct {
	mu    sync.Mutex
	files map[string]*list.Element
	order *list.List // of *cached, the one used last in front
	size  int64
}

type cached struct {
	file string
	info fs.FileInfo // as it was when the document was asked for first
	doc  *document
	size int64 // as counted in the cache; 0 until the document is loaded
	seen time.Time
}

func newCache() *cache {
	return &cache{files: map[string]*list.Element{}, order: list.New()}
}

// recent gives a file's document if the file was looked at a moment ago, or nil.
func (c *cache) recent(file string, now time.Time) *document {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.files[file]
	if !ok {
		return nil
	}
	item := at.Value.(*cached)
	if age := now.Sub(item.seen); item.size == 0 || age < 0 || age >= lookAgain {
		return nil
	}
	return item.doc
}

// get gives the document of a file that was looked at now. Of several requests for a new one, one loads it and the others wait.
func (c *cache) get(file string, info fs.FileInfo, now time.Time, load func(*document) error) (*document, error) {
	at := c.find(file, info, now)
	item := at.Value.(*cached)
	item.doc.once.Do(func() {
		item.doc.grew = func(n int) { c.grew(at, int64(n)) }
		item.doc.err = load(item.doc)
		c.loaded(at)
	})
	return item.doc, item.doc.err
}

// find gives the place of a file's document, a new one if the file is not the one it was.
func (c *cache) find(file string, info fs.FileInfo, now time.Time) *list.Element {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.files[file]; ok {
		if item := at.Value.(*cached); item.same(info) {
			item.seen = now
			c.order.MoveToFront(at)
			return at
		}
		c.remove(at)
	}
	at := c.order.PushFront(&cached{file: file, info: info, doc: &document{}, seen: now})
	c.files[file] = at
	return at
}

func (i *cached) same(info fs.FileInfo) bool {
	return os.SameFile(i.info, info) && i.info.ModTime().Equal(info.ModTime()) && i.info.Size() == info.Size()
}

// loaded counts a document, drops those that were not used for longest, and those that could not be loaded at once.
func (c *cache) loaded(at *list.Element) {
	c.mu.Lock()
	defer c.mu.Unlock()
	item := at.Value.(*cached)
	if c.files[item.file] != at {
		return // replaced while it was loaded
	}
	if item.doc.err != nil {
		c.remove(at)
		return
	}
	c.add(at, item.doc.size())
}

// grew counts what was added to a document after it was loaded.
func (c *cache) grew(at *list.Element, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if item := at.Value.(*cached); c.files[item.file] == at && item.size > 0 {
		c.add(at, n)
	}
}

func (c *cache) add(at *list.Element, n int64) {
	at.Value.(*cached).size += n
	c.size += n
	for c.size > maxCached && c.order.Back() != at {
		c.remove(c.order.Back())
	}
}

func (c *cache) remove(at *list.Element) {
	item := c.order.Remove(at).(*cached)
	delete(c.files, item.file)
	c.size -= item.size
}
