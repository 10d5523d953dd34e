package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// dryImport decides about rows as an import does, and stores nothing. What the rows before would have changed is remembered
// in a table of the connection's own, which nobody waits for and which ends with it, so that memory does not grow.
type dryImport struct {
	conn *sql.Conn
	now  time.Time
}

const dryBegin = `CREATE TEMP TABLE imported (key TEXT, digest TEXT, state TEXT, ended INTEGER, suppressed TEXT,
	PRIMARY KEY (key, digest)) WITHOUT ROWID`

// close removes the table, also when ctx ended.
func (d *dryImport) close(ctx context.Context) error {
	_, err := d.conn.ExecContext(context.WithoutCancel(ctx), `DROP TABLE imported`)
	return errors.Join(err, d.conn.Close())
}

// batch decides about a batch.
func (d *dryImport) batch(ctx context.Context, in Import, batch []*importRow) error {
	good := slices.DeleteFunc(slices.Clone(batch), func(r *importRow) bool { return r.why != nil })
	known, err := importPeople(ctx, d.conn, in, good)
	if err != nil {
		return err
	}
	if err := d.recall(ctx, known); err != nil {
		return err
	}
	for _, r := range good {
		r.decide(known, d.now)
	}
	tx, err := d.conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // which the connection's own tables do not hear of
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := d.remember(ctx, tx, known); err != nil {
		return err
	}
	return tx.Commit()
}

// recall adds to known what the batches before would have stored.
func (d *dryImport) recall(ctx context.Context, known *importKnown) error {
	keys := make([]string, 0, len(known.people))
	for key := range known.people {
		keys = append(keys, key)
	}
	_, err := collect(ctx, d.conn, func(rows *sql.Rows) (struct{}, error) {
		var key, digest, state string
		var suppressed Reason
		var ended sql.NullInt64
		err := rows.Scan(&key, &digest, &state, &ended, &suppressed)
		p := known.people[key]
		if p == nil {
			return struct{}{}, err
		}
		if suppressed != "" {
			p.suppressed = suppressed
		}
		switch old := p.subscription(digest); {
		case state == "":
		case digest == "":
			p.id = max(p.id, 1)
		case old != nil:
			old.state, old.ended = SubscriptionState(state), fromUnix(ended)
		default:
			p.id = max(p.id, 1)
			p.subscriptions = append(p.subscriptions, importState{digest, SubscriptionState(state), fromUnix(ended)})
		}
		return struct{}{}, err
	}, `SELECT i.key, i.digest, i.state, i.ended, i.suppressed FROM json_each(?) j CROSS JOIN imported i ON i.key = j.value`, asJSON(keys))
	return err
}

// remember notes what would have been stored.
func (d *dryImport) remember(ctx context.Context, tx *sql.Tx, known *importKnown) error {
	var people, suppressed, subscriptions [][]any
	for _, p := range known.newPeople {
		people = append(people, []any{p.first.key, "", string(SubscriptionNone), nil, string(p.suppressed)})
	}
	for _, r := range known.suppressions {
		suppressed = append(suppressed, []any{r.key, "", "", nil, string(r.Suppressed)})
	}
	for _, n := range known.subscriptions {
		subscriptions = append(subscriptions, []any{n.row.key, n.row.Digest, string(n.row.State), toUnix(n.row.Ended), ""})
	}
	const insert = `INSERT INTO imported (key, digest, state, ended, suppressed) VALUES `
	return errors.Join(
		insertRows(ctx, tx, insert, ` ON CONFLICT DO UPDATE SET state = excluded.state`, people),
		insertRows(ctx, tx, insert, ` ON CONFLICT DO UPDATE SET suppressed = excluded.suppressed`, suppressed),
		insertRows(ctx, tx, insert, ` ON CONFLICT DO UPDATE SET state = excluded.state, ended = excluded.ended`, subscriptions))
}
