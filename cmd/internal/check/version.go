package check

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"

	"linkletter/feed"
	"linkletter/feed/curated"
)

// version is a list as it was found once.
type version struct {
	files      []curated.File
	doubt      string // why it is not to be believed; empty: no reason
	validators string
	moved      string
	origin     feed.Origin
	silent     bool // its author asks that nothing of it is announced
	more       bool // a newer one was found as well
}

// hash is the SHA-256 of all that was found.
func (v *version) hash() string {
	h := sha256.New()
	for _, f := range v.files {
		if len(v.files) > 1 {
			fmt.Fprintf(h, "%s\x00%d\x00", f.Path, len(f.Bytes))
		}
		h.Write(f.Bytes)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// legible are the files that are to be read, or why there are none.
func (v *version) legible(page *url.URL) ([]curated.File, error) {
	if v.doubt != "" {
		return nil, errors.New(v.doubt)
	}
	return legible(v.files, page)
}

// legible leaves out those of a list's files that are no Markdown, and says where the others are read by people: at page,
// where that is known, or below it if there are several. Where none is left, the error says why; of none or an empty one,
// curated.ErrEmpty. Whoever reads a version goes through it, so that a history is read as a check reads.
func legible(files []curated.File, page *url.URL) ([]curated.File, error) {
	out := make([]curated.File, 0, len(files))
	empty, why := true, error(nil)
	for _, f := range files {
		err := curated.Readable(f.Bytes)
		if err != nil && !errors.Is(err, curated.ErrEmpty) {
			if empty = false; why == nil && len(files) > 1 {
				why = fmt.Errorf("%s: %w", f.Path, err)
			} else if why == nil {
				why = err
			}
			continue
		}
		empty = empty && err != nil
		if page != nil {
			f.Page = page
			if len(files) > 1 {
				f.Page = page.JoinPath(f.Path)
			}
		}
		out = append(out, f)
	}
	switch {
	case empty:
		return out, curated.ErrEmpty
	case len(out) == 0:
		return nil, why
	}
	return out, nil
}
