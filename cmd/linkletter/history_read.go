package main

import (
	"iter"
	"slices"

	"linkletter/cmd/internal/source"
	"linkletter/feed/curated"
)

// reading is a revision, and the list as it was read from it.
type reading struct {
	*source.Revision
	list *curated.List // nil where the files are those of the revision before, or too large
}

// readings reads the lists of revisions.
func readings(revisions iter.Seq2[*source.Revision, error]) iter.Seq2[*reading, error] {
	return func(yield func(*reading, error) bool) {
		var reader curated.Reader
		var files []curated.File // of the revision before
		begun := false
		for rev, err := range revisions {
			if err != nil {
				yield(nil, err)
				return
			}
			r := &reading{Revision: rev}
			if rev.TooLarge == nil && !(begun && slices.EqualFunc(rev.Files, files, curated.File.Same)) {
				r.list = reader.Read(rev.Files)
				begun, files = true, rev.Files
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// ahead runs a sequence a little ahead of the loop over it, at the same time; it ends with the loop.
func ahead[K, V any](seq iter.Seq2[K, V]) iter.Seq2[K, V] {
	type pair struct {
		k K
		v V
	}
	return func(yield func(K, V) bool) {
		pairs, enough := make(chan pair, 4), make(chan struct{})
		go func() {
			defer close(pairs)
			for k, v := range seq {
				select {
				case pairs <- pair{k, v}:
				case <-enough:
					return
				}
			}
		}()
		defer func() {
			close(enough)
			for range pairs { // until the sequence has ended
			}
		}()
		for p := range pairs {
			if !yield(p.k, p.v) {
				return
			}
		}
	}
}
