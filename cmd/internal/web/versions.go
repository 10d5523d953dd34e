package web

import (
	"container/list"
	"hash/maphash"
	"slices"
	"sync"
)

const (
	// keptVersions is how many versions of one feed are remembered. Who polls daily a list that changes every hour is
	// within them.
	keptVersions = 32
	// keptFingerprints bounds what is remembered of all feeds together: 4 MiB.
	keptFingerprints = 1 << 19
)

// versions remember which entries feeds had in the versions that were answered with, so that who has one of those is sent
// only what it has not. It is lost at a restart, and whoever asks then gets the whole feed.
type versions struct {
	seed maphash.Seed // fingerprints cannot be made to collide from outside

	mu    sync.Mutex
	feeds map[string]*list.Element
	order *list.List // of *history, the one used last in front
	size  int        // fingerprints
}

// history is what is remembered of one feed.
type history struct {
	file     string
	versions []version // the newest last
}

type version struct {
	tag     string   // of the document
	frame   uint64   // of its outline
	entries []uint64 // their fingerprints, sorted
}

// size is counted in fingerprints; the rest of a version is worth eight.
func (v *version) size() int { return len(v.entries) + 8 }

func newVersions() *versions {
	return &versions{seed: maphash.MakeSeed(), feeds: map[string]*list.Element{}, order: list.New()}
}

// remember takes in that a feed is answered with in a version.
func (v *versions) remember(file, tag string, o *outline) {
	n := version{tag: tag, frame: o.frame, entries: make([]uint64, len(o.entries))}
	for i, e := range o.entries {
		n.entries[i] = e.fingerprint
	}
	slices.Sort(n.entries)
	v.mu.Lock()
	defer v.mu.Unlock()
	at, ok := v.feeds[file]
	if !ok {
		at = v.order.PushFront(&history{file: file})
		v.feeds[file] = at
	}
	v.order.MoveToFront(at)
	h := at.Value.(*history)
	if i := slices.IndexFunc(h.versions, func(o version) bool { return o.tag == tag }); i >= 0 {
		v.drop(h, i) // it came back
	}
	if len(h.versions) == keptVersions {
		v.drop(h, 0)
	}
	h.versions = append(h.versions, n)
	v.size += n.size()
	for v.size > keptFingerprints {
		oldest := v.order.Back().Value.(*history)
		if oldest == h && len(h.versions) == 1 {
			return
		}
		if v.drop(oldest, 0); len(oldest.versions) == 0 {
			v.order.Remove(v.order.Back())
			delete(v.feeds, oldest.file)
		}
	}
}

func (v *versions) drop(h *history, i int) {
	v.size -= h.versions[i].size()
	h.versions = slices.Delete(h.versions, i, i+1)
}

// all gives the versions of a feed that tags name; not ok: one of them is not remembered.
func (v *versions) all(file string, tags []string) (found []version, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	at := v.feeds[file]
	if at == nil {
		return nil, false
	}
	h := at.Value.(*history)
	for _, tag := range tags {
		i := slices.IndexFunc(h.versions, func(o version) bool { return o.tag == tag })
		if i < 0 {
			return nil, false
		}
		found = append(found, h.versions[i])
	}
	v.order.MoveToFront(at)
	return found, len(found) > 0
}
