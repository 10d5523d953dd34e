package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// importPeople reads what is known of the people of a batch, and the sections if somebody chose any.
func importPeople(ctx context.Context, q querier, in Import, batch []*importRow) (*importKnown, error) {
	known := &importKnown{people: make(map[string]*importPerson, len(batch))}
	keys, chosen := make([]string, 0, len(batch)), false
	for _, r := range batch {
		chosen = chosen || r.Sections != nil
		if known.people[r.key] == nil {
			known.people[r.key] = &importPerson{}
			keys = append(keys, r.key)
		}
	}
	_, err := collect(ctx, q, func(rows *sql.Rows) (struct{}, error) {
		var id int64
		var key string
		var digest, state sql.NullString
		var ended sql.NullInt64
		err := rows.Scan(&id, &key, &digest, &state, &ended)
		p := known.people[key]
		if p == nil { // not in this batch: the driver gave what was not asked for
			return struct{}{}, err
		}
		p.id = id
		if digest.Valid {
			p.subscriptions = append(p.subscriptions, importState{digest.String, SubscriptionState(state.String), fromUnix(ended)})
		}
		return struct{}{}, err
	}, `SELECT s.id, s.key, n.digest, n.state, n.ended FROM json_each(?) j CROSS JOIN subscriber s ON s.key = j.value
		LEFT JOIN subscription n ON n.subscriber = s.id`, asJSON(keys))
	if err != nil {
		return nil, err
	}
	if err := known.readSuppressions(ctx, q, batch); err != nil {
		return nil, err
	}
	if chosen {
		known.sections, err = importSections(ctx, q, in.Lists)
	}
	return known, err
}

// readSuppressions reads the reasons of those in the batch who are suppressed.
func (k *importKnown) readSuppressions(ctx context.Context, q querier, batch []*importRow) error {
	if some, err := anySuppressed(ctx, q); err != nil || !some {
		return err
	}
	people, hashes := make(map[string]string, len(batch)), make([]string, 0, len(batch))
	for _, r := range batch {
		if _, twice := people[r.hash]; !twice {
			people[r.hash] = r.key
			hashes = append(hashes, r.hash)
		}
	}
	_, err := collect(ctx, q, func(rows *sql.Rows) (struct{}, error) {
		var hash string
		var reason Reason
		err := rows.Scan(&hash, &reason)
		if p := k.people[people[hash]]; p != nil {
			p.suppressed = reason
		}
		return struct{}{}, err
	}, `SELECT s.hash, s.reason FROM json_each(?) j CROSS JOIN suppression s ON s.hash = j.value`, asJSON(hashes))
	return err
}

// importSections are what can be chosen, as rows name it: the sections that lists have or had, and the lists.
func importSections(ctx context.Context, q querier, configured []string) (map[string]importChoice, error) {
	all := map[string]importChoice{}
	_, err := collect(ctx, q, func(rows *sql.Rows) (struct{}, error) {
		var c importChoice
		var slug string
		err := rows.Scan(&c.list, &slug, &c.section)
		all[c.list+"/"+slug] = c
		all[c.list] = importChoice{list: c.list}
		return struct{}{}, err
	}, `SELECT list, slug, id FROM section`)
	if err != nil {
		return nil, err
	}
	lists, err := collect(ctx, q, scanString, `SELECT id FROM list UNION SELECT list FROM digest_list`)
	for _, list := range slices.Concat(lists, configured) {
		all[list] = importChoice{list: list}
	}
	return all, err
}

// write stores what was decided. Its statements take many rows at once, because a statement for each row takes several
// times as long.
func (k *importKnown) write(ctx context.Context, tx *sql.Tx, now time.Time) error {
	if err := k.writePeople(ctx, tx); err != nil {
		return err
	}
	var suppressions, subscriptions, choices [][]any
	for _, r := range k.suppressions {
		suppressions = append(suppressions, []any{r.hash, r.Suppressed, r.SuppressedAt.Unix()})
	}
	for _, n := range k.subscriptions {
		subscriptions = append(subscriptions, []any{n.person.id, n.row.Digest, n.row.State, n.row.Origin, n.row.Created.Unix(), toUnix(n.row.Confirmed), toUnix(n.row.Ended)})
		if n.left {
			if _, err := tx.ExecContext(ctx, `DELETE FROM choice WHERE subscriber = ? AND digest = ?`, n.person.id, n.row.Digest); err != nil {
				return err
			}
		}
		for _, c := range n.choices {
			choices = append(choices, []any{n.person.id, n.row.Digest, c.list, c.section})
		}
	}
	err := insertRows(ctx, tx, `INSERT INTO suppression (hash, reason, created) VALUES `, ` ON CONFLICT DO NOTHING`, suppressions)
	if err != nil {
		return err
	}
	// Of two about one subscription the later one stands.
	err = insertRows(ctx, tx, `INSERT INTO subscription (subscriber, digest, state, origin, created, confirmed, ended) VALUES `,
		` ON CONFLICT (subscriber, digest) DO UPDATE SET state = excluded.state, confirmed = coalesce(excluded.confirmed, confirmed),
			ended = excluded.ended, nonce = ''`, subscriptions)
	if err != nil {
		return err
	}
	err = insertRows(ctx, tx, `INSERT INTO choice (subscriber, digest, list, section) VALUES `, ` ON CONFLICT DO NOTHING`, choices)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE confirmation SET next = NULL WHERE next IS NOT NULL AND EXISTS (SELECT 1 FROM subscription n
		WHERE n.subscriber = confirmation.subscriber AND n.digest = confirmation.digest AND n.state <> 'pending')`)
	return err
}

// writePeople stores who is new.
func (k *importKnown) writePeople(ctx context.Context, tx *sql.Tx) error {
	var last int64
	err := tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'subscriber'`).Scan(&last)
	if err != nil {
		return err
	}
	rows := make([][]any, len(k.newPeople))
	for i, p := range k.newPeople {
		last++
		p.id = last
		r := p.first
		rows[i] = []any{p.id, r.Address, r.key, r.hash, r.Joined.Unix(), toUnix(r.Paused), toUnix(r.Moved)}
	}
	// FAIL, because an error undoes the whole batch: SQLite need not be able to undo this statement alone, for which it would
	// copy each page that it changes.
	return insertRows(ctx, tx, `INSERT OR FAIL INTO subscriber (id, address, key, hash, created, paused, moved) VALUES `, ``, rows)
}

// insertRows inserts rows of equal length, many with one statement, between its beginning and its end.
func insertRows(ctx context.Context, tx *sql.Tx, begin, end string, rows [][]any) error {
	const together = 100
	var stmt *sql.Stmt
	var size int
	defer func() {
		if stmt != nil {
			stmt.Close()
		}
	}()
	for chunk := range slices.Chunk(rows, together) {
		if len(chunk) != size {
			if stmt != nil {
				stmt.Close()
			}
			size = len(chunk)
			row := "(" + marks(len(chunk[0])) + ")"
			var err error
			if stmt, err = tx.PrepareContext(ctx, begin+strings.Repeat(row+", ", size-1)+row+end); err != nil {
				return err
			}
		}
		if _, err := stmt.ExecContext(ctx, slices.Concat(chunk...)...); err != nil {
			return err
		}
	}
	return nil
}

// asJSON is an argument of json_each.
func asJSON[T string | int64](v []T) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers always can be
	}
	return string(b)
}
