package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"linkletter/feed/digest"
)

// Row is a subscription outside of the store: a line of a CSV file. Zero times are unknown.
type Row struct {
	Line      int // of the file, for messages
	Address   string
	Digest    string
	State     SubscriptionState // empty: confirmed
	Created   time.Time
	Confirmed time.Time
	Ended     time.Time
	Problem   error // why the reader could not read it; such a row is refused
}

// Refusal is a row that was not taken in, and why.
type Refusal struct {
	Row Row
	Why error
}

// ImportReport says what became of the rows.
type ImportReport struct {
	Read      int
	Added     int // subscriptions that are new
	Changed   int // confirmed after they were pending, or ended
	Unchanged int
	Refused   int
}

// Import is where rows come from and who is told about them.
type Import struct {
	Digests  []string            // ids that exist: a row for another is refused
	Next     func() (Row, error) // io.EOF ends; another error ends the import, what was read before stays
	Refused  func(Refusal)       // each row not taken in, in the order of the file; may be nil
	Progress func(ImportReport)  // after each batch; may be nil
}

// importBatch is how many rows one transaction takes: enough to make its commit cheap, few enough that nobody who waits
// for the database notices.
const importBatch = 10_000

// Import takes rows in, in batches that are each stored whole. It never subscribes anybody again who left or is
// suppressed, and an import that is repeated changes nothing. Memory does not grow with the number of rows.
func (s *Store) Import(ctx context.Context, in Import) (ImportReport, error) {
	var report ImportReport
	keys, err := s.keys(ctx)
	if err != nil {
		return report, err
	}
	for done := false; !done; {
		batch := make([]*importRow, 0, importBatch)
		var stop error
		for len(batch) < importBatch && stop == nil {
			var row Row
			if row, stop = in.Next(); stop == nil {
				batch = append(batch, newImportRow(row, in.Digests))
			}
		}
		if err := s.importBatch(ctx, batch, keys); err != nil {
			return report, fmt.Errorf("importing subscribers: %w", err)
		}
		report.add(batch, in.Refused)
		if in.Progress != nil {
			in.Progress(report)
		}
		if done = errors.Is(stop, io.EOF); stop != nil && !done {
			return report, fmt.Errorf("importing subscribers: %w", stop)
		}
	}
	return report, nil
}

func (r *ImportReport) add(batch []*importRow, refused func(Refusal)) {
	for _, row := range batch {
		r.Read++
		switch row.outcome {
		case importAdded:
			r.Added++
		case importChanged:
			r.Changed++
		case importUnchanged:
			r.Unchanged++
		case importRefused:
			r.Refused++
			if refused != nil {
				refused(Refusal{Row: row.Row, Why: row.why})
			}
		}
	}
}

type importOutcome int

const (
	importRefused importOutcome = iota
	importAdded
	importChanged
	importUnchanged
)

// importRow is a row on its way in.
type importRow struct {
	Row
	key      string
	hash     string // of key, as suppressions have it
	suppress bool   // the row says "suppressed"
	outcome  importOutcome
	why      error
}

// newImportRow checks what can be checked without the store; why is nil when nothing speaks against the row.
func newImportRow(row Row, digests []string) *importRow {
	r := &importRow{Row: row, why: row.Problem}
	if r.why != nil {
		return r
	}
	r.Address, r.key, r.why = NormalizeAddress(row.Address)
	if r.why != nil {
		r.Address = row.Address
		return r
	}
	switch {
	case row.Digest == "":
		r.why = errors.New("no digest is named")
	case !slices.Contains(digests, row.Digest):
		r.why = fmt.Errorf("there is no digest %q", row.Digest)
	}
	switch row.State {
	case "":
		r.State = SubscriptionConfirmed
	case SubscriptionPending, SubscriptionConfirmed, SubscriptionUnsubscribed:
	case SubscriptionSuppressed:
		r.State, r.suppress = SubscriptionUnsubscribed, true
	default:
		r.why = fmt.Errorf("there is no state %q (pending, confirmed, unsubscribed, suppressed)", row.State)
	}
	return r
}

// importBatch stores a batch. Its statements take many rows at once, because a statement for each row takes several times
// as long.
func (s *Store) importBatch(ctx context.Context, batch []*importRow, keys digest.Keys) error {
	good := slices.DeleteFunc(slices.Clone(batch), func(r *importRow) bool { return r.why != nil })
	if len(good) == 0 {
		return nil
	}
	for _, r := range good {
		r.hash = keys.Hash(digest.HashSuppression, r.key)
	}
	return s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		suppressed, err := importSuppressions(ctx, tx, good, now)
		if err != nil {
			return err
		}
		known, err := importPeople(ctx, tx, good)
		if err != nil {
			return err
		}
		for _, r := range good {
			r.decide(suppressed[r.key], known, now)
		}
		return writeImport(ctx, tx, good, known)
	})
}

// importKnown is what the store knows of the people in a batch.
type importKnown struct {
	ids           map[string]int64 // of subscribers, by key
	subscriptions map[importKey]importState
}

// importKey names a subscription before its subscriber has a row.
type importKey struct{ key, digest string }

type importState struct {
	state SubscriptionState
	ended time.Time
}

// decide settles what becomes of a row, and notes it in known for the rows behind it.
func (r *importRow) decide(suppressed Reason, known importKnown, now time.Time) {
	at := importKey{r.key, r.Digest}
	old := known.subscriptions[at]
	leaves := r.State == SubscriptionUnsubscribed
	switch {
	case suppressed != "" && !leaves:
		r.why = &SuppressedError{Address: r.Address, Reason: suppressed}
		return
	case old.state == r.State, old.state == SubscriptionConfirmed && !leaves:
		r.outcome = importUnchanged
		return
	case !old.ended.IsZero() && !leaves:
		r.why = &UnsubscribedError{Address: r.Address, Digest: r.Digest, Ended: old.ended}
		return
	case old.state == "":
		r.outcome = importAdded
	default:
		r.outcome = importChanged
	}
	if r.Created.IsZero() {
		r.Created = now
	}
	if r.State == SubscriptionConfirmed && r.Confirmed.IsZero() {
		r.Confirmed = now
	}
	switch {
	case r.State == SubscriptionConfirmed:
		r.Ended = time.Time{}
	case leaves && r.Ended.IsZero():
		r.Ended = now
	}
	known.subscriptions[at] = importState{r.State, r.Ended}
}

// importSuppressions suppresses whom the rows say so of, and gives the reasons of all in the batch who are, by key.
func importSuppressions(ctx context.Context, tx *sql.Tx, batch []*importRow, now time.Time) (map[string]Reason, error) {
	for _, r := range batch {
		if !r.suppress {
			continue
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO suppression (hash, reason, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
			r.hash, Dismissed, now.Unix())
		if err != nil {
			return nil, err
		}
	}
	if some, err := anySuppressed(ctx, tx); err != nil || !some {
		return nil, err
	}
	people, hashes := map[string]string{}, make([]string, len(batch))
	for i, r := range batch {
		hashes[i] = r.hash
		people[hashes[i]] = r.key
	}
	reasons := map[string]Reason{}
	_, err := collect(ctx, tx, func(rows *sql.Rows) (struct{}, error) {
		var hash string
		var reason Reason
		err := rows.Scan(&hash, &reason)
		reasons[people[hash]] = reason
		return struct{}{}, err
	}, `SELECT s.hash, s.reason FROM json_each(?) j CROSS JOIN suppression s ON s.hash = j.value`, asJSON(hashes))
	return reasons, err
}

// importPeople reads what is known of the people of a batch.
func importPeople(ctx context.Context, tx *sql.Tx, batch []*importRow) (importKnown, error) {
	known := importKnown{make(map[string]int64, len(batch)), make(map[importKey]importState, len(batch))}
	people := make([]string, len(batch))
	for i, r := range batch {
		people[i] = r.key
	}
	_, err := collect(ctx, tx, func(rows *sql.Rows) (struct{}, error) {
		var id int64
		var key string
		var digest, state sql.NullString
		var ended sql.NullInt64
		err := rows.Scan(&id, &key, &digest, &state, &ended)
		known.ids[key] = id
		if digest.Valid {
			known.subscriptions[importKey{key, digest.String}] = importState{SubscriptionState(state.String), fromUnix(ended)}
		}
		return struct{}{}, err
	}, `SELECT s.id, s.key, n.digest, n.state, n.ended FROM json_each(?) j CROSS JOIN subscriber s ON s.key = j.value
		LEFT JOIN subscription n ON n.subscriber = s.id`, asJSON(people))
	return known, err
}

// writeImport stores the rows that were decided to be stored. Of two about one subscription the later one stands.
func writeImport(ctx context.Context, tx *sql.Tx, batch []*importRow, known importKnown) error {
	var last int64
	err := tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'subscriber'`).Scan(&last)
	if err != nil {
		return err
	}
	var subscribers, subscriptions [][]any
	for _, r := range batch {
		if r.outcome != importAdded && r.outcome != importChanged {
			continue
		}
		id, ok := known.ids[r.key]
		if !ok {
			last++
			id = last
			known.ids[r.key] = id
			subscribers = append(subscribers, []any{id, r.Address, r.key, r.hash, r.Created.Unix()})
		}
		subscriptions = append(subscriptions, []any{id, r.Digest, r.State, originImport, r.Created.Unix(), toUnix(r.Confirmed), toUnix(r.Ended)})
	}
	err = insertRows(ctx, tx, `INSERT INTO subscriber (id, address, key, hash, created) VALUES `, ``, subscribers)
	if err != nil {
		return err
	}
	err = insertRows(ctx, tx, `INSERT INTO subscription (subscriber, digest, state, origin, created, confirmed, ended) VALUES `,
		` ON CONFLICT (subscriber, digest) DO UPDATE SET state = excluded.state, confirmed = coalesce(excluded.confirmed, confirmed),
			ended = excluded.ended, nonce = ''`, subscriptions)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE confirmation SET next = NULL WHERE next IS NOT NULL AND EXISTS (SELECT 1 FROM subscription n
		WHERE n.subscriber = confirmation.subscriber AND n.digest = confirmation.digest AND n.state <> 'pending')`)
	return err
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

// Export calls f with every subscription, by subscriber and digest: the inverse of Import. It holds one at a time.
func (s *Store) Export(ctx context.Context, f func(Row) error) error {
	line := 1
	return s.Subscribers(ctx, SubscriberFilter{}, func(sub Subscriber) error {
		for _, n := range sub.Subscriptions {
			line++
			row := Row{Line: line, Address: sub.Address, Digest: n.Digest, State: n.State, Created: n.Created, Confirmed: n.Confirmed, Ended: n.Ended}
			if sub.Suppressed != "" {
				row.State = SubscriptionSuppressed
			}
			if err := f(row); err != nil {
				return err
			}
		}
		return nil
	})
}
