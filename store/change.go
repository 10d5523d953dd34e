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
	At     time.Time // the check, or some seconds before: unique among the changes of the list, and for ever the same
	What   []string  // what changed: title, url, summary, section
	Before curated.Entry
	After  curated.Entry // as it stood until its next change
}

// Changes gives the newest changes of a list, newest first, at most limit. What only moved to another section is none of
// them, nor what a silent revision or a better reader of the program changed: nothing changed for anybody who reads the list.
func (s *Store) Changes(ctx context.Context, list string, limit int) ([]Change, error) {
	all, err := collect(ctx, s.db, scanChange, `
		SELECT c.id, c.kind, c.what, c.before, c.at,
			coalesce((SELECT n.before FROM change n WHERE n.entry = c.entry AND n.id > c.id AND n.before <> '' ORDER BY n.id LIMIT 1), e.detail)
		FROM change c JOIN snapshot s ON s.id = c.snapshot JOIN entry e ON e.id = c.entry
		WHERE s.list = ? AND s.silent = 0 AND e.state <> 'quarantined' AND e.hidden IS NULL AND c.at IS NOT NULL AND c.before <> '' AND (c.kind IN ('removed', 'returned') OR c.kind = 'changed'
			AND EXISTS (SELECT 1 FROM json_each(c.what) w WHERE w.value IN ('title', 'url', 'summary')))
		ORDER BY c.id DESC LIMIT ?`, list, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the changes of list %s: %w", list, err)
	}
	slices.SortStableFunc(all, func(a, b Change) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Ref, a.Ref)) })
	return all, nil
}

// changeDates gives dates to changes of a list. Of those that were given, the ones of the last days are looked at: no check
// finds so many changes that they go back further.
func changeDates(ctx context.Context, tx *sql.Tx, list string, now time.Time) (feed.Dates, error) {
	var dates feed.Dates
	taken, err := collect(ctx, tx, scanInt,
		`SELECT c.at FROM change c JOIN snapshot s ON s.id = c.snapshot WHERE c.at > ? AND s.list = ?`, now.AddDate(0, 0, -2).Unix(), list)
	for _, at := range taken {
		dates.Take(time.Unix(at, 0))
	}
	return dates, err
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
