package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// isFor is the condition for a subscription n that an issue of its digest (?3) is for at a time (?2), but for what its
// subscriber chose. Where nobody is paused or suppressed, no subscriber is looked at.
const isFor = `n.digest = ?3 AND n.state = 'confirmed'
	AND n.subscriber NOT IN (SELECT id FROM subscriber WHERE paused > ?2)
	AND (NOT EXISTS (SELECT 1 FROM suppression) OR NOT EXISTS (
		SELECT 1 FROM subscriber s JOIN suppression p ON p.hash = s.hash WHERE s.id = n.subscriber))`

// insertDeliveries writes a delivery for every confirmed subscription of the issue's digest whose subscriber is not paused, whose
// address is not suppressed and who chose something that is in the issue. Who chose nothing in particular gets all of it.
func insertDeliveries(ctx context.Context, tx *sql.Tx, i *Issue) error {
	var some bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM choice WHERE digest = ?)`, i.Digest).Scan(&some)
	if err != nil {
		return fmt.Errorf("looking for choices: %w", err)
	}
	all := `INSERT INTO delivery (issue, subscriber, updated) SELECT ?1, n.subscriber, ?2 FROM subscription n WHERE ` + isFor
	if some {
		all += ` AND NOT EXISTS (SELECT 1 FROM choice c WHERE c.digest = ?3 AND c.subscriber = n.subscriber)`
	}
	if _, err := tx.ExecContext(ctx, all, i.Ref, i.Frozen.Unix(), i.Digest); err != nil {
		return fmt.Errorf("writing its deliveries: %w", err)
	}
	if some {
		if err := insertSelected(ctx, tx, i); err != nil {
			return fmt.Errorf("writing its deliveries to those who chose: %w", err)
		}
	}
	return nil
}

// choosers are the subscribers with a choice that holds entries of the issue, and by which of their choices it does, in one text for
// all who chose alike. It is read in the order of an index, so that nothing is kept of it.
const choosers = `SELECT c.subscriber, group_concat(h.id) AS hits FROM choice c
	CROSS JOIN hit h ON h.list = c.list AND h.section = c.section WHERE c.digest = ?3 GROUP BY c.subscriber`

// insertSelected writes the deliveries to those who chose, and the selections that they are of. There may be a million who chose,
// but few things that can be chosen have entries in an issue, and so few selections differ: those alone are worked out.
func insertSelected(ctx context.Context, tx *sql.Tx, i *Issue) error {
	for _, step := range []struct{ doing, sql string }{
		// What can be chosen and holds entries of the issue: whole lists (0), sections, and those above them; and which it holds.
		{"hits", `CREATE TEMP TABLE hit (id INTEGER PRIMARY KEY, list TEXT NOT NULL, section INTEGER NOT NULL, UNIQUE (list, section));
			INSERT INTO hit (list, section) SELECT e.list, 0 FROM issue_entry i JOIN entry e ON e.id = i.entry WHERE i.issue = ?1
				UNION SELECT e.list, es.section FROM issue_entry i JOIN entry e ON e.id = i.entry JOIN entry_section es ON es.entry = e.id WHERE i.issue = ?1;
			CREATE TEMP TABLE held (hit INTEGER NOT NULL, position INTEGER NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (hit, position)) WITHOUT ROWID;
			INSERT INTO held SELECT h.id, i.position, i.entry FROM issue_entry i JOIN entry e ON e.id = i.entry JOIN hit h ON h.list = e.list
				WHERE i.issue = ?1 AND (h.section = 0 OR EXISTS (SELECT 1 FROM entry_section es WHERE es.entry = e.id AND es.section = h.section))`},
		{"picks", `CREATE TEMP TABLE pick (hits TEXT PRIMARY KEY, entries TEXT, selection INTEGER); -- 0: the whole issue
			INSERT OR IGNORE INTO pick (hits) SELECT hits FROM (` + choosers + `)`},
		{"their entries", `UPDATE pick SET entries = (SELECT json_group_array(entry) FROM (
				SELECT DISTINCT h.position, h.entry FROM json_each('[' || pick.hits || ']') j CROSS JOIN held h ON h.hit = j.value ORDER BY h.position))`},
		{"selections", `INSERT OR IGNORE INTO selection (issue, entries) SELECT ?1, entries FROM pick
				WHERE json_array_length(entries) < (SELECT count(*) FROM issue_entry WHERE issue = ?1);
			UPDATE pick SET selection = coalesce((SELECT id FROM selection WHERE issue = ?1 AND entries = pick.entries), 0)`},
		// Those who get the same come one after the other, for a sender that keeps what it rendered for the one before.
		{"deliveries", `INSERT INTO delivery (issue, subscriber, updated, selection) SELECT ?1, n.subscriber, ?2, nullif(p.selection, 0)
			FROM (` + choosers + `) f CROSS JOIN subscription n ON n.subscriber = f.subscriber CROSS JOIN pick p ON p.hits = f.hits
			WHERE ` + isFor + ` ORDER BY p.selection`},
		{"what nobody gets", `DELETE FROM selection WHERE issue = ?1 AND ` + unused + `; DROP TABLE pick; DROP TABLE held; DROP TABLE hit`},
	} {
		if _, err := tx.ExecContext(ctx, step.sql, i.Ref, i.Frozen.Unix(), i.Digest); err != nil {
			return fmt.Errorf("%s: %w", step.doing, err)
		}
	}
	return nil
}

// unused is the condition for a selection that no delivery is of.
const unused = `NOT EXISTS (SELECT 1 FROM delivery d WHERE d.selection = selection.id)`

// Selection gives the entries, by their rows, that a selection of an issue holds (see Delivery.Selection), in the issue's order,
// or ErrNotFound.
func (s *Store) Selection(ctx context.Context, id int64) (entries []int64, err error) {
	var found []byte
	err = s.db.QueryRowContext(ctx, `SELECT entries FROM selection WHERE id = ?`, id).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(found, &entries)
	}
	if err != nil {
		return nil, fmt.Errorf("reading selection %d: %w", id, err)
	}
	return entries, nil
}
