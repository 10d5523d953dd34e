package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"linkletter/feed/curated"
)

// Known gives what is remembered of a list for a comparison with its newest reading: the list's row and every entry that
// ever stood in it, tombstones included. Before the first check the row is empty but for its id.
func (s *Store) Known(ctx context.Context, list string) (*List, []curated.Known, error) {
	// One read transaction, so that row and entries are of one moment.
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, nil, fmt.Errorf("reading what is known of list %s: %w", list, err)
	}
	defer tx.Rollback()
	found, err := collect(ctx, tx, scanList, `SELECT `+listColumns+` FROM list WHERE id = ?`, list)
	if err != nil {
		return nil, nil, fmt.Errorf("reading list %s: %w", list, err)
	}
	if len(found) == 0 {
		return &List{ID: list, Validators: "{}"}, nil, nil
	}
	known, err := readKnown(ctx, tx, list)
	if err != nil {
		return nil, nil, fmt.Errorf("reading what is known of list %s: %w", list, err)
	}
	return found[0], known, nil
}

func readKnown(ctx context.Context, q querier, list string) ([]curated.Known, error) {
	at := map[int64]int{}
	known, err := collect(ctx, q, func(rows *sql.Rows) (k curated.Known, err error) {
		var detail []byte
		if err = rows.Scan(&k.Ref, &detail, &k.Gone, &k.Held); err != nil {
			return k, err
		}
		return k, json.Unmarshal(detail, &k.Entry)
	}, `SELECT id, detail, gone IS NOT NULL, state = 'quarantined' FROM entry WHERE list = ? ORDER BY position, id`, list)
	if err != nil {
		return nil, err
	}
	for i := range known {
		at[known[i].Ref] = i
	}
	rows, err := q.QueryContext(ctx, `SELECT entry, key FROM entry_key WHERE list = ? ORDER BY entry, added, key`, list)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var ref int64
		var key string
		if err := rows.Scan(&ref, &key); err != nil {
			return nil, err
		}
		k := &known[at[ref]]
		k.Keys = append(k.Keys, key)
	}
	return known, rows.Err()
}
