package store

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"linkletter/feed"
)

// sectionRow is a section as it stands in the store, for finding it again under its old or a new heading.
type sectionRow struct {
	id   int64
	slug string
	path string // JSON
	gone bool
}

// updateSections brings the list's sections up to date: every heading that entries stand under, or below, has a row. A
// heading that most of a vanished section's entries stand under now is that section, reworded: it keeps its slug, so its
// feed's address and id stay.
func (r *recorder) updateSections() error {
	rows, err := collect(r.ctx, r.tx, func(rows *sql.Rows) (s sectionRow, err error) {
		err = rows.Scan(&s.id, &s.slug, &s.path, &s.gone)
		return s, err
	}, `SELECT id, slug, path, gone IS NOT NULL FROM section WHERE list = ? ORDER BY gone IS NULL, id`, r.list)
	if err != nil {
		return err
	}
	slugs := map[string]bool{}
	byPath := map[string]sectionRow{} // a live row wins over one that is gone
	for _, s := range rows {
		slugs[s.slug] = true
		byPath[s.path] = s
	}
	wanted := feed.SectionPaths(r.List)
	renamed := r.renamedSections(wanted, byPath)
	r.sections = make(map[string]int64, len(wanted))
	for position, path := range wanted {
		key := pathKey(path)
		row, known := byPath[key]
		if old, ok := renamed[key]; ok {
			row, known = old, true
		}
		if !known {
			row.slug = feed.Slug(path, slugs)
			slugs[row.slug] = true
			row.id, err = r.insert(`INSERT INTO section (list, slug, path, position) VALUES (?, ?, ?, ?)`, r.list, row.slug, key, position)
			if err != nil {
				return fmt.Errorf("section %q: %w", feed.Label(path), err)
			}
		} else if err := r.exec(`UPDATE section SET path = ?, position = ?, gone = NULL WHERE id = ?`, key, position, row.id); err != nil {
			return fmt.Errorf("section %q: %w", feed.Label(path), err)
		}
		r.sections[key] = row.id
	}
	return nil
}

// renamedSections finds, for each wanted path that has no row, the vanished section it continues: the one that gave it
// more than half of its entries.
func (r *recorder) renamedSections(wanted [][]string, byPath map[string]sectionRow) map[string]sectionRow {
	stands := map[string]bool{}
	for _, path := range wanted {
		stands[pathKey(path)] = true
	}
	held := map[string]int{}             // entries of each vanished path
	votes := map[string]map[string]int{} // new path → vanished path → entries that went from one to the other
	for _, m := range r.Changes.Entries {
		if m.New() || m.Returned() || len(m.Known.Entry.Sections) == 0 {
			continue
		}
		from, to := m.Known.Entry.Sections[0], m.Entry.Sections[0]
		for depth := 1; depth <= len(from); depth++ {
			old := pathKey(from[:depth])
			if stands[old] || byPath[old].id == 0 || byPath[old].gone {
				continue
			}
			held[old]++
			if depth > len(to) {
				continue
			}
			if key := pathKey(to[:depth]); byPath[key].id == 0 || byPath[key].gone {
				if votes[key] == nil {
					votes[key] = map[string]int{}
				}
				votes[key][old]++
			}
		}
	}
	renamed := map[string]sectionRow{}
	for _, path := range wanted {
		key := pathKey(path)
		for old, n := range votes[key] {
			if 2*n > held[old] { // at most one new path can have more than half of an old one's
				if had, ok := renamed[key]; !ok || votes[key][had.path] < n || votes[key][had.path] == n && old < had.path {
					renamed[key] = byPath[old]
				}
			}
		}
	}
	return renamed
}

// place records which sections an entry stands in, and which stand above those.
func (r *recorder) place(ref int64, paths [][]string) error {
	if err := r.exec(`DELETE FROM entry_section WHERE entry = ?`, ref); err != nil {
		return err
	}
	for i, path := range paths {
		for depth := len(path); depth >= 1; depth-- {
			err := r.exec(`INSERT INTO entry_section (entry, section, position, direct) VALUES (?, ?, ?, ?)
				ON CONFLICT DO UPDATE SET direct = max(direct, excluded.direct)`,
				ref, r.sections[pathKey(path[:depth])], i, depth == len(path))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// closeSections marks the sections that no standing entry is in any more.
func (r *recorder) closeSections() error {
	return r.exec(`UPDATE section SET gone = ? WHERE list = ? AND gone IS NULL AND id NOT IN (
		SELECT es.section FROM entry_section es JOIN entry e ON e.id = es.entry WHERE e.list = ? AND e.gone IS NULL)`,
		r.now.Unix(), r.list, r.list)
}

// pathKey is a path of headings as the section table holds it.
func pathKey(path []string) string {
	b, err := json.Marshal(path)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}
