package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"linkletter/feed"
	"linkletter/feed/curated"
)

// updateHolds opens a row for each thing the guard holds, counts the checks that say so again, and ends the holds that
// no longer stand. Quarantined entries wait for a person, whatever later checks say; and a reading of which nothing was
// taken in says nothing about the other holds.
//
// Where more revisions follow in the same check, it is not one more check that says so.
func updateHolds(ctx context.Context, tx *sql.Tx, list string, holds []curated.Hold, more bool, now time.Time) error {
	standing, checks := map[curated.HoldKind]bool{curated.HoldAdded: true}, 1
	if more {
		checks = 0
	}
	for _, h := range holds {
		standing[h.Kind] = true
		// A second batch of new entries joins the first in quarantine; the other kinds say the same again.
		_, err := tx.ExecContext(ctx, `INSERT INTO hold (list, kind, reason, count, since, checks) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (list, kind) WHERE ended IS NULL DO UPDATE SET reason = excluded.reason, checks = checks + excluded.checks,
				count = excluded.count + CASE kind WHEN 'added' THEN count ELSE 0 END`,
			list, h.Kind, h.Reason, h.Count, now.Unix(), checks)
		if err != nil {
			return err
		}
	}
	if standing[curated.HoldUnreadable] {
		return nil
	}
	for _, kind := range []curated.HoldKind{curated.HoldRemoved, curated.HoldUnreadable} {
		if standing[kind] {
			continue
		}
		if err := endHold(ctx, tx, list, kind, "resolved", now); err != nil {
			return err
		}
	}
	return nil
}

// shrinkQuarantine counts what is left in quarantine, and ends the hold when nothing is.
func shrinkQuarantine(ctx context.Context, tx *sql.Tx, list string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE hold SET count = (SELECT count(*) FROM entry WHERE list = ?1 AND state = 'quarantined')
		WHERE list = ?1 AND kind = 'added' AND ended IS NULL`, list)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE hold SET ended = ?, outcome = 'resolved' WHERE list = ? AND kind = 'added' AND ended IS NULL AND count = 0`,
		now.Unix(), list)
	return err
}

func endHold(ctx context.Context, tx *sql.Tx, list string, kind curated.HoldKind, outcome string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE hold SET ended = ?, outcome = ? WHERE list = ? AND kind = ? AND ended IS NULL`,
		now.Unix(), outcome, list, kind)
	return err
}

// acceptRemovals believes the removals that enough checks in a row have seen.
func acceptRemovals(ctx context.Context, tx *sql.Tx, list string, checks int, now time.Time) (made int, err error) {
	// A removal accepted after its check stands in the change log of the newest snapshot.
	refs, err := collect(ctx, tx, scanInt,
		`SELECT id FROM entry WHERE list = ? AND gone IS NULL AND missing >= ? ORDER BY position, id`, list, checks)
	if err != nil || len(refs) == 0 {
		return 0, err
	}
	dates, err := changeDates(ctx, tx, list, now)
	if err != nil {
		return 0, err
	}
	for _, ref := range refs {
		_, err := tx.ExecContext(ctx, `INSERT INTO change (snapshot, entry, kind, before, at)
			SELECT (SELECT max(id) FROM snapshot WHERE list = e.list), e.id, ?, e.detail, ? FROM entry e WHERE e.id = ?`,
			feed.ChangeRemoved, dates.Give(now).Unix(), ref)
		if err != nil {
			return 0, err
		}
	}
	res, err := tx.ExecContext(ctx, `UPDATE entry SET gone = ?, missing = 0 WHERE list = ? AND gone IS NULL AND missing >= ?`,
		now.Unix(), list, checks)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	if err != nil || n == 0 {
		return 0, err
	}
	return int(n), endHold(ctx, tx, list, curated.HoldRemoved, "accepted", now)
}

// Unchanged records a check that found the same bytes as the one before. It is also one more check that saw a held
// removal stand; believed is how many entries are removed by that. moved is where the source says that it is for good.
func (s *Store) Unchanged(ctx context.Context, list, validators, moved string) (believed int, err error) {
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		_, err := tx.ExecContext(ctx, `UPDATE list SET checked = ?, validators = ?, moved = ?, error = '', error_since = NULL WHERE id = ?`,
			now.Unix(), validators, moved, list)
		if err != nil {
			return err
		}
		if err := endHold(ctx, tx, list, curated.HoldUnreadable, "resolved", now); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE entry SET missing = missing + 1 WHERE list = ? AND missing > 0 AND gone IS NULL`, list)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE hold SET checks = checks + 1 WHERE list = ? AND kind = 'removed' AND ended IS NULL`, list)
		if err != nil {
			return err
		}
		believed, err = acceptRemovals(ctx, tx, list, removalChecks, now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("recording the check of list %s: %w", list, err)
	}
	return believed, nil
}

// Accept ends what the guard holds of a list by believing it: quarantined entries become news now, held removals are
// made. It answers how many entries each was about. A reading that was not understood cannot be accepted, for nothing of
// it was taken in.
func (s *Store) Accept(ctx context.Context, list string) (announced, removed int, err error) {
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		announced, err = release(ctx, tx, list, Announced, now)
		if err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM entry WHERE list = ? AND missing > 0 AND gone IS NULL`, list).Scan(&removed); err != nil {
			return err
		}
		_, err := acceptRemovals(ctx, tx, list, 1, now)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("accepting what is held of list %s: %w", list, err)
	}
	return announced, removed, nil
}

// Dismiss ends a quarantine in silence: its entries are known from now on and never announced. It answers how many.
func (s *Store) Dismiss(ctx context.Context, list string) (dismissed int, err error) {
	err = s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		dismissed, err = release(ctx, tx, list, Silent, now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("dismissing what is held of list %s: %w", list, err)
	}
	return dismissed, nil
}

// release lets a list's quarantined entries out as news or in silence.
func release(ctx context.Context, tx *sql.Tx, list string, as EntryState, now time.Time) (int, error) {
	outcome, announced := "dismissed", sql.NullInt64{}
	if as == Announced {
		at, err := announcing(ctx, tx, now)
		if err != nil {
			return 0, err
		}
		outcome, announced = "accepted", toUnix(at)
	}
	res, err := tx.ExecContext(ctx, `UPDATE entry SET state = ?, announced = ? WHERE list = ? AND state = 'quarantined'`, as, announced, list)
	if err != nil {
		return 0, err
	}
	if err := endHold(ctx, tx, list, curated.HoldAdded, outcome, now); err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}
