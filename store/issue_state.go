package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// WrongStateError says that what was asked for cannot be done to an issue in its state.
type WrongStateError struct {
	State IssueState
}

func (e *WrongStateError) Error() string { return fmt.Sprintf("the issue is %s", e.State) }

// changeIssue takes the issue in a row from one of the states from to another; change is given its transaction. An issue that
// has the state already stays as it is, unless that is among from. It fails with ErrNotFound when there is no such issue, and
// with a *WrongStateError when it is in any other state.
func (s *Store) changeIssue(ctx context.Context, doing string, ref int64, to IssueState, from []IssueState, change func(tx *sql.Tx, now time.Time) error) error {
	err := s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		state, err := issueState(ctx, tx, ref)
		switch {
		case err != nil:
			return err
		case !slices.Contains(from, state) && state == to:
			return nil
		case !slices.Contains(from, state):
			return &WrongStateError{state}
		}
		if err := change(tx, now); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE issue SET state = ? WHERE id = ?`, to, ref)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s the issue in row %d: %w", doing, ref, err)
	}
	return nil
}

func issueState(ctx context.Context, q querier, ref int64) (state IssueState, err error) {
	err = q.QueryRowContext(ctx, `SELECT state FROM issue WHERE id = ?`, ref).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return state, err
}

// Pause stops the delivery of an issue that is being sent, until somebody resumes it, and says why. Deliveries that were
// refused for what we are get another chance then: nobody is to miss the issue for a fault that is not theirs. Once it
// returns, no intent of the issue is recorded any more; a message whose intent was recorded before may still be on its way
// (see OnTheWire).
func (s *Store) Pause(ctx context.Context, ref int64, reason string) error {
	return s.pause(ctx, ref, reason, ForUs)
}

// PauseRefused is Pause because a server refuses most of an issue, whatever it says for a reason: all that it refused gets
// another chance, and addresses that were suppressed for that are written to again.
func (s *Store) PauseRefused(ctx context.Context, ref int64, reason string) error {
	return s.pause(ctx, ref, reason, ForNobody)
}

func (s *Store) pause(ctx context.Context, ref int64, reason string, most RefusedFor) error {
	from := []IssueState{IssueSending, IssuePaused} // more may have been refused since it was paused
	return s.changeIssue(ctx, "pausing", ref, IssuePaused, from, func(tx *sql.Tx, now time.Time) error {
		_, err := tx.ExecContext(ctx, `UPDATE issue SET reason = ? WHERE id = ? AND state = 'sending'`, reason, ref)
		if err != nil {
			return err
		}
		if most == ForNobody {
			_, err = tx.ExecContext(ctx, `DELETE FROM suppression WHERE reason = 'bounce' AND hash IN (SELECT s.hash FROM delivery d
				JOIN subscriber s ON s.id = d.subscriber WHERE d.issue = ? AND d.state = 'failed' AND d.policy = ?)`, ref, ForNobody)
			if err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE delivery SET state = CASE WHEN message IS NULL THEN 'deferred' ELSE 'in_doubt' END,
			next = ?, policy = 0 WHERE issue = ? AND state = 'failed' AND policy BETWEEN 1 AND ?`, now.Unix(), ref, most)
		return err
	})
}

// Resume lets the delivery of a paused issue go on.
func (s *Store) Resume(ctx context.Context, ref int64) error {
	return s.changeIssue(ctx, "resuming", ref, IssueSending, []IssueState{IssuePaused}, func(tx *sql.Tx, _ time.Time) error {
		_, err := tx.ExecContext(ctx, `UPDATE issue SET reason = '' WHERE id = ?`, ref)
		return err
	})
}

// Cancel ends an issue, says why, and keeps its number and its period. What was not sent never is; what is in doubt stays
// so, by name, and is not tried again; what is on the wire ends as it ends (see OnTheWire). An issue that nobody can have
// got gives its entries back, and they wait for the next.
func (s *Store) Cancel(ctx context.Context, ref int64, reason string) error {
	from := []IssueState{IssueDraft, IssueSending, IssuePaused}
	return s.changeIssue(ctx, "cancelling", ref, IssueCancelled, from, func(tx *sql.Tx, now time.Time) error {
		_, err := tx.ExecContext(ctx, `UPDATE issue SET reason = ?, finished = ? WHERE id = ?`, reason, now.Unix(), ref)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE delivery SET state = CASE WHEN message IS NULL THEN 'cancelled' ELSE 'in_doubt' END,
			owner = '', lease = NULL, next = 0, updated = ?2, reply = CASE WHEN reply = '' THEN 'not sent: ' || ?3 ELSE reply END
			WHERE issue = ?1 AND state IN ('pending', 'claimed', 'deferred')`, ref, now.Unix(), reason)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE delivery SET next = 0 WHERE issue = ? AND state = 'in_doubt'`, ref)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM issue_entry WHERE issue = ?1 AND NOT EXISTS (SELECT 1 FROM delivery
			WHERE issue = ?1 AND (state IN ('sent', 'in_doubt', 'committing') OR doubts > 0))`, ref)
		return err
	})
}

// OnTheWire counts the messages of an issue whose end is going out or went out, and whose reply is not recorded yet.
func (s *Store) OnTheWire(ctx context.Context, ref int64) (int, error) {
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM delivery WHERE issue = ? AND state = 'committing'`, ref).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting what is on the wire: %w", err)
	}
	return n, nil
}
