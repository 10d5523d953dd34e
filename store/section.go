package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
)

// Section is a heading of a list that entries stand under.
type Section struct {
	Slug    string   // its address; it stays when the heading is reworded
	Path    []string // headings, outermost first
	Entries int      // standing in it and below
}

// Sections gives the sections of a list in its order, those that hold entries.
func (s *Store) Sections(ctx context.Context, list string) ([]Section, error) {
	all, err := collect(ctx, s.db, func(rows *sql.Rows) (sec Section, err error) {
		var path string
		if err = rows.Scan(&sec.Slug, &path, &sec.Entries); err != nil {
			return sec, err
		}
		return sec, json.Unmarshal([]byte(path), &sec.Path)
	}, `SELECT s.slug, s.path, count(*) FROM section s
		JOIN entry_section es ON es.section = s.id
		JOIN entry e ON e.id = es.entry AND e.gone IS NULL AND e.state <> 'quarantined'
		WHERE s.list = ? AND s.gone IS NULL GROUP BY s.id ORDER BY s.position, s.id`, list)
	if err != nil {
		return nil, fmt.Errorf("reading the sections of list %s: %w", list, err)
	}
	return all, nil
}

// SectionPaths gives the sections of all lists that Sections gives of each, without their counts, by list.
func (s *Store) SectionPaths(ctx context.Context) (map[string][]Section, error) {
	type row struct {
		list string
		Section
	}
	rows, err := collect(ctx, s.db, func(rows *sql.Rows) (r row, err error) {
		var path string
		if err = rows.Scan(&r.list, &r.Slug, &path); err != nil {
			return r, err
		}
		return r, json.Unmarshal([]byte(path), &r.Path)
	}, `SELECT s.list, s.slug, s.path FROM section s WHERE s.gone IS NULL AND EXISTS (
			SELECT 1 FROM entry_section es JOIN entry e ON e.id = es.entry AND e.gone IS NULL AND e.state <> 'quarantined'
			WHERE es.section = s.id)
		ORDER BY s.list, s.position, s.id`)
	if err != nil {
		return nil, fmt.Errorf("reading the sections of all lists: %w", err)
	}
	all := map[string][]Section{}
	for _, r := range rows {
		all[r.list] = append(all[r.list], r.Section)
	}
	return all, nil
}
