package curated

import (
	"regexp"
	"slices"
	"strings"
)

// changedParts names the parts of a known entry that changed for a reader; key is its canonical URL now.
func changedParts(m *Match, key string, paths *pathSets) []string {
	before := &m.Known.Entry
	var what []string
	if before.Title != m.Entry.Title && foldTitle(before.Title) != foldTitle(m.Entry.Title) {
		what = append(what, "title")
	}
	if before.URL != m.Entry.URL && CanonicalURL(before.URL) != key {
		what = append(what, "url")
	}
	if !sameText(before.Summary, m.Entry.Summary) || !sameText(before.Quote, m.Entry.Quote) {
		what = append(what, "summary")
	}
	if paths.moved(before.Sections, m.Entry.Sections) {
		what = append(what, "section")
	}
	return what
}

// sameText reports whether two texts say the same, whatever their marks, their case and the figures that change by
// themselves.
func sameText(a, b string) bool {
	return a == b || foldTitle(a) == foldTitle(b) || foldTitle(steady(a)) == foldTitle(steady(b))
}

// volatile are counts of stars and the like, dates and ages.
var volatile = regexp.MustCompile(`(?i)[★☆⭐🌟]\x{FE0F}?\s*\d[\d.,]*\s*k?\b` +
	`|\b\d[\d.,]*\s*k?\s*(?:[★☆⭐🌟]|stars?\b|forks?\b|downloads?\b)` +
	`|\b(?:stars?|forks?|downloads?|issues?)\s*[:=]\s*\d[\d.,]*\s*k?\b` +
	`|\b(?:19|20)\d\d-\d\d(?:-\d\d)?\b` +
	`|\b(?:\d+|an?)\s+(?:second|minute|hour|day|week|month|year)s?\s+ago\b` +
	`|\b(?:updated?|commit|released?)\s*(?::|on\b)?\s*(?:` + month + `\s+\d{1,2},?|\d{1,2}\s+` + month + `,?|` + month + `)\s+(?:19|20)\d\d\b`)

const month = `(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?`

// steady is a text without the figures that change by themselves.
func steady(s string) string {
	if !isVolatile(s) {
		return s
	}
	return volatile.ReplaceAllString(s, "")
}

// isVolatile reports whether a text may hold such a figure; it is much faster than looking for them.
func isVolatile(s string) bool {
	for _, sign := range [...]string{"★", "☆", "⭐", "🌟", "star", "Star", "fork", "Fork", "ownload", "ssue", " ago", "pdate", "ommit", "elease"} {
		if strings.Contains(s, sign) {
			return true
		}
	}
	i := strings.IndexByte(s, '-')
	for ; i >= 0 && i+1 < len(s); i++ {
		if s[i] == '-' && i > 0 && isDigit(s[i-1]) && isDigit(s[i+1]) {
			return true
		}
	}
	return false
}

// pathSets are the section paths of the list before and after, made when first asked for.
type pathSets struct {
	*differ
	before, after map[string]struct{}
}

func (p *pathSets) fill() {
	d := p.differ
	p.before, p.after = make(map[string]struct{}), make(map[string]struct{})
	var last []string
	for i := range d.known {
		if k := d.known[i]; !k.Gone {
			last = addPaths(p.before, k.Entry.Sections, last)
		}
	}
	last = nil
	for i := range d.after {
		last = addPaths(p.after, d.after[i].Sections, last)
	}
}

// addPaths adds the paths of an entry to a set, but for the one that was added last: neighbours stand in one section.
func addPaths(set map[string]struct{}, paths [][]string, last []string) []string {
	for _, s := range paths {
		if len(set) == 0 || !slices.Equal(s, last) {
			set[pathKey(s)] = struct{}{}
			last = s
		}
	}
	return last
}

// pathKey folds a path to a comparable form.
func pathKey(path []string) string {
	if len(path) == 0 {
		return ""
	}
	folded := make([]string, len(path))
	for i, t := range path {
		folded[i] = foldTitle(t)
	}
	return strings.Join(folded, "\x00")
}

// moved reports whether an entry changed its section. A section that vanished while one appeared that was not there
// before was renamed: its entries did not move.
func (p *pathSets) moved(before, after [][]string) bool {
	if slices.EqualFunc(before, after, slices.Equal) {
		return false
	}
	if p.before == nil {
		p.fill()
	}
	was, is := make(map[string]struct{}), make(map[string]struct{})
	for _, s := range before {
		was[pathKey(s)] = struct{}{}
	}
	for _, s := range after {
		is[pathKey(s)] = struct{}{}
	}
	for k := range was {
		if _, stays := is[k]; !stays {
			if _, stands := p.after[k]; stands {
				return true
			}
		}
	}
	for k := range is {
		if _, stood := was[k]; !stood {
			if _, stood := p.before[k]; stood {
				return true
			}
		}
	}
	return false
}
