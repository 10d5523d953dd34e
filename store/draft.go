package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"linkletter/feed/digest"
)

// ErrNothingLeft says that all entries of a draft are hidden or left their lists.
var ErrNothingLeft = errors.New("nothing is left of the draft")

// Render makes the parts of an issue with its editor's note. It runs under the database's write lock and must not use the store.
type Render func(i *digest.Issue, note string) (Parts, error)

func draftWaits(ctx context.Context, q querier, id string) (waits bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM issue WHERE digest = ? AND state = 'draft')`, id).Scan(&waits)
	return waits, err
}

// UntoldDrafts gives the drafts that are to be mailed to the operator, the oldest first.
func (s *Store) UntoldDrafts(ctx context.Context) ([]*Issue, error) {
	found, err := s.issues(ctx, `state = 'draft' AND told IS NULL ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("looking for drafts: %w", err)
	}
	return found, nil
}

// Told records that a draft was mailed to the operator as it was read. One whose note changed since is still to be mailed.
func (s *Store) Told(ctx context.Context, draft *Issue) error {
	_, err := s.db.ExecContext(ctx, `UPDATE issue SET told = ? WHERE id = ? AND note = ?`, s.now().Unix(), draft.Ref, draft.Note)
	if err != nil {
		return fmt.Errorf("recording that issue %d of digest %s was mailed to the operator: %w", draft.Number, draft.Digest, s.explain(err))
	}
	return nil
}

// SetNote gives a draft another editor's note, renders it anew, and has it mailed to the operator again. It fails with a
// *WrongStateError when the issue is no draft.
func (s *Store) SetNote(ctx context.Context, ref int64, note string, render Render) error {
	return s.changeDraft(ctx, "noting on", ref, func(tx *sql.Tx, i *Issue, _ time.Time) error {
		parts, err := render(i.Issue, note)
		if err != nil {
			return fmt.Errorf("rendering: %w", err)
		}
		_, err = tx.ExecContext(ctx, `UPDATE issue SET note = ?, told = NULL, subject = ?, text = ?, html = ? WHERE id = ?`,
			note, parts.Subject, parts.Text, parts.HTML, ref)
		return err
	})
}

// Approve makes a draft the issue that is sent: without the entries that were hidden or left their lists since, which a
// coming issue may hold if they come back; dated now, and for everybody who is to get it now. It fails with a
// *WrongStateError when the issue is no draft, and with ErrNothingLeft.
func (s *Store) Approve(ctx context.Context, ref int64, render Render) error {
	return s.changeDraft(ctx, "approving", ref, func(tx *sql.Tx, i *Issue, now time.Time) error {
		if err := dropUnwanted(ctx, tx, i); err != nil {
			return err
		}
		if i.Len() == 0 {
			return ErrNothingLeft
		}
		i.Frozen, i.Date = now, now.In(i.Date.Location())
		parts, err := render(i.Issue, i.Note)
		if err != nil {
			return fmt.Errorf("rendering: %w", err)
		}
		content, err := json.Marshal(i.Issue)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE issue SET state = 'sending', frozen = ?, subject = ?, content = ?, text = ?, html = ? WHERE id = ?`,
			now.Unix(), parts.Subject, string(content), parts.Text, parts.HTML, ref)
		if err != nil {
			return err
		}
		return insertDeliveries(ctx, tx, i)
	})
}

func (s *Store) changeDraft(ctx context.Context, doing string, ref int64, change func(tx *sql.Tx, i *Issue, now time.Time) error) error {
	err := s.tx(ctx, func(tx *sql.Tx, now time.Time) error {
		found, err := collect(ctx, tx, scanIssue, `SELECT `+issueColumns+` FROM issue WHERE id = ?`, ref)
		switch {
		case err != nil:
			return err
		case len(found) == 0:
			return ErrNotFound
		case found[0].State != IssueDraft:
			return &WrongStateError{found[0].State}
		}
		return change(tx, found[0], now)
	})
	if err != nil {
		return fmt.Errorf("%s the issue in row %d: %w", doing, ref, err)
	}
	return nil
}

// dropUnwanted takes the entries out of a draft that were hidden or left their lists.
func dropUnwanted(ctx context.Context, tx *sql.Tx, i *Issue) error {
	refs, err := collect(ctx, tx, scanInt,
		`DELETE FROM issue_entry WHERE issue = ? AND entry IN (SELECT id FROM entry WHERE hidden IS NOT NULL OR gone IS NOT NULL)
		RETURNING entry`, i.Ref)
	if err != nil {
		return fmt.Errorf("leaving out what is hidden: %w", err)
	}
	for g := range i.Groups {
		i.Groups[g].Items = slices.DeleteFunc(i.Groups[g].Items, func(item digest.Item) bool { return slices.Contains(refs, item.Ref) })
	}
	i.Groups = slices.DeleteFunc(i.Groups, func(g digest.Group) bool { return len(g.Items) == 0 })
	return nil
}
