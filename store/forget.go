package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"linkletter/feed/digest"
)

// Forget deletes a subscriber, with everything that is stored about them; a keyed hash stays, which tells that they left
// (Left, or the reason that it had before), so that no import and no operator brings them back by mistake. The deliveries'
// states go on in their issues' counts: what was to be sent as suppressed, what was on the wire as in doubt. Nobody who is
// not stored is no error. Old copies of what was deleted stand in the database file until Cleanse.
func (s *Store) Forget(ctx context.Context, subscriber int64) error {
	keys, err := s.keys(ctx)
	if err == nil {
		err = s.erasing(ctx, func(tx *sql.Tx, now time.Time) error { return forget(ctx, tx, keys, subscriber, now) })
	}
	if err != nil {
		return fmt.Errorf("forgetting a subscriber: %w", err)
	}
	return nil
}

// ForgetAddress is Forget by an address, however it is written. Where it is not known, its hash is kept all the same, and
// known is false.
func (s *Store) ForgetAddress(ctx context.Context, address string) (known bool, err error) {
	_, key, err := NormalizeAddress(address)
	if err != nil {
		return false, err
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return false, err
	}
	err = s.erasing(ctx, func(tx *sql.Tx, now time.Time) error {
		var id int64
		err := tx.QueryRowContext(ctx, `SELECT id FROM subscriber WHERE key = ?`, key).Scan(&id)
		if known = err == nil; known {
			return forget(ctx, tx, keys, id, now)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return forgetKey(ctx, tx, keys, key, key, now)
	})
	if err != nil {
		return false, fmt.Errorf("forgetting an address: %w", err)
	}
	return known, nil
}

// ForgetMe does ActForget. The error is ErrStale or the database's.
func (s *Store) ForgetMe(ctx context.Context, confirmation int64, nonce string) error {
	keys, err := s.keys(ctx)
	if err != nil {
		return err
	}
	err = s.erasing(ctx, func(tx *sql.Tx, now time.Time) error {
		a, err := use(ctx, tx, ActForget, confirmation, nonce, now)
		if err != nil {
			return err
		}
		return forget(ctx, tx, keys, a.Subscriber, now)
	})
	if err != nil {
		return fmt.Errorf("forgetting a subscriber: %w", err)
	}
	return nil
}

func forget(ctx context.Context, tx *sql.Tx, keys digest.Keys, subscriber int64, now time.Time) error {
	var address, key string
	err := tx.QueryRowContext(ctx, `SELECT address, key FROM subscriber WHERE id = ?`, subscriber).Scan(&address, &key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := erase(ctx, tx, keys, subscriber, now); err != nil {
		return err
	}
	return forgetKey(ctx, tx, keys, address, key, now)
}

// forgetKey does what is to be done about an address that nobody has any more.
func forgetKey(ctx context.Context, tx *sql.Tx, keys digest.Keys, address, key string, now time.Time) error {
	if err := forgetMentions(ctx, tx, keys, address, key, now); err != nil {
		return err
	}
	if err := suppress(ctx, tx, keys.Hash(digest.HashSuppression, key), Left, now); err != nil {
		return err
	}
	return markUnclean(ctx, tx)
}

// aboutPeople are the tables whose rows are one subscriber's.
var aboutPeople = []string{"delivery", "bounce", "choice", "confirmation", "subscription"}

// erase deletes a subscriber and all rows about them, in the right order: nothing checks it on the connection of erasing.
func erase(ctx context.Context, tx *sql.Tx, keys digest.Keys, subscriber int64, now time.Time) error {
	if err := countErased(ctx, tx, subscriber); err != nil {
		return err
	}
	err := countAnonymously(ctx, tx, keys, now, `subscriber = ?`, subscriber)
	if err != nil {
		return err
	}
	for _, table := range aboutPeople {
		query := `DELETE FROM ` + table + ` WHERE subscriber = ?`
		if table == "delivery" { // which has an index by issue first
			query += ` AND issue IN (SELECT id FROM issue)`
		}
		if _, err := tx.ExecContext(ctx, query, subscriber); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM subscriber WHERE id = ?`, subscriber)
	return err
}

// countAnonymously makes mails that asked something rows that say nothing but how many went to the same address in the last day:
// who forgets themselves, or an address of theirs, must not be able to have any number of mails sent to somebody else.
func countAnonymously(ctx context.Context, tx *sql.Tx, keys digest.Keys, now time.Time, where string, args ...any) error {
	type row struct {
		id  int64
		key string
	}
	rows, err := collect(ctx, tx, func(rows *sql.Rows) (r row, err error) {
		err = rows.Scan(&r.id, &r.key)
		return r, err
	}, `SELECT id, key FROM confirmation WHERE subscriber IS NOT NULL AND created > ? AND `+where, append([]any{now.Add(-signUpMemory).Unix()}, args...)...)
	if err != nil {
		return err
	}
	for _, r := range rows {
		_, err := tx.ExecContext(ctx, `UPDATE confirmation SET subscriber = NULL, kind = 'subscribe', digest = '', address = '', key = ?, nonce = '', origin = '',
			next = NULL, sent = NULL, error = '' WHERE id = ?`, keys.Hash(digest.HashSuppression, r.key), r.id)
		if err != nil {
			return err
		}
	}
	return nil
}

// countErased adds the states of a subscriber's deliveries to what their issues know of rows that are gone.
func countErased(ctx context.Context, tx *sql.Tx, subscriber int64) error {
	type row struct {
		issue int64
		state digest.State
	}
	rows, err := collect(ctx, tx, func(rows *sql.Rows) (r row, err error) {
		err = rows.Scan(&r.issue, &r.state)
		return r, err
	}, `SELECT issue, state FROM delivery WHERE subscriber = ? AND issue IN (SELECT id FROM issue)`, subscriber)
	if err != nil {
		return err
	}
	for _, r := range rows {
		switch r.state {
		case digest.Pending, digest.Claimed, digest.Deferred:
			r.state = digest.Suppressed
		case digest.Committing: // nobody waits for the reply any more
			r.state = digest.InDoubt
		}
		if err := addPruned(ctx, tx, r.issue, map[digest.State]int{r.state: 1}); err != nil {
			return err
		}
	}
	return nil
}

// addPruned adds to what an issue knows of deliveries whose rows are gone.
func addPruned(ctx context.Context, tx *sql.Tx, issue int64, states map[digest.State]int) error {
	var known []byte
	if err := tx.QueryRowContext(ctx, `SELECT pruned FROM issue WHERE id = ?`, issue).Scan(&known); err != nil {
		return err
	}
	counts := map[digest.State]int{}
	if err := json.Unmarshal(known, &counts); err != nil {
		return err
	}
	for state, n := range states {
		counts[state] += n
	}
	all, err := json.Marshal(counts)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE issue SET pruned = ? WHERE id = ?`, string(all), issue)
	return err
}

// forgetMentions deletes what others have to do with an address: mails that ask whether it shall become theirs, and what
// servers said of it in answers that are kept beside no delivery.
func forgetMentions(ctx context.Context, tx *sql.Tx, keys digest.Keys, address, key string, now time.Time) error {
	type row struct {
		id           int64
		address, key string
	}
	rows, err := collect(ctx, tx, func(rows *sql.Rows) (r row, err error) {
		err = rows.Scan(&r.id, &r.address, &r.key)
		return r, err
	}, `SELECT id, address, key FROM confirmation`)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.key != key && strings.Map(lower, r.address) != key {
			continue
		}
		if err := countAnonymously(ctx, tx, keys, now, `id = ?`, r.id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM confirmation WHERE id = ? AND subscriber IS NOT NULL`, r.id); err != nil {
			return err
		}
	}
	for _, column := range []struct{ table, name string }{
		{"trouble", "text"}, {"request", "result"}, {"request", "error"}, {"issue", "reason"}, {"bounce", "reply"}, {"confirmation", "error"},
	} {
		for _, written := range slices.Compact([]string{address, key}) {
			_, err := tx.ExecContext(ctx, `UPDATE `+column.table+` SET `+column.name+` = replace(`+column.name+`, ?1, '(forgotten)')
				WHERE instr(`+column.name+`, ?1) > 0`, written)
			if err != nil {
				return fmt.Errorf("table %s: %w", column.table, err)
			}
		}
	}
	return nil
}
