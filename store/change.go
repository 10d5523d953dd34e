package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"linkletter/feed"
	"linkletter/feed/curated"
)

// Change is what a check found of an entry that the list had: it left, changed or returned.
type Change struct {
	Ref    int64 // its row
	Kind   feed.ChangeKind
	At     time.Time // the check, and a second before for each of its changes that stands before this one
	What   []string  // what changed: title, url, summary, section
	Before curated.Entry
	After  curated.Entry // as it stood until its next change
}

// Changes gives the newest changes of a list, newest first, at most limit. What only moved to another section is none of
// them, nor what a silent revision or a better reader of the program changed: nothing changed for anybody who reads the list.
func (s *Store) Changes(ctx context.Context, list string, limit int) ([]Change, error) {
	all, err := collect(ctx, s.db, scanChange, `
		SELECT c.id, c.kind, c.what, c.before, s.checked - (SELECT count(*) FROM change b WHERE b.snapshot = c.snapshot AND b.id < c.id),
			coalesce((SELECT n.before FROM change n WHERE n.entry = c.entry AND n.id > c.id AND n.before <> '' ORDER BY n.id LIMIT 1), e.detail)
		FROM change c JOIN snapshot s ON s.id = c.snapshot JOIN entry e ON e.id = c.entry
		WHERE s.list = ? AND s.silent = 0 AND e.state <> 'quarantined' AND c.before <> '' AND (c.kind IN ('removed', 'returned') OR c.kind = 'changed'
			AND EXISTS (SELECT 1 FROM json_each(c.what) w WHERE w.value IN ('title', 'url', 'summary')))
		ORDER BY c.id DESC LIMIT ?`, list, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the changes of list %s: %w", list, err)
	}
	slices.SortStableFunc(all, func(a, b Change) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Ref, a.Ref)) })
	return all, nil
}

func scanChange(rows *sql.Rows) (Change, error) {
	var c Change
	var what, before, after []byte
	var at int64
	if err := rows.Scan(&c.Ref, &c.Kind, &what, &before, &at, &after); err != nil {
		return c, err
	}
	c.At = time.Unix(at, 0).UTC()
	for _, part := range []struct {
		from []byte
		into any
	}{{what, &c.What}, {before, &c.Before}, {after, &c.After}} {
		if err := json.Unmarshal(part.from, part.into); err != nil {
			return c, fmt.Errorf("change %d: %w", c.Ref, err)
		}
	}
	if c.Kind == feed.ChangeRemoved {
		c.After = c.Before
	}
	return c, nil
}
